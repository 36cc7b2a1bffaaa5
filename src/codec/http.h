/* SPDX-License-Identifier: MIT */
/*
 * The words of HTTP (RFC 9110), whatever the version on the wire: methods,
 * statuses, fields, and a request as a struct. http1.h fills it from bytes;
 * its texts point into those bytes.
 */
#ifndef CODEC_HTTP_H
#define CODEC_HTTP_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/str.h"

enum {
    HTTP_MAX_FIELDS = 100, /* header fields of one message */
};

enum http_method {
    HTTP_METHOD_OTHER,   /* a valid name that is none of these */
    HTTP_METHOD_GET,     /* RFC 9110 */
    HTTP_METHOD_HEAD,    /* RFC 9110 */
    HTTP_METHOD_POST,    /* RFC 9110 */
    HTTP_METHOD_PUT,     /* RFC 9110 */
    HTTP_METHOD_DELETE,  /* RFC 9110 */
    HTTP_METHOD_OPTIONS, /* RFC 9110 */
    HTTP_METHOD_TRACE,   /* RFC 9110 */
    HTTP_METHOD_CONNECT, /* never in a request that was accepted */
    HTTP_METHOD_PATCH,   /* RFC 5789 */
};

/* Field names that somebody asks for by number. */
enum http_header {
    HTTP_HEADER_OTHER,               /* any other name */
    HTTP_HEADER_ACCEPT,              /* Accept */
    HTTP_HEADER_ACCEPT_ENCODING,     /* Accept-Encoding */
    HTTP_HEADER_ACCEPT_LANGUAGE,     /* Accept-Language */
    HTTP_HEADER_ACCEPT_RANGES,       /* Accept-Ranges */
    HTTP_HEADER_AGE,                 /* Age */
    HTTP_HEADER_ALLOW,               /* Allow */
    HTTP_HEADER_AUTHORIZATION,       /* Authorization */
    HTTP_HEADER_CACHE_CONTROL,       /* Cache-Control */
    HTTP_HEADER_CONNECTION,          /* Connection */
    HTTP_HEADER_CONTENT_DISPOSITION, /* Content-Disposition */
    HTTP_HEADER_CONTENT_ENCODING,    /* Content-Encoding */
    HTTP_HEADER_CONTENT_LANGUAGE,    /* Content-Language */
    HTTP_HEADER_CONTENT_LENGTH,      /* Content-Length */
    HTTP_HEADER_CONTENT_RANGE,       /* Content-Range */
    HTTP_HEADER_CONTENT_TYPE,        /* Content-Type */
    HTTP_HEADER_COOKIE,              /* Cookie */
    HTTP_HEADER_DATE,                /* Date */
    HTTP_HEADER_ETAG,                /* ETag */
    HTTP_HEADER_EXPECT,              /* Expect */
    HTTP_HEADER_EXPIRES,             /* Expires */
    HTTP_HEADER_FORWARDED,           /* Forwarded */
    HTTP_HEADER_HOST,                /* Host */
    HTTP_HEADER_IF_MATCH,            /* If-Match */
    HTTP_HEADER_IF_MODIFIED_SINCE,   /* If-Modified-Since */
    HTTP_HEADER_IF_NONE_MATCH,       /* If-None-Match */
    HTTP_HEADER_IF_RANGE,            /* If-Range */
    HTTP_HEADER_IF_UNMODIFIED_SINCE, /* If-Unmodified-Since */
    HTTP_HEADER_KEEP_ALIVE,          /* Keep-Alive */
    HTTP_HEADER_LAST_MODIFIED,       /* Last-Modified */
    HTTP_HEADER_LOCATION,            /* Location */
    HTTP_HEADER_ORIGIN,              /* Origin */
    HTTP_HEADER_PRAGMA,              /* Pragma */
    HTTP_HEADER_PROXY,               /* Proxy: would forge HTTP_PROXY in CGI */
    HTTP_HEADER_PROXY_AUTHENTICATE,  /* Proxy-Authenticate */
    HTTP_HEADER_PROXY_AUTHORIZATION, /* Proxy-Authorization */
    HTTP_HEADER_PROXY_CONNECTION,    /* Proxy-Connection */
    HTTP_HEADER_RANGE,               /* Range */
    HTTP_HEADER_REFERER,             /* Referer */
    HTTP_HEADER_RETRY_AFTER,         /* Retry-After */
    HTTP_HEADER_SERVER,              /* Server */
    HTTP_HEADER_SET_COOKIE,          /* Set-Cookie */
    HTTP_HEADER_STATUS,              /* Status, of CGI (RFC 3875) */
    HTTP_HEADER_TE,                  /* TE */
    HTTP_HEADER_TRAILER,             /* Trailer */
    HTTP_HEADER_TRANSFER_ENCODING,   /* Transfer-Encoding */
    HTTP_HEADER_UPGRADE,             /* Upgrade */
    HTTP_HEADER_USER_AGENT,          /* User-Agent */
    HTTP_HEADER_VARY,                /* Vary */
    HTTP_HEADER_VIA,                 /* Via */
    HTTP_HEADER_WWW_AUTHENTICATE,    /* WWW-Authenticate */
    HTTP_HEADER_X_ACCEL_BUFFERING,   /* X-Accel-Buffering */
    HTTP_HEADER_X_ACCEL_REDIRECT,    /* X-Accel-Redirect */
    HTTP_HEADER_X_FORWARDED_FOR,     /* X-Forwarded-For */
    HTTP_HEADER_X_FORWARDED_HOST,    /* X-Forwarded-Host */
    HTTP_HEADER_X_FORWARDED_PROTO,   /* X-Forwarded-Proto */
    HTTP_HEADER_X_POWERED_BY,        /* X-Powered-By */
    HTTP_HEADER_X_REAL_IP,           /* X-Real-IP */
    HTTP_HEADER_COUNT,               /* how many numbers there are */
};

