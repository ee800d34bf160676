/* SPDX-License-Identifier: Apache-2.0 */
/* A PKI of three levels whose CRLs and OCSP responses come from servers on loopback, which serve well and
 * badly: each row is a path, a policy, and what becomes of it, through the revoker and libcurl. The rows wait
 * for their servers at the same time. The same verdicts without a network: src/pki/verdict_test.c. */
#include "pki/ocsp.h"
#include "support/netns.h"
#include "support/test.h"
#include "support/testcrl.h"
#include "support/testocsp.h"
#include "support/web.h"
#include "sys/clock.h"
#include "sys/fetch.h"
#include "sys/revoker.h"
#include <openssl/ocsp.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>

#define NOW  TESTCA_NOW
#define DAY  86400
#define FAR  INT64_C(3000000000)
#define DONE (2 * DAY)

/* Root R issued the intermediate CA S and the helper K, S the leaf L; T is a stranger; H is a helper of S's.
 */
enum { NOBODY, R, S, L, T, H, CAST };

enum kind { CRL, OCSP, PAGE, EMPTY };
enum nonce { ECHOED, ABSENT, WRONG };
/* What happens before the same is verified again: nothing; the server is gone, and the revoker remembers; the
 * server is gone, and the daemon was restarted, with CRLs kept on disk or not. */
enum then { NO_MORE, SAME, GONE, GONE_RESTARTED, GONE_RESTARTED_UNKEPT };

struct file {
    const char *name; /* its path ends so */
    enum kind kind;
    enum web_how how;
    int signer, revokes, about; /* of the cast */
    int reason;                 /* enum crl_reason + 1 */
    struct testcrl_spec crl;
    struct testocsp_spec ocsp;
    enum nonce nonce;
};

struct row {
    const char *name;
    struct testca_spec sub, leaf, helper; /* helper: when it has a subject */
    const char *sub_crl, *sub_ocsp, *leaf_crl, *leaf_crl2, *leaf_ocsp,
        *leaf_delta; /* names of files; "!": of a port that nobody serves */
    const char *authority_crl;
    enum revocation policy;
    struct file files[4];
    const char *what, *got; /* parts of the reason; NULL: trusted */
    int asked;              /* how often the servers were; 0: not counted, -1: never */
    enum then then;
    const char *what2, *got2;
    int asked2;
};

#define STRICT .policy = REVOCATION_STRICT
#define IFURI  .policy = REVOCATION_IFURI
#define BOTH   .sub_crl = "root.crl", .leaf_crl = "sub.crl"
#define ROOT_CRL                                                                                             \
    {                                                                                                        \
        "root.crl", .signer = R                                                                              \
    }
#define SUB_CRL                                                                                              \
    {                                                                                                        \
        "sub.crl", .signer = S                                                                               \
    }
#define REVOKED     "certificate CN=leaf was revoked at 2026-01-01 00:00:00 UTC"
#define UNKNOWN     "it is not known whether certificate CN=leaf is revoked"
#define UNKNOWN_SUB "it is not known whether certificate CN=sub is revoked"

