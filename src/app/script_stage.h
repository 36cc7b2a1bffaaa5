/* SPDX-License-Identifier: MIT */
/*
 * A child's part in the exchange of scripts (swap.h): what the master sends is
 * loaded beside the scripts in use, and takes their place when it says so.
 *
 *     STAGE ──▶ loaded ──▶ YES ──┬── COMMIT ──▶ exchanged ──▶ DONE
 *           └─▶ a fault ─▶ NO    └── DROP ────▶ forgotten
 */
#ifndef APP_SCRIPT_STAGE_H
#define APP_SCRIPT_STAGE_H

#include <stdbool.h>
#include <stdint.h>

struct buf;
struct message;
struct scripts;
struct worker_row;

/* A whole configuration is exchanged with its scripts, by whoever has ARG; one
 * is PENDING when its record has come. */
struct config_stage {
    void *arg;
    bool (*pending)(void *arg);
    int (*stage)(void *arg, int bundles, struct buf *why);
    struct scripts *(*commit)(void *arg, uint32_t generation);
    void (*drop)(void *arg); /* also of what is only pending */
};

struct script_stage {
    const struct config_stage *whole;
    int master;              /* the socket to it */
    struct scripts *scripts; /* NULL: this process has none, and agrees */
    struct worker_row *row;  /* where the generation is shown; NULL: nowhere */
};

/* GENERATION is that of the SCRIPTS that the process begins with. */
void script_stage_init(struct script_stage *s, const struct config_stage *whole,
                       int master, struct scripts *scripts,
                       struct worker_row *row, uint32_t generation);

/* Does what M asks for, which is nothing where it is about something else, and
 * takes its descriptor. */
void script_stage_message(struct script_stage *s, const struct message *m);

#endif
