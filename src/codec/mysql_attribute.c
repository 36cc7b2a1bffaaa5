/* SPDX-License-Identifier: MIT */
#include "codec/mysql_attribute.h"

#include "codec/mysql.h"
#include "codec/mysql_cursor.h"

bool
mysql_attributes_are_whole(struct str block)
{
    struct mysql_attribute attribute;

    if (block.len > MYSQL_ATTRIBUTES_MAX)
        return false;
    while (mysql_next_attribute(&attribute, &block))
        continue;
    return block.len == 0;
}

bool
mysql_next_attribute(struct mysql_attribute *out, struct str *block)
{
    struct mysql_attribute attribute;
    struct mysql_cursor c;

    mysql_cursor_init(&c, (const uint8_t *)block->p, block->len);
    attribute.name = mysql_take_text(&c);
    attribute.value = mysql_take_text(&c);
    if (c.failed)
        return false;
    *block = str_make((const char *)c.p, c.left);
    *out = attribute;
    return true;
}

struct str
mysql_find_attribute(struct str block, struct str name)
{
    struct mysql_attribute attribute;

    while (mysql_next_attribute(&attribute, &block)) {
        if (str_equal(attribute.name, name))
            return attribute.value;
    }
    return str_from(NULL);
}

void
mysql_write_attribute(struct buf *block, struct str name, struct str value)
{
    mysql_write_text(block, name);
    mysql_write_text(block, value);
}
