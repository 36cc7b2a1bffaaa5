/* SPDX-License-Identifier: MIT */
#include "script/login_calls.h"

#include "codec/mysql_attribute.h"
#include "proxy/hook.h"
#include "script/calls_struct.h"

static const struct hook_login *
login_of(const struct script_login *handle)
{
    return handle == NULL ? NULL : handle->login;
}

static int
answer(struct script_text *out, struct str text)
{
    *out = (struct script_text){.p = text.p, .len = text.len};
    return text.p == NULL ? SCRIPT_NONE : SCRIPT_FOUND;
}

int
login_text(const struct script_login *handle, int field,
           struct script_text *out)
{
    const struct hook_login *login = login_of(handle);

    if (login == NULL)
        return SCRIPT_ENDED;
    if (field == SCRIPT_FIELD_USER)
        return answer(out, login->user);
    if (field == SCRIPT_FIELD_SCHEMA)
        return answer(out, login->schema);
    if (field == SCRIPT_FIELD_PLUGIN)
        return answer(out, login->plugin);
    return SCRIPT_NONE;
}

int
login_charset(const struct script_login *handle)
{
    const struct hook_login *login = login_of(handle);

    return login == NULL ? SCRIPT_ENDED : (int)login->charset;
}

int
login_tls(const struct script_login *handle)
{
    const struct hook_login *login = login_of(handle);

    if (login == NULL)
        return SCRIPT_ENDED;
    return login->tls ? SCRIPT_FOUND : SCRIPT_NONE;
}

int
login_next_attribute(const struct script_login *handle, uint32_t *at,
                     struct script_text *name, struct script_text *value)
{
    const struct hook_login *login = login_of(handle);
    struct mysql_attribute attribute;
    struct str rest;

    if (login == NULL)
        return SCRIPT_ENDED;
    if (*at >= login->attributes.len)
        return SCRIPT_NONE;
    rest = str_slice(login->attributes, *at, login->attributes.len);
    if (!mysql_next_attribute(&attribute, &rest))
        return SCRIPT_NONE;
    *at = (uint32_t)(login->attributes.len - rest.len);
    (void)answer(name, attribute.name);
    (void)answer(value, attribute.value);
    return SCRIPT_FOUND;
}
