/* SPDX-License-Identifier: MIT */
#include "board/page_view.h"

#include <stddef.h>

/* "q=0.8" as 800; without it 1000 (RFC 9110, 12.4.2). */
static unsigned
read_quality(struct str parameters)
{
    struct str q = str_trim(parameters);
    unsigned quality = 0, unit = 1000;

    if (!str_starts_with(q, STR("q=")))
        return 1000;
    for (size_t i = 2; i < q.len && unit > 0; i++) {
        if (q.p[i] == '.')
            continue;
        if (q.p[i] < '0' || q.p[i] > '9')
            break;
        quality += (unsigned)(q.p[i] - '0') * unit;
        unit /= 10;
    }
    return quality < 1000 ? quality : 1000;
}

/* "zh" and "zh-CN", not "zhx". */
static bool
is_language(struct str range, struct str wanted)
{
    return str_equal_nocase(str_slice(range, 0, wanted.len), wanted) &&
           (range.len == wanted.len || range.p[wanted.len] == '-');
}

/* How much a client wants a language at most; what it does not name, it does
 * not want. */
struct wishes {
    unsigned english;
    unsigned chinese;
};

static void
take_range(struct wishes *w, struct str item)
{
    ptrdiff_t semicolon = str_find_char(item, ';', 0);
    size_t end = semicolon < 0 ? item.len : (size_t)semicolon;
    struct str range = str_trim(str_slice(item, 0, end));
    unsigned quality = read_quality(
        semicolon < 0 ? STR("") : str_slice(item, end + 1, item.len));

    if (is_language(range, STR("zh")) && quality > w->chinese)
        w->chinese = quality;
    else if ((is_language(range, STR("en")) || str_equal(range, STR("*"))) &&
             quality > w->english)
        w->english = quality;
}

/* Of two that are wanted alike, the one that comes first. */
enum page_language
page_language_choose(struct str accept)
{
    struct wishes w = {0};
    bool chinese = false;

    for (size_t from = 0; from < accept.len;) {
        ptrdiff_t comma = str_find_char(accept, ',', from);
        size_t end = comma < 0 ? accept.len : (size_t)comma;

        take_range(&w, str_slice(accept, from, end));
        if (w.english == 0)
            chinese = w.chinese > 0;
        from = end + 1;
    }
    if (w.chinese != w.english)
        chinese = w.chinese > w.english;
    return chinese ? PAGE_CHINESE : PAGE_ENGLISH;
}
