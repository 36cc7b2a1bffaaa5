/* SPDX-License-Identifier: MIT */
/*
 * Taking, giving and repairing; the numbers of the steps are those of slots.h,
 * which shows why this is safe.
 */
#include "board/slots.h"

#include <assert.h>
#include <stddef.h>

#include "board/rows.h"
#include "board/slots_layout.h"

enum intent_op {
    INTENT_NONE, /* between operations; seq is the last one's */
    INTENT_TAKE, /* count + 1 */
    INTENT_GIVE, /* count - 1 */
};

enum {
    SEQ_BITS = 46, /* of an intent */
    SLOT_BITS = 16,
    STAMP_SEQ_BITS = 32, /* of a word and a held count */
    STAMP_ACTOR_BITS = 8,
    MASTER = 0, /* the actor that repairs */
};

static uint64_t
intent_make(enum intent_op op, unsigned slot, uint64_t seq)
{
    return (uint64_t)op << (SLOT_BITS + SEQ_BITS) | (uint64_t)slot << SEQ_BITS |
           seq;
}

static enum intent_op
intent_op(uint64_t intent)
{
    return (enum intent_op)(intent >> (SLOT_BITS + SEQ_BITS));
}

static unsigned
intent_slot(uint64_t intent)
{
    return (unsigned)(intent >> SEQ_BITS) & (SLOTS_MAX - 1);
}

static uint64_t
intent_seq(uint64_t intent)
{
    return intent & ((UINT64_C(1) << SEQ_BITS) - 1);
}

static uint64_t
word_make(uint32_t count, unsigned actor, uint64_t seq)
{
    return (uint64_t)count << (STAMP_ACTOR_BITS + STAMP_SEQ_BITS) |
           (uint64_t)actor << STAMP_SEQ_BITS | (uint32_t)seq;
}

static uint32_t
word_count(uint64_t word)
{
    return (uint32_t)(word >> (STAMP_ACTOR_BITS + STAMP_SEQ_BITS));
}

static unsigned
word_actor(uint64_t word)
{
    return (unsigned)(word >> STAMP_SEQ_BITS) & 0xff;
}

static bool
word_has_stamp(uint64_t word, unsigned actor, uint64_t seq)
{
    return word_actor(word) == actor && (uint32_t)word == (uint32_t)seq;
}

static uint64_t
held_make(uint32_t count, uint64_t seq)
{
    return (uint64_t)count << STAMP_SEQ_BITS | (uint32_t)seq;
}

static uint32_t
held_count(uint64_t held)
{
    return (uint32_t)(held >> STAMP_SEQ_BITS);
}

/* Step 1: the next number, but not one of which the low half stands in HELD: it
 * could be mistaken for this operation's. */
static uint64_t
next_seq(const struct slots *slots, unsigned actor, uint64_t held)
{
    uint64_t seq =
        intent_seq(1 + atomic_load_explicit(&slots->intents[actor].word,
                                            memory_order_relaxed));

    return (uint32_t)seq == (uint32_t)held ? intent_seq(seq + 1) : seq;
}

/* Step 4: if the operation that wrote OLD may still be under way, says that it
 * has passed its step 5, because ACTOR is about to replace the proof. */
static void
acknowledge(struct slots *slots, unsigned actor, unsigned slot, uint64_t old)
{
    unsigned writer = word_actor(old);
    uint64_t intent;

    if (writer == actor || writer == MASTER)
        return;
    intent = atomic_load_explicit(&slots->intents[writer].word,
                                  memory_order_relaxed);
    if (intent_op(intent) != INTENT_NONE && intent_slot(intent) == slot &&
        word_has_stamp(old, writer, intent_seq(intent)))
        atomic_store_explicit(slots_ack(slots, actor, writer), intent,
                              memory_order_relaxed);
}

/* Steps 3 to 5. False if the limit is reached. */
static bool
change_count(struct slots *slots, unsigned actor, unsigned slot, uint64_t seq,
             int32_t by, uint32_t limit)
{
    _Atomic uint64_t *word = &slots->words[slot].word;
    uint64_t old = atomic_load_explicit(word, memory_order_acquire);
    uint32_t count;

    do {
        count = word_count(old);
        if (by > 0 && count >= limit)
            return false;
        acknowledge(slots, actor, slot, old);
    } while (!atomic_compare_exchange_weak_explicit(
        word, &old, word_make(count + (uint32_t)by, actor, seq),
        memory_order_acq_rel, memory_order_acquire));
    return true;
}

