/* SPDX-License-Identifier: MIT */
/*
 * The metrics of scripts, and what their dictionaries hold, in Prometheus's
 * text format (0.0.4), or as JSON.
 */
#ifndef BOARD_RENDER_METRICS_H
#define BOARD_RENDER_METRICS_H

#include "base/buf.h"
#include "board/render.h"

void render_metrics(struct buf *out, const struct board *b,
                    enum render_format format);

#endif
