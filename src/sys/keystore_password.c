/* SPDX-License-Identifier: Apache-2.0 */
/* The password of the key store: proving it, changing it. Each change is a generation: the keys are written
 * under the new password into files of the next generation's names, then the index names that one, then the
 * files of the old one go. Whatever stops that, the index and the files that it names belong together. */
#include "sys/keystore_impl.h"
#include "sys/private_file.h"
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

bool keystore_has_password(const struct keystore *s)
{
    return s->proof.len != 0;
}

bool keystore_unlock(struct keystore *s, struct span password, struct diag *d)
{
    diag_clear(d);
    if (!keystore_has_password(s))
        return true;
    struct pkey *k = password.len ? pkey_load_private(secret_view(&s->proof), password, d) : NULL;
    if (!k) {
        diag_set(d, FAIL_PERMISSION, "the password does not open the key store in %s", s->folder);
        return false;
    }
    pkey_unref(k);
    secret_free(&s->password);
    s->password = secret_copy(password);
    return true;
}

/* Empty for an empty password. */
static bool make_proof(struct span password, struct secret *proof, struct diag *d)
{
    *proof = (struct secret){0};
    if (!password.len)
        return true;
    struct pkey *k = pkey_generate(PKEY_ED25519, 0, d);
    bool is_ok = k && pkey_encrypt(k, password, proof);
    if (k && !is_ok)
        diag_set(d, FAIL_GENERIC, "OpenSSL does not encrypt with this password");
    pkey_unref(k);
    return is_ok;
}

static void remove_generation(const struct keystore *s, unsigned generation)
{
    struct diag d;
    for (size_t i = 0; i < s->n_keys; i++) {
        char leaf[KEYSTORE_LEAF_MAX], path[PATH_TEXT_MAX + KEYSTORE_LEAF_MAX];
        snprintf(path, sizeof(path), "%s/%s", s->folder, keystore_leaf_of(generation, &s->keys[i], leaf));
        if (access(path, F_OK) == 0)
            private_remove(s->folder, leaf, &d);
    }
}

void keystore_drop_older(const struct keystore *s)
{
    if (s->generation)
        remove_generation(s, s->generation - 1);
}

static bool write_all(struct keystore *s, unsigned generation, struct span password, struct diag *d)
{
    bool is_ok = true;
    for (size_t i = 0; is_ok && i < s->n_keys; i++) {
        struct pkey *k = keystore_private_key(s, &s->keys[i], d);
        is_ok = k && keystore_write_key(s, generation, password, &s->keys[i], k, d);
        pkey_unref(k);
    }
    return is_ok;
}

bool keystore_set_password(struct keystore *s, struct span password, struct diag *d)
{
    struct secret proof, old = s->proof;
    diag_clear(d);
    if (!make_proof(password, &proof, d))
        return false;
    bool is_ok = write_all(s, s->generation + 1, password, d);
    if (is_ok) {
        s->generation++;
        s->proof = proof;
        is_ok = keystore_index_write(s, d);
        if (!is_ok) {
            s->generation--;
            s->proof = old;
        }
    }
    if (!is_ok) {
        remove_generation(s, s->generation + 1);
        secret_free(&proof);
        return false;
    }
    secret_free(&old);
    secret_free(&s->password);
    s->password = secret_copy(password);
    keystore_drop_older(s);
    return true;
}
