/* SPDX-License-Identifier: MIT */
#include "codec/mysql_kill.h"

#include <string.h>

#include "base/wire.h"

enum {
    COMMAND_LEN = 5, /* bytes of COM_PROCESS_KILL */
    WORD_MAX = 10,   /* CONNECTION */
    ID_MAX = 10,     /* digits */
};

/* What is left of a statement. */
struct reader {
    const char *p;
    const char *end;
};

static bool
is_blank(char c)
{
    return c == ' ' || (c >= '\t' && c <= '\r');
}

static bool
is_digit(char c)
{
    return c >= '0' && c <= '9';
}

static bool
is_letter(char c)
{
    return (c >= 'A' && c <= 'Z') || (c >= 'a' && c <= 'z') || is_digit(c) ||
           c == '_' || c == '$' || (uint8_t)c >= 0x80;
}

/* --- the first look ------------------------------------------------------- */

static bool
may_begin(uint8_t c)
{
    return c == 'K' || c == 'k' || is_blank((char)c) || c == '/' || c == '-' ||
           c == '#';
}

int
mysql_may_be_kill(const uint8_t *p, size_t n, size_t len, size_t text_at)
{
    if (n == 0)
        return len == 0 ? 0 : -1;
    if (p[0] == MYSQL_COM_KILL)
        return len == COMMAND_LEN;
    if (p[0] != MYSQL_COM_QUERY || len <= text_at || len > MYSQL_KILL_MAX)
        return 0;
    if (n <= text_at)
        return -1;
    return may_begin(p[text_at]);
}

/* --- reading -------------------------------------------------------------- */

/* Skips a comment up to END, "" or what ends it. */
static bool
skip_comment(struct reader *r, const char *end)
{
    size_t len = strlen(end);

    while (r->p < r->end) {
        if ((size_t)(r->end - r->p) >= len && memcmp(r->p, end, len) == 0) {
            r->p += len;
            return true;
        }
        r->p++;
    }
    return false;
}

static bool
starts_with(const struct reader *r, const char *text)
{
    size_t len = strlen(text);

    return (size_t)(r->end - r->p) >= len && memcmp(r->p, text, len) == 0;
}

/* Skips blanks and comments. false: what follows is none of these, and nothing
 * that is understood: a comment that is a statement, or one without an end. */
static bool
skip_blanks(struct reader *r)
{
    for (;;) {
        while (r->p < r->end && is_blank(*r->p))
            r->p++;
        if (starts_with(r, "/*!") || starts_with(r, "/*M!"))
            return false;
        if (starts_with(r, "/*")) {
            r->p += 2;
            if (!skip_comment(r, "*/"))
                return false;
        } else if (starts_with(r, "#") || starts_with(r, "-- ")) {
            (void)!skip_comment(r, "\n");
        } else {
            return true;
        }
    }
}

/* The next word, in capitals; "" where there is none. false: it is longer than
 * any that is known. */
static bool
take_word(struct reader *r, char word[WORD_MAX + 1])
{
    size_t len = 0;

    if (!skip_blanks(r))
        return false;
    while (r->p < r->end && is_letter(*r->p)) {
        char c = *r->p++;

        if (len == WORD_MAX)
            return false;
        word[len++] = c >= 'a' && c <= 'z' ? (char)(c - 'a' + 'A') : c;
    }
    word[len] = '\0';
    return true;
}

/* Takes the word if it is one of these two. */
static void
take_either(struct reader *r, const char *one, const char *other)
{
    struct reader before = *r;
    char word[WORD_MAX + 1];

    if (!take_word(r, word) ||
        (strcmp(word, one) != 0 && strcmp(word, other) != 0))
        *r = before;
}

static bool
take_id(struct reader *r, uint32_t *out)
{
    uint64_t id = 0;
    size_t digits = 0;

    while (r->p < r->end && is_digit(*r->p) && digits < ID_MAX) {
        id = id * 10 + (uint64_t)(*r->p++ - '0');
        digits++;
    }
    *out = (uint32_t)id;
    return digits > 0 && id <= UINT32_MAX &&
           (r->p == r->end || !is_letter(*r->p));
}

