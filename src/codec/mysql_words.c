/* SPDX-License-Identifier: MIT */
#include "codec/mysql_words.h"

#include <ctype.h>
#include <string.h>

#include "base/str.h"

enum {
    BEGIN_MAX = 8, /* bytes behind BEGIN: " WORK" and ";", no block */
};

/* First words that leave nothing behind in the connection, unless their text
 * does. */
static const char *const harmless[] = {
    "ALTER",     "ANALYZE", "BEGIN",  "CHECK",    "CHECKSUM", "COMMIT",
    "CREATE",    "DELETE",  "DESC",   "DESCRIBE", "DO",       "DROP",
    "EXPLAIN",   "GRANT",   "HELP",   "INSERT",   "KILL",     "OPTIMIZE",
    "RELEASE",   "RENAME",  "REPAIR", "REPLACE",  "REVOKE",   "ROLLBACK",
    "SAVEPOINT", "SELECT",  "SHOW",   "SIGNAL",   "START",    "TABLE",
    "TRUNCATE",  "UNLOCK",  "UPDATE", "VALUES",   "WITH",
};

/* Behind a ';', which may be one of a text, only these bind. */
static const char *const binding[] = {
    "BEGIN", "CALL",    "EXECUTE", "FLUSH", "HANDLER",
    "LOCK",  "PREPARE", "SET",     "USE",   "XA",
};

static bool
is_one_of(struct str word, const char *const *list, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        if (str_equal_nocase(word, str_from(list[i])))
            return true;
    }
    return false;
}

void
mysql_words_begin(struct mysql_words *words, bool several)
{
    bool bound = words->bound;

    memset(words, 0, sizeof(*words));
    words->bound = bound;
    words->several = several;
    words->state = MYSQL_WORDS_BLANK;
}

/* --- the first word ------------------------------------------------------- */

static void
on_word(struct mysql_words *words)
{
    struct str word = str_make(words->word, words->word_len);

    words->state = MYSQL_WORDS_BODY;
    if (word.len == 0)
        return;
    if (words->later
            ? is_one_of(word, binding, sizeof(binding) / sizeof(*binding))
            : !is_one_of(word, harmless, sizeof(harmless) / sizeof(*harmless)))
        words->bound = true;
    if (str_equal_nocase(word, STR("USE")))
        words->uses = true;
    if (str_equal_nocase(word, STR("CREATE")))
        words->creating = true;
    if (!words->later && str_equal_nocase(word, STR("BEGIN")))
        words->begins = true;
}

/* No statement begins so; behind a ';' it is the text of a quote. */
static void
on_strange(struct mysql_words *words)
{
    words->state = MYSQL_WORDS_BODY;
    if (!words->later)
        words->bound = true;
}

/* Before the first word: blanks, brackets, comments, and the version in one
 * that servers execute. */
static void
on_blank(struct mysql_words *words, uint8_t c)
{
    words->word_len = 0;
    if (c == '/')
        words->state = MYSQL_WORDS_SLASH;
    else if (c == '#' || c == '-')
        words->state = MYSQL_WORDS_LINE;
    else if (isalpha(c))
        words->state = MYSQL_WORDS_WORD;
    else if (!isspace(c) && !isdigit(c) && c != '(' && c != ';')
        on_strange(words);
    if (words->state == MYSQL_WORDS_WORD)
        words->word[words->word_len++] = (char)c;
}

/* A comment begins. What servers execute, behind a '!', or MariaDB's "M!", is a
 * statement. */
static void
on_opened(struct mysql_words *words, uint8_t c)
{
    if (c == 'M')
        return;
    words->state = c == '*' ? MYSQL_WORDS_STAR : MYSQL_WORDS_INSIDE;
    if (c == '!') {
        words->bound = true;
        words->state = MYSQL_WORDS_BLANK;
    }
}

/* false: the byte is behind the word, and the body's. */
static bool
on_letter(struct mysql_words *words, uint8_t c)
{
    if (!isalnum(c) && c != '_') {
        on_word(words);
        return false;
    }
    if (words->word_len < MYSQL_WORD_MAX)
        words->word[words->word_len++] = (char)c;
    return true;
}

/* Takes a byte, outside of a body; false: it comes again. */
static bool
step(struct mysql_words *words, uint8_t c)
{
    switch (words->state) {
    case MYSQL_WORDS_BLANK:
        on_blank(words, c);
        break;
    case MYSQL_WORDS_SLASH:
        words->state = c == '*' ? MYSQL_WORDS_OPENED : MYSQL_WORDS_BODY;
        break;
    case MYSQL_WORDS_OPENED:
        on_opened(words, c);
        break;
    case MYSQL_WORDS_INSIDE:
        if (c == '*')
            words->state = MYSQL_WORDS_STAR;
        break;
    case MYSQL_WORDS_STAR:
        if (c != '*')
            words->state = c == '/' ? MYSQL_WORDS_BLANK : MYSQL_WORDS_INSIDE;
        break;
    case MYSQL_WORDS_LINE:
        if (c == '\n')
            words->state = MYSQL_WORDS_BLANK;
        break;
    case MYSQL_WORDS_WORD:
        return on_letter(words, c);
    case MYSQL_WORDS_BODY:
        break;
    }
    return true;
}

