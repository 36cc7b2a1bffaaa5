/* SPDX-License-Identifier: MIT */
/*
 * What has come is kept until it is asked for, and nothing is read before:
 *
 *     input  [ taken | scanned: no line end | new ]
 *            p       start                        len
 */
#include "script/connections.h"

#include <errno.h>
#include <lauxlib.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/buf.h"
#include "net/outbound.h"
#include "script/task.h"
#include "script/trusts.h"

enum {
    READ_SIZE = 16 * 1024, /* bytes read at a time */
    READS_MAX = 16,        /* in a row; then others have their turn */
    REASON_MAX = TLS_WORDS_MAX,
};

static const char METATABLE[] = "moongate.connection";
static const char CLOSED[] = "closed";

struct connection {
    struct task_guest guest;
    struct task *task; /* NULL: it has ended */
    int ref;           /* keeps it from the collector until then */
    uint64_t timeout_ms;
    struct outbound out;
    bool busy;   /* an operation waits */
    size_t sent; /* bytes, by the operation that waits */
    struct buf input;
    size_t start;           /* bytes of it that were taken */
    size_t scanned;         /* bytes after these without a line end */
    char ended[REASON_MAX]; /* why nothing more will come; "": it may */
};

/* --- life ----------------------------------------------------------------- */

static void
end(struct connection *c)
{
    struct task *task = c->task;

    if (task == NULL)
        return;
    c->task = NULL;
    task_forget(task, &c->guest);
    outbound_close(&c->out);
    buf_fini(&c->input);
    luaL_unref(task->all->L, LUA_REGISTRYINDEX, c->ref);
}

static void
on_task_end(struct task_guest *guest)
{
    end(container_of(guest, struct connection, guest));
}

static void
on_ready(struct outbound *out)
{
    struct connection *c = container_of(out, struct connection, out);

    if (c->busy)
        task_wake(c->task);
}

static struct connection *
check_connection(lua_State *L)
{
    return luaL_checkudata(L, 1, METATABLE);
}

/* --- results -------------------------------------------------------------- */

/* The operation is over; the COUNT results are on the stack. */
static int
done(struct connection *c, int count)
{
    c->busy = false;
    if (c->task != NULL)
        task_begin_wait(c->task);
    return count;
}

static int
succeed(struct connection *c, lua_State *L)
{
    lua_pushboolean(L, 1);
    lua_pushboolean(L, 1);
    return done(c, 2);
}

static int
fail(struct connection *c, lua_State *L, const char *reason)
{
    lua_pushboolean(L, 1);
    lua_pushnil(L);
    lua_pushstring(L, reason);
    return done(c, 3);
}

static int
wait(struct connection *c, lua_State *L)
{
    c->busy = true;
    return task_wait(c->task, L, c->timeout_ms);
}

/* --- connecting ----------------------------------------------------------- */

static int
go_on_connecting(struct connection *c, lua_State *L)
{
    if (outbound_connect(&c->out) == 0)
        return succeed(c, L);
    if (errno != EINPROGRESS)
        return fail(c, L, c->out.words);
    if (c->task->late)
        return fail(c, L, "timeout");
    return wait(c, L);
}

/* connect(c, host, port, secured, verify, ca, name) */
static int
begin_connecting(struct connection *c, lua_State *L)
{
    struct coroutines *all = c->task->all;
    struct outbound_conf conf = {
        .loop = c->task->loop,
        .resolver = all->resolver,
        .host = luaL_checkstring(L, 2),
        .port = (uint16_t)luaL_optinteger(L, 3, 0),
        .name = luaL_optstring(L, 7, NULL),
    };
    const char *why = NULL;
    int result;

    if (lua_toboolean(L, 4)) {
        conf.client = trusts_find(L, all, 5, &why);
        if (conf.client == NULL) {
            lua_pushfstring(L, "ca: %s", why);
            return fail(c, L, lua_tostring(L, -1));
        }
    }
    result = outbound_start(&c->out, &conf);
    tls_client_unref(conf.client);
    return result < 0 ? fail(c, L, c->out.words) : go_on_connecting(c, L);
}

static int
connect_to(lua_State *L)
{
    struct connection *c = check_connection(L);

    if (c->task == NULL)
        return fail(c, L, CLOSED);
    return c->busy ? go_on_connecting(c, L) : begin_connecting(c, L);
}

