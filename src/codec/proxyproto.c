/* SPDX-License-Identifier: MIT */
#include "codec/proxyproto.h"

#include <arpa/inet.h>
#include <string.h>

#include "base/wire.h"

enum {
    COMMAND_LOCAL = 0x20, /* version 2 in the upper half */
    COMMAND_PROXY = 0x21,
    FAMILY_UNSPEC = 0x00,
    FAMILY_TCP4 = 0x11, /* the family in the upper half, the transport (of a
                           stream, 1, or of datagrams, 2) in the lower one */
    FAMILY_TCP6 = 0x21,
    HEAD_LEN = 16, /* of version 2, before the addresses */
    V4_LEN = 4,
    V6_LEN = 16,
    MAPPED_LEN = V6_LEN - V4_LEN,
    PATH_LEN = 108,    /* of a Unix socket */
    TLV_HEAD_LEN = 3,  /* type and length */
    TLV_CRC32C = 0x03, /* PP2_TYPE_CRC32C */
    CRC_LEN = 4,       /* of its value */
    WORDS_MAX = 5,     /* of a line, without "PROXY" */
    PORT_DIGITS_MAX = 5,
};

static const char SIGNATURE[] = "\r\n\r\n\0\r\nQUIT\n";

static const char LINE_START[] = "PROXY ";

static const uint8_t MAPPED[MAPPED_LEN] = {[10] = 0xff, [11] = 0xff};

/* A host, always as IPv6. */
struct end {
    uint8_t host[V6_LEN];
    uint16_t port;
};

static bool
end_of(struct end *out, const struct addr *addr)
{
    if (addr->len == 0)
        return false;
    out->port = addr_port(addr);
    switch (addr->sa.sa_family) {
    case AF_INET:
        memcpy(out->host, MAPPED, MAPPED_LEN);
        memcpy(out->host + MAPPED_LEN, &addr->in.sin_addr, V4_LEN);
        return true;
    case AF_INET6:
        memcpy(out->host, &addr->in6.sin6_addr, V6_LEN);
        return true;
    default:
        return false;
    }
}

static bool
is_v4(const struct end *end)
{
    return memcmp(end->host, MAPPED, MAPPED_LEN) == 0;
}

static const char *
format_host(const struct end *end, bool v4, char text[INET6_ADDRSTRLEN])
{
    const uint8_t *host = v4 ? end->host + MAPPED_LEN : end->host;

    return inet_ntop(v4 ? AF_INET : AF_INET6, host, text, INET6_ADDRSTRLEN);
}

static void
write_v1(struct buf *out, const struct end *from, const struct end *to, bool v4)
{
    char from_text[INET6_ADDRSTRLEN];
    char to_text[INET6_ADDRSTRLEN];

    buf_printf(out, "PROXY %s %s %s %u %u\r\n", v4 ? "TCP4" : "TCP6",
               format_host(from, v4, from_text), format_host(to, v4, to_text),
               from->port, to->port);
}

static void
write_v2_head(struct buf *out, uint8_t command, uint8_t family, size_t len)
{
    uint8_t rest[4] = {command, family};

    wire_put_u16be(rest + 2, (uint16_t)len);
    buf_add(out, SIGNATURE, sizeof(SIGNATURE) - 1);
    buf_add(out, rest, sizeof(rest));
}

static void
write_v2(struct buf *out, const struct end *from, const struct end *to, bool v4)
{
    size_t skip = v4 ? MAPPED_LEN : 0;
    size_t host_len = V6_LEN - skip;
    uint8_t ports[4];

    wire_put_u16be(ports, from->port);
    wire_put_u16be(ports + 2, to->port);
    write_v2_head(out, COMMAND_PROXY, v4 ? FAMILY_TCP4 : FAMILY_TCP6,
                  2 * host_len + sizeof(ports));
    buf_add(out, from->host + skip, host_len);
    buf_add(out, to->host + skip, host_len);
    buf_add(out, ports, sizeof(ports));
}

void
proxyproto_write(struct buf *out, enum proxyproto_version version,
                 const struct addr *from, const struct addr *to)
{
    struct end ends[2];
    bool v4;

    if (!end_of(&ends[0], from) || !end_of(&ends[1], to)) {
        proxyproto_write_local(out, version);
        return;
    }
    v4 = is_v4(&ends[0]) && is_v4(&ends[1]);
    switch (version) {
    case PROXYPROTO_V1:
        write_v1(out, &ends[0], &ends[1], v4);
        break;
    case PROXYPROTO_V2:
        write_v2(out, &ends[0], &ends[1], v4);
        break;
    }
}

void
proxyproto_write_local(struct buf *out, enum proxyproto_version version)
{
    switch (version) {
    case PROXYPROTO_V1:
        buf_str(out, STR("PROXY UNKNOWN\r\n"));
        break;
    case PROXYPROTO_V2:
        write_v2_head(out, COMMAND_LOCAL, FAMILY_UNSPEC, 0);
        break;
    }
}

/* --- reading version 1 ---------------------------------------------------- */

