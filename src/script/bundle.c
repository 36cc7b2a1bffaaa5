/* SPDX-License-Identifier: MIT */
/*
 * As it is written, all numbers of 4 bytes, the least first:
 *
 *     "MGBN" | len, name | count | count times:
 *                                  kind, missing | len, name | len, text
 *
 * Whoever reads trusts no length.
 */
#include "script/bundle.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/hex.h"
#include "base/wire.h"
#include "net/crypto.h"

static const char magic[4] = {'M', 'G', 'B', 'N'};

enum {
    NUMBER_LEN = 4,
    NAME_MAX_LEN = 4096, /* bytes of a name that is read */
};

/* --- one ------------------------------------------------------------------ */

struct bundle *
bundle_new(const char *name)
{
    struct bundle *bundle = calloc(1, sizeof(*bundle));

    if (bundle == NULL)
        return NULL;
    bundle->refs = 1;
    bundle->name = strdup(name);
    if (bundle->name != NULL)
        return bundle;
    free(bundle);
    return NULL;
}

struct bundle *
bundle_ref(struct bundle *bundle)
{
    bundle->refs++;
    return bundle;
}

void
bundle_unref(struct bundle *bundle)
{
    if (bundle == NULL || --bundle->refs > 0)
        return;
    for (size_t i = 0; i < bundle->count; i++) {
        free(bundle->files[i].name);
        free(bundle->files[i].text);
    }
    free(bundle->files);
    free(bundle->name);
    free(bundle);
}

const struct bundle_file *
bundle_find(const struct bundle *bundle, enum bundle_kind kind,
            const char *name)
{
    for (size_t i = 0; i < bundle->count; i++) {
        const struct bundle_file *file = &bundle->files[i];

        if (file->kind == kind && strcmp(file->name, name) == 0)
            return file;
    }
    return NULL;
}

static int
make_room(struct bundle *bundle)
{
    size_t capacity = bundle->capacity == 0 ? 8 : bundle->capacity * 2;
    struct bundle_file *files;

    if (bundle->count < bundle->capacity)
        return 0;
    files = realloc(bundle->files, capacity * sizeof(*files));
    if (files == NULL)
        return -1;
    bundle->files = files;
    bundle->capacity = capacity;
    return 0;
}

/* Takes NAME and TEXT over where it succeeds. */
static int
add_owned(struct bundle *bundle, const struct bundle_file *file)
{
    size_t size = strlen(file->name) + file->len;

    if (bundle->count == BUNDLE_FILES_MAX ||
        size > BUNDLE_BYTES_MAX - bundle->bytes) {
        errno = EFBIG;
        return -1;
    }
    if (make_room(bundle) < 0)
        return -1;
    bundle->files[bundle->count++] = *file;
    bundle->bytes += size;
    return 0;
}

int
bundle_add(struct bundle *bundle, enum bundle_kind kind, const char *name,
           struct str text, bool missing)
{
    struct bundle_file file = {
        .kind = kind,
        .missing = missing,
        .name = strdup(name),
        .text = malloc(text.len + 1),
        .len = text.len,
    };

    if (file.name != NULL && file.text != NULL) {
        if (text.len > 0)
            memcpy(file.text, text.p, text.len);
        file.text[text.len] = '\0';
        if (add_owned(bundle, &file) == 0)
            return 0;
    }
    free(file.name);
    free(file.text);
    return -1;
}

/* --- its hash ------------------------------------------------------------- */

/* What two processes ask for in another order is the same version. */
static int
compare_files(const void *a, const void *b)
{
    const struct bundle_file *first = a;
    const struct bundle_file *second = b;

    if (first->kind != second->kind)
        return first->kind < second->kind ? -1 : 1;
    return strcmp(first->name, second->name);
}

enum {
    PARTS = 3,                     /* of a file that are hashed */
    HEAD_LEN = 1 + 2 * NUMBER_LEN, /* kind, both lengths */
};

/* A number before every text keeps texts apart that would read the same one
 * behind the other. */
static size_t
lay_parts(struct str *parts, uint8_t *heads, const struct bundle *bundle)
{
    size_t used = 0;

    for (size_t i = 0; i < bundle->count; i++) {
        const struct bundle_file *file = &bundle->files[i];
        uint8_t *head = heads + i * HEAD_LEN;

        if (file->missing)
            continue;
        head[0] = (uint8_t)file->kind;
        wire_put_u32le(head + 1, (uint32_t)strlen(file->name));
        wire_put_u32le(head + 1 + NUMBER_LEN, (uint32_t)file->len);
        parts[used++] = str_make((const char *)head, HEAD_LEN);
        parts[used++] = str_from(file->name);
        parts[used++] = str_make(file->text, file->len);
    }
    return used;
}

int
bundle_seal(struct bundle *bundle)
{
    struct str *parts;
    uint8_t *heads;
    int result = -1;

    if (bundle->sealed)
        return 0;
    if (bundle->count > 0)
        qsort(bundle->files, bundle->count, sizeof(*bundle->files),
              compare_files);
    parts = calloc(PARTS * bundle->count + 1, sizeof(*parts));
    heads = calloc(bundle->count + 1, HEAD_LEN);
    if (parts != NULL && heads != NULL)
        result =
            crypto_sha256(bundle->hash, parts, lay_parts(parts, heads, bundle));
    free(parts);
    free(heads);
    if (result < 0)
        return -1;
    hex_write(bundle->hash_text, bundle->hash, BUNDLE_HASH_SHOWN / 2);
    bundle->sealed = true;
    return 0;
}