/* --- sending -------------------------------------------------------------- */

static int
send_text(lua_State *L)
{
    struct connection *c = check_connection(L);
    size_t len;
    const char *text = luaL_checklstring(L, 2, &len);
    struct stream *stream = outbound_stream(&c->out);

    if (c->task == NULL || !c->out.connected)
        return fail(c, L, CLOSED);
    if (!c->busy)
        c->sent = 0;
    while (c->sent < len) {
        ssize_t n = stream_write(stream, text + c->sent, len - c->sent);

        if (n >= 0)
            c->sent += (size_t)n;
        else if (errno != EAGAIN)
            return fail(c, L, outbound_explain(&c->out, errno));
        else if (c->task->late)
            return fail(c, L, "timeout");
        else
            return wait(c, L);
    }
    return succeed(c, L);
}

/* --- receiving ------------------------------------------------------------ */

/* What is asked for. */
enum wanted {
    WANTED_LINE,  /* up to a line end, which is taken and not given */
    WANTED_ALL,   /* up to the end */
    WANTED_BYTES, /* so many */
};

static enum wanted
read_wanted(lua_State *L, size_t *count)
{
    *count = 0;
    if (lua_type(L, 2) == LUA_TNUMBER) {
        *count = (size_t)lua_tonumber(L, 2);
        return WANTED_BYTES;
    }
    return strcmp(luaL_checkstring(L, 2), "*a") == 0 ? WANTED_ALL : WANTED_LINE;
}

static struct str
input(const struct connection *c)
{
    return str_make(c->input.p + c->start, c->input.len - c->start);
}

/* Pushes the first LEN bytes of the input and takes TAKEN of them. */
static void
give(struct connection *c, lua_State *L, size_t len, size_t taken)
{
    lua_pushlstring(L, input(c).p, len);
    c->start += taken;
    c->scanned = 0;
    if (c->start == c->input.len) {
        buf_reset(&c->input);
        c->start = 0;
    }
}

static int
give_all(struct connection *c, lua_State *L)
{
    lua_pushboolean(L, 1);
    give(c, L, input(c).len, input(c).len);
    return done(c, 2);
}

static int
give_bytes(struct connection *c, lua_State *L, size_t count)
{
    if (input(c).len < count)
        return 0;
    lua_pushboolean(L, 1);
    give(c, L, count, count);
    return done(c, 2);
}

static int
give_line(struct connection *c, lua_State *L)
{
    struct str in = input(c);
    const char *from = in.p + c->scanned;
    const char *end_of_line =
        in.len == c->scanned ? NULL : memchr(from, '\n', in.len - c->scanned);
    size_t len;

    if (end_of_line == NULL) {
        c->scanned = in.len;
        return 0;
    }
    len = (size_t)(end_of_line - in.p);
    lua_pushboolean(L, 1);
    give(c, L, len > 0 && in.p[len - 1] == '\r' ? len - 1 : len, len + 1);
    return done(c, 2);
}

/* Gives what is there in full; 0 results otherwise. */
static int
give_wanted(struct connection *c, lua_State *L, enum wanted wanted,
            size_t count)
{
    switch (wanted) {
    case WANTED_LINE:
        return give_line(c, L);
    case WANTED_BYTES:
        return give_bytes(c, L, count);
    case WANTED_ALL:
        break;
    }
    return strcmp(c->ended, CLOSED) == 0 ? give_all(c, L) : 0;
}

/* Fails for REASON, and gives what has come so far. */
static int
give_part(struct connection *c, lua_State *L, const char *reason)
{
    lua_pushboolean(L, 1);
    lua_pushnil(L);
    lua_pushstring(L, reason);
    give(c, L, input(c).len, input(c).len);
    return done(c, 4);
}

/* Room for the next bytes, at most CONNECTIONS_INPUT_MAX with those that are
 * there; NULL without memory. */
static char *
make_room(struct connection *c, size_t *size)
{
    size_t len = c->input.len - c->start;

    if (c->start > 0) {
        memmove(c->input.p, c->input.p + c->start, len);
        c->input.len = len;
        c->start = 0;
    }
    *size = CONNECTIONS_INPUT_MAX - len;
    if (*size > READ_SIZE)
        *size = READ_SIZE;
    return buf_reserve(&c->input, *size);
}