/* clang-format off */
static const struct row rows[] = {
    /* ---- CRLs that come */
    {"strict with both CRLs", BOTH, STRICT, .files = {ROOT_CRL, SUB_CRL}, .asked = 2},
    {"ifuri with both CRLs", BOTH, IFURI, .files = {ROOT_CRL, SUB_CRL}, .asked = 2},
    {"relaxed with both CRLs", BOTH, .files = {ROOT_CRL, SUB_CRL}, .asked = 2},
    {"leaf revoked", BOTH, .files = {ROOT_CRL, {"sub.crl", .signer = S, .revokes = L, .reason = CRL_KEY_COMPROMISE + 1}}, .what = REVOKED, .got = "key compromise, a CRL of CN=sub"},
    {"leaf on hold", BOTH, STRICT, .files = {ROOT_CRL, {"sub.crl", .signer = S, .revokes = L, .reason = CRL_CERTIFICATE_HOLD + 1}}, .what = REVOKED, .got = "certificate hold"},
    {"leaf taken off the list", BOTH, STRICT, .files = {ROOT_CRL, {"sub.crl", .signer = S, .revokes = L, .reason = CRL_REMOVE_FROM_CRL + 1}}},
    {"intermediate revoked", BOTH, .files = {{"root.crl", .signer = R, .revokes = S}, SUB_CRL}, .what = "certificate CN=sub was revoked at 2026-01-01", .got = "a CRL of CN=root"},
    {"somebody else revoked", BOTH, STRICT, .helper = {.subject = "CN=helper"}, .files = {ROOT_CRL, {"sub.crl", .signer = S, .revokes = H}}},
    {"a CRL behind a redirection", BOTH, STRICT, .files = {ROOT_CRL, {"sub.crl", .signer = S, .how = WEB_MOVED}}, .asked = 3},
    {"the second address serves", .sub_crl = "root.crl", .leaf_crl = "none.crl", .leaf_crl2 = "sub.crl", STRICT, .files = {ROOT_CRL, SUB_CRL}, .asked = 3},
    {"the second address says revoked", .sub_crl = "root.crl", .leaf_crl = "!sub.crl", .leaf_crl2 = "sub.crl", .files = {ROOT_CRL, {"sub.crl", .signer = S, .revokes = L}}, .what = REVOKED},
    {"an address that the operator names", .sub_crl = "root.crl", .authority_crl = "sub.crl", STRICT, .files = {ROOT_CRL, SUB_CRL}},
    {"revoked at an address that the operator names", .authority_crl = "sub.crl", .files = {{"sub.crl", .signer = S, .revokes = L}}, .what = REVOKED},
    {"strict with no address for the leaf", .sub_crl = "root.crl", STRICT, .files = {ROOT_CRL}, .what = UNKNOWN, .got = "neither, and nothing says where they are"},
    {"ifuri with no address for the leaf", .sub_crl = "root.crl", IFURI, .files = {ROOT_CRL}},
    {"strict with no address at all", STRICT, .what = UNKNOWN_SUB, .got = "nothing says where they are", .asked = -1},
    {"relaxed with no address at all", .asked = -1},
    /* ---- CRLs that come and are of no use */
    {"a CRL that ended still revokes", BOTH, .files = {ROOT_CRL, {"sub.crl", .signer = S, .revokes = L, .crl = {.next_update = NOW - 1}}}, .what = REVOKED},
    {"strict with a CRL that ended", BOTH, STRICT, .files = {ROOT_CRL, {"sub.crl", .signer = S, .crl = {.next_update = NOW - 1}}}, .what = UNKNOWN, .got = "a CRL of CN=sub that ended at 2026-05-31 23:59:59 UTC"},
    {"relaxed with a CRL that ended", BOTH, .files = {ROOT_CRL, {"sub.crl", .signer = S, .crl = {.next_update = NOW - 1}}}},
    {"strict with a CRL from the future", BOTH, STRICT, .files = {ROOT_CRL, {"sub.crl", .signer = S, .crl = {.this_update = NOW + DAY, .next_update = NOW + DONE}}}, .what = UNKNOWN, .got = "that begins at 2026-06-02"},
    {"strict with a forged CRL", BOTH, STRICT, .files = {ROOT_CRL, {"sub.crl", .signer = S, .crl = {.has_wrong_signature = true}}}, .what = UNKNOWN, .got = "the CRL of CN=sub has a wrong signature"},
    {"a forged CRL revokes nothing", BOTH, .files = {ROOT_CRL, {"sub.crl", .signer = S, .revokes = L, .crl = {.has_wrong_signature = true}}}},
    {"strict with a stranger's CRL in its name", BOTH, STRICT, .files = {ROOT_CRL, {"sub.crl", .signer = T, .crl = {.issuer_name = "CN=sub"}}}, .what = UNKNOWN},
    {"strict with another authority's CRL", BOTH, STRICT, .files = {ROOT_CRL, {"sub.crl", .signer = R}}, .what = UNKNOWN},
    {"strict with a CRL for CAs alone", BOTH, STRICT, .files = {ROOT_CRL, {"sub.crl", .signer = S, .crl = {.idp = "critical,onlyCA:TRUE"}}}, .what = UNKNOWN},
    {"strict with a CRL with a weak hash", BOTH, STRICT, .files = {ROOT_CRL, {"sub.crl", .signer = S, .crl = {.digest = "SHA1"}}}, .what = UNKNOWN, .got = "weak hash"},
    {"strict with a critical extension that nobody knows", BOTH, STRICT, .files = {ROOT_CRL, {"sub.crl", .signer = S, .crl = {.unknown_oid = "1.2.3.4"}}}, .what = UNKNOWN, .got = "1.2.3.4"},
    /* ---- servers that serve badly */
    {"strict with nobody at the port", .sub_crl = "root.crl", .leaf_crl = "!sub.crl", STRICT, .files = {ROOT_CRL}, .what = UNKNOWN, .got = "nothing from http://127.0.0.1:1/"},
    {"ifuri with nobody at the port", .sub_crl = "root.crl", .leaf_crl = "!sub.crl", IFURI, .files = {ROOT_CRL}, .what = UNKNOWN},
    {"relaxed with nobody at the port", .sub_crl = "!root.crl", .leaf_crl = "!sub.crl"},
    {"strict with the root's server dead", .sub_crl = "!root.crl", .leaf_crl = "sub.crl", STRICT, .files = {SUB_CRL}, .what = UNKNOWN_SUB},
    {"strict with no such file", BOTH, STRICT, .files = {ROOT_CRL, {"sub.crl", .how = WEB_NOT_FOUND}}, .what = UNKNOWN, .got = "404"},
    {"strict with a server that is broken", BOTH, STRICT, .files = {ROOT_CRL, {"sub.crl", .how = WEB_BROKEN}}, .what = UNKNOWN, .got = "500"},
    {"strict with a server that hangs up", BOTH, STRICT, .files = {ROOT_CRL, {"sub.crl", .how = WEB_CLOSES}}, .what = UNKNOWN, .got = "Empty reply"},
    {"strict with a server that says nothing", BOTH, STRICT, .files = {ROOT_CRL, {"sub.crl", .how = WEB_SILENT}}, .what = UNKNOWN, .got = "timed out"},
    {"relaxed with a server that says nothing", BOTH, .files = {ROOT_CRL, {"sub.crl", .how = WEB_SILENT}}},
    {"ifuri with a server that drips", BOTH, IFURI, .files = {ROOT_CRL, {"sub.crl", .how = WEB_DRIPS}}, .what = UNKNOWN, .got = "timed out"},
    {"a server that says nothing, and a second one", .sub_crl = "root.crl", .leaf_crl = "none.crl", .leaf_crl2 = "sub.crl", STRICT, .files = {ROOT_CRL, SUB_CRL, {"none.crl", .how = WEB_SILENT}}},
    {"strict with 100 MB announced", BOTH, STRICT, .files = {ROOT_CRL, {"sub.crl", .how = WEB_HUGE}}, .what = UNKNOWN, .got = "more than 12582912 bytes"},
    {"strict without an end of it", BOTH, STRICT, .files = {ROOT_CRL, {"sub.crl", .how = WEB_ENDLESS}}, .what = UNKNOWN, .got = "more than 12582912 bytes"},
    {"relaxed with 100 MB announced", BOTH, .files = {ROOT_CRL, {"sub.crl", .how = WEB_HUGE}}},
    {"strict with a page in HTML", BOTH, STRICT, .files = {ROOT_CRL, {"sub.crl", .kind = PAGE}}, .what = UNKNOWN, .got = "nothing from"},
    {"strict with nothing in it", BOTH, STRICT, .files = {ROOT_CRL, {"sub.crl", .kind = EMPTY}}, .what = UNKNOWN, .got = "nothing in it"},
    {"strict with a CRL that is cut off", BOTH, STRICT, .files = {ROOT_CRL, {"sub.crl", .signer = S, .how = WEB_CUT}}, .what = UNKNOWN, .got = "nothing from"},
    {"strict with an OCSP response in place of a CRL", BOTH, STRICT, .files = {ROOT_CRL, {"sub.crl", .kind = OCSP, .about = L, .nonce = ABSENT}}, .what = UNKNOWN},
    {"strict with redirections in a circle", BOTH, STRICT, .files = {ROOT_CRL, {"sub.crl", .how = WEB_LOOP}}, .what = UNKNOWN, .got = "redirects", .asked = 5},
    {"ifuri with redirections in a circle", BOTH, IFURI, .files = {ROOT_CRL, {"sub.crl", .how = WEB_LOOP}}, .what = UNKNOWN},
    {"strict with a redirection to a file", BOTH, STRICT, .files = {ROOT_CRL, {"sub.crl", .how = WEB_TO_FILE}}, .what = UNKNOWN, .got = "nothing from"},
    /* ---- delta CRLs */
    {"a delta revokes", BOTH, .files = {ROOT_CRL, {"sub.crl", .signer = S, .crl = {.number = "5", .freshest = "delta.crl"}}, {"delta.crl", .signer = S, .revokes = L, .crl = {.number = "6", .base = "5"}}}, .what = REVOKED, .got = "a delta CRL of CN=sub", .asked = 3},
    {"a delta that the leaf names revokes", BOTH, .leaf_delta = "delta.crl", STRICT, .files = {ROOT_CRL, {"sub.crl", .signer = S, .crl = {.number = "5"}}, {"delta.crl", .signer = S, .revokes = L, .crl = {.number = "6", .base = "5"}}}, .what = REVOKED},
    {"a hold stays as long as nobody fetched the delta that lifts it", BOTH, STRICT, .files = {ROOT_CRL, {"sub.crl", .signer = S, .revokes = L, .reason = CRL_CERTIFICATE_HOLD + 1, .crl = {.number = "5", .freshest = "delta.crl"}}, {"delta.crl", .signer = S, .revokes = L, .reason = CRL_REMOVE_FROM_CRL + 1, .crl = {.number = "6", .base = "5"}}}, .what = REVOKED, .asked = 2},
    {"a delta that is not there does not matter", BOTH, STRICT, .files = {ROOT_CRL, {"sub.crl", .signer = S, .crl = {.number = "5", .freshest = "delta.crl"}}}, .asked = 3},
    {"a delta for another base changes nothing", BOTH, STRICT, .files = {ROOT_CRL, {"sub.crl", .signer = S, .crl = {.number = "5", .freshest = "delta.crl"}}, {"delta.crl", .signer = S, .revokes = L, .crl = {.number = "8", .base = "7"}}}},
    {"a forged delta changes nothing", BOTH, STRICT, .files = {ROOT_CRL, {"sub.crl", .signer = S, .crl = {.number = "5", .freshest = "delta.crl"}}, {"delta.crl", .signer = S, .revokes = L, .crl = {.number = "6", .base = "5", .has_wrong_signature = true}}}},
    /* ---- OCSP */
    {"strict with good responses", .sub_ocsp = "root", .leaf_ocsp = "sub", STRICT, .files = {{"root", .kind = OCSP, .about = S}, {"sub", .kind = OCSP, .about = L}}, .asked = 2},
    {"a responder says revoked", .leaf_ocsp = "sub", .files = {{"sub", .kind = OCSP, .about = L, .ocsp = {.status = 'r', .reason = CRL_SUPERSEDED + 1}}}, .what = REVOKED, .got = "superseded, the OCSP response of CN=sub"},
    {"a responder says that the intermediate is revoked", .sub_ocsp = "root", .files = {{"root", .kind = OCSP, .about = S, .ocsp = {.status = 'r'}}}, .what = "certificate CN=sub was revoked", .got = "the OCSP response of CN=root"},
    {"a responder is asked before a CRL", .sub_ocsp = "root", .leaf_ocsp = "sub", BOTH, STRICT, .files = {{"root", .kind = OCSP, .about = S}, {"sub", .kind = OCSP, .about = L}}, .asked = 2},
    {"a CRL where the responder is dead", .leaf_ocsp = "!sub", BOTH, STRICT, .files = {ROOT_CRL, SUB_CRL}, .asked = 2},
    {"a CRL where the responder does not know it", .leaf_ocsp = "sub", BOTH, STRICT, .files = {ROOT_CRL, SUB_CRL, {"sub", .kind = OCSP, .about = L, .ocsp = {.status = 'u'}}}, .asked = 3},
    {"strict and the responder does not know it", .sub_crl = "root.crl", .leaf_ocsp = "sub", STRICT, .files = {ROOT_CRL, {"sub", .kind = OCSP, .about = L, .ocsp = {.status = 'u'}}}, .what = UNKNOWN, .got = "which does not know it"},
    {"a response without a nonce is as good as its dates", .sub_crl = "root.crl", .leaf_ocsp = "sub", STRICT, .files = {ROOT_CRL, {"sub", .kind = OCSP, .about = L, .nonce = ABSENT}}},
    {"strict with an answer to another question", .sub_crl = "root.crl", .leaf_ocsp = "sub", STRICT, .files = {ROOT_CRL, {"sub", .kind = OCSP, .about = L, .nonce = WRONG}}, .what = UNKNOWN, .got = "an answer to another question (nonce)"},
    {"strict with a response about another", .sub_crl = "root.crl", .leaf_ocsp = "sub", STRICT, .helper = {.subject = "CN=helper"}, .files = {ROOT_CRL, {"sub", .kind = OCSP, .about = H}}, .what = UNKNOWN},
    {"strict with a response that ended", .sub_crl = "root.crl", .leaf_ocsp = "sub", STRICT, .files = {ROOT_CRL, {"sub", .kind = OCSP, .about = L, .ocsp = {.this_update = NOW - DAY, .next_update = NOW - DAY + 1}}}, .what = UNKNOWN, .got = "an OCSP response for 2026-05-31"},
    {"strict with a forged response", .sub_crl = "root.crl", .leaf_ocsp = "sub", STRICT, .files = {ROOT_CRL, {"sub", .kind = OCSP, .about = L, .ocsp = {.has_wrong_signature = true}}}, .what = UNKNOWN},
    {"strict with a stranger's response", .sub_crl = "root.crl", .leaf_ocsp = "sub", STRICT, .files = {ROOT_CRL, {"sub", .kind = OCSP, .about = L, .signer = T, .ocsp = {.has_signer_cert = true}}}, .what = UNKNOWN},
    {"a responder that the CA has appointed", .sub_crl = "root.crl", .leaf_ocsp = "sub", STRICT, .helper = {.subject = "CN=helper", .ext_key_usage = "OCSPSigning"}, .files = {ROOT_CRL, {"sub", .kind = OCSP, .about = L, .signer = H, .ocsp = {.has_signer_cert = true}}}},
    {"strict with a responder that it has not appointed", .sub_crl = "root.crl", .leaf_ocsp = "sub", STRICT, .helper = {.subject = "CN=helper"}, .files = {ROOT_CRL, {"sub", .kind = OCSP, .about = L, .signer = H, .ocsp = {.has_signer_cert = true}}}, .what = UNKNOWN},
    {"strict with a responder that wants to be asked later", .sub_crl = "root.crl", .leaf_ocsp = "sub", STRICT, .files = {ROOT_CRL, {"sub", .kind = OCSP, .about = L, .ocsp = {.response_status = 3}}}, .what = UNKNOWN, .got = "nothing from"},
    {"strict with a page in place of a response", .sub_crl = "root.crl", .leaf_ocsp = "sub", STRICT, .files = {ROOT_CRL, {"sub", .kind = PAGE}}, .what = UNKNOWN, .got = "nothing from"},
    {"strict with a response without an end", .sub_crl = "root.crl", .leaf_ocsp = "sub", STRICT, .files = {ROOT_CRL, {"sub", .kind = OCSP, .how = WEB_ENDLESS}}, .what = UNKNOWN, .got = "more than 65536 bytes"},
    {"ifuri with a responder that says nothing", .sub_crl = "root.crl", .leaf_ocsp = "sub", IFURI, .files = {ROOT_CRL, {"sub", .kind = OCSP, .how = WEB_SILENT}}, .what = UNKNOWN, .got = "timed out"},
    /* ---- nothing is fetched for what is refused anyway */
    {"leaf expired", BOTH, .leaf = {.not_before = 1, .not_after = NOW - 1}, .files = {ROOT_CRL, SUB_CRL}, .what = "certificate CN=leaf expired", .got = "notAfter 2026-05-31 23:59:59 UTC", .asked = -1},
    {"leaf not valid yet", BOTH, .leaf = {.not_before = NOW + 1, .not_after = NOW + DAY}, .files = {ROOT_CRL, SUB_CRL}, .what = "certificate CN=leaf is not valid yet", .asked = -1},
    {"leaf for code", BOTH, .leaf = {.ext_key_usage = "codeSigning"}, .files = {ROOT_CRL, SUB_CRL}, .what = "certificate CN=leaf is not meant for IKE", .asked = -1},
    {"leaf outside of what the intermediate permits", BOTH, .sub = {.name_constraints = "permitted;DNS:example.org"}, .leaf = {.san = "DNS:moon.example.com"}, .files = {ROOT_CRL, SUB_CRL}, .what = "has a name outside of what its CA permits", .asked = -1},
    {"intermediate expired", BOTH, .sub = {.not_before = 1, .not_after = NOW - 1}, .files = {ROOT_CRL, SUB_CRL}, .what = "certificate CN=sub expired", .asked = -1},
    /* ---- again, later */
    {"what came serves again", BOTH, STRICT, .files = {ROOT_CRL, SUB_CRL}, .asked = 2, .then = SAME, .asked2 = 2},
    {"what came serves when the server is gone", BOTH, STRICT, .files = {ROOT_CRL, SUB_CRL}, .asked = 2, .then = GONE, .asked2 = 2},
    {"what is on disk serves when the server is gone", BOTH, STRICT, .files = {ROOT_CRL, SUB_CRL}, .asked = 2, .then = GONE_RESTARTED, .asked2 = 2},
    {"what is on disk still revokes", BOTH, .files = {ROOT_CRL, {"sub.crl", .signer = S, .revokes = L}}, .what = REVOKED, .then = GONE_RESTARTED, .what2 = REVOKED},
    {"what was not kept is lost", BOTH, STRICT, .files = {ROOT_CRL, SUB_CRL}, .then = GONE_RESTARTED_UNKEPT, .what2 = UNKNOWN_SUB, .got2 = "404"},
    {"an answer of a responder is not kept on disk", .sub_crl = "root.crl", .leaf_ocsp = "sub", STRICT, .files = {ROOT_CRL, {"sub", .kind = OCSP, .about = L}}, .asked = 2, .then = GONE_RESTARTED, .what2 = UNKNOWN, .got2 = "404"},
    {"a server that failed is left alone for a while", BOTH, STRICT, .files = {ROOT_CRL, {"sub.crl", .how = WEB_NOT_FOUND}}, .what = UNKNOWN, .asked = 2, .then = SAME, .what2 = UNKNOWN, .asked2 = 2},
};
/* clang-format on */

