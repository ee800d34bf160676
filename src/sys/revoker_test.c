/* SPDX-License-Identifier: Apache-2.0 */
/* Fetching for verifications, against a small HTTP server of the test's own, in a network namespace: what is
 * fetched, how often, what is refused, what is kept. */
#include "pki/ocsp.h"
#include "support/netns.h"
#include "support/test.h"
#include "support/testca.h"
#include "support/testcrl.h"
#include "support/testocsp.h"
#include "sys/clock.h"
#include "sys/fetch.h"
#include "sys/revoker.h"
#include <arpa/inet.h>
#include <openssl/ocsp.h>
#include <poll.h>
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#define FAR INT64_C(3000000000)

/* ---- the server: one connection after the other, until it is told to end */

static struct {
    int fd, port, stop[2];
    pthread_t thread;
    atomic_uint requests;
    atomic_bool holds; /* answers nothing */
    atomic_bool lies;  /* with another nonce */
    struct span crl;   /* what /crl is */
    char ocsp_status;  /* what /ocsp says */
} server;

static struct testca_cert *root, *leaf, *plain;
static char dir[64];

static void put(int fd, const char *status, const char *more, struct span body)
{
    char head[256];
    int n = snprintf(head, sizeof(head), "HTTP/1.1 %s\r\nContent-Length: %zu\r\nConnection: close\r\n%s\r\n",
                     status, body.len, more);
    if (write(fd, head, (size_t)n) != n)
        return;
    for (size_t at = 0; at < body.len;) {
        ssize_t one = write(fd, body.ptr + at, body.len - at);
        if (one <= 0)
            return; /* the client has had enough */
        at += (size_t)one;
    }
}

/* Without saying how much it will be. */
static void put_endless(int fd, struct span body)
{
    static const char head[] = "HTTP/1.1 200 OK\r\nConnection: close\r\n\r\n";
    if (write(fd, head, sizeof(head) - 1) != sizeof(head) - 1)
        return;
    for (size_t at = 0; at < body.len;) {
        ssize_t one = write(fd, body.ptr + at, body.len - at);
        if (one <= 0)
            return;
        at += (size_t)one;
    }
}

/* The nonce's extension as a response has it. */
static struct span nonce_of(struct span request, uint8_t buf[64])
{
    const uint8_t *at = request.ptr;
    OCSP_REQUEST *r = d2i_OCSP_REQUEST(NULL, &at, (long)request.len);
    int i = r ? OCSP_REQUEST_get_ext_by_NID(r, NID_id_pkix_OCSP_Nonce, -1) : -1;
    size_t len = 0;
    if (i >= 0) {
        const ASN1_OCTET_STRING *value = X509_EXTENSION_get_data(OCSP_REQUEST_get_ext(r, i));
        len = (size_t)ASN1_STRING_length(value) - 2;
        memcpy(buf, ASN1_STRING_get0_data(value) + 2, len);
    }
    OCSP_REQUEST_free(r);
    return span_of(buf, len);
}

static void answer_ocsp(int fd, struct span request)
{
    uint8_t nonce[64];
    struct span n = nonce_of(request, nonce);
    if (atomic_load(&server.lies) && n.len)
        nonce[0] ^= 1;
    struct span der = testocsp_make(&(struct testocsp_spec){
        .issuer = root, .cert = leaf, .status = server.ocsp_status, .nonce = n, .next_update = FAR});
    put(fd, "200 OK", "", der);
    testocsp_free(der);
}

