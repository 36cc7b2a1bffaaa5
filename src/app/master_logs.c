/* SPDX-License-Identifier: MIT */
#include "app/master_logs.h"

#include <errno.h>
#include <string.h>
#include <unistd.h>

#include "app/master_state.h"
#include "base/log.h"

void
master_help_log(struct master *m, uint32_t target)
{
    struct message message = {
        .kind = MESSAGE_LOG_FILE,
        .arg = target,
        .fd = log_output_connect(&m->resources.logs, target),
    };

    if (message.fd < 0)
        return;
    if (child_send(&m->control, &message) < 0)
        log_debug("cannot hand control a syslog: %s", strerror(errno));
    close(message.fd);
}

void
master_reopen_logs(struct master *m)
{
    struct log_output *logs = &m->resources.logs;

    m->reopen_again = swap_is_busy(&m->swap);
    log_info("opening the log files again");
    for (size_t i = 0; i < logs->count; i++) {
        struct message message = {.kind = MESSAGE_LOG_FILE, .arg = (uint32_t)i};

        if (!log_output_reopen(logs, i) || m->control.socket < 0)
            continue;
        message.fd = logs->targets[i].fd;
        if (message_send(m->control.socket, &message) < 0)
            log_error("cannot hand a log file to control: %s", strerror(errno));
    }
}