enum { N = ARRAY_LEN(rows) };

/* A row while it runs. */
static struct run {
    struct testca_cert *made[CAST];
    struct cert *cert[CAST];
    struct span body[4]; /* of CRLs */
    struct trust_authority authority;
    const char *authority_url;
    char urls[8][96];
    size_t n_urls;
    struct revoker *revoker;
    char dir[64];
    atomic_uint asked;
    atomic_bool is_gone, is_done;
    struct job *job;
} runs[N];

static int port;

/* ---- what is served */

static const struct file *file_of(const struct row *r, const char *name, size_t *at)
{
    for (*at = 0; *at < ARRAY_LEN(r->files) && r->files[*at].name; (*at)++) {
        size_t len = strlen(r->files[*at].name);
        if (strncmp(name, r->files[*at].name, len) == 0 && (!name[len] || strcmp(name + len, "-there") == 0))
            return &r->files[*at];
    }
    return NULL;
}

static struct span copy_of(struct span s)
{
    uint8_t *p = malloc(s.len + 1);
    assert_non_null(p);
    if (s.len)
        memcpy(p, s.ptr, s.len);
    return span_of(p, s.len);
}

static size_t read_nonce(struct span request, uint8_t buf[64])
{
    const uint8_t *at = request.ptr;
    size_t len = 0;
    OCSP_REQUEST *r = d2i_OCSP_REQUEST(NULL, &at, (long)request.len);
    int i = r ? OCSP_REQUEST_get_ext_by_NID(r, NID_id_pkix_OCSP_Nonce, -1) : -1;
    if (i >= 0) {
        const ASN1_OCTET_STRING *value = X509_EXTENSION_get_data(OCSP_REQUEST_get_ext(r, i));
        len = (size_t)ASN1_STRING_length(value) - 2;
        memcpy(buf, ASN1_STRING_get0_data(value) + 2, len);
    }
    OCSP_REQUEST_free(r);
    return len;
}

