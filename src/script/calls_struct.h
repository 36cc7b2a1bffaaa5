/* SPDX-License-Identifier: MIT */
/*
 * What the Lua side of this floor and its C side know of each other. This text
 * is compiled by C (through calls.h) and given to LuaJIT's ffi.cdef as it
 * stands, so the two cannot disagree: it holds no preprocessor line and no word
 * that LuaJIT does not know.
 *
 * Scripts hold references to the handles, and nothing else of this file.
 * A handle is read-only for them, and its pointer is of a type that Lua does
 * not know, so it can be neither followed nor moved. C sets it while the thing
 * is there and clears it afterwards; every function here refuses a handle that
 * is NULL or cleared.
 */
struct checker;
struct flow;
struct hook_conn;
struct hook_login;
struct http_exchange;
struct script;
struct scripts;
struct server_view;
struct upstream;

struct script_flow {
    struct flow *flow; /* set during pick and done */
};

struct script_conn {
    const struct hook_conn *conn; /* set during accept, login and close */
};

struct script_login {
    const struct hook_login *login; /* set until the login is over */
    int32_t id; /* no two live ones, and no live request, have the same */
};

struct script_request {
    struct http_exchange *exchange; /* set until the exchange ends */
    int32_t id;                     /* no two live requests have the same */
    bool kept;                      /* Lua keeps something for this id */
};

/* What `done` gets besides; `error` is read through result_error. */
struct script_result {
    bool ok;
    int32_t status;
    double connect_ms;
    double total_ms;
    double bytes_in;
    double bytes_out;
    double queries;
    double transactions;
    double errors;
};

/* The response of an exchange. */
struct script_response {
    struct http_exchange *exchange; /* set during response and log */
    bool sent;                      /* during log: it cannot be changed */
};

/* A server that is checked; scripts get what script.checked makes of it. */
struct script_checked {
    struct checker *checker; /* set until the checker goes */
};

/* As struct str. It is good until the next call of any function here. */
struct script_text {
    const char *p;
    size_t len;
};

/* The texts that can be asked of a flow, a connection or a request. */
enum script_field {
    SCRIPT_FIELD_CLIENT,   /* the client's address, without a port */
    SCRIPT_FIELD_LISTENER, /* the address it came to, with the port */
    SCRIPT_FIELD_METHOD,
    SCRIPT_FIELD_URI,     /* path and query as they were sent */
    SCRIPT_FIELD_PATH,    /* decoded, normalised, rewritten */
    SCRIPT_FIELD_QUERY,   /* without the '?' */
    SCRIPT_FIELD_HOST,    /* lower case, without the port */
    SCRIPT_FIELD_SCHEME,  /* "http" or "https" */
    SCRIPT_FIELD_VERSION, /* "1.0" or "1.1" */
    SCRIPT_FIELD_ADDRESS, /* a server's: "HOST:PORT" or "unix:/PATH" */
    SCRIPT_FIELD_USER,    /* who logs in to MySQL */
    SCRIPT_FIELD_SCHEMA,  /* to which schema */
    SCRIPT_FIELD_PLUGIN,  /* and how the client would prove it */
};

/* Where a named text is looked for. */
enum script_place {
    SCRIPT_PLACE_HEADER,
    SCRIPT_PLACE_COOKIE,
    SCRIPT_PLACE_ARG,
};

/* What came of a call. */
enum script_answer {
    SCRIPT_ENDED = -1, /* the handle is not set: the thing is over */
    SCRIPT_NONE = 0,   /* there is no such thing, or: no */
    SCRIPT_FOUND = 1,  /* here it is, or: yes, or: done */
    SCRIPT_BAD = 2,    /* what was given is not a header, a path ... */
    SCRIPT_FULL = 3,   /* no room or no memory */
};

/* The functions of C that are called while connections run. */
struct script_calls {
    int (*flow_text)(const struct script_flow *flow, int field,
                     struct script_text *out);
    int (*flow_find)(const struct script_flow *flow, int place,
                     const char *name, size_t len, struct script_text *out);
    int (*flow_port)(const struct script_flow *flow);
    int (*flow_client_number)(const struct script_flow *flow, uint32_t *out);
    /* As flow_number_uri and _element; SCRIPT_NONE: there is none of it. */
    int (*flow_uri_number)(const struct script_flow *flow, double len,
                           double depth, bool whole, uint32_t *out);
    int (*flow_header_number)(const struct script_flow *flow, const char *name,
                              size_t len, uint32_t *out);
    int (*flow_tried)(const struct script_flow *flow, int32_t index);

