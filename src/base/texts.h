/* SPDX-License-Identifier: MIT */
/*
 * Texts one behind the other, each with its length before it, as one process of
 * this program hands them to another. Whoever reads them trusts no length.
 *
 *     number: 4 bytes, the least first        text: number, so many bytes
 */
#ifndef BASE_TEXTS_H
#define BASE_TEXTS_H

#include <stddef.h>
#include <stdint.h>

#include "base/buf.h"
#include "base/mem.h"
#include "base/str.h"

/* Texts are shorter than 4 GiB, as whoever makes OUT has to see to. */
void texts_put_number(struct buf *out, uint32_t number);
void texts_put(struct buf *out, struct str text);

/* A text of which the parts are added to OUT between the two: end it with what
 * begin has returned. */
size_t texts_begin(struct buf *out);
void texts_end(struct buf *out, size_t at);

/* Takes one from the front of REST. 0; -1: there is none, or not all of it. */
int texts_take_number(uint32_t *number, struct str *rest) MUST_CHECK;
int texts_take(struct str *text, struct str *rest) MUST_CHECK;

/* Writes TEXTS to FD. 0, or -1 with errno: ENOMEM where they had no room. */
int texts_write(int fd, const struct buf *texts) MUST_CHECK;

/* What a file or memfd has, up to MAX bytes, without a copy; p is NULL where it
 * has nothing, too much, or cannot be mapped. End it with texts_unmap. */
struct str texts_map(int fd, size_t max);
void texts_unmap(struct str bytes);

#endif
