/* SPDX-License-Identifier: Apache-2.0 */
/* Roaming: the machine's addresses and routes change (addresses.h), and the engine hears of it a moment
 * later, once for many changes: an interface that comes up is announced a dozen times. Which pairs of
 * addresses lead to a peer the engine asks itself (ACTION_PATHS); it is answered after the step. */
#include "sys/loop_impl.h"
#include "sys/resolve.h"
#include <stdlib.h>

#define SETTLE_MS 100 /* after the first announcement */

void loop_roam_tell(struct loop *l, const struct settings *s)
{
    size_t n;
    const struct config *c = engine_config(l->engine);
    const struct ip *all = addresses_list(l->addresses, s->interfaces_use, s->interfaces_ignore, &n);
    struct ip *v = calloc(n + 1, sizeof(*v));
    size_t own = 0;
    if (!v)
        abort();
    for (size_t i = 0; i < n; i++) { /* what tunnels gave us leads to no peer */
        if (!vips_have(&l->vips, all[i]))
            v[own++] = all[i];
    }
    if (l->routes)
        route_follow(l->routes);
    for (size_t i = 0; c && i < c->n_connections; i++)
        sys_refresh_local((struct connection *)c->connections[i]);
    loop_step(l, &(struct input){
                     .kind = INPUT_ADDRESSES, .addresses = {.v = v, .n = own}
    });
    free(v);
}

static void on_settled(uv_timer_t *timer)
{
    struct loop *l = timer->data;
    log_line(GROUP_KNL, LOG_DETAIL, "addresses or routes have changed");
    loop_roam_tell(l, &engine_config(l->engine)->settings);
}

static void on_news(uv_poll_t *poll, int status, int events)
{
    struct loop *l = poll->data;
    (void)events;
    const struct config *c = engine_config(l->engine);
    bool heeds = !c || c->settings.heeds_roaming;
    if (status < 0 || !addresses_take_news(l->addresses) || !heeds ||
        uv_is_active((uv_handle_t *)&l->roam_timer))
        return;
    uv_timer_start(&l->roam_timer, on_settled, SETTLE_MS, 0);
}

bool loop_roam_open(struct loop *l, const struct settings *s, int device, struct diag *d)
{
    struct addresses_options o = {.device = device, .table = s->routing_table};
    l->addresses = addresses_open(&o, d);
    return l->addresses;
}

void loop_roam_start(struct loop *l, const struct settings *s)
{
    uv_poll_init(&l->uv, &l->news, addresses_fd(l->addresses));
    l->news.data = l;
    uv_poll_start(&l->news, UV_READABLE, on_news);
    loop_roam_tell(l, s);
}

void loop_roam_close(struct loop *l)
{
    addresses_close(l->addresses);
    free(l->queries);
}

void loop_roam_ask(struct loop *l, const struct path_query *q)
{
    if (l->n_queries == l->cap_queries) {
        l->cap_queries = l->cap_queries ? 2 * l->cap_queries : 16;
        l->queries = realloc(l->queries, l->cap_queries * sizeof(*l->queries));
        if (!l->queries)
            abort();
    }
    l->queries[l->n_queries++] = *q;
}

/* An answer may lead to another question. */
void loop_roam_answer(struct loop *l)
{
    if (l->is_answering || !l->engine)
        return;
    l->is_answering = true;
    while (l->n_queries) {
        struct path_query q = l->queries[--l->n_queries];
        struct ip_pair v[PATH_PAIRS];
        size_t n = addresses_paths(l->addresses, &q, v);
        loop_step(l, &(struct input){
                         .kind = INPUT_PATHS, .paths = {.ike_id = q.ike_id, .v = v, .n = n}
        });
    }
    l->is_answering = false;
}
