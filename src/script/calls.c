/* SPDX-License-Identifier: MIT */
#include "script/calls.h"

#include <errno.h>

#include "base/addr.h"
#include "base/clock.h"
#include "base/hash.h"
#include "base/log.h"
#include "base/str.h"
#include "proxy/check.h"
#include "proxy/choice.h"
#include "proxy/flow.h"
#include "proxy/hook.h"
#include "proxy/http_exchange.h"
#include "proxy/http_file.h"
#include "proxy/runtime.h"
#include "proxy/upstream.h"
#include "script/login_calls.h"
#include "script/report.h"
#include "script/response_calls.h"
#include "script/script.h"

/* Addresses are written here; good until the next one is. */
static char address_text[ADDR_TEXT_MAX];

static const char *result_error_text;

static int
answer(struct script_text *out, struct str text)
{
    *out = (struct script_text){.p = text.p, .len = text.len};
    return text.p == NULL ? SCRIPT_NONE : SCRIPT_FOUND;
}

static int
answer_host(struct script_text *out, const struct addr *addr)
{
    return answer(out, str_from(addr_format_host(addr, address_text,
                                                 sizeof(address_text))));
}

static int
answer_address(struct script_text *out, const struct addr *addr)
{
    return answer(
        out, str_from(addr_format(addr, address_text, sizeof(address_text))));
}

/* --- what is asked of an exchange, by a request hook or a policy ---------- */

static int
exchange_text(const struct http_exchange *exchange, int field,
              struct script_text *out)
{
    switch ((enum script_field)field) {
    case SCRIPT_FIELD_CLIENT:
        return answer_host(out, exchange->flow.client);
    case SCRIPT_FIELD_LISTENER:
        return answer_address(out, exchange->flow.listener);
    case SCRIPT_FIELD_METHOD:
        return answer(out, exchange->head.method_name);
    case SCRIPT_FIELD_URI:
        return answer(out, exchange->head.uri);
    case SCRIPT_FIELD_PATH:
        return answer(out, exchange->path);
    case SCRIPT_FIELD_QUERY:
        return answer(out, exchange->query);
    case SCRIPT_FIELD_HOST:
        return answer(out, exchange->host);
    case SCRIPT_FIELD_SCHEME:
        return answer(out, exchange_scheme(exchange));
    case SCRIPT_FIELD_VERSION:
        return answer(out, exchange->head.minor == 0 ? STR("1.0") : STR("1.1"));
    case SCRIPT_FIELD_ADDRESS:
    case SCRIPT_FIELD_USER:
    case SCRIPT_FIELD_SCHEMA:
    case SCRIPT_FIELD_PLUGIN:
        break;
    }
    return SCRIPT_NONE;
}

static int
exchange_find(struct http_exchange *exchange, int place, struct str name,
              struct script_text *out)
{
    switch ((enum script_place)place) {
    case SCRIPT_PLACE_HEADER:
        return answer(out, exchange_header(exchange, name));
    case SCRIPT_PLACE_COOKIE:
        return answer(out, exchange_cookie(exchange, name));
    case SCRIPT_PLACE_ARG:
        return answer(out, exchange_arg(exchange, name));
    }
    return SCRIPT_NONE;
}

/* --- flows ---------------------------------------------------------------- */

static struct flow *
flow_of(const struct script_flow *handle)
{
    return handle == NULL ? NULL : handle->flow;
}

static int
flow_text(const struct script_flow *handle, int field, struct script_text *out)
{
    const struct flow *flow = flow_of(handle);

    if (flow == NULL)
        return SCRIPT_ENDED;
    if (flow->exchange != NULL)
        return exchange_text(flow->exchange, field, out);
    if (field == SCRIPT_FIELD_CLIENT)
        return answer_host(out, flow->client);
    if (field == SCRIPT_FIELD_LISTENER)
        return answer_address(out, flow->listener);
    if (field == SCRIPT_FIELD_USER)
        return answer(out, flow->user);
    if (field == SCRIPT_FIELD_SCHEMA)
        return answer(out, flow->schema);
    return SCRIPT_NONE;
}

static int
flow_find(const struct script_flow *handle, int place, const char *name,
          size_t len, struct script_text *out)
{
    const struct flow *flow = flow_of(handle);

    if (flow == NULL)
        return SCRIPT_ENDED;
    if (flow->exchange == NULL)
        return SCRIPT_NONE;
    return exchange_find(flow->exchange, place, str_make(name, len), out);
}

static int
flow_port(const struct script_flow *handle)
{
    const struct flow *flow = flow_of(handle);

    return flow == NULL ? SCRIPT_ENDED : addr_port(flow->client);
}

static int
flow_client_number(const struct script_flow *handle, uint32_t *out)
{
    const struct flow *flow = flow_of(handle);

    if (flow == NULL)
        return SCRIPT_ENDED;
    return addr_fold(out, flow->client) ? SCRIPT_FOUND : SCRIPT_NONE;
}

