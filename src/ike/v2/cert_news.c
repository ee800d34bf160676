/* SPDX-License-Identifier: Apache-2.0 */
/* What a peer sends along in CERT payloads: CRLs (RFC 7296 section 3.6) and OCSP responses about its own
 * certificate (RFC 4806 section 3.1), and attribute certificates for it (RFC 5755). No more than hints: they
 * have to be signed by its authorities as those from elsewhere. */
#include "ike/v2/ike_auth.h"
#include "pki/acert.h"
#include "pki/ocsp.h"

#define PEER_MAX_NEWS 8 /* of each kind */

void cert_take_news(const struct ike_message *m, struct job *j)
{
    struct trust_request *t = &j->trust;
    struct ocsp **ocsps = arena_calloc(j->arena, PEER_MAX_NEWS, sizeof(struct ocsp *));
    struct crl **crls = arena_calloc(j->arena, t->n_crls + PEER_MAX_NEWS, sizeof(struct crl *));
    size_t most = t->n_crls + PEER_MAX_NEWS;
    if (!ocsps || !crls)
        return;
    if (t->n_crls)
        memcpy(crls, t->crls, t->n_crls * sizeof(*crls));
    t->crls = crls;
    t->ocsps = ocsps;
    for (const struct ike_payload *p = NULL; (p = ike_next(m, PAYLOAD_CERT, p));) {
        struct diag ignored = {0};
        struct crl *c =
            p->cert.encoding == CERT_CRL && t->n_crls < most ? crl_load(p->cert.data, &ignored) : NULL;
        struct ocsp *o = p->cert.encoding == CERT_OCSP_CONTENT && t->n_ocsps < PEER_MAX_NEWS
                             ? ocsp_load(p->cert.data, &ignored)
                             : NULL;
        if (c)
            crls[t->n_crls++] = c;
        if (o)
            ocsps[t->n_ocsps++] = o;
    }
}

void cert_take_attributes(const struct ike_message *m, const struct config *c, struct job *j)
{
    struct trust_request *t = &j->trust;
    struct acert **acerts = arena_calloc(j->arena, PEER_MAX_NEWS + c->n_acerts, sizeof(struct acert *));
    if (!acerts)
        return;
    t->acerts = acerts;
    for (const struct ike_payload *p = NULL;
         t->n_acerts < PEER_MAX_NEWS && (p = ike_next(m, PAYLOAD_CERT, p));) {
        struct diag ignored = {0};
        struct acert *a = p->cert.encoding == CERT_ATTRIBUTE ? acert_load(p->cert.data, &ignored) : NULL;
        if (a)
            acerts[t->n_acerts++] = a;
    }
    for (size_t i = 0; i < c->n_acerts; i++)
        acerts[t->n_acerts++] = acert_ref(c->acerts[i]);
}
