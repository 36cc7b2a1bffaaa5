/* SPDX-License-Identifier: MIT */
/*
 * MySQL's client/server protocol: packets, what both sides can do, and the
 * fields that packets are written of; those of mysql_cursor.h read them.
 *
 *      mysql_answer.h      OK, ERR, EOF, progress
 *      mysql_greeting.h    the server's first packet
 *      mysql_login.h       the client's, and TLS asked for
 *      mysql_change.h      another login on the same connection
 *      mysql_attribute.h   what a client tells of itself
 *      mysql_switch.h      what the plugins of a login say
 *      mysql_result.h      result sets
 *      mysql_framer.h      packets that pass by in a stream
 *      mysql_follow.h      commands and answers that do
 *
 *      0 1 2        3         4
 *      payload len  sequence  payload ...
 *
 * mysql_read_packet finds a whole packet; the other readers take its payload,
 * whole, and answer its length or a named error, never 0. Texts point into the
 * caller's bytes.
 *
 * MySQL's manual (Source Code Documentation): "MySQL Packets", "COM_QUERY",
 * "COM_QUIT", "Capabilities Flags"; MariaDB's: "Connection", "Capabilities".
 * Payloads of 16 MiB and more, which go in several packets, are refused here
 * (the framer follows them), as are compressed packets.
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
    MYSQL_PACKET_FULL = 0xffffff, /* bytes in one that another continues */
    MYSQL_UTF8MB4 = 45,           /* number of utf8mb4_general_ci */
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
    MYSQL_COM_QUIT = 0x01,         /* the server closes */
    MYSQL_COM_INIT_DB = 0x02,      /* another schema */
    MYSQL_COM_QUERY = 0x03,        /* a statement as text */
    MYSQL_COM_FIELD_LIST = 0x04,   /* the columns of a table */
    MYSQL_COM_STATISTICS = 0x09,   /* a line of text */
    MYSQL_COM_PROCESS_INFO = 0x0a, /* SHOW PROCESSLIST */
    MYSQL_COM_CHANGE_USER = 0x11,  /* mysql_change.h */
    MYSQL_COM_BINLOG_DUMP = 0x12,  /* events, for ever */
    MYSQL_COM_TABLE_DUMP = 0x13,   /* a table's file */
    MYSQL_COM_PREPARE = 0x16,      /* a statement */
    MYSQL_COM_EXECUTE = 0x17,      /* a prepared statement */
    MYSQL_COM_LONG_DATA = 0x18,    /* for one; is not answered */
    MYSQL_COM_CLOSE = 0x19,        /* of one; is not answered */
    MYSQL_COM_SET_OPTION = 0x1b,   /* several statements in a query, or one */
    MYSQL_COM_FETCH = 0x1c,        /* rows of a cursor */
    MYSQL_COM_BINLOG_GTID = 0x1e,  /* events, for ever */
    MYSQL_COM_RESET = 0x1f,        /* of the connection's state */
    MYSQL_COM_CLONE = 0x20,        /* a protocol of its own */
    MYSQL_COM_GROUP = 0x21,        /* likewise */
    MYSQL_COM_BULK = 0xfa, /* MariaDB: a prepared statement many times */
};

/* Errors that mean something here. */
enum mysql_number {
    MYSQL_NOT_PREPARED = 1047, /* ER_UNKNOWN_COM_ERROR, to any command but a
                                  few: a Galera node that does not serve */
};

