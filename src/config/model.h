/* SPDX-License-Identifier: MIT */
/*
 * What the administrator wrote: plain data, complete and checked, never changed
 * once it is handed out. (Where there were faults, what was at fault is missing
 * or absent, and so may be what is promised below.) All of it lives in one
 * arena that goes with the last reference, so whoever keeps a pointer into it
 * keeps a reference to the whole.
 *
 *     config -- global
 *        |----- upstreams[] -- servers[]
 *        +----- sections[] --- listens[], scripts[], http -- routes[] ...
 *                                                              |
 *                                    an upstream of above <----+
 *
 * Defaults and the values of [defaults] are resolved: nothing here means "look
 * elsewhere", but for the one case that limits_merge is for. Relative paths
 * have become absolute. Every `struct str` is followed by a NUL, and an absent
 * one has p == NULL.
 */
#ifndef CONFIG_MODEL_H
#define CONFIG_MODEL_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/addr.h"
#include "base/log.h"
#include "base/mem.h"
#include "base/str.h"
#include "config/template.h"

enum {
    CONFIG_NAME_MAX = 32,    /* bytes of a section's or server's name */
    CONFIG_WORKERS_MAX = 64, /* `workers` */
    CONFIG_SHARED_MEMORY_MIN = 256 * 1024, /* bytes of `shared_memory` */
    CONFIG_WEIGHT_MAX = 256,               /* `weight=` */
    CONFIG_RETRIES_MAX = 15,               /* `retries`, below FLOW_TRIES_MAX */
    CONFIG_UPSTREAMS_MAX = 256,            /* [upstream] sections */
    CONFIG_SERVERS_MAX = 1024,             /* servers of all upstreams */
    CONFIG_SECTIONS_MAX = 16000, /* [http], [tcp] and [mysql] sections */
    CONFIG_SCRIPTS_MAX = 16000,  /* different ones of all sections */
    CONFIG_CHECK_TEXT_MAX = 128, /* bytes of a check's uri, host, user and
                                    password */
};

/* Where something was written; for messages of every later stage. */
struct config_at {
    const char *file; /* the path as it was given or included */
    unsigned line;    /* from 1 */
};

/* An address as it was written. Names are looked up by others, later. */
struct address_conf {
    bool is_unix;    /* path instead of host and port */
    struct str host; /* an IPv4 or IPv6 address without brackets, or a name */
    uint16_t port;   /* 1 to 65535; 0 for a Unix socket */
    struct str path; /* of a Unix socket */
    struct str text; /* "HOST:PORT", "[V6]:PORT", "unix:/PATH"; the same
                        address has the same text */
};

enum log_kind {
    LOG_KIND_STDERR,     /* where the program was started */
    LOG_KIND_STDOUT,     /* likewise */
    LOG_KIND_FILE,       /* appended to; opened again on USR1 */
    LOG_KIND_SYSLOG_UDP, /* datagrams to `address` */
    LOG_KIND_SYSLOG_TCP, /* a connection to `address` */
    LOG_KIND_SYSLOG_DEV, /* the local syslog's socket, /dev/log */
    LOG_KIND_JOURNALD,   /* journald's own socket */
};

enum log_format {
    LOG_FORMAT_RFC3164, /* the BSD form, as HAProxy sends it */
    LOG_FORMAT_RFC5424, /* the IETF form */
};

struct log_conf {
    enum log_kind kind;
    enum log_level level; /* lines under it are not written */
    struct str path;      /* FILE, and the socket of SYSLOG_DEV and JOURNALD */
    struct address_conf address; /* SYSLOG_UDP, SYSLOG_TCP */
    unsigned facility;           /* 0 to 23, as syslog numbers them */
    enum log_format format;      /* of every kind of syslog */
    struct config_at at;
};

