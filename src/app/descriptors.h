/* SPDX-License-Identifier: MIT */
/*
 * Descriptors of a process as a whole: how many it may have, and which ones a
 * child keeps.
 */
#ifndef APP_DESCRIPTORS_H
#define APP_DESCRIPTORS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* Raises this process's limit of descriptors to what CONNECTIONS need in a
 * worker, and SOCKETS that listen in the master, as far as it may.
 * WITH_SERVERS: a connection may have another one, to a server. Returns for how
 * many there is room: CONNECTIONS or fewer. */
uint32_t
descriptors_raise(uint32_t connections, bool with_servers, size_t sockets);

/* Closes every descriptor but 0, 1, 2 and the COUNT ones at KEEP, which gets
 * sorted; negative numbers there are ignored. */
void descriptors_close_others(int *keep, size_t count);

#endif
