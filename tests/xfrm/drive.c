/* SPDX-License-Identifier: Apache-2.0 */
/* The executor of src/sys/xfrm.h, driven by lines on standard input: a record of the engine each. What it
 * tells comes out as lines `event ..`, log lines as `log ..`; each command is answered by `ok` or `no REASON`
 * at the end. */
#include "drive.h"
#include "sys/clock.h"
#include "sys/sock.h"
#include "sys/xfrm.h"
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/socket.h>

static struct xfrm *x;
static unsigned n_events;
static const struct words *words;
static char reason[2048];

static void on_log(void *ctx, const struct log_entry *e)
{
    (void)ctx;
    printf("log %s\n", e->text);
}

static void on_event(void *ctx, const struct dataplane_event *e)
{
    static const char *const kinds[] = {
        [DP_SOFT_EXPIRE] = "soft",  [DP_HARD_EXPIRE] = "hard", [DP_MAPPING] = "mapping",
        [DP_COUNTERS] = "counters", [DP_ACQUIRE] = "acquire",  [DP_FAILED] = "failed",
    };
    char remote[IP_TEXT_MAX], l[TS_TEXT_MAX] = "", r[TS_TEXT_MAX] = "";
    (void)ctx;
    n_events++;
    if (e->kind == DP_ACQUIRE) {
        ts_format(&e->packet_local, l);
        ts_format(&e->packet_remote, r);
    }
    printf("event kind=%s child=%llu spi=%u dir=%s packets=%llu bytes=%llu policy=%llu remote=%s local_ts=%s "
           "remote_ts=%s why=%s\n",
           kinds[e->kind], (unsigned long long)e->child_id, e->spi, e->direction == SA_OUT ? "out" : "in",
           (unsigned long long)e->packets, (unsigned long long)e->bytes, (unsigned long long)e->policy_id,
           e->kind == DP_MAPPING ? endpoint_format(&e->remote, remote) : "", l, r, e->why ? e->why : "");
}

static bool no(const struct diag *d)
{
    diag_format(d, reason, sizeof(reason));
    return false;
}

static bool do_open(void)
{
    struct diag d = {0};
    struct xfrm_options o = {.journal = words_get(words, "journal"),
                             .acquire_seconds = (uint32_t)words_number(words, "acquire"),
                             .holds_packets = words_number(words, "holds"),
                             .event = on_event};
    x = xfrm_open(&o, &d);
    return x ? true : no(&d);
}

static bool do_close(void)
{
    xfrm_close(x);
    x = NULL;
    return true;
}

static bool do_probe(void)
{
    struct diag d = {0};
    return xfrm_probe(&d) ? true : no(&d);
}

static bool do_sweep(void)
{
    printf("removed %zu\n", xfrm_sweep(x));
    return true;
}

static bool do_cleanup(void)
{
    struct diag d = {0};
    int n = xfrm_cleanup(words_get(words, "journal"), &d);
    printf("removed %d\n", n);
    return n >= 0 ? true : no(&d);
}

static bool apply(struct action *a)
{
    xfrm_apply(x, a, clock_mono());
    return true;
}

static bool do_sa(void)
{
    static const struct {
        const char *word;
        enum action_kind kind;
    } verbs[] = {
        {"sa_add",    ACTION_SA_ADD   },
        {"sa_update", ACTION_SA_UPDATE},
        {"sa_del",    ACTION_SA_DEL   }
    };
    struct esp_sa sa;
    record_sa(words, &sa);
    for (size_t i = 0; i < ARRAY_LEN(verbs); i++) {
        if (strcmp(verbs[i].word, words->verb) == 0)
            return apply(&(struct action){.kind = verbs[i].kind, .sa = &sa});
    }
    return false;
}

static bool do_policy(void)
{
    struct esp_policy p;
    record_policy(words, &p);
    return apply(&(struct action){.kind = ACTION_POLICY_ADD, .policy = &p});
}

static bool do_shunt(void)
{
    struct shunt s;
    record_shunt(words, &s);
    return apply(&(struct action){.kind = ACTION_SHUNT_ADD, .shunt = &s});
}

