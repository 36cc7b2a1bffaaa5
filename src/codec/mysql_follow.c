/* SPDX-License-Identifier: MIT */
#include "codec/mysql_follow.h"

#include <string.h>

#include "base/wire.h"
#include "codec/mysql_answer.h"
#include "codec/mysql_cursor.h"

enum {
    PREPARED_LEN = 12,   /* bytes of an OK to COM_PREPARE, without metadata's */
    RESULT_HEAD_MAX = 4, /* bytes of a result's begin, behind a 0: no OK is so
                            short */
};

void
mysql_follow_init(struct mysql_follow *f, uint32_t capabilities,
                  uint32_t mariadb, bool logging_in)
{
    memset(f, 0, sizeof(*f));
    f->capabilities = capabilities;
    f->mariadb = mariadb;
    mysql_framer_init(&f->up);
    mysql_framer_init(&f->down);
    if (logging_in)
        f->commands[f->begun++] = MYSQL_COM_CHANGE_USER;
}

bool
mysql_follow_is_busy(const struct mysql_follow *f)
{
    return f->begun != f->answered || f->in_command || f->in_file ||
           !mysql_framer_is_between(&f->up) ||
           !mysql_framer_is_between(&f->down);
}

static enum mysql_follow_event
lose(struct mysql_follow *f, size_t n, size_t *used)
{
    f->lost = true;
    *used = n;
    return MYSQL_FOLLOW_LOST;
}

/* The command that the server is at; 0: none waits. */
static uint8_t
first(const struct mysql_follow *f)
{
    return f->begun == f->answered
               ? 0
               : f->commands[f->answered % MYSQL_FOLLOW_MAX];
}

/* --- what is sent --------------------------------------------------------- */

static bool
is_answered(uint8_t command)
{
    return command != MYSQL_COM_QUIT && command != MYSQL_COM_LONG_DATA &&
           command != MYSQL_COM_CLOSE;
}

/* Is it the begin of another protocol? */
static bool
is_strange(uint8_t command)
{
    return command == MYSQL_COM_BINLOG_DUMP ||
           command == MYSQL_COM_BINLOG_GTID ||
           command == MYSQL_COM_TABLE_DUMP || command == MYSQL_COM_CLONE ||
           command == MYSQL_COM_GROUP;
}

static enum mysql_follow_event
begin_command(struct mysql_follow *f)
{
    uint8_t command;

    if (f->up.len == 0)
        return MYSQL_FOLLOW_LOST;
    command = f->up.head[0];
    if (is_strange(command) || f->begun - f->answered == MYSQL_FOLLOW_MAX)
        return MYSQL_FOLLOW_LOST;
    if (is_answered(command))
        f->commands[f->begun++ % MYSQL_FOLLOW_MAX] = command;
    f->in_command = true;
    return MYSQL_FOLLOW_COMMAND;
}

/* A packet begins: a command has the number 0, what a plugin is answered has
 * another one. */
static enum mysql_follow_event
begin_sent(struct mysql_follow *f)
{
    if (f->in_file) {
        f->in_file = f->up.len > 0;
        return MYSQL_FOLLOW_OTHER;
    }
    if (f->up.sequence == 0)
        return begin_command(f);
    return first(f) == MYSQL_COM_CHANGE_USER ? MYSQL_FOLLOW_OTHER
                                             : MYSQL_FOLLOW_LOST;
}

enum mysql_follow_event
mysql_follow_sent(struct mysql_follow *f, uint8_t *p, size_t n, size_t *used)
{
    enum mysql_follow_event event;

    *used = n;
    if (f->lost)
        return MYSQL_FOLLOW_MORE;
    switch (mysql_framer_next(&f->up, p, n, used)) {
    case MYSQL_FRAME_MORE:
        return MYSQL_FOLLOW_MORE;
    case MYSQL_FRAME_HEAD:
        event = begin_sent(f);
        return event == MYSQL_FOLLOW_LOST ? lose(f, n, used) : event;
    case MYSQL_FRAME_END:
        break;
    }
    if (!f->in_command)
        return MYSQL_FOLLOW_OTHER;
    f->in_command = false;
    return MYSQL_FOLLOW_COMMAND_END;
}

/* --- what is said --------------------------------------------------------- */

static bool
has(const struct mysql_follow *f, uint32_t capability)
{
    return (f->capabilities & capability) != 0;
}

