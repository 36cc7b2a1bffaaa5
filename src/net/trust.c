/* SPDX-License-Identifier: MIT */
#include "net/trust.h"

#include <glob.h>
#include <limits.h>
#include <openssl/err.h>
#include <openssl/ssl.h>
#include <openssl/x509_vfy.h>
#include <stdio.h>
#include <stdlib.h>

#include "base/log.h"

/* What the master has kept for its children: it has to come from outside the
 * folder that they are confined to, and so cannot be an argument of whoever
 * makes a context in there. NULL: nothing was. */
static X509_STORE *kept;

/* The certificates of a folder that holds them by their hashes, as 1a2b3c4d.0;
 * -1: it holds none. globfree is the caller's. */
static int
find_hashed(glob_t *found, const char *folder)
{
    char pattern[PATH_MAX];
    int len = snprintf(pattern, sizeof(pattern), "%s/????????.[0-9]", folder);

    *found = (glob_t){.gl_pathc = 0};
    if (len < 0 || (size_t)len >= sizeof(pattern))
        return -1;
    return glob(pattern, GLOB_NOSORT, NULL, found) == 0 ? 0 : -1;
}

static const char *
hashed_folder(void)
{
    const char *folder = secure_getenv(X509_get_default_cert_dir_env());

    return folder != NULL ? folder : X509_get_default_cert_dir();
}

/* One that cannot be read is left out, as the library would do. */
static void
load_all(X509_STORE *store, const glob_t *found)
{
    for (size_t i = 0; i < found->gl_pathc; i++) {
        if (X509_STORE_load_file(store, found->gl_pathv[i]) != 1)
            ERR_clear_error();
    }
}

void
trust_keep_system(void)
{
    const char *file = secure_getenv(X509_get_default_cert_file_env());
    X509_STORE *store = X509_STORE_new();
    glob_t found;

    if (store == NULL)
        fatal("no memory for the certificates of the system");
    if (file != NULL) {
        (void)X509_STORE_load_file(store, file);
    } else {
        if (find_hashed(&found, hashed_folder()) == 0)
            load_all(store, &found);
        else
            (void)X509_STORE_set_default_paths(store);
        globfree(&found);
    }
    ERR_clear_error();
    X509_STORE_free(kept);
    kept = store;
}

/* The library would read a file of all certificates at once, which takes tens
 * of milliseconds; from a folder it reads the one that it needs. */
static int
load_system(SSL_CTX *context)
{
    const char *file = secure_getenv(X509_get_default_cert_file_env());
    const char *folder = hashed_folder();
    glob_t found;
    int hashed;

    if (file != NULL)
        return SSL_CTX_load_verify_file(context, file);
    hashed = find_hashed(&found, folder);
    globfree(&found);
    if (hashed == 0)
        return SSL_CTX_load_verify_dir(context, folder);
    return SSL_CTX_set_default_verify_paths(context);
}

int
trust_system(struct ssl_ctx_st *context)
{
    if (kept != NULL) {
        SSL_CTX_set1_cert_store(context, kept);
        return 0;
    }
    return load_system(context) == 1 ? 0 : -1;
}