static void serve(int fd)
{
    static uint8_t big[1 << 20];
    uint8_t in[4096];
    size_t len = 0;
    const uint8_t *body = NULL;
    unsigned long want = 0;
    while (len < sizeof(in) - 1 && (!body || len < (size_t)(body - in) + want)) {
        ssize_t n = read(fd, in + len, sizeof(in) - 1 - len);
        if (n <= 0)
            return;
        len += (size_t)n;
        in[len] = 0;
        body = memmem(in, len, "\r\n\r\n", 4);
        body = body ? body + 4 : NULL;
        const char *length = body ? strstr((char *)in, "Content-Length: ") : NULL;
        want = length ? strtoul(length + 16, NULL, 10) : 0;
    }
    atomic_fetch_add(&server.requests, 1);
    if (atomic_load(&server.holds))
        (void)poll(&(struct pollfd){.fd = fd, .events = POLLRDHUP}, 1, 20000); /* until the client goes */
    else if (strncmp((char *)in, "GET /crl ", 9) == 0)
        put(fd, "200 OK", "", server.crl);
    else if (strncmp((char *)in, "GET /big ", 9) == 0)
        put(fd, "200 OK", "", span_of(big, sizeof(big)));
    else if (strncmp((char *)in, "GET /endless ", 13) == 0)
        put_endless(fd, span_of(big, sizeof(big)));
    else if (strncmp((char *)in, "GET /there ", 11) == 0)
        put(fd, "302 Found", "Location: /crl\r\n", span_of(NULL, 0));
    else if (strncmp((char *)in, "GET /cert ", 10) == 0)
        put(fd, "200 OK", "", testca_der(leaf));
    else if (strncmp((char *)in, "GET /to-cert ", 13) == 0)
        put(fd, "302 Found", "Location: /cert\r\n", testca_der(leaf));
    else if (strncmp((char *)in, "GET /file ", 10) == 0)
        put(fd, "302 Found", "Location: file:///etc/passwd\r\n", span_of(NULL, 0));
    else if (strncmp((char *)in, "POST /ocsp ", 11) == 0)
        answer_ocsp(fd, span_of(body, want));
    else
        put(fd, "404 Not Found", "", span_str("not here"));
}

static void *serve_all(void *ctx)
{
    (void)ctx;
    for (;;) {
        struct pollfd p[2] = {
            {.fd = server.fd,      .events = POLLIN},
            {.fd = server.stop[0], .events = POLLIN}
        };
        if (poll(p, 2, -1) < 0 || p[1].revents)
            return NULL;
        int fd = accept(server.fd, NULL, NULL);
        if (fd < 0)
            return NULL;
        serve(fd);
        close(fd);
    }
}

static void start_server(void)
{
    struct sockaddr_in a = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    socklen_t len = sizeof(a);
    server.fd = socket(AF_INET, SOCK_STREAM, 0);
    assert_int_equal(bind(server.fd, (struct sockaddr *)&a, sizeof(a)), 0);
    assert_int_equal(listen(server.fd, 32), 0);
    assert_int_equal(getsockname(server.fd, (struct sockaddr *)&a, &len), 0);
    assert_int_equal(pipe(server.stop), 0);
    server.port = ntohs(a.sin_port);
    assert_int_equal(pthread_create(&server.thread, NULL, serve_all, NULL), 0);
}

static const char *address(const char *path)
{
    static char text[4][64];
    static unsigned next;
    char *to = text[next++ % 4];
    snprintf(to, sizeof(text[0]), "http://127.0.0.1:%d%s", server.port, path);
    return to;
}

/* ---- verifications */

struct done {
    pthread_mutex_t lock;
    pthread_cond_t changed;
    unsigned n;
};

static struct done done = {PTHREAD_MUTEX_INITIALIZER, PTHREAD_COND_INITIALIZER, 0};

static void on_done(void *ctx)
{
    (void)ctx;
    pthread_mutex_lock(&done.lock);
    done.n++;
    pthread_cond_broadcast(&done.changed);
    pthread_mutex_unlock(&done.lock);
}

static struct job *wait_job(struct revoker *r)
{
    pthread_mutex_lock(&done.lock);
    while (!done.n)
        pthread_cond_wait(&done.changed, &done.lock);
    done.n--;
    pthread_mutex_unlock(&done.lock);
    struct job *j = revoker_next(r);
    assert_non_null(j);
    return j;
}

static struct cert *seen(const struct testca_cert *made)
{
    struct diag d = {0};
    struct cert *c = cert_load(testca_der(made), &d);
    assert_non_null(c);
    return c;
}

static struct cert **list_of(struct arena *a, struct cert *c)
{
    struct cert **v = arena_calloc(a, 1, sizeof(struct cert *));
    v[0] = c;
    return v;
}

/* The leaf's signature over a message, and its path. */
static struct job *verification(const struct testca_cert *of, enum revocation policy)
{
    struct diag d = {0};
    struct job *j = mem_new(sizeof(*j));
    struct pkey *key = pkey_load_private(testca_key_der(of), span_of(NULL, 0), &d);
    struct sig_scheme scheme = {.type = PKEY_ECDSA, .hash = HASH_SHA256};
    j->kind = JOB_VERIFY;
    j->arena = arena_new(1 << 20);
    j->auth_method = 14;
    j->message = secret_copy(span_str("what is signed"));
    assert_true(pkey_sign(key, scheme, false, span_str("what is signed"), &j->signature_in));
    pkey_unref(key);
    j->trust.leaf = seen(of);
    j->trust.anchors = (struct cert_list){list_of(j->arena, seen(root)), 1};
    j->trust.now = TESTCA_NOW;
    j->trust.revocation = policy;
    return j;
}

