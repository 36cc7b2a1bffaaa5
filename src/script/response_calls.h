/* SPDX-License-Identifier: MIT */
/*
 * The functions of script_calls that take a response; calls_struct.h says what
 * each does.
 */
#ifndef SCRIPT_RESPONSE_CALLS_H
#define SCRIPT_RESPONSE_CALLS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct script_response;
struct script_text;

int response_status(const struct script_response *handle);
int
response_server(const struct script_response *handle, struct script_text *out);
double response_upstream_ms(const struct script_response *handle);
int response_find(const struct script_response *handle, const char *name,
                  size_t len, struct script_text *out);
int
response_set(const struct script_response *handle, const char *name,
             size_t name_len, const char *value, size_t value_len, bool add);
int response_set_status(const struct script_response *handle, int32_t status);

#endif
