/* SPDX-License-Identifier: MIT */
#include "proxy/mysql_ledger.h"

#include <errno.h>
#include <string.h>

#include "base/buf.h"
#include "base/log.h"
#include "board/board.h"
#include "board/metric.h"

enum {
    LABELS = 3, /* listener, user, schema */
    NUMBER_SPACE = 8,
};

/* --- families ------------------------------------------------------------- */

/* A family with the first LABEL_COUNT of listener, user, schema, number. */
static int
open_family(struct metric_table *table, enum metric_kind kind, const char *name,
            const char *help, unsigned label_count)
{
    const struct metric_conf conf = {
        .kind = kind,
        .name = str_from(name),
        .help = str_from(help),
        .label_count = label_count,
        .labels = {STR("listener"), STR("user"), STR("schema"), STR("number")},
        .series_max = MYSQL_LEDGER_SERIES_MAX,
    };
    int family = metric_open(table, &conf);

    if (family == METRIC_NONE)
        log_warn("no metric %s: %s", name,
                 errno == ENOSPC ? "there are too many"
                                 : "a script has another one of that name");
    return family;
}

static void
open_families(struct mysql_families *f, struct metric_table *table)
{
    f->open = true;
    f->sessions =
        open_family(table, METRIC_GAUGE, "moongate_mysql_sessions",
                    "Visible MySQL sessions that are logged in.", LABELS);
    f->begun = open_family(
        table, METRIC_COUNTER, "moongate_mysql_sessions_total",
        "Logins to visible MySQL sessions, changes of user included.", LABELS);
    f->queries =
        open_family(table, METRIC_COUNTER, "moongate_mysql_queries_total",
                    "Statements that visible MySQL sessions sent.", LABELS);
    f->transactions = open_family(
        table, METRIC_COUNTER, "moongate_mysql_transactions_total",
        "Transactions of visible MySQL sessions that have ended.", LABELS);
    f->errors =
        open_family(table, METRIC_COUNTER, "moongate_mysql_errors_total",
                    "Errors answered to visible MySQL sessions.", LABELS + 1);
    f->blind = open_family(
        table, METRIC_COUNTER, "moongate_mysql_blind_total",
        "MySQL sessions that were to be visible and were not, or no more.", 1);
}

/* --- series --------------------------------------------------------------- */

/* The cell of a family's series; NULL: it has no room. */
static double *
find_cell(const struct mysql_ledger *l, int family,
          const struct metric_values *values)
{
    int cell;

    if (family == METRIC_NONE)
        return NULL;
    cell = metric_series(l->table, family, values);
    return cell == METRIC_NONE ? NULL : l->cells + cell;
}

void
mysql_ledger_init(struct mysql_ledger *l, struct mysql_families *families,
                  struct board *board, unsigned worker, struct str listener)
{
    *l = (struct mysql_ledger){
        .table = board->metrics,
        .families = families,
        .listener = listener,
    };
    if (l->table == NULL)
        return;
    l->cells = metric_cells(l->table, worker);
    if (!families->open)
        open_families(families, l->table);
}

void
mysql_ledger_leave(struct mysql_ledger *l)
{
    if (l->sessions != NULL)
        *l->sessions -= 1;
    l->sessions = l->queries = l->transactions = NULL;
}

void
mysql_ledger_enter(struct mysql_ledger *l, struct str user, struct str schema,
                   bool anew)
{
    const struct metric_values values = {.at = {l->listener, user, schema}};

    mysql_ledger_leave(l);
    if (l->table == NULL)
        return;
    l->sessions = find_cell(l, l->families->sessions, &values);
    l->queries = find_cell(l, l->families->queries, &values);
    l->transactions = find_cell(l, l->families->transactions, &values);
    mysql_ledger_add(l->sessions);
    if (anew)
        mysql_ledger_add(find_cell(l, l->families->begun, &values));
}

void
mysql_ledger_error(struct mysql_ledger *l, struct str user, struct str schema,
                   uint16_t number)
{
    struct metric_values values = {.at = {l->listener, user, schema}};
    char space[NUMBER_SPACE];
    struct buf text;

    if (l->table == NULL)
        return;
    buf_init(&text, space, sizeof(space));
    buf_uint(&text, number);
    values.at[LABELS] = buf_text(&text);
    mysql_ledger_add(find_cell(l, l->families->errors, &values));
}

void
mysql_ledger_blind(struct mysql_ledger *l)
{
    const struct metric_values values = {.at = {l->listener}};

    if (l->table != NULL)
        mysql_ledger_add(find_cell(l, l->families->blind, &values));
}
