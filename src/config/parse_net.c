/* SPDX-License-Identifier: MIT */
/* Addresses: of listeners, of servers, and networks that are trusted. */
#include <ctype.h>
#include <string.h>
#include <sys/un.h>

#include "base/addr.h"
#include "config/parse.h"
#include "config/value.h"

/* What `server` takes, in the order of the key's words. */
enum server_option {
    SERVER_WEIGHT,
    SERVER_MAXCONN,
    SERVER_BACKUP,
    SERVER_DISABLED,
    SERVER_ROOT,
    SERVER_CHECK,
    SERVER_TLS, /* and two more: enum tls_option */
};

/* What `listen` takes, likewise. */
enum listen_option {
    LISTEN_DEFAULT_SERVER,
    LISTEN_ACCEPT_PROXY,
    LISTEN_BACKLOG,
    LISTEN_TLS, /* and two more: enum tls_option */
};

static const struct key WEIGHT = {.type = KEY_NUMBER, .max = CONFIG_WEIGHT_MAX};
static const struct key MAXCONN = {.type = KEY_NUMBER, .max = 16777215};
static const struct key BACKLOG = {.type = KEY_NUMBER, .min = 1, .max = 65535};

static int
parse_unix(const struct parse *p, const struct entry *entry, struct str path,
           struct address_conf *out)
{
    struct sockaddr_un un;
    struct address_conf address = {.is_unix = true};

    if (path.len == 0) {
        parse_refuse(p, entry, "a Unix socket needs a path: unix:/PATH");
        return -1;
    }
    address.path = parse_path(p, path);
    if (address.path.len >= sizeof(un.sun_path)) {
        parse_refuse(p, entry,
                     "'" STR_FMT "' is too long: the path of a Unix socket has "
                     "at most %zu bytes",
                     STR_ARG(address.path), sizeof(un.sun_path) - 1);
        return -1;
    }
    address.text = memory_printf(p->arena, "unix:%s", address.path.p);
    *out = address;
    return 0;
}

static bool
is_host_name(struct str host)
{
    if (host.len == 0 || host.len > 253)
        return false;
    for (size_t i = 0; i < host.len; i++) {
        char c = host.p[i];

        if (!isalnum((unsigned char)c) && c != '.' && c != '-' && c != '_')
            return false;
    }
    return true;
}

/* Only digits and dots: no name, but an IPv4 address or a slip. */
static bool
looks_numeric(struct str host)
{
    for (size_t i = 0; i < host.len; i++)
        if (!isdigit((unsigned char)host.p[i]) && host.p[i] != '.')
            return false;
    return true;
}

/* Sets host and text of *OUT; the same address is written the same way. */
static int
set_host(const struct parse *p, const struct entry *entry, struct str host,
         bool brackets, struct address_conf *out)
{
    struct str text = memory_str(p->arena, host);
    char numeric[ADDR_TEXT_MAX];
    struct addr addr;

    if (addr_parse_host(&addr, text.p, out->port) == 0 &&
        (addr.sa.sa_family == AF_INET6) == brackets) {
        out->host = memory_str(p->arena, str_from(addr_format_host(
                                             &addr, numeric, sizeof(numeric))));
        out->text = memory_str(
            p->arena, str_from(addr_format(&addr, numeric, sizeof(numeric))));
        return 0;
    }
    if (brackets || !is_host_name(host) || looks_numeric(host)) {
        parse_refuse(p, entry,
                     "'" STR_FMT "' is neither an address nor a host name",
                     STR_ARG(host));
        return -1;
    }
    out->host = text;
    out->text =
        memory_printf(p->arena, STR_FMT ":%u", STR_ARG(text), out->port);
    return 0;
}

/* Parts HOST and PORT; -1 with a fault for what is neither. */
static int
split_port(const struct parse *p, const struct entry *entry, struct str text,
           struct str *host, struct str *port)
{
    ptrdiff_t colon = str_find_char(text, ':', 0);

    if (text.len > 0 && text.p[0] == '[') {
        ptrdiff_t end = str_find_char(text, ']', 0);
        struct str rest;

        if (end < 0) {
            parse_refuse(p, entry, "'" STR_FMT "' lacks its ']'",
                         STR_ARG(text));
            return -1;
        }
        *host = str_slice(text, 1, (size_t)end);
        rest = str_slice(text, (size_t)end + 1, text.len);
        if (rest.len > 0 && rest.p[0] != ':')
            rest = str_make(rest.p, 0);
        *port = str_slice(rest, 1, rest.len);
        return 0;
    }
    if (colon >= 0 && str_find_char(text, ':', (size_t)colon + 1) >= 0) {
        parse_refuse(p, entry,
                     "'" STR_FMT "' has several colons: write an IPv6 address "
                     "as [::1]:80",
                     STR_ARG(text));
        return -1;
    }
    *host = colon < 0 ? text : str_slice(text, 0, (size_t)colon);
    *port = colon < 0 ? STR("") : str_slice(text, (size_t)colon + 1, text.len);
    return 0;
}

