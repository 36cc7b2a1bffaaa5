/* SPDX-License-Identifier: MIT */
#include "app/stats_addresses.h"

#include "base/addr.h"
#include "config/model.h"
#include "proxy/addresses.h"

void
stats_addresses_resolve(const struct config *config,
                        struct addresses *addresses, struct faults *faults)
{
    struct addr addr;

    for (size_t i = 0; i < config->stats_count; i++) {
        const struct stats_conf *conf = &config->stats[i];

        for (size_t k = 0; k < conf->listen_count; k++) {
            const struct listen_conf *listen = &conf->listens[k];

            if (addresses_resolve(addresses, &addr, 1, &listen->address,
                                  listen->at, faults) < 0)
                continue; /* the fault has been added */
        }
    }
}
