/* SPDX-License-Identifier: MIT */
/*
 * What children say to the master, and above all what clients of the control
 * socket ask of it.
 */
#ifndef APP_MASTER_COMMANDS_H
#define APP_MASTER_COMMANDS_H

struct child;
struct message;

/* A child's on_message. */
void master_message(struct child *child, const struct message *message);

#endif