struct global_conf {
    unsigned workers;            /* 0: one for each CPU */
    struct str user;             /* absent: keep */
    struct str group;            /* absent: that of the user */
    struct str pidfile;          /* absent: none */
    struct str control;          /* the control socket; absent: none */
    struct str control_group;    /* its group; absent: the master's */
    bool daemon;                 /* run in the background */
    struct str chroot;           /* absent: off */
    const struct log_conf *logs; /* at least one */
    size_t log_count;
    struct str script_path;         /* absent: only the shipped scripts */
    uint64_t script_budget_ms;      /* CPU time of one hook */
    uint64_t script_load_budget_ms; /* of each step of loading */
    uint64_t script_memory_bytes;   /* of a process's scripts */
    bool script_watch;              /* a saved script is swapped in */
    bool script_selftest;           /* if the specs beside it pass */
    const struct str *script_trust; /* scripts that have all of Lua, by the
                                       names that the configuration has */
    size_t script_trust_count;
    uint64_t shared_memory;    /* bytes of moongate.shared */
    uint32_t max_connections;  /* of the whole program */
    uint64_t drain_timeout_ms; /* after it a graceful stop is not */
    struct str temp_dir;       /* of unlinked files */
    struct config_at user_at;  /* line 0 where they were not written */
    struct config_at group_at;
    struct config_at control_group_at;
    struct config_at daemon_at;
    struct config_at chroot_at;
    struct config_at temp_dir_at;
    struct config_at script_path_at;
    struct config_at script_trust_at;
};

/* What is done again on another server, as a set of bits. */
enum retry_on {
    RETRY_ON_CONNECT = 1, /* the connection was not made */
    RETRY_ON_RESET = 2,   /* it broke before an answer */
    RETRY_ON_DOWN = 4,    /* the server was marked down meanwhile */
    RETRY_ON_TIMEOUT = 8, /* no answer in time */
    RETRY_ON_502 = 16,    /* the server answered with this status */
    RETRY_ON_503 = 32,
    RETRY_ON_504 = 64,
};

/* Bits of limits_conf.given. */
enum limits_field {
    LIMITS_CONNECT_TIMEOUT = 1,
    LIMITS_CLIENT_TIMEOUT = 2,
    LIMITS_SERVER_TIMEOUT = 4,
    LIMITS_KEEPALIVE_TIMEOUT = 8,
    LIMITS_HEADER_TIMEOUT = 16,
    LIMITS_RETRIES = 32,
    LIMITS_RETRY_ON = 64,
    LIMITS_TCP_KEEPALIVE = 128,
    LIMITS_QUEUE_TIMEOUT = 256,
};

/* The keys of [defaults], as they hold for one section or upstream. */
struct limits_conf {
    uint32_t connect_timeout_ms;
    uint32_t client_timeout_ms;    /* inactivity of the client */
    uint32_t server_timeout_ms;    /* inactivity of the server */
    uint32_t keepalive_timeout_ms; /* an idle HTTP client */
    uint32_t header_timeout_ms;    /* a whole request head */
    uint32_t queue_timeout_ms;     /* how long work waits for a server */
    unsigned retries;              /* further attempts */
    unsigned retry_on;             /* set of enum retry_on */
    bool tcp_keepalive;            /* SO_KEEPALIVE on both sides */
    unsigned given; /* set of enum limits_field: written in this very section */
};

/* A file's text, read when the configuration was. */
struct file_conf {
    struct str path; /* absent: none was named */
    struct str text;
};

/* Whom a connection by TLS to a server trusts. */
enum tls_verify {
    TLS_VERIFY_SYSTEM, /* whom this machine's certificates have signed */
    TLS_VERIFY_CA,     /* those in `ca`, or whom they have signed */
    TLS_VERIFY_OFF,    /* anybody */
};

/* TLS towards a server. */
struct server_tls_conf {
    bool on;
    enum tls_verify verify;
    struct file_conf ca;
    struct str name; /* that it is to prove; absent: its address's */
};

/* TLS towards clients. */
struct listen_tls_conf {
    bool on;
    bool required;                /* nobody is served without */
    struct file_conf certificate; /* and those that lead to an authority */
    struct file_conf key;
};

