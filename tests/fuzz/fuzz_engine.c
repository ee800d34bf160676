/* SPDX-License-Identifier: Apache-2.0 */
/* Fuzz target: an engine with an established IKE SA (and child) and a half-open one gets a sequence of
 * (time, what) from the input: datagrams as they are, with the SPIs put right, or sealed with the peer's
 * keys, so that what stands behind the ICV is reached; commands and data plane events between them. What is
 * not sealed must leave the established SA and its child as they are.
 *
 * Input: a byte (bit 0: the engine was the initiator), then chunks: mode, delay (16 bits, 10 ms), length (16
 * bits), bytes. The upper bits of mode: 0x08 port 4500, 0x10 from another port, 0x20 in fragments; 0x40, for
 * the half-open SA: the one that we are beginning instead, for what is sealed: message ID 0; 0x80: the last
 * bytes become the nonce that we sent. */
#include "crypto/random.h"
#include "engine/impl.h"
#include <stdlib.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

#define MAX_CHUNKS 24
#define MAX_BYTES  4096

enum mode {
    MODE_RAW,
    MODE_RAW_SPI,       /* header with the established SA's SPIs and a plausible message ID */
    MODE_RAW_HALF_OPEN, /* likewise of the half-open SA */
    MODE_REQUEST,       /* exchange, first payload, chain: sealed as the peer would */
    MODE_RESPONSE,
    MODE_HALF_OPEN, /* sealed in the half-open SA */
    MODE_COMMAND,
    MODE_DATAPLANE,
    MODES,
};

struct node {
    struct engine *e;
    struct outbox out;
    struct ip ip;
};

struct world {
    struct node us, peer;
    struct time now;
    struct endpoint local, remote;
};

static struct ts net(uint8_t second)
{
    struct prefix p = {.ip = ip4(10, second, 0, 0), .bits = 16};
    return ts_from_prefix(&p);
}

static struct config *make_config(struct ip local, struct ip remote, uint8_t mine, uint8_t theirs)
{
    struct arena *a = arena_new(1u << 20);
    struct config *c = config_new(a);
    struct connection *conn = arena_alloc(a, sizeof(*conn));
    struct child_config *child = arena_alloc(a, sizeof(*child));
    struct host_spec *hosts = arena_calloc(a, 2, sizeof(*hosts));
    struct ts *ts = arena_calloc(a, 2, sizeof(*ts));
    struct proposal *proposals = arena_calloc(a, 2 * PROPOSAL_DEFAULTS_MAX, sizeof(*proposals));
    ts[0] = net(mine);
    ts[1] = net(theirs);
    hosts[0].from = hosts[0].to = local;
    hosts[1].from = hosts[1].to = remote;
    *child = (struct child_config){
        .name = "net",
        .local_ts = &ts[0],
        .n_local_ts = 1,
        .remote_ts = &ts[1],
        .n_remote_ts = 1,
        .installs_policies = true,
        .replay_window = 32,
        .proposals = {proposals + PROPOSAL_DEFAULTS_MAX,
                      proposal_defaults(PROTO_ESP, proposals + PROPOSAL_DEFAULTS_MAX)}
    };
    *conn = (struct connection){
        .name = "net",
        .local_addrs = &hosts[0],
        .n_local_addrs = 1,
        .remote_addrs = &hosts[1],
        .n_remote_addrs = 1,
        .resolved_local = local,
        .resolved_remote = remote,
        .local_port = 500,
        .remote_port = 500,
        .keyingtries = 1,
        .syncs_message_ids = true,
        .proposals = {proposals, proposal_defaults(PROTO_IKE, proposals)},
        .children = child,
        .n_children = 1,
        .hash = 1
    };
    c->settings.block_threshold = 0;
    c->settings.installs_routes = true;
    c->settings.follows_redirects = true;
    c->secrets = arena_calloc(a, 1, sizeof(*c->secrets));
    c->secrets[0].secret = secret_copy(span_str("secret"));
    c->n_secrets = 1;
    c->connections = arena_calloc(a, 1, sizeof(*c->connections));
    c->connections[0] = conn;
    c->n_connections = 1;
    return c;
}

static void step(struct world *w, struct node *n, const struct input *in);

