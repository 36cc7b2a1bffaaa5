/* SPDX-License-Identifier: MIT */
/*
 * One message is one packet: two numbers in the machine's own order, since both
 * ends are the same program, a text that may be empty, and perhaps descriptors
 * beside them.
 */
#include "app/message.h"

#include <errno.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

struct packet {
    uint32_t kind;
    uint32_t arg;
};

union ancillary {
    struct cmsghdr head; /* for its alignment */
    char bytes[CMSG_SPACE(MESSAGE_FDS_MAX * sizeof(int))];
};

int
message_open(int pair[2])
{
    return socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_NONBLOCK | SOCK_CLOEXEC, 0,
                      pair);
}

/* Puts the descriptors of M beside HEAD, in EXTRA. */
static void
put_descriptors(struct msghdr *head, union ancillary *extra,
                const struct message *m)
{
    size_t size = (1 + m->more_count) * sizeof(int);
    struct cmsghdr *c;

    head->msg_control = extra->bytes;
    head->msg_controllen = CMSG_SPACE(size);
    c = CMSG_FIRSTHDR(head);
    c->cmsg_level = SOL_SOCKET;
    c->cmsg_type = SCM_RIGHTS;
    c->cmsg_len = CMSG_LEN(size);
    memcpy(CMSG_DATA(c), &m->fd, sizeof(int));
    if (m->more_count > 0)
        memcpy(CMSG_DATA(c) + sizeof(int), m->more,
               m->more_count * sizeof(int));
}

int
message_send(int socket, const struct message *m)
{
    struct packet packet = {.kind = m->kind, .arg = m->arg};
    size_t len =
        m->text.len < MESSAGE_TEXT_MAX ? m->text.len : MESSAGE_TEXT_MAX;
    struct iovec iov[] = {
        {.iov_base = &packet, .iov_len = sizeof(packet)},
        {.iov_base = (void *)(uintptr_t)m->text.p, .iov_len = len},
    };
    struct msghdr head = {.msg_iov = iov, .msg_iovlen = len > 0 ? 2 : 1};
    union ancillary extra = {0};

    if (m->more_count >= MESSAGE_FDS_MAX) {
        errno = EINVAL;
        return -1;
    }
    if (m->fd >= 0)
        put_descriptors(&head, &extra, m);
    return sendmsg(socket, &head, MSG_NOSIGNAL) < 0 ? -1 : 0;
}

/* How many came beside HEAD. */
static size_t
take_descriptors(int fds[MESSAGE_FDS_MAX], struct msghdr *head)
{
    struct cmsghdr *c = CMSG_FIRSTHDR(head);
    size_t size;

    if (c == NULL || c->cmsg_level != SOL_SOCKET || c->cmsg_type != SCM_RIGHTS)
        return 0;
    size = c->cmsg_len - CMSG_LEN(0);
    memcpy(fds, CMSG_DATA(c), size);
    return size / sizeof(int);
}

enum message_result
message_receive(struct message *out, int socket)
{
    static char text[MESSAGE_TEXT_MAX];
    static int fds[MESSAGE_FDS_MAX];
    struct packet packet;
    struct iovec iov[] = {
        {.iov_base = &packet, .iov_len = sizeof(packet)},
        {.iov_base = text, .iov_len = sizeof(text)},
    };
    union ancillary extra = {0};
    struct msghdr head = {
        .msg_iov = iov,
        .msg_iovlen = 2,
        .msg_control = extra.bytes,
        .msg_controllen = sizeof(extra.bytes),
    };
    ssize_t n = recvmsg(socket, &head, MSG_CMSG_CLOEXEC);
    size_t count;

    if (n < 0 && (errno == EAGAIN || errno == EINTR))
        return MESSAGE_NONE;
    if (n < (ssize_t)sizeof(packet))
        return MESSAGE_CLOSED;
    count = take_descriptors(fds, &head);
    *out = (struct message){
        .kind = (enum message_kind)packet.kind,
        .arg = packet.arg,
        .fd = count > 0 ? fds[0] : -1,
        .text = str_make(text, (size_t)n - sizeof(packet)),
        .more = fds + 1,
        .more_count = count > 1 ? count - 1 : 0,
    };
    return MESSAGE_GOT;
}

void
message_close(const struct message *m)
{
    if (m->fd >= 0)
        close(m->fd);
    for (size_t i = 0; i < m->more_count; i++)
        close(m->more[i]);
}
