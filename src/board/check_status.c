/* SPDX-License-Identifier: MIT */
#include "board/check_status.h"

struct status_info {
    const char *code;
    bool passed;
    const char *words;
};

#define STATUS_INFO(name, code, passed, words) {code, passed, words},

static const struct status_info infos[] = {CHECK_STATUSES(STATUS_INFO)};

const char *
check_status_code(enum check_status status)
{
    return infos[status].code;
}

const char *
check_status_words(enum check_status status)
{
    return infos[status].words;
}

bool
check_status_is_pass(enum check_status status)
{
    return infos[status].passed;
}
