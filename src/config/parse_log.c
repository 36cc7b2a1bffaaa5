/* SPDX-License-Identifier: MIT */
/* Where messages and records go, and how records look. */
#include "config/nearest.h"
#include "config/parse.h"
#include "config/value.h"

enum {
    SYSLOG_PORT = 514,
    SAMPLE_MAX = 1000000,
    SYSLOG_DAEMON = 3, /* the facility when none is written */
};

/* In the order of their numbers (RFC 5424, section 6.2.1). */
static const char FACILITIES[] =
    "kern user mail daemon auth syslog lpr news uucp cron authpriv ftp ntp "
    "audit alert clock local0 local1 local2 local3 local4 local5 local6 local7";

/* The four levels, and after them what syslog's users call them. */
static const char LEVELS[] =
    "debug info warn error notice warning err crit alert emerg";

static const enum log_level LEVEL_OF[] = {
    LOG_LEVEL_DEBUG, LOG_LEVEL_INFO,  LOG_LEVEL_WARN,  LOG_LEVEL_ERROR,
    LOG_LEVEL_INFO,  LOG_LEVEL_WARN,  LOG_LEVEL_ERROR, LOG_LEVEL_ERROR,
    LOG_LEVEL_ERROR, LOG_LEVEL_ERROR,
};

static const char JOURNALD_SOCKET[] = "/run/systemd/journal/socket";

static const char FORMATS[] = "rfc3164 rfc5424";

static const char *const ACCESS_LOG_USE =
    "a format is one of off, combined, httplog, tcplog and json, or a text "
    "with variables such as ${remote_addr}";

static int
parse_syslog(const struct parse *p, const struct entry *entry, struct str where,
             struct log_conf *out)
{
    if (where.len > 0 && where.p[0] == '/') {
        out->kind = LOG_KIND_SYSLOG_DEV;
        out->path = parse_path(p, where);
        return 0;
    }
    out->kind = LOG_KIND_SYSLOG_UDP;
    if (str_starts_with(where, STR("tcp:")) ||
        str_starts_with(where, STR("udp:"))) {
        if (where.p[0] == 't')
            out->kind = LOG_KIND_SYSLOG_TCP;
        where = str_slice(where, 4, where.len);
    }
    if (str_starts_with(where, STR("unix:"))) {
        parse_refuse(p, entry, "write syslog:/dev/log, without unix:");
        return -1;
    }
    return parse_address(p, entry, where, false, SYSLOG_PORT, &out->address);
}

static int
parse_target(const struct parse *p, const struct entry *entry, struct str text,
             struct log_conf *out)
{
    struct nearest nearest;
    char hint[64];

    if (str_equal(text, STR("stderr"))) {
        out->kind = LOG_KIND_STDERR;
        return 0;
    }
    if (str_equal(text, STR("stdout"))) {
        out->kind = LOG_KIND_STDOUT;
        return 0;
    }
    if (str_starts_with(text, STR("syslog:")))
        return parse_syslog(p, entry, str_slice(text, 7, text.len), out);
    if (str_starts_with(text, STR("file:")) && text.len > 5) {
        out->kind = LOG_KIND_FILE;
        out->path = parse_path(p, str_slice(text, 5, text.len));
        return 0;
    }
    if (str_equal(text, STR("journald")) ||
        (str_starts_with(text, STR("journald:")) && text.len > 9)) {
        out->kind = LOG_KIND_JOURNALD;
        out->path = text.len == 8 ? str_from(JOURNALD_SOCKET)
                                  : parse_path(p, str_slice(text, 9, text.len));
        return 0;
    }
    nearest_init(&nearest, text);
    nearest_offer_words(&nearest, "stderr stdout journald");
    parse_refuse(p, entry,
                 "unknown target '" STR_FMT "'%s (it can be: stderr, stdout, "
                 "file:PATH, syslog:HOST:PORT, syslog:tcp:HOST:PORT, "
                 "syslog:/dev/log, journald)",
                 STR_ARG(text), nearest_hint(&nearest, hint, sizeof(hint)));
    return -1;
}