/* What we send after the set-up nobody gets. */
static void act(struct world *w, struct node *n, bool delivers)
{
    struct job *jobs[64];
    struct {
        uint8_t bytes[2048];
        size_t len;
        bool is_natt;
        struct endpoint from, to;
    } sent[8];
    size_t n_jobs = 0, n_sent = 0;
    uint64_t resolves = 0;
    for (size_t i = 0; i < n->out.n; i++) {
        struct action *a = &n->out.v[i];
        if (a->kind == ACTION_JOB && n_jobs < ARRAY_LEN(jobs)) {
            jobs[n_jobs++] = a->job;
            a->job = NULL;
        }
        if (a->kind == ACTION_RESOLVE)
            resolves = a->resolve->ike_id;
        if (a->kind == ACTION_SEND && delivers && n_sent < ARRAY_LEN(sent) && a->send.bytes.len <= 2048) {
            memcpy(sent[n_sent].bytes, a->send.bytes.ptr, a->send.bytes.len);
            sent[n_sent].len = a->send.bytes.len;
            sent[n_sent].is_natt = a->send.is_natt;
            sent[n_sent].from = a->send.local;
            sent[n_sent++].to = a->send.remote;
        }
    }
    for (size_t i = 0; i < n_jobs; i++) {
        job_run(jobs[i]);
        step(w, n, &(struct input){.kind = INPUT_JOB_DONE, .job = jobs[i]});
        act(w, n, delivers);
    }
    if (resolves) {
        struct ip_pair way = {.local = n->ip, .remote = ip4(192, 0, 2, 9)};
        step(w, n,
             &(struct input){
                 .kind = INPUT_RESOLVED, .resolved = {.ike_id = resolves, .v = &way, .n = 1}
        });
        act(w, n, delivers);
    }
    struct node *other = n == &w->us ? &w->peer : &w->us;
    for (size_t i = 0; i < n_sent; i++) {
        step(w, other,
             &(struct input){
                 .kind = INPUT_DATAGRAM,
                 .datagram = {.local = sent[i].to,
                              .remote = sent[i].from,
                              .is_natt = sent[i].is_natt,
                              .bytes = span_of(sent[i].bytes, sent[i].len)}
        });
        act(w, other, delivers);
    }
}

static void step(struct world *w, struct node *n, const struct input *in)
{
    outbox_reset(&n->out);
    engine_step(n->e, w->now, in, &n->out);
}

static void node_init(struct world *w, struct node *n, struct ip ip, struct ip peer, uint8_t mine,
                      uint8_t theirs)
{
    n->e = engine_new();
    n->ip = ip;
    outbox_init(&n->out);
    step(w, n, &(struct input){.kind = INPUT_CONFIG, .config = make_config(ip, peer, mine, theirs)});
}

static void world_init(struct world *w, bool is_initiator)
{
    memset(w, 0, sizeof(*w));
    crypto_random_seed(7);
    w->now = (struct time){.mono = 1000 * TIME_SECOND, .wall = 1800000000};
    struct ip us = ip4(192, 0, 2, 1), peer = ip4(192, 0, 2, 2);
    w->local = (struct endpoint){.ip = us, .port = 500};
    w->remote = (struct endpoint){.ip = peer, .port = 500};
    node_init(w, &w->us, us, peer, 1, 2);
    node_init(w, &w->peer, peer, us, 2, 1);
    struct node *first = is_initiator ? &w->us : &w->peer;
    struct input go = {
        .kind = INPUT_COMMAND, .command = {.kind = COMMAND_INITIATE, .id = 1, .connection = "net"}
    };
    step(w, first, &go);
    act(w, first, true);
}

static void world_deinit(struct world *w)
{
    struct node *const nodes[] = {&w->us, &w->peer};
    for (size_t i = 0; i < 2; i++) {
        engine_free(nodes[i]->e);
        outbox_deinit(&nodes[i]->out);
    }
    crypto_random_set_source(NULL, NULL);
}

