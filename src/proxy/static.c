/* SPDX-License-Identifier: MIT */
#include "proxy/static.h"

#include <errno.h>
#include <string.h>

#include "base/clock.h"
#include "base/log.h"
#include "codec/etag.h"
#include "codec/httpdate.h"
#include "codec/range.h"
#include "codec/uri.h"
#include "proxy/file_cache.h"
#include "proxy/http_answer.h"
#include "proxy/http_exchange.h"
#include "proxy/http_file.h"
#include "proxy/http_section.h"

enum {
    CONTENT_RANGE_MAX = 80, /* "bytes A-B/C" with the longest numbers */
    BOUNDARY_LEN = 20,      /* digits between the parts of a multipart */
    PART_HEAD_MAX = 320,    /* what stands before a part of one */
};

static void
unref_file(void *file)
{
    file_unref(file);
}

/* --- preconditions -------------------------------------------------------- */

static struct str
request_field(const struct http_exchange *exchange, enum http_header id)
{
    return http_value(&exchange->head.fields, id);
}

static struct str
etag_of(const struct file *file)
{
    return str_make(file->etag, file->etag_len);
}

static struct str
modified_of(const struct file *file)
{
    return str_make(file->last_modified, HTTPDATE_LEN);
}

/* RFC 9110, 13.2.2: the status that the preconditions lead to; 200 when they
 * hold, or there are none. */
static int
check_preconditions(const struct http_exchange *exchange,
                    const struct file *file)
{
    struct str match = request_field(exchange, HTTP_HEADER_IF_MATCH);
    struct str since = request_field(exchange, HTTP_HEADER_IF_UNMODIFIED_SINCE);
    int64_t date;

    if (match.p != NULL) {
        if (!etag_match(match, etag_of(file), ETAG_STRONG))
            return 412;
    } else if (since.p != NULL && httpdate_read(&date, since) == 0 &&
               file->modified > date) {
        return 412;
    }
    match = request_field(exchange, HTTP_HEADER_IF_NONE_MATCH);
    if (match.p != NULL)
        return etag_match(match, etag_of(file), ETAG_WEAK) ? 304 : 200;
    since = request_field(exchange, HTTP_HEADER_IF_MODIFIED_SINCE);
    if (since.p != NULL && httpdate_read(&date, since) == 0 &&
        file->modified <= date)
        return 304;
    return 200;
}

/* RFC 9110, 13.1.5: a date must be the very one that was sent before. */
static bool
range_condition_holds(const struct http_exchange *exchange,
                      const struct file *file)
{
    struct str value = request_field(exchange, HTTP_HEADER_IF_RANGE);
    int64_t date;

    if (value.p == NULL)
        return true;
    if (value.len > 0 && (value.p[0] == '"' || value.p[0] == 'W'))
        return etag_match(value, etag_of(file), ETAG_STRONG);
    return httpdate_read(&date, value) == 0 && date == file->modified;
}

/* The ranges to answer with, as range_read says it; RANGE_IGNORED where none
 * were asked for or may be looked at (RFC 9110, 14.2: GET alone has them). */
static int
read_ranges(const struct http_exchange *exchange, const struct file *file,
            struct range *ranges)
{
    struct str value = request_field(exchange, HTTP_HEADER_RANGE);

    if (value.p == NULL || exchange->method != HTTP_METHOD_GET ||
        !range_condition_holds(exchange, file))
        return RANGE_IGNORED;
    return range_read(ranges, value, (int64_t)file->size);
}

/* --- answers -------------------------------------------------------------- */

static void
begin(struct http_exchange *exchange, int status, const struct file *file)
{
    exchange_begin_response(exchange, status);
    writer_field(&exchange->writer, STR("Last-Modified"), modified_of(file));
    writer_field(&exchange->writer, STR("ETag"), etag_of(file));
}

static void
end(struct http_exchange *exchange)
{
    writer_end(&exchange->writer);
    exchange_finish(exchange);
}

