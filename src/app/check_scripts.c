/* SPDX-License-Identifier: MIT */
#include "app/check_scripts.h"

#include "board/board.h"
#include "proxy/runtime.h"
#include "script/check_lua.h"
#include "script/scripts.h"
#include "script/takeover.h"

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

int
check_scripts_stage(struct check_scripts *scripts, struct loop *loop,
                    struct board *board, const struct config *config,
                    struct addresses *addresses, struct bundles *bundles,
                    const struct check_scripts *before, struct faults *faults)
{
    struct service *service = &scripts->service;

    *scripts = (struct check_scripts){.in_use = scripts_have_checks(config)};
    if (!scripts->in_use)
        return 0;
    engine_init(&scripts->engine, loop, board, NULL,
                board_control_number(board));
    service->runtime = runtime_new(&scripts->engine, config, addresses, faults);
    service->scripts = setup_load_beside(
        service->runtime, bundles,
        before->in_use ? before->service.scripts : NULL, true, faults);
    if (service->scripts != NULL)
        return 0;
    check_scripts_drop(scripts);
    return -1;
}

void
check_scripts_take_over(struct check_scripts *scripts,
                        struct check_scripts *before, struct resolver *resolver)
{
    if (scripts->in_use)
        scripts_take_over(scripts->service.scripts,
                          before->in_use ? before->service.scripts : NULL);
    check_scripts_stop(before);
    if (scripts->in_use)
        check_lua_use(scripts->service.scripts, resolver);
}

void
check_scripts_drop(struct check_scripts *scripts)
{
    if (!scripts->in_use)
        return;
    scripts->in_use = false;
    service_fini(&scripts->service);
    engine_fini(&scripts->engine);
}

void
check_scripts_stop(struct check_scripts *scripts)
{
    if (!scripts->in_use)
        return;
    check_lua_use(NULL, NULL);
    check_scripts_drop(scripts);
}
