/* SPDX-License-Identifier: MIT */
/*
 *     step: connect ─▶ send ─▶ read ─▶ "head" ─▶ read ─▶ "data" … ─▶ "end"
 *             ▲                  │
 *             └── a new link ◀───┘ the kept one was closed
 *
 * The body is given to Lua as it comes, so that it is the script's memory that
 * it fills. The server may answer before it has read all of the request, so
 * reading begins where sending cannot go on.
 */
#include "script/fetch.h"

#include <errno.h>
#include <lauxlib.h>
#include <stdio.h>

#include "base/buf.h"
#include "codec/http1_answer.h"
#include "script/connections.h"
#include "script/links.h"
#include "script/task.h"
#include "script/trusts.h"

enum {
    READ_SIZE = 16 * 1024, /* bytes read at a time */
    SEND_SIZE = 64 * 1024, /* bytes sent at a time */
    MOVES_MAX = 16,        /* reads and writes in a row; then others have
                              their turn */
    IDLE_EARLY_MS = 500,   /* that a link is closed before its server does */
};

static const char METATABLE[] = "moongate.fetch";
static const char CLOSED[] = "closed";

struct fetch {
    struct task_guest guest;
    struct task *task; /* NULL: it is over */
    int ref;           /* keeps it from the collector until then */
    struct link *link; /* NULL: none yet */
    bool kept;         /* the link is one that was used before */
    bool repeats;
    size_t sent; /* bytes of the request */
    bool whole;  /* all of it is sent */
    bool broken; /* the server takes no more of it */
    uint64_t timeout_ms;
    uint64_t max_body;
    struct buf input; /* a head that is not whole; bytes of the body */
    size_t seen;      /* bytes of it that hold no whole head */
    bool answered;    /* a byte has come */
    bool in_body;     /* the head was given */
    uint64_t idle_ms; /* that the link may be kept; 0: it may not */
    struct http1_body body;
    uint64_t given; /* bytes of the body */
    unsigned moves; /* in a row */
};

/* --- life ----------------------------------------------------------------- */

static void
end(struct fetch *f)
{
    struct task *task = f->task;

    if (task == NULL)
        return;
    f->task = NULL;
    task_forget(task, &f->guest);
    link_free(f->link);
    f->link = NULL;
    buf_fini(&f->input);
    luaL_unref(task->all->L, LUA_REGISTRYINDEX, f->ref);
}

static void
on_task_end(struct task_guest *guest)
{
    end(container_of(guest, struct fetch, guest));
}

static void
on_ready(struct link *link)
{
    const struct fetch *f = link->owner;

    task_wake(f->task);
}

/* --- results -------------------------------------------------------------- */

static int
fail(struct fetch *f, lua_State *L, const char *reason)
{
    lua_pushnil(L);
    lua_pushstring(L, reason);
    if (f->task != NULL)
        task_begin_wait(f->task);
    end(f);
    return 2;
}

static int
succeed(struct fetch *f, lua_State *L)
{
    lua_pushliteral(L, "end");
    if (f->idle_ms > 0 && f->input.len == 0) {
        links_keep(f->link, f->idle_ms);
        f->link = NULL;
    }
    task_begin_wait(f->task);
    end(f);
    return 1;
}

static int
wait(struct fetch *f, lua_State *L)
{
    f->moves = 0;
    return task_wait(f->task, L, f->timeout_ms);
}

/* --- connecting ----------------------------------------------------------- */

/* The link is broken for REASON. Begins anew where that is in order: 0; or the
 * results of the failure. */
static int
begin_anew(struct fetch *f, lua_State *L, const char *reason)
{
    struct task *task = f->task;
    struct link *link = f->link;
    const struct link_server server = {
        .host = link->host,
        .port = link->port,
        .client = link->client,
    };

    if (!f->kept || f->answered || (!f->repeats && f->sent > 0))
        return fail(f, L, reason);
    f->link = link_new(task->all, &server, on_ready, f);
    link_free(link);
    f->kept = f->whole = f->broken = false;
    f->sent = 0;
    if (f->link == NULL)
        return fail(f, L, "not enough memory");
    if (link_start(f->link, task->all, task->loop) < 0)
        return fail(f, L, f->link->out.words);
    return 0;
}

/* --- sending -------------------------------------------------------------- */