static struct span ocsp_body(const struct run *u, const struct file *f, struct span request)
{
    uint8_t nonce[64];
    size_t len = read_nonce(request, nonce);
    struct testocsp_spec spec = f->ocsp;
    int issuer = f->about == S ? R : S;
    nonce[0] ^= f->nonce == WRONG;
    spec.cert = u->made[f->about];
    spec.issuer = u->made[issuer];
    spec.signer = u->made[f->signer ? f->signer : issuer];
    if (f->nonce != ABSENT)
        spec.nonce = span_of(nonce, len);
    struct span der = testocsp_make(&spec), copy = copy_of(der);
    testocsp_free(der);
    return copy;
}

/* "/17/sub.crl" */
static struct web_answer serve(void *ctx, const char *path, struct span body)
{
    char *end;
    size_t at, i = strtoul(path + 1, &end, 10);
    (void)ctx;
    assert_true(i < N && *end == '/');
    struct run *u = &runs[i];
    atomic_fetch_add(&u->asked, 1);
    const struct file *f = file_of(&rows[i], end + 1, &at);
    if (!f || atomic_load(&u->is_gone))
        return (struct web_answer){.how = WEB_NOT_FOUND};
    struct web_answer a = {.how = f->how};
    if (f->how == WEB_MOVED && strstr(path, "-there"))
        a.how = WEB_WELL;
    if (f->kind == PAGE)
        a.body = copy_of(span_str("<html><body>Welcome to the portal!</body></html>"));
    else if (f->kind == OCSP && f->about)
        a.body = ocsp_body(u, f, body);
    else if (f->kind == CRL)
        a.body = copy_of(u->body[at]);
    return a;
}

