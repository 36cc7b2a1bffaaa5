/* SPDX-License-Identifier: MIT */
/*
 * MySQL's client/server protocol: packets, and the answers that can come at any
 * time. Logging in is mysql_login.h's, result sets are mysql_result.h's.
 *
 *      0 1 2        3         4
 *      payload len  sequence  payload ...
 *
 * mysql_read_packet finds a whole packet; the other readers take its payload,
 * whole, and answer its length or a named error, never 0. Texts point into the
 * caller's bytes.
 *
 * MySQL's manual (Source Code Documentation): "MySQL Packets", "OK_Packet",
 * "ERR_Packet", "EOF_Packet", "COM_QUERY", "COM_QUIT", "Capabilities Flags".
 * Payloads of 16 MiB and more, which go in several packets, are refused, as are
 * compressed packets.
 */
#ifndef CODEC_MYSQL_H
#define CODEC_MYSQL_H

#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#include "base/buf.h"
#include "base/str.h"

enum {
    MYSQL_HEADER_LEN = 4,         /* bytes before a payload */
    MYSQL_PAYLOAD_MAX = 0xfffffe, /* bytes of a payload in one packet */
    MYSQL_STATE_LEN = 5,          /* bytes of an SQL state, such as 28000 */
    MYSQL_EOF_MAX = 8, /* a longer payload that begins like an EOF is none */
};

/* What a payload's first byte says, where an answer may begin. */
enum mysql_lead {
    MYSQL_OK = 0x00,
    MYSQL_MORE_DATA = 0x01,    /* in a login: the plugin has more to say */
    MYSQL_LOCAL_INFILE = 0xfb, /* after a query: send me that file */
    MYSQL_EOF = 0xfe,          /* in a login: switch to another plugin */
    MYSQL_ERR = 0xff,
};

enum mysql_command {
    MYSQL_COM_QUIT = 0x01,  /* the server closes */
    MYSQL_COM_QUERY = 0x03, /* a statement as text */
};

/* Errors that mean something here. */
enum mysql_number {
    MYSQL_NOT_PREPARED = 1047, /* ER_UNKNOWN_COM_ERROR, to any command but a
                                  few: a Galera node that does not serve */
};

/* Some of what both sides say they can do. */
enum mysql_capability {
    MYSQL_CAN_MYSQL = 0x1,            /* absent from MariaDB's greeting */
    MYSQL_CAN_SCHEMA = 0x8,           /* a schema in the login */
    MYSQL_CAN_PROTOCOL_41 = 0x200,    /* everything described here */
    MYSQL_CAN_TRANSACTIONS = 0x2000,  /* the status in OK and EOF */
    MYSQL_CAN_CHALLENGE = 0x8000,     /* passwords as of 4.1 */
    MYSQL_CAN_PLUGINS = 0x80000,      /* authentication by plugins */
    MYSQL_CAN_ATTRIBUTES = 0x100000,  /* of the connection, in the login */
    MYSQL_CAN_LENENC = 0x200000,      /* answers over 255 bytes in it */
    MYSQL_CAN_END_BY_OK = 0x01000000, /* CLIENT_DEPRECATE_EOF */
};

enum mysql_status {
    MYSQL_MORE_RESULTS = 0x8, /* another result follows this one */
};

enum mysql_error {
    MYSQL_E_LENGTH = -1,   /* longer than allowed */
    MYSQL_E_CUT = -2,      /* a field goes beyond the packet */
    MYSQL_E_KIND = -3,     /* not the packet that was expected */
    MYSQL_E_PROTOCOL = -4, /* another version of the protocol, or pre-4.1 */
    MYSQL_E_COLUMNS = -5,  /* more columns than allowed */
};

struct mysql_packet {
    uint8_t sequence; /* the answer's is one more */
    const uint8_t *p; /* the payload */
    size_t len;
};

/* OK, or an EOF that has taken its form. */
struct mysql_ok {
    uint64_t affected;  /* rows */
    uint64_t insert_id; /* the last one */
    uint16_t status;    /* set of enum mysql_status, among others */
    uint16_t warnings;  /* how many */
};

struct mysql_err {
    uint16_t number;  /* 1045 ... */
    struct str state; /* "28000"; absent before the login, on old servers */
    struct str text;  /* in words */
};

struct mysql_eof {
    uint16_t warnings; /* how many */
    uint16_t status;   /* set of enum mysql_status, among others */
};

/* Reads a packet whose payload has at most MAX bytes (up to
 * MYSQL_PAYLOAD_MAX); a longer one is refused by its header. */
ssize_t mysql_read_packet(struct mysql_packet *out, const uint8_t *p, size_t n,
                          size_t max) __attribute__((warn_unused_result));

/* The first byte of a payload, an enum mysql_lead; -1 for an empty one. */
int mysql_lead(const struct mysql_packet *packet);

ssize_t mysql_read_ok(struct mysql_ok *out, const uint8_t *p, size_t n)
    __attribute__((warn_unused_result));
ssize_t mysql_read_err(struct mysql_err *out, const uint8_t *p, size_t n)
    __attribute__((warn_unused_result));
ssize_t mysql_read_eof(struct mysql_eof *out, const uint8_t *p, size_t n)
    __attribute__((warn_unused_result));

/* What is wrong, in words for a log; never NULL. */
const char *mysql_error_text(enum mysql_error error);

/* Begins a packet: leaves room for its header and returns its place. */
size_t mysql_open_packet(struct buf *to);

/* Ends the packet that began at AT. Sets to->failed where its payload is over
 * MYSQL_PAYLOAD_MAX. */
void mysql_close_packet(struct buf *to, size_t at, uint8_t sequence);

/* Appends a packet of these bytes. */
void mysql_write_packet(struct buf *to, uint8_t sequence, struct str payload);

/* Appends a command, which begins a sequence of its own. */
void mysql_write_command(struct buf *to, enum mysql_command command,
                         struct str text);

/* Append numbers and texts, as mysql_cursor.h reads them. */
void mysql_write_u8(struct buf *to, uint8_t n);
void mysql_write_u16(struct buf *to, uint16_t n);
void mysql_write_u32(struct buf *to, uint32_t n);
void mysql_write_lenenc(struct buf *to, uint64_t n);
void mysql_write_text(struct buf *to, struct str text);
void mysql_write_cstring(struct buf *to, struct str text);

/* Bytes of text as mysql_write_text writes it. */
size_t mysql_text_len(struct str text);

#endif