static struct job *verify(struct revoker *r, struct job *j)
{
    revoker_prepare(r, j);
    job_run(j);
    if (!j->verdict.n_fetch)
        return j;
    assert_false(j->verdict.is_trusted);
    revoker_give(r, j);
    return wait_job(r);
}

static void make_certs(const char *crl, const char *ocsp)
{
    char points[96], access[96];
    snprintf(points, sizeof(points), "URI:%s", crl ? crl : "");
    snprintf(access, sizeof(access), "OCSP;URI:%s", ocsp ? ocsp : "");
    testca_free(leaf);
    leaf = testca_issue(&(struct testca_spec){.subject = "CN=leaf",
                                              .crl_points = crl ? points : NULL,
                                              .info_access = ocsp ? access : NULL},
                        root);
}

static void serve_crl(bool has_leaf)
{
    struct testcrl_entry e = {.cert = leaf};
    testcrl_free(server.crl);
    server.crl = testcrl_make(&(struct testcrl_spec){.entries = &e, .n = has_leaf, .next_update = FAR}, root);
}

static int set_up(void **state)
{
    (void)state;
    snprintf(dir, sizeof(dir), "/tmp/revoker-test-XXXXXX");
    assert_non_null(mkdtemp(dir));
    root = testca_issue(&(struct testca_spec){.subject = "CN=root", .is_ca = true}, NULL);
    plain = testca_issue(&(struct testca_spec){.subject = "CN=plain"}, root);
    atomic_store(&server.requests, 0);
    server.ocsp_status = 'g';
    make_certs(address("/crl"), NULL);
    serve_crl(false);
    return 0;
}

static int tear_down(void **state)
{
    char command[128];
    (void)state;
    testcrl_free(server.crl);
    server.crl = span_of(NULL, 0);
    testca_free(root);
    testca_free(leaf);
    testca_free(plain);
    root = leaf = plain = NULL;
    atomic_store(&server.lies, false);
    snprintf(command, sizeof(command), "rm -rf %s", dir);
    return system(command);
}

static void what_is_revoked_in_a_fetched_crl_is_refused(void **state)
{
    (void)state;
    struct revoker *r = revoker_new(NULL, on_done, NULL);
    serve_crl(true);
    struct job *j = verify(r, verification(leaf, REVOCATION_RELAXED));
    assert_false(j->verdict.is_trusted);
    assert_non_null(strstr(j->verdict.why.what, "certificate CN=leaf was revoked"));
    assert_int_equal(atomic_load(&server.requests), 1);
    assert_int_equal(revoker_working(r), 0);
    job_free(j);
    revoker_free(r);
}

static void what_was_fetched_serves_the_next_verification(void **state)
{
    (void)state;
    struct revoker *r = revoker_new(NULL, on_done, NULL);
    for (int i = 0; i < 3; i++) {
        struct job *j = verify(r, verification(leaf, REVOCATION_STRICT));
        assert_true(j->verdict.is_trusted && j->ok);
        job_free(j);
    }
    assert_int_equal(atomic_load(&server.requests), 1);
    revoker_free(r);
}

static void many_at_once_fetch_an_address_once(void **state)
{
    enum { N = 40 };
    (void)state;
    struct revoker *r = revoker_new(NULL, on_done, NULL);
    struct job *jobs[N];
    for (int i = 0; i < N; i++) {
        jobs[i] = verification(leaf, REVOCATION_STRICT);
        revoker_prepare(r, jobs[i]);
        job_run(jobs[i]);
        assert_int_equal(jobs[i]->verdict.n_fetch, 1);
    }
    for (int i = 0; i < N; i++)
        revoker_give(r, jobs[i]);
    for (int i = 0; i < N; i++) {
        struct job *j = wait_job(r);
        assert_true(j->verdict.is_trusted && j->ok);
        job_free(j);
    }
    assert_int_equal(atomic_load(&server.requests), 1);
    revoker_free(r);
}

