/* SPDX-License-Identifier: MIT */
/*
 * A question is a letter and a text, "f/etc/moongate/moongate.ini", and its
 * answer a number of errno and bytes: a text, a number and a text of the record
 * (base/texts.h).
 */
#include "config/sources.h"

#include <errno.h>
#include <glob.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "base/texts.h"

enum {
    ARENA_FIRST = 4096,
};

struct answer {
    struct str question;
    int error; /* 0: BYTES are good */
    struct str bytes;
};

void
sources_init(struct sources *s)
{
    *s = (struct sources){.recorded = false};
    arena_init(&s->arena, ARENA_FIRST);
    map_init(&s->by_question);
}

void
sources_fini(struct sources *s)
{
    map_fini(&s->by_question);
    arena_fini(&s->arena);
}

static struct str
question(struct sources *s, char kind, const char *text)
{
    return memory_printf(&s->arena, "%c%s", kind, text);
}

/* Notes the answer, whose texts are the arena's. */
static const struct answer *
note(struct sources *s, struct str asked, int error, struct str bytes)
{
    struct answer *a = memory_alloc(&s->arena, sizeof(*a));
    struct answer **place = vec_add(&s->answers, &s->arena, sizeof(*place));

    *a = (struct answer){.question = asked, .error = error, .bytes = bytes};
    *place = a;
    (void)seen_add(&s->by_question, a->question, a);
    return a;
}

static const struct answer *
find(const struct sources *s, struct str asked)
{
    return map_get(&s->by_question, asked);
}

/* --- the disk ------------------------------------------------------------- */

/* 0, or an errno. */
static int
read_all(struct buf *out, const char *path)
{
    FILE *file = fopen(path, "re");
    int error = 0;
    size_t n;

    if (file == NULL)
        return errno;
    do {
        char *to = buf_reserve(out, BUFSIZ);

        errno = 0;
        n = to == NULL ? 0 : fread(to, 1, BUFSIZ, file);
        out->len += n;
    } while (n > 0);
    if (ferror(file))
        error = errno;
    else if (out->failed)
        error = EFBIG;
    fclose(file);
    return error;
}

static const struct answer *
ask_file(struct sources *s, struct str asked, const char *path)
{
    const struct answer *a;
    struct buf text;
    int error;

    buf_init_growing(&text, SOURCES_FILE_MAX + BUFSIZ);
    error = read_all(&text, path);
    if (error == 0 && text.len > SOURCES_FILE_MAX)
        error = EFBIG;
    a = note(s, asked, error,
             error == 0 ? memory_str(&s->arena, buf_text(&text)) : STR(""));
    if (text.p != NULL)
        explicit_bzero(text.p, text.len); /* it may be a key */
    buf_fini(&text);
    return a;
}

static bool
is_same_file(const char *a, const char *b)
{
    struct stat x;
    struct stat y;

    return stat(a, &x) == 0 && stat(b, &y) == 0 && x.st_dev == y.st_dev &&
           x.st_ino == y.st_ino;
}

static const struct answer *
ask_matches(struct sources *s, struct str asked, const char *pattern,
            const char *than)
{
    const struct answer *a;
    struct buf paths;
    glob_t found;

    if (glob(pattern, 0, NULL, &found) != 0)
        return note(s, asked, ENOENT, STR(""));
    buf_init_growing(&paths, SOURCES_FILE_MAX);
    for (size_t i = 0; i < found.gl_pathc; i++) {
        if (!is_same_file(found.gl_pathv[i], than))
            buf_str(&paths, str_from(found.gl_pathv[i]));
        buf_char(&paths, '\0');
    }
    globfree(&found);
    a = note(s, asked, paths.failed ? EFBIG : 0,
             memory_str(&s->arena, buf_text(&paths)));
    buf_fini(&paths);
    return a;
}

/* --- questions ------------------------------------------------------------ */

int
sources_file(struct sources *s, struct str *out, const char *path, size_t max)
{
    struct str asked = question(s, 'f', path);
    const struct answer *a = find(s, asked);

    if (a == NULL && !s->recorded)
        a = ask_file(s, asked, path);
    errno = a == NULL ? ENOENT : a->error;
    if (errno == 0 && a->bytes.len > max)
        errno = EFBIG;
    if (errno != 0)
        return -1;
    *out = a->bytes;
    return 0;
}

struct str
sources_folder(struct sources *s, const char *path)
{
    struct str asked = question(s, 'd', path);
    const struct answer *a = find(s, asked);
    char *real;

    if (a == NULL && !s->recorded) {
        real = realpath(path, NULL);
        a = note(
            s, asked, 0,
            memory_str(&s->arena, real == NULL ? STR("/") : str_from(real)));
        free(real);
    }
    return a == NULL ? STR("/") : a->bytes;
}

int
sources_matches(struct sources *s, struct str *out, const char *pattern,
                const char *than)
{
    struct str asked = question(s, 'm', pattern);
    const struct answer *a = find(s, asked);

    if (a == NULL && !s->recorded)
        a = ask_matches(s, asked, pattern, than);
    if (a == NULL || a->error != 0)
        return -1;
    *out = a->bytes;
    return 0;
}

/* --- records -------------------------------------------------------------- */

void
sources_write(const struct sources *s, struct buf *out)
{
    struct answer *const *answers = s->answers.items;

    for (size_t i = 0; i < s->answers.count; i++) {
        texts_put(out, answers[i]->question);
        texts_put_number(out, (uint32_t)answers[i]->error);
        texts_put(out, answers[i]->bytes);
    }
}

static int
take_answer(struct sources *s, struct str *rest)
{
    struct str asked;
    struct str bytes;
    uint32_t error;

    if (texts_take(&asked, rest) < 0 || texts_take_number(&error, rest) < 0 ||
        texts_take(&bytes, rest) < 0)
        return -1;
    (void)note(s, memory_str(&s->arena, asked), (int)error,
               memory_str(&s->arena, bytes));
    return 0;
}

int
sources_read(struct sources *s, struct str bytes)
{
    sources_init(s);
    s->recorded = true;
    while (bytes.len > 0) {
        if (take_answer(s, &bytes) < 0) {
            sources_fini(s);
            sources_init(s);
            s->recorded = true;
            return -1;
        }
    }
    return 0;
}