/* Nothing is left but blanks and a semicolon. */
static bool
is_over(struct reader *r)
{
    if (!skip_blanks(r))
        return false;
    if (r->p < r->end && *r->p == ';')
        r->p++;
    return skip_blanks(r) && r->p == r->end;
}

static bool
read_text(struct mysql_kill *out, const char *p, size_t n)
{
    struct reader r = {.p = p, .end = p + n};
    char word[WORD_MAX + 1];
    const char *number;

    if (!take_word(&r, word) || strcmp(word, "KILL") != 0)
        return false;
    take_either(&r, "HARD", "SOFT");
    take_either(&r, "CONNECTION", "QUERY");
    if (!skip_blanks(&r))
        return false;
    number = r.p;
    if (!take_id(&r, &out->id))
        return false;
    out->is_text = true;
    out->before = str_make(p, (size_t)(number - p));
    out->after = str_make(r.p, (size_t)(r.end - r.p));
    return is_over(&r);
}

ssize_t
mysql_read_kill(struct mysql_kill *out, const uint8_t *p, size_t n,
                size_t text_at)
{
    const char *text = (const char *)p;
    struct mysql_kill kill = {.is_text = false};

    if (mysql_may_be_kill(p, n, n, text_at) != 1)
        return MYSQL_E_KIND;
    if (p[0] == MYSQL_COM_KILL) {
        kill.id = wire_get_u32le(p + 1);
        *out = kill;
        return (ssize_t)n;
    }
    /* No attributes, in one set of them. */
    if (text_at > 1 && (p[1] != 0 || p[2] != 1))
        return MYSQL_E_KIND;
    if (!read_text(&kill, text + text_at, n - text_at))
        return MYSQL_E_KIND;
    kill.before = str_make(text + 1, kill.before.len + text_at - 1);
    *out = kill;
    return (ssize_t)n;
}

/* --- writing -------------------------------------------------------------- */

void
mysql_write_kill(struct buf *to, const struct mysql_kill *kill, uint32_t id)
{
    size_t at = mysql_open_packet(to);

    if (kill->is_text) {
        mysql_write_u8(to, MYSQL_COM_QUERY);
        buf_str(to, kill->before);
        buf_uint(to, id);
        buf_str(to, kill->after);
    } else {
        mysql_write_u8(to, MYSQL_COM_KILL);
        mysql_write_u32(to, id);
    }
    mysql_close_packet(to, at, 0);
}

/* Quotes are doubled; what an escape begins with, and what is not ASCII, are
 * told in no other way: the text is then the same in every SQL mode and
 * character set. */
static void
write_quoted(struct buf *to, struct str words)
{
    if (words.len > MYSQL_SIGNAL_MAX)
        words.len = MYSQL_SIGNAL_MAX;
    buf_char(to, '\'');
    for (size_t i = 0; i < words.len; i++) {
        char c = words.p[i];

        if (c == '\'')
            buf_char(to, '\'');
        buf_char(to, c < ' ' || c == '\\' || (uint8_t)c >= 0x7f ? '?' : c);
    }
    buf_char(to, '\'');
}

void
mysql_write_signal(struct buf *to, uint16_t number, struct str words,
                   size_t text_at)
{
    size_t at = mysql_open_packet(to);

    mysql_write_u8(to, MYSQL_COM_QUERY);
    if (text_at > 1) {
        mysql_write_u8(to, 0);
        mysql_write_u8(to, 1);
    }
    buf_str(to, STR("SIGNAL SQLSTATE 'HY000' SET MYSQL_ERRNO = "));
    buf_uint(to, number);
    buf_str(to, STR(", MESSAGE_TEXT = "));
    write_quoted(to, words);
    mysql_close_packet(to, at, 0);
}