static const char *url(size_t row, const char *name)
{
    struct run *u = &runs[row];
    char *to = u->urls[u->n_urls++];
    bool is_dead = name[0] == '!';
    snprintf(to, sizeof(u->urls[0]), "http://127.0.0.1:%d/%zu/%s", is_dead ? 1 : port, row, name + is_dead);
    return to;
}

/* ---- the cast */

static void add(struct run *u, int who, struct testca_spec spec, const char *subject, int issuer)
{
    struct diag d = {0};
    spec.subject = spec.subject ? spec.subject : subject;
    u->made[who] = testca_issue(&spec, issuer == NOBODY ? NULL : u->made[issuer]);
    u->cert[who] = cert_load(testca_der(u->made[who]), &d);
    assert_non_null(u->cert[who]);
}

static void point(size_t i, struct testca_spec *spec, const char *crl, const char *crl2, const char *ocsp,
                  char text[2][256])
{
    if (crl) {
        snprintf(text[0], 256, "URI:%s%s%s", url(i, crl), crl2 ? ",URI:" : "", crl2 ? url(i, crl2) : "");
        spec->crl_points = text[0];
    }
    if (ocsp) {
        snprintf(text[1], 256, "OCSP;URI:%s", url(i, ocsp));
        spec->info_access = text[1];
    }
}