/* Sets one of level=, facility= and format=. */
static int
set_option(const struct parse *p, const struct entry *entry, struct str word,
           struct log_conf *out)
{
    ptrdiff_t equals = str_find_char(word, '=', 0);
    struct str name = equals < 0 ? word : str_slice(word, 0, (size_t)equals);
    struct str value = str_slice(word, name.len + 1, word.len);
    bool journald = out->kind == LOG_KIND_JOURNALD;
    bool syslog = out->kind == LOG_KIND_SYSLOG_UDP ||
                  out->kind == LOG_KIND_SYSLOG_TCP ||
                  out->kind == LOG_KIND_SYSLOG_DEV;
    bool records = entry->key->type == KEY_LOG_TO;
    int which = parse_choice(
        p, entry, name, records ? "facility format" : "facility format level",
        NULL);
    int place;

    if (which < 0)
        return -1;
    if (which < 2 && !syslog && !(journald && which == 0)) {
        parse_refuse(p, entry, "'" STR_FMT "' is for syslog: targets only",
                     STR_ARG(name));
        return -1;
    }
    if (which == 0) {
        place = parse_choice(p, entry, value, FACILITIES, NULL);
        out->facility = place < 0 ? 0 : (unsigned)place;
    } else if (which == 1) {
        place = parse_choice(p, entry, value, FORMATS, NULL);
        out->format = place == 1 ? LOG_FORMAT_RFC5424 : LOG_FORMAT_RFC3164;
    } else {
        place = parse_choice(p, entry, value, LEVELS, NULL);
        out->level = place < 0 ? LOG_LEVEL_INFO : LEVEL_OF[place];
    }
    return place < 0 ? -1 : 0;
}

int
parse_log(const struct parse *p, const struct entry *entry, struct str text,
          struct log_conf *out)
{
    struct log_conf log = {
        .level = LOG_LEVEL_INFO, .facility = SYSLOG_DAEMON, .at = entry->at};
    struct str word = STR("");

    (void)value_next_word(p->arena, &text, &word);
    if (parse_target(p, entry, word, &log) != 0)
        return -1;
    while (value_next_word(p->arena, &text, &word))
        if (set_option(p, entry, word, &log) != 0)
            return -1;
    *out = log;
    return 0;
}

int
parse_sample(const struct parse *p, const struct entry *entry, struct str text,
             uint32_t *out)
{
    struct str number = str_slice(text, 2, text.len);
    uint64_t n = 0;

    if (!str_starts_with(text, STR("1/")) ||
        str_to_uint(&n, number, SAMPLE_MAX) != 0 || n == 0) {
        parse_refuse(p, entry,
                     "'" STR_FMT "' is no share of the records: write 1/N, for "
                     "instance 1/100, with N from 1 to %d",
                     STR_ARG(text), SAMPLE_MAX);
        return -1;
    }
    *out = (uint32_t)n;
    return 0;
}

int
parse_access_log(const struct parse *p, const struct entry *entry,
                 struct str text, struct section_conf *out)
{
    bool http = out->kind == SECTION_HTTP;
    int place = value_find_word(entry->key->words, text);
    struct nearest nearest;
    char hint[64];

    if (place == ACCESS_LOG_COMBINED || place == ACCESS_LOG_HTTPLOG) {
        if (!http) {
            parse_refuse(p, entry, "'" STR_FMT "' is for [http]: write tcplog",
                         STR_ARG(text));
            return -1;
        }
    }
    if (place >= 0) {
        out->access_log = (enum access_log)place;
        return 0;
    }
    if (str_find_char(text, '$', 0) < 0) {
        nearest_init(&nearest, text);
        nearest_offer_words(&nearest, entry->key->words);
        parse_refuse(p, entry, "unknown format '" STR_FMT "'%s (%s)",
                     STR_ARG(text), nearest_hint(&nearest, hint, sizeof(hint)),
                     ACCESS_LOG_USE);
        return -1;
    }
    if (parse_template(p, entry, text, TEMPLATE_LOG, http,
                       &out->access_log_template) != 0)
        return -1;
    if (template_is_literal(out->access_log_template)) {
        parse_refuse(p, entry, "no variable in '" STR_FMT "': %s",
                     STR_ARG(text), ACCESS_LOG_USE);
        return -1;
    }
    out->access_log = ACCESS_LOG_TEMPLATE;
    return 0;
}
