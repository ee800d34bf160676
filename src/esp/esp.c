/* SPDX-License-Identifier: Apache-2.0 */
/* The data plane as one object: records in, events and counters out. Packets: outbound.c and inbound.c. */
#include "esp/esp.h"
#include "base/arena.h"
#include "esp/lifetime.h"
#include "esp/state.h"

#include <stdlib.h>

#define PATH_MTU_DEFAULT 1500

static const char *const drop_names[DROP_REASONS];

struct esp *esp_new(const struct esp_config *c)
{
    struct esp *e = mem_new(sizeof(*e));
    e->config = *c;
    sad_init(&e->sad, c->path_mtu ? c->path_mtu : PATH_MTU_DEFAULT, c->engine);
    spd_init(&e->spd, &e->sad);
    e->spd.holds.lost = &e->counters.drops[DROP_TRAP_FAILED];
    e->worker = bulk_worker_new();
    return e;
}

void esp_free(struct esp *e)
{
    if (!e)
        return;
    spd_deinit(&e->spd);
    sad_deinit(&e->sad);
    ipcomp_free(e->ipcomp);
    bulk_worker_free(e->worker);
    free(e->spare);
    free(e);
}

struct bulk_worker *esp_crypto(struct esp *e)
{
    return e->worker;
}

void run_crypto(struct esp *e, size_t n, bool is_seal)
{
    if (e->config.crypto)
        e->config.crypto(e->config.crypto_ctx, e->ops, n, is_seal);
    else if (is_seal)
        bulk_seal(e->worker, e->ops, n);
    else
        bulk_open(e->worker, e->ops, n);
}

bool esp_apply(struct esp *e, const struct action *a, int64_t now, struct diag *d)
{
    (void)now;
    switch (a->kind) {
    case ACTION_SA_ADD:
        if (a->sa->mode != MODE_TUNNEL && !e->spare)
            e->spare = mem_new(ESP_SPARE);
        e->spd.holds.is_due |= a->sa->direction == SA_OUT;
        if (a->sa->cpi && !e->ipcomp)
            e->ipcomp = ipcomp_new();
        return sad_add(&e->sad, a->sa, d);
    case ACTION_SA_UPDATE:
        return sad_update(&e->sad, a->sa, d);
    case ACTION_SA_DEL:
        return sad_del(&e->sad, a->sa, d);
    case ACTION_POLICY_ADD:
        return spd_add(&e->spd, a->policy, d);
    case ACTION_TRAP_FAILED:
        return spd_trap_failed(&e->spd, a->id, d);
    case ACTION_POLICY_DEL:
        return spd_del(&e->spd, a->id, d);
    default:
        return true;
    }
}

void packet_drop(struct esp *e, struct esp_packet *p, enum esp_drop why)
{
    p->verdict = ESP_DROP;
    p->drop = (uint8_t)why;
    e->counters.drops[why]++;
}

size_t esp_events(struct esp *e, struct dataplane_event *ev, size_t cap)
{
    size_t n = lifetime_take_events(&e->sad, ev, cap);
    return n + holds_take_events(&e->spd.holds, ev + n, cap - n);
}

struct span esp_next_held(struct esp *e, int64_t now)
{
    return holds_next(&e->spd.holds, now);
}

bool esp_sa_counters(const struct esp *e, enum sa_direction dir, uint32_t spi, struct dataplane_event *out)
{
    const struct sa *sa = sad_find(&e->sad, dir, spi, 0);
    if (!sa)
        return false;
    sa_describe(sa, DP_COUNTERS, out);
    return true;
}

const struct esp_counters *esp_counters(const struct esp *e)
{
    return &e->counters;
}

void esp_count_drop(struct esp *e, enum esp_drop why, uint64_t n)
{
    e->counters.drops[why] += n;
}

const char *esp_drop_name(enum esp_drop d)
{
    return d < DROP_REASONS ? drop_names[d] : "unknown";
}

uint32_t esp_inner_mtu(const struct esp *e, uint32_t spi_out)
{
    const struct sa *sa = sad_find(&e->sad, SA_OUT, spi_out, 0);
    if (!sa)
        return 0;
    uint32_t mtu = sa->path->mtu && sa->path->mtu < e->sad.pmtu.initial ? sa->path->mtu : e->sad.pmtu.initial;
    return sa_inner_mtu_for(sa, mtu);
}

uint32_t esp_pad_to(const struct esp *e)
{
    return e->sad.has_tfc ? e->sad.pmtu.initial : 0;
}

void esp_path_mtu(struct esp *e, struct ip peer, uint32_t mtu, int64_t now)
{
    pmtu_learn(&e->sad.pmtu, peer, mtu, now);
}

static const char *const drop_names[DROP_REASONS] = {
    [DROP_NONE] = "none",
    [DROP_NO_POLICY] = "no policy",
    [DROP_POLICY_DISCARD] = "policy says discard",
    [DROP_NO_SA] = "no SA",
    [DROP_NOT_IP] = "not IP",
    [DROP_TOO_BIG] = "too big",
    [DROP_SEQ_EXHAUSTED] = "sequence numbers exhausted",
    [DROP_EXPIRED] = "SA expired",
    [DROP_UNKNOWN_SPI] = "unknown SPI",
    [DROP_REPLAY] = "replay",
    [DROP_BAD_ICV] = "bad ICV",
    [DROP_BAD_PADDING] = "bad padding",
    [DROP_SHORT] = "short",
    [DROP_SELECTOR] = "selectors",
    [DROP_WRONG_ENCAP] = "wrong encapsulation",
    [DROP_ECN] = "ECN",
    [DROP_FRAGMENT] = "fragment outside tunnel mode",
    [DROP_HEADERS] = "headers outside tunnel mode",
    [DROP_TRAP_FULL] = "too many before their SA",
    [DROP_TRAP_FAILED] = "no SA came",
    [DROP_COMPRESSION] = "bad compression",
    [DROP_QUEUE_FULL] = "receive queue full",
    [DROP_BUSY_IN] = "inbound worker busy",
    [DROP_BUSY_OUT] = "outbound worker busy",
    [DROP_NOT_SENT] = "not sent",
    [DROP_TUN] = "TUN refused",
    [DROP_STREAM_FULL] = "TCP connection full",
    [DROP_NO_STREAM] = "no TCP connection",
    [DROP_TUN_QUEUE] = "TUN queue full",
};
