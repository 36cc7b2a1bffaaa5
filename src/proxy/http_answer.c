/* SPDX-License-Identifier: MIT */
#include "proxy/http_answer.h"

#include "codec/http.h"
#include "proxy/http_exchange.h"
#include "proxy/http_section.h"
#include "proxy/variable.h"

enum {
    PAGE_MAX = 512,          /* bytes of a page of our own */
    RETRY_AFTER_SECONDS = 5, /* with a 503 of our own */
};

void
exchange_begin_response(struct http_exchange *exchange, int status)
{
    struct http_writer *writer = &exchange->writer;
    const struct http_conf *conf = exchange->section->conf;

    writer_begin(writer, status);
    for (size_t i = 0; i < conf->header_count; i++)
        writer_field(writer, conf->headers[i].name,
                     variable_field(conf->headers[i].value, exchange));
    for (unsigned i = 0; i < exchange->carried_count; i++)
        writer_field(writer, exchange->carried[i].name,
                     exchange->carried[i].value);
}

static void
end_with(struct http_exchange *exchange, struct str type, struct str body)
{
    struct http_writer *writer = &exchange->writer;

    if (type.len > 0)
        writer_field(writer, STR("Content-Type"), type);
    if (body.len > 0 && !writer_span(writer, body))
        exchange->broken = true;
    writer_end(writer);
    exchange_finish(exchange);
}

/* A page that says no more than the status. */
static struct str
own_page(struct http_exchange *exchange, int status)
{
    const char *reason = http_reason(status);
    char *text = arena_alloc(&exchange->arena, PAGE_MAX);
    struct buf page;

    if (text == NULL)
        return (struct str){0};
    buf_init(&page, text, PAGE_MAX);
    buf_printf(&page,
               "<!DOCTYPE html>\n<html lang=\"en\"><head>"
               "<title>%d %s</title></head>\n"
               "<body><h1>%d %s</h1><hr><p>moongate</p></body></html>\n",
               status, reason, status, reason);
    return buf_text(&page);
}

void
exchange_redirect(struct http_exchange *exchange, int status,
                  struct str location)
{
    exchange_begin_response(exchange, status);
    writer_field(&exchange->writer, STR("Location"), location);
    end_with(exchange, STR("text/html"), own_page(exchange, status));
}

static void
own_error(struct http_exchange *exchange, int status)
{
    struct http_writer *writer = &exchange->writer;

    exchange_begin_response(exchange, status);
    if (status == 503)
        writer_field_uint(writer, STR("Retry-After"), RETRY_AFTER_SECONDS);
    if (status == 405)
        writer_field(writer, STR("Allow"), STR("GET, HEAD"));
    end_with(exchange, STR("text/html"), own_page(exchange, status));
}

/* Routes again to the section's page for STATUS, as a GET without a body. */
static bool
take_error_page(struct http_exchange *exchange, int status)
{
    struct str page;

    if (exchange->refused || exchange->error_status != 0)
        return false;
    page = http_section_error_page(exchange->section, status);
    if (page.p == NULL || exchange->reroutes >= EXCHANGE_REROUTES_MAX)
        return false;
    exchange->error_status = status;
    exchange->path = page;
    exchange->query = (struct str){0};
    flow_reroute(&exchange->flow);
    exchange_become_get(exchange);
    return exchange_reroute(exchange);
}

void
exchange_fail(struct http_exchange *exchange, int status, const char *flags)
{
    exchange->handler = NULL;
    if (flags != NULL) {
        exchange->term[0] = flags[0];
        exchange->term[1] = flags[1];
    }
    if (!writer_is_unsent(&exchange->writer)) {
        exchange->broken = true;
        exchange_finish(exchange);
        return;
    }
    if (take_error_page(exchange, status))
        return;
    if (exchange->error_status != 0)
        status = exchange->error_status;
    own_error(exchange, status);
}

void
exchange_reply_verdict(struct http_exchange *exchange,
                       const struct hook_verdict *verdict)
{
    struct http_writer *writer = &exchange->writer;

    exchange_begin_response(exchange, verdict->status);
    for (size_t i = 0; i < verdict->header_count; i++)
        writer_field(writer, verdict->headers[i].name,
                     verdict->headers[i].value);
    end_with(exchange, STR(""), verdict->body);
}
