/* SPDX-License-Identifier: MIT */
#include "net/resolver.h"

#include <errno.h>
#include <event2/dns.h>
#include <event2/event.h>
#include <event2/util.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "base/confine.h"
#include "base/log.h"

#define HOSTS_FILE "/etc/hosts"
#define CONF_FILE  "/etc/resolv.conf"

enum {
    FINI_TURNS = 4,   /* of the loop, in which evdns lets go of what was
                         cancelled; it takes two */
    RETIRE_MS = 5000, /* after its last use: evdns still has to let go of
                         what it cancelled by itself */
};

/* What tells two versions of a file apart; all zero: there is none. */
struct stamp {
    dev_t device;
    ino_t inode;
    off_t size;
    struct timespec changed;
};

/* An evdns with what the files said when it was made. */
struct resolver_base {
    struct list link; /* in resolver->bases */
    struct loop *loop;
    struct timer retire;
    struct evdns_base *evdns;
    struct stamp hosts;
    struct stamp conf;
    unsigned users; /* the resolver, and requests under way */
};

/* Outlives a lookup that is stopped: evdns calls back all the same. */
struct lookup_request {
    struct list link; /* in resolver->requests */
    struct lookup *lookup;
    struct resolver *resolver;
    struct resolver_base *base;
    struct evdns_getaddrinfo_request *evdns; /* NULL: it has called back */
    struct deferred cleanup;
};

/* --- the base ------------------------------------------------------------- */

static struct stamp
read_stamp(const char *path)
{
    struct stat st;

    if (stat(path, &st) < 0)
        return (struct stamp){.size = 0};
    return (struct stamp){
        .device = st.st_dev,
        .inode = st.st_ino,
        .size = st.st_size,
        .changed = st.st_mtim,
    };
}

static bool
is_same(const struct stamp *a, const struct stamp *b)
{
    return a->device == b->device && a->inode == b->inode &&
           a->size == b->size && a->changed.tv_sec == b->changed.tv_sec &&
           a->changed.tv_nsec == b->changed.tv_nsec;
}

/* "Nameserver 127.0.0.1:53 has failed: request timed out." */
static void
on_words(int severity, const char *words)
{
    if (severity >= EVENT_LOG_WARN)
        log_warn("resolver: %s", words);
    else if (severity == EVENT_LOG_MSG)
        log_info("resolver: %s", words);
}

static void
free_base(struct resolver_base *base)
{
    timer_stop(&base->retire);
    list_remove(&base->link);
    evdns_base_free(base->evdns, 0);
    free(base);
}

static void
on_retire(struct timer *timer)
{
    free_base(container_of(timer, struct resolver_base, retire));
}

static void
release_base(struct resolver_base *base)
{
    if (base != NULL && --base->users == 0)
        loop_start_timer(base->loop, &base->retire, RETIRE_MS);
}

/* What is wrong with resolv.conf, or that there is none, is no matter: evdns
 * asks 127.0.0.1 then, as libc does. Only without any server a request would
 * wait for ever. */
static struct resolver_base *
new_base(struct resolver *resolver)
{
    struct resolver_base *base = calloc(1, sizeof(*base));

    if (base == NULL)
        return NULL;
    evdns_set_log_fn(on_words);
    base->loop = resolver->loop;
    base->users = 1;
    base->hosts = read_stamp(HOSTS_FILE);
    base->conf = read_stamp(CONF_FILE);
    timer_init(&base->retire, on_retire);
    list_init(&base->link);
    base->evdns = evdns_base_new(loop_base(resolver->loop),
                                 EVDNS_BASE_DISABLE_WHEN_INACTIVE);
    if (base->evdns == NULL) {
        free(base);
        errno = ENOMEM;
        return NULL;
    }
    list_add_tail(&resolver->bases, &base->link);
    (void)evdns_base_resolv_conf_parse(base->evdns, DNS_OPTIONS_ALL, CONF_FILE);
    if (evdns_base_count_nameservers(base->evdns) > 0)
        return base;
    free_base(base);
    errno = ENETDOWN;
    return NULL;
}

static bool
is_fresh(const struct resolver_base *base)
{
    struct stamp hosts = read_stamp(HOSTS_FILE);
    struct stamp conf = read_stamp(CONF_FILE);

    return is_same(&base->hosts, &hosts) && is_same(&base->conf, &conf);
}

/* A base that knows the files as they are; the old one where that cannot be
 * had. NULL with errno. */
static struct resolver_base *
find_base(struct resolver *resolver)
{
    struct resolver_base *fresh;

    if (resolver->base != NULL && (confine_is_on() || is_fresh(resolver->base)))
        return resolver->base;
    fresh = new_base(resolver);
    if (fresh == NULL)
        return resolver->base;
    release_base(resolver->base);
    resolver->base = fresh;
    return fresh;
}

/* --- lookups -------------------------------------------------------------- */

static void
free_request(struct lookup_request *request)
{
    deferred_cancel(&request->cleanup);
    list_remove(&request->link);
    release_base(request->base);
    free(request);
}