struct server_conf {
    struct str name;
    struct address_conf address;
    unsigned weight;  /* 0 to CONFIG_WEIGHT_MAX */
    uint32_t maxconn; /* 0: no limit */
    bool backup;      /* used while no other server is usable */
    bool disabled;    /* starts in maintenance */
    bool unchecked;   /* check=off: it counts as up */
    struct str root;  /* fastcgi: this node's document root, or absent */
    struct server_tls_conf tls; /* mysql */
    struct config_at at;
};

enum check_kind {
    CHECK_OFF,     /* servers count as up */
    CHECK_TCP,     /* a connection is made */
    CHECK_HTTP,    /* a request is answered with an expected status */
    CHECK_FASTCGI, /* likewise, by php-fpm's ping page or a script */
    CHECK_MYSQL,   /* a login succeeds, as HAProxy's mysql-check */
    CHECK_GALERA,  /* and the node is in sync with a cluster */
    CHECK_LUA,     /* a script's `check` says so */
};

/* How the health of an upstream's servers is checked. */
struct check_conf {
    enum check_kind kind;
    uint32_t interval_ms;  /* from one check's start to the next one's */
    uint32_t timeout_ms;   /* of a whole check */
    uint32_t fastinter_ms; /* the interval between the first failed check and
                              the last, and likewise on the way up */
    uint32_t downinter_ms; /* the interval while down */
    unsigned rise;         /* passed checks in a row that bring it up */
    unsigned fall;         /* failed ones that take it down */
    struct str uri;        /* http, fastcgi */
    struct str host;       /* http: the Host header; absent: the address */
    unsigned expect_from;  /* http, fastcgi: the statuses that pass */
    unsigned expect_to;    /* the last of them */
    struct str user;       /* mysql, galera */
    struct str password;   /* mysql, galera; absent: none */
    bool donor;            /* galera: a donor may serve */
    bool lag_weight;       /* galera: one that lags behind gets less */
    struct str script;     /* lua: absolute, or in the script path */
    struct config_at at;   /* line 0 where the key is at fault */
};

/* Live failures that count as one failed check; `errors` is 0 for off. */
struct observe_conf {
    unsigned errors;
    uint32_t within_ms;
    bool on_5xx; /* a status of 500 or more is a failure, too */
    struct config_at at;
};

enum send_proxy {
    SEND_PROXY_OFF,
    SEND_PROXY_V1, /* one line of text */
    SEND_PROXY_V2, /* binary */
};

/* What becomes of the sessions on a server that is marked down. */
enum on_marked_down {
    ON_MARKED_DOWN_KEEP,     /* they go on as long as they can */
    ON_MARKED_DOWN_SHUTDOWN, /* they are ended */
};

enum protocol {
    PROTOCOL_FASTCGI, /* php-fpm; for [http] */
    PROTOCOL_TCP,     /* for [tcp] and [mysql] */
    PROTOCOL_MYSQL,   /* for [mysql] and [tcp] */
};

/* One NAME=VALUE behind a policy's name; a bare NAME has the value "on". */
struct option_conf {
    struct str name;
    struct str value;
};

struct upstream_conf {
    struct str name;
    enum protocol protocol;
    struct str policy; /* "roundrobin", or an absolute path of a script */
    bool policy_is_path;
    const struct option_conf *policy_options; /* in file order, no name twice */
    size_t policy_option_count;
    struct config_at policy_at; /* the section's own line without a policy */
    unsigned keepalive;         /* idle connections kept by a worker */
    struct check_conf check;
    struct observe_conf observe;
    uint32_t slowstart_ms; /* in which a weight grows after a down; 0: none */
    bool hold;             /* work waits while no server is in service */
    enum send_proxy send_proxy;
    enum on_marked_down on_marked_down;
    uint32_t rebalance;  /* idle sessions that are retired a second after a
                            server came back; 0: none */
    uint32_t resolve_ms; /* how often names are looked up again; 0: never */
    struct limits_conf limits;
    const struct server_conf *servers; /* at least one, in file order */
    size_t server_count;
    unsigned index; /* in config.upstreams */
    struct config_at at;
};

