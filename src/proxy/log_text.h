/* SPDX-License-Identifier: MIT */
/*
 * Text from the network as it may stand in a log line, so that nobody can
 * forge a line, end a quotation or send bytes to a terminal.
 */
#ifndef PROXY_LOG_TEXT_H
#define PROXY_LOG_TEXT_H

#include "base/buf.h"
#include "base/str.h"

enum log_text_style {
    LOG_TEXT_NGINX, /* \xHH for '"', '\\', control bytes and those from 0x7f */
    LOG_TEXT_HAPROXY, /* #HH for '"', '#', control bytes and those from 0x7f */
    LOG_TEXT_JSON,    /* JSON's escapes; what is not UTF-8 becomes \u00HH */
};

/* Appends TEXT, of which no more than MAX bytes as written; the rest is cut. */
void log_text_write(struct buf *to, enum log_text_style style, struct str text,
                    size_t max);

/* Sets TO, of SIZE bytes, to TEXT as nginx writes it, with a NUL behind it, and
 * returns that. */
struct str log_text_set(char *to, size_t size, struct str text);

#endif
