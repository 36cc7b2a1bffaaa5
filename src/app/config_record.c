/* SPDX-License-Identifier: MIT */
#include "app/config_record.h"

#include <string.h>

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

int
config_record_write(int fd, const char *file, const struct sources *sources,
                    const struct addresses *addresses)
{
    struct buf out;
    size_t at;
    int result;

    buf_init_growing(&out, RECORD_MAX);
    texts_put(&out, str_make(file, strlen(file) + 1));
    at = texts_begin(&out);
    sources_write(sources, &out);
    texts_end(&out, at);
    at = texts_begin(&out);
    addresses_write(addresses, &out);
    texts_end(&out, at);
    result = texts_write(fd, &out);
    if (out.p != NULL)
        explicit_bzero(out.p, out.len); /* there may be keys in it */
    buf_fini(&out);
    return result;
}

/* --- reading -------------------------------------------------------------- */

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
    struct str bytes = texts_map(fd, RECORD_MAX);
    const struct config *made = NULL;
    int result = read_parts(&made, addresses, bytes, faults);

    texts_unmap(bytes);
    if (result == 0)
        *config = made;
    else
        config_unref(made);
    return result;
}

bool
config_record_equals(int a, int b)
{
    struct str x = texts_map(a, RECORD_MAX);
    struct str y = texts_map(b, RECORD_MAX);
    bool equal = x.p != NULL && y.p != NULL && str_equal(x, y);

    texts_unmap(x);
    texts_unmap(y);
    return equal;
}