struct listen_conf {
    struct address_conf address; /* "*" has become 0.0.0.0 */
    bool default_server;         /* http: for names that no section has */
    bool accept_proxy;           /* connections begin with a PROXY header */
    unsigned backlog;            /* 0: the system's largest */
    struct listen_tls_conf tls;  /* mysql */
    struct config_at at;
};

struct script_conf {
    struct str path; /* absolute, or to be looked up in the script path */
    struct config_at at;
};

enum access_log {
    ACCESS_LOG_OFF,      /* no records */
    ACCESS_LOG_COMBINED, /* Apache's and nginx's */
    ACCESS_LOG_HTTPLOG,  /* HAProxy's of HTTP */
    ACCESS_LOG_TCPLOG,   /* HAProxy's of TCP */
    ACCESS_LOG_JSON,     /* one object a line */
    ACCESS_LOG_TEMPLATE, /* access_log_template */
};

enum route_kind {
    ROUTE_EXACT,         /* = /path */
    ROUTE_PREFIX,        /* /path; the longest wins, regexes go before */
    ROUTE_PREFIX_STRONG, /* ^~ /path; the longest wins, no regex is asked */
    ROUTE_REGEX,         /* ~ pattern, in file order */
    ROUTE_REGEX_NOCASE,  /* ~* pattern */
};

enum route_target {
    ROUTE_TO_UPSTREAM, /* route_conf.upstream */
    ROUTE_TO_STATIC,   /* a file below the root */
    ROUTE_TO_INTERNAL, /* 404 unless it was routed again */
    ROUTE_TO_DENY,     /* 403 */
    ROUTE_TO_REDIRECT, /* redirect_code to redirect_url */
    ROUTE_TO_STATS,    /* route_conf.stats, whose page is at the pattern */
};

struct stats_conf;

struct route_conf {
    enum route_kind kind;
    struct str pattern; /* a path, or a valid regular expression */
    enum route_target target;
    const struct upstream_conf *upstream; /* ROUTE_TO_UPSTREAM, else NULL */
    const struct stats_conf *stats;       /* ROUTE_TO_STATS, else NULL */
    unsigned redirect_code;               /* 301, 302, 303, 307 or 308 */
    const struct template *redirect_url;  /* ROUTE_TO_REDIRECT, else NULL */
    const struct template *root;          /* instead of the section's; NULL */
    const struct template *alias; /* stands for the matched prefix; NULL */
    uint64_t max_body_bytes;      /* the section's where not given */
    uint32_t server_timeout_ms;   /* 0: not given, see limits_merge */
    struct config_at at;
};

/* A FastCGI parameter or a response header. */
struct field_conf {
    struct str name;
    const struct template *value;
    struct config_at at;
};

struct error_page_conf {
    const unsigned *statuses; /* 400 to 599 */
    size_t status_count;
    struct str uri; /* routed again */
    struct config_at at;
};

enum encoded_slash {
    ENCODED_SLASH_DECODE, /* %2F in a path becomes a slash */
    ENCODED_SLASH_REFUSE, /* 400 */
};

struct http_conf {
    const struct str *server_names; /* lower case; "*.x" for all below x */
    size_t server_name_count;
    const struct template *root; /* NULL: none */
    struct config_at root_at;
    const struct str *index; /* names of index files, in order */
    size_t index_count;
    const struct route_conf *routes; /* in file order */
    size_t route_count;
    const struct field_conf *params;
    size_t param_count;
    const struct field_conf *headers;
    size_t header_count;
    const struct error_page_conf *error_pages;
    size_t error_page_count;
    uint64_t max_body_bytes; /* UINT64_MAX: no limit */
    uint64_t body_buffer_bytes;
    uint64_t response_buffer_bytes;
    uint64_t response_spool_bytes;
    bool underscores; /* keep request headers whose name has one */
    enum encoded_slash encoded_slash;
    bool root_is_remote; /* do not look for scripts in root */
};