/* All seven steps. */
static bool
operate(struct board *b, unsigned actor, unsigned slot, enum intent_op op,
        uint32_t limit)
{
    struct slots *slots = b->slots;
    _Atomic uint64_t *intent;
    _Atomic uint64_t *held;
    uint64_t before;
    uint64_t seq;
    int32_t by = op == INTENT_TAKE ? 1 : -1;
    bool done;

    assert(actor < slots->actors && slot < slots->count);
    intent = &slots->intents[actor].word;
    held = slots_held(slots, actor, slot);
    before = atomic_load_explicit(held, memory_order_relaxed);
    assert(op == INTENT_TAKE || held_count(before) > 0);
    seq = next_seq(slots, actor, before);

    atomic_store_explicit(intent, intent_make(op, slot, seq),
                          memory_order_relaxed);
    done = change_count(slots, actor, slot, seq, by, limit);
    if (done)
        atomic_store_explicit(held,
                              held_make(held_count(before) + (uint32_t)by, seq),
                              memory_order_relaxed);
    atomic_store_explicit(intent, intent_make(INTENT_NONE, 0, seq),
                          memory_order_release);
    return done;
}

bool
slot_take(struct board *b, unsigned worker, unsigned slot, uint32_t limit)
{
    if (limit == 0 || limit > SLOT_LIMIT_MAX)
        limit = SLOT_LIMIT_MAX;
    return operate(b, worker + 1, slot, INTENT_TAKE, limit);
}

void
slot_give(struct board *b, unsigned worker, unsigned slot)
{
    operate(b, worker + 1, slot, INTENT_GIVE, 0);
}

uint32_t
slots_count(const struct slots *slots, unsigned slot)
{
    assert(slot < slots->count);
    return word_count(
        atomic_load_explicit(&slots->words[slot].word, memory_order_relaxed));
}

uint32_t
slot_count(const struct board *b, unsigned slot)
{
    return slots_count(b->slots, slot);
}

uint32_t
slot_held(const struct board *b, unsigned worker, unsigned slot)
{
    assert(slot < b->slots->count);
    return held_count(atomic_load_explicit(
        slots_held(b->slots, worker + 1, slot), memory_order_relaxed));
}

/* Claim 2: the word first, the acknowledgements after. */
static bool
has_changed_count(struct slots *slots, unsigned actor, uint64_t intent)
{
    uint64_t word = atomic_load_explicit(
        &slots->words[intent_slot(intent)].word, memory_order_acquire);

    if (word_has_stamp(word, actor, intent_seq(intent)))
        return true;
    for (unsigned other = 0; other < slots->actors; other++) {
        if (atomic_load_explicit(slots_ack(slots, other, actor),
                                 memory_order_relaxed) == intent)
            return true;
    }
    return false;
}

/* Does the dead worker's step 6, if it had done 5, and its step 7. */
static void
finish_operation(struct slots *slots, unsigned actor)
{
    uint64_t intent =
        atomic_load_explicit(&slots->intents[actor].word, memory_order_relaxed);
    uint64_t seq = intent_seq(intent);
    _Atomic uint64_t *held;
    uint64_t before;
    int32_t by = intent_op(intent) == INTENT_TAKE ? 1 : -1;

    if (intent_op(intent) == INTENT_NONE)
        return;
    held = slots_held(slots, actor, intent_slot(intent));
    before = atomic_load_explicit(held, memory_order_relaxed);
    if ((uint32_t)before != (uint32_t)seq &&
        has_changed_count(slots, actor, intent))
        atomic_store_explicit(held,
                              held_make(held_count(before) + (uint32_t)by, seq),
                              memory_order_relaxed);
    atomic_store_explicit(&slots->intents[actor].word,
                          intent_make(INTENT_NONE, 0, seq),
                          memory_order_relaxed);
}

void
slots_give_back(struct slots *slots, unsigned worker)
{
    unsigned actor = worker + 1;

    finish_operation(slots, actor);
    for (unsigned slot = 0; slot < slots->count; slot++) {
        _Atomic uint64_t *cell = slots_held(slots, actor, slot);
        uint64_t held = atomic_load_explicit(cell, memory_order_relaxed);

        if (held_count(held) == 0)
            continue;
        change_count(slots, MASTER, slot, ++slots->repairs,
                     -(int32_t)held_count(held), 0);
        atomic_store_explicit(cell, held_make(0, held), memory_order_relaxed);
    }
}

void
slots_repair(struct board *b, unsigned worker)
{
    slots_give_back(b->slots, worker);
}