/* The packet under way ends a result of the command that waits. */
static bool
end_result(struct mysql_follow *f, bool last)
{
    f->is_result = true;
    f->state = MYSQL_FOLLOW_START;
    f->result = (struct mysql_follow_result){
        .command = first(f),
        .last = last,
    };
    return true;
}

/* The same, and says how it went. */
static bool
end_with(struct mysql_follow *f, uint16_t status, bool last)
{
    end_result(f, last || (status & MYSQL_MORE_RESULTS) == 0);
    f->result.told = true;
    f->result.status = status;
    return true;
}

static bool
end_by_ok(struct mysql_follow *f, bool last)
{
    struct mysql_ok ok;

    if (mysql_read_ok(&ok, f->down.head, f->down.head_len) < 0)
        return false;
    return end_with(f, ok.status, last);
}

static bool
end_by_eof(struct mysql_follow *f)
{
    struct mysql_eof eof;

    if (mysql_read_eof(&eof, f->down.head, f->down.head_len) < 0)
        return false;
    return end_with(f, eof.status, false);
}

/* A report of progress is none, and ends nothing. */
static bool
on_error(struct mysql_follow *f)
{
    struct mysql_err err;

    if (mysql_is_progress(f->down.head, f->down.head_len))
        return true;
    if (mysql_read_err(&err, f->down.head, f->down.head_len) < 0)
        return false;
    end_result(f, true);
    f->result.error = err.number;
    return true;
}

/* An EOF or an OK in its form, whichever the two sides have agreed on. */
static bool
is_end(const struct mysql_follow *f)
{
    if (f->down.len == 0 || f->down.head[0] != MYSQL_EOF)
        return false;
    return has(f, MYSQL_CAN_END_BY_OK) ? f->down.len < MYSQL_PACKET_FULL
                                       : f->down.len <= MYSQL_EOF_MAX;
}

static bool
on_end(struct mysql_follow *f)
{
    return has(f, MYSQL_CAN_END_BY_OK) ? end_by_ok(f, false) : end_by_eof(f);
}

/* COUNT packets describe what is behind them. */
static void
expect_columns(struct mysql_follow *f, uint32_t count)
{
    f->left = count;
    if (count > 0)
        f->state = MYSQL_FOLLOW_COLUMNS;
    else
        f->state = has(f, MYSQL_CAN_END_BY_OK) ? MYSQL_FOLLOW_ROWS
                                               : MYSQL_FOLLOW_BREAK;
}

/* How many columns: [described] count [described], as agreed on. */
static bool
on_count(struct mysql_follow *f)
{
    bool described = true;
    struct mysql_cursor c;
    uint64_t count;

    mysql_cursor_init(&c, f->down.head, f->down.head_len);
    if (has(f, MYSQL_CAN_NO_METADATA))
        described = mysql_take_u8(&c) != 0;
    count = mysql_take_lenenc(&c);
    if ((f->mariadb & MYSQL_MARIADB_CACHE) != 0)
        described = mysql_take_u8(&c) != 0;
    if (c.failed || c.left > 0 || count == 0 || count > UINT16_MAX)
        return false;
    expect_columns(f, described ? (uint32_t)count : 0);
    return true;
}

/* The server wants a file.  What the client has sent behind the query would be
 * part of it. */
static bool
on_file(struct mysql_follow *f)
{
    if (f->begun - f->answered > 1 || !mysql_framer_is_between(&f->up))
        return false;
    f->in_file = true;
    return true;
}

/* The first packet of an answer that may have columns and rows. */
static bool
start_rows(struct mysql_follow *f)
{
    uint8_t lead = f->down.head[0];
    bool undescribed =
        has(f, MYSQL_CAN_NO_METADATA) && f->down.len <= RESULT_HEAD_MAX;

    if (lead == MYSQL_OK && !undescribed)
        return end_by_ok(f, false);
    if (lead == MYSQL_LOCAL_INFILE && first(f) == MYSQL_COM_QUERY)
        return on_file(f);
    return lead != MYSQL_EOF && on_count(f);
}

/* A prepared statement's parameters and columns, each list with an EOF behind
 * it where they are used.  The OK has no status. */
