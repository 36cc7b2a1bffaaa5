/* SPDX-License-Identifier: MIT */
#include "app/privileges.h"

#include <errno.h>
#include <grp.h>
#include <pwd.h>
#include <sys/prctl.h>
#include <unistd.h>

#include "base/log.h"
#include "config/faults.h"

static void
resolve_group(struct privileges *out, const struct global_conf *conf,
              struct faults *faults)
{
    const struct group *group = getgrnam(conf->group.p);

    if (group == NULL) {
        faults_add_at(faults, conf->group_at,
                      "group: there is no group \"" STR_FMT
                      "\" on this machine; name one of /etc/group",
                      STR_ARG(conf->group));
        return;
    }
    out->change_group = true;
    out->gid = group->gr_gid;
}

static void
resolve_user(struct privileges *out, const struct global_conf *conf,
             struct faults *faults)
{
    const struct passwd *user = getpwnam(conf->user.p);

    if (user == NULL) {
        faults_add_at(faults, conf->user_at,
                      "user: there is no user \"" STR_FMT
                      "\" on this machine; name one of /etc/passwd",
                      STR_ARG(conf->user));
        return;
    }
    out->change_user = true;
    out->uid = user->pw_uid;
    if (!out->change_group)
        out->gid = user->pw_gid;
    out->change_group = true;
}

/* The group, and the further ones that the user is in. */
static void
list_groups(struct privileges *out, const char *user)
{
    int count = PRIVILEGES_GROUPS_MAX;

    out->groups[0] = out->gid;
    out->group_count = 1;
    if (user == NULL)
        return;
    if (getgrouplist(user, out->gid, out->groups, &count) < 0)
        count = PRIVILEGES_GROUPS_MAX;
    out->group_count = (size_t)count;
}

void
privileges_resolve(struct privileges *out, const struct global_conf *conf,
                   struct faults *faults)
{
    *out = (struct privileges){0};
    if (conf->group.p != NULL)
        resolve_group(out, conf, faults);
    if (conf->user.p != NULL)
        resolve_user(out, conf, faults);
    if (out->change_group)
        list_groups(out, out->change_user ? conf->user.p : NULL);
}

void
privileges_warn(struct privileges *p)
{
    bool wanted = (p->change_user && p->uid != geteuid()) ||
                  (p->change_group && p->gid != getegid());

    if (geteuid() == 0) {
        if (!p->change_user)
            log_warn("workers run as root: set `user` in [global]");
        return;
    }
    if (wanted)
        log_warn("`user` and `group` are ignored: only root can change them");
    p->change_user = false;
    p->change_group = false;
}

int
privileges_drop(const struct privileges *p)
{
    if (p->change_group && (setgroups(p->group_count, p->groups) < 0 ||
                            setresgid(p->gid, p->gid, p->gid) < 0))
        return -1;
    if (p->change_user && setresuid(p->uid, p->uid, p->uid) < 0)
        return -1;
    if (prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) < 0)
        return -1;
    /* A change of user takes core dumps away. */
    return prctl(PR_SET_DUMPABLE, 1, 0, 0, 0);
}
