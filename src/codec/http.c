/* SPDX-License-Identifier: MIT */
/*
 * Tables of HTTP's words, and fields by number and by name.
 *
 * A field name finds its number by a perfect hash of its length and of its
 * first, middle and last letter, and one comparison. A row whose slot is taken
 * does not compile without a warning (an initializer would be overridden); the
 * factors of HEADER_SLOT are then to be searched anew.
 */
#include "codec/http.h"

#include "codec/scan.h"

/* number, usual spelling, letters [0], [len / 2] and [len - 1] */
#define HEADERS(X)                                               \
    X(ACCEPT, "Accept", 'a', 'e', 't')                           \
    X(ACCEPT_ENCODING, "Accept-Encoding", 'a', 'e', 'g')         \
    X(ACCEPT_LANGUAGE, "Accept-Language", 'a', 'l', 'e')         \
    X(ACCEPT_RANGES, "Accept-Ranges", 'a', '-', 's')             \
    X(AGE, "Age", 'a', 'g', 'e')                                 \
    X(ALLOW, "Allow", 'a', 'l', 'w')                             \
    X(AUTHORIZATION, "Authorization", 'a', 'i', 'n')             \
    X(CACHE_CONTROL, "Cache-Control", 'c', 'c', 'l')             \
    X(CONNECTION, "Connection", 'c', 'c', 'n')                   \
    X(CONTENT_DISPOSITION, "Content-Disposition", 'c', 'i', 'n') \
    X(CONTENT_ENCODING, "Content-Encoding", 'c', 'e', 'g')       \
    X(CONTENT_LANGUAGE, "Content-Language", 'c', 'l', 'e')       \
    X(CONTENT_LENGTH, "Content-Length", 'c', '-', 'h')           \
    X(CONTENT_RANGE, "Content-Range", 'c', 't', 'e')             \
    X(CONTENT_TYPE, "Content-Type", 'c', 't', 'e')               \
    X(COOKIE, "Cookie", 'c', 'k', 'e')                           \
    X(DATE, "Date", 'd', 't', 'e')                               \
    X(ETAG, "ETag", 'e', 'a', 'g')                               \
    X(EXPECT, "Expect", 'e', 'e', 't')                           \
    X(EXPIRES, "Expires", 'e', 'i', 's')                         \
    X(FORWARDED, "Forwarded", 'f', 'a', 'd')                     \
    X(HOST, "Host", 'h', 's', 't')                               \
    X(IF_MATCH, "If-Match", 'i', 'a', 'h')                       \
    X(IF_MODIFIED_SINCE, "If-Modified-Since", 'i', 'i', 'e')     \
    X(IF_NONE_MATCH, "If-None-Match", 'i', 'e', 'h')             \
    X(IF_RANGE, "If-Range", 'i', 'a', 'e')                       \
    X(IF_UNMODIFIED_SINCE, "If-Unmodified-Since", 'i', 'f', 'e') \
    X(KEEP_ALIVE, "Keep-Alive", 'k', 'a', 'e')                   \
    X(LAST_MODIFIED, "Last-Modified", 'l', 'o', 'd')             \
    X(LOCATION, "Location", 'l', 't', 'n')                       \
    X(ORIGIN, "Origin", 'o', 'g', 'n')                           \
    X(PRAGMA, "Pragma", 'p', 'g', 'a')                           \
    X(PROXY, "Proxy", 'p', 'o', 'y')                             \
    X(PROXY_AUTHENTICATE, "Proxy-Authenticate", 'p', 'h', 'e')   \
    X(PROXY_AUTHORIZATION, "Proxy-Authorization", 'p', 'h', 'n') \
    X(PROXY_CONNECTION, "Proxy-Connection", 'p', 'n', 'n')       \
    X(RANGE, "Range", 'r', 'n', 'e')                             \
    X(REFERER, "Referer", 'r', 'e', 'r')                         \
    X(RETRY_AFTER, "Retry-After", 'r', '-', 'r')                 \
    X(SERVER, "Server", 's', 'v', 'r')                           \
    X(SET_COOKIE, "Set-Cookie", 's', 'o', 'e')                   \
    X(STATUS, "Status", 's', 't', 's')                           \
    X(TE, "TE", 't', 'e', 'e')                                   \
    X(TRAILER, "Trailer", 't', 'i', 'r')                         \
    X(TRANSFER_ENCODING, "Transfer-Encoding", 't', '-', 'g')     \
    X(UPGRADE, "Upgrade", 'u', 'r', 'e')                         \
    X(USER_AGENT, "User-Agent", 'u', 'a', 't')                   \
    X(VARY, "Vary", 'v', 'r', 'y')                               \
    X(VIA, "Via", 'v', 'i', 'a')                                 \
    X(WWW_AUTHENTICATE, "WWW-Authenticate", 'w', 'e', 'e')       \
    X(X_ACCEL_BUFFERING, "X-Accel-Buffering", 'x', 'b', 'g')     \
    X(X_ACCEL_REDIRECT, "X-Accel-Redirect", 'x', 'r', 't')       \
    X(X_FORWARDED_FOR, "X-Forwarded-For", 'x', 'r', 'r')         \
    X(X_FORWARDED_HOST, "X-Forwarded-Host", 'x', 'd', 't')       \
    X(X_FORWARDED_PROTO, "X-Forwarded-Proto", 'x', 'd', 'o')     \
    X(X_POWERED_BY, "X-Powered-By", 'x', 'r', 'y')               \
    X(X_REAL_IP, "X-Real-IP", 'x', 'a', 'p')