/* Parts TEXT at single blanks; the number of words, or 0 when there are more
 * than WORDS_MAX. */
static size_t
split_words(struct str words[WORDS_MAX], struct str text)
{
    size_t count = 0;

    for (;;) {
        ptrdiff_t blank = str_find_char(text, ' ', 0);

        if (count == WORDS_MAX)
            return 0;
        if (blank < 0)
            break;
        words[count++] = str_slice(text, 0, (size_t)blank);
        text = str_slice(text, (size_t)blank + 1, text.len);
    }
    words[count++] = text;
    return count;
}

/* A port without leading zeros, which some take for octal (2.1). */
static bool
read_port(uint16_t *out, struct str word)
{
    uint64_t n;

    if (word.len == 0 || word.len > PORT_DIGITS_MAX ||
        (word.len > 1 && word.p[0] == '0') || str_to_uint(&n, word, 65535) < 0)
        return false;
    *out = (uint16_t)n;
    return true;
}

static bool
read_end(struct addr *out, int family, struct str host, struct str port)
{
    char text[INET6_ADDRSTRLEN];
    struct addr addr;
    uint16_t number;

    /* addr_parse_host would stop at a NUL and be content, and takes brackets,
     * which have no place here. */
    if (host.len >= sizeof(text) || str_find_char(host, '\0', 0) >= 0 ||
        str_starts_with(host, STR("[")) || !read_port(&number, port))
        return false;
    memcpy(text, host.p, host.len);
    text[host.len] = '\0';
    if (addr_parse_host(&addr, text, number) < 0 || addr.sa.sa_family != family)
        return false;
    *out = addr;
    return true;
}

/* TEXT is the line without "PROXY " and its end. Behind UNKNOWN anything may
 * stand, and is ignored (2.1). */
static int
read_line(struct proxyproto *out, struct str text)
{
    struct proxyproto header = {.has_ends = false};
    struct str words[WORDS_MAX];
    size_t count;
    int family;

    if (str_equal(text, STR("UNKNOWN")) ||
        str_starts_with(text, STR("UNKNOWN "))) {
        *out = header;
        return 0;
    }
    count = split_words(words, text);
    if (count != WORDS_MAX)
        return PROXYPROTO_ERROR_LINE;
    if (str_equal(words[0], STR("TCP4")))
        family = AF_INET;
    else if (str_equal(words[0], STR("TCP6")))
        family = AF_INET6;
    else
        return PROXYPROTO_ERROR_LINE;
    if (!read_end(&header.from, family, words[1], words[3]) ||
        !read_end(&header.to, family, words[2], words[4]))
        return PROXYPROTO_ERROR_ADDRESS;
    header.has_ends = true;
    *out = header;
    return 0;
}

static ssize_t
read_v1(struct proxyproto *out, const uint8_t *p, size_t n)
{
    const size_t start = sizeof(LINE_START) - 1;
    size_t most = n < PROXYPROTO_LINE_MAX ? n : PROXYPROTO_LINE_MAX;
    const uint8_t *end = memchr(p, '\n', most);
    size_t len;
    int error;

    if (end == NULL)
        return most == PROXYPROTO_LINE_MAX ? PROXYPROTO_ERROR_LONG : 0;
    len = (size_t)(end - p);
    if (len <= start || p[len - 1] != '\r')
        return PROXYPROTO_ERROR_LINE;
    error = read_line(out, str_make((const char *)p + start, len - 1 - start));
    return error < 0 ? error : (ssize_t)len + 1;
}

/* --- reading version 2 ---------------------------------------------------- */

/* CRC32c (RFC 3309), four bits a step: headers are short and few. */
static uint32_t
crc32c_add(uint32_t crc, uint8_t byte)
{
    static const uint32_t STEPS[16] = {
        0x00000000, 0x105ec76f, 0x20bd8ede, 0x30e349b1, 0x417b1dbc, 0x5125dad3,
        0x61c69362, 0x7198540d, 0x82f63b78, 0x92a8fc17, 0xa24bb5a6, 0xb21572c9,
        0xc38d26c4, 0xd3d3e1ab, 0xe330a81a, 0xf36e6f75,
    };

    crc ^= byte;
    crc = crc >> 4 ^ STEPS[crc & 15];
    return crc >> 4 ^ STEPS[crc & 15];
}

/* The checksum is that of the whole header with its own four bytes, which are
 * at AT, as zero (2.2.3). */
static bool
is_intact(const uint8_t *p, size_t len, size_t at)
{
    uint32_t crc = 0xffffffff;

    for (size_t i = 0; i < len; i++)
        crc = crc32c_add(crc, i >= at && i < at + CRC_LEN ? 0 : p[i]);
    return (crc ^ 0xffffffff) == wire_get_u32be(p + at);
}

