/* SPDX-License-Identifier: MIT */
/*
 * The table of counters, spelled out for whoever prints them all.
 */
#include "board/counters.h"

#define SERVER_INFO(name, kind, sentence) \
    {#name, COUNTER_##kind, sentence, offsetof(struct server_totals, name)},
#define SECTION_INFO(name, kind, sentence) \
    {#name, COUNTER_##kind, sentence, offsetof(struct section_totals, name)},
#define SCRIPT_INFO(name, kind, sentence) \
    {#name, COUNTER_##kind, sentence, offsetof(struct script_totals, name)},

const struct counter_info server_counter_infos[] = {
    SERVER_COUNTERS(SERVER_INFO)};
const struct counter_info section_counter_infos[] = {
    SECTION_COUNTERS(SECTION_INFO)};
const struct counter_info script_counter_infos[] = {
    SCRIPT_COUNTERS(SCRIPT_INFO)};

const size_t server_counter_count =
    sizeof(server_counter_infos) / sizeof(*server_counter_infos);
const size_t section_counter_count =
    sizeof(section_counter_infos) / sizeof(*section_counter_infos);
const size_t script_counter_count =
    sizeof(script_counter_infos) / sizeof(*script_counter_infos);