static void make_cast(size_t i)
{
    const struct row *r = &rows[i];
    struct run *u = &runs[i];
    struct testca_spec root = {.is_ca = true}, sub = r->sub, leaf = r->leaf;
    char sub_text[2][256], leaf_text[2][256], delta[128];
    sub.is_ca = true;
    point(i, &sub, r->sub_crl, NULL, r->sub_ocsp, sub_text);
    point(i, &leaf, r->leaf_crl, r->leaf_crl2, r->leaf_ocsp, leaf_text);
    if (r->leaf_delta) {
        snprintf(delta, sizeof(delta), "URI:%s", url(i, r->leaf_delta));
        leaf.freshest = delta;
    }
    add(u, R, root, "CN=root", NOBODY);
    add(u, S, sub, "CN=sub", R);
    add(u, L, leaf, "CN=leaf", S);
    add(u, T, root, "CN=stranger", NOBODY);
    if (r->helper.subject)
        add(u, H, r->helper, NULL, S);
    if (r->authority_crl) {
        u->authority_url = url(i, r->authority_crl);
        u->authority =
            (struct trust_authority){.ca = u->cert[S], .crl_uris = &u->authority_url, .n_crl_uris = 1};
    }
}

static void make_crls(size_t i)
{
    struct run *u = &runs[i];
    for (size_t k = 0; k < ARRAY_LEN(rows[i].files); k++) {
        const struct file *f = &rows[i].files[k];
        struct testcrl_spec spec = f->crl;
        struct testcrl_entry e = {.reason = f->reason};
        char freshest[128];
        if (!f->name || f->kind != CRL || !f->signer)
            continue;
        if (f->revokes) {
            e.cert = u->made[f->revokes];
            spec.entries = &e;
            spec.n = 1;
        }
        if (spec.freshest) {
            snprintf(freshest, sizeof(freshest), "URI:%s", url(i, spec.freshest));
            spec.freshest = freshest;
        }
        spec.next_update = spec.next_update ? spec.next_update : FAR; /* kept only as long as it is current */
        u->body[k] = testcrl_make(&spec, u->made[f->signer]);
    }
}