static int
flow_tried(const struct script_flow *handle, int32_t index)
{
    const struct flow *flow = flow_of(handle);

    if (flow == NULL)
        return SCRIPT_ENDED;
    if (index < 1)
        return SCRIPT_NONE;
    return flow_has_tried(flow, (unsigned)index - 1) ? SCRIPT_FOUND
                                                     : SCRIPT_NONE;
}

/* --- connections ---------------------------------------------------------- */

static const struct hook_conn *
conn_of(const struct script_conn *handle)
{
    return handle == NULL ? NULL : handle->conn;
}

static int
conn_text(const struct script_conn *handle, int field, struct script_text *out)
{
    const struct hook_conn *conn = conn_of(handle);

    if (conn == NULL)
        return SCRIPT_ENDED;
    if (field == SCRIPT_FIELD_CLIENT)
        return answer_host(out, conn->client);
    if (field == SCRIPT_FIELD_LISTENER)
        return answer_address(out, conn->listener);
    return SCRIPT_NONE;
}

static int
conn_port(const struct script_conn *handle)
{
    const struct hook_conn *conn = conn_of(handle);

    return conn == NULL ? SCRIPT_ENDED : addr_port(conn->client);
}

static int
conn_ref(const struct script_conn *handle, int32_t *out)
{
    const struct hook_conn *conn = conn_of(handle);

    if (conn == NULL)
        return SCRIPT_ENDED;
    if (conn->hook_ref == NULL)
        return SCRIPT_NONE;
    *out = (int32_t)*conn->hook_ref;
    return SCRIPT_FOUND;
}

static void
conn_set_ref(const struct script_conn *handle, int32_t ref)
{
    const struct hook_conn *conn = conn_of(handle);

    if (conn != NULL && conn->hook_ref != NULL)
        *conn->hook_ref = ref;
}

/* --- requests ------------------------------------------------------------- */

static struct http_exchange *
exchange_of(const struct script_request *handle)
{
    return handle == NULL ? NULL : handle->exchange;
}

static int
request_text(const struct script_request *handle, int field,
             struct script_text *out)
{
    const struct http_exchange *exchange = exchange_of(handle);

    if (exchange == NULL)
        return SCRIPT_ENDED;
    return exchange_text(exchange, field, out);
}

static int
request_find(const struct script_request *handle, int place, const char *name,
             size_t len, struct script_text *out)
{
    struct http_exchange *exchange = exchange_of(handle);

    if (exchange == NULL)
        return SCRIPT_ENDED;
    return exchange_find(exchange, place, str_make(name, len), out);
}

static int
request_port(const struct script_request *handle)
{
    const struct http_exchange *exchange = exchange_of(handle);

    return exchange == NULL ? SCRIPT_ENDED : addr_port(exchange->flow.client);
}

static int
request_header_at(const struct script_request *handle, unsigned index,
                  struct script_text *name, struct script_text *value)
{
    const struct http_exchange *exchange = exchange_of(handle);
    const struct http_field *field;

    if (exchange == NULL)
        return SCRIPT_ENDED;
    if (index >= exchange->head.fields.count)
        return SCRIPT_NONE;
    field = &exchange->head.fields.at[index];
    (void)answer(name, field->name);
    (void)answer(value, field->value);
    return SCRIPT_FOUND;
}

static int
answer_change(int result)
{
    if (result == 0)
        return SCRIPT_FOUND;
    return errno == EINVAL ? SCRIPT_BAD : SCRIPT_FULL;
}

static int
request_set_header(const struct script_request *handle, const char *name,
                   size_t name_len, const char *value, size_t value_len)
{
    struct http_exchange *exchange = exchange_of(handle);

    if (exchange == NULL)
        return SCRIPT_ENDED;
    return answer_change(exchange_set_header(exchange, str_make(name, name_len),
                                             str_make(value, value_len)));
}

static int
request_rewrite(const struct script_request *handle, const char *path,
                size_t path_len, const char *query, size_t query_len)
{
    struct http_exchange *exchange = exchange_of(handle);

    if (exchange == NULL)
        return SCRIPT_ENDED;
    return answer_change(exchange_rewrite(exchange, str_make(path, path_len),
                                          str_make(query, query_len)));
}

static int
request_file_exists(const struct script_request *handle, const char *path,
                    size_t len)
{
    struct http_exchange *exchange = exchange_of(handle);

    if (exchange == NULL)
        return SCRIPT_ENDED;
    return exchange_file_exists(exchange, str_make(path, len)) ? SCRIPT_FOUND
                                                               : SCRIPT_NONE;
}

/* The text is a part of PATH, or of the request's own path. */
static int
request_file_prefix(const struct script_request *handle, const char *path,
                    size_t len, struct script_text *out)
{
    struct http_exchange *exchange = exchange_of(handle);
    struct str whole = str_make(path, len);
    size_t end;

    if (exchange == NULL)
        return SCRIPT_ENDED;
    if (len == 0)
        whole = exchange->path;
    end = exchange_file_prefix(exchange, whole);
    return end == 0 ? SCRIPT_NONE : answer(out, str_slice(whole, 0, end));
}