/* The next pieces of a request to be sent; how many there are. */
static int
gather(const struct fetch *f, struct iovec iov[2], const struct str texts[2])
{
    size_t skip = f->sent, room = SEND_SIZE;
    int count = 0;

    for (int i = 0; i < 2; i++) {
        struct str rest = str_slice(texts[i], skip, texts[i].len);

        skip -= texts[i].len - rest.len;
        rest = str_slice(rest, 0, room);
        room -= rest.len;
        if (rest.len == 0)
            continue;
        iov[count].iov_base = (void *)(uintptr_t)rest.p;
        iov[count].iov_len = rest.len;
        count++;
    }
    return count;
}

/* Sends some of the request; whether the server would take more. What it says
 * all the same when it takes no more is read. */
static bool
send_request(struct fetch *f, lua_State *L)
{
    struct stream *stream = outbound_stream(&f->link->out);
    struct str texts[2];
    struct iovec iov[2];
    ssize_t n;

    if (f->whole || f->broken || !stream->writable)
        return false;
    texts[0].p = luaL_checklstring(L, 2, &texts[0].len);
    texts[1].p = luaL_checklstring(L, 3, &texts[1].len);
    n = stream_writev(stream, iov, gather(f, iov, texts));
    if (n >= 0)
        f->sent += (size_t)n;
    else if (errno != EAGAIN)
        f->broken = stream->readable = true;
    f->whole = f->sent == texts[0].len + texts[1].len;
    return !f->whole && stream->writable;
}

/* --- the head ------------------------------------------------------------- */

static void
push_lower(lua_State *L, struct str name)
{
    luaL_Buffer text;

    luaL_buffinit(L, &text);
    for (size_t i = 0; i < name.len; i++) {
        char c = name.p[i];

        luaL_addchar(&text, c >= 'A' && c <= 'Z' ? (char)(c - 'A' + 'a') : c);
    }
    luaL_pushresult(&text);
}

/* Adds a cookie to the list of them, which begins here. */
static void
add_cookie(lua_State *L, int table, struct str value)
{
    lua_getfield(L, table, "set-cookie");
    if (lua_isnil(L, -1)) {
        lua_pop(L, 1);
        lua_newtable(L);
        lua_pushvalue(L, -1);
        lua_setfield(L, table, "set-cookie");
    }
    lua_pushlstring(L, value.p, value.len);
    lua_rawseti(L, -2, (int)lua_objlen(L, -2) + 1);
    lua_pop(L, 1);
}

/* A field that comes again is the same as one with all the values (RFC 9110,
 * 5.3), but for cookies. */
static void
add_field(lua_State *L, int table, const struct http_field *field)
{
    if (field->id == HTTP_HEADER_SET_COOKIE) {
        add_cookie(L, table, field->value);
        return;
    }
    push_lower(L, field->name);
    lua_pushvalue(L, -1);
    lua_rawget(L, table);
    if (lua_isnil(L, -1)) {
        lua_pop(L, 1);
        lua_pushlstring(L, field->value.p, field->value.len);
    } else {
        lua_pushliteral(L, ", ");
        lua_pushlstring(L, field->value.p, field->value.len);
        lua_concat(L, 3);
    }
    lua_rawset(L, table);
}

static int
give_head(lua_State *L, const struct http1_answer *answer)
{
    lua_pushliteral(L, "head");
    lua_pushinteger(L, answer->status);
    lua_newtable(L);
    for (unsigned i = 0; i < answer->fields.count; i++)
        add_field(L, lua_gettop(L), &answer->fields.at[i]);
    return 3;
}

/* Takes bytes off the input. */
static void
consume(struct fetch *f, size_t n)
{
    memmove(f->input.p, f->input.p + n, f->input.len - n);
    f->input.len -= n;
    f->seen = 0;
}

/* The milliseconds that the link may be kept: not up to the moment when the
 * server closes it, which a request would meet. */
static uint64_t
idle_time(const struct http1_answer *answer)
{
    uint64_t ms = (uint64_t)answer->idle_s * 1000;

    if (!answer->keep_alive || ms <= IDLE_EARLY_MS)
        return 0;
    ms -= IDLE_EARLY_MS;
    return ms < LINKS_IDLE_MS ? ms : LINKS_IDLE_MS;
}

