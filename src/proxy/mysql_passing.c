/* SPDX-License-Identifier: MIT */
#include "proxy/mysql_passing.h"

#include <stdlib.h>
#include <string.h>

#include "base/log.h"
#include "base/wire.h"
#include "codec/mysql_greeting.h"
#include "codec/mysql_login.h"
#include "net/buffer.h"
#include "proxy/engine.h"
#include "proxy/mysql_entry.h"
#include "proxy/mysql_retire.h"
#include "proxy/mysql_visible.h"
#include "proxy/section.h"
#include "proxy/tcp_session.h"

enum {
    GREETING_MAX = 1024, /* bytes of a greeting that is looked at */
};

struct mysql_passing {
    struct buf greeting; /* as much of it as has come */
    struct buf login;
    bool greeted;     /* a greeting was read */
    uint32_t can;     /* what the server can do */
    uint32_t mariadb; /* likewise */
};

static struct tcp_session *
session_of_up(struct tcp_pipe *pipe)
{
    return container_of(pipe, struct tcp_session, up);
}

static struct tcp_session *
session_of_down(struct tcp_pipe *pipe)
{
    return container_of(pipe, struct tcp_session, down);
}

void
mysql_passing_free(struct mysql_passing *passing)
{
    if (passing == NULL)
        return;
    buf_fini(&passing->greeting);
    buf_fini(&passing->login);
    free(passing);
}

static void
end(struct mysql_session *m)
{
    mysql_passing_free(m->passing);
    m->passing = NULL;
}

/* --- a packet ------------------------------------------------------------- */

/* Bytes of the packet that HAVE begins with, as far as that is known. */
static size_t
wanted(const struct buf *have)
{
    return have->len < MYSQL_HEADER_LEN
               ? MYSQL_HEADER_LEN
               : MYSQL_HEADER_LEN + wire_get_u24le((const uint8_t *)have->p);
}

static bool
is_whole(const struct buf *have)
{
    return have->len >= MYSQL_HEADER_LEN && have->len == wanted(have);
}

/* Adds to HAVE what belongs to its packet of the N bytes at P: how many. It has
 * failed where the packet is over its limit, or there is no memory. */
static size_t
collect(struct buf *have, const uint8_t *p, size_t n)
{
    size_t at = 0;

    while (at < n && !have->failed && !is_whole(have)) {
        size_t step = wanted(have) - have->len;

        if (step > n - at)
            step = n - at;
        buf_add(have, p + at, step);
        at += step;
        if (have->len >= MYSQL_HEADER_LEN && wanted(have) > have->limit)
            have->failed = true;
    }
    return at;
}

/* --- the login ------------------------------------------------------------ */

/* From here on bytes pass as in [tcp]. */
static void
look_away(struct tcp_session *s)
{
    end(s->guest);
    s->up.sift = NULL;
    s->down.sift = NULL;
}

static void
give_up(struct tcp_session *s, const char *why)
{
    if (s->section->conf->visible)
        mysql_visible_never(s, why);
    look_away(s);
}

/* Keeps the login's bytes in m->login, since names point into them, without the
 * answer to the challenge.  A named error, or 0 without memory. */
static ssize_t
keep_login(struct mysql_session *m, struct mysql_login *login)
{
    struct str bytes = str_slice(buf_text(&m->passing->login), MYSQL_HEADER_LEN,
                                 m->passing->login.len);
    ssize_t got;

    m->login = malloc(bytes.len + 1);
    if (m->login == NULL)
        return 0;
    if (bytes.len > 0)
        memcpy(m->login, bytes.p, bytes.len);
    got = mysql_read_login(login, (const uint8_t *)m->login, bytes.len);
    if (got > 0 && login->answer.len > 0)
        memset(m->login + (login->answer.p - m->login), 0, login->answer.len);
    return got;
}

