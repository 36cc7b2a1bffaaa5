/* SPDX-License-Identifier: MIT */
#include "app/parcel.h"

#include <errno.h>
#include <unistd.h>

void
parcel_init(struct parcel *p, int socket, enum message_kind kind)
{
    p->socket = socket;
    p->kind = kind;
    p->count = 0;
    buf_init(&p->lines, p->memory, sizeof(p->memory));
}

int
parcel_send(struct parcel *p)
{
    const struct message m = {
        .kind = p->kind,
        .fd = p->count > 0 ? p->fds[0] : -1,
        .more = p->fds + 1,
        .more_count = p->count > 0 ? p->count - 1 : 0,
        .text = buf_text(&p->lines),
    };
    int result = 0;

    if (p->count > 0)
        result = message_send(p->socket, &m);
    p->count = 0;
    buf_reset(&p->lines);
    return result;
}

int
parcel_add(struct parcel *p, int fd, struct str line)
{
    if (line.len >= sizeof(p->memory)) {
        errno = EMSGSIZE;
        return -1;
    }
    if ((p->count == MESSAGE_FDS_MAX ||
         line.len + 1 > sizeof(p->memory) - p->lines.len) &&
        parcel_send(p) < 0)
        return -1;
    p->fds[p->count++] = fd;
    buf_str(&p->lines, line);
    buf_char(&p->lines, '\n');
    return 0;
}

/* The descriptor at place I of those that M has; -1: it has none. */
static int
descriptor_at(const struct message *m, size_t i)
{
    return i == 0 ? m->fd : m->more[i - 1];
}

/* Fewer may have come than there are lines: then the process has no room. */
bool
parcel_next(struct str *line, int *fd, struct parcel_reader *r)
{
    const struct message *m = r->message;

    while (r->next <= m->more_count) {
        int found = descriptor_at(m, r->next++);
        ptrdiff_t end = str_find_char(m->text, '\n', r->from);

        if (found < 0)
            continue;
        if (end >= 0) {
            *line = str_slice(m->text, r->from, (size_t)end);
            *fd = found;
            r->from = (size_t)end + 1;
            return true;
        }
        close(found);
    }
    return false;
}
