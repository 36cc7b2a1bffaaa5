/* SPDX-License-Identifier: MIT */
#include "script/quarantine.h"

#include "base/log.h"
#include "board/events.h"

void
quarantine_strike(struct board *board, const struct script *script,
                  enum strike_fault fault)
{
    /* The name's standing is that of the version which serves. */
    if (script->phase != SCRIPT_SERVES || script->standing == NULL ||
        !strikes_add(script->standing, fault))
        return;
    log_error("script %s: quarantined: %s; the built-in behaviour takes its "
              "place until another version is swapped in",
              script->name, strikes_words(fault));
    if (board == NULL)
        return;
    event_note(board, EVENT_QUARANTINE, "script %s quarantined: %s",
               script->name, strikes_words(fault));
}

void
script_lift(const struct script *script)
{
    if (!quarantine_holds(script))
        return;
    strikes_lift(script->standing);
    log_info("script %s: no longer quarantined", script->name);
}
