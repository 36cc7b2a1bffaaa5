/* SPDX-License-Identifier: MIT */
#include "proxy/mysql_entry.h"

#include <stdlib.h>

#include "codec/mysql_attribute.h"
#include "net/stream.h"
#include "proxy/capture.h"
#include "proxy/engine.h"
#include "proxy/tcp.h"

enum {
    DRAIN_READS = 16,   /* of what a refused client still sends */
    REFUSAL_MAX = 1024, /* bytes of a packet that refuses */
};

void
mysql_entry_free(struct mysql_session *m)
{
    if (m->entry == NULL)
        return;
    mysql_leg_fini(&m->entry->client);
    mysql_leg_fini(&m->entry->server);
    free(m->entry);
    m->entry = NULL;
}

void
mysql_entry_timer(struct tcp_session *s, uint32_t ms)
{
    loop_start_timer(s->dial.engine->loop, &s->timer, ms);
}

/* --- refusals ------------------------------------------------------------- */

/* What the client has sent and nobody reads would have the kernel reset the
 * connection, and the refusal might be lost. */
static void
drain_client(struct tcp_session *s)
{
    struct engine *engine = s->dial.engine;

    for (int i = 0; i < DRAIN_READS && s->client.readable; i++)
        if (stream_read(&s->client, engine->scratch, ENGINE_SCRATCH) <= 0)
            break;
}

/* Writes a packet before the greeting, in the form of that moment. */
void
mysql_entry_refuse_early(struct tcp_session *s, enum mysql_refusal why,
                         struct str words)
{
    char space[REFUSAL_MAX];
    struct buf out;

    buf_init(&out, space, sizeof(space));
    mysql_refusal_write(&out, why, str_slice(words, 0, MYSQL_WORDS_MAX), 0, 0);
    if (!out.failed && stream_write(&s->client, out.p, out.len) > 0)
        s->down.bytes += out.len;
    drain_client(s);
}

void
mysql_entry_send_last(struct tcp_session *s, struct mysql_entry *e)
{
    e->refused = true;
    if (mysql_leg_flush(&e->client) == 0)
        drain_client(s);
}

/* MariaDB's C library takes the numbers of its own errors from no server: all
 * that it would say of a 2003 is that the packet is malformed. */
static enum mysql_refusal
believable(const struct mysql_entry *e, enum mysql_refusal why)
{
    struct str name =
        mysql_find_attribute(e->login.attributes, STR("_client_name"));

    if (why == MYSQL_REFUSAL_SERVER && str_equal(name, STR("libmariadb")))
        return MYSQL_REFUSAL_FOREIGN;
    return why;
}

void
mysql_entry_refuse(struct tcp_session *s, enum mysql_refusal why,
                   struct str words)
{
    struct mysql_entry *e = mysql_entry_of(s);

    if (e->refused)
        return;
    mysql_refusal_write(&e->client.out, believable(e, why), words,
                        (uint8_t)(e->sequence + 1), mysql_entry_can(e));
    mysql_entry_send_last(s, e);
}

/* The words of the server that would not have us. */
void
mysql_entry_pass_refusal(struct tcp_session *s, struct mysql_entry *e)
{
    mysql_write_err(&e->client.out, (uint8_t)(e->sequence + 1), &e->said,
                    mysql_entry_can(e));
    mysql_entry_send_last(s, e);
}

void
mysql_entry_end(struct tcp_session *s, const char *flags,
                enum mysql_refusal why, const char *words)
{
    if (why == MYSQL_REFUSAL_HANDSHAKE || why == MYSQL_REFUSAL_ORDER)
        capture_session(s, CAPTURE_LOGIN, words);
    mysql_entry_refuse(s, why, str_from(words));
    tcp_close(s, flags, words);
}