struct http_field {
    struct str name;     /* as it was sent */
    struct str value;    /* without the white space around it */
    enum http_header id; /* of the name, in any case of letters */
    bool underscore; /* the name has a '_': CGI could not tell it from '-' */
};

/* The fields of one head, in their order. */
struct http_fields {
    unsigned count;                   /* of at[] */
    uint8_t first[HTTP_HEADER_COUNT]; /* 1 + place of an id's first field */
    struct http_field at[HTTP_MAX_FIELDS];
};

/* One request. All texts point into the bytes that were read. */
struct http_request {
    enum http_method method;   /* its number */
    struct str method_name;    /* as it was sent */
    struct str target;         /* as it was sent: any form */
    struct str uri;            /* path and query as they were sent, undecoded:
                                  REQUEST_URI; "*" only for OPTIONS */
    struct str path;           /* uri before the first '?' */
    struct str query;          /* after it; p is NULL where there is no '?' */
    struct str host;           /* name or [address] without the port; as sent;
                                  of the target, else of Host; p is NULL in
                                  HTTP/1.0 without Host */
    int port;                  /* that was named with it, or -1 */
    int minor;                 /* HTTP/1.minor: 0 or 1 */
    bool absolute;             /* target was in absolute-form */
    bool asterisk;             /* target was "*" */
    bool chunked;              /* the body comes in chunks */
    bool has_body;             /* chunked, or content_length > 0 */
    bool keep_alive;           /* the connection may stay open afterwards */
    bool expect_continue;      /* the client waits for a 100 before its body */
    int64_t content_length;    /* as announced; -1 where it was not */
    struct http_fields fields; /* all of them, those that were used too */
};

/* The number of a field NAME, compared in any case; HTTP_HEADER_OTHER for
 * names that are not in the enum. NAME must be a token (RFC 9110, 5.6.2), or
 * what it holds besides may be taken for a letter or '-'. */
enum http_header http_header_id(struct str name);

/* The usual spelling of a known field name; empty for OTHER and COUNT. */
struct str http_header_name(enum http_header id);

/* The number of a method's name (case matters). */
enum http_method http_method_id(struct str name);

/* Is S a token: one byte or more, all of them fit for a field name? */
bool http_is_token(struct str s);

/* Does the header of this name say where a message ends, or what becomes of its
 * connection?  Whoever sends the message writes it, and nobody else.  NAME must
 * be a token, as for http_header_id. */
bool http_frames_message(struct str name);

/* Is S fit for a field value: no control bytes but tab, no DEL? Empty is. */
bool http_is_value(struct str s);

/* Empties FIELDS: what any other call on them needs first. */
void http_fields_init(struct http_fields *fields);

/* The first field of this number, or NULL. */
const struct http_field *
http_find(const struct http_fields *fields, enum http_header id);

/* The value of the first field of this number; p is NULL without one. */
struct str http_value(const struct http_fields *fields, enum http_header id);

/* The first field of this NAME (any case), or NULL. */
const struct http_field *
http_find_name(const struct http_fields *fields, struct str name);

/* Adds a field after the others; 0, or -1 where there are HTTP_MAX_FIELDS. */
int http_add(struct http_fields *fields, struct str name, struct str value)
    __attribute__((warn_unused_result));

/* Removes all fields of this NAME (any case) and keeps the order of the
 * others. Returns how many there were. */
unsigned http_remove(struct http_fields *fields, struct str name);

/* Takes the first item off LIST, a comma-separated one, without the white space
 * around it; it may be empty.  False: there was none left. */
bool http_list_next(struct str *item, struct str *list);

/* Does LIST, a comma-separated list of tokens such as the value of Connection,
 * name TOKEN (any case)? Parameters after ';' are not part of the name. */
bool http_list_has(struct str list, struct str token);

/* "404 Not Found": a status that is registered with its reason phrase; empty
 * for others. */
struct str http_status_text(int status);

/* "Not Found": the reason phrase alone; "Unknown" for others. Never NULL. */
const char *http_reason(int status);

#endif
