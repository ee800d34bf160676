/* SPDX-License-Identifier: Apache-2.0 */
/* Getting certificates from a server: see enrol.h. The words are those that strongSwan's users know; other
 * than there, a certificate that is not trusted is refused and not written. */
#include "bin/pki/enrol.h"
#include "crypto/hash.h"
#include <errno.h>
#include <fcntl.h>
#include <openssl/evp.h>
#include <stdlib.h>
#include <time.h>
#include <unistd.h>

enum { WAIT_MAX = 86400 }; /* seconds, whatever a server says */

bool enrol_cas_add(struct enrol_cas *cas, struct cert *c, struct diag *d)
{
    if (cas->n_roots == ENROL_CAS_MAX || cas->n_others == ENROL_CAS_MAX) {
        diag_set(d, FAIL_USAGE, "more than %d CA certificates", ENROL_CAS_MAX);
        return false;
    }
    if (cert_is_self_signed(c))
        cas->roots[cas->n_roots++] = cert_ref(c);
    else
        cas->others[cas->n_others++] = cert_ref(c);
    return true;
}

bool enrol_cas_read(const struct pki_run *r, struct enrol_cas *cas, struct diag *d)
{
    const char *path;
    for (size_t i = 0; (path = pki_nth(r, "cacert", i)); i++) {
        struct cert *c = pki_certificate(path, d);
        bool is_ok = c && enrol_cas_add(cas, c, d);
        cert_unref(c);
        if (!is_ok)
            return false;
    }
    return true;
}

void enrol_cas_free(struct enrol_cas *cas)
{
    while (cas->n_roots)
        cert_unref(cas->roots[--cas->n_roots]);
    while (cas->n_others)
        cert_unref(cas->others[--cas->n_others]);
}

static void put_pem(const struct pki_run *r, struct span *to, const struct cert *c)
{
    struct secret pem = {0};
    pem_encode(cert_der(c), "CERTIFICATE", &pem);
    uint8_t *all = arena_alloc(r->arena, to->len + pem.len);
    if (to->len)
        memcpy(all, to->ptr, to->len);
    memcpy(all + to->len, pem.ptr, pem.len);
    *to = span_of(all, to->len + pem.len);
    secret_free(&pem);
}

struct span enrol_cas_pem(const struct pki_run *r, const struct enrol_cas *cas)
{
    struct span out = {0};
    for (size_t i = 0; i < cas->n_roots; i++)
        put_pem(r, &out, cas->roots[i]);
    for (size_t i = 0; i < cas->n_others; i++)
        put_pem(r, &out, cas->others[i]);
    return out;
}

static struct cert *issuer_among(struct cert *const *v, size_t n, const struct cert *c)
{
    for (size_t i = 0; i < n; i++) {
        if (span_equal(cert_subject_der(v[i]), cert_issuer_der(c)))
            return v[i];
    }
    return NULL;
}

struct span enrol_chain_pem(const struct pki_run *r, const struct cert *leaf, const struct enrol_cas *cas)
{
    struct span out = {0};
    const struct cert *c = leaf;
    for (size_t n = 0; c && n <= cas->n_others; n++, c = issuer_among(cas->others, cas->n_others, c))
        put_pem(r, &out, c);
    return out;
}

bool enrol_is_among(const struct enrol_cas *cas, const struct cert *c)
{
    for (size_t i = 0; i < cas->n_roots; i++) {
        if (span_equal(cert_der(cas->roots[i]), cert_der(c)))
            return true;
    }
    return false;
}

/* One of those that the user names. */
static bool is_known(const struct enrol_cas *cas, const struct cert *c)
{
    for (size_t i = 0; !cas->came && i < cas->n_others; i++) {
        if (span_equal(cert_der(cas->others[i]), cert_der(c)))
            return true;
    }
    return !cas->came && enrol_is_among(cas, c);
}

