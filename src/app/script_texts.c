/* SPDX-License-Identifier: MIT */
#include "app/script_texts.h"

#include <errno.h>
#include <string.h>

#include "app/message.h"
#include "base/log.h"
#include "board/render_page.h"
#include "script/bundle.h"

/* One that cannot be kept is merely not shown. */
static void
keep(struct bundles *set, struct bundle *bundle)
{
    if (bundles_put(set, bundle) < 0)
        log_warn("script %s: no memory to keep its text", bundle->name);
}

void
script_texts_init(struct script_texts *t, const struct bundles *bundles)
{
    bundles_init(&t->now);
    bundles_init(&t->before);
    bundles_init(&t->staged);
    for (size_t i = 0; i < bundles->count; i++)
        keep(&t->now, bundles->items[i]);
}

void
script_texts_fini(struct script_texts *t)
{
    bundles_fini(&t->now);
    bundles_fini(&t->before);
    bundles_fini(&t->staged);
}

static void
forget(struct script_texts *t)
{
    bundles_fini(&t->staged);
    bundles_init(&t->staged);
}

static void
stage(struct script_texts *t, int fd)
{
    struct bundles set;

    forget(t);
    if (bundles_read(&set, fd) < 0) {
        log_warn("cannot read the texts of scripts: %s", strerror(errno));
        return;
    }
    t->staged = set;
}

/* The same version again changes nothing that is shown. */
static void
commit(struct script_texts *t)
{
    for (size_t i = 0; i < t->staged.count; i++) {
        struct bundle *next = t->staged.items[i];
        struct bundle *now = bundles_find(&t->now, next->name);

        if (now != NULL && strcmp(bundle_hash(now), bundle_hash(next)) == 0)
            continue;
        if (now != NULL)
            keep(&t->before, now);
        keep(&t->now, next);
    }
    forget(t);
}

void
script_texts_message(struct script_texts *t, const struct message *m)
{
    if (m->kind == MESSAGE_SCRIPT_STAGE && m->fd >= 0)
        stage(t, m->fd);
    else if (m->kind == MESSAGE_SCRIPT_COMMIT)
        commit(t);
    else if (m->kind == MESSAGE_SCRIPT_DROP)
        forget(t);
}

/* The script's own file, which is the first of its kind. */
static struct str
text_of(const struct bundle *bundle)
{
    for (size_t i = 0; i < bundle->count; i++) {
        const struct bundle_file *file = &bundle->files[i];

        if (file->kind == BUNDLE_SCRIPT && !file->missing)
            return str_make(file->text, file->len);
    }
    return STR("");
}

static struct bundle *
find(const struct bundles *set, struct str name)
{
    for (size_t i = 0; i < set->count; i++) {
        if (str_equal(str_from(set->items[i]->name), name))
            return set->items[i];
    }
    return NULL;
}

bool
script_texts_find(struct page_diff *out, const struct script_texts *t,
                  struct str name)
{
    const struct bundle *now = find(&t->now, name);
    const struct bundle *before = find(&t->before, name);

    if (now == NULL)
        return false;
    *out = (struct page_diff){
        .name = str_from(now->name),
        .now = text_of(now),
        .now_hash = str_from(bundle_hash(now)),
    };
    if (before == NULL)
        return true;
    out->has_before = true;
    out->before = text_of(before);
    out->before_hash = str_from(bundle_hash(before));
    return true;
}
