/* SPDX-License-Identifier: MIT */
/*
 * A whole configuration on its way between processes: what its files hold, and
 * what its names mean. The process in which it was tried writes it; the master
 * and its children read it, and ask neither the disk nor a resolver.
 *
 *     [file's path][sources][addresses], in a memfd that is sealed
 */
#ifndef APP_CONFIG_RECORD_H
#define APP_CONFIG_RECORD_H

#include <stdbool.h>

#include "base/mem.h"

struct addresses;
struct config;
struct faults;
struct sources;

/* Writes the configuration that was read from FILE to the memfd FD; -1 with
 * errno. */
int config_record_write(int fd, const char *file, const struct sources *sources,
                        const struct addresses *addresses) MUST_CHECK;

/* Makes the configuration again. 0; or -1 with FAULTS, and neither is there. */
int
config_record_read(const struct config **config, struct addresses *addresses,
                   int fd, struct faults *faults) MUST_CHECK;

/* Do two hold the same? What names mean counts, too. */
bool config_record_equals(int a, int b);

#endif
