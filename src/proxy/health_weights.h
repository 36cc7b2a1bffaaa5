/* SPDX-License-Identifier: MIT */
/*
 * Which weights policies see: less than the whole where a server comes back
 * slowly or its check says so (weights.h), on the board.
 */
#ifndef PROXY_HEALTH_WEIGHTS_H
#define PROXY_HEALTH_WEIGHTS_H

#include <stdint.h>

struct health;
struct health_server;
struct health_upstream;

/* Before all others. */
void health_init_weights(struct health *h);

/* Servers that were coming back slowly go on with it, in a control process that
 * takes the place of another. */
void health_resume_weights(struct health_upstream *u);

/* The server is back; AGO_MS of its slow start are over. */
void health_start_slowly(struct health_server *s, uint64_t ago_ms);

/* Puts the weights of all servers of U on the board. */
void health_weigh(struct health_upstream *u);

#endif
