/* SPDX-License-Identifier: Apache-2.0 */
/* What the commands that load share: see load.h. */
#include "bin/swanctl/load.h"
#include <errno.h>
#include <stdlib.h>

/* A file that is wrong changes nothing: what is loaded stays. Theirs takes it for an empty one, and unloads
 * all. */
bool loader_open(struct loader *l, struct swanctl_run *r, int *code)
{
    const char *folder = getenv("SWANCTL_DIR"), *file = swanctl_get(r, "file");
    char path[PATH_TEXT_MAX + 16];
    *l = (struct loader){.run = r, .has_prompts = !swanctl_has(r, "noprompt")};
    if (folder && *folder)
        snprintf(l->folder, sizeof(l->folder), "%s", folder);
    else
        snprintf(l->folder, sizeof(l->folder), "%s/swanctl", r->paths.etc);
    snprintf(path, sizeof(path), "%s/swanctl.conf", l->folder);
    settings_file_read(&l->file, &r->paths, file ? file : path);
    settings_file_complain(&l->file);
    if (!l->file.is_found && r->debug > 0)
        fprintf(stderr, "no files found matching '%s'\nfailed to open config file '%s'\n", file ? file : path,
                file ? file : path);
    if (!l->file.n_errors && (l->file.is_found || !file))
        return true;
    if (l->file.n_errors)
        fprintf(stderr, "invalid config file '%s'\n", file ? file : path);
    *code = l->file.n_errors ? EINVAL : ENOENT;
    loader_close(l);
    return false;
}

void loader_close(struct loader *l)
{
    settings_file_free(&l->file);
    names_free(&l->keys);
    names_free(&l->shared);
}

const struct setting *loader_section(const struct loader *l, const char *name)
{
    return settings_section(&l->file.tree, l->file.tree.root, name);
}

enum load_outcome loader_send(struct loader *l, const char *vici, struct vici_writer *w, struct span *reply)
{
    struct span ignored;
    char label[64];
    int code;
    reply = reply ? reply : &ignored;
    if (!swanctl_ask(l->run, w, vici, reply, &code))
        return LOAD_BROKEN;
    if (l->run->style == DUMP_NONE)
        return swanctl_is_success(*reply) ? LOAD_DONE : LOAD_REFUSED;
    snprintf(label, sizeof(label), "%s reply", vici);
    dump_message(stdout, label, *reply, l->run->style);
    return LOAD_DONE;
}

void loader_refused(const char *before, const char *name, struct span reply)
{
    fprintf(stderr, "%s '%s' failed: ", before, name);
    part_print(stderr, reply, "errmsg", "", 0);
    fputc('\n', stderr);
}

static void add_name(struct names *n, struct span name)
{
    n->v = realloc(n->v, (n->n + 1) * sizeof(*n->v));
    char *copy = strndup(name.len ? (const char *)name.ptr : "", name.len);
    if (!n->v || !copy)
        abort();
    n->v[n->n++] = (struct name){.text = copy};
}

/* What a daemon does not know it has not: no word of that. */
void loader_names(struct loader *l, const char *vici, const char *list, struct names *out)
{
    struct vici_writer w;
    struct span reply;
    struct diag d;
    char label[64];
    *out = (struct names){0};
    vici_write_init(&w);
    vici_packet_open(&w, VICI_CMD_REQUEST, vici);
    bool is_ok = vici_client_exchange(l->run->client, &w, NULL, NULL, NULL, &reply, &d);
    vici_write_free(&w);
    if (!is_ok)
        return;
    snprintf(label, sizeof(label), "%s reply", vici);
    if (l->run->style != DUMP_NONE)
        dump_message(stdout, label, reply, l->run->style);
    struct vici_reader r = vici_read(reply);
    struct vici_element e;
    bool is_ours = false;
    while (vici_next(&r, &e)) {
        if (e.kind == VICI_LIST_START)
            is_ours = list && r.depth == 0 && span_equal(e.name, span_str(list));
        if (!list && e.kind == VICI_SECTION_START && r.depth == 1)
            add_name(out, e.name);
        if (is_ours && e.kind == VICI_LIST_ITEM)
            add_name(out, e.value);
    }
}

void names_mark_again(struct names *n, struct span name)
{
    for (size_t i = 0; i < n->n; i++) {
        if (span_equal(span_str(n->v[i].text), name))
            n->v[i].is_again = true;
    }
}

void names_free(struct names *n)
{
    for (size_t i = 0; i < n->n; i++)
        free(n->v[i].text);
    free(n->v);
    *n = (struct names){0};
}
