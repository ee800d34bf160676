/* SPDX-License-Identifier: Apache-2.0 */
/* `ipsec newhostkey`: a new key pair in the key store. */
#include "base/text.h"
#include "bin/ipsec/commands.h"
#include "crypto/random.h"
#include <errno.h>
#include <openssl/rand.h>
#include <sys/stat.h>

/* Sizes as Libreswan has them, but for the largest: above it no peer of ours takes a key. */
enum { RSA_LEAST = 2192, RSA_STEP = 16, RSA_MOST = 8192, RSA_USUAL_LEAST = 3072, RSA_USUAL_MOST = 4096 };
enum { EXIT_NO_STORE = 255, SEED_LEN = 64 };

static const struct ipsec_option options[] = {
    {"keytype",                                                                                  "rsa|ecdsa|eddsa", "default: rsa"},
    {"bits",                                                                            "N", "size of an RSA key: a multiple of 16 from 2192 to 8192; default: some from 3072 to 4096"},
    {"curve",                                                                                     "NAME", "secp256r1, secp384r1, secp521r1; of EdDSA: ed25519, ed448; default: the first"},
    {"seeddev", "FILE", "stir 64 bytes of it into the random source, which needs none"},
    {"hostname",                                                                                    "NAME", "taken for the sake of scripts: keys are named by their CKAID"},
    {"quiet",           NULL, "likewise: little is said anyway"},
    {"verbose",                                                                                  NULL, "likewise"},
    {0                           },
};

static const struct curve_row {
    const char *keytype, *curve;
    enum pkey_type type;
    unsigned bits; /* of pkey_generate() */
} curves[] = {
    {"ecdsa", "secp256r1", PKEY_ECDSA,   256},
    {"ecdsa", "secp384r1", PKEY_ECDSA,   384},
    {"ecdsa", "secp521r1", PKEY_ECDSA,   521},
    {"eddsa", "ed25519",   PKEY_ED25519, 0  },
    {"eddsa", "ed448",     PKEY_ED448,   0  },
};

/* 0: it is said what is wrong. */
static unsigned rsa_bits(const struct ipsec_run *r)
{
    uint8_t choice;
    long bits;
    crypto_random(&choice, 1);
    long usual = RSA_USUAL_LEAST + RSA_STEP * (choice % ((RSA_USUAL_MOST - RSA_USUAL_LEAST) / RSA_STEP));
    if (!ipsec_number(r, "bits", usual, &bits))
        return 0;
    const char *wrong = NULL;
    char limit[64] = "";
    if (bits < RSA_LEAST) {
        wrong = "too small";
        snprintf(limit, sizeof(limit), " - use %d or more", RSA_LEAST);
    } else if (bits > RSA_MOST) {
        wrong = "too large";
        snprintf(limit, sizeof(limit), " - (max %d)", RSA_MOST);
    } else if (bits % RSA_STEP) {
        wrong = "not a multiple of 16";
    }
    if (wrong)
        ipsec_refuse(r, 1, "requested RSA key size (%ld) is %s%s", bits, wrong, limit);
    return wrong ? 0 : (unsigned)bits;
}

/* False: said. */
static bool choose(const struct ipsec_run *r, enum pkey_type *type, unsigned *bits, int *code)
{
    const char *keytype = ipsec_has(r, "keytype") ? ipsec_get(r, "keytype") : "rsa";
    const char *curve = ipsec_get(r, "curve");
    bool is_rsa = !strcmp(keytype, "rsa"), is_known = is_rsa;
    for (size_t i = 0; i < ARRAY_LEN(curves); i++)
        is_known = is_known || !strcmp(keytype, curves[i].keytype);
    *code = 2;
    if (!is_known)
        return ipsec_refuse(r, 2, "unknown key type `%s'", keytype) == 0;
    if (is_rsa ? curve != NULL : ipsec_has(r, "bits"))
        return ipsec_refuse(r, 2, "--%s and --keytype %s are mutually exclusive", is_rsa ? "curve" : "bits",
                            keytype) == 0;
    *code = 1;
    *type = PKEY_RSA;
    if (is_rsa)
        return (*bits = rsa_bits(r)) != 0;
    for (size_t i = 0; i < ARRAY_LEN(curves); i++) {
        if (strcmp(keytype, curves[i].keytype) != 0 || (curve && strcmp(curve, curves[i].curve) != 0))
            continue;
        *type = curves[i].type;
        *bits = curves[i].bits;
        return true;
    }
    return ipsec_refuse(r, 1, "curve specification is malformed: %s", curve) == 0;
}

/* No entropy is counted for it: what was there suffices. */
static bool stir(const struct ipsec_run *r)
{
    const char *path = ipsec_get(r, "seeddev");
    uint8_t seed[SEED_LEN];
    if (!path)
        return true;
    FILE *f = fopen(path, "rbe");
    size_t n = f ? fread(seed, 1, sizeof(seed), f) : 0;
    bool is_ok = n == sizeof(seed);
    if (!is_ok)
        ipsec_refuse(r, 1, "%s: %s", path, f && !ferror(f) ? "it has less than 64 bytes" : strerror(errno));
    RAND_add(seed, (int)n, 0);
    secret_wipe(seed, sizeof(seed));
    if (f)
        fclose(f);
    return is_ok;
}

static int refuse_missing(const struct ipsec_run *r)
{
    struct stat st;
    if (stat(r->folder, &st) < 0)
        printf("No such directory: %s\n", r->folder);
    else
        printf("NSS database in %s not initialized.\n    Please run 'ipsec initnss --nssdir %s'\n", r->folder,
               r->folder);
    return EXIT_NO_STORE;
}

static void announce(const struct pkey *k)
{
    uint8_t ckaid[KEYSTORE_CKAID_LEN];
    char hex[2 * KEYSTORE_CKAID_LEN + 1];
    struct text t = TEXT_ON(hex);
    const char *type = pkey_type(k) == PKEY_RSA ? "RSA" : pkey_type(k) == PKEY_ECDSA ? "ECDSA" : "EDDSA";
    pkey_ckaid(k, ckaid);
    text_hex(&t, span_of(ckaid, sizeof(ckaid)));
    fprintf(stderr,
            "Generated %s key pair with CKAID %s was stored in the NSS database\n"
            "The public key can be displayed using: ipsec showhostkey --left --ckaid %s\n",
            type, hex, hex);
}

static int run(struct ipsec_run *r)
{
    struct diag d;
    enum pkey_type type;
    unsigned bits;
    int code;
    if (!choose(r, &type, &bits, &code))
        return code;
    if (!keystore_is_there(r->folder))
        return refuse_missing(r);
    if (!stir(r))
        return 1;
    struct pkey *k = pkey_generate(type, bits, &d);
    if (!k)
        return ipsec_fail(r, &d);
    struct keystore *s = ipsec_store_open(r, true, &code);
    if (s) {
        code = ipsec_store_unlock(r, s, &d) && keystore_add(s, k, NULL, &d) ? 0 : ipsec_fail(r, &d);
        if (!code)
            announce(k);
    }
    keystore_close(s);
    pkey_unref(k);
    return code;
}

const struct ipsec_command ipsec_cmd_newhostkey = {
    .name = "newhostkey",
    .doc = "make a new key pair in the key store",
    .options = options,
    .run = run,
    .has_store = true,
    .usage_code = 2,
    .manual =
        "Says the key's CKAID, and the command that shows its public half, on stderr. The exit code is\n"
        "255 when there is no key store.",
};
