/* SPDX-License-Identifier: MIT */
/*
 * A hash table of entries in the order of their use.  What does not exist has
 * a list of its own and is evicted first, so that asking for a thousand wrong
 * names drives out no open file.
 *
 *      use ─▶ present [ file ][ file ][ file ] ─▶ evicted second
 *      use ─▶ absent  [ missing ][ forbidden ] ─▶ evicted first
 */
#include "proxy/file_cache.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/buf.h"
#include "base/clock.h"
#include "base/confine.h"
#include "base/hash.h"
#include "base/list.h"
#include "codec/httpdate.h"
#include "proxy/mime.h"

enum {
    BUCKETS = 2 * FILE_CACHE_MAX, /* a power of two */
    MAX_AT_LEAST = 16,            /* entries, however few descriptors */
};

struct entry {
    struct list use;    /* in a list of the cache, last used first */
    struct entry *next; /* in its bucket */
    uint32_t hash;
    struct file *file;
    uint64_t seen_ms; /* when `file` was true */
    uint64_t used_ms;
    size_t path_len;
    char path[]; /* with a NUL */
};

struct file_cache {
    struct list present; /* regular files and directories */
    struct list absent;  /* anything else */
    size_t count;        /* of entries in both */
    size_t max;
    size_t data_bytes; /* of all files' data */
    uint32_t seed;     /* nobody can choose names that fall into one bucket */
    struct entry *buckets[BUCKETS];
};

/* --- files ---------------------------------------------------------------- */

static struct file *
file_new(enum file_kind kind, int error)
{
    struct file *file = calloc(1, sizeof(*file));

    if (file == NULL)
        return NULL;
    file->refs = 1;
    file->kind = kind;
    file->error = error;
    file->fd = -1;
    return file;
}

void
file_unref(struct file *file)
{
    if (--file->refs > 0)
        return;
    if (file->fd >= 0)
        close(file->fd);
    free((void *)(uintptr_t)file->data);
    free(file);
}

static struct file *
file_of_error(int error)
{
    switch (error) {
    case ENOENT:
    case ENOTDIR:
    case ENAMETOOLONG:
    case ELOOP:
        return file_new(FILE_MISSING, error);
    case EACCES:
        return file_new(FILE_FORBIDDEN, error);
    default:
        return file_new(FILE_ERROR, error);
    }
}

static struct file_version
version_of(const struct stat *st)
{
    return (struct file_version){
        .device = st->st_dev,
        .inode = st->st_ino,
        .modified = st->st_mtim,
        .changed = st->st_ctim,
    };
}

static bool
same_time(const struct timespec *a, const struct timespec *b)
{
    return a->tv_sec == b->tv_sec && a->tv_nsec == b->tv_nsec;
}

static bool
same_version(const struct file_version *a, const struct file_version *b)
{
    return a->device == b->device && a->inode == b->inode &&
           same_time(&a->modified, &b->modified) &&
           same_time(&a->changed, &b->changed);
}

/* nginx's entity tag: seconds and size in hexadecimal. */
static void
describe(struct file *file, const struct stat *st, struct str path)
{
    struct buf etag;

    file->size = (uint64_t)st->st_size;
    file->modified = st->st_mtim.tv_sec;
    file->version = version_of(st);
    file->type = mime_type(path);
    buf_init(&etag, file->etag, sizeof(file->etag));
    buf_printf(&etag, "\"%llx-%llx\"", (unsigned long long)file->modified,
               (unsigned long long)file->size);
    file->etag_len = etag.len;
    httpdate_write(file->last_modified, file->modified);
}

static struct file *
open_regular(struct str path)
{
    /* Should a FIFO have taken its place meanwhile, opening must not wait. */
    int fd = open(confine_path(path.p),
                  O_RDONLY | O_NONBLOCK | O_NOCTTY | O_CLOEXEC);
    struct file *file;
    struct stat st;

    if (fd < 0)
        return file_of_error(errno);
    if (fstat(fd, &st) < 0)
        file = file_of_error(errno);
    else if (!S_ISREG(st.st_mode))
        file = file_new(FILE_SPECIAL, 0);
    else
        file = file_new(FILE_REGULAR, 0);
    if (file == NULL || file->kind != FILE_REGULAR) {
        close(fd);
        return file;
    }
    file->fd = fd;
    describe(file, &st, path);
    return file;
}

/* Special files are not opened: for some, that alone does something. */
static struct file *
look_up(struct str path)
{
    struct file *file;
    struct stat st;

    if (stat(confine_path(path.p), &st) < 0)
        return file_of_error(errno);
    if (S_ISREG(st.st_mode))
        return open_regular(path);
    file = file_new(S_ISDIR(st.st_mode) ? FILE_DIRECTORY : FILE_SPECIAL, 0);
    if (file != NULL)
        file->version = version_of(&st);
    return file;
}

/* Whether FILE is still what is at PATH. */
static bool
is_unchanged(const struct file *file, struct str path)
{
    struct file_version version;
    struct stat st;

    if (stat(confine_path(path.p), &st) < 0)
        return file->kind == FILE_MISSING && file->error == errno;
    version = version_of(&st);
    return (file->kind == FILE_REGULAR || file->kind == FILE_DIRECTORY) &&
           same_version(&file->version, &version);
}

/* --- the table ------------------------------------------------------------ */