/* What both sides say they can do. */
enum mysql_capability {
    MYSQL_CAN_MYSQL = 0x1,             /* absent from MariaDB's greeting */
    MYSQL_CAN_FOUND_ROWS = 0x2,        /* OK counts rows found, not changed */
    MYSQL_CAN_LONG_FLAG = 0x4,         /* two bytes of flags a column */
    MYSQL_CAN_SCHEMA = 0x8,            /* a schema in the login */
    MYSQL_CAN_NO_SCHEMA = 0x10,        /* refuse schema.table.column */
    MYSQL_CAN_COMPRESS = 0x20,         /* zlib, after the login */
    MYSQL_CAN_ODBC = 0x40,             /* nothing any more */
    MYSQL_CAN_LOCAL_FILES = 0x80,      /* LOAD DATA LOCAL */
    MYSQL_CAN_SPACES = 0x100,          /* before the brackets of a function */
    MYSQL_CAN_PROTOCOL_41 = 0x200,     /* everything described here */
    MYSQL_CAN_INTERACTIVE = 0x400,     /* interactive_timeout is for it */
    MYSQL_CAN_TLS = 0x800,             /* the login begins with a request */
    MYSQL_CAN_IGNORE_SIGPIPE = 0x1000, /* nothing on the wire */
    MYSQL_CAN_TRANSACTIONS = 0x2000,   /* the status in OK and EOF */
    MYSQL_CAN_RESERVED = 0x4000,       /* nothing any more */
    MYSQL_CAN_CHALLENGE = 0x8000,      /* passwords as of 4.1 */
    MYSQL_CAN_MULTI_STATEMENTS = 0x10000, /* several in one query */
    MYSQL_CAN_MULTI_RESULTS = 0x20000,    /* of one query */
    MYSQL_CAN_PS_RESULTS = 0x40000,       /* of one prepared statement */
    MYSQL_CAN_PLUGINS = 0x80000,          /* authentication by plugins */
    MYSQL_CAN_ATTRIBUTES = 0x100000,      /* of the connection, in the login */
    MYSQL_CAN_LENENC = 0x200000,          /* answers over 255 bytes in it */
    MYSQL_CAN_EXPIRED = 0x400000,         /* log in with an old password */
    MYSQL_CAN_TRACK = 0x800000,           /* changes of the session in OK */
    MYSQL_CAN_END_BY_OK = 0x1000000,      /* CLIENT_DEPRECATE_EOF */
    MYSQL_CAN_NO_METADATA = 0x2000000,    /* results without descriptions */
    MYSQL_CAN_ZSTD = 0x4000000,           /* zstd, after the login */
    MYSQL_CAN_QUERY_ATTRIBUTES = 0x8000000, /* before a query's text */
    MYSQL_CAN_FACTORS = 0x10000000,         /* several plugins in a row */
    MYSQL_CAN_EXTENSION = 0x20000000,       /* reserved for more flags */
};

/* What MariaDB's side can do on top, told where MYSQL_CAN_MYSQL is absent. */
enum mysql_mariadb_capability {
    MYSQL_MARIADB_PROGRESS = 0x1, /* reports of it before an answer */
    MYSQL_MARIADB_MULTI = 0x2,    /* nothing any more */
    MYSQL_MARIADB_BULK = 0x4,     /* many rows for a prepared statement */
    MYSQL_MARIADB_METADATA = 0x8, /* more of it about a column */
    MYSQL_MARIADB_CACHE = 0x10,   /* results without descriptions */
    MYSQL_MARIADB_RESULTS = 0x20, /* one for each row of a bulk */
};

enum mysql_status {
    MYSQL_IN_TRANSACTION = 0x1, /* one is open */
    MYSQL_MORE_RESULTS = 0x8,   /* another result follows this one */
    MYSQL_CURSOR = 0x40,        /* one is open: no rows follow */
};

enum mysql_error {
    MYSQL_E_LENGTH = -1,     /* longer than allowed */
    MYSQL_E_CUT = -2,        /* a field goes beyond the packet */
    MYSQL_E_KIND = -3,       /* not the packet that was expected */
    MYSQL_E_PROTOCOL = -4,   /* another version of the protocol, or pre-4.1 */
    MYSQL_E_COLUMNS = -5,    /* more columns than allowed */
    MYSQL_E_NAME = -6,       /* a user's, schema's or plugin's name too long */
    MYSQL_E_ATTRIBUTES = -7, /* more of them than allowed, or broken ones */
};

struct mysql_packet {
    uint8_t sequence; /* the answer's is one more */
    const uint8_t *p; /* the payload */
    size_t len;
};

/* Reads a packet whose payload has at most MAX bytes (up to
 * MYSQL_PAYLOAD_MAX); a longer one is refused by its header. */
ssize_t mysql_read_packet(struct mysql_packet *out, const uint8_t *p, size_t n,
                          size_t max) __attribute__((warn_unused_result));

/* The first byte of a payload, an enum mysql_lead; -1 for an empty one. */
int mysql_lead(const struct mysql_packet *packet);

/* What is wrong, in words for a log; never NULL. */
const char *mysql_error_text(enum mysql_error error);

/* Begins a packet: leaves room for its header and returns its place. */
size_t mysql_open_packet(struct buf *to);

/* Ends the packet that began at AT. Sets to->failed where its payload is over
 * MYSQL_PAYLOAD_MAX. */
void mysql_close_packet(struct buf *to, size_t at, uint8_t sequence);

/* Appends a packet of these bytes: an answer to a plugin, for one. */
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

#endif
