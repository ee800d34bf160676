/* SPDX-License-Identifier: Apache-2.0 */
/* What clients load into the running daemon: built on a worker, kept over the configuration of files, and
 * given to the engine as one snapshot. A client that loads thousands of connections, one by one, makes a few
 * snapshots and not thousands: a change is in force after a moment, or when somebody looks. */
#include "sys/files.h"
#include "sys/loop_impl.h"
#include "sys/resolve.h"
#include <stdlib.h>

#define SOON_MS 20

/* ---- building */

struct build_work {
    uv_work_t req;
    struct loop *loop;
    uint64_t token;
    struct conf_item *item;
    struct config *around; /* what it will stand beside */
    struct config *part;
    struct diag errors[LOOP_ERRORS_MAX];
    size_t n_errors;
};

static void look_up(struct config *part)
{
    sys_resolve_config(part);
    struct name_lookup *names = name_lookup_new(part, false);
    if (!names)
        return;
    name_lookup_run(names);
    name_lookup_apply(names, part);
    name_lookup_free(names);
}

static void on_build(uv_work_t *req)
{
    struct build_work *w = container_of(req, struct build_work, req);
    struct conf_source files = files_source(&w->loop->o.paths);
    w->part = conf_item_build(w->item, &files, w->loop->o.paths.etc, w->around, w->errors, LOOP_ERRORS_MAX,
                              &w->n_errors);
    if (w->part)
        look_up(w->part);
}

static void on_built(uv_work_t *req, int status)
{
    struct build_work *w = container_of(req, struct build_work, req);
    struct loop *l = w->loop;
    size_t n = w->n_errors < LOOP_ERRORS_MAX ? w->n_errors : LOOP_ERRORS_MAX;
    if (status == 0 && !l->is_stopping && l->hooks.built)
        l->hooks.built(l->hooks.ctx, w->token, w->part, w->errors, n);
    else
        config_unref(w->part);
    conf_item_free(w->item);
    config_unref(w->around);
    free(w);
}

void loop_build(struct loop *l, uint64_t token, struct conf_item *item)
{
    struct build_work *w = calloc(1, sizeof(*w));
    if (!w)
        abort();
    if (l->has_credential_news)
        loop_apply_overlay(l);
    w->loop = l;
    w->token = token;
    w->item = item;
    w->around = config_ref((struct config *)engine_config(l->engine));
    uv_queue_work(&l->uv, &w->req, on_build, on_built);
}

/* ---- into force */

static void give(struct loop *l)
{
    l->has_overlay_news = l->has_credential_news = false;
    uv_timer_stop(&l->overlay_timer);
    struct config *c = overlay_config(l->overlay, l->files);
    loop_kernel_expect(l, c);
    loop_step(l, &(struct input){.kind = INPUT_CONFIG, .config = c});
    loop_kernel_settle(l);
}

void loop_apply_overlay(struct loop *l)
{
    if (l->has_overlay_news && !l->is_stepping && !l->is_stopping)
        give(l);
}

void loop_take_files(struct loop *l, struct config *files)
{
    config_unref(l->files);
    config_unref(l->read);
    l->files = files;
    l->read = config_ref(files);
    overlay_rebase(l->overlay, files);
    give(l);
}

void loop_take_settings(struct loop *l, struct config *settings)
{
    struct config *const parts[] = {settings, l->read};
    config_unref(l->files);
    l->files = config_merge(parts, ARRAY_LEN(parts), NULL);
    config_unref(settings);
    give(l);
}

static void on_soon(uv_timer_t *timer)
{
    loop_apply_overlay(timer->data);
}

static void changed(struct loop *l)
{
    if (!l->has_overlay_news)
        uv_timer_start(&l->overlay_timer, on_soon, SOON_MS, 0);
    l->has_overlay_news = true;
}

const struct overlay *loop_overlay(const struct loop *l)
{
    return l->overlay;
}

bool loop_put(struct loop *l, enum conf_item_kind kind, const char *name, struct config *part)
{
    bool ok = overlay_put(l->overlay, kind, name, part);
    l->has_credential_news |= kind != ITEM_CONNECTION && kind != ITEM_POOL;
    changed(l);
    return ok;
}

bool loop_remove(struct loop *l, enum conf_item_kind kind, const char *name)
{
    bool ok = overlay_remove(l->overlay, kind, name, l->files);
    changed(l);
    return ok;
}

void loop_clear_credentials(struct loop *l)
{
    overlay_clear_credentials(l->overlay);
    changed(l);
}
