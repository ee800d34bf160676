/* SPDX-License-Identifier: Apache-2.0 */
/* list-certs: every certificate, attribute certificate, CRL and raw public key that is loaded, each once, as
 * events to the asking client alone. What peers sent and what was fetched is not kept, and not listed. */
#include "base/map.h"
#include "ctl/commands.h"
#include "pki/acert.h"
#include "pki/crl.h"
#include <stdlib.h>
#include <strings.h>

struct seen {
    struct map_node node;
    struct span der;
};

struct listing {
    struct ctl_request *r;
    char type[32], flag[16], subject[512]; /* what is asked for; empty or ANY: all */
    struct map seen;
};

static bool is_asked(const char *wanted, const char *is)
{
    return !*wanted || !strcasecmp(wanted, "ANY") || !strcasecmp(wanted, is);
}

static bool has_key(const struct listing *l, const struct pkey *public_key)
{
    return config_key_for(engine_config(ctl_engine(l->r)), public_key) != NULL;
}

static void emit(struct listing *l, const char *type, const char *flag, bool is_ours, struct span der)
{
    struct vici_writer *w = ctl_event_open_to(l->r->conn, CTL_LIST_CERT);
    vici_text(w, "type", type);
    vici_text(w, "flag", flag);
    vici_flag(w, "has_privkey", is_ours);
    vici_value(w, "data", der);
    ctl_emit_to(l->r->conn, CTL_LIST_CERT);
}

static bool is_new(struct listing *l, const struct cert *c)
{
    struct span der = cert_der(c);
    uint64_t hash = map_hash(der);
    for (struct map_node *n = map_first(&l->seen, hash); n; n = map_next(n)) {
        if (span_equal(container_of(n, struct seen, node)->der, der))
            return false;
    }
    struct seen *s = calloc(1, sizeof(*s));
    if (!s)
        abort();
    s->der = der;
    map_insert(&l->seen, &s->node, hash);
    return true;
}

static void forget_seen(struct listing *l)
{
    for (size_t i = 0; i < l->seen.size; i++) {
        struct map_node *next;
        for (struct map_node *n = l->seen.buckets[i]; n; n = next) {
            next = n->next;
            free(container_of(n, struct seen, node));
        }
    }
    map_deinit(&l->seen);
}

static void list_certs(struct listing *l, const struct cert_list *certs, const char *flag)
{
    if (!is_asked(l->type, "X509") || !is_asked(l->flag, flag))
        return;
    for (size_t i = 0; i < certs->n; i++) {
        const struct cert *c = certs->v[i];
        if ((!*l->subject || !strcmp(l->subject, cert_subject_text(c))) && is_new(l, c))
            emit(l, "X509", flag, has_key(l, cert_public_key(c)), cert_der(c));
    }
}

/* Those that connections name and no folder holds. */
static void list_of_connections(struct listing *l, const struct config *c, bool are_cas)
{
    for (size_t i = 0; i < c->n_connections; i++) {
        for (int is_local = 0; is_local < 2; is_local++) {
            for (size_t k = 0; k < connection_rounds(c->connections[i], is_local); k++) {
                const struct auth_side *a = connection_round(c->connections[i], is_local, k);
                list_certs(l, are_cas ? &a->cacerts : &a->certs, are_cas ? "CA" : "NONE");
            }
        }
    }
}

static void list_others(struct listing *l, const struct config *c)
{
    for (size_t i = 0; i < c->n_acerts && is_asked(l->type, "X509_AC") && is_asked(l->flag, "NONE"); i++)
        emit(l, "X509_AC", "NONE", false, acert_der(c->acerts[i]));
    for (size_t i = 0; i < c->n_crls && is_asked(l->type, "X509_CRL") && is_asked(l->flag, "NONE"); i++)
        emit(l, "X509_CRL", "NONE", false, crl_der(c->crls[i]));
}

static void list_keys(struct listing *l, const struct config *c)
{
    for (size_t i = 0; i < c->pubkeys.n && is_asked(l->type, "PUBKEY") && is_asked(l->flag, "NONE"); i++) {
        emit(l, "PUBKEY", "NONE", has_key(l, c->pubkeys.v[i]), pkey_spki(c->pubkeys.v[i]));
    }
}

void ctl_cmd_list_certs(struct ctl_request *r)
{
    struct listing l = {.r = r};
    const struct config *c = engine_config(ctl_engine(r));
    vici_find_text(r->body, "type", l.type, sizeof(l.type));
    if (!strcasecmp(l.type, "X509")) /* as charon: else it tells nothing apart */
        vici_find_text(r->body, "flag", l.flag, sizeof(l.flag));
    vici_find_text(r->body, "subject", l.subject, sizeof(l.subject));
    if (!c)
        return;
    map_init(&l.seen);
    list_certs(&l, &c->certs, "NONE");
    list_of_connections(&l, c, false);
    list_certs(&l, &c->cas, "CA");
    list_of_connections(&l, c, true);
    list_certs(&l, &c->aas, "AA");
    list_certs(&l, &c->ocsp_signers, "OCSP");
    if (!*l.subject) {
        list_others(&l, c);
        list_keys(&l, c);
    }
    forget_seen(&l);
}