/* A first request of somebody else: the peer's own, made afresh, under another SPI. */
static void make_half_open(struct world *w)
{
    struct engine *e = engine_new();
    struct outbox out;
    outbox_init(&out);
    struct config *c = make_config(w->remote.ip, w->local.ip, 2, 1);
    engine_step(e, w->now, &(struct input){.kind = INPUT_CONFIG, .config = c}, &out);
    outbox_reset(&out);
    struct input go = {
        .kind = INPUT_COMMAND, .command = {.kind = COMMAND_INITIATE, .id = 1, .connection = "net"}
    };
    engine_step(e, w->now, &go, &out);
    struct job *j = NULL;
    for (size_t i = 0; i < out.n; i++) {
        if (out.v[i].kind == ACTION_JOB) {
            j = out.v[i].job;
            out.v[i].job = NULL;
        }
    }
    if (j) {
        job_run(j);
        outbox_reset(&out);
        engine_step(e, w->now, &(struct input){.kind = INPUT_JOB_DONE, .job = j}, &out);
    }
    for (size_t i = 0; i < out.n; i++) {
        if (out.v[i].kind != ACTION_SEND)
            continue;
        struct endpoint from = {.ip = ip4(192, 0, 2, 2), .port = 501};
        step(w, &w->us,
             &(struct input){
                 .kind = INPUT_DATAGRAM,
                 .datagram = {.local = w->local, .remote = from, .bytes = out.v[i].send.bytes}
        });
        act(w, &w->us, false);
    }
    engine_free(e);
    outbox_deinit(&out);
}

static struct ike_sa *sa_of(struct world *w, bool is_half_open)
{
    struct ike_sa *sa;
    list_each(sa, &w->us.e->sas, link)
    {
        if (sa->is_half_open == is_half_open && !sa->is_dead && (is_half_open || ike_sa_is_up(sa)))
            return sa;
    }
    return NULL;
}

/* That we are beginning, and that has no answer yet. */
static struct ike_sa *begun(struct world *w)
{
    struct ike_sa *sa;
    list_each(sa, &w->us.e->sas, link)
    {
        if (sa->state == IKE_CONNECTING && sa->is_initiator && !sa->is_dead)
            return sa;
    }
    return NULL;
}

static void datagram(struct world *w, struct span bytes, uint8_t mode)
{
    struct endpoint from = w->remote;
    from.port += mode >> 4 & 1;
    step(w, &w->us,
         &(struct input){
             .kind = INPUT_DATAGRAM,
             .datagram = {.local = w->local, .remote = from, .is_natt = mode & 8, .bytes = bytes}
    });
    act(w, &w->us, false);
}

static void raw(struct world *w, const struct ike_sa *sa, struct span bytes, uint8_t mode)
{
    uint8_t copy[MAX_BYTES];
    memcpy(copy, bytes.ptr, bytes.len);
    if (sa && bytes.len >= IKE_HEADER_LEN) {
        bool is_response = copy[19] & IKE_FLAG_RESPONSE;
        uint32_t id = is_response ? sa->own.out.id : sa->window.next_in - (copy[23] & 1);
        spi_put64(copy, sa->spi_i);
        if (sa->spi_r)
            spi_put64(copy + 8, sa->spi_r);
        if (mode & 0x80 && bytes.len - IKE_HEADER_LEN >= sa->ni.len)
            memcpy(copy + bytes.len - sa->ni.len, sa->ni.b, sa->ni.len);
        copy[19] =
            (uint8_t)((is_response ? IKE_FLAG_RESPONSE : 0) | (sa->is_initiator ? 0 : IKE_FLAG_INITIATOR));
        spi_put32(copy + 20, id);
        spi_put32(copy + 24, (uint32_t)bytes.len);
    }
    datagram(w, span_of(copy, bytes.len), mode);
}

static void sealed(struct world *w, struct ike_sa *sa, struct span bytes, uint8_t mode, bool is_response)
{
    struct sealer s;
    struct datagrams d;
    if (!sa || !sa->opener || bytes.len < 2)
        return;
    struct arena *a = arena_new(1u << 20);
    sealer_init(&s, ike_keys_cipher(&sa->keys, &sa->chosen, !sa->is_initiator));
    struct ike_header h = {.spi_i = sa->spi_i,
                           .spi_r = sa->spi_r,
                           .major = 2,
                           .exchange = bytes.ptr[0],
                           .message_id = mode & 0x40   ? 0
                                         : is_response ? sa->own.out.id
                                                       : sa->window.next_in,
                           .flags = (uint8_t)((is_response ? IKE_FLAG_RESPONSE : 0) |
                                              (sa->is_initiator ? 0 : IKE_FLAG_INITIATOR))};
    struct span chain = span_of(bytes.ptr + 2, bytes.len - 2);
    if (protect_seal(a, &s, &h, bytes.ptr[1], chain, mode & 0x20 ? SKF_MIN_DATAGRAM : 0, &d)) {
        for (size_t i = 0; i < d.n; i++)
            datagram(w, d.v[i], mode);
    }
    sealer_deinit(&s);
    arena_free(a);
}

