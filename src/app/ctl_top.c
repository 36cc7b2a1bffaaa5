/* SPDX-License-Identifier: MIT */
#include "app/ctl_top.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "app/ctl_link.h"
#include "app/top_page.h"
#include "app/top_terminal.h"
#include "base/clock.h"

enum {
    EVERY_MS = 1000,
    WAIT_SECONDS = 3,   /* for an answer: keys are not looked at meanwhile */
    PAGE_MAX = 1 << 20, /* bytes of a drawn page */
};

struct top {
    struct ctl_link *link;
    struct ctl_link servers; /* a link of its own: both answers are needed */
    struct top_terminal terminal;
    struct top_look look;
    struct top_page page;
    bool has_page;
    struct buf text;
};

/* Both answers; false: there are none, and what is wrong is in the link. */
static bool
ask_both(struct top *top, struct str *info, struct str *servers)
{
    if (ctl_link_ask(info, top->link, STR("show info --json")) != CTL_LINK_OK)
        return false;
    if (ctl_link_ask(servers, &top->servers, STR("show servers --json")) ==
        CTL_LINK_OK)
        return true;
    memcpy(top->link->why, top->servers.why, sizeof(top->link->why));
    return false;
}

/* 0, or the exit status; what is wrong is in the link. */
static int
read_page(struct top *top)
{
    struct top_page page;
    struct str info;
    struct str servers;

    if (!ask_both(top, &info, &servers))
        return CTL_GONE;
    clock_update();
    if (top_page_read(&page, top->has_page ? &top->page : NULL, info, servers,
                      clock_ms()) < 0) {
        (void)snprintf(top->link->why, sizeof(top->link->why), "out of memory");
        return CTL_REFUSED;
    }
    if (top->has_page)
        top_page_fini(&top->page);
    top->page = page;
    top->has_page = true;
    return 0;
}

static void
draw(struct top *top)
{
    top->look.width = top->terminal.width;
    top->look.height = top->terminal.height;
    buf_reset(&top->text);
    top_page_draw(&top->text, &top->page, &top->look);
    top_terminal_draw(&top->terminal, buf_text(&top->text));
}

/* false: it is to end. */
static bool
obey(struct top *top, enum top_event event)
{
    struct top_look *look = &top->look;
    size_t room = top_page_room(look);

    switch (event) {
    case TOP_QUIT:
        return false;
    case TOP_SORT:
        look->order = (enum top_order)((look->order + 1) % TOP_ORDERS);
        look->first = 0;
        break;
    case TOP_UP:
        look->first -= look->first > 0;
        break;
    case TOP_DOWN:
        look->first++;
        break;
    case TOP_PAGE_UP:
        look->first = look->first > room ? look->first - room : 0;
        break;
    case TOP_PAGE_DOWN:
        look->first += room;
        break;
    case TOP_FIRST:
        look->first = 0;
        break;
    case TOP_LAST:
        look->first = top->page.server_count;
        break;
    case TOP_TIME:
    case TOP_REDRAW:
        break;
    }
    return true;
}

/* Keys are obeyed at once, until the next page is due. */
static bool
wait_for_next(struct top *top)
{
    for (;;) {
        uint64_t due_ms = top->page.at_ms + EVERY_MS;
        enum top_event event;
        uint64_t now_ms;

        clock_update();
        now_ms = clock_ms();
        if (now_ms >= due_ms)
            return true;
        event = top_terminal_wait(&top->terminal, (int)(due_ms - now_ms));
        if (!obey(top, event))
            return false;
        if (event != TOP_TIME)
            draw(top);
    }
}

static int
watch(struct top *top)
{
    int status = read_page(top);

    if (status != 0)
        return status;
    if (top_terminal_open(&top->terminal) < 0) {
        (void)snprintf(top->link->why, sizeof(top->link->why),
                       "cannot use the terminal: %s", strerror(errno));
        return CTL_REFUSED;
    }
    top->look.colour = top->terminal.colour;
    do {
        draw(top);
        if (!wait_for_next(top))
            break;
        status = read_page(top);
    } while (status == 0);
    top_terminal_close(&top->terminal);
    return status;
}

static int
print_page(struct top *top)
{
    int status = read_page(top);

    if (status != 0)
        return status;
    top_page_draw(&top->text, &top->page, &top->look);
    fwrite(top->text.p, 1, top->text.len, stdout);
    return fflush(stdout) == 0 ? CTL_DONE : CTL_REFUSED;
}

/* An answer without the newline at its end. */
static void
print_value(struct str value)
{
    if (value.len > 0 && value.p[value.len - 1] == '\n')
        value.len--;
    fwrite(value.p, 1, value.len, stdout);
}

static int
print_json(struct top *top)
{
    struct str info;
    struct str servers;

    if (!ask_both(top, &info, &servers))
        return CTL_GONE;
    fputs("{\"info\":", stdout);
    print_value(info);
    fputs(",\"servers\":", stdout);
    print_value(servers);
    fputs("}\n", stdout);
    return fflush(stdout) == 0 ? CTL_DONE : CTL_REFUSED;
}

int
ctl_top_run(struct ctl_link *link, bool json)
{
    struct top top = {.link = link};
    int status;

    link->seconds = WAIT_SECONDS;
    ctl_link_init(&top.servers, link->path);
    top.servers.seconds = WAIT_SECONDS;
    buf_init_growing(&top.text, PAGE_MAX);
    if (json)
        status = print_json(&top);
    else if (top_terminal_is_there())
        status = watch(&top);
    else
        status = print_page(&top);
    if (status != CTL_DONE)
        fprintf(stderr, "moongate: %s\n",
                link->why[0] != '\0' ? link->why : "there was no answer");
    if (top.has_page)
        top_page_fini(&top.page);
    buf_fini(&top.text);
    ctl_link_fini(&top.servers);
    return status;
}
