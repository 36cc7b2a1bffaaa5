/* SPDX-License-Identifier: MIT */
#include "board/greeting.h"

#include <stdatomic.h>
#include <string.h>

/* Padding has no value, and would differ between who writes the same. */
_Static_assert(sizeof(struct greeting_facts) ==
                   2 * sizeof(uint32_t) + 2 + GREETING_VERSION_MAX + 1,
               "facts have no padding");
_Static_assert(sizeof(struct greeting_facts) <=
                   GREETING_WORDS * sizeof(uint64_t),
               "a row has room for all facts");

struct words {
    uint64_t word[GREETING_WORDS];
};

static struct words
pack(const struct greeting_facts *facts)
{
    struct words words = {.word = {0}};

    memcpy(&words, facts, sizeof(*facts));
    return words;
}

/* Never 0, which no facts have. FNV's multiplier; it guards against words of
 * two writers, not against anybody's intent. */
static uint64_t
seal_of(const struct words *words)
{
    uint64_t seal = 0xcbf29ce484222325;

    for (unsigned i = 0; i < GREETING_WORDS; i++) {
        seal = (seal ^ words->word[i]) * 0x100000001b3;
        seal ^= seal >> 29;
    }
    return seal | 1;
}

void
greeting_note(struct board *b, int server, const struct greeting_facts *facts)
{
    struct server_greeting *row = &b->servers[server].greeting;
    struct words words = pack(facts);
    uint64_t seal = seal_of(&words);
    struct greeting_facts known;

    if (atomic_load_explicit(&row->seal, memory_order_relaxed) == seal &&
        greeting_read(b, server, &known))
        return;
    for (unsigned i = 0; i < GREETING_WORDS; i++)
        atomic_store_explicit(&row->words[i], words.word[i],
                              memory_order_relaxed);
    atomic_store_explicit(&row->seal, seal, memory_order_release);
}

bool
greeting_read(const struct board *b, int server, struct greeting_facts *out)
{
    const struct server_greeting *row = &b->servers[server].greeting;
    uint64_t seal = atomic_load_explicit(&row->seal, memory_order_acquire);
    struct words words;

    if (seal == 0)
        return false;
    for (unsigned i = 0; i < GREETING_WORDS; i++)
        words.word[i] =
            atomic_load_explicit(&row->words[i], memory_order_relaxed);
    if (seal_of(&words) != seal)
        return false;
    memcpy(out, &words, sizeof(*out));
    return true;
}

void
greeting_set_version(struct greeting_facts *facts, struct str version)
{
    size_t len = version.len;

    if (len > GREETING_VERSION_MAX)
        len = GREETING_VERSION_MAX;
    memset(facts->version, 0, sizeof(facts->version));
    if (len > 0)
        memcpy(facts->version, version.p, len);
}
