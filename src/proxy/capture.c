/* SPDX-License-Identifier: MIT */
/*
 * A head that was refused is no head: where its lines begin and end is a guess.
 * So a value is masked up to the next LF, whatever stands in it, and any other
 * control byte may begin a field's name, too.
 */
#include "proxy/capture.h"

#include <stdio.h>
#include <string.h>

#include "base/addr.h"
#include "base/clock.h"
#include "base/str.h"
#include "config/model.h"
#include "proxy/engine.h"
#include "proxy/listener.h"
#include "proxy/section.h"
#include "proxy/tcp_session.h"
#include "proxy/upstream.h"

enum {
    MASK_NAME_MAX = 48, /* letters of a name that are looked at */
    BINARY_MAX = 16,    /* bytes that are kept of what is not text */
};

_Static_assert((int)SECTION_ROW_NAME <= (int)BOARD_NAME_MAX + 1,
               "a capture has room for a section's name");

/* --- secrets -------------------------------------------------------------- */

struct mask {
    bool at_start; /* of a line */
    bool in_name;
    bool secret;                  /* what follows up to the end of the line */
    char name[MASK_NAME_MAX + 1]; /* its letters, in lower case */
    size_t len;
};

static bool
is_secret_name(const char *name)
{
    static const char *const words[] = {
        "auth",   "cookie",  "token",      "secret",    "passw",
        "apikey", "session", "credential", "signature",
    };

    for (size_t i = 0; i < sizeof(words) / sizeof(*words); i++) {
        if (strstr(name, words[i]) != NULL)
            return true;
    }
    return false;
}

static void
begin_name(struct mask *m)
{
    m->in_name = true;
    m->secret = false;
    m->len = 0;
}

static void
add_to_name(struct mask *m, uint8_t c)
{
    uint8_t lower = c | 0x20;

    if (c == ':' || c == ' ' || c == '\t') {
        m->name[m->len] = '\0';
        m->in_name = false;
        m->secret = is_secret_name(m->name);
    } else if (lower >= 'a' && lower <= 'z' && m->len < MASK_NAME_MAX) {
        m->name[m->len++] = (char)lower;
    }
}

/* What is shown of the next byte. */
static uint8_t
mask_byte(struct mask *m, uint8_t c)
{
    bool blank = c == ' ' || c == '\t';

    if (c == '\n') {
        m->at_start = true;
        m->in_name = false;
        return c;
    }
    if (c < ' ' && !blank) {
        if (!m->secret)
            begin_name(m);
        return c;
    }
    /* A line that begins with a blank goes on with the one before it. */
    if (m->at_start && !(blank && m->secret))
        begin_name(m);
    m->at_start = false;
    if (m->in_name) {
        add_to_name(m, c);
        return c;
    }
    return m->secret ? '*' : c;
}

/* "user:password@" of a target with an authority: where it begins and ends. */
struct userinfo {
    size_t from;
    size_t to;
};

static struct userinfo
find_userinfo(const uint8_t *p, size_t n)
{
    struct userinfo none = {0};
    size_t i = 0;

    while (i + 3 <= n && memcmp(p + i, "://", 3) != 0) {
        if (p[i++] < ' ')
            return none;
    }
    if (i + 3 > n)
        return none;
    i += 3;
    for (size_t k = i; k < n && p[k] > ' ' && p[k] != '/'; k++) {
        if (p[k] == '@')
            return (struct userinfo){.from = i, .to = k};
    }
    return none;
}

/* --- bytes ---------------------------------------------------------------- */

/* Up to and with the first empty line, however its ends are written. */
static size_t
head_len(const uint8_t *p, size_t n)
{
    size_t begun = 0; /* bytes of the present line */

    for (size_t i = 0; i < n; i++) {
        if (p[i] != '\n') {
            begun += p[i] != '\r';
            continue;
        }
        if (begun == 0 && i > 1)
            return i + 1;
        begun = 0;
    }
    return n;
}

/* The window of a message that is longer: the fault is in the middle of it. */
static size_t
window_start(size_t n, int64_t fault)
{
    const size_t most = CAPTURE_BYTES_MAX;
    size_t start;

    if (n <= most || fault < (int64_t)most / 2)
        return 0;
    start = (size_t)fault - most / 2;
    return start > n - most ? n - most : start;
}

static void
copy_text(struct capture *c, const uint8_t *p, size_t n)
{
    struct userinfo info = find_userinfo(p, n);
    struct mask mask = {.at_start = true};
    size_t from = window_start(n, c->fault);

    c->from = from;
    for (size_t i = 0; i < n && i < from + CAPTURE_BYTES_MAX; i++) {
        uint8_t byte = mask_byte(&mask, p[i]);

        if (i >= info.from && i < info.to)
            byte = '*';
        if (i >= from)
            c->bytes[c->len++] = (char)byte;
    }
}

/* No more than shows which protocol it is. */
static void
copy_binary(struct capture *c, const uint8_t *p, size_t n)
{
    c->len = n < BINARY_MAX ? (uint32_t)n : BINARY_MAX;
    memcpy(c->bytes, p, c->len);
}

static void
copy_bytes(struct capture *c, const struct capture_facts *facts)
{
    bool printable = facts->n > 0 && facts->p[0] >= '\n' && facts->p[0] < 0x7f;

    if (facts->kind == CAPTURE_REQUEST || printable)
        copy_text(c, facts->p, head_len(facts->p, facts->n));
    else
        copy_binary(c, facts->p, facts->n);
}

int64_t
capture_fault(capture_read_fn read, const uint8_t *p, size_t n)
{
    size_t taken = 0; /* a beginning that is not refused */
    size_t refused = n;

    while (refused - taken > 1) {
        size_t middle = taken + (refused - taken) / 2;

        if (read(p, middle) < 0)
            refused = middle;
        else
            taken = middle;
    }
    return (int64_t)refused - 1;
}

/* --- the rest ------------------------------------------------------------- */

static void
name_places(struct capture *c, const struct capture_facts *facts)
{
    const struct server *server = facts->server;
    char section[SECTION_ROW_NAME];

    if (facts->section != NULL)
        (void)snprintf(c->section, sizeof(c->section), STR_FMT,
                       STR_ARG(section_row_name(section, facts->section)));
    if (server != NULL)
        (void)snprintf(c->server, sizeof(c->server), STR_FMT "/" STR_FMT,
                       STR_ARG(server->upstream->conf->name),
                       STR_ARG(server->conf->name));
}

void
capture_note(struct engine *engine, const struct capture_facts *facts)
{
    char client[ADDR_TEXT_MAX];
    struct capture c = {
        .at_ms = clock_wall_ms(),
        .fault = facts->fault,
        .total = facts->n,
        .kind = (uint8_t)facts->kind,
    };

    (void)snprintf(c.why, sizeof(c.why), "%s", facts->why);
    (void)snprintf(c.client, sizeof(c.client), "%s",
                   addr_format(facts->client, client, sizeof(client)));
    name_places(&c, facts);
    if (facts->p != NULL)
        copy_bytes(&c, facts);
    captures_add(engine->board, engine->worker, &c);
}

void
capture_session(struct tcp_session *s, enum capture_kind kind, const char *why)
{
    capture_note(s->listener->engine,
                 &(struct capture_facts){
                     .kind = kind,
                     .section = s->section->conf,
                     .server = kind == CAPTURE_MYSQL ? s->flow.server : NULL,
                     .client = &s->client_addr,
                     .why = why,
                     .fault = CAPTURE_NOWHERE,
                 });
}
