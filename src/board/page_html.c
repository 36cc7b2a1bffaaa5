/* SPDX-License-Identifier: MIT */
#include "board/page_html.h"

#include <inttypes.h>
#include <stdio.h>
#include <time.h>

#include "base/utf8.h"

/* What stands for C in HTML; NULL: itself. */
static const char *
escape_of(char c)
{
    switch (c) {
    case '&':
        return "&amp;";
    case '<':
        return "&lt;";
    case '>':
        return "&gt;";
    case '"':
        return "&quot;";
    case '\'':
        return "&#39;";
    default:
        return NULL;
    }
}

static bool
is_plain(unsigned char c)
{
    return (c >= ' ' && c < 0x7f) || c == '\n' || c == '\t';
}

void
html_text(struct buf *out, struct str text)
{
    for (size_t i = 0; i < text.len;) {
        unsigned char c = (unsigned char)text.p[i];
        const char *escape = escape_of((char)c);
        size_t n = 1;

        if (c >= 0x80)
            n = utf8_len((const uint8_t *)text.p + i, text.len - i);
        if (escape != NULL)
            buf_str(out, str_from(escape));
        else if (n == 0 || (c < 0x80 && !is_plain(c)))
            buf_char(out, '?');
        else
            buf_add(out, text.p + i, n);
        i += n == 0 ? 1 : n;
    }
}

/* RFC 3986, 2.3; a slash may stand in a query. */
static bool
is_unreserved(char c)
{
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') ||
           (c >= '0' && c <= '9') || c == '-' || c == '.' || c == '_' ||
           c == '~' || c == '/';
}

void
html_query(struct buf *out, struct str text)
{
    for (size_t i = 0; i < text.len; i++) {
        if (is_unreserved(text.p[i]))
            buf_char(out, text.p[i]);
        else
            buf_printf(out, "%%%02X", (unsigned char)text.p[i]);
    }
}

void
html_word(struct page *p, enum page_word word)
{
    buf_str(p->out, page_word(p->view->language, word));
}

void
html_cell(struct page *p, uint64_t n)
{
    HTML(p, "<td class=n>");
    buf_uint(p->out, n);
}

static void
put_bytes(struct buf *out, uint64_t n)
{
    static const char units[] = "kMGTPE";
    double value = (double)n / 1000;
    size_t unit = 0;

    if (n < 10000) {
        buf_uint(out, n);
        return;
    }
    for (; value >= 999.95 && unit < sizeof(units) - 2; unit++)
        value /= 1000;
    buf_printf(out, "%.1f%c", value, units[unit]);
}

void
html_cell_bytes(struct page *p, uint64_t n)
{
    HTML(p, "<td class=n>");
    put_bytes(p->out, n);
}

void
html_cell_limit(struct page *p, uint64_t n)
{
    if (n == 0)
        html_cell_none(p);
    else
        html_cell(p, n);
}

void
html_cell_tenths(struct page *p, double n)
{
    buf_printf(p->out, "<td class=n>%.1f", n);
}

void
html_cell_none(struct page *p)
{
    HTML(p, "<td class=n>-");
}

struct unit {
    char letter;
    uint64_t seconds;
};

void
html_duration(struct page *p, uint64_t seconds)
{
    static const struct unit units[] = {
        {'d', 86400}, {'h', 3600}, {'m', 60}, {'s', 1}};
    size_t i = 0;

    while (i < 3 && seconds < units[i].seconds)
        i++;
    buf_printf(p->out, "%" PRIu64 "%c", seconds / units[i].seconds,
               units[i].letter);
    seconds %= units[i].seconds;
    if (i < 3 && seconds >= units[i + 1].seconds)
        buf_printf(p->out, " %" PRIu64 "%c", seconds / units[i + 1].seconds,
                   units[i + 1].letter);
}

void
html_cell_time(struct page *p, uint64_t ns)
{
    static const char *const units[] = {"µs", "ms", "s"};
    double n = (double)ns / 1000;
    size_t unit = 0;

    HTML(p, "<td class=n>");
    if (ns == 0) {
        HTML(p, "-");
    } else if (ns < 1000) {
        buf_printf(p->out, "%" PRIu64 "ns", ns);
    } else {
        for (; n >= 999.95 && unit < 2; unit++)
            n /= 1000;
        buf_printf(p->out, "%.1f%s", n, units[unit]);
    }
}

void
html_moment(struct page *p, uint64_t wall_ms)
{
    time_t seconds = (time_t)(wall_ms / 1000);
    struct tm utc, local;
    char machine[32], people[32];

    if (gmtime_r(&seconds, &utc) == NULL ||
        localtime_r(&seconds, &local) == NULL)
        return;
    (void)strftime(machine, sizeof(machine), "%Y-%m-%dT%H:%M:%SZ", &utc);
    (void)strftime(people, sizeof(people), "%Y-%m-%d %H:%M:%S", &local);
    buf_printf(p->out, "<time datetime=%s>%s</time>", machine, people);
}

/* --- tables --------------------------------------------------------------- */

void
html_table(struct page *p, const char *id, unsigned number,
           enum page_word caption, struct str text)
{
    buf_printf(p->out,
               "<div class=t id=%s%u role=region tabindex=0 "
               "aria-labelledby=c%s%u><table><caption id=c%s%u%s>",
               id, number, id, number, id, number,
               text.len > 0 ? "" : " class=v");
    html_word(p, caption);
    if (text.len > 0) {
        HTML(p, " ");
        html_text(p->out, text);
    }
    HTML(p, "</caption>");
}

void
html_table_end(struct page *p)
{
    HTML(p, "</table></div>\n");
}

void
html_head_group(struct page *p, enum page_word word, unsigned count)
{
    buf_printf(p->out, "<th scope=colgroup class=g colspan=%u>", count);
    html_word(p, word);
}

void
html_head(struct page *p, enum page_word word)
{
    HTML(p, "<th scope=col class=n>");
    html_word(p, word);
}

void
html_head_whole(struct page *p, enum page_word word, bool numeric)
{
    HTML(p, "<th scope=col rowspan=2");
    if (numeric)
        HTML(p, " class=n");
    HTML(p, ">");
    html_word(p, word);
}

/* --- forms ---------------------------------------------------------------- */

void
html_form(struct page *p, struct str target)
{
    HTML(p, "<form method=post action=\"");
    html_text(p->out, p->view->uri);
    HTML(p, "\"><input type=hidden name=token value=\"");
    html_text(p->out, p->view->token);
    HTML(p, "\"><input type=hidden name=target value=\"");
    html_text(p->out, target);
    HTML(p, "\">");
}

void
html_button(struct page *p, char id, unsigned number, const char *action,
            enum page_word word)
{
    buf_printf(p->out, "<button id=%c%u name=action value=%s>", id, number,
               action);
    html_word(p, word);
    HTML(p, "</button>");
}
