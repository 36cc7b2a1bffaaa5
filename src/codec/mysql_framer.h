/* SPDX-License-Identifier: MIT */
/*
 * Follows packets in a stream of bytes that passes by, without holding it up:
 * tells where each payload begins and ends, its length, its number and its
 * first bytes, and numbers packets anew as they pass.
 *
 *      bytes  ──▶  hhhh pppppppp  hhhh pppp  ──▶
 *                      │       │      │   │
 *                     HEAD    END   HEAD END
 *
 * A payload of 16 MiB and more goes in several packets, all but the last of
 * MYSQL_PACKET_FULL bytes: it has one HEAD and one END. Any bytes are packets,
 * so nothing is refused; what is compressed or encrypted must not be given.
 *
 * MySQL's manual: "MySQL Packets", "Sending More Than 16Mb".
 */
#ifndef CODEC_MYSQL_FRAMER_H
#define CODEC_MYSQL_FRAMER_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "codec/mysql.h"

enum {
    MYSQL_FRAME_HEAD_LEN = 24, /* first bytes of a payload that are shown: an
                                  OK up to its status and warnings */
};

enum mysql_frame {
    MYSQL_FRAME_MORE, /* all bytes are taken, and more has to come */
    MYSQL_FRAME_HEAD, /* `head` is there, which may be all of the payload */
    MYSQL_FRAME_END,  /* the payload is over; the next byte begins another */
};

enum mysql_frame_part {
    MYSQL_FRAME_IN_HEADER,  /* between payloads, or within a header */
    MYSQL_FRAME_IN_HEAD,    /* the first bytes are not yet there */
    MYSQL_FRAME_IN_PAYLOAD, /* they are */
};

struct mysql_framer {
    uint8_t offset;      /* the caller's: added to the number of each packet
                            whose header passes */
    uint8_t sequence;    /* of the last packet that began, as it came */
    uint32_t len;        /* from HEAD on: bytes of the payload; where there are
                            MYSQL_PACKET_FULL, more packets follow */
    const uint8_t *head; /* at HEAD: the first bytes, in the caller's bytes or
                            in `store`; valid until the next call */
    size_t head_len;     /* how many: MYSQL_FRAME_HEAD_LEN, or `len` */

    enum mysql_frame_part part;
    uint8_t header[MYSQL_HEADER_LEN];
    size_t header_len; /* bytes of it that are there */
    uint32_t left;     /* bytes of the packet that are to come */
    bool full;         /* another packet continues the payload */
    bool continues;    /* this one, or the next to begin, does so */
    uint8_t store[MYSQL_FRAME_HEAD_LEN];
    size_t stored; /* bytes of a head that came in pieces */
};

/* Begins between two packets. */
void mysql_framer_init(struct mysql_framer *framer);

/* Takes of the N bytes at P what comes before the next event, and answers it;
 * *USED is how many, N for MORE. Go on with what is left, even if it is
 * nothing, until MORE. A byte is written to where it is a packet's number and
 * `offset` is not 0. */
enum mysql_frame mysql_framer_next(struct mysql_framer *framer, uint8_t *p,
                                   size_t n, size_t *used);

/* Is no packet and no payload under way, so that one may be put between? */
bool mysql_framer_is_between(const struct mysql_framer *framer);

#endif
