/* SPDX-License-Identifier: Apache-2.0 */
/* How the ends prove who they are: authby=, auth= of each end, identities, certificates, raw public keys and
 * authorities. Where identities come from when none is said differs: Libreswan takes the end's address,
 * strongSwan the subject of its certificate. */
#include "conf/ipsec/ipsec.h"
#include <stdio.h>

static bool is_word(const struct setting *s, const char *word)
{
    return s && strcasecmp(s->value, word) == 0;
}

static bool begins(const char *s, const char *with)
{
    return strncasecmp(s, with, strlen(with)) == 0;
}

/* ---- methods */

/* Words of both dialects. '!': what is not built. */
static const struct {
    const char *word, *auth;
} methods[] = {
    {"secret",         "psk"                     },
    {"psk",            "psk"                     },
    {"rsasig",         "pubkey"                  },
    {"rsa",            "pubkey"                  },
    {"pubkey",         "pubkey"                  },
    {"rsa-sha1",       "rsa-sha1"                },
    {"rsa-sha2",       "rsa-sha256-sha384-sha512"},
    {"rsa-sha2_256",   "rsa-sha256"              },
    {"rsa-sha2_384",   "rsa-sha384"              },
    {"rsa-sha2_512",   "rsa-sha512"              },
    {"ecdsa",          "ecdsa"                   },
    {"ecdsasig",       "ecdsa"                   },
    {"ecdsa-sha2",     "ecdsa"                   },
    {"ecdsa-sha2_256", "ecdsa-sha256"            },
    {"ecdsa-sha2_384", "ecdsa-sha384"            },
    {"ecdsa-sha2_512", "ecdsa-sha512"            },
    {"eddsa",          "ed25519-ed448"           },
    {"null",           "null"                    },
    {"never",          "!type=tunnel without IKE"},
    {"eaponly",        "!EAP"                    },
    {"xauthpsk",       "!XAUTH"                  },
    {"xauthrsasig",    "!XAUTH"                  },
};

static const char *method_of(const char *word)
{
    if (begins(word, "eap"))
        return "!EAP";
    if (begins(word, "xauth"))
        return "!XAUTH";
    for (size_t i = 0; i < ARRAY_LEN(methods); i++) {
        if (strcasecmp(methods[i].word, word) == 0)
            return methods[i].auth;
    }
    return NULL;
}

static bool has_key(const struct ipsec_conn *c, bool is_local)
{
    return ipsec_end(c, is_local, "cert") || ipsec_end(c, is_local, "rsasigkey") ||
           ipsec_end(c, is_local, "ckaid");
}

/* A list of methods to one: swanctl.conf's sides have one way each. */
static const char *pick(struct ipsec_conn *c, bool is_local, const struct setting *s)
{
    size_t n = 0;
    const char *keys = NULL, *secret = NULL;
    char *list = arena_strdup(c->b->scratch, s->value);
    for (char *p = list; *p; p++)
        *p = *p == ' ' ? ',' : *p;
    const char **words = value_list(c->b->scratch, list, &n);
    for (size_t i = 0; i < n; i++) {
        const char *m = method_of(words[i]);
        if (!m) {
            build_expected(build_error(c->b, s, "'%.100s' is not a way to authenticate", words[i]), s,
                           "secret, rsasig, rsa-sha2, ecdsa, eddsa, pubkey, psk or null");
            return "pubkey";
        }
        if (*m == '!')
            ipsec_needs(c, s, m + 1);
        else if (strcmp(m, "psk") == 0 || strcmp(m, "null") == 0)
            secret = m;
        else if (!keys || strcmp(m, "pubkey") == 0)
            keys = m;
        else if (strcmp(keys, "pubkey") != 0)
            keys = arena_printf(c->b->scratch, "%s-%s", keys, m);
    }
    if (keys && secret)
        ipsec_warn(c, s, "of the ways in %s one counts: %s", s->written,
                   has_key(c, is_local) ? keys : secret);
    return keys && (!secret || has_key(c, is_local)) ? keys : secret ? secret : "pubkey";
}

