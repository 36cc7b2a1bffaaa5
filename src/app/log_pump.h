/* SPDX-License-Identifier: MIT */
/*
 * What keeps the log's links going in a process that has a loop: while lines
 * wait for a receiver, they are tried again and again.
 */
#ifndef APP_LOG_PUMP_H
#define APP_LOG_PUMP_H

#include <stddef.h>

#include "net/loop.h"

struct log_output;

/* Asks whoever may for a socket for this target: control, of the master. */
typedef void (*log_help_fn)(void *arg, size_t target);

struct log_pump {
    struct loop *loop;
    struct log_output *output;
    struct timer again;
    log_help_fn help; /* or NULL */
    void *arg;
};

void log_pump_start(struct log_pump *p, struct loop *loop,
                    struct log_output *output, log_help_fn help, void *arg);

/* It is OUTPUT that counts from now on, which has taken over from the one
 * before. */
void log_pump_use(struct log_pump *p, struct log_output *output);
void log_pump_stop(struct log_pump *p);

#endif
