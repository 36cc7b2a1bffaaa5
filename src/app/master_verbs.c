/* SPDX-License-Identifier: MIT */
#include "app/master_verbs.h"

#include <string.h>

#include "base/log.h"
#include "board/board.h"
#include "board/render_usage.h"
#include "board/usage.h"

enum {
    WORD_MAX = 15,
};

/* What is to stand in usage_table.log_level; -1: TEXT is no level. */
static int
parse_level(uint8_t *out, struct str text)
{
    char word[WORD_MAX + 1] = "";
    enum log_level level;

    if (str_equal(text, STR("configured"))) {
        *out = 0;
        return 0;
    }
    if (text.len > 0 && text.len <= WORD_MAX)
        memcpy(word, text.p, text.len);
    if (log_level_parse(&level, word) < 0)
        return -1;
    *out = (uint8_t)(1 + level);
    return 0;
}

void
master_verb_log(struct buf *answer, struct board *board,
                const struct master_request *request)
{
    struct str lead = STR("level ");
    struct str word =
        str_slice(request->arguments, lead.len, request->arguments.len);
    const char *name;
    uint8_t level;
    bool said;
    bool set;

    if (!str_starts_with(request->arguments, lead) ||
        parse_level(&level, word) < 0) {
        buf_printf(answer,
                   "error \"" STR_FMT "\" is no level: write log level debug, "
                   "info, warn, error or configured\n",
                   STR_ARG(word));
        return;
    }
    /* Whoever makes it quiet is to be found in the log all the same. */
    said = log_is_on(LOG_LEVEL_WARN);
    if (said)
        log_warn("log level is set to " STR_FMT " by " STR_FMT, STR_ARG(word),
                 STR_ARG(request->who));
    atomic_store(&board->usage->log_level, level);
    if (!said)
        log_warn("log level is set to " STR_FMT " by " STR_FMT, STR_ARG(word),
                 STR_ARG(request->who));
    name = render_log_level(board, &set);
    buf_printf(answer,
               request->json ? "ok\n{\"log_level\":\"%s\",\"set\":%s}\n"
                             : "ok\nlog level is %s%s\n",
               name,
               request->json ? (set ? "true" : "false")
                             : (set ? "" : ", as configured"));
}

bool
master_verb_stop(struct buf *answer, bool *graceful,
                 const struct master_request *request)
{
    bool slow = str_equal(request->arguments, STR("graceful"));

    if (!slow && request->arguments.len > 0) {
        buf_printf(answer,
                   "error \"" STR_FMT "\" is no way to stop: write stop or "
                   "stop graceful\n",
                   STR_ARG(request->arguments));
        return false;
    }
    log_info("%s by " STR_FMT,
             slow ? "stopping gracefully: accepting no more connections"
                  : "stopping now",
             STR_ARG(request->who));
    buf_printf(answer,
               request->json ? "ok\n{\"stop\":\"%s\"}\n" : "ok\nstopping %s\n",
               request->json ? (slow ? "graceful" : "now")
                             : (slow ? "gracefully" : "now"));
    *graceful = slow;
    return true;
}