/* Nothing more will come. */
static void
end_input(struct connection *c, const char *why)
{
    (void)snprintf(c->ended, sizeof(c->ended), "%s", why);
}

static void
read_more(struct connection *c)
{
    size_t size;
    char *room = make_room(c, &size);
    ssize_t n;

    if (room == NULL) {
        c->input.failed = false;
        end_input(c, outbound_explain(&c->out, ENOMEM));
        return;
    }
    n = stream_read(outbound_stream(&c->out), room, size);
    if (n > 0)
        c->input.len += (size_t)n;
    else if (n == 0)
        end_input(c, CLOSED);
    else if (errno != EAGAIN)
        end_input(c, outbound_explain(&c->out, errno));
}

static int
receive(lua_State *L)
{
    struct connection *c = check_connection(L);
    struct stream *stream = outbound_stream(&c->out);
    size_t count;
    enum wanted wanted = read_wanted(L, &count);

    if (c->task == NULL)
        return fail(c, L, CLOSED);
    for (unsigned reads = 0;; reads++) {
        int results = give_wanted(c, L, wanted, count);

        if (results > 0)
            return results;
        if (c->ended[0] != '\0')
            return give_part(c, L, c->ended);
        if (input(c).len == CONNECTIONS_INPUT_MAX)
            return give_part(c, L, "more than fits has come");
        if (c->task->late)
            return give_part(c, L, "timeout");
        if (!stream->readable)
            return wait(c, L);
        if (reads == READS_MAX && stream_yield(stream) == 0)
            return wait(c, L);
        read_more(c);
    }
}

/* --- the module ----------------------------------------------------------- */

static int
misuse(lua_State *L)
{
    const struct connection *c = lua_touserdata(L, 1);
    const char *why = NULL;

    if (c == NULL || !lua_getmetatable(L, 1) ||
        (luaL_getmetatable(L, METATABLE), !lua_rawequal(L, -1, -2)))
        why = "a connection is expected (is the colon missing?)";
    else if (c->task != NULL && c->task != coroutines_of(L)->running)
        why = "the connection is of another hook that is under way";
    lua_pushstring(L, why);
    return 1;
}

static int
new_connection(lua_State *L)
{
    const char *why = NULL;
    struct task *task = task_of(L, &why);
    uint64_t timeout_ms = (uint64_t)luaL_checknumber(L, 1);
    struct connection *c;

    if (task == NULL)
        return luaL_error(L, "connect waits, and %s", why);
    if (task->guest_count >= CONNECTIONS_MAX) {
        lua_pushnil(L);
        lua_pushliteral(L, "too many connections are open");
        return 2;
    }
    c = lua_newuserdata(L, sizeof(*c));
    *c = (struct connection){
        .guest.end = on_task_end,
        .timeout_ms = timeout_ms == 0 ? TASK_FOREVER : timeout_ms,
    };
    luaL_getmetatable(L, METATABLE);
    lua_setmetatable(L, -2);
    lua_pushvalue(L, -1);
    c->ref = luaL_ref(L, LUA_REGISTRYINDEX);
    outbound_init(&c->out, on_ready);
    buf_init_growing(&c->input, CONNECTIONS_INPUT_MAX);
    c->task = task;
    task_hold(task, &c->guest);
    return 1;
}

static int
begin(lua_State *L)
{
    struct connection *c = check_connection(L);

    c->busy = false;
    return 0;
}

static int
close_connection(lua_State *L)
{
    end(check_connection(L));
    return 0;
}

int
connections_open(lua_State *L)
{
    static const luaL_Reg functions[] = {
        {"misuse", misuse},
        {"new", new_connection},
        {"begin", begin},
        {"connect", connect_to},
        {"send", send_text},
        {"receive", receive},
        {"close", close_connection},
        {NULL, NULL},
    };

    lua_newtable(L);
    luaL_register(L, NULL, functions);
    luaL_newmetatable(L, METATABLE);
    lua_setfield(L, -2, "metatable");
    lua_pushinteger(L, CONNECTIONS_INPUT_MAX);
    lua_setfield(L, -2, "INPUT_MAX");
    return 1;
}
