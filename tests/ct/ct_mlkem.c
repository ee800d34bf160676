/* SPDX-License-Identifier: Apache-2.0 */
/* For valgrind: our own ML-KEM with every secret byte marked as undefined, so that a branch or an address
 * that depends on one is reported. It says nothing about instructions whose time depends on their operands
 * (there is no division in the code: see mlkem_poly.c). "branch" and "index" do what must be reported, to
 * show that it is.
 *
 *   valgrind ct_mlkem [branch | index] */
#include <stdio.h>
#include <valgrind/memcheck.h>
/* FIPS 203 publishes these: rho, and the encapsulation key (section 3.3). */
#define mlkem_note_public(p, len) VALGRIND_MAKE_MEM_DEFINED(p, len)
#include "crypto/mlkem.c"

static void pretend_secret(uint8_t *p, size_t len)
{
    for (size_t i = 0; i < len; i++)
        p[i] = (uint8_t)(31 * i + 7);
    VALGRIND_MAKE_MEM_UNDEFINED(p, len);
}

static void plant(const char *what)
{
    static const uint8_t table[256] = {1, 2, 3};
    uint8_t secret[1];
    volatile unsigned seen = 0;
    pretend_secret(secret, sizeof(secret));
    if (strcmp(what, "branch") == 0 && secret[0] > 6)
        seen++;
    if (strcmp(what, "index") == 0)
        seen += table[secret[0]];
}

static void exchange(const struct mlkem_set *set)
{
    uint8_t seed[MLKEM_SEED_LEN], random[MLKEM_RANDOM_LEN], key[MLKEM_PUBLIC_MAX];
    uint8_t ciphertext[MLKEM_PUBLIC_MAX], shared[2][MLKEM_SHARED_LEN], rejected[MLKEM_SHARED_LEN];
    pretend_secret(seed, sizeof(seed));
    pretend_secret(random, sizeof(random));
    mlkem_own.keygen(set, seed, key);
    mlkem_own.encaps(set, key, random, ciphertext, shared[0]);
    VALGRIND_MAKE_MEM_DEFINED(ciphertext, set->ciphertext_len); /* goes out */
    mlkem_own.decaps(set, seed, ciphertext, shared[1]);
    ciphertext[0] ^= 1;
    mlkem_own.decaps(set, seed, ciphertext, rejected);
    /* Did it compute anything, and was all of it secret? */
    uint8_t undefined[2][MLKEM_SHARED_LEN] = {0};
    VALGRIND_GET_VBITS(shared[1], undefined[0], MLKEM_SHARED_LEN);
    VALGRIND_GET_VBITS(rejected, undefined[1], MLKEM_SHARED_LEN);
    bool was_secret = undefined[0][0] && undefined[1][0];
    VALGRIND_MAKE_MEM_DEFINED(shared, sizeof(shared));
    VALGRIND_MAKE_MEM_DEFINED(rejected, sizeof(rejected));
    bool is_right = memcmp(shared[0], shared[1], MLKEM_SHARED_LEN) == 0 &&
                    memcmp(shared[0], rejected, MLKEM_SHARED_LEN) != 0;
    printf("%s: %s, %s\n", set->name, is_right ? "right" : "WRONG",
           was_secret ? "with secrets followed" : "SECRETS NOT FOLLOWED");
}

int main(int argc, char **argv)
{
    if (!RUNNING_ON_VALGRIND) {
        fprintf(stderr, "to be run by valgrind\n");
        return 1;
    }
    exchange(&mlkem_512);
    exchange(&mlkem_768);
    exchange(&mlkem_1024);
    if (argc > 1)
        plant(argv[1]);
    return 0;
}
