/* SPDX-License-Identifier: MIT */
/*
 * What a policy sees of one server. This text is compiled by C (through view.h)
 * and given to LuaJIT's ffi.cdef as it stands, so the two cannot disagree: it
 * holds no preprocessor line, no qualifier that LuaJIT does not know, and
 * nothing else than the struct.
 *
 * A view is a worker's own snapshot, not the shared memory: the core brings it
 * up to date before each pick, and `usable` is an answer for that one flow.
 * What is compared in hot code has 32 bits or is a double.
 */
struct server_view {
    int32_t index;     /* 1 for the first server, as Lua counts */
    int32_t weight;    /* 0 to 256; now, slow start included */
    int32_t active;    /* connections of all workers now */
    int32_t queued;    /* flows that wait for this server */
    int32_t maxconn;   /* the most that `active` may be; 0: no limit */
    int32_t fails;     /* failed checks in a row */
    double latency_ms; /* peak-sensitive average of answers, as it was when the
                          view was last brought up to date; 0: none yet */
    bool usable;       /* this flow may take it */
    bool up;           /* by its checks */
    bool draining;     /* no new work; what it has may end */
    bool maint;        /* out of service */
    bool backup;       /* used while no other server is in service */
    uint8_t name_len;  /* bytes of the name */
    char name[34];     /* as configured, at most 32 bytes, then NUL */
};
