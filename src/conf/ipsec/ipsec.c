/* SPDX-License-Identifier: Apache-2.0 */
/* ipsec.conf and ipsec.secrets, from files to connections: which files are read, and in which order what is
 * in them becomes what. Errors of the lines hide what would only follow from them. */
#include "conf/ipsec/ipsec.h"

static void read_folder(struct ipsec_tree *t, const char *why)
{
    const char **paths = NULL;
    const char *pattern = arena_printf(t->arena, "%s/*.conf", t->b->dir);
    size_t n = t->b->src->glob(t->b->src->ctx, t->arena, pattern, &paths);
    for (size_t i = 0; i < n; i++)
        ipsec_read(t, paths[i], true);
    if (n)
        log_line(GROUP_CFG, LOG_NOTICE, "%s is read, since %s", pattern, why);
}

static void read_secret_files(struct ipsec_tree *t)
{
    const char **paths = NULL;
    const char *said = t->b->config->settings.ipsec_secrets;
    const char *main = said ? said : arena_printf(t->arena, "%s/ipsec.secrets", t->etc);
    bool found = ipsec_read_secrets(t, main);
    size_t n = found && !t->reads_folder
                   ? 0
                   : t->b->src->glob(t->b->src->ctx, t->arena,
                                     arena_printf(t->arena, "%s/*.secrets", t->b->dir), &paths);
    for (size_t i = 0; i < n; i++)
        ipsec_read_secrets(t, paths[i]); /* what is included twice is the same */
}

/* Files of ipsec.d that ipsec.conf includes, if it does that, and else because it says nothing. */
static void read_files(struct ipsec_tree *t, const char *const *files)
{
    for (size_t i = 0; files && files[i]; i++) {
        if (!ipsec_read(t, files[i], false))
            errors_add(t->b->errs, files[i], 1, 0, "no such file");
    }
    if (files)
        return;
    bool found = ipsec_read(t, arena_printf(t->arena, "%s/ipsec.conf", t->etc), false);
    t->reads_folder = !t->has_include && !t->has_conn;
    if (t->reads_folder)
        read_folder(t, found ? "ipsec.conf has neither an include nor a conn" : "there is no ipsec.conf");
}

struct ipsec_tree *build_ipsec_settings(struct builder *b, const struct conf_request *req)
{
    struct ipsec_tree *t = arena_alloc(b->scratch, sizeof(*t));
    size_t n_errors = b->errs->n;
    *t = (struct ipsec_tree){.b = b, .etc = req->etc, .arena = b->scratch, .names = b->a};
    t->files_end = &t->files;
    t->forced = req->ipsec_dialect ? req->ipsec_dialect : b->config->settings.ipsec_dialect;
    map_init(&t->by_name);
    map_init(&t->twins);
    if (b->src->own_addresses)
        t->n_own = b->src->own_addresses(b->src->ctx, b->scratch, &t->own);
    read_files(t, req->files);
    if (t->files) {
        ipsec_judge(t);
        ipsec_check(t);
    }
    if (b->errs->n == n_errors)
        ipsec_build_setup(t);
    t->is_bad = b->errs->n != n_errors;
    return t;
}

void build_ipsec(struct ipsec_tree *t, const struct conf_request *req)
{
    size_t n_errors = t->b->errs->n;
    read_secret_files(t);
    if (!t->is_bad && t->b->errs->n == n_errors && !req->is_of_settings) {
        ipsec_build_cas(t);
        ipsec_build_conns(t, req);
    }
    map_deinit(&t->by_name);
    map_deinit(&t->twins);
}