static void
on_cleanup(struct deferred *deferred)
{
    free_request(container_of(deferred, struct lookup_request, cleanup));
}

/* evdns knows no more than these; that a server did not answer is a FAIL. */
static const char *
describe(int error)
{
    switch (error) {
    case EVUTIL_EAI_NONAME:
        return "there is no such name";
    case EVUTIL_EAI_NODATA:
        return "the name has no address";
    case EVUTIL_EAI_FAIL:
        return "no name server gave an address";
    default:
        return evutil_gai_strerror(error);
    }
}

static bool
is_in(const struct addr *list, unsigned count, const struct addr *addr)
{
    for (unsigned i = 0; i < count; i++) {
        if (addr_equal(&list[i], addr))
            return true;
    }
    return false;
}

static unsigned
collect(struct addr *out, const struct evutil_addrinfo *found, uint16_t port)
{
    unsigned count = 0;

    for (; found != NULL && count < RESOLVER_ADDRS_MAX;
         found = found->ai_next) {
        addr_from_sockaddr(&out[count], found->ai_addr,
                           (socklen_t)found->ai_addrlen);
        addr_set_port(&out[count], port);
        if (!is_in(out, count, &out[count]))
            count++;
    }
    return count;
}

static void
on_answer(int error, struct evutil_addrinfo *found, void *arg)
{
    struct lookup_request *request = arg;
    struct lookup *lookup = request->lookup;
    struct addr addrs[RESOLVER_ADDRS_MAX];
    unsigned count = 0;

    loop_wake(request->resolver->loop);
    if (lookup != NULL && error == 0)
        count = collect(addrs, found, lookup->port);
    if (found != NULL)
        evutil_freeaddrinfo(found);
    /* lookup_start, which may be the caller's caller, still looks at it. */
    request->evdns = NULL;
    loop_defer(request->resolver->loop, &request->cleanup);
    if (lookup == NULL)
        return;
    request->lookup = NULL;
    lookup->request = NULL;
    lookup->fn(lookup, addrs, count, count > 0 ? "" : describe(error));
}

void
lookup_init(struct lookup *lookup, lookup_fn fn)
{
    lookup->fn = fn;
    lookup->port = 0;
    lookup->request = NULL;
}

static struct lookup_request *
new_request(struct lookup *lookup, struct resolver *resolver)
{
    struct resolver_base *base = find_base(resolver);
    struct lookup_request *request;

    if (base == NULL)
        return NULL;
    request = calloc(1, sizeof(*request));
    if (request == NULL)
        return NULL;
    base->users++;
    request->lookup = lookup;
    request->resolver = resolver;
    request->base = base;
    deferred_init(&request->cleanup, on_cleanup);
    list_init(&request->link);
    list_add_tail(&resolver->requests, &request->link);
    return request;
}

int
lookup_start(struct lookup *lookup, struct resolver *resolver, const char *host,
             uint16_t port)
{
    const struct evutil_addrinfo hints = {
        .ai_family = AF_UNSPEC,
        .ai_socktype = SOCK_STREAM,
        .ai_protocol = IPPROTO_TCP,
    };
    struct evdns_getaddrinfo_request *evdns;
    struct lookup_request *request;

    if (lookup->request != NULL) {
        errno = EBUSY;
        return -1;
    }
    request = new_request(lookup, resolver);
    if (request == NULL)
        return -1;
    lookup->port = port;
    lookup->request = request;
    evdns = evdns_getaddrinfo(request->base->evdns, host, NULL, &hints,
                              on_answer, request);
    /* Where it has called back already there is none. */
    request->evdns = evdns;
    return 0;
}

void
lookup_stop(struct lookup *lookup)
{
    struct lookup_request *request = lookup->request;

    if (request == NULL)
        return;
    lookup->request = NULL;
    request->lookup = NULL;
    if (request->evdns != NULL)
        evdns_getaddrinfo_cancel(request->evdns);
}

void
resolver_init(struct resolver *resolver, struct loop *loop)
{
    resolver->loop = loop;
    resolver->base = NULL;
    list_init(&resolver->bases);
    list_init(&resolver->requests);
}

void
resolver_warm(struct resolver *resolver)
{
    (void)find_base(resolver);
}

void
resolver_fini(struct resolver *resolver)
{
    list_for_each(node, &resolver->requests)
    {
        struct lookup_request *request =
            container_of(node, struct lookup_request, link);

        if (request->lookup != NULL)
            lookup_stop(request->lookup);
    }
    for (unsigned i = 0; i < FINI_TURNS && !list_empty(&resolver->bases); i++)
        event_base_loop(loop_base(resolver->loop), EVLOOP_NONBLOCK);
    list_for_each_safe(node, &resolver->requests)
    {
        free_request(container_of(node, struct lookup_request, link));
    }
    list_for_each_safe(node, &resolver->bases)
    {
        free_base(container_of(node, struct resolver_base, link));
    }
    resolver->base = NULL;
}
