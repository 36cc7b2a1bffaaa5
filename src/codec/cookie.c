/* SPDX-License-Identifier: MIT */
/*
 * Pairs of the Cookie field.
 */
#include "codec/cookie.h"

bool
cookie_next(struct str *rest, struct str *name, struct str *value)
{
    while (rest->len > 0) {
        ptrdiff_t semicolon = str_find_char(*rest, ';', 0);
        size_t len = semicolon < 0 ? rest->len : (size_t)semicolon;
        struct str piece = str_trim(str_slice(*rest, 0, len));
        ptrdiff_t equals = str_find_char(piece, '=', 0);

        *rest = str_slice(*rest, len + 1, rest->len);
        if (piece.len == 0)
            continue;
        if (equals < 0) {
            *name = str_make(piece.p, 0);
            *value = piece;
            return true;
        }
        *name = str_trim(str_slice(piece, 0, (size_t)equals));
        *value = str_trim(str_slice(piece, (size_t)equals + 1, piece.len));
        return true;
    }
    return false;
}

bool
cookie_find(struct str *value, struct str field, struct str name)
{
    struct str found, with;

    while (cookie_next(&field, &found, &with)) {
        if (str_equal(found, name)) {
            *value = with;
            return true;
        }
    }
    return false;
}
