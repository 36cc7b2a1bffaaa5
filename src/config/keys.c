/* SPDX-License-Identifier: MIT */
/* The table of keys. One row is one key; what a row leaves out is 0 or NULL. */
#include "config/keys.h"

#include <stdio.h>

#include "base/buf.h"
#include "config/model.h"
#include "config/nearest.h"

#define ANY_LIMITS \
    (KEY_DEFAULTS | KEY_UPSTREAM | KEY_HTTP | KEY_TCP | KEY_MYSQL)
#define STREAMS (KEY_TCP | KEY_MYSQL)
#define ENTRIES (KEY_HTTP | KEY_TCP | KEY_MYSQL)

#define SECOND 1000ULL
#define DAY    (24 * 3600 * SECOND)
#define KIB    1024ULL
#define MIB    (1024 * KIB)
#define GIB    (1024 * 1024 * KIB)

/* Where a plain value is stored. */
#define STORE(in, member)                                                    \
    .place = KEY_PLACE_##in, .offset = offsetof(struct STRUCT_##in, member), \
    .size = sizeof(((struct STRUCT_##in *)0)->member)
#define STRUCT_GLOBAL   global_conf
#define STRUCT_LIMITS   limits_conf
#define STRUCT_UPSTREAM upstream_conf
#define STRUCT_SECTION  section_conf
#define STRUCT_HTTP     http_conf
#define STRUCT_STATS    stats_conf

/* A timeout that every kind of section may have. */
#define TIMEOUT(member, bit)                                                   \
    .sections = ANY_LIMITS, .type = KEY_DURATION, .supported = true, .min = 1, \
    .max = 20 * DAY, .given = LIMITS_##bit, STORE(LIMITS, member)

/* A function of a later version; OFF are the words that mean "without it". */
#define LATER(in, off) \
    .sections = (in), .type = KEY_CHOICE, .supported = false, .words = (off)

/* clang-format off */
static const struct key KEYS[] = {
    {
        .name = "workers", .sections = KEY_GLOBAL, .type = KEY_NUMBER,
        .supported = true, .fallback = "auto", .words = "auto",
        .min = 1, .max = CONFIG_WORKERS_MAX, STORE(GLOBAL, workers),
        .sentence = "How many worker processes serve; auto is one for each "
                    "CPU.",
    }, {
        .name = "user", .sections = KEY_GLOBAL, .type = KEY_NAME,
        .supported = true, STORE(GLOBAL, user),
        .sentence = "The user that workers and control become after the "
                    "sockets are open; without it the user is kept, with a "
                    "warning as root.",
    }, {
        .name = "group", .sections = KEY_GLOBAL, .type = KEY_NAME,
        .supported = true, STORE(GLOBAL, group),
        .sentence = "The group likewise; without it that of the user.",
    }, {
        .name = "chroot", .sections = KEY_GLOBAL, .type = KEY_PATH,
        .supported = true, .fallback = "off", .words = "off",
        .syntax = "DIR | off", STORE(GLOBAL, chroot),
        .sentence = "A folder that workers and control are confined to.",
    }, {
        .name = "daemon", .sections = KEY_GLOBAL, .type = KEY_BOOL,
        .supported = true, .fallback = "no", STORE(GLOBAL, daemon),
        .sentence = "Run in the background, as with -d.",
    }, {
        .name = "pidfile", .sections = KEY_GLOBAL, .type = KEY_PATH,
        .supported = true, STORE(GLOBAL, pidfile),
        .sentence = "A file that the master's process number is written to; "
                    "without it none.",
    }, {
        .name = "control", .sections = KEY_GLOBAL, .type = KEY_PATH,
        .supported = true, STORE(GLOBAL, control),
        .sentence = "The Unix socket that moongate ctl talks to, of mode 0660; "
                    "without it none.",
    }, {
        .name = "control_group", .sections = KEY_GLOBAL, .type = KEY_NAME,
        .supported = true, STORE(GLOBAL, control_group),
        .sentence = "The group of the control socket; without it that of the "
                    "master.",
    }, {
        .name = "log", .sections = KEY_GLOBAL, .type = KEY_LOG,
        .supported = true, .repeatable = true,
        .fallback = "stderr level=info",
        .syntax = "TARGET [level=LEVEL] [facility=NAME] [format=FORMAT]",
        .sentence = "Where messages and access records go: stderr, stdout, "
                    "file:PATH, syslog:HOST:PORT, syslog:tcp:HOST:PORT, "
                    "syslog:/dev/log or journald.",
    }, {
        .name = "script_path", .sections = KEY_GLOBAL, .type = KEY_PATH,
        .supported = true, STORE(GLOBAL, script_path),
        .sentence = "The folder where scripts are looked up before the "
                    "shipped ones.",
    }, {
        .name = "script_budget", .sections = KEY_GLOBAL,
        .type = KEY_DURATION, .supported = true, .fallback = "50ms",
        .min = 10, .max = 60 * SECOND, STORE(GLOBAL, script_budget_ms),
        .sentence = "The CPU time of one hook: what takes longer is "
                    "interrupted, and the built-in behaviour stands in.",
    }, {
        .name = "script_load_budget", .sections = KEY_GLOBAL,
        .type = KEY_DURATION, .supported = true, .fallback = "1s",
        .min = 10, .max = 60 * SECOND, STORE(GLOBAL, script_load_budget_ms),
        .sentence = "The CPU time of each step of loading a script: its "
                    "chunk, new and load; and of save.",
    }, {
        .name = "script_memory", .sections = KEY_GLOBAL, .type = KEY_SIZE,
        .supported = true, .fallback = "64m", .min = 8 * MIB, .max = 16 * GIB,
        STORE(GLOBAL, script_memory_bytes),
        .sentence = "The memory of all scripts of a worker.",
    }, {
        .name = "script_watch", .sections = KEY_GLOBAL, .type = KEY_BOOL,
        .supported = true, .fallback = "off", STORE(GLOBAL, script_watch),
        .sentence = "Swap a script in when its file is saved.",
    }, {
        .name = "script_selftest", .sections = KEY_GLOBAL, .type = KEY_BOOL,
        .supported = true, .fallback = "off", STORE(GLOBAL, script_selftest),
        .sentence = "A script is swapped in only if the specs beside it "
                    "pass.",
    }, {
        .name = "script_trust", .sections = KEY_GLOBAL, .type = KEY_SCRIPTS,
        .supported = true, .syntax = "NAME ...",
        .sentence = "Scripts that have all of Lua instead of the whitelist.",
    }, {
        .name = "shared_memory", .sections = KEY_GLOBAL,
        .type = KEY_SIZE, .supported = true, .fallback = "16m",
        .min = CONFIG_SHARED_MEMORY_MIN, .max = 64 * GIB,
        STORE(GLOBAL, shared_memory),
        .sentence = "The memory of the dictionaries that scripts share; when "
                    "it is full, what was used longest ago goes.",
    }, {
        .name = "max_connections", .sections = KEY_GLOBAL,
        .type = KEY_NUMBER, .supported = true, .fallback = "65536",
        .min = 1, .max = 16777215, STORE(GLOBAL, max_connections),
        .sentence = "Connections of the whole program; a lower limit of "
                    "descriptors lowers it, with a warning.",
    }, {
        .name = "drain_timeout", .sections = KEY_GLOBAL,
        .type = KEY_DURATION, .supported = true, .fallback = "1h",
        .min = 1, .max = 20 * DAY, STORE(GLOBAL, drain_timeout_ms),
        .sentence = "What a graceful stop or an upgrade has left after this "
                    "time is closed.",
    }, {
        .name = "temp_dir", .sections = KEY_GLOBAL, .type = KEY_PATH,
        .supported = true, .fallback = "/var/tmp", STORE(GLOBAL, temp_dir),
        .sentence = "The folder of the unlinked files that bodies too large "
                    "for memory go to.",
    }, {
        .name = "include", .sections = KEY_GLOBAL, .type = KEY_INCLUDE,
        .supported = true, .repeatable = true, .syntax = "PATTERN",
        .sentence = "Further files, sorted by name; a section stands in one "
                    "file only.",
    },

    {
        .name = "connect_timeout", TIMEOUT(connect_timeout_ms, CONNECT_TIMEOUT),
        .fallback = "5s",
        .sentence = "How long connecting to a server may take.",
    }, {
        .name = "client_timeout", TIMEOUT(client_timeout_ms, CLIENT_TIMEOUT),
        .fallback = "60s", .stream_fallback = "8h",
        .sentence = "How long a client may be inactive.",
    }, {
        .name = "server_timeout", TIMEOUT(server_timeout_ms, SERVER_TIMEOUT),
        .fallback = "60s", .stream_fallback = "8h",
        .sentence = "How long a server may be inactive, and request hooks may wait.",
    }, {
        .name = "keepalive_timeout",
        TIMEOUT(keepalive_timeout_ms, KEEPALIVE_TIMEOUT), .fallback = "60s",
        .sentence = "How long an HTTP client may be idle between requests.",
    }, {
        .name = "header_timeout", TIMEOUT(header_timeout_ms, HEADER_TIMEOUT),
        .fallback = "10s",
        .sentence = "How long a whole request head, or a PROXY header, may "
                    "take.",
    }, {
        .name = "queue_timeout", TIMEOUT(queue_timeout_ms, QUEUE_TIMEOUT),
        .fallback = "5s",
        .sentence = "How long work may wait for a server.",
    }, {
        .name = "retries", .sections = ANY_LIMITS, .type = KEY_NUMBER,
        .supported = true, .fallback = "3", .max = CONFIG_RETRIES_MAX,
        .given = LIMITS_RETRIES, STORE(LIMITS, retries),
        .sentence = "Further attempts, on other servers where there are any.",
    }, {
        .name = "retry_on", .sections = ANY_LIMITS, .type = KEY_RETRY_ON,
        .supported = true, .fallback = "connect reset down",
        .words = "connect reset down timeout 502 503 504",
        .given = LIMITS_RETRY_ON, STORE(LIMITS, retry_on),
        .syntax = "connect | reset | down | timeout | 502 | 503 | 504 ...",
        .sentence = "After which failures there is a further attempt.",
    }, {
        .name = "tcp_keepalive", .sections = ANY_LIMITS, .type = KEY_BOOL,
        .supported = true, .fallback = "on",
        .given = LIMITS_TCP_KEEPALIVE, STORE(LIMITS, tcp_keepalive),
        .sentence = "TCP keep-alive probes to clients and servers.",
    },

    {
        .name = "protocol", .sections = KEY_UPSTREAM, .type = KEY_CHOICE,
        .supported = true, .fallback = "fastcgi",
        .words = "fastcgi tcp mysql", .later = "http",
        STORE(UPSTREAM, protocol),
        .sentence = "What its servers speak.",
    }, {
        .name = "policy", .sections = KEY_UPSTREAM, .type = KEY_POLICY,
        .supported = true, .fallback = "roundrobin",
        .syntax = "NAME [OPTION=VALUE ...]",
        .sentence = "The script that chooses a server: policy/NAME.lua of the "
                    "script path or a path; its options follow.",
    }, {
        .name = "check", .sections = KEY_UPSTREAM, .type = KEY_CHECK,
        .supported = true, .fallback = "off",
        .words = "interval timeout rise fall fastinter downinter uri expect "
                 "host user password donor lag script",
        .syntax = "off | tcp | http | fastcgi | mysql | galera | lua "
                  "[OPTION=VALUE ...]",
        .sentence = "How the servers' health is checked.",
    }, {
        .name = "observe", .sections = KEY_UPSTREAM, .type = KEY_OBSERVE,
        .supported = true, .fallback = "off", .words = "errors within on",
        .syntax = "off | errors=N within=TIME [on=5xx]",
        .sentence = "Count live failures as failed checks.",
    }, {
        .name = "slowstart", .sections = KEY_UPSTREAM, .type = KEY_DURATION,
        .supported = true, .fallback = "0s", .words = "off", .max = DAY,
        STORE(UPSTREAM, slowstart_ms),
        .sentence = "The time in which the weight of a server that came back "
                    "grows.",
    }, {
        .name = "keepalive", .sections = KEY_UPSTREAM, .type = KEY_NUMBER,
        .supported = true, .fallback = "0", .max = 65536,
        STORE(UPSTREAM, keepalive),
        .sentence = "Idle connections to its servers that a worker keeps; an "
                    "idle one occupies a php-fpm child.",
    }, {
        .name = "hold", .sections = KEY_UPSTREAM, .type = KEY_BOOL,
        .supported = true, .fallback = "off", STORE(UPSTREAM, hold),
        .sentence = "Let new work wait while no server is usable.",
    }, {
        .name = "send_proxy", .sections = KEY_UPSTREAM, .type = KEY_CHOICE,
        .supported = true, .fallback = "off", .words = "off v1 v2",
        STORE(UPSTREAM, send_proxy),
        .sentence = "Begin with a PROXY header.",
    }, {
        .name = "on_marked_down", .sections = KEY_UPSTREAM,
        .type = KEY_CHOICE, .supported = true, .fallback = "keep",
        .words = "keep shutdown", STORE(UPSTREAM, on_marked_down),
        .sentence = "What happens to sessions on a server that goes down.",
    }, {
        .name = "rebalance", .sections = KEY_UPSTREAM, .type = KEY_RATE,
        .supported = true, .fallback = "off", .words = "off",
        .min = 1, .max = 10000, STORE(UPSTREAM, rebalance),
        .sentence = "How many idle sessions of the other servers are retired "
                    "a second after one came back.",
    }, {
        .name = "resolve", .sections = KEY_UPSTREAM, .type = KEY_DURATION,
        .supported = true, .fallback = "10s", .words = "off",
        .min = SECOND, .max = DAY, STORE(UPSTREAM, resolve_ms),
        .sentence = "How often servers' names are looked up again.",
    }, {
        .name = "server", .sections = KEY_UPSTREAM, .type = KEY_SERVER,
        .supported = true, .repeatable = true,
        .words = "weight maxconn backup disabled root check tls verify tls_name",
        .syntax = "HOST:PORT | unix:PATH [weight=N] [maxconn=N] [backup] "
                  "[disabled] [root=DIR] [check=off] "
                  "[tls [verify=CA | verify=off] [tls_name=NAME]]",
        .sentence = "One server: \"server NAME = ADDRESS\" with its options.",
    },

    {
        .name = "listen", .sections = ENTRIES | KEY_STATS, .type = KEY_LISTEN,
        .supported = true, .repeatable = true,
        .words = "default_server accept_proxy backlog tls certificate key",
        .syntax = "HOST:PORT | unix:PATH [default_server] [accept_proxy] "
                  "[backlog=N] [tls | tls=required certificate=FILE key=FILE]",
        .sentence = "An address to accept connections at.",
    }, {
        .name = "server_name", .sections = KEY_HTTP, .type = KEY_SERVER_NAME,
        .supported = true, .syntax = "NAME ...",
        .sentence = "The hosts that the section is for; *.NAME is every host "
                    "below NAME.",
    }, {
        .name = "root", .sections = KEY_HTTP, .type = KEY_ROOT,
        .supported = true, .syntax = "DIR",
        .sentence = "The folder of the files; ${host} and other variables of "
                    "the request are allowed.",
    }, {
        .name = "index", .sections = KEY_HTTP, .type = KEY_INDEX,
        .supported = true, .fallback = "index.php index.html index.htm",
        .syntax = "FILE ...",
        .sentence = "Files that stand for their folder; the first that exists "
                    "is used.",
    }, {
        .name = "route", .sections = KEY_HTTP, .type = KEY_ROUTE,
        .supported = true, .repeatable = true,
        .words = "root alias max_body server_timeout",
        .syntax = "[= | ^~ | ~ | ~*] PATTERN [root=DIR] [alias=DIR] "
                  "[max_body=SIZE] [server_timeout=TIME] TARGET",
        .sentence = "What a path is answered by: an upstream, static, "
                    "internal, deny, stats NAME, or redirect CODE URL.",
    }, {
        .name = "param", .sections = KEY_HTTP, .type = KEY_PARAM,
        .supported = true, .repeatable = true, .syntax = "NAME VALUE",
        .sentence = "A FastCGI parameter on top of the standard ones.",
    }, {
        .name = "header", .sections = KEY_HTTP, .type = KEY_HEADER,
        .supported = true, .repeatable = true, .syntax = "NAME VALUE",
        .sentence = "A header that every response gets.",
    }, {
        .name = "upstream", .sections = STREAMS, .type = KEY_UPSTREAM_OF,
        .supported = true, .syntax = "NAME",
        .sentence = "Whose servers the connections go to.",
    }, {
        .name = "script", .sections = ENTRIES, .type = KEY_SCRIPT,
        .supported = true, .repeatable = true, .syntax = "FILE",
        .sentence = "A Lua script with hooks; several run in this order.",
    }, {
        .name = "script_failure", .sections = KEY_HTTP, .type = KEY_CHOICE,
        .supported = true, .fallback = "pass", .words = "pass deny",
        STORE(SECTION, script_failure),
        .sentence = "Whether a request whose hook failed goes on or is "
                    "refused.",
    }, {
        .name = "max_body", .sections = KEY_HTTP, .type = KEY_SIZE,
        .supported = true, .fallback = "64m", .max = UINT64_MAX / 2,
        STORE(HTTP, max_body_bytes),
        .sentence = "The largest request body; 0 is no limit.",
    }, {
        .name = "body_buffer", .sections = KEY_HTTP, .type = KEY_SIZE,
        .supported = true, .fallback = "64k", .min = 4 * KIB, .max = GIB,
        STORE(HTTP, body_buffer_bytes),
        .sentence = "What is kept of a request body in memory; the rest goes "
                    "to a file in temp_dir.",
    }, {
        .name = "response_buffer", .sections = KEY_HTTP, .type = KEY_SIZE,
        .supported = true, .fallback = "256k", .min = 16 * KIB, .max = GIB,
        STORE(HTTP, response_buffer_bytes),
        .sentence = "What is read ahead of a slow client into memory.",
    }, {
        .name = "response_spool", .sections = KEY_HTTP, .type = KEY_SIZE,
        .supported = true, .fallback = "1g", .max = UINT64_MAX / 2,
        STORE(HTTP, response_spool_bytes),
        .sentence = "What is read ahead into a file in temp_dir after that; 0 "
                    "is none.",
    }, {
        .name = "trust", .sections = ENTRIES, .type = KEY_TRUST,
        .supported = true, .syntax = "NETWORK ...",
        .sentence = "Whose PROXY header and X-Forwarded-For set the client's "
                    "address, and whose X-Forwarded-Proto the scheme; without "
                    "it nobody's.",
    }, {
        .name = "underscores", .sections = KEY_HTTP, .type = KEY_BOOL,
        .supported = true, .fallback = "off", STORE(HTTP, underscores),
        .sentence = "Keep request headers with _ in their name, which could "
                    "forge others in CGI.",
    }, {
        .name = "encoded_slash", .sections = KEY_HTTP, .type = KEY_CHOICE,
        .supported = true, .fallback = "decode", .words = "decode refuse",
        STORE(HTTP, encoded_slash),
        .sentence = "Whether %2F in a path is a slash or an error.",
    }, {
        .name = "root_is_remote", .sections = KEY_HTTP, .type = KEY_BOOL,
        .supported = true, .fallback = "off", STORE(HTTP, root_is_remote),
        .sentence = "Do not look for PHP scripts below root, which is on the "
                    "servers only.",
    }, {
        .name = "max_connections", .sections = STREAMS, .type = KEY_NUMBER,
        .supported = true, .fallback = "10000", .min = 1, .max = 16777215,
        STORE(SECTION, max_connections),
        .sentence = "Connections of this section: who comes beyond them waits, and "
                    "in [mysql] is told with error 1040.",
    }, {
        .name = "access_log", .sections = ENTRIES, .type = KEY_ACCESS_LOG,
        .supported = true, .fallback = "combined",
        .stream_fallback = "tcplog",
        .words = "off combined httplog tcplog json",
        .syntax = "off | combined | httplog | tcplog | json | FORMAT",
        .sentence = "The format of its records; a FORMAT is a text with "
                    "variables.",
    }, {
        .name = "log_to", .sections = ENTRIES, .type = KEY_LOG_TO,
        .supported = true,
        .syntax = "TARGET [facility=NAME] [format=FORMAT]",
        .sentence = "Where its records go instead of the targets of [global].",
    }, {
        .name = "log_null", .sections = ENTRIES, .type = KEY_BOOL,
        .supported = true, .fallback = "off", .stream_fallback = "on",
        STORE(SECTION, log_null),
        .sentence = "A record for a connection without a request too; in tcp "
                    "and mysql sections for one whose client has sent nothing.",
    }, {
        .name = "log_sample", .sections = ENTRIES, .type = KEY_SAMPLE,
        .supported = true, .fallback = "1/1", .syntax = "1/N",
        .sentence = "One of N records is written, and every one of an error: a "
                    "status from 500, or a termination other than --.",
    }, {
        .name = "error_page", .sections = KEY_HTTP, .type = KEY_ERROR_PAGE,
        .supported = true, .repeatable = true, .syntax = "CODE ... PATH",
        .sentence = "The path that is served in place of these errors.",
    }, {
        .name = "handshake", .sections = KEY_MYSQL, .type = KEY_CHOICE,
        .supported = true, .fallback = "switch",
        .words = "switch passthrough", STORE(SECTION, handshake),
        .sentence = "Who greets the client: Moongate, which learns who logs "
                    "in, or the server that was chosen before.",
    }, {
        .name = "visible", .sections = KEY_MYSQL, .type = KEY_BOOL,
        .supported = true, .fallback = "off", STORE(SECTION, visible),
        .sentence = "Follow the commands of a session: they are counted, and "
                    "KILL finds its session.",
    },

    {
        .name = "uri", .sections = KEY_STATS, .type = KEY_URI,
        .supported = true, .fallback = "/", STORE(STATS, uri),
        .sentence = "The path of the statistics page; behind it come ;csv and "
                    ".json. /metrics is Prometheus's.",
    }, {
        .name = "realm", .sections = KEY_STATS, .type = KEY_TEXT,
        .supported = true, .fallback = "Moongate statistics",
        STORE(STATS, realm),
        .sentence = "What browsers show when they ask for the password.",
    }, {
        .name = "auth", .sections = KEY_STATS, .type = KEY_AUTH,
        .supported = true, .repeatable = true,
        .syntax = "USER:PASSWORD | USER:HASH",
        .sentence = "Who may see it, and all else at its addresses; without "
                    "it only listen on loopback.",
    }, {
        .name = "auth_file", .sections = KEY_STATS, .type = KEY_AUTH_FILE,
        .supported = true, .syntax = "PATH",
        .sentence = "A file of such users, as htpasswd makes it.",
    }, {
        .name = "admin", .sections = KEY_STATS, .type = KEY_BOOL,
        .supported = true, .fallback = "off", STORE(STATS, admin),
        .sentence = "The page may drain, stop and weigh servers, and roll "
                    "scripts back.",
    },
};
/* clang-format on */

#define KEY_COUNT (sizeof(KEYS) / sizeof(KEYS[0]))

struct section_name {
    enum key_section section;
    const char *name;
};

static const struct section_name SECTIONS[] = {
    {KEY_GLOBAL, "global"},     {KEY_DEFAULTS, "defaults"},
    {KEY_UPSTREAM, "upstream"}, {KEY_HTTP, "http"},
    {KEY_TCP, "tcp"},           {KEY_MYSQL, "mysql"},
    {KEY_STATS, "stats"},
};

#define SECTION_COUNT (sizeof(SECTIONS) / sizeof(SECTIONS[0]))

/* What nginx and HAProxy call it. */
struct other_word {
    const char *theirs;
    const char *ours;
};

static const struct other_word OTHER_WORDS[] = {
    {"add_header", "header"},
    {"balance", "policy"},
    {"bind", "listen"},
    {"client_max_body_size", "max_body"},
    {"default_backend", "upstream"},
    {"fastcgi_param", "param"},
    {"location", "route"},
    {"maxconn", "max_connections"},
    {"mode", "protocol"},
    {"nbthread", "workers"},
    {"proxy_pass", "route"},
    {"fastcgi_pass", "route"},
    {"set_real_ip_from", "trust"},
    {"worker_processes", "workers"},
};

#define OTHER_COUNT (sizeof(OTHER_WORDS) / sizeof(OTHER_WORDS[0]))

const struct key *
keys_all(size_t *count)
{
    *count = KEY_COUNT;
    return KEYS;
}

const struct key *
keys_find(enum key_section section, struct str name)
{
    for (size_t i = 0; i < KEY_COUNT; i++)
        if ((KEYS[i].sections & section) != 0 &&
            str_equal(str_from(KEYS[i].name), name))
            return &KEYS[i];
    return NULL;
}

unsigned
keys_sections_of(struct str name)
{
    unsigned sections = 0;

    for (size_t i = 0; i < KEY_COUNT; i++)
        if (str_equal(str_from(KEYS[i].name), name))
            sections |= KEYS[i].sections;
    return sections;
}

/* "[http], [tcp], [mysql]" */
static void
list_sections(struct buf *out, unsigned sections)
{
    const char *separator = "";

    for (size_t i = 0; i < SECTION_COUNT; i++) {
        if ((sections & SECTIONS[i].section) == 0)
            continue;
        buf_printf(out, "%s[%s]", separator, SECTIONS[i].name);
        separator = ", ";
    }
}

static const char *
other_word(enum key_section section, struct str name)
{
    for (size_t i = 0; i < OTHER_COUNT; i++)
        if (str_equal_nocase(str_from(OTHER_WORDS[i].theirs), name) &&
            keys_find(section, str_from(OTHER_WORDS[i].ours)) != NULL)
            return OTHER_WORDS[i].ours;
    return NULL;
}

const char *
keys_explain_unknown(enum key_section section, struct str name, char *text,
                     size_t size)
{
    const char *where = key_section_name(section);
    const char *ours = other_word(section, name);
    unsigned elsewhere = keys_sections_of(name);
    struct nearest nearest;
    struct buf out;
    char hint[64];

    buf_init(&out, text, size - 1);
    if (ours != NULL) {
        buf_printf(&out, "'" STR_FMT "' is called '%s' here", STR_ARG(name),
                   ours);
    } else if (elsewhere != 0) {
        buf_printf(&out, "'" STR_FMT "' is no key of [%s]; it belongs in ",
                   STR_ARG(name), where);
        list_sections(&out, elsewhere);
    } else {
        nearest_init(&nearest, name);
        for (size_t i = 0; i < KEY_COUNT; i++)
            if ((KEYS[i].sections & section) != 0)
                nearest_offer(&nearest, str_from(KEYS[i].name));
        buf_printf(&out, "unknown key '" STR_FMT "' in [%s]%s", STR_ARG(name),
                   where, nearest_hint(&nearest, hint, sizeof(hint)));
    }
    text[out.len] = '\0';
    return text;
}

const char *
key_section_name(enum key_section section)
{
    for (size_t i = 0; i < SECTION_COUNT; i++)
        if (SECTIONS[i].section == section)
            return SECTIONS[i].name;
    return "?";
}

unsigned
key_section_find(struct str name)
{
    for (size_t i = 0; i < SECTION_COUNT; i++)
        if (str_equal(str_from(SECTIONS[i].name), name))
            return SECTIONS[i].section;
    return 0;
}

bool
key_section_is_named(enum key_section section)
{
    return section != KEY_GLOBAL && section != KEY_DEFAULTS;
}

const char *
key_syntax(const struct key *key)
{
    if (key->syntax != NULL)
        return key->syntax;
    switch (key->type) {
    case KEY_BOOL:
        return "on | off";
    case KEY_DURATION:
        return key->words != NULL ? "TIME | off" : "TIME";
    case KEY_SIZE:
        return "SIZE";
    case KEY_NUMBER:
        return key->words != NULL ? "N | auto" : "N";
    case KEY_RATE:
        return key->words != NULL ? "N/s | off" : "N/s";
    case KEY_CHOICE:
        return key->words != NULL ? key->words : "WORD";
    case KEY_NAME:
        return "NAME";
    case KEY_PATH:
    case KEY_ROOT:
    case KEY_INCLUDE:
    case KEY_SCRIPT:
    case KEY_URI:
    case KEY_AUTH_FILE:
        return "PATH";
    case KEY_TEXT:
        return "TEXT";
    case KEY_INDEX:
    case KEY_SCRIPTS:
    case KEY_LOG:
    case KEY_LOG_TO:
    case KEY_RETRY_ON:
    case KEY_POLICY:
    case KEY_CHECK:
    case KEY_OBSERVE:
    case KEY_SERVER:
    case KEY_LISTEN:
    case KEY_UPSTREAM_OF:
    case KEY_SERVER_NAME:
    case KEY_ROUTE:
    case KEY_PARAM:
    case KEY_HEADER:
    case KEY_TRUST:
    case KEY_ACCESS_LOG:
    case KEY_SAMPLE:
    case KEY_ERROR_PAGE:
    case KEY_AUTH:
        return "VALUE";
    }
    return "VALUE";
}
