/* SPDX-License-Identifier: MIT */
#include "config/verify_daemon.h"

static void
verify_log(const struct config *config, const struct log_conf *log,
           const char *key, struct faults *faults)
{
    bool written = log->at.line > 0;

    if (log->kind != LOG_KIND_STDERR && log->kind != LOG_KIND_STDOUT)
        return;
    faults_add_at(faults, written ? log->at : config->global.daemon_at,
                  "%s: in the background there is no stderr and no stdout to "
                  "log to; write %s = file:PATH, or syslog:/dev/log",
                  key, key);
}

void
verify_daemon(const struct config *config, struct faults *faults)
{
    const struct global_conf *global = &config->global;

    for (size_t i = 0; i < global->log_count; i++)
        verify_log(config, &global->logs[i], "log", faults);
    for (size_t i = 0; i < config->section_count; i++) {
        if (config->sections[i].log_to != NULL)
            verify_log(config, config->sections[i].log_to, "log_to", faults);
    }
}