/* Passes over the TLVs of the header P, of LEN bytes, from FROM on. */
static int
read_tlvs(const uint8_t *p, size_t len, size_t from)
{
    for (size_t at = from; at < len;) {
        size_t value = at + TLV_HEAD_LEN;
        size_t value_len;

        if (value > len)
            return PROXYPROTO_ERROR_TLV;
        value_len = wire_get_u16be(p + at + 1);
        if (value_len > len - value)
            return PROXYPROTO_ERROR_TLV;
        if (p[at] == TLV_CRC32C && value_len != CRC_LEN)
            return PROXYPROTO_ERROR_TLV;
        if (p[at] == TLV_CRC32C && !is_intact(p, len, value))
            return PROXYPROTO_ERROR_CHECKSUM;
        at = value + value_len;
    }
    return 0;
}

static void
take_end(struct addr *out, bool v4, const uint8_t *host, const uint8_t *port)
{
    memset(out, 0, sizeof(*out));
    out->len = v4 ? sizeof(out->in) : sizeof(out->in6);
    out->sa.sa_family = v4 ? AF_INET : AF_INET6;
    if (v4)
        memcpy(&out->in.sin_addr, host, V4_LEN);
    else
        memcpy(&out->in6.sin6_addr, host, V6_LEN);
    addr_set_port(out, wire_get_u16be(port));
}

/* Sets *OUT from the LEN bytes of addresses and TLVs at P; the length of the
 * addresses, or an error. */
static ssize_t
read_ends(struct proxyproto *out, unsigned family, const uint8_t *p, size_t len)
{
    static const size_t LENGTHS[] = {0, 2 * (V4_LEN + 2), 2 * (V6_LEN + 2),
                                     2 * PATH_LEN};
    const unsigned kind = family >> 4;
    const unsigned transport = family & 15;
    size_t ends_len;

    if (kind >= sizeof(LENGTHS) / sizeof(*LENGTHS) || transport > 2)
        return PROXYPROTO_ERROR_FAMILY;
    ends_len = LENGTHS[kind];
    if (ends_len > len)
        return PROXYPROTO_ERROR_LENGTH;
    out->has_ends = transport != 0 && (kind == 1 || kind == 2);
    if (out->has_ends) {
        const bool v4 = kind == 1;
        const size_t host_len = v4 ? V4_LEN : V6_LEN;
        const uint8_t *ports = p + 2 * host_len;

        take_end(&out->from, v4, p, ports);
        take_end(&out->to, v4, p + host_len, ports + 2);
    }
    return (ssize_t)ends_len;
}

static ssize_t
read_v2(struct proxyproto *out, const uint8_t *p, size_t n)
{
    const size_t signature_len = sizeof(SIGNATURE) - 1;
    struct proxyproto header = {.has_ends = false};
    uint8_t command;
    ssize_t ends_len;
    size_t len;
    int error;

    if (n < HEAD_LEN)
        return 0;
    command = p[signature_len];
    if (command != COMMAND_LOCAL && command != COMMAND_PROXY)
        return PROXYPROTO_ERROR_COMMAND;
    len = HEAD_LEN + (size_t)wire_get_u16be(p + signature_len + 2);
    if (len > PROXYPROTO_READ_MAX)
        return PROXYPROTO_ERROR_LONG;
    if (n < len)
        return 0;
    if (command == COMMAND_LOCAL) {
        *out = header;
        return (ssize_t)len;
    }
    ends_len =
        read_ends(&header, p[signature_len + 1], p + HEAD_LEN, len - HEAD_LEN);
    if (ends_len < 0)
        return ends_len;
    error = read_tlvs(p, len, HEAD_LEN + (size_t)ends_len);
    if (error < 0)
        return error;
    *out = header;
    return (ssize_t)len;
}

static bool
begins_like(const uint8_t *p, size_t n, const char *start, size_t len)
{
    return memcmp(p, start, n < len ? n : len) == 0;
}

ssize_t
proxyproto_read(struct proxyproto *out, const uint8_t *p, size_t n)
{
    if (n == 0)
        return 0;
    if (begins_like(p, n, LINE_START, sizeof(LINE_START) - 1))
        return read_v1(out, p, n);
    if (begins_like(p, n, SIGNATURE, sizeof(SIGNATURE) - 1))
        return read_v2(out, p, n);
    return PROXYPROTO_ERROR_ABSENT;
}

const char *
proxyproto_error_text(enum proxyproto_error error)
{
    switch (error) {
    case PROXYPROTO_ERROR_ABSENT:
        return "it does not begin with a PROXY header";
    case PROXYPROTO_ERROR_LONG:
        return "its PROXY header is too long";
    case PROXYPROTO_ERROR_LINE:
        return "the line of its PROXY header is not of the form";
    case PROXYPROTO_ERROR_ADDRESS:
        return "an address or a port of its PROXY header is none";
    case PROXYPROTO_ERROR_COMMAND:
        return "the version or command of its PROXY header is unknown";
    case PROXYPROTO_ERROR_FAMILY:
        return "the address family of its PROXY header is unknown";
    case PROXYPROTO_ERROR_LENGTH:
        return "its PROXY header is shorter than its addresses";
    case PROXYPROTO_ERROR_TLV:
        return "an extension of its PROXY header does not fit";
    case PROXYPROTO_ERROR_CHECKSUM:
        return "the checksum of its PROXY header is wrong";
    }
    return "its PROXY header is broken";
}
