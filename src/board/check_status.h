/* SPDX-License-Identifier: MIT */
/*
 * What a health check came to, as one table: a name, HAProxy's code for it (as
 * its statistics show it), whether the check has passed, and the first words of
 * the sentence that says so.
 */
#ifndef BOARD_CHECK_STATUS_H
#define BOARD_CHECK_STATUS_H

#include <stdbool.h>

#define CHECK_STATUSES(X)                                 \
    X(NONE, "", false, "")                                \
    X(SOCKERR, "SOCKERR", false, "Socket error")          \
    X(L4OK, "L4OK", true, "Layer4 check passed")          \
    X(L4TOUT, "L4TOUT", false, "Layer4 timeout")          \
    X(L4CON, "L4CON", false, "Layer4 connection problem") \
    X(L7OK, "L7OK", true, "Layer7 check passed")          \
    X(L7TOUT, "L7TOUT", false, "Layer7 timeout")          \
    X(L7RSP, "L7RSP", false, "Layer7 invalid response")   \
    X(L7STS, "L7STS", false, "Layer7 wrong status")       \
    X(BUSY, "L7TOUT", true, "Layer7 timeout, but live answers came")

#define CHECK_STATUS_NAME(name, code, passed, words) CHECK_STATUS_##name,

enum check_status {
    CHECK_STATUSES(CHECK_STATUS_NAME) /* in the table's order */
};

/* "L7OK"; "" for none yet. */
const char *check_status_code(enum check_status status);

/* "Layer7 check passed"; "" likewise. */
const char *check_status_words(enum check_status status);

bool check_status_is_pass(enum check_status status);

#endif
