/* SPDX-License-Identifier: MIT */
#include "app/rows.h"

#include <stdlib.h>
#include <string.h>

#include "base/buf.h"
#include "board/board.h"
#include "board/dict.h"
#include "board/metric.h"
#include "board/queue.h"
#include "board/seats.h"
#include "board/state.h"
#include "proxy/addresses.h"
#include "proxy/section.h"
#include "proxy/server_names.h"
#include "script/scripts.h"

enum {
    SCRIPT_ROWS_SPARE = 256, /* for what a reload or a swap may add */
    SECTION_ROWS_SPARE = 256,
    RING_BYTES = 1 << 20, /* of each worker's log ring */
};

/* What `check` lets pass has room. */
_Static_assert((int)CONFIG_SHARED_MEMORY_MIN >= (int)DICT_BYTES_MIN,
               "dictionaries");
_Static_assert((int)CONFIG_UPSTREAMS_MAX <= (int)BOARD_ROWS_MAX, "upstreams");
_Static_assert((int)CONFIG_SERVERS_MAX <= (int)BOARD_ROWS_MAX, "servers");
_Static_assert(CONFIG_SECTIONS_MAX + SECTION_ROWS_SPARE <= BOARD_ROWS_MAX,
               "sections");
_Static_assert(CONFIG_UPSTREAMS_MAX + CONFIG_SCRIPTS_MAX + SCRIPT_ROWS_SPARE <=
                   BOARD_ROWS_MAX,
               "scripts and policies");

/* --- what is added -------------------------------------------------------- */

static void
note(struct rows_added *added, enum board_kind kind, int row)
{
    added->rows =
        xrealloc(added->rows, (added->count + 1) * sizeof(added->rows[0]));
    added->rows[added->count++] = (struct rows_one){.kind = kind, .row = row};
}

static int
add_server(struct board *board, int upstream, const struct server_conf *conf,
           struct rows_added *added)
{
    int row = board_find_server(board, upstream, conf->name);

    if (row != BOARD_NONE)
        return 0;
    row = board_add_server(board, upstream, conf->name);
    if (row == BOARD_NONE)
        return -1;
    note(added, BOARD_SERVERS, row);
    board_set_server(board, row, conf->address.text, (int32_t)conf->weight,
                     (int32_t)conf->maxconn, conf->backup);
    if (conf->disabled)
        board_set_admin(board, row, SERVER_MAINT);
    return 0;
}

static int
add_upstream(struct board *board, const struct upstream_conf *conf,
             struct rows_added *added)
{
    int row = board_find_upstream(board, conf->name);

    if (row == BOARD_NONE) {
        row = board_add_upstream(board, conf->name);
        if (row == BOARD_NONE)
            return -1;
        note(added, BOARD_UPSTREAMS, row);
    }
    for (size_t i = 0; i < conf->server_count; i++) {
        if (add_server(board, row, &conf->servers[i], added) < 0)
            return -1;
    }
    return 0;
}

/* What does not fit is cut. */
static void
set_listens(struct section_row *row, const struct section_conf *conf)
{
    char text[BOARD_ADDRESS_MAX + 1];
    struct buf listens;

    buf_init(&listens, text, sizeof(text));
    for (size_t i = 0; i < conf->listen_count; i++)
        buf_printf(&listens, "%s" STR_FMT, i == 0 ? "" : " ",
                   STR_ARG(conf->listens[i].address.text));
    if (strncmp(row->listens, text, listens.len) == 0 &&
        row->listens[listens.len] == '\0')
        return;
    memset(row->listens, 0, sizeof(row->listens));
    memcpy(row->listens, text, listens.len);
}

static int
add_section(struct board *board, const struct section_conf *conf,
            struct rows_added *added)
{
    char name[SECTION_ROW_NAME];
    struct str text = section_row_name(name, conf);
    int row = board_find_section(board, text);

    if (row != BOARD_NONE)
        return 0;
    row = board_add_section(board, text);
    if (row == BOARD_NONE)
        return -1;
    note(added, BOARD_SECTIONS, row);
    atomic_store(&board->sections[row].max_connections,
                 (int32_t)conf->max_connections);
    set_listens(&board->sections[row], conf);
    return 0;
}

static int
add_script(void *arg, struct board *board, struct str name)
{
    int row = board_find_script(board, name);

    if (row != BOARD_NONE)
        return 0;
    row = board_add_script(board, name);
    if (row == BOARD_NONE)
        return -1;
    note(arg, BOARD_SCRIPTS, row);
    return 0;
}

/* A server whose name has no address is down, whether it is checked or not. */
static void
set_addresses(struct board *board, int row, const struct server_conf *conf,
              const struct addresses *addresses)
{
    struct addr addrs[BOARD_ADDRS_MAX];
    unsigned count =
        addresses_known(addresses, addrs, BOARD_ADDRS_MAX, &conf->address);

    board_set_addresses(board, row, addrs, count);
    if (count == 0)
        board_set_up(board, row, false, STR(SERVER_NAMES_UNKNOWN));
}

int
rows_add(struct board *board, const struct config *config,
         struct rows_added *added)
{
    for (size_t i = 0; i < config->upstream_count; i++) {
        if (add_upstream(board, &config->upstreams[i], added) < 0)
            return -1;
    }
    for (size_t i = 0; i < config->section_count; i++) {
        if (add_section(board, &config->sections[i], added) < 0)
            return -1;
    }
    return scripts_each_row(config, add_script, board, added);
}

void
rows_forget(struct rows_added *added)
{
    free(added->rows);
    *added = (struct rows_added){.count = 0};
}

