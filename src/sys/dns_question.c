/* SPDX-License-Identifier: Apache-2.0 */
/* libunbound: see dns_question.h. It validates (RFC 4033 to 4035) and caches within bounds; an answer is
 * taken only when it says "secure". Trust anchors come from files; those of RFC 5011 are not followed. */
#include "sys/dns_question.h"
#include "base/arena.h"
#include "base/text.h"
#include "crypto/ipseckey.h"
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unbound.h>
#include <unistd.h>

enum { CLASS_IN = 1, PATH_CAP = 512 };

struct dns_sources {
    char resolv_conf[PATH_CAP];
    char anchors[DNS_ANCHORS_MAX][PATH_CAP];
    size_t n_anchors;
    bool is_default; /* nobody named the anchors */
};

struct asked {
    struct dns_resolver *resolver;
    dns_answered *answered;
    void *ctx;
    int id;
    struct asked *next;
};

struct dns_resolver {
    struct ub_ctx *ctx; /* NULL: none yet */
    struct dns_sources *sources, *next_sources;
    struct timespec read_at; /* the resolv.conf's date when it was read */
    struct asked *asked;
    enum dns_outcome broken; /* not DNS_NOT_ASKED: why no question can be asked */
    char why[PATH_CAP + 80];
};

struct dns_sources *dns_sources_new(const struct settings *s)
{
    static const char *const known[] = {"/etc/ipsec.d/dnssec.keys", "/usr/share/dns/root.key",
                                        "/var/lib/unbound/root.key"};
    struct dns_sources *to = mem_new(sizeof(*to));
    snprintf(to->resolv_conf, sizeof(to->resolv_conf), "%s", s->dns_resolv_conf);
    for (size_t i = 0; i < s->n_dns_trust_anchors && i < DNS_ANCHORS_MAX; i++)
        snprintf(to->anchors[to->n_anchors++], PATH_CAP, "%s", s->dns_trust_anchors[i]);
    to->is_default = !to->n_anchors;
    for (size_t i = 0; to->is_default && !to->n_anchors && i < ARRAY_LEN(known); i++) {
        if (access(known[i], R_OK) == 0)
            snprintf(to->anchors[to->n_anchors++], PATH_CAP, "%s", known[i]);
    }
    return to;
}

void dns_sources_free(struct dns_sources *s)
{
    free(s);
}

/* ---- the context */

static void broken(struct dns_resolver *r, enum dns_outcome outcome, const char *file, const char *why)
{
    r->broken = outcome;
    snprintf(r->why, sizeof(r->why), "%s: %s", file, why);
}

/* Bounds, and nothing that a resolver inside of a daemon should do. What an older one does not know is left.
 */
static void set_options(struct ub_ctx *c)
{
    static const char *const options[][2] = {
        {"do-not-query-localhost:", "no"  }, /* a forwarder on this machine is usual */
        {"msg-cache-size:",         "256k"},
        {"rrset-cache-size:",       "512k"},
        {"key-cache-size:",         "256k"},
        {"neg-cache-size:",         "128k"},
        {"val-bogus-ttl:",          "10"  }, /* seconds: whoever mends the zone tries again */
        {"infra-host-ttl:",         "30"  }, /* likewise of a dead server */
        {"trust-anchor-signaling:", "no"  },
        {"unblock-lan-zones:",      "yes" }, /* reverse names of private addresses are asked for like others */
        {"use-syslog:",             "no"  },
        {"verbosity:",              "0"   },
    };
    for (size_t i = 0; i < ARRAY_LEN(options); i++)
        ub_ctx_set_option(c, options[i][0], options[i][1]);
    ub_ctx_debugout(c, NULL);
}

static void add_sources(struct dns_resolver *r)
{
    const struct dns_sources *s = r->sources;
    struct stat st;
    int e = ub_ctx_resolvconf(r->ctx, s->resolv_conf);
    if (stat(s->resolv_conf, &st) == 0)
        r->read_at = st.st_mtim;
    if (e) {
        broken(r, DNS_NO_ANSWER, s->resolv_conf, ub_strerror(e));
        return;
    }
    if (!s->n_anchors)
        broken(r, DNS_NO_ANCHOR, "dns_trust_anchors", "none is set, and no usual file is there");
    for (size_t i = 0; i < s->n_anchors && !r->broken; i++) {
        if (access(s->anchors[i], R_OK) != 0)
            broken(r, DNS_NO_ANCHOR, s->anchors[i], "cannot be read");
        else if ((e = ub_ctx_add_ta_file(r->ctx, s->anchors[i])))
            broken(r, DNS_NO_ANCHOR, s->anchors[i], ub_strerror(e));
    }
}

/* Names that libunbound answers itself unless it is told not to; and the end of what can be set: only now the
 * files of trust anchors are read. */
static void finish(struct dns_resolver *r)
{
    static const char *const zones[] = {"test.", "home.arpa."};
    int e = 0;
    for (size_t i = 0; i < ARRAY_LEN(zones) && !e; i++)
        e = ub_ctx_zone_remove(r->ctx, zones[i]);
    if (e)
        broken(r, DNS_NO_ANCHOR, r->sources->anchors[0], "holds no DS or DNSKEY records that can be read");
}

static bool is_changed(const struct dns_resolver *r)
{
    struct stat st;
    return stat(r->sources->resolv_conf, &st) == 0 &&
           (st.st_mtim.tv_sec != r->read_at.tv_sec || st.st_mtim.tv_nsec != r->read_at.tv_nsec);
}