/* --- servers that are checked --------------------------------------------- */

/* A Unix socket has no host: its address stands for it, so that a script can
 * connect to either in the same way. */
static int
checked_text(const struct script_checked *handle, int field,
             struct script_text *out)
{
    const struct checker *checker = handle == NULL ? NULL : handle->checker;

    if (checker == NULL)
        return SCRIPT_ENDED;
    if (field == SCRIPT_FIELD_HOST && checker->addr.sa.sa_family != AF_UNIX)
        return answer_host(out, &checker->addr);
    return answer_address(out, &checker->addr);
}

static int
checked_port(const struct script_checked *handle)
{
    if (handle == NULL || handle->checker == NULL)
        return SCRIPT_ENDED;
    return addr_port(&handle->checker->addr);
}

/* --- results and upstreams ------------------------------------------------ */

void
calls_set_error(const char *error)
{
    result_error_text = error;
}

static int
result_error(const struct script_result *handle, struct script_text *out)
{
    (void)handle; /* there is one at a time */
    return answer(out, str_from(result_error_text));
}

static struct upstream *
upstream_find(const struct scripts *scripts, const char *name, size_t len)
{
    return runtime_find_upstream(scripts->runtime, str_make(name, len));
}

static void
upstream_name(const struct upstream *upstream, struct script_text *out)
{
    (void)answer(out, upstream->conf->name);
}

static struct server_view *
upstream_views(struct upstream *upstream)
{
    return upstream->views;
}

static unsigned
upstream_count(const struct upstream *upstream)
{
    return upstream->server_count;
}

/* During a pick, `usable` has to stay what it is for the flow of that pick. */
static void
refresh(struct upstream *upstream)
{
    if (upstream->engine != NULL && upstream->picking == NULL)
        upstream_refresh(upstream);
}

static double
turn(struct upstream *upstream)
{
    if (upstream->picking == NULL)
        return -1;
    return (double)upstream_turn(upstream, upstream->picking);
}

static double
generation(struct upstream *upstream)
{
    return (double)roster_generation(&upstream->roster);
}

static int32_t
least(struct upstream *upstream)
{
    if (upstream->picking == NULL)
        return SCRIPT_ENDED;
    return 1 + roster_least(&upstream->roster,
                            upstream_turn(upstream, upstream->picking));
}

static double
latency(const struct upstream *upstream, double index)
{
    if (!(index >= 1 && index <= upstream->server_count) ||
        index != (unsigned)index)
        return -1;
    if (upstream->engine == NULL)
        return 0;
    return upstream_latency(upstream, (unsigned)index - 1);
}

static int32_t
chosen(struct upstream *upstream)
{
    return upstream->engine == NULL ? 0 : 1 + choice_get(upstream);
}

static int32_t
choose(struct upstream *upstream, int32_t from, int32_t to)
{
    if (upstream->picking == NULL)
        return SCRIPT_ENDED;
    return 1 + choice_set(upstream, from - 1, to - 1);
}

/* --- the process ---------------------------------------------------------- */

static double
now(void)
{
    return (double)clock_wall_ms() / 1000;
}

static uint32_t
hash(const char *p, size_t len, uint32_t seed)
{
    return hash_murmur(p, len, seed);
}

static bool
is_on(int level)
{
    return log_is_on((enum log_level)level);
}

static void
write_log(const struct script *script, int level, const char *p, size_t len)
{
    report_text(script, (enum log_level)level, str_make(p, len));
}

const struct script_calls script_calls = {
    .flow_text = flow_text,
    .flow_find = flow_find,
    .flow_port = flow_port,
    .flow_client_number = flow_client_number,
    .flow_tried = flow_tried,
    .conn_text = conn_text,
    .conn_port = conn_port,
    .conn_ref = conn_ref,
    .conn_set_ref = conn_set_ref,
    .login_text = login_text,
    .login_charset = login_charset,
    .login_tls = login_tls,
    .login_next_attribute = login_next_attribute,
    .request_text = request_text,
    .request_find = request_find,
    .request_port = request_port,
    .request_header_at = request_header_at,
    .request_set_header = request_set_header,
    .request_rewrite = request_rewrite,
    .request_file_exists = request_file_exists,
    .request_file_prefix = request_file_prefix,
    .checked_text = checked_text,
    .checked_port = checked_port,
    .response_status = response_status,
    .response_server = response_server,
    .response_upstream_ms = response_upstream_ms,
    .response_find = response_find,
    .response_set = response_set,
    .response_set_status = response_set_status,
    .result_error = result_error,
    .upstream_find = upstream_find,
    .upstream_views = upstream_views,
    .upstream_name = upstream_name,
    .upstream_count = upstream_count,
    .upstream_refresh = refresh,
    .upstream_turn = turn,
    .upstream_generation = generation,
    .upstream_least = least,
    .upstream_latency = latency,
    .upstream_chosen = chosen,
    .upstream_choose = choose,
    .now = now,
    .hash = hash,
    .log_is_on = is_on,
    .log = write_log,
};
