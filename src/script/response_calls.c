/* SPDX-License-Identifier: MIT */
#include "script/response_calls.h"

#include <errno.h>

#include "proxy/http_change.h"
#include "proxy/http_exchange.h"
#include "proxy/upstream.h"
#include "script/calls_struct.h"

static char number_text[CHANGE_NUMBER_MAX];

static struct http_exchange *
exchange_of(const struct script_response *handle)
{
    return handle == NULL ? NULL : handle->exchange;
}

static int
answer(struct script_text *out, struct str text)
{
    *out = (struct script_text){.p = text.p, .len = text.len};
    return text.p == NULL ? SCRIPT_NONE : SCRIPT_FOUND;
}

int
response_status(const struct script_response *handle)
{
    const struct http_exchange *exchange = exchange_of(handle);

    return exchange == NULL ? SCRIPT_ENDED : exchange->writer.status;
}

int
response_server(const struct script_response *handle, struct script_text *out)
{
    const struct http_exchange *exchange = exchange_of(handle);
    const struct server *server;

    if (exchange == NULL)
        return SCRIPT_ENDED;
    server = flow_last_server(&exchange->flow);
    return answer(out, server == NULL ? (struct str){0} : server->conf->name);
}

double
response_upstream_ms(const struct script_response *handle)
{
    const struct http_exchange *exchange = exchange_of(handle);

    return exchange == NULL ? SCRIPT_ENDED : change_upstream_ms(exchange);
}

int
response_find(const struct script_response *handle, const char *name,
              size_t len, struct script_text *out)
{
    const struct http_exchange *exchange = exchange_of(handle);

    if (exchange == NULL)
        return SCRIPT_ENDED;
    return answer(out, change_find(exchange, str_make(name, len), number_text));
}

static int
answer_to(int result)
{
    if (result == 0)
        return SCRIPT_FOUND;
    return errno == EINVAL ? SCRIPT_BAD : SCRIPT_FULL;
}

int
response_set(const struct script_response *handle, const char *name,
             size_t name_len, const char *value, size_t value_len, bool add)
{
    struct http_exchange *exchange = exchange_of(handle);
    struct str name_text = str_make(name, name_len);
    struct str value_text = str_make(value, value_len);

    if (exchange == NULL)
        return SCRIPT_ENDED;
    if (handle->sent)
        return SCRIPT_NONE;
    return answer_to(add ? change_add(exchange, name_text, value_text)
                         : change_set(exchange, name_text, value_text));
}

int
response_set_status(const struct script_response *handle, int32_t status)
{
    struct http_exchange *exchange = exchange_of(handle);

    if (exchange == NULL)
        return SCRIPT_ENDED;
    if (handle->sent)
        return SCRIPT_NONE;
    return answer_to(change_status(exchange, status));
}