struct file_cache *
file_cache_new(void)
{
    struct file_cache *cache = calloc(1, sizeof(*cache));
    struct rlimit limit;

    if (cache == NULL)
        return NULL;
    list_init(&cache->present);
    list_init(&cache->absent);
    cache->max = FILE_CACHE_MAX;
    if (getrlimit(RLIMIT_NOFILE, &limit) == 0 &&
        limit.rlim_cur / FILE_CACHE_FD_SHARE < cache->max)
        cache->max = limit.rlim_cur / FILE_CACHE_FD_SHARE;
    if (cache->max < MAX_AT_LEAST)
        cache->max = MAX_AT_LEAST;
    if (getrandom(&cache->seed, sizeof(cache->seed), GRND_NONBLOCK) < 0)
        cache->seed = (uint32_t)clock_us();
    return cache;
}

static struct entry **
find_entry(struct file_cache *cache, struct str path, uint32_t hash)
{
    struct entry **at = &cache->buckets[hash & (BUCKETS - 1)];

    for (; *at != NULL; at = &(*at)->next) {
        struct entry *entry = *at;

        if (entry->hash == hash &&
            str_equal(str_make(entry->path, entry->path_len), path))
            break;
    }
    return at;
}

static void
drop_file(struct file_cache *cache, struct entry *entry)
{
    if (entry->file->data != NULL)
        cache->data_bytes -= entry->file->size;
    file_unref(entry->file);
    entry->file = NULL;
}

static void
evict(struct file_cache *cache, struct entry *entry)
{
    struct entry **at =
        find_entry(cache, str_make(entry->path, entry->path_len), entry->hash);

    *at = entry->next;
    list_remove(&entry->use);
    drop_file(cache, entry);
    free(entry);
    cache->count--;
}

/* The entry of LIST that was not used for the longest time, or NULL. */
static struct entry *
coldest(const struct list *list)
{
    return list_empty(list) ? NULL
                            : container_of(list->prev, struct entry, use);
}

static void
evict_one(struct file_cache *cache)
{
    struct entry *entry = coldest(&cache->absent);

    evict(cache, entry != NULL ? entry : coldest(&cache->present));
}

void
file_cache_free(struct file_cache *cache)
{
    if (cache == NULL)
        return;
    while (cache->count > 0)
        evict_one(cache);
    free(cache);
}

static void
set_use(struct file_cache *cache, struct entry *entry)
{
    enum file_kind kind = entry->file->kind;

    list_remove(&entry->use);
    list_add_head(kind == FILE_REGULAR || kind == FILE_DIRECTORY
                      ? &cache->present
                      : &cache->absent,
                  &entry->use);
    entry->used_ms = clock_ms();
}

/* Remembers FILE, whose reference it takes over; without memory it does not. */
static void
add_entry(struct file_cache *cache, struct str path, uint32_t hash,
          struct file *file)
{
    struct entry *entry = malloc(sizeof(*entry) + path.len + 1);
    struct entry **bucket = &cache->buckets[hash & (BUCKETS - 1)];

    if (entry == NULL) {
        file_unref(file);
        return;
    }
    if (cache->count >= cache->max)
        evict_one(cache);
    entry->next = *bucket;
    *bucket = entry;
    entry->hash = hash;
    entry->file = file;
    entry->seen_ms = clock_ms();
    entry->path_len = path.len;
    memcpy(entry->path, path.p, path.len);
    entry->path[path.len] = '\0';
    list_init(&entry->use);
    set_use(cache, entry);
    cache->count++;
}

/* A file that was deleted must not stay open for ever because nobody asks. */
static void
evict_idle(struct file_cache *cache)
{
    struct entry *entry = coldest(&cache->present);

    if (entry != NULL && clock_ms() - entry->used_ms >= FILE_CACHE_IDLE_MS)
        evict(cache, entry);
}

/* Reads a small file into memory.  One that was changed just now is left for
 * later: a further change in the same tick of the file system's clock could
 * not be told from this one. */
static void
load_data(struct file_cache *cache, struct file *file)
{
    uint64_t modified_ms = (uint64_t)file->modified * 1000;
    char *data;

    if (file->kind != FILE_REGULAR || file->data != NULL || file->size == 0 ||
        file->size > FILE_CACHE_DATA_MAX ||
        cache->data_bytes + file->size > FILE_CACHE_DATA_ALL ||
        modified_ms + FILE_CACHE_SETTLED_MS > clock_wall_ms())
        return;
    data = malloc((size_t)file->size);
    if (data == NULL)
        return;
    if (pread(file->fd, data, (size_t)file->size, 0) != (ssize_t)file->size) {
        free(data);
        return;
    }
    file->data = data;
    cache->data_bytes += file->size;
}

/* Brings an entry up to date.  NULL: it could not be, and is no more. */
static struct file *
refresh(struct file_cache *cache, struct entry *entry, struct str path)
{
    struct file *file;

    if (clock_ms() - entry->seen_ms < FILE_CACHE_FRESH_MS)
        return entry->file;
    if (!is_unchanged(entry->file, path)) {
        file = look_up(path);
        if (file == NULL)
            return NULL;
        drop_file(cache, entry);
        entry->file = file;
    }
    entry->seen_ms = clock_ms();
    return entry->file;
}

struct file *
file_cache_get(struct file_cache *cache, struct str path)
{
    uint32_t hash = hash_murmur(path.p, path.len, cache->seed);
    struct entry *entry = *find_entry(cache, path, hash);
    struct file *file;

    if (entry == NULL) {
        evict_idle(cache);
        file = look_up(path);
        if (file == NULL || file->kind == FILE_ERROR)
            return file;
        file->refs++;
        add_entry(cache, path, hash, file);
        return file;
    }
    file = refresh(cache, entry, path);
    if (file == NULL)
        return NULL;
    file->refs++;
    if (file->kind == FILE_ERROR) {
        evict(cache, entry);
        return file;
    }
    load_data(cache, file);
    set_use(cache, entry);
    return file;
}
