/* SPDX-License-Identifier: MIT */
/*
 * The time, read once a turn of the event loop: every function but clock_update
 * returns what was read last. Texts are made when first asked for in a second.
 */
#ifndef BASE_CLOCK_H
#define BASE_CLOCK_H

#include <stdbool.h>

#include "base/str.h"

/* Reads the clocks. Call at the start of each turn, and before first use. */
void clock_update(void);

/* Moves what was read on, for whoever runs by a clock of its own: it never
 * calls clock_update again. */
void clock_advance(uint64_t ms);

/* Was it read so long ago that what is left of this turn should wait for the
 * next one?  Known to some milliseconds, and costs no system call. */
bool clock_is_late(void);

/* Since some moment in the past; never goes back. */
uint64_t clock_ms(void);
uint64_t clock_us(void);

/* Since 1970-01-01 00:00:00 UTC; may jump. */
uint64_t clock_wall_ms(void);

/* Whole seconds from AT_WALL_MS until now, and from now until AT_WALL_MS, of
 * which a part counts as one: 0 is over. Likewise 0 where it is no moment (0),
 * or not on that side of now. */
uint64_t clock_seconds_since(uint64_t at_wall_ms);
uint64_t clock_seconds_until(uint64_t at_wall_ms);

/* Texts of the cached wall time. They live until the next clock_update. */
struct str clock_http_date(void);    /* Tue, 24 Nov 2026 11:30:00 GMT */
struct str clock_clf_date(void);     /* 24/Nov/2026:11:30:00 +0000 */
struct str clock_haproxy_date(void); /* 24/Nov/2026:11:30:00.123 */
struct str clock_rfc3164_date(void); /* Nov 24 11:30:00 */
struct str clock_rfc3339_date(void); /* 2026-11-24T11:30:00.123+00:00 */

/* As clock_haproxy_date, for the moment AT_WALL_MS; until the next such call.
 */
struct str clock_haproxy_date_at(uint64_t at_wall_ms);

#endif
