/* SPDX-License-Identifier: MIT */
/* Reads the main file, then what it includes, then makes one of it all. */
#include "config/config.h"

#include <string.h>

#include "config/build.h"
#include "config/document.h"
#include "config/holder.h"
#include "config/parse.h"
#include "config/sources.h"
#include "config/value.h"
#include "config/verify.h"

/* The absolute folder of the file at PATH. */
static struct str
folder_of(struct arena *arena, struct sources *sources, const char *path)
{
    const char *slash = strrchr(path, '/');
    struct str folder =
        slash == NULL ? STR(".") : str_make(path, (size_t)(slash - path) + 1);
    struct str result =
        memory_str(arena, sources_folder(sources, memory_str(arena, folder).p));

    if (result.len == 1)
        result.len = 0; /* "/" and "/x" make "/x" */
    return result;
}

/* Reads the files that one include key names. */
static void
read_pattern(struct document *doc, const struct parse *p,
             const struct entry *entry)
{
    struct str text = value_unquote(p->arena, entry->value);
    struct str pattern = parse_path(p, text);
    struct str found;

    if (entry->broken || text.len == 0)
        return; /* reported elsewhere */
    if (sources_matches(p->sources, &found, pattern.p, entry->at.file) < 0) {
        /* A pattern may match nothing, a single file has to be there. */
        if (strpbrk(pattern.p, "*?[") == NULL)
            parse_refuse(p, entry, "there is no file " STR_FMT,
                         STR_ARG(pattern));
        return;
    }
    for (size_t i = 0; i < found.len; i += strlen(found.p + i) + 1) {
        if (found.p[i] == '\0')
            parse_refuse(p, entry, "the pattern matches this very file");
        else
            document_read(doc, p->sources, found.p + i);
    }
}

/* Reads what the [global] of the main file includes. */
static void
read_includes(struct document *doc, const struct parse *p)
{
    const struct key *key = keys_find(KEY_GLOBAL, STR("include"));
    const struct block *global = document_find(doc, KEY_GLOBAL);
    const struct entry *entries;

    if (global == NULL)
        return;
    entries = global->entries.items;
    for (size_t i = 0; i < global->entries.count; i++)
        if (entries[i].key == key)
            read_pattern(doc, p, &entries[i]);
}

int
config_read_from(const struct config **out, const char *path,
                 struct sources *sources, struct faults *faults)
{
    size_t before = faults->count;
    struct holder *holder = holder_new();
    struct config *config = &holder->config;
    struct document doc;
    struct parse p = {
        .arena = &holder->arena,
        .faults = faults,
        .sources = sources,
    };

    document_init(&doc, &holder->arena, faults);
    config->file = memory_str(&holder->arena, str_from(path));
    config->folder = folder_of(&holder->arena, sources, path);
    p.folder = config->folder;
    document_read(&doc, sources, path);
    read_includes(&doc, &p);
    build_config(config, &doc, sources);
    verify_config(config, &doc);
    document_fini(&doc);
    *out = config;
    faults_sort(faults);
    return faults->count == before ? 0 : -1;
}

int
config_read(const struct config **out, const char *path, struct faults *faults)
{
    struct sources sources;
    int result;

    sources_init(&sources);
    result = config_read_from(out, path, &sources, faults);
    sources_fini(&sources);
    return result;
}
