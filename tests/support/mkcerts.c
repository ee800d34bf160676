/* SPDX-License-Identifier: Apache-2.0 */
/* mkcerts DIR [--san-ip ADDRESS]...: CAs, and certificates with their keys for the two gateways of the
 * interop lab, as PEM files (keys PKCS#8). In DIR: ca-KIND.crt/.key             roots: rsa, ecdsa, ed25519;
 * ca-int an intermediate under ca-rsa; ca-untrusted a stranger moon-KIND.crt/.key, sun-...  rsa ecdsa
 * ecdsa384 ecdsa521 ed25519 ed448: under the root of their kind int: under ca-int; expired, notyet,
 * wrongname: under ca-ecdsa; untrusted big-root, big-int1, big-int2, moon-big, sun-big: a chain of four RSA
 * certificates of several kilobytes, which an IKE message can carry in fragments only The dates count from
 * now. Prints the name of every file that it wrote. */
#include "support/testca.h"
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>

enum { DAY = 86400 };

static const char *dir;
static char ip_names[1024]; /* ",IP:192.0.2.1" for each option */

static void write_file(const char *name, const char *suffix, struct span data, mode_t mode)
{
    char path[512];
    snprintf(path, sizeof(path), "%s/%s%s", dir, name, suffix);
    FILE *f = fopen(path, "w");
    if (!f || fwrite(data.ptr, 1, data.len, f) != data.len || fclose(f) != 0 || chmod(path, mode) != 0) {
        fprintf(stderr, "mkcerts: %s: %s\n", path, strerror(errno));
        exit(1);
    }
    puts(path);
}

static struct testca_cert *make(const char *name, struct testca_spec spec, const struct testca_cert *issuer)
{
    if (!spec.not_before && !spec.not_after) {
        spec.not_before = time(NULL) - DAY;
        spec.not_after = time(NULL) + 3650 * (int64_t)DAY;
    }
    struct testca_cert *c = testca_issue(&spec, issuer);
    write_file(name, ".crt", testca_pem(c), 0644);
    write_file(name, ".key", testca_key_pem(c), 0600);
    return c;
}

static struct testca_cert *make_ca(const char *name, const char *subject, enum testca_key key,
                                   const struct testca_cert *issuer)
{
    return make(name, (struct testca_spec){.subject = subject, .key = key, .is_ca = true}, issuer);
}

/* extra: further subjectAltNames, each with a comma in front */
static void make_gateways(const char *kind, struct testca_spec spec, const char *dn, const char *prefix,
                          const char *extra, const struct testca_cert *issuer)
{
    static const char *const gateways[] = {"moon", "sun"};
    for (size_t i = 0; i < ARRAY_LEN(gateways); i++) {
        char name[64], subject[512], full[256], san[8192];
        snprintf(name, sizeof(name), "%s-%s", gateways[i], kind);
        snprintf(full, sizeof(full), "%s%s.keyway.test", prefix, gateways[i]);
        snprintf(subject, sizeof(subject), "%s, CN=%s", dn, full);
        snprintf(san, sizeof(san), "DNS:%s%s%s", full, ip_names, extra);
        spec.subject = subject;
        spec.san = san;
        testca_free(make(name, spec, issuer));
    }
}

static const char plain_dn[] = "C=CH, O=Keyway";

static void make_good(enum testca_key root_key, const char *kind, const enum testca_key *keys,
                      const char *const *names, size_t n)
{
    char name[64], subject[128];
    snprintf(name, sizeof(name), "ca-%s", kind);
    snprintf(subject, sizeof(subject), "C=CH, O=Keyway, CN=Keyway Test CA %s", kind);
    struct testca_cert *root = make_ca(name, subject, root_key, NULL);
    for (size_t i = 0; i < n; i++)
        make_gateways(names[i], (struct testca_spec){.key = keys[i]}, plain_dn, "", "", root);
    if (root_key == TESTCA_RSA2048) {
        struct testca_cert *sub =
            make_ca("ca-int", "C=CH, O=Keyway, CN=Keyway Test Intermediate CA", TESTCA_RSA2048, root);
        make_gateways("int", (struct testca_spec){.key = TESTCA_RSA2048}, plain_dn, "", "", sub);
        testca_free(sub);
    }
    if (root_key == TESTCA_P256) {
        int64_t now = time(NULL);
        struct testca_spec old = {.not_before = now - 60 * DAY, .not_after = now - 30 * DAY};
        struct testca_spec early = {.not_before = now + 30 * DAY, .not_after = now + 60 * DAY};
        make_gateways("expired", old, plain_dn, "", "", root);
        make_gateways("notyet", early, plain_dn, "", "", root);
        /* no IP addresses here: these must not fit by accident */
        char kept[sizeof(ip_names)];
        memcpy(kept, ip_names, sizeof(kept));
        ip_names[0] = '\0';
        make_gateways("wrongname", (struct testca_spec){0}, plain_dn, "not-", "", root);
        memcpy(ip_names, kept, sizeof(kept));
    }
    testca_free(root);
}

