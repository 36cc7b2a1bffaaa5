/* SPDX-License-Identifier: MIT */
/*
 * What the master tells the service manager: sd_notify(3)'s protocol, datagrams
 * to the socket that $NOTIFY_SOCKET names. Without one nothing is said.
 *
 *     start ── READY=1 ── RELOADING=1 ── READY=1 ── STOPPING=1
 *                └── WATCHDOG=1 again and again, while all workers beat
 */
#ifndef APP_NOTIFY_H
#define APP_NOTIFY_H

#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

/* Reads the environment, once, before the first fork. A watchdog that is meant
 * for another process is none. $NOTIFY_SOCKET stays for a program that takes
 * this one's place. */
void notify_init(void);

/* Takes the service manager's words out of the environment: nothing that a
 * child starts is to speak for the service. */
void notify_forget(void);

/* Is there anybody to be told? */
bool notify_is_wanted(void);

/* How often WATCHDOG=1 is due, twice in the time that was given; 0: never. */
uint64_t notify_watchdog_ms(void);

/* All serve; this process is the master. */
void notify_ready(void);
void notify_reloading(void);
void notify_stopping(void);
void notify_watchdog(void);

/* One line of what it does, for systemctl status. */
void
notify_status(const char *format, ...) __attribute__((format(printf, 1, 2)));

/* Another process takes the master's place. */
void notify_mainpid(pid_t pid);

/* Why it could not start: an errno. */
void notify_errno(int error);

#endif
