/* SPDX-License-Identifier: MIT */
/*
 * What calling scripts costs: for each policy that ships, one pick from C over
 * eight servers, a policy that does nothing as the floor, and the round robin
 * that is built in; a request hook that reads two fields, with all that a
 * request needs of the scripts; and what a flow pays for its server, by the
 * number of servers: bringing the views up to date, the pick, the slot on the
 * board, and giving it back.
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

#include "app/rows.h"
#include "base/addr.h"
#include "base/clock.h"
#include "base/log.h"
#include "board/board.h"
#include "config/config.h"
#include "proxy/addresses.h"
#include "proxy/engine.h"
#include "proxy/http_exchange.h"
#include "proxy/runtime.h"
#include "proxy/section.h"
#include "proxy/upstream.h"
#include "script/scripts.h"

enum {
    SERVERS = 8,
    CALLS_WARM = 100000,
    CALLS = 2000000,
    FLOWS = 64,         /* that have a server at the same time */
    TAKES_WARM = 20000, /* servers taken and given back */
    VIEWS = 2000000,    /* that a measurement refreshes */
    ATTEMPTS = 5,       /* of which the cheapest counts */
};

static const char *const policies[] = {
    "${dir}/nothing.lua",
    "leastconn",
    "roundrobin",
    "static-rr",
    "source",
    "source hash=consistent",
    "random",
    "latency",
    "${dir}/made.lua",
};

static const char *const take_policies[] = {
    "roundrobin", "static-rr", "leastconn", "source", "source hash=consistent"};

static const unsigned take_counts[] = {3, 10, 30, 100, 300, 1000};

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
write_upstream(FILE *file, const char *dir, size_t number, const char *policy,
               unsigned servers)
{
    (void)fprintf(file, "[upstream u%zu]\nprotocol = tcp\npolicy = ", number);
    if (policy[0] == '$')
        (void)fprintf(file, "%s%s\n", dir, policy + strlen("${dir}"));
    else
        (void)fprintf(file, "%s\n", policy);
    for (unsigned i = 1; i <= servers; i++)
        (void)fprintf(file, "server s%u = 127.0.0.1:%u\n", i, 9000 + i);
}

static void
write_configuration(const char *dir)
{
    char path[256];
    FILE *file;

    write_file(dir, "nothing.lua",
               "return { pick = function(flow, servers) return 1 end }\n");
    write_file(dir, "made.lua",
               "local policy = require 'moongate.policy'\n"
               "return policy.first_of(policy.hash 'cookie:session',\n"
               "                       'leastconn')\n");
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
        write_upstream(file, dir, i, policies[i], SERVERS);
    (void)fprintf(file,
                  "[http h]\nlisten = 127.0.0.1:9000\n"
                  "script = %s/request.lua\n",
                  dir);
    (void)fclose(file);
}

static const struct config *
read_configuration(const char *dir, struct faults *faults)
{
    const struct config *config;
    char path[256];

    (void)snprintf(path, sizeof(path), "%s/moongate.ini", dir);
    if (config_read(&config, path, faults) == 0)
        return config;
    config_unref(config);
    return NULL;
}

static struct runtime *
make_runtime(struct engine *engine, const struct config *config,
             struct faults *faults)
{
    struct addresses addresses;
    struct runtime *runtime;

    addresses_init(&addresses);
    runtime = runtime_new(engine, config, &addresses, faults);
    addresses_fini(&addresses);
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
    const struct policy_hooks *policy = upstream->policy;
    const char *reason;
    bool wait = false;

    for (unsigned i = 0; i < count; i++) {
        bool wait = false;
        int index;

        flow->turn = i;
        upstream->views[i % SERVERS].active = (int32_t)(i % 5);
        index = policy->pick != NULL
                    ? policy->pick(policy->arg, flow, &reason, &wait)
                    : upstream_pick_builtin(upstream, flow);
        if (index < 0)
            fatal("the policy refused");
    }
}

static void
call_request(const struct section *section, struct http_exchange *exchange,
             unsigned count)
{
    const struct section_hooks *hooks = section->hooks;
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
    (void)printf("%-24s %6.1f ns\n", name, (seconds() - before) / CALLS * 1e9);
}

/* The oldest flow gives its server back and the next one takes one, so that at
 * any time FLOWS of them have one. */
static void
take_and_give(struct upstream *upstream, struct addr *clients, unsigned count)
{
    static const struct flow_result done = {.ok = true};
    struct flow flows[FLOWS] = {0};
    const char *reason;
    bool again;

    for (unsigned i = 0; i < count + FLOWS; i++) {
        struct flow *flow = &flows[i % FLOWS];

        upstream_give(flow, &done, false);
        if (i >= count)
            continue;
        *flow = (struct flow){.upstream = upstream,
                              .client = &clients[i % FLOWS],
                              .listener = &clients[0]};
        if (upstream_take(flow, true, &again, &reason) != UPSTREAM_TAKEN)
            fatal("no server was taken: %s", reason);
    }
}