    int (*conn_text)(const struct script_conn *conn, int field,
                     struct script_text *out);
    int (*conn_port)(const struct script_conn *conn);
    /* The number under which something is kept for it; 0: nothing is yet.
     * SCRIPT_NONE: nothing can be. */
    int (*conn_ref)(const struct script_conn *conn, int32_t *out);
    void (*conn_set_ref)(const struct script_conn *conn, int32_t ref);

    int (*login_text)(const struct script_login *login, int field,
                      struct script_text *out);
    int (*login_charset)(const struct script_login *login);
    int (*login_tls)(const struct script_login *login);
    /* The attribute at *AT, from 0, which is moved to the next. */
    int (*login_next_attribute)(const struct script_login *login, uint32_t *at,
                                struct script_text *name,
                                struct script_text *value);

    int (*request_text)(const struct script_request *request, int field,
                        struct script_text *out);
    int (*request_find)(const struct script_request *request, int place,
                        const char *name, size_t len, struct script_text *out);
    int (*request_port)(const struct script_request *request);
    int (*request_header_at)(const struct script_request *request,
                             unsigned index, struct script_text *name,
                             struct script_text *value);
    int (*request_set_header)(const struct script_request *request,
                              const char *name, size_t name_len,
                              const char *value, size_t value_len);
    int (*request_rewrite)(const struct script_request *request,
                           const char *path, size_t path_len, const char *query,
                           size_t query_len);
    int (*request_file_exists)(const struct script_request *request,
                               const char *path, size_t len);
    int (*request_file_prefix)(const struct script_request *request,
                               const char *path, size_t len,
                               struct script_text *out);

    /* SCRIPT_FIELD_HOST, also of a Unix socket's address, and _ADDRESS. */
    int (*checked_text)(const struct script_checked *checked, int field,
                        struct script_text *out);
    int (*checked_port)(const struct script_checked *checked);

    int (*response_status)(const struct script_response *response);
    int (*response_server)(const struct script_response *response,
                           struct script_text *out);
    /* Below 0: no server has answered. */
    double (*response_upstream_ms)(const struct script_response *response);
    int (*response_find)(const struct script_response *response,
                         const char *name, size_t len, struct script_text *out);
    /* ADD: beside others of that name.  SCRIPT_NONE: it has been sent. */
    int (*response_set)(const struct script_response *response,
                        const char *name, size_t name_len, const char *value,
                        size_t value_len, bool add);
    int (*response_set_status)(const struct script_response *response,
                               int32_t status);

    int (*result_error)(const struct script_result *result,
                        struct script_text *out);

    struct upstream *(*upstream_find)(const struct scripts *scripts,
                                      const char *name, size_t len);
    struct server_view *(*upstream_views)(struct upstream *upstream);
    void (*upstream_name)(const struct upstream *upstream,
                          struct script_text *out);
    unsigned (*upstream_count)(const struct upstream *upstream);
    void (*upstream_refresh)(struct upstream *upstream);
    /* The turn of the flow that is being placed; -1 where there is none. */
    double (*upstream_turn)(struct upstream *upstream);
    double (*upstream_generation)(struct upstream *upstream);
    /* The index of the server with the least load, for that flow; 0: none is
     * usable; SCRIPT_ENDED: there is no flow. */
    int32_t (*upstream_least)(struct upstream *upstream);
    /* How long the server with this index takes to answer, in ms; below 0: it
     * is no index. */
    double (*upstream_latency)(const struct upstream *upstream, double index);
    /* The index of the server that is chosen for all work; 0: none is. */
    int32_t (*upstream_chosen)(struct upstream *upstream);
    /* Chooses TO where FROM is chosen still; what holds then, or SCRIPT_ENDED
     * as above. Both are indices of servers, FROM may be 0. */
    int32_t (*upstream_choose)(struct upstream *upstream, int32_t from,
                               int32_t to);

    double (*now)(void);
    uint32_t (*hash)(const char *p, size_t len, uint32_t seed);
    bool (*log_is_on)(int level);
    void (*log)(const struct script *script, int level, const char *p,
                size_t len);
};