/* ---- verifying */

static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static pthread_cond_t changed = PTHREAD_COND_INITIALIZER;

static void on_done(void *ctx)
{
    struct run *u = ctx;
    pthread_mutex_lock(&lock);
    atomic_store(&u->is_done, true);
    pthread_cond_broadcast(&changed);
    pthread_mutex_unlock(&lock);
}

static struct cert_list list_of(struct arena *a, struct cert *one, struct cert *two)
{
    struct cert_list l = {arena_calloc(a, 2, sizeof(struct cert *)), 0};
    l.v[l.n++] = cert_ref(one);
    if (two)
        l.v[l.n++] = cert_ref(two);
    return l;
}

static struct job *verification(size_t i)
{
    struct run *u = &runs[i];
    struct diag d = {0};
    struct job *j = mem_new(sizeof(*j));
    struct pkey *key = pkey_load_private(testca_key_der(u->made[L]), span_of(NULL, 0), &d);
    struct sig_scheme scheme = {.type = PKEY_ECDSA, .hash = HASH_SHA256};
    j->kind = JOB_VERIFY;
    j->arena = arena_new(1 << 20);
    j->auth_method = 14;
    j->message = secret_copy(span_str("what is signed"));
    assert_true(pkey_sign(key, scheme, false, span_str("what is signed"), &j->signature_in));
    pkey_unref(key);
    j->trust.leaf = cert_ref(u->cert[L]);
    j->trust.anchors = list_of(j->arena, u->cert[R], NULL);
    j->trust.intermediates = list_of(j->arena, u->cert[S], u->cert[H]);
    j->trust.now = NOW;
    j->trust.revocation = rows[i].policy;
    if (rows[i].authority_crl) {
        struct trust_authority *a = arena_calloc(j->arena, 1, sizeof(*a));
        *a = u->authority;
        a->ca = cert_ref(u->cert[S]);
        j->trust.authorities = a;
        j->trust.n_authorities = 1;
    }
    return j;
}