static void what_cannot_be_had_is_told_and_left_alone_for_a_while(void **state)
{
    (void)state;
    struct revoker *r = revoker_new(NULL, on_done, NULL);
    make_certs(address("/nothing"), NULL);
    for (int i = 0; i < 2; i++) {
        struct job *j = verify(r, verification(leaf, REVOCATION_IFURI));
        assert_false(j->verdict.is_trusted);
        assert_string_equal(j->verdict.unmet, "revocation");
        assert_non_null(strstr(j->verdict.why.got, "404"));
        job_free(j);
    }
    assert_int_equal(atomic_load(&server.requests), 1);
    struct job *j = verify(r, verification(leaf, REVOCATION_RELAXED));
    assert_true(j->verdict.is_trusted);
    job_free(j);
    revoker_free(r);
}

static void whoever_has_not_the_key_has_nothing_fetched(void **state)
{
    (void)state;
    struct revoker *r = revoker_new(NULL, on_done, NULL);
    struct job *j = verification(leaf, REVOCATION_RELAXED);
    secret_free(&j->message);
    j->message = secret_copy(span_str("what is not signed"));
    j = verify(r, j);
    assert_false(j->ok);
    assert_int_equal(atomic_load(&server.requests), 0);
    job_free(j);
    revoker_free(r);
}

/* ---- certificates that a peer told the address of */

/* The leaf is not there but at an address. */
static struct job *told(const char *path)
{
    struct job *j = verification(leaf, REVOCATION_RELAXED);
    struct span der = testca_der(leaf);
    struct cert_place *p = &j->places[j->n_places++];
    cert_unref(j->trust.leaf);
    j->trust.leaf = NULL;
    p->url = arena_strdup(j->arena, address(path));
    p->has_leaf = true;
    hash_digest(HASH_SHA1, &der, 1, p->hash);
    return j;
}

static struct job *look_up(struct revoker *r, struct job *j)
{
    revoker_give(r, j);
    return wait_job(r);
}

static void a_certificate_is_fetched_where_the_peer_says(void **state)
{
    (void)state;
    make_certs(NULL, NULL);
    struct revoker *r = revoker_new(NULL, on_done, NULL);
    for (int i = 0; i < 3; i++) {
        struct job *j = look_up(r, told("/cert"));
        assert_true(j->verdict.is_trusted && j->ok);
        assert_span_equal(cert_der(j->trust.leaf), testca_der(leaf));
        job_free(j);
    }
    assert_int_equal(atomic_load(&server.requests), 1); /* the hash says that it is the same */
    revoker_free(r);
}

static void its_revocation_is_looked_at_as_well(void **state)
{
    (void)state;
    struct revoker *r = revoker_new(NULL, on_done, NULL);
    serve_crl(true);
    struct job *j = look_up(r, told("/cert"));
    assert_false(j->verdict.is_trusted);
    assert_non_null(strstr(j->verdict.why.what, "certificate CN=leaf was revoked"));
    assert_int_equal(atomic_load(&server.requests), 2);
    job_free(j);
    revoker_free(r);
}

static void what_a_stranger_may_not_make_us_fetch_is_not_used(void **state)
{
    (void)state;
    static const struct {
        const char *path, *why;
    } rows[] = {
        {"/nothing", "404"                                 },
        {"/big",     "more than 131072 bytes"              },
        {"/endless", "more than 131072 bytes"              },
        {"/to-cert", "a redirection, which is not followed"},
        {"/file",    "a redirection, which is not followed"},
        {"/crl",     "bytes with the SHA-1 hash"           },
    };
    struct revoker *r = revoker_new(NULL, on_done, NULL);
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        struct job *j = look_up(r, told(rows[i].path));
        assert_false(j->verdict.is_trusted || j->ok);
        assert_null(j->trust.leaf);
        if (!strstr(j->verdict.why.got, rows[i].why))
            fail_msg("%s: %s", rows[i].path, j->verdict.why.got);
        job_free(j);
    }
    assert_int_equal(atomic_load(&server.requests), ARRAY_LEN(rows));
    struct job *j = told("/cert");
    j->places[0].url = "file:///etc/hostname"; /* that no peer gets so far with */
    j = look_up(r, j);
    assert_false(j->verdict.is_trusted);
    assert_non_null(strcasestr(j->verdict.why.got, "protocol"));
    job_free(j);
    revoker_free(r);
}

/* It serves one after the other: what came before this is over then. */
static void let_the_server_finish(void)
{
    char why[FETCH_WHY_MAX];
    struct secret out = {0};
    struct fetch f = {.url = address("/nothing"), .max = 100, .timeout = 10 * TIME_SECOND};
    assert_false(fetch_url(&f, &out, why));
    assert_non_null(strstr(why, "404"));
}