static void command(struct world *w, struct span bytes)
{
    uint8_t what = bytes.len ? bytes.ptr[0] : 0;
    struct input in = {
        .kind = INPUT_COMMAND,
        .command = {.kind = (what & 3) % 3, .id = 5, .is_forced = what & 0x40, .connection = "net"}
    };
    if (what & 0x80)
        in.command.child = "net";
    if (what & 0x20) {
        in.command.kind = COMMAND_REDIRECT;
        in.command.gateway.ip = ip4(192, 0, 2, what);
    }
    step(w, &w->us, &in);
    act(w, &w->us, false);
}

static void dataplane(struct world *w, struct span bytes)
{
    struct ike_sa *sa = sa_of(w, false);
    uint8_t what = bytes.len ? bytes.ptr[0] : 0;
    if (!sa || list_empty(&sa->children))
        return;
    const struct child_sa *c = container_of(sa->children.next, struct child_sa, link);
    struct input in = {
        .kind = INPUT_DATAPLANE,
        .dataplane = {.kind = what & 3,
                      .child_id = c->id,
                      .spi = c->spi_in,
                      .remote = {.ip = ip4(192, 0, 2, what), .port = what},
                      .last_use = w->now.mono}
    };
    step(w, &w->us, &in);
    act(w, &w->us, false);
}

static void pass_time(struct world *w, uint16_t delay)
{
    int64_t end = w->now.mono + delay * 10 * TIME_MS;
    for (int i = 0; i < 1000; i++) {
        int64_t at = engine_deadline(w->us.e);
        if (at > end)
            break;
        w->now.mono = at > w->now.mono ? at : w->now.mono;
        step(w, &w->us, &(struct input){.kind = INPUT_TICK});
        act(w, &w->us, false);
        if (engine_deadline(w->us.e) <= w->now.mono && i == 999)
            abort(); /* a timer that stands still */
    }
    w->now.mono = end;
}

static void one(struct world *w, uint8_t mode, struct span bytes)
{
    switch (mode & 7) {
    case MODE_RAW:
        raw(w, NULL, bytes, mode);
        break;
    case MODE_RAW_SPI:
        raw(w, sa_of(w, false), bytes, mode);
        break;
    case MODE_RAW_HALF_OPEN:
        raw(w, mode & 0x40 ? begun(w) : sa_of(w, true), bytes, mode);
        break;
    case MODE_REQUEST:
        sealed(w, sa_of(w, false), bytes, mode, false);
        break;
    case MODE_RESPONSE:
        sealed(w, sa_of(w, false), bytes, mode, true);
        break;
    case MODE_HALF_OPEN:
        sealed(w, sa_of(w, true), bytes, mode, false);
        break;
    case MODE_COMMAND:
        command(w, bytes);
        break;
    default:
        dataplane(w, bytes);
        break;
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct world w;
    struct rd r = rd_over(span_of(data, size));
    world_init(&w, rd_u8(&r) & 1);
    make_half_open(&w);
    bool is_harmless = true;
    if (!sa_of(&w, false) || !sa_of(&w, true))
        abort(); /* the set-up itself */
    uint32_t spi = container_of(sa_of(&w, false)->children.next, struct child_sa, link)->spi_in;
    for (int i = 0; i < MAX_CHUNKS && rd_left(&r) >= 5; i++) {
        uint8_t mode = rd_u8(&r);
        uint16_t delay = rd_u16(&r), len = rd_u16(&r);
        size_t n = len < rd_left(&r) ? len : rd_left(&r);
        struct span bytes = rd_bytes(&r, n < MAX_BYTES ? n : MAX_BYTES);
        is_harmless &= (mode & 7) <= MODE_RAW_HALF_OPEN;
        pass_time(&w, delay);
        one(&w, mode, bytes);
        struct ike_sa *sa = sa_of(&w, false);
        if (is_harmless && (!sa || list_empty(&sa->children) ||
                            container_of(sa->children.next, struct child_sa, link)->spi_in != spi ||
                            container_of(sa->children.next, struct child_sa, link)->state != CHILD_INSTALLED))
            abort(); /* unauthenticated input changed an SA */
    }
    world_deinit(&w);
    return 0;
}
