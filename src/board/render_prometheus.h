/* SPDX-License-Identifier: MIT */
/*
 * The board in Prometheus's text format (0.0.4): the program, its sections and
 * servers, and then what scripts count (render_metrics.h).
 */
#ifndef BOARD_RENDER_PROMETHEUS_H
#define BOARD_RENDER_PROMETHEUS_H

#include "base/buf.h"

struct board;

void render_prometheus(struct buf *out, const struct board *b);

#endif