static void tell_path(const struct pki_run *r, const struct enrol_cas *cas, const struct cert *leaf)
{
    size_t n = 0;
    const struct cert *c = leaf, *root;
    pki_note(r, 1, "  using %scertificate \"%s\"", is_known(cas, leaf) ? "trusted " : "",
             cert_subject_text(leaf));
    if (enrol_is_among(cas, leaf)) /* a root itself */
        return;
    for (; !(root = issuer_among(cas->roots, cas->n_roots, c)) && n < cas->n_others; n++) {
        c = issuer_among(cas->others, cas->n_others, c);
        if (!c)
            return;
        pki_note(r, 1, "  using %s certificate \"%s\"",
                 cas->came ? "untrusted intermediate" : "trusted intermediate ca", cert_subject_text(c));
    }
    if (!root)
        return;
    pki_note(r, 1, "  using trusted ca certificate \"%s\"", cert_subject_text(root));
    pki_note(r, 1, "  reached self-signed root ca with a path length of %zu", n);
}

bool enrol_trusts(const struct pki_run *r, struct enrol_cas *cas, struct cert *leaf, struct diag *why)
{
    struct trust_verdict v = {0};
    int64_t now = (int64_t)time(NULL);
    struct trust_request req = {
        .leaf = leaf,
        .anchors = {.v = cas->roots,  .n = cas->n_roots },
        .intermediates = {.v = cas->others, .n = cas->n_others},
        .now = now < cert_not_before(leaf) ? cert_not_before(leaf) : now,
        .is_for_anything = true,
    };
    trust_evaluate(&req, &v);
    if (v.is_trusted)
        tell_path(r, cas, leaf);
    else
        *why = v.why;
    return v.is_trusted;
}

static const char *colons(const struct pki_run *r, struct span bytes)
{
    char *buf = arena_alloc(r->arena, 3 * bytes.len + 1);
    struct text t = {.buf = buf, .cap = 3 * bytes.len + 1};
    pki_colons(&t, bytes);
    return buf;
}

void enrol_tell_serial(const struct pki_run *r, const struct cert *c)
{
    struct span serial = cert_serial(c);
    while (serial.len > 1 && !serial.ptr[0])
        serial = span_of(serial.ptr + 1, serial.len - 1);
    pki_note(r, 1, "  serial: %s", colons(r, serial));
}

void enrol_tell_fingerprints(const struct pki_run *r, const struct cert *c)
{
    uint8_t sum[HASH_MAX_LEN];
    struct span der = cert_der(c);
    hash_digest(HASH_SHA256, &der, 1, sum);
    pki_note(r, 1, "  SHA256: %s", colons(r, span_of(sum, hash_len(HASH_SHA256))));
    hash_digest(HASH_SHA1, &der, 1, sum);
    char base64[32];
    int len = EVP_EncodeBlock((unsigned char *)base64, sum, (int)hash_len(HASH_SHA1));
    while (len > 0 && base64[len - 1] == '=')
        len--;
    pki_note(r, 1, "  SHA1  : %s (%.*s)", colons(r, span_of(sum, hash_len(HASH_SHA1))), len, base64);
}

const char *enrol_time(const struct pki_run *r, int64_t t)
{
    struct tm tm;
    char buf[64];
    time_t when = (time_t)t;
    localtime_r(&when, &tm);
    strftime(buf, sizeof(buf), "%b %d %H:%M:%S %Y", &tm);
    return arena_strdup(r->arena, buf);
}

int enrol_finish(const struct pki_run *r, struct enrol_cas *cas, struct cert *issued)
{
    struct diag why = {0};
    int64_t now = (int64_t)time(NULL);
    pki_note(r, 1, "Issued certificate \"%s\"", cert_subject_text(issued));
    enrol_tell_serial(r, issued);
    bool is_trusted = enrol_trusts(r, cas, issued, &why);
    pki_note(r, 1, "Issued certificate is %strusted, valid from %s until %s (%s)", is_trusted ? "" : "not ",
             enrol_time(r, cert_not_before(issued)), enrol_time(r, cert_not_after(issued)),
             now < cert_not_before(issued)  ? "not yet valid"
             : now > cert_not_after(issued) ? "no longer valid"
                                            : "currently valid");
    if (is_trusted)
        return pki_write(r, "CERTIFICATE", cert_der(issued));
    diag_try(&why, "name the certificates of its CA and of those above it with --cacert");
    return pki_fail(r, &why);
}

