/* SPDX-License-Identifier: MIT */
/*
 * From an entry's text to the model's structs. Every parser takes the entry
 * (whose key and line go into the faults) and the text, sets *OUT only on
 * success, and otherwise adds the faults and returns -1. All memory is the
 * arena's.
 */
#ifndef CONFIG_PARSE_H
#define CONFIG_PARSE_H

#include "config/document.h"

struct parse {
    struct arena *arena;
    struct faults *faults;
    struct sources *sources; /* where files are read from */
    struct str folder;       /* where relative paths start */
    struct vec upstreams; /* struct upstream_conf, before those who name them */
    struct vec stats;     /* struct stats_conf, likewise */
};

/* Adds a fault about ENTRY: "key: text". */
void parse_refuse(const struct parse *p, const struct entry *entry,
                  const char *fmt, ...) __attribute__((format(printf, 3, 4)));

/* parse.c: values of every section. */

/* A number, duration or size in the range of KEY, which need not be the
 * entry's own: options have the ranges of the keys that they stand for. */
int parse_quantity(const struct parse *p, const struct entry *entry,
                   const struct key *key, struct str text,
                   uint64_t *out) MUST_CHECK;

/* The place of TEXT in WORDS; -1 with a fault that knows what is LATER. */
int
parse_choice(const struct parse *p, const struct entry *entry, struct str text,
             const char *words, const char *later) MUST_CHECK;

/* NAME=VALUE or NAME, a name of the key's words. Its place among them. */
int parse_option(const struct parse *p, const struct entry *entry,
                 struct str word, struct option_conf *out) MUST_CHECK;

/* Refuses "backup=x", or "weight" and "weight=". -1 with a fault. */
int parse_option_form(const struct parse *p, const struct entry *entry,
                      const struct option_conf *option,
                      bool takes_value) MUST_CHECK;

/* An absolute path: relative ones start at the folder. Never refuses. */
struct str parse_path(const struct parse *p, struct str text);

/* A script: as parse_path when it begins with "./" or "../", else as it is. */
struct str parse_script_path(const struct parse *p, struct str text);

/* A text with variables that are known in PHASE. */
int parse_template(const struct parse *p, const struct entry *entry,
                   struct str text, enum template_phase phase, bool http,
                   const struct template **out) MUST_CHECK;

int parse_retry_on(const struct parse *p, const struct entry *entry,
                   struct str text, unsigned *out) MUST_CHECK;
int parse_policy(const struct parse *p, const struct entry *entry,
                 struct str text, struct upstream_conf *out) MUST_CHECK;

/* parse_net.c: addresses. */

/* HOST:PORT or unix:PATH; LISTENING takes *:PORT, :PORT and PORT too. A
 * DEFAULT_PORT other than 0 makes the port optional. */
int parse_address(const struct parse *p, const struct entry *entry,
                  struct str text, bool listening, uint16_t default_port,
                  struct address_conf *out) MUST_CHECK;
int parse_listen(const struct parse *p, const struct entry *entry,
                 struct str text, struct listen_conf *out) MUST_CHECK;
int parse_server(const struct parse *p, const struct entry *entry,
                 struct str text, struct server_conf *out) MUST_CHECK;
int parse_trust(const struct parse *p, const struct entry *entry,
                struct str text, struct section_conf *out) MUST_CHECK;

/* parse_tls.c: what `listen` and `server` say of TLS, in the order of their
 * words. A file that is named is read. */

enum tls_option {
    TLS_OPTION_TLS,
    TLS_OPTION_CERTIFICATE, /* and of a server: verify */
    TLS_OPTION_KEY,         /* tls_name */
};

int parse_listen_tls(const struct parse *p, const struct entry *entry,
                     enum tls_option which, const struct option_conf *option,
                     struct listen_tls_conf *out) MUST_CHECK;
int parse_server_tls(const struct parse *p, const struct entry *entry,
                     enum tls_option which, const struct option_conf *option,
                     struct server_tls_conf *out) MUST_CHECK;

/* Whether what one line says of it belongs together. */
int parse_listen_tls_end(const struct parse *p, const struct entry *entry,
                         const struct listen_tls_conf *tls) MUST_CHECK;
int parse_server_tls_end(const struct parse *p, const struct entry *entry,
                         const struct server_tls_conf *tls) MUST_CHECK;

/* parse_check.c: the health of servers. */

int parse_check(const struct parse *p, const struct entry *entry,
                struct str text, struct check_conf *out) MUST_CHECK;
int parse_observe(const struct parse *p, const struct entry *entry,
                  struct str text, struct observe_conf *out) MUST_CHECK;

/* parse_log.c: records and messages. */

int parse_log(const struct parse *p, const struct entry *entry, struct str text,
              struct log_conf *out) MUST_CHECK;
int parse_sample(const struct parse *p, const struct entry *entry,
                 struct str text, uint32_t *out) MUST_CHECK;
int parse_access_log(const struct parse *p, const struct entry *entry,
                     struct str text, struct section_conf *out) MUST_CHECK;

/* parse_http.c: what only [http] has. */

int parse_root(const struct parse *p, const struct entry *entry,
               struct str text, const struct template **out) MUST_CHECK;
int parse_server_names(const struct parse *p, const struct entry *entry,
                       struct str text, struct http_conf *out) MUST_CHECK;
int parse_index(const struct parse *p, const struct entry *entry,
                struct str text, struct http_conf *out) MUST_CHECK;
int parse_route(const struct parse *p, const struct entry *entry,
                struct str text, struct route_conf *out) MUST_CHECK;
int parse_field(const struct parse *p, const struct entry *entry,
                struct str text, struct field_conf *out) MUST_CHECK;
int parse_error_page(const struct parse *p, const struct entry *entry,
                     struct str text, struct error_page_conf *out) MUST_CHECK;

/* parse_stats.c: what only [stats] has. */
int parse_uri(const struct parse *p, const struct entry *entry, struct str text,
              struct str *out) MUST_CHECK;
int parse_text(const struct parse *p, const struct entry *entry,
               struct str text, struct str *out) MUST_CHECK;
int parse_auth(const struct parse *p, const struct entry *entry,
               struct str text, struct auth_conf *out) MUST_CHECK;

/* Adds the users of a file as htpasswd writes it. */
int parse_auth_file(const struct parse *p, const struct entry *entry,
                    struct str text, struct vec *out) MUST_CHECK;

/* Makes of ROUTE one to the statistics of NAME. */
int parse_route_stats(const struct parse *p, const struct entry *entry,
                      struct str name, struct route_conf *route) MUST_CHECK;

/* The upstream of this name among those built so far; NULL for none. */
const struct upstream_conf *
parse_find_upstream(const struct parse *p, struct str name);

/* Adds "; did you mean" for an upstream's name to HINT; returns it. */
const char *parse_hint_upstream(const struct parse *p, struct str name,
                                char *hint, size_t size);

#endif
