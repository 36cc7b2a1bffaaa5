/* SPDX-License-Identifier: MIT */
#include "app/master_commands.h"

#include "app/master_changes.h"
#include "app/master_end.h"
#include "app/master_logs.h"
#include "app/master_request.h"
#include "app/master_state.h"
#include "app/master_verbs.h"
#include "app/swap_ask.h"
#include "base/buf.h"
#include "base/log.h"

enum {
    VERB_ANSWER_MAX = 512,
};

/* WHY ends with a newline. */
static void
answer_error(struct master *m, uint32_t client, const char *why)
{
    char text[256];
    struct buf b;

    buf_init(&b, text, sizeof(text));
    buf_printf(&b, "error %s", why);
    child_answer(&m->control, client, buf_text(&b));
}

/* What a client of the control socket asks of the master, but for scripts. */
struct verb {
    const char *word;
    void (*run)(struct master *m, uint32_t client,
                const struct master_request *request);
};

static void
verb_reload(struct master *m, uint32_t client,
            const struct master_request *request)
{
    const char *why;

    if (request->arguments.len > 0) {
        child_answer(&m->control, client,
                     STR("error reload takes no arguments but --json\n"));
        return;
    }
    why = upgrade_is_on(&m->upgrade)
              ? "an upgrade is under way, which reads the configuration, "
                "too\n"
              : swap_reload(&m->swap, client, request->json, request->who);
    if (why != NULL)
        answer_error(m, client, why);
    else
        manager_reloading(&m->manager);
}

static void
verb_log(struct master *m, uint32_t client,
         const struct master_request *request)
{
    char memory[VERB_ANSWER_MAX];
    struct buf b;

    buf_init(&b, memory, sizeof(memory));
    master_verb_log(&b, m->resources.board, request);
    child_answer(&m->control, client, buf_text(&b));
}

/* The answer goes out before the end begins. */
static void
verb_stop(struct master *m, uint32_t client,
          const struct master_request *request)
{
    char memory[VERB_ANSWER_MAX];
    bool graceful;
    bool stops;
    struct buf b;

    buf_init(&b, memory, sizeof(memory));
    stops = master_verb_stop(&b, &graceful, request);
    child_answer(&m->control, client, buf_text(&b));
    if (stops)
        (graceful ? master_drain : master_stop)(m);
}

static void
run_upgrade(struct master *m, uint32_t client,
            const struct master_request *request)
{
    struct upgrade_asker asker = {
        .waits = true,
        .client = client,
        .json = request->json,
    };

    if (m->state != MASTER_RUNNING)
        child_answer(&m->control, client,
                     STR("error the program is not running yet, or is "
                         "stopping\n"));
    else
        upgrade_start_for(&m->upgrade, &asker, request->arguments);
}

static const struct verb verbs[] = {
    {"log", verb_log},   {"reload", verb_reload},
    {"stop", verb_stop}, {"upgrade", run_upgrade},
    {NULL, NULL},
};

static void
on_command(struct master *m, const struct message *message)
{
    struct master_request request;

    if (master_request_read(&request, message->text) < 0) {
        child_answer(&m->control, message->arg,
                     STR("error that is no request\n"));
        return;
    }
    for (const struct verb *v = verbs; v->word != NULL; v++) {
        if (str_equal(request.verb, str_from(v->word))) {
            v->run(m, message->arg, &request);
            return;
        }
    }
    child_answer(&m->control, message->arg,
                 STR("error that is not supported in this version\n"));
}

/* What a client of control may ask for is no worker's to ask: those hear
 * whoever comes. */
static bool
may_ask(const struct master *m, const struct child *child,
        const struct message *message)
{
    if (child == &m->control ||
        (message->kind != MESSAGE_COMMAND && message->kind != MESSAGE_LOG_HELP))
        return true;
    log_error("%s asks for what only control may ask for", child->name);
    return false;
}

/* Clients of the control socket ask for more than scripts. */
void
master_message(struct child *child, const struct message *message)
{
    struct master *m = child->owner;

    if (!may_ask(m, child, message))
        return;
    if (message->kind == MESSAGE_LOG_HELP)
        master_help_log(m, message->arg);
    else if (message->kind == MESSAGE_COMMAND &&
             !str_starts_with(message->text, STR("script ")))
        on_command(m, message);
    else if (message->kind == MESSAGE_COMMAND && upgrade_is_on(&m->upgrade))
        answer_error(m, message->arg,
                     "an upgrade is under way, which loads the scripts, too\n");
    else
        swap_message(&m->swap, child, message);
    master_look_on(m);
}
