/* SPDX-License-Identifier: MIT */
/*
 * Open files of a worker: descriptor, size, type and entity tag of what was
 * asked for lately, looked at again after a second; what does not exist is
 * remembered too.  Small files that are asked for again are held in memory.
 * A file that somebody holds outlives its place in the cache.
 */
#ifndef PROXY_FILE_CACHE_H
#define PROXY_FILE_CACHE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>
#include <time.h>

#include "base/mem.h"
#include "base/str.h"

enum {
    FILE_CACHE_MAX = 1024,       /* entries; the least recently used go first */
    FILE_CACHE_FD_SHARE = 8,     /* of the descriptor limit: no more than 1/8 */
    FILE_CACHE_FRESH_MS = 1000,  /* for so long what was seen is believed */
    FILE_CACHE_IDLE_MS = 60000,  /* what nobody asks for is closed then */
    FILE_CACHE_DATA_MAX = 16384, /* bytes of a file that is held in memory */
    FILE_CACHE_DATA_ALL = 8 << 20, /* bytes of all of them */
    FILE_CACHE_SETTLED_MS = 2000,  /* a file must be so old for that */
    FILE_ETAG_MAX = 40,            /* bytes of an entity tag, with quotes */
};

enum file_kind {
    FILE_MISSING,   /* does not exist, or a part of the path is no directory */
    FILE_FORBIDDEN, /* exists, but may not be read */
    FILE_REGULAR,   /* may be sent: fd is open */
    FILE_DIRECTORY, /* is one */
    FILE_SPECIAL,   /* anything else: never served */
    FILE_ERROR,     /* could not be looked at: error says why */
};

/* What stat tells one version of a file from another by. */
struct file_version {
    dev_t device;
    ino_t inode;
    struct timespec modified;
    struct timespec changed;
};

struct file {
    unsigned refs;
    enum file_kind kind;
    int fd;    /* FILE_REGULAR */
    int error; /* errno of FILE_ERROR and FILE_FORBIDDEN */
    uint64_t size;
    time_t modified;
    struct file_version version;
    const char *data;         /* all of its bytes, or NULL: they are not held */
    struct str type;          /* Content-Type by its extension */
    char etag[FILE_ETAG_MAX]; /* "\"mtime-size\"", as nginx makes it */
    size_t etag_len;
    char last_modified[32]; /* an HTTP date of 29 bytes */
};

struct file_cache;

/* An empty one; NULL without memory. */
struct file_cache *file_cache_new(void);
void file_cache_free(struct file_cache *cache);

/* The file at PATH (NUL-terminated), with a reference for the caller; NULL
 * without memory only.  Symbolic links are followed, as nginx does.  What
 * could not be looked at (FILE_ERROR) is not remembered. */
struct file *
file_cache_get(struct file_cache *cache, struct str path) MUST_CHECK;
void file_unref(struct file *file);

#endif