static bool do_id(void)
{
    enum action_kind kind = strcmp(words->verb, "policy_del") == 0    ? ACTION_POLICY_DEL
                            : strcmp(words->verb, "trap_failed") == 0 ? ACTION_TRAP_FAILED
                                                                      : ACTION_SHUNT_DEL;
    return apply(&(struct action){.kind = kind, .id = words_number(words, "id")});
}

/* Until something is told, or ms have passed. */
static bool do_events(void)
{
    int64_t end = clock_mono() + (int64_t)words_number(words, "ms") * 1000;
    n_events = 0;
    do {
        struct pollfd p = {.fd = xfrm_fd(x), .events = POLLIN};
        if (xfrm_has_news(x) || poll(&p, 1, 20) > 0)
            xfrm_read(x, clock_mono());
    } while (!n_events && clock_mono() < end);
    return true;
}

static bool do_poll(void)
{
    static int64_t ahead; /* whenever the last one was */
    ahead += 3600 * INT64_C(1000000);
    xfrm_poll(x, clock_mono() + ahead);
    return true;
}

/* So little room that a few events are too many. */
static bool do_shrink(void)
{
    int bytes = 1;
    return setsockopt(xfrm_fd(x), SOL_SOCKET, SO_RCVBUF, &bytes, sizeof(bytes)) == 0;
}

/* A socket like IKE's on the NAT traversal port; it stays open. */
static bool do_socket(void)
{
    struct diag d = {0};
    struct sock s;
    uint8_t family = (uint8_t)words_number(words, "family");
    if (!sock_open_udp(&s, family, (uint16_t)words_number(words, "port"), false, &d) ||
        !xfrm_bypass_socket(s.fd, family, &d) || !xfrm_encap_socket(s.fd, &d))
        return no(&d);
    return true;
}

/* From a socket that bypasses policies, or not: what does a datagram to that address meet? */
static bool do_send(void)
{
    struct diag d = {0};
    struct sock s;
    struct endpoint to = {.port = 9};
    if (!ip_parse(words_get(words, "to"), &to.ip) || !sock_open_udp(&s, to.ip.family, 0, false, &d))
        return false;
    bool is_ready = !words_number(words, "bypass") || xfrm_bypass_socket(s.fd, to.ip.family, &d);
    bool is_sent = is_ready && sock_send(&s, (struct ip){0}, &to, 0, span_of(NULL, 0), span_str("x"));
    sock_close(&s);
    return is_sent ? true : no(&d);
}

static const struct {
    const char *verb;
    bool (*run)(void);
    bool needs_open;
} verbs[] = {
    {"open",        do_open,    false},
    {"close",       do_close,   true },
    {"probe",       do_probe,   false},
    {"sweep",       do_sweep,   true },
    {"cleanup",     do_cleanup, false},
    {"sa_add",      do_sa,      true },
    {"sa_update",   do_sa,      true },
    {"sa_del",      do_sa,      true },
    {"policy_add",  do_policy,  true },
    {"policy_del",  do_id,      true },
    {"trap_failed", do_id,      true },
    {"shunt_add",   do_shunt,   true },
    {"shunt_del",   do_id,      true },
    {"events",      do_events,  true },
    {"poll",        do_poll,    true },
    {"shrink",      do_shrink,  true },
    {"socket",      do_socket,  false},
    {"send",        do_send,    false},
};

static bool run(void)
{
    snprintf(reason, sizeof(reason), "no such command, or not now");
    for (size_t i = 0; i < ARRAY_LEN(verbs); i++) {
        if (words->verb && strcmp(verbs[i].verb, words->verb) == 0 && (x || !verbs[i].needs_open))
            return verbs[i].run();
    }
    return false;
}

int main(void)
{
    char line[4096];
    struct words w;
    setvbuf(stdout, NULL, _IOLBF, 0);
    log_set_sink(on_log, NULL, LOG_DETAIL);
    while (fgets(line, sizeof(line), stdin)) {
        words_split(&w, line);
        words = &w;
        if (run())
            printf("ok\n");
        else
            printf("no %s\n", reason);
    }
    xfrm_close(x);
    return 0;
}