static const char *put_method(struct ipsec_conn *c, bool is_local)
{
    const struct setting *own = ipsec_end(c, is_local, "auth"), *s = own ? own : ipsec_given(c, "authby");
    bool is_listed = s && (!own || c->dialect == DIALECT_LIBRESWAN || method_of(s->value));
    const char *auth = !s ? "pubkey" : is_listed ? pick(c, is_local, s) : s->value;
    ipsec_put(c, is_local ? "local.auth" : "remote.auth", s, auth);
    return auth;
}

/* ---- certificates and keys */

/* "%smartcard1@opensc:45" */
static void put_token(struct ipsec_conn *c, const char *side, const struct setting *s)
{
    const char *at = s->value + strlen("%smartcard"), *colon = strchr(at, ':');
    const char *module = strchr(at, '@');
    char path[64];
    if (!colon) {
        build_expected(build_error(c->b, s, "no key id"), s,
                       "%smartcard:KEYID, with SLOT@MODULE before the colon");
        return;
    }
    size_t slot = strcspn(at, "@:");
    snprintf(path, sizeof(path), "%s.cert1.handle", side);
    ipsec_put(c, path, s, colon + 1);
    snprintf(path, sizeof(path), "%s.cert1.slot", side);
    if (slot)
        ipsec_put(c, path, s, arena_strndup(c->b->scratch, at, slot));
    snprintf(path, sizeof(path), "%s.cert1.module", side);
    if (module && module < colon)
        ipsec_put(c, path, s, arena_strndup(c->b->scratch, module + 1, (size_t)(colon - module - 1)));
}

static void put_cert(struct ipsec_conn *c, const char *side, const struct setting *s)
{
    char path[32];
    snprintf(path, sizeof(path), "%s.certs", side);
    if (begins(s->value, "%smartcard"))
        put_token(c, side, s);
    else if (begins(s->value, "pkcs11:"))
        ipsec_needs(c, s, "certificates by PKCS#11 URIs");
    else if (s->value[0])
        ipsec_put(c, path, s, s->value);
}

/* True: the end has a raw public key. */
static bool put_key(struct ipsec_conn *c, bool is_local)
{
    const struct setting *s = ipsec_end(c, is_local, "rsasigkey");
    if (!s || !s->value[0] || is_word(s, "%cert") || is_word(s, "%none"))
        return false;
    if (begins(s->value, "%dns") && !is_local)
        ipsec_put(c, "remote.pubkeys", s, "dns");
    else if (begins(s->value, "%dns"))
        ipsec_leave_out(c, s, "our own key is not asked of DNS: 'ipsec showhostkey' says it");
    else if (strstr(s->value, "[...]"))
        ipsec_leave_out(
            c, s,
            "the key is not whole: put all of the line of 'ipsec showhostkey' in the place of this one");
    else
        ipsec_put(c, is_local ? "local.pubkeys" : "remote.pubkeys", s, s->value);
    return true;
}

/* ---- identities */

static bool is_single(const char *s)
{
    struct ip ip;
    return ip_parse(s, &ip) && !ip_is_unspecified(ip);
}

static bool is_name(const char *s)
{
    bool is_range = strspn(s, "0123456789.-") == strlen(s);
    return s[0] && s[0] != '%' && !strpbrk(s, ",/:") && !is_range && !is_single(s);
}

/* What is behind the '%' that allows other addresses, too. */
static const char *address_said(const struct ipsec_conn *c, const struct setting *s)
{
    static const char *const words[] = {"%any", "%any4", "%any6", "%defaultroute"};
    if (!s || s->value[0] != '%' || c->dialect == DIALECT_LIBRESWAN)
        return s ? s->value : "";
    for (size_t i = 0; i < ARRAY_LEN(words); i++) {
        if (is_word(s, words[i]))
            return "";
    }
    return s->value + 1;
}

