/* SPDX-License-Identifier: MIT */
#include "app/upgrade.h"

#include <errno.h>
#include <inttypes.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "app/child.h"
#include "app/handover.h"
#include "app/launch.h"
#include "app/message.h"
#include "app/resources.h"
#include "base/log.h"
#include "board/board.h"
#include "board/events.h"
#include "board/json.h"
#include "board/numbers.h"
#include "config/value.h"

enum {
    ANSWER_MAX = MESSAGE_TEXT_MAX,
    EXIT_NO_PROGRAM = 127, /* as a shell says it */
};

/* --- answering ------------------------------------------------------------ */

static void
answer(struct upgrade *u, const struct upgrade_asker *asker, struct str text)
{
    if (asker->waits)
        u->calls.answer(u->calls.owner, asker->client, text);
}

/* A line of the log for each of TEXT. */
static void
log_lines(struct str text)
{
    size_t from = 0;

    for (size_t i = 0; i < text.len; i++) {
        if (text.p[i] != '\n')
            continue;
        if (i > from)
            log_error("upgrade: " STR_FMT, STR_ARG(str_slice(text, from, i)));
        from = i + 1;
    }
}

static void
refuse(struct upgrade *u, const struct upgrade_asker *asker, const char *why)
{
    char text[VALUE_WHY_MAX + 16];
    int len = snprintf(text, sizeof(text), "error %s\n", why);

    log_warn("the upgrade is refused: %s", why);
    answer(u, asker, str_make(text, (size_t)len));
}

static uint32_t
count_sessions(const struct board *board)
{
    struct generation list[BOARD_WORKERS_MAX];
    unsigned count = numbers_generations(board, list, BOARD_WORKERS_MAX);

    for (unsigned i = 0; i < count; i++) {
        if (list[i].master == getpid())
            return list[i].sessions;
    }
    return 0;
}

static void
put_success(struct buf *out, const struct upgrade *u, struct str version,
            struct str why_new)
{
    uint32_t sessions = count_sessions(u->resources->board);

    if (u->asker.json) {
        buf_printf(out, "ok\n{\"pid\":%ld,\"old_pid\":%ld,\"version\":",
                   (long)u->pid, (long)getpid());
        json_string(out, version);
        buf_printf(out, ",\"sessions\":%" PRIu32 ",\"board\":\"%s\"}\n",
                   sessions, why_new.len == 0 ? "kept" : "new");
        return;
    }
    buf_printf(out,
               "ok\nversion " STR_FMT " serves as pid %ld; pid %ld ends its "
               "%" PRIu32 " sessions\n",
               STR_ARG(version), (long)u->pid, (long)getpid(), sessions);
    if (why_new.len > 0)
        buf_printf(out,
                   "counts and states begin anew, and those sessions are not "
                   "shown any more: " STR_FMT "\n",
                   STR_ARG(why_new));
}

/* --- the end of it -------------------------------------------------------- */

static void
close_link(struct upgrade *u)
{
    if (u->link < 0)
        return;
    watch_stop(&u->watch);
    close(u->link);
    u->link = -1;
}

static void
note_failure(const struct upgrade *u)
{
    struct str why = buf_text(&u->why);
    ptrdiff_t end = str_find_char(why, '\n', 0);

    event_note(u->resources->board, EVENT_UPGRADE,
               "the upgrade failed, version %s goes on: " STR_FMT,
               MOONGATE_VERSION,
               STR_ARG(end < 0 ? why : str_slice(why, 0, (size_t)end)));
}

/* The answer is one line and more, each with what is wrong. */
static void
fail(struct upgrade *u)
{
    char memory[ANSWER_MAX];
    struct buf text;

    timer_stop(&u->limit);
    close_link(u);
    u->pid = 0;
    u->state = UPGRADE_IDLE;
    log_lines(buf_text(&u->why));
    note_failure(u);
    log_error("the upgrade has failed; pid %ld goes on as before",
              (long)getpid());
    buf_init(&text, memory, sizeof(memory));
    buf_str(&text, STR("error the upgrade has failed, and all goes on as "
                       "before:\n"));
    buf_str(&text, buf_text(&u->why));
    answer(u, &u->asker, buf_text(&text));
}