/* The names are known; what follows is, too, if it is to be. */
static int
follow(struct tcp_session *s, const struct mysql_login *login)
{
    struct mysql_session *m = s->guest;
    const struct mysql_visible_conf conf = {
        .capabilities = login->capabilities & m->passing->can,
        .change_can = login->capabilities & m->passing->can,
        .mariadb = login->mariadb & m->passing->mariadb,
        .logging_in = true,
    };

    if ((login->capabilities & MYSQL_CAN_PROTOCOL_41) == 0) {
        give_up(s, "the client is older than MySQL 4.1");
        return 0;
    }
    if (!m->passing->greeted) {
        give_up(s, "the client spoke first");
        return 0;
    }
    end(m);
    m->visible = mysql_visible_new(s, &conf);
    if (m->visible == NULL)
        return -1;
    s->flow.retire = &mysql_retire;
    return 0;
}

static int
on_login(struct tcp_session *s)
{
    struct mysql_session *m = s->guest;
    struct mysql_login login;

    if (keep_login(m, &login) <= 0) {
        give_up(s, "what the client sent is no login");
        return 0;
    }
    if (login.tls_request) {
        give_up(s, "the client speaks TLS");
        return 0;
    }
    s->flow.user = login.user;
    if (login.schema.len > 0)
        s->flow.schema = login.schema;
    s->flow.program =
        mysql_find_attribute(login.attributes, STR("program_name"));
    if (s->section->conf->visible)
        return follow(s, &login);
    look_away(s);
    return 0;
}

static void
on_greeting(struct tcp_session *s)
{
    struct mysql_session *m = s->guest;
    struct mysql_passing *passing = m->passing;
    struct mysql_greeting greeting;
    const uint8_t *p = (const uint8_t *)passing->greeting.p + MYSQL_HEADER_LEN;
    size_t n = passing->greeting.len - MYSQL_HEADER_LEN;

    if (n > 0 && p[0] == MYSQL_ERR) { /* it does not want the client */
        look_away(s);
        return;
    }
    if (mysql_read_greeting(&greeting, p, n) <= 0) {
        give_up(s, "not the greeting of a MySQL server");
        return;
    }
    m->id = m->thread_id = greeting.thread_id;
    passing->can = greeting.capabilities;
    passing->mariadb = greeting.mariadb;
    passing->greeted = true;
}

/* --- what passes ---------------------------------------------------------- */

static int
pass_up(struct tcp_pipe *pipe, size_t n)
{
    struct tcp_session *s = session_of_up(pipe);
    struct mysql_session *m = s->guest;
    uint8_t *p = pipe->buffer->data;
    size_t at = 0;

    if (m->passing != NULL) {
        at = collect(&m->passing->login, p, n);
        if (m->passing->login.failed)
            give_up(s, "what the client sent is no login");
        else if (is_whole(&m->passing->login) && on_login(s) < 0)
            return -1;
    }
    if (m->visible != NULL) {
        mysql_visible_sent(m->visible, p + at, n - at);
        if (m->visible->blind)
            look_away(s);
    }
    return 0;
}

/* Between its greeting and the login a server has nothing to say. */
static int
pass_down(struct tcp_pipe *pipe, size_t n)
{
    struct tcp_session *s = session_of_down(pipe);
    struct mysql_session *m = s->guest;
    uint8_t *p = pipe->buffer->data;

    if (m->visible != NULL) {
        mysql_visible_said(m->visible, p, n);
        if (m->visible->blind)
            look_away(s);
        return 0;
    }
    if (collect(&m->passing->greeting, p, n) < n || m->passing->greeting.failed)
        give_up(s, "not what a MySQL server says");
    else if (is_whole(&m->passing->greeting))
        on_greeting(s);
    return 0;
}

int
mysql_passing_begin(struct tcp_session *s)
{
    struct mysql_session *m = s->guest;

    m->passing = calloc(1, sizeof(*m->passing));
    if (m->passing == NULL)
        return -1;
    buf_init_growing(&m->passing->greeting, MYSQL_HEADER_LEN + GREETING_MAX);
    buf_init_growing(&m->passing->login, MYSQL_HEADER_LEN + MYSQL_LOGIN_MAX);
    s->up.sift = pass_up;
    if (s->section->conf->visible)
        s->down.sift = pass_down;
    return 0;
}
