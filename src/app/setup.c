/* SPDX-License-Identifier: MIT */
#include "app/setup.h"

#include "config/config.h"
#include "proxy/runtime.h"

struct runtime *
setup_runtime(struct engine *engine, const struct config *config,
              struct faults *faults)
{
    return runtime_new(engine, config, faults);
}

int
setup_init(struct setup *setup, const char *file, struct faults *faults)
{
    *setup = (struct setup){.config = NULL};
    if (config_read(&setup->config, file, faults) == 0) {
        privileges_resolve(&setup->privileges, &setup->config->global, faults);
        setup->runtime = setup_runtime(NULL, setup->config, faults);
    }
    faults_sort(faults);
    return faults->count == 0 ? 0 : -1;
}

void
setup_fini(struct setup *setup)
{
    runtime_unref(setup->runtime);
    config_unref(setup->config);
    *setup = (struct setup){.config = NULL};
}

void
setup_print_faults(const struct faults *faults, FILE *out)
{
    for (size_t i = 0; i < faults->count; i++) {
        char text[4096];

        fprintf(out, "%s\n",
                fault_format(&faults->items[i], text, sizeof(text)));
    }
}
