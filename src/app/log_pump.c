/* SPDX-License-Identifier: MIT */
#include "app/log_pump.h"

#include "app/log_output.h"

enum {
    AGAIN_MS = 20, /* until what waits is tried again */
};

static void
on_again(struct timer *timer)
{
    struct log_pump *p = container_of(timer, struct log_pump, again);

    log_output_flush(p->output);
}

static void
on_pending(void *arg)
{
    struct log_pump *p = arg;

    if (!timer_is_running(&p->again))
        loop_start_timer(p->loop, &p->again, AGAIN_MS);
}

static void
on_help(void *arg, size_t target)
{
    struct log_pump *p = arg;

    if (p->help != NULL)
        p->help(p->arg, target);
}

void
log_pump_start(struct log_pump *p, struct loop *loop, struct log_output *output,
               log_help_fn help, void *arg)
{
    *p = (struct log_pump){
        .loop = loop,
        .output = output,
        .help = help,
        .arg = arg,
    };
    timer_init(&p->again, on_again);
    output->on_pending = on_pending;
    output->on_help = on_help;
    output->arg = p;
    log_output_flush(output);
}

void
log_pump_use(struct log_pump *p, struct log_output *output)
{
    p->output = output;
    log_output_flush(output);
}

void
log_pump_stop(struct log_pump *p)
{
    timer_stop(&p->again);
    p->output->on_pending = NULL;
    p->output->on_help = NULL;
}
