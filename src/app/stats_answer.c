/* SPDX-License-Identifier: MIT */
#include "app/stats_answer.h"

#include <stdio.h>
#include <string.h>
#include <sys/random.h>

#include "app/script_request.h"
#include "app/script_texts.h"
#include "app/server_command.h"
#include "base/hex.h"
#include "base/log.h"
#include "board/board.h"
#include "board/render.h"
#include "board/render_csv.h"
#include "board/render_events.h"
#include "board/render_history.h"
#include "board/render_page.h"
#include "board/render_prometheus.h"
#include "board/render_scripts.h"
#include "board/render_sessions.h"
#include "codec/uri.h"
#include "net/crypto.h"

enum {
    FIELD_MAX = 768, /* bytes of a form's field, as it is sent */
    WHO_MAX = 160,
};

static const char HTML[] = "text/html; charset=utf-8";
static const char TEXT[] = "text/plain; charset=utf-8";
static const char JSON[] = "application/json";
static const char PROMETHEUS[] = "text/plain; version=0.0.4; charset=utf-8";

/* --- forms ---------------------------------------------------------------- */

/* The value of NAME in a form or a query, decoded into OUT; empty: none. One
 * that is too long is cut. */
static struct str
find_field(char out[FIELD_MAX], struct str form, const char *name)
{
    struct str value;

    if (!uri_find_arg(&value, form, str_from(name)))
        return str_make(out, 0);
    return str_make(out, uri_decode_arg(out, str_slice(value, 0, FIELD_MAX)));
}

/* --- pages ---------------------------------------------------------------- */

static void
make_nonce(char nonce[STATS_NONCE_LEN + 1])
{
    uint8_t bytes[STATS_NONCE_LEN / 2] = {0};

    (void)!getrandom(bytes, sizeof(bytes), 0);
    hex_write(nonce, bytes, sizeof(bytes));
    nonce[STATS_NONCE_LEN] = '\0';
}

static struct page_view
make_view(struct stats_reply *reply, const struct stats_request *r)
{
    make_nonce(reply->nonce);
    reply->type = HTML;
    return (struct page_view){
        .language = page_language_choose(
            http_value(&r->head->fields, HTTP_HEADER_ACCEPT_LANGUAGE)),
        .admin = r->conf->admin,
        .token = str_from(r->token),
        .uri = r->uri,
        .nonce = str_from(reply->nonce),
        .user = str_from(r->user),
        .notice = str_from(reply->notice),
        .notice_is_error = reply->notice_is_error,
    };
}

static void
put_error(struct buf *out, struct stats_reply *reply, int status,
          const char *words)
{
    reply->status = status;
    reply->type = TEXT;
    buf_printf(out, "%d %s\n", status, words);
}

static void
show_page(struct buf *out, struct stats_reply *reply,
          const struct stats_source *source, const struct stats_request *r)
{
    struct page_view view = make_view(reply, r);
    struct page_diff diff;
    char memory[FIELD_MAX];
    struct str script = find_field(memory, r->head->query, "script");

    if (script.len == 0)
        render_page(out, source->board, &view);
    else if (script_texts_find(&diff, source->texts, script))
        render_diff(out, source->board, &view, &diff);
    else
        put_error(out, reply, 404, "there is no such script");
}

/* Everything that ctl shows, and what the page has besides. */
static void
put_json(struct buf *out, const struct board *b)
{
    static const struct {
        const char *name;
        void (*render)(struct buf *out, const struct board *b,
                       enum render_format format);
    } parts[] = {
        {"info", render_info},       {"servers", render_servers},
        {"scripts", render_scripts}, {"sessions", render_sessions},
        {"events", render_events},
    };

    buf_char(out, '{');
    for (size_t i = 0; i < sizeof(parts) / sizeof(*parts); i++) {
        buf_printf(out, "\"%s\":", parts[i].name);
        parts[i].render(out, b, RENDER_JSON);
        buf_char(out, ',');
    }
    buf_str(out, STR("\"history\":"));
    render_history_json(out, b);
    buf_str(out, STR("}\n"));
}

/* --- actions -------------------------------------------------------------- */

/* A form of another site has another origin; one that sends none is judged by
 * its token alone. */
static bool
is_own_origin(const struct http_request *head)
{
    const struct http_field *origin =
        http_find(&head->fields, HTTP_HEADER_ORIGIN);
    const struct http_field *host = http_find(&head->fields, HTTP_HEADER_HOST);
    ptrdiff_t slash;
    struct str rest;

    if (origin == NULL)
        return true;
    /* Another one may speak TLS before this server. */
    slash = str_find_char(origin->value, '/', 0);
    if (host == NULL || slash < 0)
        return false;
    rest = str_slice(origin->value, (size_t)slash, origin->value.len);
    return str_starts_with(rest, STR("//")) &&
           str_equal_nocase(str_slice(rest, 2, rest.len), host->value);
}

/* What a command has answered: "ok", a newline and words, or "error WHY". */
static void
take_words(struct stats_reply *reply, struct str answer)
{
    struct str ok = STR("ok\n");
    struct str error = STR("error ");
    struct str words = answer;

    reply->notice_is_error = !str_starts_with(answer, ok);
    if (!reply->notice_is_error)
        words = str_slice(answer, ok.len, answer.len);
    else if (str_starts_with(answer, error))
        words = str_slice(answer, error.len, answer.len);
    words = str_trim(words);
    (void)snprintf(reply->notice, sizeof(reply->notice), STR_FMT,
                   STR_ARG(words));
}

static void
put_who(char who[WHO_MAX], const struct stats_request *r)
{
    char client[ADDR_TEXT_MAX];

    (void)snprintf(who, WHO_MAX, "%s%sstats " STR_FMT " client=%s", r->user,
                   r->user[0] == '\0' ? "" : " by ", STR_ARG(r->conf->name),
                   addr_format(r->client, client, sizeof(client)));
}