/* Adds a part of the file to the body; false without memory. */
static bool
add_part(struct http_exchange *exchange, const struct file *file,
         uint64_t offset, uint64_t len)
{
    if (len == 0)
        return true;
    if (file->data != NULL)
        return writer_span(&exchange->writer,
                           str_make(file->data + offset, (size_t)len));
    return writer_file(&exchange->writer, STR(""), file->fd, (off_t)offset,
                       len) == 0;
}

/* Ends a response whose body is one part of the file. */
static void
end_with_part(struct http_exchange *exchange, const struct file *file,
              uint64_t offset, uint64_t len)
{
    writer_length(&exchange->writer, len);
    if (add_part(exchange, file, offset, len))
        end(exchange);
    else
        exchange_fail(exchange, 500, "RC");
}

/* The application that named the file may know better what it is. */
static struct str
type_of(const struct http_exchange *exchange, const struct file *file)
{
    return exchange->carried_type.p != NULL ? exchange->carried_type
                                            : file->type;
}

static void
answer_whole(struct http_exchange *exchange, const struct file *file)
{
    begin(exchange, 200, file);
    writer_field(&exchange->writer, STR("Accept-Ranges"), STR("bytes"));
    writer_field(&exchange->writer, STR("Content-Type"),
                 type_of(exchange, file));
    end_with_part(exchange, file, 0, file->size);
}

/* An error page has the status of the error, and nothing by which a client
 * could keep it for the page that it asked for. */
static void
answer_error_page(struct http_exchange *exchange, const struct file *file)
{
    exchange_begin_response(exchange, exchange->error_status);
    writer_field(&exchange->writer, STR("Content-Type"), file->type);
    end_with_part(exchange, file, 0, file->size);
}

static void
answer_not_modified(struct http_exchange *exchange, const struct file *file)
{
    begin(exchange, 304, file);
    end(exchange);
}

/* RFC 9110, 14.4 */
static void
write_content_range(struct buf *to, const struct range *range, uint64_t size)
{
    buf_str(to, STR("bytes "));
    if (range == NULL) {
        buf_char(to, '*');
    } else {
        buf_uint(to, (uint64_t)range->first);
        buf_char(to, '-');
        buf_uint(to, (uint64_t)range->last);
    }
    buf_char(to, '/');
    buf_uint(to, size);
}

static void
add_content_range(struct http_exchange *exchange, const struct range *range,
                  uint64_t size)
{
    char text[CONTENT_RANGE_MAX];
    struct buf value;

    buf_init(&value, text, sizeof(text));
    write_content_range(&value, range, size);
    writer_field(&exchange->writer, STR("Content-Range"), buf_text(&value));
}

static uint64_t
range_len(const struct range *range)
{
    return (uint64_t)(range->last - range->first) + 1;
}

static void
answer_range(struct http_exchange *exchange, const struct file *file,
             const struct range *range)
{
    begin(exchange, 206, file);
    writer_field(&exchange->writer, STR("Content-Type"),
                 type_of(exchange, file));
    add_content_range(exchange, range, file->size);
    end_with_part(exchange, file, (uint64_t)range->first, range_len(range));
}

static void
answer_unsatisfiable(struct http_exchange *exchange, const struct file *file)
{
    if (http_section_error_page(exchange->section, 416).p != NULL) {
        exchange_fail(exchange, 416, NULL);
        return;
    }
    exchange_begin_response(exchange, 416);
    add_content_range(exchange, NULL, file->size);
    end(exchange);
}

/* --- multipart/byteranges (RFC 9110, 14.6) -------------------------------- */

/* Digits that no other answer of this process has; a file that holds them
 * behind "\r\n--" was made for this moment. */
static void
write_boundary(char out[BOUNDARY_LEN + 1])
{
    static uint64_t count;
    uint64_t n = (clock_wall_ms() << 20) + (++count & 0xfffff);

    for (int i = BOUNDARY_LEN - 1; i >= 0; i--) {
        out[i] = (char)('0' + n % 10);
        n /= 10;
    }
    out[BOUNDARY_LEN] = '\0';
}

