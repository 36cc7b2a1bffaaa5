/* SPDX-License-Identifier: MIT */
#include "app/rows.h"

#include "board/board.h"
#include "board/dict.h"
#include "board/metric.h"
#include "board/queue.h"
#include "board/seats.h"
#include "board/state.h"
#include "proxy/addresses.h"
#include "proxy/section.h"
#include "proxy/server_names.h"
#include "script/scripts.h"

enum {
    SCRIPT_ROWS_SPARE = 256, /* for what a reload or a swap may add */
    SECTION_ROWS_SPARE = 256,
    RING_BYTES = 1 << 20, /* of each worker's log ring */
};

/* What `check` lets pass has room. */
_Static_assert((int)CONFIG_SHARED_MEMORY_MIN >= (int)DICT_BYTES_MIN,
               "dictionaries");
_Static_assert((int)CONFIG_UPSTREAMS_MAX <= (int)BOARD_ROWS_MAX, "upstreams");
_Static_assert((int)CONFIG_SERVERS_MAX <= (int)BOARD_ROWS_MAX, "servers");
_Static_assert(CONFIG_SECTIONS_MAX + SECTION_ROWS_SPARE <= BOARD_ROWS_MAX,
               "sections");
_Static_assert(CONFIG_UPSTREAMS_MAX + CONFIG_SCRIPTS_MAX + SCRIPT_ROWS_SPARE <=
                   BOARD_ROWS_MAX,
               "scripts and policies");

static void
set_server(struct board *board, int row, const struct server_conf *conf)
{
    board_set_server(board, row, conf->address.text, (int32_t)conf->weight,
                     (int32_t)conf->maxconn, conf->backup);
}

static int
add_server(struct board *board, int upstream, const struct server_conf *conf)
{
    int row;

    if (board_find_server(board, upstream, conf->name) != BOARD_NONE)
        return 0;
    row = board_add_server(board, upstream, conf->name);
    if (row == BOARD_NONE)
        return -1;
    set_server(board, row, conf);
    if (conf->disabled)
        board_set_admin(board, row, SERVER_MAINT);
    return 0;
}

static int
add_upstream(struct board *board, const struct upstream_conf *conf)
{
    int row = board_find_upstream(board, conf->name);

    if (row == BOARD_NONE)
        row = board_add_upstream(board, conf->name);
    if (row == BOARD_NONE)
        return -1;
    for (size_t i = 0; i < conf->server_count; i++) {
        if (add_server(board, row, &conf->servers[i]) < 0)
            return -1;
    }
    return 0;
}

static int
add_section(struct board *board, const struct section_conf *conf)
{
    char name[SECTION_ROW_NAME];
    struct str text = section_row_name(name, conf);
    int row = board_find_section(board, text);

    if (row != BOARD_NONE)
        return 0;
    row = board_add_section(board, text);
    if (row == BOARD_NONE)
        return -1;
    atomic_store(&board->sections[row].max_connections,
                 (int32_t)conf->max_connections);
    return 0;
}

/* A server whose name has no address is down, whether it is checked or not. */
static void
set_addresses(struct board *board, int row, const struct server_conf *conf,
              const struct addresses *addresses)
{
    struct addr addrs[BOARD_ADDRS_MAX];
    unsigned count =
        addresses_known(addresses, addrs, BOARD_ADDRS_MAX, &conf->address);

    board_set_addresses(board, row, addrs, count);
    if (count == 0)
        board_set_up(board, row, false, STR(SERVER_NAMES_UNKNOWN));
}

int
rows_add(struct board *board, const struct config *config)
{
    for (size_t i = 0; i < config->upstream_count; i++) {
        if (add_upstream(board, &config->upstreams[i]) < 0)
            return -1;
    }
    for (size_t i = 0; i < config->section_count; i++) {
        if (add_section(board, &config->sections[i]) < 0)
            return -1;
    }
    return scripts_add_rows(board, config);
}

struct board *
rows_open_board(const struct config *config, unsigned workers)
{
    const struct board_limits limits = {
        .workers = workers,
        .vacant = workers,
        .upstreams = CONFIG_UPSTREAMS_MAX,
        .servers = CONFIG_SERVERS_MAX,
        .sections = (unsigned)config->section_count + SECTION_ROWS_SPARE,
        .scripts = scripts_count(config) + SCRIPT_ROWS_SPARE,
        .entries = config->global.max_connections < QUEUE_ENTRIES_MAX
                       ? config->global.max_connections
                       : QUEUE_ENTRIES_MAX,
        .ring_bytes = RING_BYTES,
        .dict_bytes = config->global.shared_memory,
        .series = METRIC_SERIES_MAX,
        .seats = config->global.max_connections < SEATS_MAX
                     ? config->global.max_connections
                     : SEATS_MAX,
    };
    struct board *board = board_open(&limits, MOONGATE_VERSION);

    if (board == NULL || rows_add(board, config) == 0)
        return board;
    board_close(board);
    return NULL;
}

void
rows_set_addresses(struct board *board, const struct config *config,
                   const struct addresses *addresses)
{
    for (size_t i = 0; i < config->upstream_count; i++) {
        const struct upstream_conf *conf = &config->upstreams[i];
        int upstream = board_find_upstream(board, conf->name);

        for (size_t k = 0; k < conf->server_count; k++) {
            const struct server_conf *server = &conf->servers[k];
            int row = board_find_server(board, upstream, server->name);

            set_addresses(board, row, server, addresses);
        }
    }
}

static void
apply_upstream(struct board *board, const struct upstream_conf *conf)
{
    int upstream = board_find_upstream(board, conf->name);

    for (size_t i = 0; i < conf->server_count; i++) {
        const struct server_conf *server = &conf->servers[i];

        set_server(board, board_find_server(board, upstream, server->name),
                   server);
    }
}

void
rows_apply(struct board *board, const struct config *config,
           const struct addresses *addresses)
{
    for (size_t i = 0; i < config->upstream_count; i++)
        apply_upstream(board, &config->upstreams[i]);
    for (size_t i = 0; i < config->section_count; i++) {
        const struct section_conf *conf = &config->sections[i];
        char name[SECTION_ROW_NAME];
        int row = board_find_section(board, section_row_name(name, conf));

        atomic_store(&board->sections[row].max_connections,
                     (int32_t)conf->max_connections);
    }
    rows_set_addresses(board, config, addresses);
}
