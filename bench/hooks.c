/* SPDX-License-Identifier: MIT */
/*
 * What calling scripts costs: for each policy that ships, one pick from C over
 * eight servers, a policy that does nothing as the floor, and the round robin
 * that is built in; and a request hook that reads two fields, with all that a
 * request needs of the scripts.
 *
 *     cmake --build build -t bench-hooks && build/bench-hooks
 *
 * Run it from the checkout.  For instruction counts, which do not depend on the
 * machine's load, run it under `valgrind --tool=callgrind`.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "base/addr.h"
#include "base/clock.h"
#include "base/log.h"
#include "config/config.h"
#include "proxy/addresses.h"
#include "proxy/http_exchange.h"
#include "proxy/runtime.h"
#include "proxy/section.h"
#include "proxy/upstream.h"
#include "script/scripts.h"

enum {
    SERVERS = 8,
    CALLS_WARM = 100000,
    CALLS = 2000000,
};

static const char *const policies[] = {
    "${dir}/nothing.lua", "leastconn", "roundrobin",
    "static-rr",          "source",    "source hash=consistent",
};

static const size_t policy_count = sizeof(policies) / sizeof(policies[0]);

static void
write_file(const char *dir, const char *name, const char *text)
{
    char path[256];
    FILE *file;

    (void)snprintf(path, sizeof(path), "%s/%s", dir, name);
    file = fopen(path, "w");
    if (file == NULL || fputs(text, file) < 0 || fclose(file) != 0)
        fatal("cannot write %s", path);
}

static void
write_upstream(FILE *file, const char *dir, size_t number)
{
    const char *policy = policies[number];

    (void)fprintf(file, "[upstream u%zu]\nprotocol = tcp\npolicy = ", number);
    if (policy[0] == '$')
        (void)fprintf(file, "%s%s\n", dir, policy + strlen("${dir}"));
    else
        (void)fprintf(file, "%s\n", policy);
    for (int i = 1; i <= SERVERS; i++)
        (void)fprintf(file, "server s%d = 127.0.0.1:%d\n", i, 9000 + i);
}

static void
write_configuration(const char *dir)
{
    char path[256];
    FILE *file;

    write_file(dir, "nothing.lua",
               "return { pick = function(flow, servers) return 1 end }\n");
    write_file(dir, "request.lua",
               "return { request = function(req)\n"
               "  if req.method == 'PUT' and req.path == '/x' then\n"
               "    return { status = 405 }\n"
               "  end\n"
               "end }\n");
    (void)snprintf(path, sizeof(path), "%s/moongate.ini", dir);
    file = fopen(path, "w");
    if (file == NULL)
        fatal("cannot write %s", path);
    for (size_t i = 0; i < policy_count; i++)
        write_upstream(file, dir, i);
    (void)fprintf(file,
                  "[http h]\nlisten = 127.0.0.1:9000\n"
                  "script = %s/request.lua\n",
                  dir);
    (void)fclose(file);
}

static struct runtime *
make_runtime(const char *dir, struct addresses *addresses,
             struct faults *faults)
{
    const struct config *config;
    struct runtime *runtime;
    char path[256];

    (void)snprintf(path, sizeof(path), "%s/moongate.ini", dir);
    if (config_read(&config, path, faults) < 0)
        return NULL;
    runtime = runtime_new(NULL, config, addresses, faults);
    config_unref(config);
    return runtime;
}

static double
seconds(void)
{
    struct timespec ts;

    (void)clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &ts);
    return (double)ts.tv_sec + (double)ts.tv_nsec / 1e9;
}

static void
call_pick(struct upstream *upstream, struct flow *flow, unsigned count)
{
    const struct policy_hooks *policy = &upstream->policy;
    const char *reason;

    for (unsigned i = 0; i < count; i++) {
        int index;

        flow->turn = i;
        upstream->views[i % SERVERS].active = (int32_t)(i % 5);
        index = policy->pick != NULL ? policy->pick(policy->arg, flow, &reason)
                                     : upstream_pick_builtin(upstream, flow);
        if (index < 0)
            fatal("the policy refused");
    }
}

static void
call_request(const struct section *section, struct http_exchange *exchange,
             unsigned count)
{
    const struct section_hooks *hooks = &section->hooks;
    struct hook_verdict verdict;

    for (unsigned i = 0; i < count; i++) {
        if (hooks->request(hooks->arg, exchange, &verdict) != HOOK_PASS)
            fatal("the request hook did not pass");
        hooks->forget(hooks->arg, exchange);
    }
}

static void
measure_request(const struct section *section)
{
    static struct http_exchange exchange;
    double before;

    exchange.head.method_name = STR("PUT");
    exchange.path = STR("/index.php/index/blog/read");
    call_request(section, &exchange, CALLS_WARM);
    before = seconds();
    call_request(section, &exchange, CALLS);
    (void)printf("%-24s %6.1f ns\n", "request, two fields",
                 (seconds() - before) / CALLS * 1e9);
}

static void
measure_pick(struct upstream *upstream, const char *name)
{
    struct addr client;
    struct flow flow = {
        .upstream = upstream,
        .client = &client,
        .listener = &client,
        .has_turn = true,
    };
    double before;

    if (addr_parse(&client, "192.168.17.5:1234", NULL) < 0)
        fatal("cannot read the client's address");
    for (int i = 0; i < SERVERS; i++) {
        upstream->views[i].up = upstream->views[i].usable = true;
        upstream->views[i].weight = 1 + i % 2;
    }
    upstream->picking = &flow;
    call_pick(upstream, &flow, CALLS_WARM);
    before = seconds();
    call_pick(upstream, &flow, CALLS);
    upstream->picking = NULL;
    (void)printf("%-24s %6.1f ns\n", name, (seconds() - before) / CALLS * 1e9);
}

static void
measure_all(struct runtime *runtime)
{
    struct upstream *last = &runtime->upstreams[policy_count - 1];

    for (size_t i = 0; i < policy_count; i++)
        measure_pick(&runtime->upstreams[i], policies[i]);
    last->policy.pick = NULL;
    measure_pick(last, "(built in)");
    measure_request(runtime->sections[0]);
}

static void
show_faults(const struct faults *faults)
{
    char text[1024];

    for (size_t i = 0; i < faults->count; i++)
        (void)fprintf(stderr, "%s\n",
                      fault_format(&faults->items[i], text, sizeof(text)));
}

static void
remove_files(const char *dir)
{
    static const char *const names[] = {"nothing.lua", "request.lua",
                                        "moongate.ini"};
    char path[256];

    for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
        (void)snprintf(path, sizeof(path), "%s/%s", dir, names[i]);
        (void)unlink(path);
    }
    (void)rmdir(dir);
}

int
main(void)
{
    char dir[] = "/tmp/moongate-bench-XXXXXX";
    struct addresses addresses;
    struct faults faults;
    struct runtime *runtime = NULL;
    struct scripts *scripts = NULL;
    int status = EXIT_FAILURE;

    if (mkdtemp(dir) == NULL)
        fatal("cannot make a folder");
    clock_update();
    faults_init(&faults);
    addresses_init(&addresses);
    write_configuration(dir);
    runtime = make_runtime(dir, &addresses, &faults);
    if (runtime != NULL && faults.count == 0)
        scripts = scripts_load(runtime, ".", &faults);
    show_faults(&faults);
    if (scripts != NULL) {
        measure_all(runtime);
        status = EXIT_SUCCESS;
    }
    faults_fini(&faults);
    remove_files(dir);
    scripts_free(scripts);
    if (runtime != NULL)
        runtime_unref(runtime);
    addresses_fini(&addresses);
    return status;
}