/* Four that wait for a silent server keep no others waiting, and a fifth is not asked. */
static void few_are_fetched_at_a_time(void **state)
{
    enum { N = 6 };
    (void)state;
    unsigned refused = 0;
    struct revoker *r = revoker_new(NULL, on_done, NULL);
    atomic_store(&server.holds, true);
    for (int i = 0; i < N; i++)
        revoker_give(r, told("/cert"));
    for (; refused < N - 4; refused++) {
        struct job *j = wait_job(r);
        assert_non_null(strstr(j->verdict.why.got, "too many others"));
        job_free(j);
    }
    assert_int_equal(revoker_working(r), 4);
    revoker_stop(r); /* and the end does not wait for them */
    atomic_store(&server.holds, false);
    for (int i = 0; i < 4; i++)
        job_free(wait_job(r));
    revoker_free(r);
    let_the_server_finish();
}

static void a_responder_is_asked_and_its_answer_is_ours(void **state)
{
    (void)state;
    struct revoker *r = revoker_new(NULL, on_done, NULL);
    make_certs(address("/crl"), address("/ocsp"));
    struct job *j = verify(r, verification(leaf, REVOCATION_STRICT));
    assert_true(j->verdict.is_trusted && j->ok);
    assert_int_equal(atomic_load(&server.requests), 1);
    job_free(j);
    revoker_free(r);

    r = revoker_new(NULL, on_done, NULL);
    server.ocsp_status = 'r';
    j = verify(r, verification(leaf, REVOCATION_RELAXED));
    assert_non_null(strstr(j->verdict.why.what, "was revoked"));
    job_free(j);
    revoker_free(r);

    r = revoker_new(NULL, on_done, NULL);
    atomic_store(&server.lies, true);
    make_certs(NULL, address("/ocsp"));
    j = verify(r, verification(leaf, REVOCATION_STRICT));
    assert_false(j->verdict.is_trusted);
    assert_non_null(strstr(j->verdict.why.got, "an answer to another question (nonce)"));
    job_free(j);
    revoker_free(r);
}

static void crls_are_kept_over_restarts_where_that_is_wanted(void **state)
{
    (void)state;
    for (int i = 0; i < 3; i++) {
        struct revoker *r = revoker_new(dir, on_done, NULL);
        revoker_keep(r, i > 0);
        struct job *j = verify(r, verification(leaf, REVOCATION_STRICT));
        assert_true(j->verdict.is_trusted);
        job_free(j);
        revoker_free(r);
    }
    assert_int_equal(atomic_load(&server.requests), 2); /* the first was not kept, the second was */
}

static void what_is_flushed_is_fetched_anew(void **state)
{
    (void)state;
    struct revoker *r = revoker_new(dir, on_done, NULL);
    revoker_keep(r, true);
    for (unsigned i = 0; i < 4; i++) {
        struct job *j = verify(r, verification(leaf, REVOCATION_STRICT));
        assert_true(j->verdict.is_trusted);
        job_free(j);
        assert_int_equal(atomic_load(&server.requests), i / 2 + 1);
        if (i == 1) {
            assert_int_equal(revoker_flush(r, false, true), 0); /* no response is there */
            assert_int_equal(revoker_flush(r, true, false), 1);
        }
    }
    assert_int_equal(revoker_flush(r, true, true), 1);
    revoker_free(r);
    r = revoker_new(dir, on_done, NULL); /* nor is it on disk */
    revoker_keep(r, true);
    job_free(verify(r, verification(leaf, REVOCATION_STRICT)));
    assert_int_equal(atomic_load(&server.requests), 3);
    revoker_free(r);
}

static void a_fetch_that_hangs_does_not_keep_the_end_away(void **state)
{
    (void)state;
    struct revoker *r = revoker_new(NULL, on_done, NULL);
    struct job *j = verification(leaf, REVOCATION_STRICT);
    atomic_store(&server.holds, true);
    revoker_prepare(r, j);
    job_run(j);
    int64_t begin = clock_now().mono;
    revoker_give(r, j);
    while (!atomic_load(&server.requests))
        poll(NULL, 0, 1);
    revoker_free(r); /* and the job */
    atomic_store(&server.holds, false);
    assert_true(clock_now().mono - begin < 4000000); /* a fetch may take 5 seconds */
    done.n = 0;
}