int
parse_address(const struct parse *p, const struct entry *entry, struct str text,
              bool listening, uint16_t default_port, struct address_conf *out)
{
    struct address_conf address = {.is_unix = false};
    bool brackets = text.len > 0 && text.p[0] == '[';
    uint64_t number = default_port;
    struct str host;
    struct str port;

    if (str_starts_with(text, STR("unix:")))
        return parse_unix(p, entry, str_slice(text, 5, text.len), out);
    if (split_port(p, entry, text, &host, &port) != 0)
        return -1;
    if (listening && port.len == 0 && str_to_uint(&number, host, 65535) == 0 &&
        number > 0) {
        port = host;
        host = STR("");
    }
    if (listening && !brackets && (host.len == 0 || str_equal(host, STR("*"))))
        host = STR("0.0.0.0");
    if (port.len == 0 && default_port == 0) {
        parse_refuse(p, entry, "'" STR_FMT "' has no port: write HOST:PORT",
                     STR_ARG(text));
        return -1;
    }
    if (port.len > 0 &&
        (str_to_uint(&number, port, 65535) != 0 || number == 0)) {
        parse_refuse(p, entry,
                     "'" STR_FMT "' is not a port: a number from 1 to 65535",
                     STR_ARG(port));
        return -1;
    }
    address.port = (uint16_t)number;
    if (set_host(p, entry, host, brackets, &address) != 0)
        return -1;
    *out = address;
    return 0;
}

static int
set_listen_option(const struct parse *p, const struct entry *entry, int which,
                  const struct option_conf *option, struct listen_conf *listen)
{
    uint64_t n;

    if (which >= LISTEN_TLS)
        return parse_listen_tls(p, entry, (enum tls_option)(which - LISTEN_TLS),
                                option, &listen->tls);
    if (parse_option_form(p, entry, option, which == LISTEN_BACKLOG) != 0)
        return -1;
    switch ((enum listen_option)which) {
    case LISTEN_DEFAULT_SERVER:
        listen->default_server = true;
        return 0;
    case LISTEN_ACCEPT_PROXY:
        listen->accept_proxy = true;
        return 0;
    case LISTEN_BACKLOG:
        if (parse_quantity(p, entry, &BACKLOG, option->value, &n) != 0)
            return -1;
        listen->backlog = (unsigned)n;
        return 0;
    case LISTEN_TLS:
        break;
    }
    return -1;
}

int
parse_listen(const struct parse *p, const struct entry *entry, struct str text,
             struct listen_conf *out)
{
    struct listen_conf listen = {.at = entry->at};
    struct option_conf option;
    struct str word = STR("");

    (void)value_next_word(p->arena, &text, &word);
    if (parse_address(p, entry, word, true, 0, &listen.address) != 0)
        return -1;
    while (value_next_word(p->arena, &text, &word)) {
        int place = parse_option(p, entry, word, &option);

        if (place < 0 ||
            set_listen_option(p, entry, place, &option, &listen) != 0)
            return -1;
    }
    if (parse_listen_tls_end(p, entry, &listen.tls) != 0)
        return -1;
    *out = listen;
    return 0;
}

static int
set_server_check(const struct parse *p, const struct entry *entry,
                 const struct option_conf *option, struct server_conf *server)
{
    if (option->value.p != NULL && str_equal(option->value, STR("off"))) {
        server->unchecked = true;
        return 0;
    }
    parse_refuse(p, entry,
                 "all that can be written here is check=off: the key check of "
                 "the upstream says how its servers are checked");
    return -1;
}

static int
set_server_option(const struct parse *p, const struct entry *entry, int which,
                  const struct option_conf *option, struct server_conf *server)
{
    bool takes_value = which != SERVER_BACKUP && which != SERVER_DISABLED;
    uint64_t n;

    if (which >= SERVER_TLS)
        return parse_server_tls(p, entry, (enum tls_option)(which - SERVER_TLS),
                                option, &server->tls);
    /* HAProxy's bare `check` is to hear more than that a value is missing. */
    if (which == SERVER_CHECK)
        return set_server_check(p, entry, option, server);
    if (parse_option_form(p, entry, option, takes_value) != 0)
        return -1;
    switch ((enum server_option)which) {
    case SERVER_WEIGHT:
        if (parse_quantity(p, entry, &WEIGHT, option->value, &n) != 0)
            return -1;
        server->weight = (unsigned)n;
        return 0;
    case SERVER_MAXCONN:
        if (parse_quantity(p, entry, &MAXCONN, option->value, &n) != 0)
            return -1;
        server->maxconn = (uint32_t)n;
        return 0;
    case SERVER_BACKUP:
        server->backup = true;
        return 0;
    case SERVER_DISABLED:
        server->disabled = true;
        return 0;
    case SERVER_ROOT:
        server->root = parse_path(p, option->value);
        return 0;
    case SERVER_CHECK:
    case SERVER_TLS:
        break;
    }
    return -1;
}

int
parse_server(const struct parse *p, const struct entry *entry, struct str text,
             struct server_conf *out)
{
    struct server_conf server = {
        .name = entry->server, .weight = 1, .at = entry->at};
    struct option_conf option;
    struct str word = STR("");

    (void)value_next_word(p->arena, &text, &word);
    if (parse_address(p, entry, word, false, 0, &server.address) != 0)
        return -1;
    while (value_next_word(p->arena, &text, &word)) {
        int place = parse_option(p, entry, word, &option);

        if (place < 0 ||
            set_server_option(p, entry, place, &option, &server) != 0)
            return -1;
    }
    if (parse_server_tls_end(p, entry, &server.tls) != 0)
        return -1;
    *out = server;
    return 0;
}

int
parse_trust(const struct parse *p, const struct entry *entry, struct str text,
            struct section_conf *out)
{
    struct vec networks = {.count = 0};
    struct str word;
    const char *why;

    while (value_next_word(p->arena, &text, &word)) {
        struct cidr *cidr = vec_add(&networks, p->arena, sizeof(*cidr));

        if (cidr_parse(cidr, word.p, &why) == 0)
            continue;
        parse_refuse(p, entry, "'" STR_FMT "': %s", STR_ARG(word), why);
        return -1;
    }
    out->trust = networks.items;
    out->trust_count = networks.count;
    return 0;
}
