/* SPDX-License-Identifier: MIT */
#include "app/setup.h"

#include <limits.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "app/load_apart.h"
#include "app/log_output.h"
#include "app/stats_addresses.h"
#include "base/log.h"
#include "config/config.h"
#include "proxy/runtime.h"
#include "script/scripts.h"
#include "script/takeover.h"

enum {
    FAULT_LINE_MAX = 4096, /* a fault with its place; longer ones are cut */
};

/* Does FOLDER hold the scripts that ship? */
static bool
has_scripts(const char *folder)
{
    char path[PATH_MAX];
    struct stat st;
    int len = snprintf(path, sizeof(path), "%s/lua/policy", folder);

    return len > 0 && (size_t)len < sizeof(path) && stat(path, &st) == 0 &&
           S_ISDIR(st.st_mode);
}

/* Cuts the last part of a path off. */
static void
cut_name(char *path)
{
    char *slash = strrchr(path, '/');

    if (slash != NULL)
        *slash = '\0';
}

/* The folder of what ships with the program: beside it where it was moved or
 * is run from the folder it was built in, else where it was installed. */
const char *
setup_find_data(char folder[PATH_MAX])
{
    static const char *const beside[] = {"../share/moongate", "..", "../.."};
    char program[PATH_MAX];
    ssize_t program_len = readlink("/proc/self/exe", program, PATH_MAX - 1);

    if (program_len <= 0)
        return MOONGATE_DATADIR;
    program[program_len] = '\0';
    cut_name(program);
    for (size_t i = 0; i < sizeof(beside) / sizeof(*beside); i++) {
        char path[PATH_MAX];
        int len = snprintf(path, sizeof(path), "%s/%s", program, beside[i]);

        if (len > 0 && (size_t)len < sizeof(path) &&
            realpath(path, folder) != NULL && has_scripts(folder))
            return folder;
    }
    return MOONGATE_DATADIR;
}

int
service_init(struct service *service, struct engine *engine,
             const struct config *config, struct addresses *addresses,
             struct bundles *bundles, struct faults *faults)
{
    char folder[PATH_MAX];
    size_t before = faults->count;

    *service = (struct service){
        .runtime = runtime_new(engine, config, addresses, faults),
    };
    service->scripts = scripts_load(service->runtime, setup_find_data(folder),
                                    bundles, faults);
    if (faults->count == before)
        return 0;
    service_fini(service);
    return -1;
}

struct scripts *
setup_load_beside(struct runtime *runtime, struct bundles *bundles,
                  struct scripts *before, bool checks, struct faults *faults)
{
    char folder[PATH_MAX];

    return scripts_load_beside(runtime, setup_find_data(folder), bundles,
                               before, checks, faults);
}

void
service_init_checks(struct service *service, struct engine *engine,
                    const struct config *config, struct addresses *addresses,
                    struct bundles *bundles, struct faults *faults)
{
    char folder[PATH_MAX];

    *service = (struct service){
        .runtime = runtime_new(engine, config, addresses, faults),
    };
    service->scripts = scripts_load_checks(
        service->runtime, setup_find_data(folder), bundles, faults);
}

int
service_try(const struct config *config, struct addresses *addresses,
            const char *const *names, size_t count, struct bundles *set,
            struct faults *faults)
{
    size_t before = faults->count;
    struct runtime *runtime = runtime_new(NULL, config, addresses, faults);
    char folder[PATH_MAX];
    int result;

    result = scripts_try(runtime, setup_find_data(folder), names, count, set,
                         faults);
    runtime_unref(runtime);
    return faults->count == before ? result : -1;
}

void
service_fini(struct service *service)
{
    scripts_free(service->scripts);
    runtime_unref(service->runtime);
    *service = (struct service){.runtime = NULL};
}

/* Scripts are never root's who will not be. */
static int
make_service(struct setup *setup, struct addresses *addresses,
             struct bundles *bundles, struct faults *faults)
{
    char folder[PATH_MAX];
    size_t before = faults->count;

    if (geteuid() != 0 || !setup->privileges.change_user)
        return service_init(&setup->service, NULL, setup->config, addresses,
                            bundles, faults);
    setup->service.runtime =
        runtime_new(NULL, setup->config, addresses, faults);
    if (load_apart(setup->service.runtime, setup_find_data(folder),
                   &setup->privileges, bundles, faults) == 0 &&
        faults->count == before)
        return 0;
    service_fini(&setup->service);
    return -1;
}

int
setup_init(struct setup *setup, const char *file, struct sources *sources,
           struct addresses *addresses, struct bundles *bundles,
           struct faults *faults)
{
    size_t before = faults->count;
    int result;

    *setup = (struct setup){.config = NULL};
    result = config_read_from(&setup->config, file, sources, faults);
    privileges_resolve(&setup->privileges, &setup->config->global, faults);
    log_output_resolve(setup->config, addresses, faults);
    stats_addresses_resolve(setup->config, addresses, faults);
    if (make_service(setup, addresses, bundles, faults) < 0)
        result = -1;
    faults_sort(faults);
    return faults->count == before ? result : -1;
}

void
setup_fini(struct setup *setup)
{
    service_fini(&setup->service);
    config_unref(setup->config);
    *setup = (struct setup){.config = NULL};
}

void
setup_print_faults(const struct faults *faults, FILE *out)
{
    for (size_t i = 0; i < faults->item_count; i++) {
        char text[FAULT_LINE_MAX];

        fprintf(out, "%s\n",
                fault_format(&faults->items[i], text, sizeof(text)));
    }
}

void
setup_write_faults(const struct faults *faults, struct buf *out)
{
    for (size_t i = 0; i < faults->item_count; i++) {
        char text[FAULT_LINE_MAX];

        if (!faults->items[i].warning)
            buf_printf(out, "%s\n",
                       fault_format(&faults->items[i], text, sizeof(text)));
    }
}

void
setup_log_faults(const struct faults *faults)
{
    for (size_t i = 0; i < faults->item_count; i++) {
        const struct fault *fault = &faults->items[i];
        char text[FAULT_LINE_MAX];

        (void)fault_format(fault, text, sizeof(text));
        if (fault->warning)
            log_warn("%s", text);
        else
            log_error("%s", text);
    }
}
