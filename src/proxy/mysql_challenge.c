/* SPDX-License-Identifier: MIT */
#include "proxy/mysql_challenge.h"

#include "codec/mysql_attribute.h"
#include "codec/mysql_greeting.h"

/* Go's driver has told its name since 1.8, as of when it takes the NUL off; of
 * the older ones it is typical that they name a plugin, tell nothing of
 * themselves, and take packets of "0 bytes". */
static bool
is_old_go(const struct mysql_login *login)
{
    return login->plugin.len > 0 && login->attributes.len == 0 &&
           login->max_packet == 0;
}

static bool
computes_with_nul(const struct mysql_login *login)
{
    struct str name =
        mysql_find_attribute(login->attributes, STR("_client_name"));

    return str_equal(name, STR("pymysql")) || is_old_go(login);
}

void
mysql_challenge_fit(struct mysql_switch *request,
                    const struct mysql_login *login)
{
    struct str data = request->data;

    if (str_equal(request->plugin, STR(MYSQL_SHA2_PLUGIN)) &&
        data.len == MYSQL_CHALLENGE_LEN + 1 &&
        data.p[MYSQL_CHALLENGE_LEN] == '\0' && computes_with_nul(login))
        request->data.len = MYSQL_CHALLENGE_LEN;
}
