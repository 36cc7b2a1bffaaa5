/* SPDX-License-Identifier: MIT */
#include "app/privileges.h"

#include <errno.h>
#include <grp.h>
#include <linux/capability.h>
#include <pwd.h>
#include <stdint.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "base/log.h"
#include "config/faults.h"

/* -1: there is no group NAME, which is the value of KEY. */
static int
find_group(gid_t *gid, const char *key, struct str name, struct config_at at,
           struct faults *faults)
{
    const struct group *group = getgrnam(name.p);

    if (group == NULL) {
        faults_add_at(faults, at,
                      "%s: there is no group \"" STR_FMT
                      "\" on this machine; name one of /etc/group",
                      key, STR_ARG(name));
        return -1;
    }
    *gid = group->gr_gid;
    return 0;
}

static void
resolve_group(struct privileges *out, const struct global_conf *conf,
              struct faults *faults)
{
    out->change_group = find_group(&out->gid, "group", conf->group,
                                   conf->group_at, faults) == 0;
}

static void
resolve_control_group(struct privileges *out, const struct global_conf *conf,
                      struct faults *faults)
{
    out->has_control_group =
        find_group(&out->control_gid, "control_group", conf->control_group,
                   conf->control_group_at, faults) == 0;
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
    if (conf->control_group.p != NULL)
        resolve_control_group(out, conf, faults);
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

/* Capabilities that exist, and more. */
static bool
is_kept(unsigned capability)
{
    static const unsigned kept[] = {
        CAP_CHOWN,        /* the group of the control socket */
        CAP_DAC_OVERRIDE, /* keys, scripts, logs, which are others' */
        CAP_FOWNER,       /* sockets and pidfiles in folders of others */
        CAP_KILL,         /* children, which are of another user */
        CAP_NET_BIND_SERVICE,
        CAP_SETGID,
        CAP_SETPCAP, /* what children do without */
        CAP_SETUID,
        CAP_SYS_CHROOT,
        CAP_SYS_RESOURCE, /* the limit of descriptors */
    };

    for (size_t i = 0; i < sizeof(kept) / sizeof(*kept); i++) {
        if (kept[i] == capability)
            return true;
    }
    return false;
}

/* Whatever runs from now on cannot have them; who is not privileged has none to
 * give away. */
static void
limit_capabilities(bool all)
{
    for (unsigned i = 0; prctl(PR_CAPBSET_READ, i, 0, 0, 0) >= 0; i++) {
        if (all || !is_kept(i))
            (void)prctl(PR_CAPBSET_DROP, i, 0, 0, 0);
    }
}

static int
set_capabilities(const struct __user_cap_data_struct sets[2])
{
    struct __user_cap_header_struct header = {
        .version = _LINUX_CAPABILITY_VERSION_3,
    };

    return (int)syscall(SYS_capset, &header, sets);
}

int
privileges_limit(void)
{
    struct __user_cap_header_struct header = {
        .version = _LINUX_CAPABILITY_VERSION_3,
    };
    struct __user_cap_data_struct sets[2];

    if (syscall(SYS_capget, &header, sets) < 0)
        return -1;
    for (unsigned i = 0; i < 64; i++) {
        uint32_t bit = (uint32_t)1 << i % 32;

        if (is_kept(i))
            continue;
        sets[i / 32].effective &= ~bit;
        sets[i / 32].permitted &= ~bit;
        sets[i / 32].inheritable &= ~bit;
    }
    limit_capabilities(false);
    return set_capabilities(sets);
}

/* Who stays root has been warned, and may be meant to read what is others'. */
static int
drop_capabilities(void)
{
    static const struct __user_cap_data_struct none[2];

    if (geteuid() == 0)
        return 0;
    (void)prctl(PR_CAP_AMBIENT, PR_CAP_AMBIENT_CLEAR_ALL, 0, 0, 0);
    return set_capabilities(none);
}

/* Nobody but root reads the memory of a process that cannot be dumped. Whoever
 * wants core files has them; the leak sanitizer has to read it, too. */
static int
set_dumpable(void)
{
    struct rlimit core = {.rlim_cur = 0};
    bool wanted = getrlimit(RLIMIT_CORE, &core) == 0 && core.rlim_cur > 0;

#ifdef __SANITIZE_ADDRESS__
    wanted = true;
#endif
    return prctl(PR_SET_DUMPABLE, wanted ? 1 : 0, 0, 0, 0);
}

int
privileges_drop(const struct privileges *p)
{
    if (p->change_group && (setgroups(p->group_count, p->groups) < 0 ||
                            setresgid(p->gid, p->gid, p->gid) < 0))
        return -1;
    if (geteuid() != 0 || (p->change_user && p->uid != 0))
        limit_capabilities(true);
    if (p->change_user && setresuid(p->uid, p->uid, p->uid) < 0)
        return -1;
    if (prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) < 0 || drop_capabilities() < 0)
        return -1;
    return set_dumpable();
}
