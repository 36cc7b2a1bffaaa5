/* SPDX-License-Identifier: MIT */
#include "app/top_terminal.h"

#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/signalfd.h>
#include <unistd.h>

enum {
    WIDTH_MIN = 20, /* what a terminal without a size is taken for, and less */
    WIDTH_OTHER = 80,
    HEIGHT_MIN = 5,
    HEIGHT_OTHER = 24,
};

/* The other screen without a cursor, and back (xterm's, which all know). */
static const char enter[] = "\x1b[?1049h\x1b[?25l\x1b[2J";
static const char leave[] = "\x1b[0m\x1b[?25h\x1b[?1049l";

static const struct {
    const char *bytes;
    enum top_event event;
} keys[] = {
    {"q", TOP_QUIT},
    {"Q", TOP_QUIT},
    {"s", TOP_SORT},
    {"k", TOP_UP},
    {"\x1b[A", TOP_UP},
    {"\x1bOA", TOP_UP},
    {"j", TOP_DOWN},
    {"\x1b[B", TOP_DOWN},
    {"\x1bOB", TOP_DOWN},
    {"b", TOP_PAGE_UP},
    {"\x1b[5~", TOP_PAGE_UP},
    {" ", TOP_PAGE_DOWN},
    {"\x1b[6~", TOP_PAGE_DOWN},
    {"\x1b[H", TOP_FIRST},
    {"\x1b[1~", TOP_FIRST},
    {"\x1bOH", TOP_FIRST},
    {"\x1b[F", TOP_LAST},
    {"\x1b[4~", TOP_LAST},
    {"\x1bOF", TOP_LAST},
};

bool
top_terminal_is_there(void)
{
    return isatty(STDIN_FILENO) == 1 && isatty(STDOUT_FILENO) == 1;
}

static void
write_all(const char *p, size_t n)
{
    while (n > 0) {
        ssize_t done = write(STDOUT_FILENO, p, n);

        if (done < 0 && errno == EINTR)
            continue;
        if (done <= 0)
            return; /* it is gone: the signal for that comes by itself */
        p += done;
        n -= (size_t)done;
    }
}

static void
read_size(struct top_terminal *t)
{
    struct winsize size = {.ws_col = 0};

    (void)ioctl(STDOUT_FILENO, TIOCGWINSZ, &size);
    t->width = size.ws_col >= WIDTH_MIN ? size.ws_col : WIDTH_OTHER;
    t->height = size.ws_row >= HEIGHT_MIN ? size.ws_row : HEIGHT_OTHER;
}

static int
take_screen(const struct top_terminal *t)
{
    struct termios raw = t->before;

    raw.c_lflag &= ~(tcflag_t)(ICANON | ECHO);
    raw.c_cc[VMIN] = 0;
    raw.c_cc[VTIME] = 0;
    if (tcsetattr(STDIN_FILENO, TCSAFLUSH, &raw) < 0)
        return -1;
    write_all(enter, sizeof(enter) - 1);
    return 0;
}

static void
give_screen(const struct top_terminal *t)
{
    write_all(leave, sizeof(leave) - 1);
    (void)tcsetattr(STDIN_FILENO, TCSAFLUSH, &t->before);
}

static void
fill_set(sigset_t *set)
{
    static const int numbers[] = {SIGINT,  SIGTERM, SIGHUP,  SIGQUIT,
                                  SIGTSTP, SIGCONT, SIGWINCH};

    sigemptyset(set);
    for (size_t i = 0; i < sizeof(numbers) / sizeof(*numbers); i++)
        sigaddset(set, numbers[i]);
}

int
top_terminal_open(struct top_terminal *t)
{
    const char *term = getenv("TERM");
    const char *no_colour = getenv("NO_COLOR");
    sigset_t set;

    *t = (struct top_terminal){
        .colour = (no_colour == NULL || no_colour[0] == '\0') &&
                  (term == NULL || strcmp(term, "dumb") != 0),
    };
    fill_set(&set);
    if (tcgetattr(STDIN_FILENO, &t->before) < 0)
        return -1;
    t->signals = signalfd(-1, &set, SFD_NONBLOCK | SFD_CLOEXEC);
    if (t->signals < 0)
        return -1;
    if (sigprocmask(SIG_BLOCK, &set, NULL) < 0 || take_screen(t) < 0) {
        close(t->signals);
        return -1;
    }
    read_size(t);
    return 0;
}

void
top_terminal_close(struct top_terminal *t)
{
    give_screen(t);
    close(t->signals);
}

/* Takes N bytes off what was typed. */
static void
take_bytes(struct top_terminal *t, size_t n)
{
    t->typed_len -= n;
    memmove(t->typed, t->typed + n, t->typed_len);
}

/* The first key of those that were typed; who types ahead is obeyed, too. */
static enum top_event
take_key(struct top_terminal *t)
{
    for (size_t i = 0; i < sizeof(keys) / sizeof(*keys); i++) {
        size_t len = strlen(keys[i].bytes);

        if (len > t->typed_len || memcmp(t->typed, keys[i].bytes, len) != 0)
            continue;
        take_bytes(t, len);
        return keys[i].event;
    }
    /* Of a key that is none of these, what follows is no key either. */
    take_bytes(t, t->typed[0] == '\x1b' ? t->typed_len : 1);
    return TOP_REDRAW;
}

static enum top_event
read_key(struct top_terminal *t)
{
    ssize_t n = read(STDIN_FILENO, t->typed, sizeof(t->typed));

    if (n < 0)
        return errno == EINTR ? TOP_REDRAW : TOP_QUIT;
    t->typed_len = (size_t)n;
    return n == 0 ? TOP_REDRAW : take_key(t);
}

/* Stopped by the user: the shell gets its screen meanwhile. */
static void
pause_here(struct top_terminal *t)
{
    give_screen(t);
    (void)kill(getpid(), SIGSTOP);
    (void)take_screen(t);
    read_size(t);
}

static enum top_event
read_signal(struct top_terminal *t)
{
    struct signalfd_siginfo info;

    if (read(t->signals, &info, sizeof(info)) != sizeof(info))
        return TOP_REDRAW;
    switch (info.ssi_signo) {
    case SIGWINCH:
        read_size(t);
        return TOP_REDRAW;
    case SIGTSTP:
        pause_here(t);
        return TOP_REDRAW;
    case SIGCONT:
        return TOP_REDRAW;
    default:
        return TOP_QUIT;
    }
}

enum top_event
top_terminal_wait(struct top_terminal *t, int ms)
{
    struct pollfd fds[] = {
        {.fd = t->signals, .events = POLLIN},
        {.fd = STDIN_FILENO, .events = POLLIN},
    };
    int n;

    if (t->typed_len > 0)
        return take_key(t);
    n = poll(fds, 2, ms);

    if (n <= 0)
        return n == 0 ? TOP_TIME : TOP_REDRAW;
    if (fds[0].revents != 0)
        return read_signal(t);
    if ((fds[1].revents & POLLIN) == 0)
        return TOP_QUIT; /* the terminal is gone */
    return read_key(t);
}

/* What was there is overwritten, not cleared before: nothing flickers. */
void
top_terminal_draw(const struct top_terminal *t, struct str text)
{
    (void)t;
    write_all("\x1b[H", 3);
    write_all(text.p, text.len);
    write_all("\x1b[J", 3);
}
