/* SPDX-License-Identifier: MIT */
#include "app/config_trial.h"

#include "app/config_record.h"
#include "app/log_output.h"
#include "app/privileges.h"
#include "app/setup.h"
#include "app/stats_addresses.h"
#include "base/mem.h"
#include "config/config.h"
#include "config/faults.h"
#include "config/sources.h"
#include "proxy/addresses.h"

struct config_trial {
    const char *file;
    struct sources sources;
    const struct config *config;
    struct privileges privileges;
    struct addresses addresses;
    struct faults faults;
};

struct config_trial *
config_trial_read(const char *file)
{
    struct config_trial *t = xcalloc(1, sizeof(*t));

    t->file = file;
    sources_init(&t->sources);
    addresses_init(&t->addresses);
    t->addresses.may_come_later = true;
    faults_init(&t->faults);
    if (config_read_from(&t->config, file, &t->sources, &t->faults) < 0)
        return t; /* the faults say so */
    privileges_resolve(&t->privileges, &t->config->global, &t->faults);
    return t;
}

/* As setup_init, but that the process is thrown away. */
int
config_trial_load(struct config_trial *t, struct bundles *set,
                  struct buf *words)
{
    struct service service;
    int result;

    log_output_resolve(t->config, &t->addresses, &t->faults);
    stats_addresses_resolve(t->config, &t->addresses, &t->faults);
    result =
        service_init(&service, NULL, t->config, &t->addresses, set, &t->faults);
    if (result == 0)
        service_fini(&service);
    faults_sort(&t->faults);
    setup_write_faults(&t->faults, words);
    return t->faults.count == 0 ? result : -1;
}

const struct config *
config_trial_config(const struct config_trial *t)
{
    return t->config;
}

int
config_trial_write(const struct config_trial *t, int fd)
{
    return config_record_write(fd, t->file, &t->sources, &t->addresses);
}