static void drop(struct dns_resolver *r)
{
    if (r->ctx)
        ub_ctx_delete(r->ctx);
    r->ctx = NULL;
    r->broken = DNS_NOT_ASKED;
}

static void make(struct dns_resolver *r)
{
    r->ctx = ub_ctx_create();
    if (!r->ctx) {
        broken(r, DNS_NO_ANSWER, "libunbound", "not enough memory");
        return;
    }
    set_options(r->ctx);
    ub_ctx_async(r->ctx, 1); /* a thread, not a process */
    add_sources(r);
    if (!r->broken)
        finish(r);
}

/* What the files say by now, when nothing is under way. */
static void refresh(struct dns_resolver *r)
{
    if (r->asked)
        return;
    if (r->next_sources) {
        bool is_same = r->sources && memcmp(r->sources, r->next_sources, sizeof(*r->sources)) == 0;
        if (!is_same)
            drop(r);
        dns_sources_free(r->sources);
        r->sources = r->next_sources;
        r->next_sources = NULL;
    }
    if (r->ctx && r->sources && (r->broken || is_changed(r)))
        drop(r);
    if (!r->ctx && r->sources)
        make(r);
}

struct dns_resolver *dns_resolver_new(void)
{
    return mem_new(sizeof(struct dns_resolver));
}

void dns_resolver_free(struct dns_resolver *r)
{
    drop(r);
    while (r->asked) {
        struct asked *q = r->asked;
        r->asked = q->next;
        free(q);
    }
    dns_sources_free(r->sources);
    dns_sources_free(r->next_sources);
    free(r);
}

void dns_resolver_configure(struct dns_resolver *r, struct dns_sources *s)
{
    if (!s)
        return;
    dns_sources_free(r->next_sources);
    r->next_sources = s;
}

/* ---- questions */

static void unlink_asked(struct asked *a)
{
    struct asked **at = &a->resolver->asked;
    while (*at != a)
        at = &(*at)->next;
    *at = a->next;
}

static void take_records(const struct ub_result *u, struct dns_answer *a)
{
    for (size_t i = 0; u->data && u->data[i] && u->len && a->n < DNS_RECORDS_MAX; i++)
        a->rdata[a->n++] = span_of(u->data[i], u->len[i] > 0 ? (size_t)u->len[i] : 0);
}

/* [RFC4035#4.3] only what is secure may be believed, and of what is not there only a secure proof says so. */
static void judge(int error, const struct ub_result *u, struct dns_answer *a, char *text, size_t cap)
{
    static const char *const rcodes[] = {[1] = "FORMERR", [2] = "SERVFAIL", [4] = "NOTIMP", [5] = "REFUSED"};
    const char *rcode = u && u->rcode > 0 && (size_t)u->rcode < ARRAY_LEN(rcodes) ? rcodes[u->rcode] : NULL;
    if (error || !u) {
        a->outcome = DNS_NO_ANSWER;
        a->detail = ub_strerror(error);
    } else if (u->bogus) {
        a->outcome = DNS_BOGUS;
        a->detail = u->why_bogus;
    } else if (rcode) {
        a->outcome = DNS_NO_ANSWER;
        snprintf(text, cap, "%s", rcode);
        a->detail = text;
    } else if (!u->secure) {
        a->outcome = DNS_INSECURE;
    } else if (!u->havedata) {
        a->outcome = DNS_MISSING;
    } else {
        a->outcome = DNS_SECURE;
        take_records(u, a);
    }
}

static void on_result(void *ctx, int error, struct ub_result *u)
{
    struct asked *q = ctx;
    struct dns_answer a = {.outcome = DNS_NO_ANSWER};
    char text[64];
    judge(error, u, &a, text, sizeof(text));
    unlink_asked(q);
    if (q->answered)
        q->answered(q->ctx, &a);
    ub_resolve_free(u);
    free(q);
}

void dns_resolver_ask(struct dns_resolver *r, const char *name, dns_answered *answered, void *ctx, int *id)
{
    struct dns_answer a = {.outcome = DNS_NO_ANSWER, .detail = "no name servers are configured"};
    refresh(r);
    if (r->broken) {
        a.outcome = r->broken;
        a.detail = r->why;
    }
    if (r->broken || !r->ctx) {
        answered(ctx, &a);
        return;
    }
    struct asked *q = mem_new(sizeof(*q));
    *q = (struct asked){.resolver = r, .answered = answered, .ctx = ctx, .next = r->asked};
    r->asked = q;
    int e = ub_resolve_async(r->ctx, name, IPSECKEY_TYPE, CLASS_IN, q, on_result, &q->id);
    *id = q->id;
    if (!e)
        return;
    unlink_asked(q);
    free(q);
    a.detail = ub_strerror(e);
    answered(ctx, &a);
}

void dns_resolver_cancel(struct dns_resolver *r, int id)
{
    for (struct asked *q = r->asked; q; q = q->next) {
        if (q->id != id)
            continue;
        q->answered = NULL;
        if (ub_cancel(r->ctx, id) == 0) { /* else its result may still come */
            unlink_asked(q);
            free(q);
        }
        return;
    }
}

int dns_resolver_fd(const struct dns_resolver *r)
{
    return r->ctx && r->asked ? ub_fd(r->ctx) : -1;
}

void dns_resolver_process(struct dns_resolver *r)
{
    if (r->ctx)
        ub_process(r->ctx);
}