/* What stands before a part, in the arena; p is NULL without memory. */
static struct str
part_head(struct http_exchange *exchange, const struct file *file,
          const char *boundary, const struct range *range)
{
    char *text = arena_alloc(&exchange->arena, PART_HEAD_MAX);
    struct buf head;

    if (text == NULL)
        return (struct str){0};
    buf_init(&head, text, PART_HEAD_MAX);
    buf_printf(&head,
               "\r\n--%s\r\nContent-Type: " STR_FMT "\r\nContent-Range: ",
               boundary, STR_ARG(file->type));
    write_content_range(&head, range, file->size);
    buf_str(&head, STR("\r\n\r\n"));
    return buf_text(&head);
}

static bool
add_parts(struct http_exchange *exchange, const struct file *file,
          const char *boundary, const struct range *ranges, int count)
{
    char *last;

    for (int i = 0; i < count; i++) {
        struct str head = part_head(exchange, file, boundary, &ranges[i]);

        if (head.p == NULL ||
            writer_file(&exchange->writer, head, file->fd,
                        (off_t)ranges[i].first, range_len(&ranges[i])) < 0)
            return false;
    }
    last = arena_alloc(&exchange->arena, PART_HEAD_MAX);
    if (last == NULL)
        return false;
    snprintf(last, PART_HEAD_MAX, "\r\n--%s--\r\n", boundary);
    return writer_file(&exchange->writer, str_from(last), -1, 0, 0) == 0;
}

static void
answer_ranges(struct http_exchange *exchange, const struct file *file,
              const struct range *ranges, int count)
{
    static const char prefix[] = "multipart/byteranges; boundary=";
    char type[sizeof(prefix) + BOUNDARY_LEN];
    char *boundary = type + sizeof(prefix) - 1;

    memcpy(type, prefix, sizeof(prefix) - 1);
    write_boundary(boundary);
    begin(exchange, 206, file);
    writer_field(&exchange->writer, STR("Content-Type"), str_from(type));
    if (add_parts(exchange, file, boundary, ranges, count))
        end(exchange);
    else
        exchange_fail(exchange, 500, "RC");
}

/* --- regular files -------------------------------------------------------- */

static void
answer_file(struct http_exchange *exchange, const struct file *file)
{
    struct range ranges[RANGE_MAX];
    int status;
    int count;

    if (exchange->error_status != 0) {
        answer_error_page(exchange, file);
        return;
    }
    status = check_preconditions(exchange, file);
    if (status == 304) {
        answer_not_modified(exchange, file);
        return;
    }
    if (status != 200) {
        exchange_fail(exchange, status, NULL);
        return;
    }
    count = read_ranges(exchange, file, ranges);
    if (count == RANGE_IGNORED)
        answer_whole(exchange, file);
    else if (count == RANGE_UNSATISFIABLE)
        answer_unsatisfiable(exchange, file);
    else if (count == 1)
        answer_range(exchange, file, ranges);
    else
        answer_ranges(exchange, file, ranges, count);
}

/* Whether a file at the exchange's path is a script.  That none or a prefix was
 * found already says that no regex matched. */
static bool
is_script(const struct http_exchange *exchange)
{
    const struct http_route *route = exchange->route;

    if (exchange->group_count >= 0 &&
        (route == NULL || route->conf->kind == ROUTE_PREFIX))
        return false;
    return http_routes_is_script(&exchange->section->routes, exchange->path);
}

static void
serve_regular(struct http_exchange *exchange, const struct file *file)
{
    enum http_method method = exchange->method;

    if (is_script(exchange))
        exchange_fail(exchange, 404, NULL);
    else if (exchange->error_status == 0 && method != HTTP_METHOD_GET &&
             method != HTTP_METHOD_HEAD)
        exchange_fail(exchange, 405, NULL);
    else
        answer_file(exchange, file);
}

/* --- directories ---------------------------------------------------------- */

/* To the form with a slash, so that relative links in it work. */
static void
redirect_to_slash(struct http_exchange *exchange)
{
    size_t max = 3 * exchange->path.len + exchange->query.len + 2;
    char *text = arena_alloc(&exchange->arena, max);
    struct buf location;

    if (text == NULL) {
        exchange_fail(exchange, 500, "RC");
        return;
    }
    buf_init(&location, text, max);
    uri_write_path(&location, exchange->path);
    buf_char(&location, '/');
    if (exchange->query.p != NULL && http_is_value(exchange->query)) {
        buf_char(&location, '?');
        buf_str(&location, exchange->query);
    }
    exchange_redirect(exchange, 301, buf_text(&location));
}

