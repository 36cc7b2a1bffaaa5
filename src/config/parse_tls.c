/* SPDX-License-Identifier: MIT */
/* TLS: certificates and keys are read here, while the privileges are there. */
#include <errno.h>
#include <string.h>

#include "config/parse.h"
#include "config/sources.h"

enum {
    PEM_MAX = 1 << 20, /* bytes of a file of certificates or keys */
};

static int
parse_file(const struct parse *p, const struct entry *entry,
           const struct option_conf *option, struct file_conf *out)
{
    struct file_conf file;
    struct str text;

    if (parse_option_form(p, entry, option, true) != 0)
        return -1;
    file.path = parse_path(p, option->value);
    if (sources_file(p->sources, &text, file.path.p, PEM_MAX) < 0) {
        parse_refuse(p, entry, "cannot read %s=" STR_FMT ": %s", option->name.p,
                     STR_ARG(file.path), strerror(errno));
        return -1;
    }
    file.text = memory_str(p->arena, text);
    *out = file;
    return 0;
}

int
parse_listen_tls(const struct parse *p, const struct entry *entry,
                 enum tls_option which, const struct option_conf *option,
                 struct listen_tls_conf *out)
{
    switch (which) {
    case TLS_OPTION_TLS:
        out->on = true;
        out->required = option->value.p != NULL &&
                        str_equal(option->value, STR("required"));
        if (out->required)
            return 0;
        return parse_option_form(p, entry, option, false);
    case TLS_OPTION_CERTIFICATE:
        return parse_file(p, entry, option, &out->certificate);
    case TLS_OPTION_KEY:
        return parse_file(p, entry, option, &out->key);
    }
    return -1;
}

int
parse_listen_tls_end(const struct parse *p, const struct entry *entry,
                     const struct listen_tls_conf *tls)
{
    bool has_certificate = tls->certificate.path.p != NULL;
    bool has_key = tls->key.path.p != NULL;

    if (tls->on && has_certificate && has_key)
        return 0;
    if (!tls->on && !has_certificate && !has_key)
        return 0;
    parse_refuse(p, entry,
                 tls->on ? "tls needs certificate=FILE and key=FILE"
                         : "certificate= and key= are for tls: write tls "
                           "certificate=FILE key=FILE");
    return -1;
}

static int
set_verify(const struct parse *p, const struct entry *entry,
           const struct option_conf *option, struct server_tls_conf *out)
{
    bool off = option->value.p != NULL && str_equal(option->value, STR("off"));

    out->verify = off ? TLS_VERIFY_OFF : TLS_VERIFY_CA;
    return off ? 0 : parse_file(p, entry, option, &out->ca);
}

int
parse_server_tls(const struct parse *p, const struct entry *entry,
                 enum tls_option which, const struct option_conf *option,
                 struct server_tls_conf *out)
{
    switch (which) {
    case TLS_OPTION_TLS:
        out->on = true;
        return parse_option_form(p, entry, option, false);
    case TLS_OPTION_CERTIFICATE:
        return set_verify(p, entry, option, out);
    case TLS_OPTION_KEY:
        if (parse_option_form(p, entry, option, true) != 0)
            return -1;
        out->name = memory_str(p->arena, option->value);
        return 0;
    }
    return -1;
}

int
parse_server_tls_end(const struct parse *p, const struct entry *entry,
                     const struct server_tls_conf *tls)
{
    bool has_more = tls->verify != TLS_VERIFY_SYSTEM || tls->name.p != NULL;

    if (tls->on || !has_more)
        return 0;
    parse_refuse(p, entry,
                 "verify= and tls_name= are for tls: write tls verify=CA");
    return -1;
}