/* A whole head is given; what is wrong with one is a failure; 0 results: it is
 * not whole. */
static int
read_head(struct fetch *f, lua_State *L)
{
    struct http1_answer answer;
    ssize_t taken;
    int results;

    do {
        taken = http1_answer_read(&answer, (const uint8_t *)f->input.p,
                                  f->input.len, f->seen);
        if (taken < 0)
            return fail(
                f, L, http1_answer_error_text((enum http1_answer_error)taken));
        if (taken == 0) {
            f->seen = f->input.len;
            return f->input.len < FETCH_HEAD_MAX
                       ? 0
                       : fail(f, L, "the head of the answer is too large");
        }
        if (http1_answer_is_interim(&answer))
            consume(f, (size_t)taken);
    } while (http1_answer_is_interim(&answer));
    http1_body_init(&f->body, &answer);
    if (f->body.kind == HTTP1_BODY_LENGTH && f->body.left > f->max_body)
        return fail(f, L, "too large");
    f->idle_ms = f->whole ? idle_time(&answer) : 0;
    f->in_body = true;
    results = give_head(L, &answer);
    consume(f, (size_t)taken);
    return results;
}

/* --- the body ------------------------------------------------------------- */

/* Leaves what is data of the input at its start, and takes the rest that
 * belongs to the body off. The bytes of data, or a chunked_error. */
static ssize_t
decode(struct fetch *f)
{
    size_t at = 0, len = 0;

    while (at < f->input.len && !f->body.done) {
        struct str data;
        ssize_t taken =
            http1_body_read(&f->body, (const uint8_t *)f->input.p + at,
                            f->input.len - at, &data);

        if (taken < 0)
            return taken;
        memmove(f->input.p + len, data.p, data.len);
        len += data.len;
        at += (size_t)taken;
    }
    memmove(f->input.p + len, f->input.p + at, f->input.len - at);
    f->input.len -= at - len;
    return (ssize_t)len;
}

/* As read_head. */
static int
read_body(struct fetch *f, lua_State *L)
{
    ssize_t len = decode(f);

    if (len < 0)
        return fail(f, L, chunked_error_text((enum chunked_error)len));
    f->given += (uint64_t)len;
    if (f->given > f->max_body)
        return fail(f, L, "too large");
    if (len > 0) {
        lua_pushliteral(L, "data");
        lua_pushlstring(L, f->input.p, (size_t)len);
        consume(f, (size_t)len);
        return 2;
    }
    return f->body.done ? succeed(f, L) : 0;
}

/* --- reading -------------------------------------------------------------- */

/* The server has ended its side, or the connection is broken. 0 results where
 * there is more to be done. */
static int
end_input(struct fetch *f, lua_State *L, const char *reason, bool is_end)
{
    if (!f->in_body)
        return begin_anew(f, L, reason);
    if (is_end && http1_body_close(&f->body))
        return succeed(f, L);
    return fail(f, L, reason);
}

static int
read_more(struct fetch *f, lua_State *L)
{
    struct stream *stream = outbound_stream(&f->link->out);
    char *room = buf_reserve(&f->input, READ_SIZE);
    ssize_t n;

    if (room == NULL)
        return fail(f, L, "not enough memory");
    n = stream_read(stream, room, READ_SIZE);
    if (n > 0) {
        f->input.len += (size_t)n;
        f->answered = true;
        return 0;
    }
    if (n < 0 && errno == EAGAIN)
        return 0;
    f->idle_ms = 0;
    if (n == 0)
        return end_input(f, L, CLOSED, true);
    return end_input(f, L, outbound_explain(&f->link->out, errno), false);
}

/* What there is of the answer; 0 results: not enough. */
static int
give_answer(struct fetch *f, lua_State *L)
{
    if (f->in_body)
        return read_body(f, L);
    return f->input.len > 0 ? read_head(f, L) : 0;
}

/* --- the module ----------------------------------------------------------- */

