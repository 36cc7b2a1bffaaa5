/* SPDX-License-Identifier: MIT */
#include "app/check_scripts.h"

#include "board/board.h"
#include "script/check_lua.h"
#include "script/scripts.h"

void
check_scripts_start(struct check_scripts *scripts, struct loop *loop,
                    struct board *board, const struct config *config,
                    struct addresses *addresses, struct bundles *bundles,
                    struct resolver *resolver)
{
    struct faults faults;

    scripts->in_use = scripts_have_checks(config);
    if (!scripts->in_use)
        return;
    engine_init(&scripts->engine, loop, board, NULL,
                board_control_number(board));
    faults_init(&faults);
    service_init_checks(&scripts->service, &scripts->engine, config, addresses,
                        bundles, &faults);
    setup_log_faults(&faults);
    faults_fini(&faults);
    check_lua_use(scripts->service.scripts, resolver);
}

void
check_scripts_stop(struct check_scripts *scripts)
{
    if (!scripts->in_use)
        return;
    check_lua_use(NULL, NULL);
    service_fini(&scripts->service);
    engine_fini(&scripts->engine);
}
