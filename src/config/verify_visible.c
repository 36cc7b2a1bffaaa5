/* SPDX-License-Identifier: MIT */
#include "config/verify_visible.h"

#include "config/template.h"

static bool
is_counted(enum template_variable variable)
{
    return variable == TEMPLATE_VAR_QUERIES ||
           variable == TEMPLATE_VAR_TRANSACTIONS ||
           variable == TEMPLATE_VAR_ERRORS || variable == TEMPLATE_VAR_ERROR;
}

/* The first of these variables in the section's format; LITERAL: none. */
static enum template_variable
find_counted(const struct section_conf *section)
{
    const struct template *format = section->access_log_template;

    if (section->access_log != ACCESS_LOG_TEMPLATE || format == NULL)
        return TEMPLATE_LITERAL;
    for (size_t i = 0; i < format->piece_count; i++) {
        if (is_counted(format->pieces[i].variable))
            return format->pieces[i].variable;
    }
    return TEMPLATE_LITERAL;
}

void
verify_visible_warn(const struct config *config, struct faults *faults)
{
    for (size_t i = 0; i < config->section_count; i++) {
        const struct section_conf *section = &config->sections[i];
        enum template_variable variable = find_counted(section);

        if (variable == TEMPLATE_LITERAL || section->visible)
            continue;
        faults_warn_at(faults, section->at,
                       "access_log: ${%s} has a value in [mysql] with "
                       "visible = on only",
                       template_variable_info(variable)->name);
    }
}
