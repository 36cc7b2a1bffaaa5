/* SPDX-License-Identifier: MIT */
#include "proxy/mysql_refusal.h"

#include <inttypes.h>
#include <stdatomic.h>
#include <stdio.h>

#include "board/board.h"
#include "codec/mysql_answer.h"
#include "proxy/engine.h"
#include "proxy/upstream.h"

struct error {
    uint16_t number;
    const char *state;
};

static const struct error ERRORS[] = {
    [MYSQL_REFUSAL_FULL] = {1040, "08004"},
    [MYSQL_REFUSAL_HANDSHAKE] = {1043, "08S01"},
    [MYSQL_REFUSAL_DENIED] = {1045, "28000"},
    [MYSQL_REFUSAL_HOST] = {1130, "HY000"},
    [MYSQL_REFUSAL_NOT_READY] = {1047, "08S01"},
    [MYSQL_REFUSAL_SHUTDOWN] = {1053, "08S01"},
    [MYSQL_REFUSAL_ORDER] = {1156, "08S01"},
    [MYSQL_REFUSAL_BROKEN] = {1158, "08S01"},
    [MYSQL_REFUSAL_LATE] = {1159, "08S01"},
    [MYSQL_REFUSAL_TOO_OLD] = {1251, "08004"},
    [MYSQL_REFUSAL_SERVER] = {2003, "HY000"},
    [MYSQL_REFUSAL_FOREIGN] = {1429, "HY000"},
    [MYSQL_REFUSAL_INSECURE] = {3159, "HY000"},
};

void
mysql_refusal_write(struct buf *to, enum mysql_refusal why, struct str words,
                    uint8_t sequence, uint32_t capabilities)
{
    const struct mysql_err err = {
        .number = ERRORS[why].number,
        .state = str_from(ERRORS[why].state),
        .text = words,
    };

    mysql_write_err(to, sequence, &err, capabilities);
}

/* Has a server of UPSTREAM answered its last check, with a no? */
static bool
is_answering(const struct upstream *upstream)
{
    const struct board *board = upstream->engine->board;

    for (unsigned i = 0; i < upstream->server_count; i++) {
        const struct server_row *row =
            &board->servers[upstream->servers[i].row];

        if (atomic_load(&row->check_status) == CHECK_STATUS_L7STS)
            return true;
    }
    return false;
}

static bool
is_not_ready(const struct dial *dial)
{
    const struct upstream *upstream = dial->flow->upstream;

    return upstream->conf->check.kind == CHECK_GALERA && is_answering(upstream);
}

enum mysql_refusal
mysql_refusal_of(const struct dial *dial, enum dial_result result)
{
    switch (result) {
    case DIAL_FULL:
        return MYSQL_REFUSAL_FULL;
    case DIAL_EXPIRED:
        /* With `hold`, it may have waited for a server to come up. */
        if (dial->flow->upstream->conf->hold && is_not_ready(dial))
            return MYSQL_REFUSAL_NOT_READY;
        return MYSQL_REFUSAL_FULL;
    case DIAL_DOWN:
        return is_not_ready(dial) ? MYSQL_REFUSAL_NOT_READY
                                  : MYSQL_REFUSAL_SERVER;
    case DIAL_CONNECTED:
    case DIAL_REFUSED:
    case DIAL_FAILED:
    case DIAL_TIMEOUT:
        break;
    }
    return MYSQL_REFUSAL_SERVER;
}

struct str
mysql_refusal_words(char *space, size_t size, const struct dial *dial,
                    enum mysql_refusal why)
{
    struct str name = dial->flow->upstream->conf->name;
    struct buf words;

    buf_init(&words, space, size);
    switch (why) {
    case MYSQL_REFUSAL_FULL:
        buf_printf(&words,
                   "Too many connections: %s of upstream '" STR_FMT
                   "'; waited %" PRIu64 " ms",
                   dial->reason, STR_ARG(name), dial->flow->queued_us / 1000);
        break;
    case MYSQL_REFUSAL_NOT_READY:
        buf_printf(&words,
                   "WSREP has not yet prepared node for application use: no "
                   "node of upstream '" STR_FMT "' is in sync",
                   STR_ARG(name));
        break;
    default:
        buf_printf(&words,
                   "Can't connect to a server of upstream '" STR_FMT "' (%s)",
                   STR_ARG(name), dial->reason);
        break;
    }
    return buf_text(&words);
}