/* To the revoker when there is something to fetch. */
static void begin(size_t i)
{
    struct run *u = &runs[i];
    struct job *j = verification(i);
    atomic_store(&u->is_done, false);
    revoker_prepare(u->revoker, j);
    job_run(j);
    if (j->verdict.n_fetch) {
        revoker_give(u->revoker, j);
        return;
    }
    u->job = j;
    atomic_store(&u->is_done, true);
}

static struct job *end(size_t i)
{
    struct run *u = &runs[i];
    pthread_mutex_lock(&lock);
    while (!atomic_load(&u->is_done))
        pthread_cond_wait(&changed, &lock);
    pthread_mutex_unlock(&lock);
    struct job *j = u->job ? u->job : revoker_next(u->revoker);
    u->job = NULL;
    assert_non_null(j);
    return j;
}

static unsigned check(size_t i, const char *when, const char *what, const char *got, int asked)
{
    struct job *j = end(i);
    const struct trust_verdict *v = &j->verdict;
    unsigned is = atomic_load(&runs[i].asked);
    bool fits = v->is_trusted == !what && !v->n_fetch && (what || j->ok);
    fits = fits && (!what || (strstr(v->why.what, what) && strstr(v->why.got, got ? got : "")));
    fits = fits && (!asked || is == (asked > 0 ? (unsigned)asked : 0));
    if (!fits)
        print_error("%s%s: %s; got %s; the servers were asked %u times\n", rows[i].name, when,
                    v->is_trusted ? "trusted" : v->why.what, v->why.got, is);
    job_free(j);
    return !fits;
}

static void change(size_t i)
{
    struct run *u = &runs[i];
    enum then t = rows[i].then;
    atomic_store(&u->is_gone, t != SAME);
    if (t == GONE_RESTARTED || t == GONE_RESTARTED_UNKEPT) {
        revoker_free(u->revoker);
        u->revoker = revoker_new(u->dir, on_done, u);
        revoker_keep(u->revoker, t == GONE_RESTARTED);
    }
}

static int make_all(void **state)
{
    (void)state;
    for (size_t i = 0; i < N; i++) {
        struct run *u = &runs[i];
        make_cast(i);
        make_crls(i);
        snprintf(u->dir, sizeof(u->dir), "/tmp/verdict-online-XXXXXX");
        assert_non_null(mkdtemp(u->dir));
        u->revoker = revoker_new(u->dir, on_done, u);
        revoker_keep(u->revoker, rows[i].then == GONE_RESTARTED);
    }
    return 0;
}

static int free_all(void **state)
{
    (void)state;
    for (size_t i = 0; i < N; i++) {
        struct run *u = &runs[i];
        char command[128];
        revoker_free(u->revoker);
        snprintf(command, sizeof(command), "rm -rf %s", u->dir);
        assert_int_equal(system(command), 0);
        for (size_t k = 0; k < ARRAY_LEN(u->body); k++) {
            if (u->body[k].ptr)
                testcrl_free(u->body[k]);
        }
        for (size_t k = 1; k < CAST; k++) {
            cert_unref(u->cert[k]);
            testca_free(u->made[k]);
        }
    }
    return 0;
}

static void every_row_gets_its_verdict_from_its_servers(void **state)
{
    unsigned bad = 0;
    (void)state;
    for (size_t i = 0; i < N; i++)
        begin(i);
    for (size_t i = 0; i < N; i++)
        bad += check(i, "", rows[i].what, rows[i].got, rows[i].asked);
    for (size_t i = 0; i < N; i++) {
        if (rows[i].then == NO_MORE)
            continue;
        change(i);
        begin(i);
        bad += check(i, ", then again", rows[i].what2, rows[i].got2, rows[i].asked2);
    }
    print_message("%d rows\n", N);
    assert_int_equal(bad, 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_row_gets_its_verdict_from_its_servers),
    };
    if (!netns_enter())
        return NETNS_SKIP;
    netns_run("ip link set lo up");
    fetch_init();
    port = web_start(serve, NULL);
    int failed = cmocka_run_group_tests(tests, make_all, free_all);
    web_stop();
    return failed;
}
