/* SPDX-License-Identifier: MIT */
/*
 * Numbers in wire formats, byte by byte: no alignment is needed, and the host's
 * byte order does not matter. The caller has checked that the bytes are there.
 */
#ifndef BASE_WIRE_H
#define BASE_WIRE_H

#include <stdint.h>

static inline uint8_t
wire_get_u8(const uint8_t *p)
{
    return p[0];
}

/* Big endian: FastCGI, PROXY v2. */

static inline uint16_t
wire_get_u16be(const uint8_t *p)
{
    return (uint16_t)(p[0] << 8 | p[1]);
}

static inline uint32_t
wire_get_u24be(const uint8_t *p)
{
    return (uint32_t)p[0] << 16 | (uint32_t)p[1] << 8 | p[2];
}

static inline uint32_t
wire_get_u32be(const uint8_t *p)
{
    return (uint32_t)p[0] << 24 | wire_get_u24be(p + 1);
}

/* Little endian: MySQL. */

static inline uint16_t
wire_get_u16le(const uint8_t *p)
{
    return (uint16_t)(p[1] << 8 | p[0]);
}

static inline uint32_t
wire_get_u24le(const uint8_t *p)
{
    return (uint32_t)p[2] << 16 | (uint32_t)p[1] << 8 | p[0];
}

static inline uint32_t
wire_get_u32le(const uint8_t *p)
{
    return (uint32_t)p[3] << 24 | wire_get_u24le(p);
}

static inline uint64_t
wire_get_u64le(const uint8_t *p)
{
    return (uint64_t)wire_get_u32le(p + 4) << 32 | wire_get_u32le(p);
}

static inline void
wire_put_u8(uint8_t *p, uint8_t n)
{
    p[0] = n;
}

static inline void
wire_put_u16be(uint8_t *p, uint16_t n)
{
    p[0] = (uint8_t)(n >> 8);
    p[1] = (uint8_t)n;
}

static inline void
wire_put_u24be(uint8_t *p, uint32_t n)
{
    p[0] = (uint8_t)(n >> 16);
    p[1] = (uint8_t)(n >> 8);
    p[2] = (uint8_t)n;
}

static inline void
wire_put_u32be(uint8_t *p, uint32_t n)
{
    p[0] = (uint8_t)(n >> 24);
    wire_put_u24be(p + 1, n);
}

static inline void
wire_put_u16le(uint8_t *p, uint16_t n)
{
    p[0] = (uint8_t)n;
    p[1] = (uint8_t)(n >> 8);
}

static inline void
wire_put_u24le(uint8_t *p, uint32_t n)
{
    p[0] = (uint8_t)n;
    p[1] = (uint8_t)(n >> 8);
    p[2] = (uint8_t)(n >> 16);
}

static inline void
wire_put_u32le(uint8_t *p, uint32_t n)
{
    wire_put_u24le(p, n);
    p[3] = (uint8_t)(n >> 24);
}

static inline void
wire_put_u64le(uint8_t *p, uint64_t n)
{
    wire_put_u32le(p, (uint32_t)n);
    wire_put_u32le(p + 4, (uint32_t)(n >> 32));
}

#endif