static void
on_limit(struct timer *timer)
{
    struct upgrade *u = container_of(timer, struct upgrade, limit);

    if (u->state == UPGRADE_WAITING) {
        buf_printf(&u->why,
                   "scripts or a configuration were exchanged for %u s\n",
                   u->asker.seconds);
        fail(u);
        return;
    }
    buf_printf(&u->why, "it was not ready within %u s\n", u->asker.seconds);
    kill(u->pid, SIGKILL);
}

/* TEXT: the version, and why it has made a new board, if it has. */
static void
on_ready(struct upgrade *u, struct str text)
{
    const char *newline = memchr(text.p, '\n', text.len);
    size_t at = newline == NULL ? text.len : (size_t)(newline - text.p);
    struct str version = str_slice(text, 0, at);
    struct str why_new =
        newline == NULL ? STR("") : str_slice(text, at + 1, text.len);
    char memory[1024];
    struct buf out;

    timer_stop(&u->limit);
    u->state = UPGRADE_READY;
    u->new_board = why_new.len > 0;
    buf_init(&out, memory, sizeof(memory));
    put_success(&out, u, version, why_new);
    log_info("handing over to pid %ld version=" STR_FMT " board=%s",
             (long)u->pid, STR_ARG(version), why_new.len == 0 ? "kept" : "new");
    answer(u, &u->asker, buf_text(&out));
    u->calls.ready(u->calls.owner, why_new.len > 0);
}

/* Its end is heard of by its parent, who says more then. */
static void
on_link(struct watch *watch)
{
    struct upgrade *u = container_of(watch, struct upgrade, watch);
    struct message m;

    switch (message_receive(&m, watch_fd(watch))) {
    case MESSAGE_NONE:
        return;
    case MESSAGE_CLOSED:
        close_link(u);
        return;
    case MESSAGE_GOT:
        break;
    }
    message_close(&m);
    if (m.kind == MESSAGE_UPGRADE_WHY)
        buf_str(&u->why, m.text);
    else if (m.kind == MESSAGE_UPGRADE_READY && u->state == UPGRADE_STARTING)
        on_ready(u, m.text);
}

/* What it has said last may not have been read yet. */
static void
read_rest(struct upgrade *u)
{
    struct message m;

    while (u->link >= 0 && message_receive(&m, u->link) == MESSAGE_GOT) {
        message_close(&m);
        if (m.kind == MESSAGE_UPGRADE_WHY)
            buf_str(&u->why, m.text);
    }
}

void
upgrade_reaped(struct upgrade *u, pid_t pid, int status)
{
    if (pid != u->pid || u->state == UPGRADE_OVER)
        return;
    read_rest(u);
    if (WIFSIGNALED(status))
        buf_printf(&u->why, "%s (pid %ld) was killed by signal %d\n",
                   launch_path(), (long)pid, WTERMSIG(status));
    else
        buf_printf(&u->why, "%s (pid %ld) has ended with status %d\n",
                   launch_path(), (long)pid, WEXITSTATUS(status));
    u->pid = 0;
    if (u->state == UPGRADE_STARTING)
        fail(u);
}

/* --- the beginning of it -------------------------------------------------- */

static _Noreturn void
become(struct upgrade *u, int link)
{
    char text[512];
    struct message m = {.kind = MESSAGE_UPGRADE_WHY, .fd = -1};

    log_set_sink(NULL, NULL);
    child_reset_signals(SIG_DFL);
    handover_exec(u->resources, link);
    (void)snprintf(text, sizeof(text), "cannot start %s: %s\n", launch_path(),
                   strerror(errno));
    m.text = str_from(text);
    (void)message_send(link, &m);
    _exit(EXIT_NO_PROGRAM);
}

static int
start(struct upgrade *u)
{
    int pair[2];

    if (message_open(pair) < 0)
        return -1;
    if (watch_start(&u->watch, u->loop, pair[0], on_link) < 0)
        goto close_both;
    u->link = pair[0];
    fflush(NULL);
    u->pid = fork();
    if (u->pid == 0)
        become(u, pair[1]);
    close(pair[1]);
    if (u->pid > 0)
        return 0;
    u->pid = 0;
    close_link(u);
    return -1;

close_both:
    close(pair[0]);
    close(pair[1]);
    return -1;
}

