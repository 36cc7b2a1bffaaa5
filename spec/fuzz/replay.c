/* SPDX-License-Identifier: MIT */
/*
 * replay NAME FILE...: runs one harness over files, without libFuzzer. Prints
 * each file's name before it is run, so that the last name is the culprit's.
 */
#include "fuzz.h"

enum {
    MAX_FILE = 1 << 20, /* bytes of a file that are read */
};

static const struct {
    const char *name;
    void (*run)(const uint8_t *p, size_t n);
} harnesses[] = {
    {"answer", fuzz_answer},
    {"base64", fuzz_base64},
    {"cgi", fuzz_cgi},
    {"chunked", fuzz_chunked},
    {"cookie", fuzz_cookie},
    {"etag", fuzz_etag},
    {"fcgi", fuzz_fcgi},
    {"http1", fuzz_http1},
    {"httpdate", fuzz_httpdate},
    {"mysql", fuzz_mysql},
    {"mysqlfollow", fuzz_mysqlfollow},
    {"mysqlframer", fuzz_mysqlframer},
    {"mysqllogin", fuzz_mysqllogin},
    {"mysqlwatch", fuzz_mysqlwatch},
    {"mysqlwords", fuzz_mysqlwords},
    {"proxyproto", fuzz_proxyproto},
    {"range", fuzz_range},
    {"uri", fuzz_uri},
};

static uint8_t bytes[MAX_FILE];

static int
replay_file(void (*run)(const uint8_t *p, size_t n), const char *path)
{
    FILE *file = fopen(path, "rb");
    uint8_t *copy;
    size_t n;

    if (file == NULL) {
        perror(path);
        return -1;
    }
    n = fread(bytes, 1, sizeof(bytes), file);
    fclose(file);
    puts(path);
    fflush(stdout);
    copy = fuzz_copy(bytes, n);
    run(copy, n);
    free(copy);
    return 0;
}

int
main(int argc, char **argv)
{
    for (size_t i = 0; i < sizeof(harnesses) / sizeof(harnesses[0]); i++) {
        if (argc < 2 || strcmp(argv[1], harnesses[i].name) != 0)
            continue;
        for (int at = 2; at < argc; at++) {
            if (replay_file(harnesses[i].run, argv[at]) != 0)
                return 1;
        }
        return 0;
    }
    fputs("usage: replay NAME FILE...\n", stderr);
    return 2;
}