/* Connects, sends and reads as far as that goes; 0 results: it is to wait. */
static int
advance(struct fetch *f, lua_State *L)
{
    while (f->moves++ < MOVES_MAX) {
        bool more;
        int results;

        if (outbound_connect(&f->link->out) < 0)
            return errno == EINPROGRESS ? 0 : fail(f, L, f->link->out.words);
        more = send_request(f, L);
        results = give_answer(f, L);
        if (results > 0)
            return results;
        if (outbound_stream(&f->link->out)->readable)
            results = read_more(f, L);
        else if (!more)
            return 0;
        if (results > 0)
            return results;
    }
    if (stream_yield(outbound_stream(&f->link->out)) < 0)
        return fail(f, L, outbound_explain(&f->link->out, errno));
    return 0;
}

static int
step(lua_State *L)
{
    struct fetch *f = luaL_checkudata(L, 1, METATABLE);
    int results;

    if (f->task == NULL)
        return fail(f, L, CLOSED);
    if (f->task->late)
        return fail(f, L, "timeout");
    results = advance(f, L);
    return results > 0 ? results : wait(f, L);
}

static lua_Number
number_field(lua_State *L, const char *name)
{
    lua_Number number;

    lua_getfield(L, 1, name);
    number = lua_tonumber(L, -1);
    lua_pop(L, 1);
    return number;
}

/* A field that is left on the stack, for what is read of it. */
static bool
leave_field(lua_State *L, const char *name)
{
    lua_getfield(L, 1, name);
    return lua_toboolean(L, -1);
}

/* Pushes the fetch, which has no link yet. */
static struct fetch *
push_fetch(lua_State *L, struct task *task)
{
    struct fetch *f = lua_newuserdata(L, sizeof(*f));

    *f = (struct fetch){.guest.end = on_task_end};
    luaL_getmetatable(L, METATABLE);
    lua_setmetatable(L, -2);
    lua_pushvalue(L, -1);
    f->ref = luaL_ref(L, LUA_REGISTRYINDEX);
    f->timeout_ms = (uint64_t)number_field(L, "timeout_ms");
    f->max_body = (uint64_t)number_field(L, "max_body");
    f->repeats = leave_field(L, "repeats");
    lua_pop(L, 1);
    buf_init_growing(&f->input, FETCH_HEAD_MAX + READ_SIZE);
    f->task = task;
    task_hold(task, &f->guest);
    return f;
}

/* Gives F a link to SERVER: one that is kept, or a new one. NULL, or what is
 * wrong. */
static const char *
find_link(struct fetch *f, const struct link_server *server)
{
    struct task *task = f->task;

    f->link = links_take(task->all, server, on_ready, f);
    f->kept = f->link != NULL;
    if (f->kept)
        return NULL;
    f->link = link_new(task->all, server, on_ready, f);
    if (f->link == NULL)
        return "not enough memory";
    if (link_start(f->link, task->all, task->loop) < 0)
        return f->link->out.words;
    return NULL;
}

static int
refuse(lua_State *L, const char *what, const char *why)
{
    lua_pushnil(L);
    lua_pushfstring(L, "%s%s", what, why);
    return 2;
}

static int
new_fetch(lua_State *L)
{
    const char *why = NULL;
    struct task *task = task_of(L, &why);
    struct link_server server = {.port = 0};
    struct fetch *f;

    luaL_checktype(L, 1, LUA_TTABLE);
    lua_settop(L, 1);
    if (task == NULL)
        return luaL_error(L, "it waits, and %s", why);
    if (task->guest_count >= CONNECTIONS_MAX)
        return refuse(L, "too many connections are open", "");
    f = push_fetch(L, task);
    server.port = (uint16_t)number_field(L, "port");
    (void)leave_field(L, "host");
    server.host = lua_tostring(L, -1);
    if (leave_field(L, "secured")) {
        int place = lua_gettop(L) + 1;

        lua_getfield(L, 1, "verify");
        lua_getfield(L, 1, "ca");
        server.client = trusts_find(L, task->all, place, &why);
        if (server.client == NULL) {
            end(f);
            return refuse(L, "ca: ", why);
        }
    }
    why = find_link(f, &server);
    tls_client_unref(server.client);
    if (why != NULL)
        return fail(f, L, why);
    lua_pushvalue(L, 2);
    return 1;
}

int
fetch_open(lua_State *L)
{
    static const luaL_Reg functions[] = {
        {"new", new_fetch},
        {"step", step},
        {NULL, NULL},
    };

    lua_newtable(L);
    luaL_register(L, NULL, functions);
    luaL_newmetatable(L, METATABLE);
    lua_pop(L, 1);
    return 1;
}