const char *
bundle_hash(const struct bundle *bundle)
{
    return bundle->hash_text;
}

bool
bundle_equals(const struct bundle *a, const struct bundle *b)
{
    return a->sealed && b->sealed &&
           memcmp(a->hash, b->hash, BUNDLE_HASH_LEN) == 0;
}

/* --- writing -------------------------------------------------------------- */

static int
put(int fd, off_t *at, const void *p, size_t len)
{
    const char *from = p;

    while (len > 0) {
        ssize_t n = pwrite(fd, from, len, *at);

        if (n < 0 && errno == EINTR)
            continue;
        if (n <= 0)
            return -1;
        from += n;
        len -= (size_t)n;
        *at += n;
    }
    return 0;
}

static int
put_number(int fd, off_t *at, size_t number)
{
    uint8_t bytes[NUMBER_LEN];

    wire_put_u32le(bytes, (uint32_t)number);
    return put(fd, at, bytes, sizeof(bytes));
}

static int
put_text(int fd, off_t *at, const char *p, size_t len)
{
    return put_number(fd, at, len) < 0 ? -1 : put(fd, at, p, len);
}

static int
put_file(int fd, off_t *at, const struct bundle_file *file)
{
    const uint8_t flags[2] = {(uint8_t)file->kind, file->missing};

    if (put(fd, at, flags, sizeof(flags)) < 0 ||
        put_text(fd, at, file->name, strlen(file->name)) < 0)
        return -1;
    return put_text(fd, at, file->text, file->len);
}

int
bundle_write(const struct bundle *bundle, int fd, off_t *at)
{
    if (put(fd, at, magic, sizeof(magic)) < 0 ||
        put_text(fd, at, bundle->name, strlen(bundle->name)) < 0 ||
        put_number(fd, at, bundle->count) < 0)
        return -1;
    for (size_t i = 0; i < bundle->count; i++) {
        if (put_file(fd, at, &bundle->files[i]) < 0)
            return -1;
    }
    return 0;
}

/* --- reading -------------------------------------------------------------- */

static int
refuse(void)
{
    errno = EBADMSG;
    return -1;
}

static int
get(int fd, off_t *at, void *p, size_t len)
{
    char *to = p;

    while (len > 0) {
        ssize_t n = pread(fd, to, len, *at);

        if (n < 0 && errno == EINTR)
            continue;
        if (n < 0)
            return -1;
        if (n == 0)
            return refuse();
        to += n;
        len -= (size_t)n;
        *at += n;
    }
    return 0;
}

static int
get_number(size_t *out, int fd, off_t *at, size_t most)
{
    uint8_t bytes[NUMBER_LEN];
    size_t number;

    if (get(fd, at, bytes, sizeof(bytes)) < 0)
        return -1;
    number = wire_get_u32le(bytes);
    if (number > most)
        return refuse();
    *out = number;
    return 0;
}

/* A text of the heap with a NUL behind it; NULL with errno. */
static char *
get_text(size_t *len, int fd, off_t *at, size_t most)
{
    size_t size;
    char *text;

    if (get_number(&size, fd, at, most) < 0)
        return NULL;
    text = malloc(size + 1);
    if (text == NULL)
        return NULL;
    if (get(fd, at, text, size) < 0) {
        free(text);
        return NULL;
    }
    text[size] = '\0';
    *len = size;
    return text;
}

/* The same without a NUL in it. */
static char *
get_name(int fd, off_t *at)
{
    size_t len;
    char *name = get_text(&len, fd, at, NAME_MAX_LEN);

    if (name == NULL || strlen(name) == len)
        return name;
    free(name);
    errno = EBADMSG;
    return NULL;
}

static int
get_file(struct bundle *bundle, int fd, off_t *at)
{
    struct bundle_file file = {.name = NULL};
    uint8_t flags[2];

    if (get(fd, at, flags, sizeof(flags)) < 0)
        return -1;
    if (flags[0] >= BUNDLE_KINDS || flags[1] > 1)
        return refuse();
    file.kind = (enum bundle_kind)flags[0];
    file.missing = flags[1] == 1;
    file.name = get_name(fd, at);
    if (file.name != NULL)
        file.text =
            get_text(&file.len, fd, at, BUNDLE_BYTES_MAX - bundle->bytes);
    if (file.text != NULL && add_owned(bundle, &file) == 0)
        return 0;
    free(file.name);
    free(file.text);
    return errno == EFBIG ? refuse() : -1;
}

static int
get_files(struct bundle *bundle, int fd, off_t *at)
{
    size_t count;

    if (get_number(&count, fd, at, BUNDLE_FILES_MAX) < 0)
        return -1;
    for (size_t i = 0; i < count; i++) {
        if (get_file(bundle, fd, at) < 0)
            return -1;
    }
    return bundle_seal(bundle);
}

struct bundle *
bundle_read(int fd, off_t *at)
{
    char word[sizeof(magic)];
    struct bundle *bundle;
    char *name;

    if (get(fd, at, word, sizeof(word)) < 0)
        return NULL;
    if (memcmp(word, magic, sizeof(magic)) != 0) {
        errno = EBADMSG;
        return NULL;
    }
    name = get_name(fd, at);
    if (name == NULL)
        return NULL;
    bundle = bundle_new(name);
    free(name);
    if (bundle == NULL || get_files(bundle, fd, at) == 0)
        return bundle;
    bundle_unref(bundle);
    return NULL;
}