/* What stands in for an identity that is not said. */
static void put_default_id(struct ipsec_conn *c, bool is_local, const char *auth, bool has_cert)
{
    const struct setting *address = ipsec_end(c, is_local, "");
    const char *path = is_local ? "local.id" : "remote.id";
    const char *said = address_said(c, address);
    bool is_libreswan = c->dialect == DIALECT_LIBRESWAN;
    if (strcmp(auth, "null") == 0)
        return;
    /* [Libreswan] its certificate has to have it; where it shows none, the mark says nothing */
    bool is_of_cert = is_libreswan && !is_local && strcmp(auth, "psk") != 0;
    const char *mark = is_of_cert ? "%" : "";
    if (is_single(said))
        ipsec_put(c, path, address, arena_printf(c->b->scratch, "%s%s", mark, said));
    else if (is_name(said) && (!is_local || !is_libreswan) && (has_cert || is_of_cert || !is_libreswan))
        ipsec_put(c, path, address, arena_printf(c->b->scratch, "%s%s", mark, said));
    else if (has_cert && !is_libreswan)
        return; /* its subject */
    else if (has_cert && is_local)
        ipsec_warn(c, address,
                   "it has no %sid and no address that is known: the certificate's subject is its identity "
                   "(Libreswan's would be the address)",
                   c->local);
}

static void put_id(struct ipsec_conn *c, bool is_local, const char *auth, bool has_cert)
{
    const struct setting *s = ipsec_end(c, is_local, "id");
    const char *path = is_local ? "local.id" : "remote.id";
    if (!s || !s->value[0] || is_word(s, "%none")) {
        put_default_id(c, is_local, auth, has_cert);
        return;
    }
    if (is_word(s, "%fromcert"))
        return;
    const char *value = s->value;
    bool is_any = begins(value, "%any") || is_word(s, "%null");
    if (value[0] == '%' && !is_any && c->dialect == DIALECT_LIBRESWAN)
        value = arena_printf(c->b->scratch, "fqdn:%s", value); /* the mark is strongSwan's */
    else if (value[0] == '%' && !is_any && is_local)
        value++;
    ipsec_put(c, path, s, value);
}

static void put_ca(struct ipsec_conn *c)
{
    const struct setting *s = ipsec_end(c, false, "ca"), *policy = ipsec_end(c, false, "certpolicy");
    const struct setting *groups = ipsec_end(c, false, "groups");
    if (s && s->value[0] && s->value[0] != '%')
        ipsec_put(c, "remote.ca_id", s, s->value);
    if (policy)
        ipsec_put(c, "remote.cert_policy", policy, policy->value);
    if (groups)
        ipsec_put(c, "remote.groups", groups, groups->value);
}

static void put_sendcert(struct ipsec_conn *c)
{
    const struct setting *s = ipsec_end(c, true, "sendcert");
    const struct schema_word *w = s ? ipsec_word(schema_find(SCOPE_IPSEC_END, "sendcert"), s->value) : NULL;
    const char *def = c->dialect == DIALECT_LIBRESWAN ? "always" : "ifasked";
    ipsec_put(c, "send_cert", s, !w ? def : w->maps ? w->maps : w->word);
}

static void put_second_round(struct ipsec_conn *c, bool is_local)
{
    const struct setting *auth = ipsec_end(c, is_local, "auth2"), *id = ipsec_end(c, is_local, "id2");
    const struct setting *cert = ipsec_end(c, is_local, "cert2"), *ca = ipsec_end(c, is_local, "ca2");
    const char *method = auth ? method_of(auth->value) : NULL;
    const char *side = is_local ? "local-2" : "remote-2";
    if (!auth)
        return;
    if (method && *method == '!') {
        ipsec_needs(c, auth, method + 1);
        return;
    }
    ipsec_put(c, is_local ? "local-2.auth" : "remote-2.auth", auth, method ? method : auth->value);
    if (id)
        ipsec_put(c, is_local ? "local-2.id" : "remote-2.id", id, id->value);
    if (cert)
        put_cert(c, side, cert);
    if (ca && !is_local && ca->value[0] != '%')
        ipsec_put(c, "remote-2.ca_id", ca, ca->value);
}

/* ---- postquantum preshared keys */

