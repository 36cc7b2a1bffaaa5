/* SPDX-License-Identifier: MIT */
/*
 * One message is one packet: two numbers in the machine's own order, since both
 * ends are the same program, a text that may be empty, and perhaps a descriptor
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
    char bytes[CMSG_SPACE(sizeof(int))];
};

int
message_open(int pair[2])
{
    return socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_NONBLOCK | SOCK_CLOEXEC, 0,
                      pair);
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

    if (m->fd >= 0) {
        struct cmsghdr *c;

        head.msg_control = extra.bytes;
        head.msg_controllen = sizeof(extra.bytes);
        c = CMSG_FIRSTHDR(&head);
        c->cmsg_level = SOL_SOCKET;
        c->cmsg_type = SCM_RIGHTS;
        c->cmsg_len = CMSG_LEN(sizeof(int));
        memcpy(CMSG_DATA(c), &m->fd, sizeof(int));
    }
    return sendmsg(socket, &head, MSG_NOSIGNAL) < 0 ? -1 : 0;
}

static int
descriptor_of(struct msghdr *head)
{
    struct cmsghdr *c = CMSG_FIRSTHDR(head);
    int fd = -1;

    if (c != NULL && c->cmsg_level == SOL_SOCKET &&
        c->cmsg_type == SCM_RIGHTS && c->cmsg_len == CMSG_LEN(sizeof(int)))
        memcpy(&fd, CMSG_DATA(c), sizeof(int));
    return fd;
}

enum message_result
message_receive(struct message *out, int socket)
{
    static char text[MESSAGE_TEXT_MAX];
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

    if (n < 0 && (errno == EAGAIN || errno == EINTR))
        return MESSAGE_NONE;
    if (n < (ssize_t)sizeof(packet))
        return MESSAGE_CLOSED;
    *out = (struct message){
        .kind = (enum message_kind)packet.kind,
        .arg = packet.arg,
        .fd = descriptor_of(&head),
        .text = str_make(text, (size_t)n - sizeof(packet)),
    };
    return MESSAGE_GOT;
}