static double
cheapest_take(struct upstream *upstream)
{
    struct addr clients[FLOWS];
    unsigned count = VIEWS / (upstream->server_count + 8);
    double cheapest = 1e9;

    for (unsigned i = 0; i < FLOWS; i++) {
        char text[32];

        (void)snprintf(text, sizeof(text), "192.168.17.%u:1234", i + 1);
        if (addr_parse(&clients[i], text, NULL) < 0)
            fatal("cannot read the client's address");
    }
    take_and_give(upstream, clients, TAKES_WARM);
    for (unsigned i = 0; i < ATTEMPTS; i++) {
        double before = seconds();
        double took;

        take_and_give(upstream, clients, count);
        took = (seconds() - before) / count;
        cheapest = took < cheapest ? took : cheapest;
    }
    return cheapest;
}

static void
write_take(const char *dir, const char *policy, unsigned servers)
{
    char path[256];
    FILE *file;

    (void)snprintf(path, sizeof(path), "%s/moongate.ini", dir);
    file = fopen(path, "w");
    if (file == NULL)
        fatal("cannot write %s", path);
    write_upstream(file, dir, 0, policy, servers);
    (void)fprintf(file, "[tcp t]\nlisten = 127.0.0.1:9000\nupstream = u0\n");
    (void)fclose(file);
}

/* POLICY over so many servers, in nanoseconds; below 0 with faults. */
static double
measure_take(const char *dir, const char *policy, unsigned servers,
             struct faults *faults)
{
    const struct config *config;
    struct runtime *runtime;
    struct scripts *scripts;
    struct engine engine;
    double took = -1;

    write_take(dir, policy, servers);
    config = read_configuration(dir, faults);
    if (config == NULL)
        return took;
    engine_init(&engine, NULL, rows_open_board(config, 1), NULL, 0);
    if (engine.board == NULL)
        fatal("cannot make a board");
    runtime = make_runtime(&engine, config, faults);
    scripts = scripts_load(runtime, ".", NULL, faults);
    if (scripts != NULL)
        took = cheapest_take(&runtime->upstreams[0]) * 1e9;
    scripts_free(scripts);
    runtime_unref(runtime);
    config_unref(config);
    board_close(engine.board);
    return took;
}

static void
measure_takes(const char *dir, struct faults *faults)
{
    const size_t counts = sizeof(take_counts) / sizeof(take_counts[0]);
    const size_t count = sizeof(take_policies) / sizeof(take_policies[0]);

    (void)printf("\n%-24s", "take and give, servers");
    for (size_t k = 0; k < counts; k++)
        (void)printf(" %8u", take_counts[k]);
    (void)printf("\n");
    for (size_t i = 0; i < count; i++) {
        (void)printf("%-24s", take_policies[i]);
        for (size_t k = 0; k < counts; k++)
            (void)printf(" %8.1f", measure_take(dir, take_policies[i],
                                                take_counts[k], faults));
        (void)printf(" ns\n");
    }
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
    static const char *const names[] = {"nothing.lua", "made.lua",
                                        "request.lua", "moongate.ini"};
    char path[256];

    for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
        (void)snprintf(path, sizeof(path), "%s/%s", dir, names[i]);
        (void)unlink(path);
    }
    (void)rmdir(dir);
}

static void
measure_all(struct runtime *runtime)
{
    struct upstream *last = &runtime->upstreams[policy_count - 1];

    for (size_t i = 0; i < policy_count; i++)
        measure_pick(&runtime->upstreams[i], policies[i]);
    policy_hooks_release(last->policy);
    last->policy = policy_hooks_hold(&policy_no_hooks);
    measure_pick(last, "(built in)");
    measure_request(runtime->sections[0]);
}

/* The calls alone.  False with faults. */
static bool
measure_calls(const char *dir, struct faults *faults)
{
    const struct config *config;
    struct runtime *runtime;
    struct scripts *scripts;

    write_configuration(dir);
    config = read_configuration(dir, faults);
    if (config == NULL)
        return false;
    runtime = make_runtime(NULL, config, faults);
    scripts = scripts_load(runtime, ".", NULL, faults);
    if (scripts != NULL)
        measure_all(runtime);
    scripts_free(scripts);
    runtime_unref(runtime);
    config_unref(config);
    return faults->count == 0;
}

int
main(void)
{
    char dir[] = "/tmp/moongate-bench-XXXXXX";
    struct faults faults;
    int status;

    if (mkdtemp(dir) == NULL)
        fatal("cannot make a folder");
    clock_update();
    faults_init(&faults);
    if (measure_calls(dir, &faults))
        measure_takes(dir, &faults);
    show_faults(&faults);
    status = faults.count == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
    faults_fini(&faults);
    remove_files(dir);
    return status;
}
