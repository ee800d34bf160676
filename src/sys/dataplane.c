/* SPDX-License-Identifier: Apache-2.0 */
/* The control thread's side of the data plane: see dataplane.h; the threads are in worker.c. */
#include "base/log.h"
#include "sys/clock.h"
#include "sys/steer.h"
#include "sys/worker.h"
#include <stdlib.h>
#include <time.h>

/* ---- records */

static void push(struct worker *w, struct dataplane_record *r)
{
    while (!ring_push(&w->records, r)) { /* the thread never waits for us: it makes room soon */
        struct timespec pause = {.tv_nsec = 50000};
        worker_wake(w);
        nanosleep(&pause, NULL);
    }
    worker_wake(w);
}

/* An SA goes to the worker that serves its child, a policy to all. */
void dataplane_apply(struct dataplane *dp, const struct action *a)
{
    if (a->kind == ACTION_SA_ADD || a->kind == ACTION_SA_UPDATE)
        linkpath_add_own(dp->linkpath, a->sa->local.ip);
    bool has_sa = a->kind == ACTION_SA_ADD || a->kind == ACTION_SA_UPDATE || a->kind == ACTION_SA_DEL;
    unsigned owner = has_sa ? steer_worker(a->sa->reqid, dp->n) : 0;
    for (unsigned i = 0; i < dp->n; i++) {
        if (has_sa && i != owner)
            continue;
        struct dataplane_record *r = dataplane_record_new(a);
        if (r)
            push(dp->workers[i], r);
    }
}

void dataplane_path_mtu(struct dataplane *dp, struct ip peer, uint32_t mtu)
{
    for (unsigned i = 0; i < dp->n; i++)
        push(dp->workers[i], dataplane_record_path_mtu(peer, mtu));
}

static void push_stream(struct dataplane *dp, struct dataplane_record *r)
{
    push(dp->workers[steer_stream(r->stream.handle, dp->n)], r);
}

void dataplane_stream_add(struct dataplane *dp, const struct dataplane_stream *s)
{
    struct dataplane_record *r = dataplane_record_stream(RECORD_STREAM_ADD, s->handle, (struct span){0});
    r->stream = *s;
    push_stream(dp, r);
}

void dataplane_stream_trust(struct dataplane *dp, uint32_t handle)
{
    push_stream(dp, dataplane_record_stream(RECORD_STREAM_TRUST, handle, (struct span){0}));
}

void dataplane_stream_send(struct dataplane *dp, uint32_t handle, struct span ike)
{
    push_stream(dp, dataplane_record_stream(RECORD_STREAM_SEND, handle, ike));
}

void dataplane_stream_close(struct dataplane *dp, uint32_t handle, bool is_graceful)
{
    struct dataplane_record *r = dataplane_record_stream(RECORD_STREAM_CLOSE, handle, (struct span){0});
    r->is_graceful = is_graceful;
    push_stream(dp, r);
}

void dataplane_stray(struct dataplane *dp, const struct endpoint *local, const struct endpoint *remote,
                     uint8_t tos, struct span bytes)
{
    if (bytes.len < 4)
        return;
    bool was_full;
    unsigned to = steer_worker(bytes.ptr[3], dp->n); /* the low byte of the SPI holds what steers */
    struct parcel_packet *p = handover_place(&dp->strays, to, PARCEL_IN, (uint32_t)bytes.len, &was_full);
    if (!p)
        return; /* too many at once: lost like any datagram */
    p->from.local = *local;
    p->from.remote = *remote;
    p->from.tos = tos;
    p->from.has_encap = true;
    memcpy(handover_bytes(&dp->strays, to, p), bytes.ptr, bytes.len);
    handover_send(&dp->strays, to);
    worker_wake(dp->workers[to]);
}

void dataplane_review(struct dataplane *dp)
{
    char text[LINKPATH_TEXT];
    if (linkpath_review(dp->linkpath, clock_mono(), text))
        log_line(GROUP_ESP, LOG_NOTICE, "data plane: %s", text);
}

/* ---- messages */

struct dataplane_message *dataplane_next(struct dataplane *dp)
{
    for (unsigned i = 0; i < dp->n; i++) {
        struct dataplane_message *m = ring_pop(&dp->workers[dp->next]->messages);
        if (m)
            return m;
        dp->next = (dp->next + 1) % dp->n;
    }
    return NULL;
}

void dataplane_counters(const struct dataplane *dp, struct esp_counters *out)
{
    uint64_t words[COUNTER_WORDS] = {0};
    for (unsigned w = 0; dp && w < dp->n; w++) {
        for (size_t i = 0; i < COUNTER_WORDS; i++)
            words[i] += atomic_load_explicit(&dp->workers[w]->counters[i], memory_order_relaxed);
    }
    memcpy(out, words, sizeof(words));
}