/* PATH and NAME, in the arena; p is NULL without memory. */
static struct str
join(struct http_exchange *exchange, struct str path, struct str name)
{
    char *text = arena_alloc(&exchange->arena, path.len + name.len + 1);

    if (text == NULL)
        return (struct str){0};
    memcpy(text, path.p, path.len);
    memcpy(text + path.len, name.p, name.len);
    text[path.len + name.len] = '\0';
    return str_make(text, path.len + name.len);
}

static bool
goes_upstream(const struct http_exchange *exchange, struct str path)
{
    struct str groups[EXCHANGE_GROUPS_MAX];
    int group_count;
    const struct http_route *route =
        http_routes_find(&exchange->section->routes, path, groups,
                         EXCHANGE_GROUPS_MAX, &group_count);

    return route != NULL && route->regex != NULL && route->upstream != NULL;
}

static bool
is_index(struct http_exchange *exchange, struct str path)
{
    if (exchange->section->conf->root_is_remote &&
        goes_upstream(exchange, path))
        return true;
    return exchange_file_exists(exchange, path);
}

/* Goes on with the first index file that there is; false when there is none. */
static bool
take_index(struct http_exchange *exchange)
{
    const struct http_conf *conf = exchange->section->conf;

    for (size_t i = 0; i < conf->index_count; i++) {
        struct str path = join(exchange, exchange->path, conf->index[i]);

        if (path.p == NULL || !is_index(exchange, path))
            continue;
        exchange->path = path;
        if (!exchange_reroute(exchange))
            exchange_fail(exchange, 500, "PR");
        return true;
    }
    return false;
}

static void
serve_directory(struct http_exchange *exchange)
{
    if (!str_ends_with(exchange->path, STR("/")))
        redirect_to_slash(exchange);
    else if (!take_index(exchange))
        exchange_fail(exchange, 403, NULL);
}

/* --- what is there -------------------------------------------------------- */

static void
fail_to_look(struct http_exchange *exchange, int error, struct str path)
{
    bool exhausted = error == EMFILE || error == ENFILE || error == ENOMEM;

    log_error("file cannot be opened: %s path=" STR_FMT, strerror(error),
              STR_ARG(path));
    exchange_fail(exchange, exhausted ? 503 : 500, "RC");
}

static void
serve_file(struct http_exchange *exchange, const struct file *file,
           struct str path)
{
    switch (file->kind) {
    case FILE_REGULAR:
        serve_regular(exchange, file);
        return;
    case FILE_DIRECTORY:
        serve_directory(exchange);
        return;
    case FILE_FORBIDDEN:
        log_info("file may not be read: %s path=" STR_FMT,
                 strerror(file->error), STR_ARG(path));
        exchange_fail(exchange, 403, NULL);
        return;
    case FILE_MISSING:
    case FILE_SPECIAL:
        exchange_fail(exchange, 404, NULL);
        return;
    case FILE_ERROR:
        fail_to_look(exchange, file->error, path);
        return;
    }
}

/* Where the scripts are elsewhere, so may be the directories. */
static bool
is_remote_directory(const struct http_exchange *exchange)
{
    return exchange->section->conf->root_is_remote &&
           str_ends_with(exchange->path, STR("/"));
}

void
static_serve(struct http_exchange *exchange)
{
    struct str path;
    struct file *file;

    if (is_remote_directory(exchange) && take_index(exchange))
        return;
    path = exchange_file(exchange, exchange->path);
    if (path.p == NULL) {
        exchange_fail(exchange, 404, NULL);
        return;
    }
    file = file_cache_get(exchange->section->files, path);
    if (file == NULL) {
        exchange_fail(exchange, 500, "RC");
        return;
    }
    if (exchange_on_end(exchange, unref_file, file) < 0) {
        file_unref(file);
        exchange_fail(exchange, 500, "RC");
        return;
    }
    serve_file(exchange, file, path);
}