static bool
start_prepared(struct mysql_follow *f)
{
    const uint8_t *p = f->down.head;
    uint32_t columns, params, ends;

    if (f->down.len < PREPARED_LEN || p[0] != MYSQL_OK)
        return false;
    columns = wire_get_u16le(p + 5);
    params = wire_get_u16le(p + 7);
    ends = has(f, MYSQL_CAN_END_BY_OK)
               ? 0
               : (columns > 0 ? 1u : 0) + (params > 0 ? 1u : 0);
    if (has(f, MYSQL_CAN_NO_METADATA) && f->down.len > PREPARED_LEN &&
        p[PREPARED_LEN] == 0)
        columns = params = ends = 0;
    f->left = columns + params + ends;
    if (f->left == 0)
        return end_result(f, true);
    f->state = MYSQL_FOLLOW_COLUMNS;
    return true;
}

/* A plugin has more to say, or the login is over. */
static bool
start_login(struct mysql_follow *f)
{
    switch (f->down.head[0]) {
    case MYSQL_OK:
        return end_by_ok(f, true);
    case MYSQL_EOF:
    case MYSQL_MORE_DATA:
        return true;
    }
    return false;
}

/* An answer of one packet. */
static bool
start_plain(struct mysql_follow *f)
{
    switch (f->down.head[0]) {
    case MYSQL_OK:
        return end_by_ok(f, true);
    case MYSQL_EOF:
        return has(f, MYSQL_CAN_END_BY_OK) ? end_result(f, true)
                                           : end_by_eof(f);
    }
    return false;
}

/* The first packet of an answer, no error. */
static bool
start(struct mysql_follow *f)
{
    switch (first(f)) {
    case MYSQL_COM_QUERY:
    case MYSQL_COM_PROCESS_INFO:
    case MYSQL_COM_EXECUTE:
    case MYSQL_COM_BULK:
        return start_rows(f);
    case MYSQL_COM_PREPARE:
        return start_prepared(f);
    case MYSQL_COM_CHANGE_USER:
        return start_login(f);
    case MYSQL_COM_STATISTICS:
        return end_result(f, true);
    case MYSQL_COM_FIELD_LIST:
    case MYSQL_COM_FETCH:
        f->state = MYSQL_FOLLOW_ROWS;
        return is_end(f) ? on_end(f) : true;
    case 0:
        return false;
    }
    return start_plain(f);
}

static bool
on_column(struct mysql_follow *f)
{
    f->left--;
    if (f->left > 0)
        return true;
    if (first(f) == MYSQL_COM_PREPARE)
        return end_result(f, true);
    expect_columns(f, 0);
    return true;
}

/* With a cursor the rows are fetched later. */
static bool
on_break(struct mysql_follow *f)
{
    struct mysql_eof eof;

    if (mysql_read_eof(&eof, f->down.head, f->down.head_len) < 0)
        return false;
    if ((eof.status & MYSQL_CURSOR) != 0)
        return end_with(f, eof.status, false);
    f->state = MYSQL_FOLLOW_ROWS;
    return true;
}

/* A packet begins. false: it is not understood. */
static bool
begin_said(struct mysql_follow *f)
{
    f->is_result = false;
    if (f->down.len == 0)
        return false;
    if (f->down.head[0] == MYSQL_ERR)
        return on_error(f);
    switch (f->state) {
    case MYSQL_FOLLOW_START:
        return start(f);
    case MYSQL_FOLLOW_COLUMNS:
        return on_column(f);
    case MYSQL_FOLLOW_BREAK:
        return on_break(f);
    case MYSQL_FOLLOW_ROWS:
        return is_end(f) ? on_end(f) : true;
    }
    return false;
}

enum mysql_follow_event
mysql_follow_said(struct mysql_follow *f, uint8_t *p, size_t n, size_t *used)
{
    enum mysql_frame frame;
    size_t at = 0, taken;

    *used = n;
    if (f->lost)
        return MYSQL_FOLLOW_MORE;
    do {
        frame = mysql_framer_next(&f->down, p + at, n - at, &taken);
        at += taken;
        if (frame == MYSQL_FRAME_HEAD && !begin_said(f))
            return lose(f, n, used);
        if (frame == MYSQL_FRAME_MORE)
            return MYSQL_FOLLOW_MORE;
    } while (frame != MYSQL_FRAME_END || !f->is_result);
    *used = at;
    f->is_result = false;
    if (f->result.last && f->result.command != 0)
        f->answered++;
    return MYSQL_FOLLOW_RESULT;
}
