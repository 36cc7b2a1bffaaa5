/* SPDX-License-Identifier: MIT */
#include "app/trial.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "app/config_trial.h"
#include "app/setup.h"
#include "app/trial_specs.h"
#include "config/faults.h"
#include "config/model.h"
#include "script/bundle.h"
#include "script/bundles.h"

enum {
    WORDS_MAX = 65536, /* bytes of what is wrong */
};

/* --- loading -------------------------------------------------------------- */

/* Faults are written to the words. */
static int
load(struct bundles *set, const struct trial_conf *conf, struct buf *words)
{
    struct faults faults;
    int result;

    faults_init(&faults);
    result = service_try(conf->config, conf->addresses, conf->names,
                         conf->count, set, &faults);
    setup_write_faults(&faults, words);
    faults_fini(&faults);
    return result;
}

static bool
is_committed(const struct trial_conf *conf, const struct bundle *bundle)
{
    const struct bundle *now = bundles_find(conf->committed, bundle->name);

    return now != NULL && bundle_equals(now, bundle);
}

static void
remove_committed(struct bundles *set, const struct trial_conf *conf)
{
    for (size_t i = 0; i < conf->count; i++) {
        const struct bundle *bundle = bundles_find(set, conf->names[i]);

        if (bundle != NULL && is_committed(conf, bundle))
            bundles_remove(set, conf->names[i]);
    }
}

/* --- the whole ------------------------------------------------------------ */

static void
write_words(const struct trial_conf *conf, const struct buf *words)
{
    if (words->len > 0)
        (void)!write(conf->words, words->p, words->len);
}

static int
write_bundles(const struct trial_conf *conf, const struct bundles *set)
{
    if (bundles_write(set, conf->bundles) == 0)
        return 0;
    dprintf(conf->words, "its bytes cannot be handed on: %s\n",
            strerror(errno));
    return -1;
}

static int
try_all(const struct trial_conf *conf)
{
    struct bundles set;
    struct buf words;
    int result;

    bundles_init(&set);
    buf_init_growing(&words, WORDS_MAX);
    result = load(&set, conf, &words);
    write_words(conf, &words);
    if (result == 0 && conf->kind == TRIAL_CHANGED)
        remove_committed(&set, conf);
    if (result == 0)
        result = trial_test(conf->config, &set, conf->words);
    if (result == 0)
        result = write_bundles(conf, &set);
    buf_fini(&words);
    bundles_fini(&set);
    return result;
}

/* What cannot be loaded has been read all the same, as far as that was
 * possible. */
static int
scan(const struct trial_conf *conf)
{
    struct bundles set;
    struct buf words;

    bundles_init(&set);
    buf_init_growing(&words, WORDS_MAX);
    (void)load(&set, conf, &words);
    if (bundles_seal(&set) < 0)
        return -1;
    for (size_t i = 0; i < conf->count; i++) {
        const struct bundle *bundle = bundles_find(&set, conf->names[i]);

        if (bundle == NULL || !is_committed(conf, bundle))
            dprintf(conf->words, "%s\n", conf->names[i]);
    }
    buf_fini(&words);
    bundles_fini(&set);
    return 0;
}

/* --- a whole configuration ------------------------------------------------ */

void
trial_init(struct trial *t, const struct trial_conf *conf)
{
    *t = (struct trial){.conf = conf};
    if (conf->kind == TRIAL_CONFIG)
        t->whole = config_trial_read(conf->config->file.p);
}

static int
try_config(struct trial *t)
{
    const struct trial_conf *conf = t->conf;
    struct bundles set;
    struct buf words;
    int result;

    bundles_init(&set);
    buf_init_growing(&words, WORDS_MAX);
    result = config_trial_load(t->whole, &set, &words);
    write_words(conf, &words);
    if (result == 0)
        result = trial_test(config_trial_config(t->whole), &set, conf->words);
    if (result == 0)
        result = write_bundles(conf, &set);
    if (result == 0)
        result = config_trial_write(t->whole, conf->record);
    buf_fini(&words);
    bundles_fini(&set);
    return result;
}

int
trial_run(struct trial *t)
{
    switch (t->conf->kind) {
    case TRIAL_SCAN:
        return scan(t->conf);
    case TRIAL_CONFIG:
        return try_config(t);
    case TRIAL_ALL:
    case TRIAL_CHANGED:
        return try_all(t->conf);
    }
    return -1;
}
