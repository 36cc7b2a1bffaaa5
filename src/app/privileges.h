/* SPDX-License-Identifier: MIT */
/*
 * Who the children are: `user` and `group` of the configuration, looked up
 * while /etc can be read, taken on for good by each child.
 */
#ifndef APP_PRIVILEGES_H
#define APP_PRIVILEGES_H

#include <stdbool.h>
#include <stddef.h>
#include <sys/types.h>

#include "base/mem.h"
#include "config/model.h"

struct faults;

enum {
    PRIVILEGES_GROUPS_MAX = 64, /* a user's further groups that are kept */
};

struct privileges {
    bool change_user;
    bool change_group;
    uid_t uid;
    gid_t gid;
    gid_t groups[PRIVILEGES_GROUPS_MAX];
    size_t group_count;
    bool has_control_group;
    gid_t control_gid; /* of the control socket */
};

/* Looks the names up; unknown ones are added to FAULTS. */
void privileges_resolve(struct privileges *out, const struct global_conf *conf,
                        struct faults *faults);

/* Logs what an operator should know: root that stays root, a user that cannot
 * be taken on. The latter is then given up, since it is not needed either. */
void privileges_warn(struct privileges *p);

/* Of what root may the master keeps what a reload, and another child, can need.
 * 0, or -1 with errno. */
int privileges_limit(void) MUST_CHECK;

/* Takes them on, and gives every capability up unless that is root still.
 * Nothing that this process starts can have more. 0, or -1 with errno. */
int privileges_drop(const struct privileges *p) MUST_CHECK;

#endif
