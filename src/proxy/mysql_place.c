/* SPDX-License-Identifier: MIT */
#include "proxy/mysql_place.h"

#include <ctype.h>
#include <string.h>

#include "codec/mysql_change.h"
#include "codec/mysql_cursor.h"

enum {
    PARAMS_NONE_LEN = 2, /* bytes before a query's text where it may have
                            parameters, and has none */
};

void
mysql_place_init(struct mysql_place *place, struct str user, struct str schema,
                 uint32_t can)
{
    memset(place, 0, sizeof(*place));
    place->user = user;
    place->schema = schema;
    place->can = can;
}

/* --- texts ---------------------------------------------------------------- */

static void
skip_blanks(struct str *s)
{
    while (s->len > 0 && isspace((unsigned char)s->p[0]))
        *s = str_slice(*s, 1, s->len);
}

/* Of a query's payload the text, as far as it can be told where it begins. */
static struct str
text_of_query(const struct mysql_place *place, const char *p, size_t n)
{
    struct str text = str_slice(str_make(p, n), 1, n);

    if ((place->can & MYSQL_CAN_QUERY_ATTRIBUTES) != 0) {
        if (text.len < PARAMS_NONE_LEN || text.p[0] != 0 || text.p[1] != 1)
            return str_make(NULL, 0);
        text = str_slice(text, PARAMS_NONE_LEN, text.len);
    }
    skip_blanks(&text);
    return text;
}

/* Takes the word USE and the blanks behind it. */
static bool
take_use(struct str *text)
{
    if (text->len < sizeof("use") ||
        !str_equal_nocase(str_make(text->p, sizeof("use") - 1), STR("use")))
        return false;
    *text = str_slice(*text, sizeof("use") - 1, text->len);
    if (!isspace((unsigned char)text->p[0]) && text->p[0] != '`')
        return false;
    skip_blanks(text);
    return true;
}

/* A name as it stands, or between quotes, which are doubled within.  It is
 * written over the text that it is taken from, being no longer. */
static struct str
take_name(struct str *text)
{
    char *to = (char *)(uintptr_t)text->p;
    char quote = text->len > 0 ? text->p[0] : '\0';
    size_t at = 0, len = 0;

    if (quote != '`' && quote != '"') {
        while (at < text->len && !isspace((unsigned char)text->p[at]) &&
               text->p[at] != ';')
            at++;
        len = at;
    } else {
        for (at = 1; at < text->len; at++) {
            if (text->p[at] == quote &&
                (at + 1 == text->len || text->p[++at] != quote))
                break;
            to[len++] = text->p[at];
        }
    }
    *text = str_slice(*text, at, text->len);
    return str_make(to, len);
}

/* Is there another USE in the rest of a command?  Then only the server knows
 * where it ends. */
static bool
holds_use(struct str rest)
{
    for (size_t i = 0; i + sizeof("use") <= rest.len; i++) {
        if (str_equal_nocase(str_make(rest.p + i, sizeof("use") - 1),
                             STR("use")))
            return true;
    }
    return false;
}

/* --- commands ------------------------------------------------------------- */

/* May the names of the command at P matter? */
static bool
is_of_interest(const struct mysql_place *place, const uint8_t *p, size_t n)
{
    struct str text;

    if (n == 0)
        return false;
    if (p[0] == MYSQL_COM_INIT_DB || p[0] == MYSQL_COM_CHANGE_USER)
        return true;
    if (p[0] != MYSQL_COM_QUERY)
        return false;
    text = text_of_query(place, (const char *)p, n);
    return take_use(&text);
}

int
mysql_place_begin(struct mysql_place *place, const uint8_t *p, size_t n)
{
    place->collecting = is_of_interest(place, p, n);
    if (!place->collecting)
        return 0;
    if (place->wait != MYSQL_PLACE_NOTHING)
        return -1;
    place->len = 0;
    place->cut = false;
    return 0;
}

void
mysql_place_add(struct mysql_place *place, const uint8_t *p, size_t n)
{
    size_t room = sizeof(place->text) - place->len;

    if (!place->collecting || n == 0)
        return;
    if (n > room) {
        place->cut = true;
        n = room;
    }
    memcpy(place->text + place->len, p, n);
    place->len += n;
}

/* Its last fields, attributes for one, may have been cut off. */
static int
end_change(struct mysql_place *place)
{
    struct mysql_cursor c;

    mysql_cursor_init(&c, (const uint8_t *)place->text, place->len);
    (void)mysql_take_u8(&c);
    place->next_user = mysql_take_cstring(&c);
    (void)mysql_take_answer(&c, place->can & ~(uint32_t)MYSQL_CAN_LENENC);
    place->next_schema = mysql_take_cstring(&c);
    if (c.failed || place->next_user.len > sizeof(place->user_text))
        return -1;
    place->wait = MYSQL_PLACE_USER;
    return 0;
}

static void
end_use(struct mysql_place *place)
{
    struct str text = text_of_query(place, place->text, place->len);

    place->wait = MYSQL_PLACE_SCHEMA;
    place->next_schema = str_make(NULL, 0);
    if (!take_use(&text))
        return;
    place->next_schema = take_name(&text);
    if (place->cut || holds_use(text))
        place->next_schema = str_make(NULL, 0);
}

int
mysql_place_end(struct mysql_place *place)
{
    if (!place->collecting)
        return 0;
    place->collecting = false;
    if ((uint8_t)place->text[0] == MYSQL_COM_CHANGE_USER)
        return end_change(place);
    if ((uint8_t)place->text[0] == MYSQL_COM_QUERY) {
        end_use(place);
        return 0;
    }
    place->wait = MYSQL_PLACE_SCHEMA;
    place->next_schema = place->cut ? str_make(NULL, 0)
                                    : str_make(place->text + 1, place->len - 1);
    return 0;
}

void
mysql_place_used(struct mysql_place *place)
{
    if (place->wait == MYSQL_PLACE_NOTHING)
        place->next_schema = str_make(NULL, 0);
    place->wait = MYSQL_PLACE_SCHEMA;
}

/* --- answers -------------------------------------------------------------- */

/* Copies a name to where it can stay; absent if it is none that there is. */
static struct str
settle(char *to, size_t size, struct str name)
{
    if (name.len == 0 || name.len > size)
        return str_make(NULL, 0);
    memcpy(to, name.p, name.len);
    return str_make(to, name.len);
}

bool
mysql_place_answered(struct mysql_place *place, bool ok)
{
    enum mysql_place_wait wait = place->wait;

    place->wait = MYSQL_PLACE_NOTHING;
    if (wait == MYSQL_PLACE_NOTHING)
        return false;
    /* Of several statements some may have been executed. */
    if (!ok && (wait == MYSQL_PLACE_USER || place->next_schema.p != NULL))
        return false;
    place->schema = settle(place->schema_text, sizeof(place->schema_text),
                           place->next_schema);
    if (wait == MYSQL_PLACE_USER) {
        place->user = settle(place->user_text, sizeof(place->user_text),
                             place->next_user);
        if (place->user.p == NULL)
            place->user = STR("");
    }
    return true;
}
