/* SPDX-License-Identifier: MIT */
/*
 * Descriptors for a child, several in each message: a socket pair takes a few
 * hundred messages before the other end has read any, and a configuration may
 * have more listeners and logs than that. The message's text has a line for
 * each, which says what it is.
 */
#ifndef APP_PARCEL_H
#define APP_PARCEL_H

#include <stdbool.h>
#include <stddef.h>

#include "app/message.h"
#include "base/buf.h"
#include "base/mem.h"
#include "base/str.h"

struct parcel {
    int socket;
    enum message_kind kind; /* of each message */
    int fds[MESSAGE_FDS_MAX];
    size_t count; /* of them that wait */
    struct buf lines;
    char memory[MESSAGE_TEXT_MAX];
};

/* One for SOCKET, of which nothing was sent. */
void parcel_init(struct parcel *p, int socket, enum message_kind kind);

/* Adds FD, which LINE tells of; sends what there is where it is full. 0, or -1
 * with errno. */
int parcel_add(struct parcel *p, int fd, struct str line) MUST_CHECK;

/* Sends what is left. 0, or -1 with errno. */
int parcel_send(struct parcel *p) MUST_CHECK;

/* What a message has brought, one after the other. */
struct parcel_reader {
    const struct message *message;
    size_t next; /* of its descriptors */
    size_t from; /* of its text: the next line */
};

static inline struct parcel_reader
parcel_open(const struct message *m)
{
    return (struct parcel_reader){.message = m};
}

/* The next one, whose descriptor is the caller's, with its LINE; false: there
 * is none any more. What has no line is closed. */
bool parcel_next(struct str *line, int *fd, struct parcel_reader *r);

#endif
