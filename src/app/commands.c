/* SPDX-License-Identifier: MIT */
#include "app/commands.h"

#include <event2/event.h>
#include <stdio.h>
#include <stdlib.h>

#include "app/ctl.h"
#include "app/setup.h"
#include "base/clock.h"
#include "base/regex.h"
#include "config/config.h"
#include "config/sources.h"
#include "net/crypto.h"
#include "proxy/addresses.h"
#include "script/bundles.h"
#include "script/scripts.h"

int
command_check(const char *file)
{
    struct addresses addresses;
    struct sources sources;
    struct bundles bundles; /* for their limits, which the start knows */
    struct faults faults;
    struct setup setup;
    int status = EXIT_FAILURE;

    clock_update();
    faults_init(&faults);
    addresses_init(&addresses);
    sources_init(&sources);
    bundles_init(&bundles);
    if (setup_init(&setup, file, &sources, &addresses, &bundles, &faults) ==
        0) {
        printf("%s: configuration is valid\n", file);
        status = EXIT_SUCCESS;
    }
    setup_print_faults(&faults, stderr);
    setup_fini(&setup);
    bundles_fini(&bundles);
    sources_fini(&sources);
    addresses_fini(&addresses);
    faults_fini(&faults);
    return status;
}

int
command_version(void)
{
    char text[64];

    printf("moongate %s\n", MOONGATE_VERSION);
    printf("%s\n", scripts_version(text, sizeof(text)));
    printf("libevent %s\n", event_get_version());
    printf("inih %s\n", MOONGATE_INIH_VERSION);
    printf("PCRE2 %s\n", regex_version());
    printf("%s\n", crypto_version());
    return EXIT_SUCCESS;
}

/* Only what says where the socket is must be right in the file, but a reader
 * that skips the rest would be a second one. */
static int
ctl_of_file(const char *file, char *const *words, int count)
{
    const struct config *config = NULL;
    struct faults faults;
    int status = EXIT_FAILURE;

    faults_init(&faults);
    if (config_read(&config, file, &faults) < 0)
        setup_print_faults(&faults, stderr);
    else if (config->global.control.p == NULL)
        fprintf(stderr, "moongate: %s names no control socket\n", file);
    else
        status = ctl_run(config->global.control.p, words, count);
    config_unref(config);
    faults_fini(&faults);
    return status;
}

int
command_ctl(const char *socket, const char *file, char *const *words, int count)
{
    int status;

    if (ctl_run_alone(&status, words, count))
        return status;
    if (socket != NULL)
        return ctl_run(socket, words, count);
    return ctl_of_file(file, words, count);
}
