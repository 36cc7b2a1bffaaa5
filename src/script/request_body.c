/* SPDX-License-Identifier: MIT */
#include "script/request_body.h"

#include <errno.h>
#include <lauxlib.h>
#include <string.h>
#include <sys/uio.h>
#include <unistd.h>

#include "proxy/http_exchange.h"
#include "proxy/spool.h"
#include "script/calls.h"
#include "script/task.h"

/* What Lua gives is its handle of a request. */
static struct http_exchange *
exchange_of(lua_State *L)
{
    const struct script_request *request = lua_topointer(L, 1);

    return request == NULL ? NULL : request->exchange;
}

static int
begin(lua_State *L)
{
    const struct http_exchange *exchange = exchange_of(L);
    const char *why = NULL;
    struct task *task = task_of(L, &why);

    if (task == NULL)
        lua_pushfstring(L, "body waits, and %s", why);
    else if (exchange == NULL)
        lua_pushliteral(L, "this request is over: keep what you need of it");
    else if (exchange->hook_task != task)
        lua_pushliteral(L, "body may be read only in a request hook that got "
                           "this very request");
    else
        lua_pushnil(L);
    if (task != NULL)
        task_begin_wait(task);
    return 1;
}

/* Reads SIZE bytes from the spool to P; 0, or -1 with errno. */
static int
read_spool(struct spool *spool, char *p, size_t size)
{
    while (size > 0) {
        struct iovec piece;
        off_t offset;
        ssize_t n;
        int fd;

        if (spool_peek(spool, &piece, 1) == 1) {
            n = (ssize_t)(piece.iov_len < size ? piece.iov_len : size);
            memcpy(p, piece.iov_base, (size_t)n);
        } else if (spool_peek_file(spool, &fd, &offset) > 0) {
            n = pread(fd, p, size, offset);
        } else {
            errno = EIO;
            return -1;
        }
        if (n < 0)
            return -1;
        spool_consume(spool, (size_t)n);
        p += n;
        size -= (size_t)n;
    }
    return 0;
}

static int
fail(lua_State *L, const char *reason)
{
    lua_pushboolean(L, 1);
    lua_pushnil(L);
    lua_pushstring(L, reason);
    return 3;
}

/* Gives what is there, which is all of it, and leaves it there. */
static int
give(struct http_exchange *exchange, lua_State *L, lua_Number max)
{
    struct spool *spool = &exchange->body;
    size_t size = (size_t)spool_len(spool);
    char *room;
    int result;

    if ((lua_Number)size > max)
        return fail(L, "too large");
    lua_pushboolean(L, 1);
    if (size == 0) {
        lua_pushliteral(L, "");
        return 2;
    }
    room = lua_newuserdata(L, size);
    result = read_spool(spool, room, size);
    spool_rewind(spool);
    if (result < 0)
        return fail(L, strerror(errno));
    lua_pushlstring(L, room, size);
    lua_replace(L, -2);
    return 2;
}

/* One that says how long it is need not be waited for to be too long. */
static int
read_body(lua_State *L)
{
    struct http_exchange *exchange = exchange_of(L);
    lua_Number max = luaL_checknumber(L, 2);
    const char *why = NULL;
    struct task *task = task_of(L, &why);

    if (exchange == NULL || task == NULL)
        return luaL_error(L, "body waits, and %s", why);
    if (exchange->body_whole || !exchange_wants_body(exchange))
        return give(exchange, L, max);
    if ((lua_Number)exchange->head.content_length > max)
        return fail(L, "too large");
    exchange->wants_body = true;
    return task_wait(task, L, TASK_FOREVER);
}

int
request_body_open(lua_State *L)
{
    static const luaL_Reg functions[] = {
        {"begin", begin},
        {"read", read_body},
        {NULL, NULL},
    };

    lua_newtable(L);
    luaL_register(L, NULL, functions);
    return 1;
}