/* --- the rest ------------------------------------------------------------- */

/* Is WORD around the place AT of S, its byte OFFSET there? */
static bool
is_around(struct str s, size_t at, struct str word, size_t offset)
{
    return at >= offset &&
           str_equal_nocase(str_slice(s, at - offset, at - offset + word.len),
                            word);
}

/* Does INTO stand before the '@' at AT, or what may hide it: a comment, or more
 * blanks than are kept of the piece before? */
static bool
is_target(struct str s, size_t at)
{
    size_t blanks = 0;

    while (at > 0 && isspace((unsigned char)s.p[at - 1])) {
        at--;
        blanks++;
    }
    if (blanks >= MYSQL_WORDS_TAIL - sizeof("INTO"))
        return true;
    if (at == 0)
        return false;
    if (s.p[at - 1] == '/')
        return true;
    return is_around(s, at - 1, STR("INTO"), sizeof("INTO") - 2);
}

/* Does WORD stand in S, which has C, in either case, at its byte OFFSET? */
static bool
holds(struct str s, struct str word, char c, size_t offset)
{
    ptrdiff_t at = -1;

    while ((at = str_find_char(s, c, (size_t)(at + 1))) >= 0) {
        if (is_around(s, (size_t)at, word, offset))
            return true;
    }
    return false;
}

static bool
holds_target(struct str s)
{
    ptrdiff_t at = -1;

    while ((at = str_find_char(s, '@', (size_t)(at + 1))) >= 0) {
        if (is_target(s, (size_t)at))
            return true;
    }
    return false;
}

/* Looks through bytes that lie together. */
static void
search(struct mysql_words *words, struct str s)
{
    if (holds(s, STR("GET_LOCK"), '_', sizeof("GET") - 1) ||
        holds(s, STR(":="), ':', 0) || holds_target(s) ||
        (words->creating && (holds(s, STR("TEMPORARY"), 't', 0) ||
                             holds(s, STR("TEMPORARY"), 'T', 0))))
        words->bound = true;
}

/* Where two pieces meet. */
static void
search_seam(struct mysql_words *words, struct str s)
{
    char seam[2 * MYSQL_WORDS_TAIL];
    size_t n = s.len < MYSQL_WORDS_TAIL ? s.len : MYSQL_WORDS_TAIL;

    if (words->tail_len > 0 && n > 0) {
        memcpy(seam, words->tail, words->tail_len);
        memcpy(seam + words->tail_len, s.p, n);
        search(words, str_make(seam, words->tail_len + n));
    }
}

/* Keeps the last bytes for the next piece. */
static void
keep_tail(struct mysql_words *words, struct str s)
{
    size_t old = words->tail_len;

    if (s.len >= MYSQL_WORDS_TAIL) {
        words->tail_len = MYSQL_WORDS_TAIL;
        memcpy(words->tail, s.p + (s.len - MYSQL_WORDS_TAIL), MYSQL_WORDS_TAIL);
        return;
    }
    if (old + s.len > MYSQL_WORDS_TAIL) {
        size_t gone = old + s.len - MYSQL_WORDS_TAIL;

        memmove(words->tail, words->tail + gone, old - gone);
        old -= gone;
    }
    memcpy(words->tail + old, s.p, s.len);
    words->tail_len = (uint8_t)(old + s.len);
}

/* Where the body ends in S: behind a ';' that may be followed by another
 * statement, or with S. */
static size_t
body_len(struct mysql_words *words, struct str s)
{
    ptrdiff_t at = words->several ? str_find_char(s, ';', 0) : -1;

    if (at < 0)
        return s.len;
    words->state = MYSQL_WORDS_BLANK;
    words->later = true;
    return (size_t)at + 1;
}

void
mysql_words_add(struct mysql_words *words, const uint8_t *p, size_t n)
{
    struct str s = str_make((const char *)p, n);
    size_t at = 0;

    while (at < n) {
        if (words->state == MYSQL_WORDS_BODY) {
            size_t len = body_len(words, str_slice(s, at, n));

            words->body_len += len;
            at += len;
        } else if (step(words, p[at])) {
            at++;
        }
    }
    if (words->bound || n == 0)
        return;
    search_seam(words, s);
    search(words, s);
    keep_tail(words, s);
}

void
mysql_words_end(struct mysql_words *words)
{
    if (words->state == MYSQL_WORDS_WORD)
        on_word(words);
    if (words->begins && words->body_len > BEGIN_MAX)
        words->bound = true;
}
