/* SPDX-License-Identifier: MIT */
/*
 * What policies read of a server; see view_struct.h, whose text LuaJIT gets.
 */
#ifndef BOARD_VIEW_H
#define BOARD_VIEW_H

#include <stdbool.h>
#include <stdint.h>

#include "board/view_struct.h"

#endif
