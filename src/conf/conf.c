/* SPDX-License-Identifier: Apache-2.0 */
/* conf_load(): which files are read, in which order, and that a snapshot comes out only when nothing at all
 * is wrong. strongswan.conf first, since it holds defaults of connections. */
#include "base/log.h"
#include "conf/build.h"
#include "conf/value.h"
#include <stdlib.h>

#define UNBOUNDED (SIZE_MAX / 2) /* what is read is bounded; what comes of it is in proportion */

static bool is_loaded(const struct conf_request *req, const char *what)
{
    size_t n = 0;
    bool found = false;
    if (!req->load)
        return true;
    struct arena *a = arena_new(UNBOUNDED);
    const char **v = value_list(a, req->load, &n);
    for (size_t i = 0; i < n; i++)
        found |= strcmp(v[i], what) == 0;
    arena_free(a);
    return found;
}

static void check_request(const struct conf_request *req, struct errors *errs)
{
    static const char *const known[] = {"none", "keyway", "swanctl", "ipsec", "l2tp"};
    size_t n = 0;
    struct arena *a = arena_new(UNBOUNDED);
    const char **v = value_list(a, req->load ? req->load : "", &n);
    for (size_t i = 0; i < n; i++) {
        size_t k = 0;
        while (k < ARRAY_LEN(known) && strcmp(known[k], v[i]) != 0)
            k++;
        if (k < ARRAY_LEN(known) && k < 4)
            continue;
        struct diag *d = errors_add(
            errs, NULL, 0, 0,
            k < ARRAY_LEN(known) ? "'%s' files are not read yet" : "there are no '%s' files to load", v[i]);
        diag_expected(d, "none, or keyway, swanctl and ipsec");
    }
    arena_free(a);
}

/* One dialect's tree, from reading to building. */
struct reading {
    struct settings_tree tree;
    struct builder *b;
    struct arena *scratch;
    const char *dialect, *dir;
    size_t n_errors; /* before it */
    bool is_good;    /* there is something to build from */
};

/* Several may be begun: this one goes on. */
static void go_on(struct reading *r)
{
    r->b->scratch = r->scratch;
    r->b->tree = &r->tree;
    r->b->dialect = r->dialect;
    r->b->dir = r->dir;
}

static void begin(struct reading *r, struct builder *b, const char *dialect, const char *dir)
{
    *r = (struct reading){.b = b, .n_errors = b->errs->n, .dialect = dialect, .dir = dir};
    r->scratch = arena_new(UNBOUNDED);
    settings_init(&r->tree, r->scratch, b->a);
    go_on(r);
}

static void end(struct reading *r)
{
    settings_deinit(&r->tree);
    arena_free(r->scratch);
    r->b->scratch = NULL;
    r->b->tree = NULL;
}

/* Builds nothing from a tree with holes: the errors that followed from them would only hide the first. */
static bool is_sound(struct reading *r)
{
    settings_resolve(&r->tree, r->b->errs);
    build_check_private(r->b, r->tree.root);
    return r->b->errs->n == r->n_errors;
}

static bool read_one(struct reading *r, const char *path)
{
    return settings_read(&r->tree, r->tree.root, path, r->b->src, r->b->errs);
}

/* Each of them has to be there. */
static bool read_all(struct reading *r, const char *const *files)
{
    for (; *files; files++) {
        if (!read_one(r, *files))
            errors_add(r->b->errs, *files, 1, 0, "no such file");
    }
    return true;
}

static void load_strongswan(struct builder *b, const struct conf_request *req)
{
    struct reading r;
    begin(&r, b, "strongswan.conf", req->etc);
    const char *path =
        req->settings ? req->settings : arena_printf(b->scratch, "%s/strongswan.conf", req->etc);
    bool found = read_one(&r, path);
    if (!found && req->settings)
        errors_add(b->errs, path, 1, 0, "no such file");
    strongswan_explain_strays(&r.tree);
    if (found && is_sound(&r))
        build_strongswan(b, r.tree.root);
    end(&r);
}

