/* SPDX-License-Identifier: MIT */
/*
 * Which records of a section are written, where that is not all of them
 * (log_sample): one of N, and every one that tells of an error.
 */
#ifndef PROXY_LOG_SAMPLE_H
#define PROXY_LOG_SAMPLE_H

#include <stdbool.h>
#include <stdint.h>

struct section;

/* How many records one with this STATUS (0: none) and termination stands for:
 * 1 for an error. */
uint32_t
log_sample_weight(const struct section *section, int status, const char *term);

/* Whether a record that stands for WEIGHT is written: the first one, and each
 * WEIGHT-th after it, of this worker. */
bool log_sample_takes(struct section *section, uint32_t weight);

#endif