void
rows_remove(struct board *board, const struct rows_one *one)
{
    switch (one->kind) {
    case BOARD_UPSTREAMS:
        board_remove_upstream(board, one->row);
        return;
    case BOARD_SERVERS:
        board_remove_server(board, one->row);
        return;
    case BOARD_SECTIONS:
        board_remove_section(board, one->row);
        return;
    case BOARD_SCRIPTS:
        board_remove_script(board, one->row);
        return;
    case BOARD_KINDS:
        return;
    }
}

void
rows_undo(struct board *board, struct rows_added *added)
{
    for (size_t i = added->count; i > 0; i--)
        rows_remove(board, &added->rows[i - 1]);
    rows_forget(added);
}

struct board *
rows_open_board(const struct config *config, unsigned workers)
{
    const struct board_limits limits = {
        .workers = workers,
        .vacant = workers,
        .upstreams = CONFIG_UPSTREAMS_MAX,
        .servers = CONFIG_SERVERS_MAX,
        .sections = (unsigned)config->section_count + SECTION_ROWS_SPARE,
        .scripts = scripts_count(config) + SCRIPT_ROWS_SPARE,
        .entries = config->global.max_connections < QUEUE_ENTRIES_MAX
                       ? config->global.max_connections
                       : QUEUE_ENTRIES_MAX,
        .ring_bytes = RING_BYTES,
        .dict_bytes = config->global.shared_memory,
        .series = METRIC_SERIES_MAX,
        .seats = config->global.max_connections < SEATS_MAX
                     ? config->global.max_connections
                     : SEATS_MAX,
    };
    struct board *board = board_open(&limits, MOONGATE_VERSION);
    struct rows_added added = {.count = 0};

    if (board != NULL && rows_add(board, config, &added) < 0) {
        board_close(board);
        board = NULL;
    }
    rows_forget(&added);
    return board;
}

void
rows_set_addresses(struct board *board, const struct config *config,
                   const struct addresses *addresses)
{
    for (size_t i = 0; i < config->upstream_count; i++) {
        const struct upstream_conf *conf = &config->upstreams[i];
        int upstream = board_find_upstream(board, conf->name);

        for (size_t k = 0; k < conf->server_count; k++) {
            const struct server_conf *server = &conf->servers[k];
            int row = board_find_server(board, upstream, server->name);

            set_addresses(board, row, server, addresses);
        }
    }
}

/* --- what another configuration says of those that stay ------------------- */

/* What an administrator has changed at run time stays, unless the line in the
 * file was changed, too. */
static void
change_server(struct board *board, int row, const struct server_conf *before,
              const struct server_conf *now)
{
    int32_t weight = atomic_load(&board->servers[row].weight);

    if (before->weight != now->weight)
        weight = (int32_t)now->weight;
    if (before->weight != now->weight || before->maxconn != now->maxconn ||
        before->backup != now->backup ||
        !str_equal(before->address.text, now->address.text))
        board_set_server(board, row, now->address.text, weight,
                         (int32_t)now->maxconn, now->backup);
    if (before->disabled != now->disabled)
        board_set_admin(board, row,
                        now->disabled ? SERVER_MAINT : SERVER_READY);
}

/* The row may be that of one that was gone, and not quite yet. */
static void
come_back(struct board *board, int row, const struct server_conf *now)
{
    board_set_server(board, row, now->address.text, (int32_t)now->weight,
                     (int32_t)now->maxconn, now->backup);
    if (now->disabled)
        board_set_admin(board, row, SERVER_MAINT);
}

static void
change_servers(struct board *board, const struct config *before,
               const struct upstream_conf *now,
               const struct addresses *addresses)
{
    const struct upstream_conf *twin = config_find_upstream(before, now->name);
    int upstream = board_find_upstream(board, now->name);

    for (size_t k = 0; k < now->server_count; k++) {
        const struct server_conf *server = &now->servers[k];
        const struct server_conf *old =
            twin == NULL ? NULL : upstream_conf_find_server(twin, server->name);
        int row = board_find_server(board, upstream, server->name);

        if (old != NULL)
            change_server(board, row, old, server);
        else
            come_back(board, row, server);
        if (old == NULL || !str_equal(old->address.text, server->address.text))
            set_addresses(board, row, server, addresses);
    }
}

static void
change_sections(struct board *board, const struct config *now)
{
    for (size_t i = 0; i < now->section_count; i++) {
        const struct section_conf *conf = &now->sections[i];
        char name[SECTION_ROW_NAME];
        int row = board_find_section(board, section_row_name(name, conf));

        atomic_store(&board->sections[row].max_connections,
                     (int32_t)conf->max_connections);
        set_listens(&board->sections[row], conf);
    }
}

void
rows_change(struct board *board, const struct config *before,
            const struct config *now, const struct addresses *addresses)
{
    for (size_t i = 0; i < now->upstream_count; i++)
        change_servers(board, before, &now->upstreams[i], addresses);
    change_sections(board, now);
}

static void
apply_upstream(struct board *board, const struct upstream_conf *conf)
{
    int upstream = board_find_upstream(board, conf->name);

    for (size_t i = 0; i < conf->server_count; i++) {
        const struct server_conf *server = &conf->servers[i];
        int row = board_find_server(board, upstream, server->name);

        board_set_server(board, row, server->address.text,
                         (int32_t)server->weight, (int32_t)server->maxconn,
                         server->backup);
        if (!atomic_load(&board->servers[row].removed))
            continue;
        board_set_removed(board, row, false);
        if (server->disabled)
            board_set_admin(board, row, SERVER_MAINT);
    }
}

void
rows_apply(struct board *board, const struct config *config,
           const struct addresses *addresses)
{
    for (size_t i = 0; i < config->upstream_count; i++)
        apply_upstream(board, &config->upstreams[i]);
    change_sections(board, config);
    rows_set_addresses(board, config, addresses);
}
