/* SPDX-License-Identifier: MIT */
#include "proxy/addresses.h"

#include <stdlib.h>
#include <string.h>

#include "base/log.h"
#include "base/texts.h"
#include "config/faults.h"

struct address_answer {
    struct address_answer *next;
    unsigned count;
    struct addr addrs[ADDRESSES_MAX];
    size_t len;
    char text[]; /* that was asked for, LEN bytes */
};

void
addresses_init(struct addresses *addresses)
{
    *addresses = (struct addresses){.first = NULL};
    map_init(&addresses->by_text);
}

void
addresses_fini(struct addresses *addresses)
{
    while (addresses->first != NULL) {
        struct address_answer *answer = addresses->first;

        addresses->first = answer->next;
        free(answer);
    }
    map_fini(&addresses->by_text);
}

/* A new one for TEXT, known to nobody; NULL without memory. */
static struct address_answer *
new_answer(struct str text)
{
    struct address_answer *answer = calloc(1, sizeof(*answer) + text.len);

    if (answer == NULL)
        return NULL;
    answer->len = text.len;
    memcpy(answer->text, text.p, text.len);
    return answer;
}

static int
keep(struct addresses *addresses, struct address_answer *answer)
{
    struct str text = str_make(answer->text, answer->len);

    if (map_put(&addresses->by_text, text, answer) < 0)
        return -1;
    answer->next = addresses->first;
    addresses->first = answer;
    return 0;
}

static struct address_answer *
look_up(struct addresses *addresses, const struct address_conf *conf,
        const char **why)
{
    struct address_answer *answer;
    int count;

    *why = "it has no address yet";
    if (addresses->closed)
        return NULL;
    answer = new_answer(conf->text);
    if (answer == NULL)
        fatal("out of memory while looking names up");
    if (conf->is_unix)
        count = addr_parse(answer->addrs, conf->text.p, why) == 0 ? 1 : -1;
    else
        count = addr_resolve(answer->addrs, ADDRESSES_MAX, conf->host.p,
                             conf->port, why);
    if (count <= 0) {
        free(answer);
        return NULL;
    }
    answer->count = (unsigned)count;
    if (keep(addresses, answer) < 0)
        fatal("out of memory while looking names up");
    return answer;
}

static unsigned
copy_answer(const struct address_answer *answer, struct addr *out, unsigned max)
{
    unsigned count = answer->count < max ? answer->count : max;

    memcpy(out, answer->addrs, count * sizeof(*out));
    return count;
}

int
addresses_find(struct addresses *addresses, struct addr *out, unsigned max,
               const struct address_conf *conf, const char **why)
{
    const struct address_answer *answer =
        map_get(&addresses->by_text, conf->text);

    if (answer == NULL)
        answer = look_up(addresses, conf, why);
    if (answer == NULL)
        return -1;
    return (int)copy_answer(answer, out, max);
}

unsigned
addresses_known(const struct addresses *addresses, struct addr *out,
                unsigned max, const struct address_conf *conf)
{
    const struct address_answer *answer =
        map_get(&addresses->by_text, conf->text);

    return answer == NULL ? 0 : copy_answer(answer, out, max);
}

int
addresses_resolve(struct addresses *addresses, struct addr *out, unsigned max,
                  const struct address_conf *conf, struct config_at at,
                  struct faults *faults)
{
    const char *why = "";
    int count = addresses_find(addresses, out, max, conf, &why);

    if (count < 0)
        faults_add_at(faults, at, "cannot resolve \"" STR_FMT "\": %s",
                      STR_ARG(conf->text), why);
    return count;
}

/* --- for another process -------------------------------------------------- */

void
addresses_write(const struct addresses *addresses, struct buf *out)
{
    for (const struct address_answer *answer = addresses->first; answer != NULL;
         answer = answer->next) {
        texts_put(out, str_make(answer->text, answer->len));
        texts_put(out, str_make((const char *)answer->addrs,
                                answer->count * sizeof(answer->addrs[0])));
    }
}

static int
take_answer(struct addresses *addresses, struct str *rest)
{
    struct address_answer *answer;
    struct str text;
    struct str addrs;

    if (texts_take(&text, rest) < 0 || texts_take(&addrs, rest) < 0 ||
        addrs.len > sizeof(answer->addrs) ||
        addrs.len % sizeof(answer->addrs[0]) != 0)
        return -1;
    answer = new_answer(text);
    if (answer == NULL)
        return -1;
    answer->count = (unsigned)(addrs.len / sizeof(answer->addrs[0]));
    memcpy(answer->addrs, addrs.p, addrs.len);
    if (keep(addresses, answer) == 0)
        return 0;
    free(answer);
    return -1;
}

int
addresses_read(struct addresses *addresses, struct str bytes)
{
    addresses_init(addresses);
    addresses->closed = true;
    addresses->may_come_later = true;
    while (bytes.len > 0) {
        if (take_answer(addresses, &bytes) < 0)
            return -1;
    }
    return 0;
}