static void a_fetch_takes_no_longer_than_it_is_said(void **state)
{
    (void)state;
    struct revoker *r = revoker_new(NULL, on_done, NULL);
    revoker_timeout(r, 50000);
    atomic_store(&server.holds, true);
    int64_t begin = clock_now().mono;
    struct job *j = verify(r, verification(leaf, REVOCATION_STRICT));
    atomic_store(&server.holds, false);
    assert_false(j->verdict.is_trusted);
    assert_true(clock_now().mono - begin < 3000000); /* of 5 seconds else */
    job_free(j);
    revoker_free(r);
}

static bool get(const char *url, bool allows_file, size_t max, char why[FETCH_WHY_MAX])
{
    struct fetch f = {.url = url, .max = max, .timeout = 5000000, .allows_file = allows_file};
    struct secret out = {0};
    bool is_there = fetch_url(&f, &out, why);
    if (is_there)
        assert_true(out.len > 0 && out.len <= max);
    secret_free(&out);
    return is_there;
}

static void addresses_are_fetched_within_their_bounds(void **state)
{
    (void)state;
    char why[FETCH_WHY_MAX];
    assert_true(get(address("/crl"), false, 1 << 16, why));
    assert_true(get(address("/there"), false, 1 << 16, why));
    assert_true(get("file:///etc/passwd", true, 1 << 16, why));
    assert_false(get("file:///etc/passwd", false, 1 << 16, why));
    assert_false(get(address("/file"), true, 1 << 16, why)); /* a server does not choose our files */
    assert_false(get(address("/big"), false, (1 << 20) - 1, why));
    assert_string_equal(why, "more than 1048575 bytes");
    assert_true(get(address("/big"), false, 1 << 20, why));
    assert_false(get(address("/endless"), false, (1 << 20) - 1, why));
    assert_string_equal(why, "more than 1048575 bytes");
    assert_true(get(address("/endless"), false, 1 << 20, why));
    assert_false(get(address("/none"), false, 1 << 16, why));
    assert_non_null(strstr(why, "404"));
    assert_false(get("gopher://127.0.0.1/", false, 1 << 16, why));
    assert_false(get("no address", false, 1 << 16, why));
    assert_true(why[0]);
}

static void the_value_of_an_ldap_answer_is_found(void **state)
{
    (void)state;
    struct secret a =
        secret_copy(span_str("DN: cn=ca,o=x\n\tcn: ca\n\tcertificateRevocationList;binary:: AQIDBA==\n\n"));
    struct span v = fetch_ldap_value(&a, "certificateRevocationList");
    assert_true(span_equal(v, span_of("\1\2\3\4", 4)));
    secret_free(&a);
    static const char *const bad[] = {"", "DN: cn=ca\n", "certificateRevocationList",
                                      "certificateRevocationList: text\n",
                                      "certificateRevocationList;binary:: ???\n"};
    for (size_t i = 0; i < ARRAY_LEN(bad); i++) {
        a = secret_copy(span_str(bad[i]));
        assert_int_equal(fetch_ldap_value(&a, "certificateRevocationList").len, 0);
        secret_free(&a);
    }
}

#define T(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)

int main(void)
{
    const struct CMUnitTest tests[] = {
        T(what_is_revoked_in_a_fetched_crl_is_refused),
        T(what_was_fetched_serves_the_next_verification),
        T(many_at_once_fetch_an_address_once),
        T(what_cannot_be_had_is_told_and_left_alone_for_a_while),
        T(whoever_has_not_the_key_has_nothing_fetched),
        T(a_certificate_is_fetched_where_the_peer_says),
        T(its_revocation_is_looked_at_as_well),
        T(what_a_stranger_may_not_make_us_fetch_is_not_used),
        T(few_are_fetched_at_a_time),
        T(a_responder_is_asked_and_its_answer_is_ours),
        T(crls_are_kept_over_restarts_where_that_is_wanted),
        T(what_is_flushed_is_fetched_anew),
        T(a_fetch_that_hangs_does_not_keep_the_end_away),
        T(a_fetch_takes_no_longer_than_it_is_said),
        T(addresses_are_fetched_within_their_bounds),
        T(the_value_of_an_ldap_answer_is_found),
    };
    if (!netns_enter())
        return NETNS_SKIP;
    netns_run("ip link set lo up");
    signal(SIGPIPE, SIG_IGN); /* clients that have had enough */
    fetch_init();
    start_server();
    int failed = cmocka_run_group_tests(tests, NULL, NULL);
    if (write(server.stop[1], "x", 1) != 1)
        return 1;
    pthread_join(server.thread, NULL);
    return failed;
}