#define HEADER_SLOT(len, first, middle, last) \
    (((len) + 2 * (first) + 22 * (middle) + (last)) & 255)

static const struct str header_names[HTTP_HEADER_COUNT] = {
#define X(word, name, first, middle, last) \
    [HTTP_HEADER_##word] = {name, sizeof(name) - 1},
    HEADERS(X)
#undef X
};

static const uint8_t header_slots[256] = {
#define X(word, name, first, middle, last) \
    [HEADER_SLOT(sizeof(name) - 1, first, middle, last)] = HTTP_HEADER_##word,
    HEADERS(X)
#undef X
};

/* status, reason phrase: the registry of RFC 9110, 16.2 */
#define STATUSES(X)                           \
    X(100, "Continue")                        \
    X(101, "Switching Protocols")             \
    X(102, "Processing")                      \
    X(103, "Early Hints")                     \
    X(200, "OK")                              \
    X(201, "Created")                         \
    X(202, "Accepted")                        \
    X(203, "Non-Authoritative Information")   \
    X(204, "No Content")                      \
    X(205, "Reset Content")                   \
    X(206, "Partial Content")                 \
    X(207, "Multi-Status")                    \
    X(208, "Already Reported")                \
    X(226, "IM Used")                         \
    X(300, "Multiple Choices")                \
    X(301, "Moved Permanently")               \
    X(302, "Found")                           \
    X(303, "See Other")                       \
    X(304, "Not Modified")                    \
    X(305, "Use Proxy")                       \
    X(307, "Temporary Redirect")              \
    X(308, "Permanent Redirect")              \
    X(400, "Bad Request")                     \
    X(401, "Unauthorized")                    \
    X(402, "Payment Required")                \
    X(403, "Forbidden")                       \
    X(404, "Not Found")                       \
    X(405, "Method Not Allowed")              \
    X(406, "Not Acceptable")                  \
    X(407, "Proxy Authentication Required")   \
    X(408, "Request Timeout")                 \
    X(409, "Conflict")                        \
    X(410, "Gone")                            \
    X(411, "Length Required")                 \
    X(412, "Precondition Failed")             \
    X(413, "Content Too Large")               \
    X(414, "URI Too Long")                    \
    X(415, "Unsupported Media Type")          \
    X(416, "Range Not Satisfiable")           \
    X(417, "Expectation Failed")              \
    X(421, "Misdirected Request")             \
    X(422, "Unprocessable Content")           \
    X(423, "Locked")                          \
    X(424, "Failed Dependency")               \
    X(425, "Too Early")                       \
    X(426, "Upgrade Required")                \
    X(428, "Precondition Required")           \
    X(429, "Too Many Requests")               \
    X(431, "Request Header Fields Too Large") \
    X(451, "Unavailable For Legal Reasons")   \
    X(500, "Internal Server Error")           \
    X(501, "Not Implemented")                 \
    X(502, "Bad Gateway")                     \
    X(503, "Service Unavailable")             \
    X(504, "Gateway Timeout")                 \
    X(505, "HTTP Version Not Supported")      \
    X(506, "Variant Also Negotiates")         \
    X(507, "Insufficient Storage")            \
    X(508, "Loop Detected")                   \
    X(511, "Network Authentication Required")

static uint64_t
load_64(const char *p)
{
    uint64_t word;

    memcpy(&word, p, sizeof(word));
    return word;
}

/* Are two tokens of N bytes the same but for the case of letters? No token has
 * two different bytes, one of them in a known name, that only bit 5 parts, but
 * the two cases of a letter. */
static bool
same_letters(const char *a, const char *b, size_t n)
{
    const uint64_t mask = UINT64_C(0xdfdfdfdfdfdfdfdf);
    uint64_t differ = 0;

    if (n < sizeof(uint64_t)) {
        for (size_t i = 0; i < n; i++)
            differ |= (uint64_t)(unsigned char)(a[i] ^ b[i]);
        return (differ & mask) == 0;
    }
    for (size_t i = 0; i + sizeof(uint64_t) < n; i += sizeof(uint64_t))
        differ |= load_64(a + i) ^ load_64(b + i);
    /* The last word overlaps the one before it. */
    differ |=
        load_64(a + n - sizeof(uint64_t)) ^ load_64(b + n - sizeof(uint64_t));
    return (differ & mask) == 0;
}

enum http_header
http_header_id(struct str name)
{
    const unsigned char *p = (const unsigned char *)name.p;
    struct str known;
    uint8_t id;

    if (name.len == 0)
        return HTTP_HEADER_OTHER;
    id = header_slots[HEADER_SLOT(name.len, p[0] | 0x20, p[name.len / 2] | 0x20,
                                  p[name.len - 1] | 0x20)];
    known = header_names[id];
    if (known.len != name.len || !same_letters(known.p, name.p, name.len))
        return HTTP_HEADER_OTHER;
    return (enum http_header)id;
}

struct str
http_header_name(enum http_header id)
{
    if (id >= HTTP_HEADER_COUNT)
        return STR("");
    return header_names[id];
}

enum http_method
http_method_id(struct str name)
{
#define IS(word) (memcmp(name.p, word, sizeof(word) - 1) == 0)
    switch (name.len) {
    case 3:
        if (IS("GET"))
            return HTTP_METHOD_GET;
        return IS("PUT") ? HTTP_METHOD_PUT : HTTP_METHOD_OTHER;
    case 4:
        if (IS("POST"))
            return HTTP_METHOD_POST;
        return IS("HEAD") ? HTTP_METHOD_HEAD : HTTP_METHOD_OTHER;
    case 5:
        if (IS("PATCH"))
            return HTTP_METHOD_PATCH;
        return IS("TRACE") ? HTTP_METHOD_TRACE : HTTP_METHOD_OTHER;
    case 6:
        return IS("DELETE") ? HTTP_METHOD_DELETE : HTTP_METHOD_OTHER;
    case 7:
        if (IS("OPTIONS"))
            return HTTP_METHOD_OPTIONS;
        return IS("CONNECT") ? HTTP_METHOD_CONNECT : HTTP_METHOD_OTHER;
    default:
        return HTTP_METHOD_OTHER;
    }
#undef IS
}

bool
http_is_token(struct str s)
{
    const uint8_t *p = (const uint8_t *)s.p;

    return s.len > 0 && scan_over(p, p + s.len, SCAN_TOKEN) == p + s.len;
}

bool
http_frames_message(struct str name)
{
    switch (http_header_id(name)) {
    case HTTP_HEADER_CONNECTION:
    case HTTP_HEADER_CONTENT_LENGTH:
    case HTTP_HEADER_KEEP_ALIVE:
    case HTTP_HEADER_TRAILER:
    case HTTP_HEADER_TRANSFER_ENCODING:
    case HTTP_HEADER_UPGRADE:
        return true;
    default:
        return false;
    }
}

bool
http_is_value(struct str s)
{
    const uint8_t *p = (const uint8_t *)s.p;

    return s.len == 0 || scan_value(p, p + s.len) == p + s.len;
}

void
http_fields_init(struct http_fields *fields)
{
    fields->count = 0;
    memset(fields->first, 0, sizeof(fields->first));
}

const struct http_field *
http_find(const struct http_fields *fields, enum http_header id)
{
    unsigned place = fields->first[id];

    return place == 0 ? NULL : &fields->at[place - 1];
}

struct str
http_value(const struct http_fields *fields, enum http_header id)
{
    const struct http_field *field = http_find(fields, id);

    return field == NULL ? str_make(NULL, 0) : field->value;
}

const struct http_field *
http_find_name(const struct http_fields *fields, struct str name)
{
    enum http_header id = http_header_id(name);

    if (id != HTTP_HEADER_OTHER)
        return http_find(fields, id);
    for (unsigned i = 0; i < fields->count; i++) {
        const struct http_field *field = &fields->at[i];

        if (field->id == id && str_equal_nocase(field->name, name))
            return field;
    }
    return NULL;
}

int
http_add(struct http_fields *fields, struct str name, struct str value)
{
    struct http_field *field;

    if (fields->count == HTTP_MAX_FIELDS)
        return -1;
    field = &fields->at[fields->count++];
    field->name = name;
    field->value = value;
    field->id = http_header_id(name);
    field->underscore = name.len > 0 && memchr(name.p, '_', name.len) != NULL;
    if (fields->first[field->id] == 0)
        fields->first[field->id] = (uint8_t)fields->count;
    return 0;
}

unsigned
http_remove(struct http_fields *fields, struct str name)
{
    enum http_header id = http_header_id(name);
    unsigned count = fields->count, kept = 0;

    http_fields_init(fields);
    for (unsigned i = 0; i < count; i++) {
        const struct http_field *field = &fields->at[i];

        if (field->id == id && str_equal_nocase(field->name, name))
            continue;
        fields->at[kept++] = *field;
        if (fields->first[field->id] == 0)
            fields->first[field->id] = (uint8_t)kept;
    }
    fields->count = kept;
    return count - kept;
}

bool
http_list_next(struct str *item, struct str *list)
{
    ptrdiff_t comma;
    size_t to;

    if (list->len == 0)
        return false;
    comma = str_find_char(*list, ',', 0);
    to = comma < 0 ? list->len : (size_t)comma;
    *item = str_trim(str_slice(*list, 0, to));
    *list = str_slice(*list, to + 1, list->len);
    return true;
}

bool
http_list_has(struct str list, struct str token)
{
    struct str item;

    while (http_list_next(&item, &list)) {
        ptrdiff_t semicolon = str_find_char(item, ';', 0);

        if (semicolon >= 0)
            item.len = (size_t)semicolon;
        if (str_equal_nocase(str_trim(item), token))
            return true;
    }
    return false;
}

struct str
http_status_text(int status)
{
    switch (status) {
#define X(number, phrase) \
    case number:          \
        return STR(#number " " phrase);
        STATUSES(X)
#undef X
    default:
        return STR("");
    }
}

const char *
http_reason(int status)
{
    struct str text = http_status_text(status);

    return text.len == 0 ? "Unknown" : text.p + sizeof("404 ") - 1;
}