/* Its settings; load_keyway() the rest. */
static void begin_keyway(struct reading *r, struct builder *b, const struct conf_request *req)
{
    const char **paths = NULL;
    begin(r, b, "keyway.conf", arena_printf(b->a, "%s/keyway", req->etc));
    r->tree.allows_titles = true;
    bool found = req->files ? read_all(r, req->files)
                            : read_one(r, arena_printf(b->scratch, "%s/keyway.conf", b->dir));
    size_t n = req->files ? 0
                          : b->src->glob(b->src->ctx, b->scratch,
                                         arena_printf(b->scratch, "%s/conf.d/*.conf", b->dir), &paths);
    for (size_t i = 0; i < n; i++)
        read_one(r, paths[i]);
    r->is_good = (found || n) && is_sound(r);
    if (r->is_good)
        build_keyway_settings(b, r->tree.root);
}

static void load_keyway(struct reading *r)
{
    go_on(r);
    if (r->is_good && !r->b->is_of_settings)
        build_keyway(r->b, r->tree.root);
    end(r);
}

static void load_swanctl(struct builder *b, const struct conf_request *req)
{
    struct reading r;
    begin(&r, b, "swanctl.conf", arena_printf(b->a, "%s/swanctl", req->etc));
    bool found = req->files ? read_all(&r, req->files)
                            : read_one(&r, arena_printf(b->scratch, "%s/swanctl.conf", b->dir));
    if (found && is_sound(&r))
        build_swanctl(b, r.tree.root);
    end(&r);
}

/* Before the rest, which may name what is there. */
static void load_ipsec_d(struct builder *b, const struct conf_request *req)
{
    struct reading r;
    begin(&r, b, "ipsec.d", arena_printf(b->a, "%s/ipsec.d", req->etc));
    b->ipsec_d = b->dir;
    build_ipsec_d(b);
    end(&r);
}

/* Its settings, after those of keyway.conf, which count more; load_ipsec() the rest. */
static struct ipsec_tree *begin_ipsec(struct reading *r, struct builder *b, const struct conf_request *req)
{
    begin(r, b, "ipsec.conf", arena_printf(b->a, "%s/ipsec.d", req->etc));
    return build_ipsec_settings(b, req);
}

static void load_ipsec(struct reading *r, struct ipsec_tree *t, const struct conf_request *req)
{
    go_on(r);
    r->b->has_nicknames = true;
    build_ipsec(t, req);
    r->b->has_nicknames = false;
    end(r);
}

/* The daemon's settings first: they say where the key store is, which the rest may name things of. */
static void load_dialects(struct builder *b, const struct conf_request *req)
{
    struct reading keyway, ipsec;
    struct ipsec_tree *t = NULL;
    bool has_keyway = is_loaded(req, "keyway"), has_ipsec = is_loaded(req, "ipsec");
    if (has_keyway)
        begin_keyway(&keyway, b, req);
    if (has_ipsec)
        t = begin_ipsec(&ipsec, b, req);
    if (has_ipsec && !req->is_of_settings) {
        load_ipsec_d(b, req);
        build_key_store(b);
    }
    if (has_keyway)
        load_keyway(&keyway);
    if (is_loaded(req, "swanctl") && !req->is_of_settings)
        load_swanctl(b, req);
    if (has_ipsec)
        load_ipsec(&ipsec, t, req);
}

struct config *conf_load(const struct conf_source *src, const struct conf_request *req, struct diag *d,
                         size_t cap, size_t *n_errors)
{
    struct errors errs = {.v = d, .cap = cap};
    struct arena *a = arena_new(UNBOUNDED);
    struct config *c = config_new(a);
    struct builder b = {
        .src = src, .errs = &errs, .a = a, .config = c, .is_of_settings = req->is_of_settings};
    map_init(&b.names);
    check_request(req, &errs);
    load_strongswan(&b, req);
    load_dialects(&b, req);
    build_finish_pools(&b);
    build_check_ppks(&b);
    build_drop_found(&b);
    map_deinit(&b.names);
    *n_errors = errs.n;
    if (errs.n == 0) {
        config_index(c); /* here and not in the control thread */
        return c;
    }
    config_unref(c);
    return NULL;
}
