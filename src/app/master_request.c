/* SPDX-License-Identifier: MIT */
/*
 *     stop json
 *     graceful
 *     uid=0 pid=42
 */
#include "app/master_request.h"

void
master_request_write(struct buf *out, const struct master_request *r)
{
    buf_str(out, r->verb);
    buf_str(out, r->json ? STR(" json\n") : STR(" text\n"));
    buf_str(out, r->arguments);
    buf_char(out, '\n');
    buf_str(out, r->who);
}

/* Up to the next END, which goes too. -1: there is none. */
static int
take(struct str *out, struct str *rest, char end)
{
    ptrdiff_t at = str_find_char(*rest, end, 0);

    if (at < 0)
        return -1;
    *out = str_slice(*rest, 0, (size_t)at);
    *rest = str_slice(*rest, (size_t)at + 1, rest->len);
    return 0;
}

int
master_request_read(struct master_request *out, struct str text)
{
    struct master_request r = {.json = false};
    struct str format;

    if (take(&r.verb, &text, ' ') < 0 || take(&format, &text, '\n') < 0 ||
        take(&r.arguments, &text, '\n') < 0)
        return -1;
    r.json = str_equal(format, STR("json"));
    r.who = text;
    *out = r;
    return 0;
}
