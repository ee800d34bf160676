/* SPDX-License-Identifier: Apache-2.0 */
/* Configuration payloads without an engine: an IKE SA with a connection that asks for addresses and has
 * pools, and an owner of it that counts. Include it once in a program. */
#pragma once

#include "ike/msg/decode.h"
#include "ike/v2/sa.h"

struct cfg_host {
    struct pools pools;
    struct ip on_device[64];
    size_t n_on_device, n_dns;
    bool went_wrong; /* added twice, or taken away what was not there */
};

static inline struct cfg_host *cfg_host_of(const struct ike_env *env)
{
    return env->ctx;
}

static struct lease_answer cfg_host_ask(struct ike_env *env, const struct lease_request *r)
{
    return pools_ask(&cfg_host_of(env)->pools, r);
}

static void cfg_host_hold(struct ike_env *env, struct ip ip)
{
    pools_hold(&cfg_host_of(env)->pools, ip);
}

static void cfg_host_release(struct ike_env *env, struct ip ip)
{
    pools_release(&cfg_host_of(env)->pools, ip);
}

static void cfg_host_vip(struct ike_env *env, const struct ike_sa *sa, struct ip ip, bool is_added)
{
    struct cfg_host *h = cfg_host_of(env);
    size_t i = 0;
    (void)sa;
    while (i < h->n_on_device && !ip_equal(h->on_device[i], ip))
        i++;
    h->went_wrong |= is_added == (i < h->n_on_device) || h->n_on_device == ARRAY_LEN(h->on_device);
    if (is_added && !h->went_wrong)
        h->on_device[h->n_on_device++] = ip;
    if (!is_added && i < h->n_on_device)
        h->on_device[i] = h->on_device[--h->n_on_device];
}

static void cfg_host_dns(struct ike_env *env, struct ip ip, bool is_added)
{
    (void)ip;
    cfg_host_of(env)->n_dns += is_added ? 1 : SIZE_MAX;
}

static struct ip cfg_host_wanted(void *ctx, const struct ike_sa *sa, size_t i)
{
    (void)ctx;
    return sa->conn->vips[i];
}

static void cfg_host_log(struct ike_env *env, const struct connection *conn, uint64_t ike_id,
                         enum log_group group, enum log_level level, const char *text)
{
    (void)env;
    (void)conn;
    (void)ike_id;
    (void)group;
    (void)level;
    (void)text;
}

static void cfg_host_alert(struct ike_env *env, const struct ike_sa *sa, enum alert what)
{
    (void)env;
    (void)sa;
    (void)what;
}

static const struct ike_host cfg_host_functions = {
    .lease_ask = cfg_host_ask,
    .lease_hold = cfg_host_hold,
    .lease_release = cfg_host_release,
    .vip = cfg_host_vip,
    .dns = cfg_host_dns,
    .vip_wanted = cfg_host_wanted,
    .log = cfg_host_log,
    .alert = cfg_host_alert,
};

/* One CP payload with this body, as it came out of an SK payload. False when that is malformed. */
__attribute__((unused)) static bool cfg_host_message(struct arena *a, uint8_t type, struct span attrs,
                                                     struct ike_message *out)
{
    struct wr w = wr_over(arena_alloc(a, attrs.len + 8), attrs.len + 8);
    wr_u16(&w, 0);
    wr_u16(&w, (uint16_t)(attrs.len + 8));
    wr_u8(&w, type);
    wr_zero(&w, 3);
    wr_span(&w, attrs);
    *out = (struct ike_message){.v = arena_calloc(a, IKE_MAX_PAYLOADS, sizeof(*out->v))};
    return wr_ok(&w) && ike_decode_inner(a, PAYLOAD_CP, wr_span_view(&w), out, NULL) == DECODE_OK;
}
