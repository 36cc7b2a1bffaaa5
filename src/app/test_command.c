/* SPDX-License-Identifier: MIT */
/*
 *     a folder of its own: moongate.ini, files of specs
 *         │
 *     config ── runtime, one [http] section ── scripts ── offline_run
 *
 * Nothing listens, and no name is looked up: the section is there because the
 * requests that specs make belong to one.
 */
#include "app/test_command.h"

#include <errno.h>
#include <fcntl.h>
#include <ftw.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "app/setup.h"
#include "base/clock.h"
#include "config/config.h"
#include "net/buffer.h"
#include "proxy/addresses.h"
#include "proxy/engine.h"
#include "script/offline.h"

#define DEFAULT_SCRIPT_PATH "lua"

enum {
    WALK_DESCRIPTORS = 16, /* of nftw */
};

/* Where scripts are looked for first; TO is empty where there is no such
 * place.  -1 when the configuration has faults, which are printed. */
static int
find_script_path(char to[PATH_MAX], const char *file)
{
    const struct config *config = NULL;
    struct faults faults;
    int result = 0;

    to[0] = '\0';
    if (file == NULL) {
        if (realpath(DEFAULT_SCRIPT_PATH, to) == NULL)
            to[0] = '\0';
        return 0;
    }
    faults_init(&faults);
    if (config_read(&config, file, &faults) < 0) {
        setup_print_faults(&faults, stderr);
        result = -1;
    } else if (config->global.script_path.p != NULL) {
        (void)snprintf(to, PATH_MAX, "%s", config->global.script_path.p);
    }
    config_unref(config);
    faults_fini(&faults);
    return result;
}

/* Writes the configuration to PATH. */
static int
write_config(const char *path, const char *script_path)
{
    FILE *out = fopen(path, "we");

    if (out == NULL)
        return -1;
    if (script_path[0] != '\0')
        fprintf(out, "[global]\nscript_path = \"%s\"\n", script_path);
    fputs("[http spec]\nlisten = 127.0.0.1:80\n", out);
    return fclose(out) == 0 ? 0 : -1;
}

static int
run_specs(const struct config *config, const char *folder,
          struct faults *faults, char *const *scripts, int count)
{
    struct addresses addresses;
    struct buffer_pool buffers;
    struct engine engine;
    struct service service;
    int result = -1;

    addresses_init(&addresses);
    buffer_pool_init(&buffers);
    engine_init(&engine, NULL, NULL, &buffers, 0);
    engine.temp_dir = folder;
    if (service_init(&service, NULL, config, &addresses, NULL, faults) == 0) {
        const struct offline_conf conf = {
            .scripts = service.scripts,
            .engine = &engine,
            .folder = folder,
            .files = scripts,
            .count = count,
        };

        result = offline_run(&conf);
        service_fini(&service);
    }
    engine_fini(&engine);
    buffer_pool_fini(&buffers);
    addresses_fini(&addresses);
    return result;
}

static int
run_in(const char *folder, const char *script_path, char *const *scripts,
       int count)
{
    const struct config *config = NULL;
    struct faults faults;
    char path[PATH_MAX];
    int result = -1;

    (void)snprintf(path, sizeof(path), "%s/moongate.ini", folder);
    if (write_config(path, script_path) < 0) {
        fprintf(stderr, "moongate: cannot write %s: %s\n", path,
                strerror(errno));
        return -1;
    }
    faults_init(&faults);
    if (config_read(&config, path, &faults) == 0)
        result = run_specs(config, folder, &faults, scripts, count);
    setup_print_faults(&faults, stderr);
    config_unref(config);
    faults_fini(&faults);
    return result;
}

static int
remove_one(const char *path, const struct stat *st, int kind, struct FTW *ftw)
{
    (void)st;
    (void)kind;
    (void)ftw;
    return remove(path);
}

int
test_make_folder(char *path, size_t size, const char *purpose)
{
    const char *temp_dir = getenv("TMPDIR");

    (void)snprintf(path, size, "%s/moongate-%s-XXXXXX",
                   temp_dir == NULL ? "/tmp" : temp_dir, purpose);
    return mkdtemp(path) == NULL ? -1 : 0;
}

void
test_remove(const char *folder)
{
    if (nftw(folder, remove_one, WALK_DESCRIPTORS, FTW_DEPTH | FTW_PHYS) != 0)
        fprintf(stderr, "moongate: cannot remove %s: %s\n", folder,
                strerror(errno));
}

int
test_run_in(const char *script_path, char *const *scripts, int count)
{
    char folder[PATH_MAX - NAME_MAX];
    int result;

    clock_update();
    if (test_make_folder(folder, sizeof(folder), "test") < 0) {
        fprintf(stderr, "moongate: cannot make the folder %s: %s\n", folder,
                strerror(errno));
        return -1;
    }
    result =
        run_in(folder, script_path == NULL ? "" : script_path, scripts, count);
    test_remove(folder);
    return result;
}

int
test_run(const char *file, char *const *scripts, int count)
{
    char script_path[PATH_MAX];

    if (find_script_path(script_path, file) < 0)
        return EXIT_FAILURE;
    return test_run_in(script_path, scripts, count) == 0 ? EXIT_SUCCESS
                                                         : EXIT_FAILURE;
}