static void put_ppk(struct ipsec_conn *c)
{
    const struct setting *s = ipsec_given(c, "ppk"), *ids = ipsec_given(c, "ppk_ids");
    if (!s || is_word(s, "no") || is_word(s, "never"))
        return;
    bool insists = is_word(s, "insist") || is_word(s, "always");
    size_t n = 0;
    const char **words = ids ? value_list(c->b->scratch, ids->value, &n) : NULL;
    const char *name = n ? words[0] : ipsec_ppk_for(c);
    if (insists && !c->b->config->n_ppks)
        ipsec_leave_out(c, s, "there is no PPK in ipsec.secrets");
    if (name && !config_ppk_for(c->b->config, span_str(name))) {
        ipsec_leave_out(c, ids ? ids : s, "there is no PPK of that name in ipsec.secrets");
        return;
    }
    if (name && !is_word(s, "permit"))
        ipsec_put(c, "ppk_id", ids ? ids : s, name);
    if (insists)
        ipsec_put(c, "ppk_required", s, "yes");
}

/* ---- all */

static void put_side(struct ipsec_conn *c, bool is_local)
{
    const struct setting *cert = ipsec_end(c, is_local, "cert");
    const char *auth = put_method(c, is_local);
    bool uses_keys = strcmp(auth, "psk") != 0 && strcmp(auth, "null") != 0;
    if (uses_keys && cert)
        put_cert(c, is_local ? "local" : "remote", cert);
    else if (uses_keys && !put_key(c, is_local) && is_local && ipsec_end(c, true, "ckaid"))
        ipsec_warn(c, ipsec_end(c, true, "ckaid"),
                   "a key is found by its public half: add the line of 'ipsec showhostkey --%s'", c->local);
    put_id(c, is_local, auth, uses_keys && cert);
    put_second_round(c, is_local);
}

void ipsec_put_auth(struct ipsec_conn *c)
{
    put_side(c, true);
    put_side(c, false);
    put_ca(c);
    put_sendcert(c);
    put_ppk(c);
}

/* [strongSwan] an identity that the certificate does not have gives way to its subject. */
static void confirm_id(struct ipsec_conn *c, struct auth_side *side, bool is_local)
{
    const struct setting *s = ipsec_end(c, is_local, "id");
    const struct cert *cert = side->certs.n ? side->certs.v[0] : NULL;
    char text[ID_TEXT_MAX];
    if (!cert || side->id.type == ID_NULL || identity_is_pattern(&side->id) ||
        cert_has_identity(cert, &side->id))
        return;
    if (s)
        ipsec_warn(c, s, "%s %s is not in the certificate, whose subject is taken: %s", s->written,
                   identity_format(&side->id, text), cert_subject_text(cert));
    side->id = is_local ? (struct identity){.type = ID_ANY}
                        : (struct identity){.type = ID_DER_ASN1_DN,
                                            .data = arena_dup(c->b->a, cert_subject_der(cert))};
}

/* [strongSwan] an authority that is known is demanded itself, and asked for. */
static void find_ca(struct ipsec_conn *c, struct auth_side *side)
{
    const struct cert_list *cas = &c->b->config->cas;
    for (size_t i = 0; side->ca_id && !side->cacerts.n && i < cas->n; i++) {
        if (!cert_has_identity(cas->v[i], side->ca_id))
            continue;
        side->cacerts.v = arena_calloc(c->b->a, 1, sizeof(*side->cacerts.v));
        side->cacerts.v[side->cacerts.n++] = cert_ref(cas->v[i]);
        side->ca_id = NULL;
    }
}

void ipsec_finish_auth(struct ipsec_conn *c, struct connection *built)
{
    if (c->dialect == DIALECT_STRONGSWAN) {
        confirm_id(c, &built->local, true);
        confirm_id(c, &built->remote, false);
    }
    const struct setting *s = ipsec_end(c, false, "ca");
    if (!is_word(s, "%same")) {
        if (c->dialect == DIALECT_STRONGSWAN)
            find_ca(c, &built->remote);
        return;
    }
    if (!built->local.certs.n) {
        ipsec_warn(c, s, "%s=%%same is without effect: there is no certificate of ours", s->written);
        return;
    }
    struct identity *id = arena_alloc(c->b->a, sizeof(*id));
    *id = (struct identity){.type = ID_DER_ASN1_DN,
                            .data = arena_dup(c->b->a, cert_issuer_der(built->local.certs.v[0]))};
    built->remote.ca_id = id;
}
