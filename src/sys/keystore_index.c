/* SPDX-License-Identifier: Apache-2.0 */
/* The index of the key store: text, a line that says what it is, then a line for each entry, in the order in
 * which they were added:
 *   password GENERATION PROOF
 *   taken FILES
 *   key CKAID SUBJECTPUBLICKEYINFO [LABEL]
 *   cert TRUST NICKNAME CERTIFICATE
 * CKAID in hex, TRUST as NSS writes it; PROOF, a private key of no use that the password opens, or "-", and
 * the others in base64. A line that is not understood makes the index unfit: what a newer Keyway wrote is not
 * overwritten by an older one. */
#include "base/arena.h"
#include "base/text.h"
#include "sys/keystore_impl.h"
#include "sys/private_file.h"
#include <stdio.h>
#include <stdlib.h>

enum {
    SPKI_MAX = 2200,
    PROOF_MAX = 4096,
    TAKEN_MAX = 256,
    LINE_LEN_MAX = 3072 + 2 * KEYSTORE_NICKNAME_MAX,
    CERT_LINE_MAX = 512 + KEYSTORE_CERT_MAX / 3 * 4
};

static const char first_line[] = "keyway key store 1";

void keystore_index_first(char *buf, size_t cap)
{
    snprintf(buf, cap, "%s\n", first_line);
}

/* ---- reading */

static struct span next_until(struct span *rest, char end)
{
    const uint8_t *at = rest->len ? memchr(rest->ptr, end, rest->len) : NULL;
    struct span part = span_of(rest->ptr, at ? (size_t)(at - rest->ptr) : rest->len);
    size_t used = part.len + (at ? 1 : 0);
    *rest = span_of(rest->ptr + used, rest->len - used);
    return part;
}

static bool read_text(struct span word, char out[KEYSTORE_NICKNAME_MAX])
{
    size_t len = 0;
    return base64_decode(word, (uint8_t *)out, KEYSTORE_NICKNAME_MAX - 1, &len) && len && strlen(out) == len;
}

static bool read_cert(struct keystore *s, struct span line)
{
    size_t len = 0;
    struct diag d;
    char trust[KEYSTORE_TRUST_MAX] = "";
    struct span flags = next_until(&line, ' '), name = next_until(&line, ' ');
    struct keystore_cert *c = &s->certs[s->n_certs];
    if (s->n_certs == KEYSTORE_ENTRIES_MAX || flags.len >= sizeof(trust) || !read_text(name, c->nickname))
        return false;
    memcpy(trust, flags.ptr, flags.len);
    uint8_t *der = mem_new(KEYSTORE_CERT_MAX);
    c->cert = keystore_trust_parse(trust, &c->trust) && base64_decode(line, der, KEYSTORE_CERT_MAX, &len)
                  ? cert_load(span_of(der, len), &d)
                  : NULL;
    free(der);
    s->n_certs += c->cert != NULL;
    return c->cert != NULL;
}

static bool read_key(struct keystore *s, struct span line)
{
    uint8_t spki[SPKI_MAX], ckaid[KEYSTORE_CKAID_LEN];
    size_t len;
    struct diag d;
    struct keystore_key *k = &s->keys[s->n_keys];
    if (s->n_keys == KEYSTORE_ENTRIES_MAX ||
        !hex_decode(next_until(&line, ' '), k->ckaid, sizeof(k->ckaid), &len) || len != sizeof(k->ckaid) ||
        !base64_decode(next_until(&line, ' '), spki, sizeof(spki), &len) ||
        (line.len && !read_text(line, k->label)))
        return false;
    k->public_key = pkey_load_public(span_of(spki, len), &d);
    if (!k->public_key)
        return false;
    s->n_keys++;
    pkey_ckaid(k->public_key, ckaid);
    return !memcmp(ckaid, k->ckaid, sizeof(ckaid));
}