static void make_big(void)
{
    static char extra[8192];
    size_t len = 0;
    char dn[400], subject[500];
    /* Name components are at most 64 characters long. */
    snprintf(dn, sizeof(dn), "C=CH, O=Keyway %050d, OU=%s, OU=%s, OU=%s", 1,
             "A department whose name is long so that its certificates are",
             "The second line of a long department",
             "The third line that fills the certificate further and further");
    for (unsigned i = 0; i < 40 && len < sizeof(extra) - 100; i++)
        len += (size_t)snprintf(extra + len, sizeof(extra) - len,
                                ",DNS:alternative-name-%03u.long.keyway.test", i);
    snprintf(subject, sizeof(subject), "%s, CN=Keyway Big Root", dn);
    struct testca_cert *root = make_ca("big-root", subject, TESTCA_RSA3072, NULL);
    snprintf(subject, sizeof(subject), "%s, CN=Keyway Big Intermediate One", dn);
    struct testca_cert *one = make_ca("big-int1", subject, TESTCA_RSA3072, root);
    snprintf(subject, sizeof(subject), "%s, CN=Keyway Big Intermediate Two", dn);
    struct testca_cert *two = make_ca("big-int2", subject, TESTCA_RSA3072, one);
    make_gateways("big", (struct testca_spec){.key = TESTCA_RSA2048}, dn, "", extra, two);
    testca_free(root);
    testca_free(one);
    testca_free(two);
}

int main(int argc, char **argv)
{
    static const enum testca_key rsa[] = {TESTCA_RSA2048}, ed[] = {TESTCA_ED25519, TESTCA_ED448};
    static const enum testca_key ec[] = {TESTCA_P256, TESTCA_P384, TESTCA_P521};
    static const char *const rsa_names[] = {"rsa"}, *const ed_names[] = {"ed25519", "ed448"};
    static const char *const ec_names[] = {"ecdsa", "ecdsa384", "ecdsa521"};
    for (int i = 1; i < argc; i++) {
        size_t len = strlen(ip_names);
        if (strcmp(argv[i], "--san-ip") == 0 && i + 1 < argc)
            snprintf(ip_names + len, sizeof(ip_names) - len, ",IP:%s", argv[++i]);
        else if (argv[i][0] != '-' && !dir)
            dir = argv[i];
        else
            dir = NULL, i = argc;
    }
    if (!dir) {
        fprintf(stderr, "usage: mkcerts DIR [--san-ip ADDRESS]...\n");
        return 2;
    }
    if (mkdir(dir, 0755) != 0 && errno != EEXIST) {
        fprintf(stderr, "mkcerts: %s: %s\n", dir, strerror(errno));
        return 1;
    }
    make_good(TESTCA_RSA2048, "rsa", rsa, rsa_names, ARRAY_LEN(rsa));
    make_good(TESTCA_P256, "ecdsa", ec, ec_names, ARRAY_LEN(ec));
    make_good(TESTCA_ED25519, "ed25519", ed, ed_names, ARRAY_LEN(ed));
    struct testca_cert *stranger =
        make_ca("ca-untrusted", "C=CH, O=Stranger, CN=A CA That Nobody Trusts", TESTCA_P256, NULL);
    make_gateways("untrusted", (struct testca_spec){0}, plain_dn, "", "", stranger);
    testca_free(stranger);
    make_big();
    return 0;
}