unsigned dataplane_tables(struct dataplane *dp, struct esp_tables out[DATAPLANE_WORKERS_MAX])
{
    unsigned n = dp ? dp->n : 0;
    sem_t is_done;
    sem_init(&is_done, 0, 0);
    for (unsigned i = 0; i < n; i++)
        push(dp->workers[i], dataplane_record_tables(&out[i], &is_done));
    for (unsigned i = 0; i < n; i++) {
        while (sem_wait(&is_done) != 0) /* a signal */
            continue;
    }
    sem_destroy(&is_done);
    return n;
}

/* ---- start and end */

static void join_datagrams(struct dataplane *dp)
{
    bool has_all = true;
    for (unsigned i = 0; i < dp->n; i++) {
        const struct sock *const socks[] = {&dp->o.natt4[i], &dp->o.natt6[i]};
        for (size_t k = 0; k < ARRAY_LEN(socks); k++)
            has_all = (socks[k]->fd < 0 || sock_join_datagrams(socks[k])) && has_all;
    }
    struct worker *w = dp->workers[0];
    if (!has_all)
        worker_note(w, "this kernel has no UDP_GRO: datagrams arrive one by one");
    if (!dp->o.tun.has_tcp || !dp->o.tun.has_udp)
        worker_note(w, dp->o.tun.has_tcp ? "this kernel's TUN has no UDP segmentation offload"
                                         : "this kernel's TUN has no segmentation offloads");
}

/* Where protocol 50 is. Without them there is no AH, and everything else is as it was. */
static void open_ah(struct dataplane *dp)
{
    struct diag d = {0};
    struct source *const all[] = {&dp->ah4, &dp->ah6, &dp->ah4_df, &dp->ah6_df};
    for (size_t i = 0; i < ARRAY_LEN(all); i++) {
        bool is_wanted = (i % 2 ? dp->o.esp6.fd : dp->o.esp4.fd) >= 0;
        all[i]->is_ah = true;
        all[i]->sock.fd = -1;
        if (is_wanted && !sock_open_ah(&all[i]->sock, i % 2 ? 6 : 4, i < 2, &d))
            log_line(GROUP_ESP, LOG_NOTICE, "no AH over IPv%d here: %s", i % 2 ? 6 : 4, d.what);
    }
    sock_set_df(&dp->ah4_df.sock, true);
    sock_set_df(&dp->ah6_df.sock, true);
}

struct dataplane *dataplane_start(const struct dataplane_options *o, struct diag *d)
{
    struct dataplane *dp = calloc(1, sizeof(*dp));
    if (!dp)
        abort();
    dp->o = *o;
    dp->n = o->n_workers;
    dp->esp4_df.sock.fd = dp->esp6_df.sock.fd = -1;
    const struct sock *const senders[] = {&dp->ah4.sock,    &dp->ah6.sock,     &dp->ah4_df.sock,
                                          &dp->ah6_df.sock, &dp->esp4_df.sock, &dp->esp6_df.sock};
    open_ah(dp);
    if (o->esp4.fd >= 0 && sock_open_esp(&dp->esp4_df.sock, 4, false, d))
        sock_set_df(&dp->esp4_df.sock, true);
    if (o->esp6.fd >= 0 && sock_open_esp(&dp->esp6_df.sock, 6, false, d))
        sock_set_df(&dp->esp6_df.sock, true);
    for (size_t i = 0; o->opened && i < ARRAY_LEN(senders); i++)
        o->opened(o->ctx, senders[i]);
    char text[LINKPATH_TEXT];
    dp->linkpath = linkpath_open(o->esp_path, dp->n, &o->esp4, &o->esp6, clock_mono(), text);
    log_line(GROUP_ESP, LOG_NOTICE, "data plane: %s", text);
    handover_init(&dp->strays, dp->n);
    for (unsigned i = 0; i < dp->n; i++)
        dp->workers[i] = worker_new(dp, i);
    join_datagrams(dp);
    for (unsigned i = 0; i < dp->n; i++) {
        if (!worker_start(dp->workers[i], d)) {
            dataplane_stop(dp);
            return NULL;
        }
    }
    return dp;
}

void dataplane_stop(struct dataplane *dp)
{
    if (!dp)
        return;
    atomic_store(&dp->is_ending, true);
    for (unsigned i = 0; i < dp->n; i++) {
        worker_wake(dp->workers[i]);
        if (dp->workers[i]->has_thread)
            pthread_join(dp->workers[i]->thread, NULL);
    }
    for (unsigned i = 0; i < dp->n; i++) {
        worker_free(dp->workers[i]);
        sock_close(&dp->o.natt4[i]);
        sock_close(&dp->o.natt6[i]);
    }
    linkpath_close(dp->linkpath);
    handover_deinit(&dp->strays);
    struct sock *const socks[] = {&dp->o.esp4,   &dp->o.esp6,   &dp->esp4_df.sock, &dp->esp6_df.sock,
                                  &dp->ah4.sock, &dp->ah6.sock, &dp->ah4_df.sock,  &dp->ah6_df.sock};
    for (size_t i = 0; i < ARRAY_LEN(socks); i++)
        sock_close(socks[i]);
    tun_close(&dp->o.tun);
    free(dp);
}
