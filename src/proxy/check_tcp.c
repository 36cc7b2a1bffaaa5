/* SPDX-License-Identifier: MIT */
/*
 * check = tcp: the server takes a connection. Nothing is said on it.
 */
#include "proxy/check.h"

const struct check_kind_ops check_tcp = {.size = 0};
