/* SPDX-License-Identifier: MIT */
/*
 * What libFuzzer calls; built once a harness with -DFUZZ=fuzz_NAME.
 */
#include "fuzz.h"

int LLVMFuzzerTestOneInput(const uint8_t *p, size_t n);

int
LLVMFuzzerTestOneInput(const uint8_t *p, size_t n)
{
    FUZZ(p, n);
    return 0;
}
