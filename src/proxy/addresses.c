/* SPDX-License-Identifier: MIT */
#include "proxy/addresses.h"

#include <stdlib.h>
#include <string.h>

#include "base/log.h"
#include "config/faults.h"

struct address_answer {
    struct address_answer *next;
    unsigned count;
    struct addr addrs[ADDRESSES_MAX];
};

void
addresses_init(struct addresses *addresses)
{
    addresses->may_come_later = false;
    addresses->first = NULL;
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

static struct address_answer *
look_up(struct addresses *addresses, const struct address_conf *conf,
        const char **why)
{
    struct address_answer *answer = xcalloc(1, sizeof(*answer));
    int count;

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
    if (map_put(&addresses->by_text, conf->text, answer) < 0)
        fatal("out of memory while looking names up");
    answer->next = addresses->first;
    addresses->first = answer;
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