static void
change_server(struct stats_reply *reply, const struct stats_source *source,
              const struct stats_request *r, struct str action,
              struct str target, struct str value)
{
    const struct str words[] = {target, action, value};
    char memory[1024];
    char who[WHO_MAX];
    struct buf answer;

    put_who(who, r);
    buf_init(&answer, memory, sizeof(memory));
    /* The weight's field is in the form of the other actions, too. */
    server_command_run(&answer, source->board, words,
                       str_equal(action, STR("weight")) ? 3 : 2, false, who);
    take_words(reply, buf_text(&answer));
}

static void
roll_back(struct stats_reply *reply, const struct stats_source *source,
          const struct stats_request *r, struct str target)
{
    char memory[FIELD_MAX + WHO_MAX + 64];
    char who[WHO_MAX];
    struct buf text;

    put_who(who, r);
    buf_init(&text, memory, sizeof(memory));
    script_request_write(&text, &(struct script_request){
                                    .verb = SCRIPT_ROLLBACK,
                                    .name = target,
                                    .who = str_from(who),
                                });
    reply->later =
        !text.failed && str_find_char(target, ' ', 0) < 0 &&
        source->ask(source->ask_arg, r->ticket, buf_text(&text)) == 0;
    if (!reply->later)
        take_words(reply, STR("error it cannot be asked for"));
}

static bool
is_action(struct str action)
{
    static const char *const all[] = {"drain", "ready", "maint", "weight",
                                      "rollback"};

    for (size_t i = 0; i < sizeof(all) / sizeof(*all); i++) {
        if (str_equal(action, str_from(all[i])))
            return true;
    }
    return false;
}

/* The first time it is only shown what will be done. */
static void
act(struct buf *out, struct stats_reply *reply,
    const struct stats_source *source, const struct stats_request *r)
{
    char memory[4][FIELD_MAX];
    struct str token = find_field(memory[0], r->body, "token");
    struct str action = find_field(memory[1], r->body, "action");
    struct str target = find_field(memory[2], r->body, "target");
    struct str value = find_field(memory[3], r->body, "value");
    char confirm[FIELD_MAX];
    struct page_view view;

    if (!r->conf->admin) {
        put_error(out, reply, 403, "this page changes nothing: admin is off");
        return;
    }
    if (!is_own_origin(r->head) || !crypto_equal(token, str_from(r->token))) {
        log_warn("stats " STR_FMT ": a form without its token was refused",
                 STR_ARG(r->conf->name));
        put_error(out, reply, 403, "the form is not this page's, or too old");
        return;
    }
    if (!is_action(action)) {
        put_error(out, reply, 400, "there is no such action");
        return;
    }
    if (!str_equal(find_field(confirm, r->body, "confirm"), STR("yes"))) {
        view = make_view(reply, r);
        render_confirm(out, source->board, &view, action, target, value);
        return;
    }
    if (str_equal(action, STR("rollback")))
        roll_back(reply, source, r, target);
    else
        change_server(reply, source, r, action, target, value);
    if (!reply->later)
        stats_answer_later(out, reply, source, r, STR(""));
}

/* --- which ---------------------------------------------------------------- */

static bool
ends_with(struct str path, struct str uri, struct str ending)
{
    return path.len == uri.len + ending.len && str_starts_with(path, uri) &&
           str_equal(str_slice(path, uri.len, path.len), ending);
}

/* "/dbs", "/dbs/" and "/dbs?..." are the page. */
static bool
is_page(struct str path, struct str uri)
{
    return str_equal(path, uri) || ends_with(path, uri, STR("/"));
}

static void
get(struct buf *out, struct stats_reply *reply,
    const struct stats_source *source, const struct stats_request *r)
{
    struct str path = r->head->path;
    struct str uri = r->uri;

    if (is_page(path, uri)) {
        show_page(out, reply, source, r);
    } else if (ends_with(path, uri, STR(";csv")) ||
               ends_with(path, uri, STR("/;csv"))) {
        reply->type = TEXT;
        render_csv(out, source->board);
    } else if (ends_with(path, uri, STR(".json")) ||
               ends_with(path, uri, STR("/.json")) ||
               ends_with(path, uri, STR(";json"))) {
        reply->type = JSON;
        put_json(out, source->board);
    } else if (str_equal(path, STR("/metrics")) ||
               ends_with(path, uri, STR("/metrics"))) {
        reply->type = PROMETHEUS;
        render_prometheus(out, source->board);
    } else {
        put_error(out, reply, 404, "there is nothing here");
    }
}

void
stats_answer(struct buf *out, struct stats_reply *reply,
             const struct stats_source *source, const struct stats_request *r)
{
    enum http_method method = r->head->method;

    reply->status = 200;
    if (method == HTTP_METHOD_GET || method == HTTP_METHOD_HEAD) {
        get(out, reply, source, r);
    } else if (method == HTTP_METHOD_POST && is_page(r->head->path, r->uri)) {
        act(out, reply, source, r);
    } else {
        put_error(out, reply, 405, "the methods are GET, HEAD, POST");
        reply->allow = "GET, HEAD, POST";
    }
}

/* The page again, by GET: to load it anew does nothing again. */
void
stats_answer_later(struct buf *out, struct stats_reply *reply,
                   const struct stats_source *source,
                   const struct stats_request *r, struct str text)
{
    (void)source;
    if (text.len > 0)
        take_words(reply, text);
    reply->status = 303;
    reply->type = TEXT;
    reply->location = r->uri;
    buf_printf(out, "%s\n", reply->notice);
}