/* Marks that are left are of one that has failed just now. */
static void
begin(struct upgrade *u)
{
    u->resources->upgrading = true;
    if ((!row_marks_is_taken(&u->marks) &&
         row_marks_take(&u->marks, u->resources->board) < 0) ||
        start(u) < 0) {
        buf_printf(&u->why, "%s\n", strerror(errno));
        fail(u);
        return;
    }
    u->state = UPGRADE_STARTING;
    log_info("upgrading: started %s as pid %ld", launch_path(), (long)u->pid);
    event_note(u->resources->board, EVENT_UPGRADE,
               "an upgrade of version %s has begun, with pid %ld",
               MOONGATE_VERSION, (long)u->pid);
}

void
upgrade_look(struct upgrade *u)
{
    if (u->state == UPGRADE_WAITING && !u->calls.is_busy(u->calls.owner))
        begin(u);
}

void
upgrade_start(struct upgrade *u, const struct upgrade_asker *asker)
{
    if (u->state != UPGRADE_IDLE) {
        refuse(u, asker,
               u->state == UPGRADE_OVER ? "another program serves already"
                                        : "another upgrade is under way");
        return;
    }
    /* Of process 1 nobody is left when it has ended. */
    if (getpid() == 1) {
        refuse(u, asker,
               "process 1 takes its container along when it ends: start a "
               "container of the new image");
        return;
    }
    u->state = UPGRADE_WAITING;
    u->asker = *asker;
    buf_init(&u->why, u->why_text, sizeof(u->why_text));
    loop_start_timer(u->loop, &u->limit, (uint64_t)asker->seconds * 1000);
    upgrade_look(u);
}

void
upgrade_start_for(struct upgrade *u, struct upgrade_asker *asker,
                  struct str arguments)
{
    char why[VALUE_WHY_MAX] = "the time is from 1s to 110s";
    uint64_t ms = (uint64_t)UPGRADE_SECONDS * 1000;

    if ((arguments.len > 0 &&
         value_duration(&ms, arguments, why, sizeof(why)) < 0) ||
        ms < 1000 || ms > (uint64_t)UPGRADE_SECONDS_MAX * 1000) {
        refuse(u, asker, why);
        return;
    }
    asker->seconds = (unsigned)(ms / 1000);
    upgrade_start(u, asker);
}

int
upgrade_begin(struct upgrade *u)
{
    const struct message m = {.kind = MESSAGE_UPGRADE_BEGIN, .fd = -1};

    if (u->pid != 0 && u->link >= 0 && message_send(u->link, &m) == 0) {
        u->state = UPGRADE_OVER;
        read_rest(u); /* a socket that is closed unread resets its peer */
        close_link(u);
        return 0;
    }
    u->asker.waits = false; /* it has its answer */
    if (u->pid != 0)
        kill(u->pid, SIGKILL);
    fail(u);
    return -1;
}

void
upgrade_abandon(struct upgrade *u)
{
    if (u->state != UPGRADE_READY || u->pid == 0)
        return;
    log_warn("the upgrade to pid %ld is given up: the program is stopping",
             (long)u->pid);
    kill(u->pid, SIGKILL);
}

/* --- the whole ------------------------------------------------------------ */

void
upgrade_init(struct upgrade *u, struct loop *loop, struct resources *resources,
             const struct upgrade_calls *calls)
{
    *u = (struct upgrade){
        .calls = *calls,
        .resources = resources,
        .loop = loop,
        .link = -1,
    };
    timer_init(&u->limit, on_limit);
}

void
upgrade_fini(struct upgrade *u)
{
    if (u->resources == NULL)
        return;
    close_link(u);
    row_marks_fini(&u->marks);
}

void
upgrade_cancel(struct upgrade *u)
{
    if (u->state != UPGRADE_WAITING && u->state != UPGRADE_STARTING)
        return;
    buf_str(&u->why, STR("the program is stopping\n"));
    if (u->state == UPGRADE_WAITING)
        fail(u);
    else if (u->pid != 0)
        kill(u->pid, SIGKILL);
}

void
upgrade_tidy(struct upgrade *u)
{
    if (u->state > UPGRADE_WAITING)
        return;
    row_marks_restore(&u->marks, u->resources->board);
    u->resources->upgrading = false;
}
