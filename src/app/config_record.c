/* SPDX-License-Identifier: MIT */
#include "app/config_record.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/buf.h"
#include "base/texts.h"
#include "config/config.h"
#include "config/faults.h"
#include "config/sources.h"
#include "proxy/addresses.h"

enum {
    RECORD_MAX = 256 << 20, /* bytes */
};

/* --- writing -------------------------------------------------------------- */

static int
write_all(int fd, struct str text)
{
    for (size_t at = 0; at < text.len;) {
        ssize_t n = write(fd, text.p + at, text.len - at);

        if (n < 0 && errno != EINTR)
            return -1;
        if (n > 0)
            at += (size_t)n;
    }
    return 0;
}

int
config_record_write(int fd, const char *file, const struct sources *sources,
                    const struct addresses *addresses)
{
    struct buf out;
    size_t at;
    int result = -1;

    buf_init_growing(&out, RECORD_MAX);
    texts_put(&out, str_make(file, strlen(file) + 1));
    at = texts_begin(&out);
    sources_write(sources, &out);
    texts_end(&out, at);
    at = texts_begin(&out);
    addresses_write(addresses, &out);
    texts_end(&out, at);
    if (out.failed)
        errno = ENOMEM;
    else
        result = write_all(fd, buf_text(&out));
    if (out.p != NULL)
        explicit_bzero(out.p, out.len); /* there may be keys in it */
    buf_fini(&out);
    return result;
}

/* --- reading -------------------------------------------------------------- */

/* The bytes of a memfd; p is NULL where they cannot be had. */
static struct str
map_record(int fd)
{
    struct stat st;
    void *p;

    if (fstat(fd, &st) < 0 || st.st_size <= 0 || st.st_size > RECORD_MAX)
        return str_make(NULL, 0);
    p = mmap(NULL, (size_t)st.st_size, PROT_READ, MAP_PRIVATE, fd, 0);
    return p == MAP_FAILED ? str_make(NULL, 0)
                           : str_make(p, (size_t)st.st_size);
}

static void
unmap_record(struct str bytes)
{
    if (bytes.p != NULL)
        munmap((void *)(uintptr_t)bytes.p, bytes.len);
}

static int
read_config(const struct config **config, const char *file, struct str bytes,
            struct faults *faults)
{
    struct sources sources;
    int result = -1;

    if (sources_read(&sources, bytes) < 0)
        faults_add(faults, file, 0, "the record of it is not whole");
    else
        result = config_read_from(config, file, &sources, faults);
    sources_fini(&sources);
    return result;
}

static int
read_parts(const struct config **config, struct addresses *addresses,
           struct str bytes, struct faults *faults)
{
    struct str file;
    struct str sources;
    struct str known;

    if (texts_take(&file, &bytes) < 0 || texts_take(&sources, &bytes) < 0 ||
        texts_take(&known, &bytes) < 0 || file.len == 0 ||
        file.p[file.len - 1] != '\0') {
        faults_add(faults, "moongate", 0,
                   "the record of the configuration is not whole");
        return -1;
    }
    if (read_config(config, file.p, sources, faults) < 0)
        return -1;
    if (addresses_read(addresses, known) == 0)
        return 0;
    addresses_fini(addresses);
    faults_add(faults, file.p, 0, "the record of its names is not whole");
    return -1;
}

int
config_record_read(const struct config **config, struct addresses *addresses,
                   int fd, struct faults *faults)
{
    struct str bytes = map_record(fd);
    const struct config *made = NULL;
    int result = read_parts(&made, addresses, bytes, faults);

    unmap_record(bytes);
    if (result == 0)
        *config = made;
    else
        config_unref(made);
    return result;
}

bool
config_record_equals(int a, int b)
{
    struct str x = map_record(a);
    struct str y = map_record(b);
    bool equal = x.p != NULL && y.p != NULL && str_equal(x, y);

    unmap_record(x);
    unmap_record(y);
    return equal;
}