/* Once, and before the keys, which are called by it. */
static bool read_password(struct keystore *s, struct span line)
{
    uint8_t proof[PROOF_MAX];
    size_t len = 0;
    struct span number = next_until(&line, ' ');
    if (s->generation || s->n_keys || !number.len || number.len > 9)
        return false;
    for (size_t i = 0; i < number.len; i++) {
        if (number.ptr[i] < '0' || number.ptr[i] > '9')
            return false;
        s->generation = 10 * s->generation + (number.ptr[i] - '0');
    }
    if (!s->generation || span_equal(line, span_str("-")))
        return s->generation != 0;
    if (!base64_decode(line, proof, sizeof(proof), &len) || !len)
        return false;
    s->proof = secret_copy(span_of(proof, len));
    return true;
}

static bool read_taken(struct keystore *s, struct span line)
{
    if (s->taken || !line.len || line.len > TAKEN_MAX)
        return false;
    s->taken = mem_new(line.len + 1);
    memcpy(s->taken, line.ptr, line.len);
    return true;
}

static const struct {
    const char *word;
    bool (*read)(struct keystore *s, struct span line);
} kinds[] = {
    {"password", read_password},
    {"taken",    read_taken   },
    {"key",      read_key     },
    {"cert",     read_cert    },
};

static bool read_entry(struct keystore *s, struct span line)
{
    struct span kind = next_until(&line, ' ');
    for (size_t i = 0; i < ARRAY_LEN(kinds); i++) {
        if (span_equal(kind, span_str(kinds[i].word)))
            return kinds[i].read(s, line);
    }
    return false;
}

bool keystore_index_read(struct keystore *s, struct span text, struct diag *d)
{
    int number = 1;
    char path[PATH_TEXT_MAX + sizeof(KEYSTORE_INDEX)];
    snprintf(path, sizeof(path), "%s/%s", s->folder, KEYSTORE_INDEX);
    if (!span_equal(next_until(&text, '\n'), span_str(first_line))) {
        diag_set(d, FAIL_GENERIC, "%s is no index of a key store", path);
        diag_expected(d, "the line \"%s\" first", first_line);
        return false;
    }
    while (text.len) {
        number++;
        if (read_entry(s, next_until(&text, '\n')))
            continue;
        diag_set(d, FAIL_GENERIC, "the index of the key store is damaged");
        diag_where(d, path, number, 0);
        return false;
    }
    return true;
}

/* ---- writing */

static void write_key(struct text *t, const struct keystore_key *k)
{
    text_str(t, "key ");
    text_hex(t, span_of(k->ckaid, KEYSTORE_CKAID_LEN));
    text_str(t, " ");
    text_base64(t, pkey_spki(k->public_key));
    if (*k->label) {
        text_str(t, " ");
        text_base64(t, span_str(k->label));
    }
    text_str(t, "\n");
}

static void write_cert(struct text *t, const struct keystore_cert *c)
{
    text_printf(t, "cert %s ", c->trust.text);
    text_base64(t, span_str(c->nickname));
    text_str(t, " ");
    text_base64(t, cert_der(c->cert));
    text_str(t, "\n");
}

static void write_password(struct text *t, const struct keystore *s)
{
    text_printf(t, "password %u ", s->generation);
    if (s->proof.len)
        text_base64(t, secret_view(&s->proof));
    text_str(t, s->proof.len ? "\n" : "-\n");
}

bool keystore_index_write(const struct keystore *s, struct diag *d)
{
    size_t cap = 2 * PROOF_MAX + TAKEN_MAX + s->n_keys * LINE_LEN_MAX + s->n_certs * CERT_LINE_MAX;
    struct secret room = secret_new(cap);
    struct text t = {.buf = (char *)room.ptr, .cap = cap};
    text_printf(&t, "%s\n", first_line);
    if (s->generation)
        write_password(&t, s);
    if (s->taken)
        text_printf(&t, "taken %s\n", s->taken);
    for (size_t i = 0; i < s->n_keys; i++)
        write_key(&t, &s->keys[i]);
    for (size_t i = 0; i < s->n_certs; i++)
        write_cert(&t, &s->certs[i]);
    bool ok = private_write(s->folder, KEYSTORE_INDEX, span_of(t.buf, t.len), d);
    secret_free(&room);
    return ok;
}
