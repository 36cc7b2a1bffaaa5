/* SPDX-License-Identifier: MIT */
/*
 * Open files of a worker: descriptor, size, type and entity tag of what was
 * asked for lately, looked at again after a second; what does not exist is
 * remembered too.  An entry that somebody holds outlives its place in the
 * cache.
 */
#ifndef PROXY_FILE_CACHE_H
#define PROXY_FILE_CACHE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <time.h>

#include "base/mem.h"
#include "base/str.h"

enum {
    FILE_CACHE_MAX = 1024,      /* entries; the least recently used go first */
    FILE_CACHE_FRESH_MS = 1000, /* for so long what was seen is believed */
    FILE_ETAG_MAX = 40,         /* bytes of an entity tag with its quotes */
};

enum file_kind {
    FILE_MISSING,   /* does not exist, or a part of the path is no directory */
    FILE_FORBIDDEN, /* exists, but may not be read */
    FILE_REGULAR,   /* may be sent: fd is open */
    FILE_DIRECTORY, /* is one */
    FILE_SPECIAL,   /* anything else: never served */
    FILE_ERROR,     /* could not be looked at: error says why */
};

struct file {
    unsigned refs;
    enum file_kind kind;
    int fd;    /* FILE_REGULAR */
    int error; /* errno of FILE_ERROR and FILE_FORBIDDEN */
    uint64_t size;
    time_t modified;
    struct str type;          /* Content-Type by its extension */
    char etag[FILE_ETAG_MAX]; /* "\"mtime-size\"", as nginx makes it */
    size_t etag_len;
    char last_modified[32]; /* an HTTP date of 29 bytes */
};

struct file_cache;

struct file_cache *file_cache_new(void);
void file_cache_free(struct file_cache *cache);

/* The file at PATH (NUL-terminated), with a reference for the caller; NULL
 * without memory only.  Symbolic links are followed, as nginx does. */
struct file *
file_cache_get(struct file_cache *cache, struct str path) MUST_CHECK;
void file_unref(struct file *file);

#endif