enum section_kind {
    SECTION_HTTP,
    SECTION_TCP,
    SECTION_MYSQL,
};

enum script_failure {
    SCRIPT_FAILURE_PASS, /* go on as if there were no script */
    SCRIPT_FAILURE_DENY, /* refuse the request */
};

/* How a [mysql NAME] greets its clients. */
enum handshake {
    HANDSHAKE_SWITCH,      /* Moongate greets, and has the client switch to the
                              challenge of the server that is chosen then */
    HANDSHAKE_PASSTHROUGH, /* the server that was chosen before greets */
};

/* One [http NAME], [tcp NAME] or [mysql NAME]. */
struct section_conf {
    enum section_kind kind;
    struct str name;
    const struct listen_conf *listens; /* none where routes lead to it */
    size_t listen_count;
    const struct upstream_conf *upstream; /* tcp, mysql; NULL for http */
    const struct script_conf *scripts;    /* in the order of running */
    size_t script_count;
    enum script_failure script_failure;
    uint32_t max_connections; /* tcp, mysql; 0: no limit of its own */
    enum handshake handshake; /* mysql */
    bool visible;             /* mysql: commands are followed */
    const struct cidr *trust; /* whose PROXY header and X-Forwarded-For are
                                 believed */
    size_t trust_count;
    struct limits_conf limits;
    enum access_log access_log;
    const struct template *access_log_template; /* or NULL */
    const struct log_conf *log_to; /* of the records; NULL: the global ones */
    bool log_null;       /* a record of a connection on which nothing came */
    uint32_t log_sample; /* one record of so many; errors always */
    const struct http_conf *http; /* NULL unless kind is SECTION_HTTP */
    unsigned index;               /* in config.sections */
    struct config_at at;
};

/* Who may see a [stats NAME]. */
struct auth_conf {
    struct str user;
    struct str secret; /* a password, or a hash of it as htpasswd makes it */
};

struct stats_conf {
    struct str name;
    const struct listen_conf *listens; /* at least one */
    size_t listen_count;
    struct str uri;   /* of the page */
    struct str realm; /* that browsers show */
    const struct auth_conf *auths;
    size_t auth_count; /* 0: everybody, which is who is on this machine */
    bool admin;        /* the page may change servers and scripts */
    struct config_at at;
};

struct config {
    struct str file;   /* the path it was read from */
    struct str folder; /* where relative paths started */
    struct global_conf global;
    const struct upstream_conf *upstreams; /* in file order */
    size_t upstream_count;
    size_t server_count;                 /* of all upstreams together */
    const struct section_conf *sections; /* in file order */
    size_t section_count;
    const struct stats_conf *stats; /* in file order */
    size_t stats_count;
};

/* One more user of the configuration; returns it. */
const struct config *config_ref(const struct config *config);

/* One user less; the last one frees it. NULL does nothing. */
void config_unref(const struct config *config);

/* The upstream or section of this name; NULL when there is none. */
const struct upstream_conf *
config_find_upstream(const struct config *config, struct str name);
const struct section_conf *
config_find_section(const struct config *config, enum section_kind kind,
                    struct str name);

const struct stats_conf *
config_find_stats(const struct config *config, struct str name);

/* The address of STATS (or NULL) that is written as TEXT; NULL when there is
 * none. */
const struct listen_conf *
stats_conf_find_listen(const struct stats_conf *stats, struct str text);

/* The server of this name; NULL when there is none. */
const struct server_conf *
upstream_conf_find_server(const struct upstream_conf *upstream,
                          struct str name);

/* What holds for a flow of SECTION to UPSTREAM: what was written in the
 * upstream goes before what was written in the section, and that before
 * [defaults] and the built-in values. */
void limits_merge(struct limits_conf *out, const struct section_conf *section,
                  const struct upstream_conf *upstream);

/* "http", "tcp" or "mysql". */
const char *section_kind_name(enum section_kind kind);

#endif