/* "ca.crt" for the first, "ca-1.crt" for the second; a suffix is added where there is none. */
static const char *ca_path(const struct pki_run *r, const struct enrol_out *o)
{
    const char *name = strrchr(o->template, '/');
    const char *dot = strrchr(name ? name : o->template, '.');
    int len = (int)(dot ? dot - o->template : (long)strlen(o->template));
    const char *suffix = dot ? dot : !strcasecmp(pki_get(r, "outform"), "pem") ? ".pem" : ".der";
    const char *infix = o->infix ? o->infix : "";
    if (!o->n_written)
        return arena_printf(r->arena, "%.*s%s%s", len, o->template, infix, suffix);
    return arena_printf(r->arena, "%.*s%s-%u%s", len, o->template, infix, o->n_written + o->counts_from_two,
                        suffix);
}

static bool write_all(int fd, struct span bytes)
{
    while (bytes.len) {
        ssize_t n = write(fd, bytes.ptr, bytes.len);
        if (n < 0 && errno == EINTR)
            continue;
        if (n <= 0)
            return false;
        bytes = span_of(bytes.ptr + n, bytes.len - (size_t)n);
    }
    return true;
}

const char *enrol_write_ca(const struct pki_run *r, struct enrol_out *o, const struct cert *c, struct diag *d)
{
    struct span pem = {0}, bytes = cert_der(c);
    if (!strcasecmp(pki_get(r, "outform"), "pem")) {
        put_pem(r, &pem, c);
        bytes = pem;
    }
    if (!o->template) {
        bool is_pem = pem.len > 0;
        if (is_pem && pki_write_bytes(r, pem))
            diag_set(d, FAIL_GENERIC, "cannot write to stdout");
        return diag_failed(d) ? NULL : is_pem ? "written to 'stdout'" : "'not written'";
    }
    const char *path = ca_path(r, o);
    int fd =
        open(path, O_WRONLY | O_CREAT | O_CLOEXEC | (pki_has(r, "force") ? O_TRUNC : O_EXCL), (mode_t)0644);
    bool is_ok = fd >= 0 && write_all(fd, bytes);
    if (!is_ok)
        diag_set(d, FAIL_GENERIC, "could not write cert file '%s': %s", path, strerror(errno));
    if (fd >= 0)
        close(fd);
    o->n_written++;
    return is_ok ? arena_printf(r->arena, "written to '%s'", path) : NULL;
}

bool enrol_wait(const struct pki_run *r, struct enrol_poll *p, long retry_after, struct diag *d)
{
    long most = pki_number(r, "maxpolltime", 0);
    long wait = retry_after > 0 ? retry_after : pki_number(r, "interval", 60);
    wait = wait < 1 ? 1 : wait > WAIT_MAX ? WAIT_MAX : wait;
    if (!p->has_begun && most)
        pki_note(r, 1, "  %s request pending, polling every %ld seconds up to %ld seconds", p->protocol, wait,
                 most);
    else if (!p->has_begun)
        pki_note(r, 1, "  %s request pending, polling indefinitely every %ld seconds", p->protocol, wait);
    p->has_begun = true;
    if (most && wait > most - p->waited) {
        diag_set(d, FAIL_GENERIC, "maximum poll time reached: %ld seconds", most);
        return false;
    }
    pki_note(r, 1, "  going to sleep for %ld seconds", wait);
    struct timespec left = {.tv_sec = wait};
    while (nanosleep(&left, &left) != 0 && errno == EINTR)
        ;
    p->waited += wait;
    return true;
}
