/* SPDX-License-Identifier: MIT */
#include "proxy/log_sample.h"

#include "proxy/section.h"

uint32_t
log_sample_weight(const struct section *section, int status, const char *term)
{
    bool failed = status >= 500 || term[0] != '-' || term[1] != '-';

    return failed ? 1 : section->conf->log_sample;
}

bool
log_sample_takes(struct section *section, uint32_t weight)
{
    if (weight <= 1)
        return true;
    return section->records++ % weight == 0;
}
