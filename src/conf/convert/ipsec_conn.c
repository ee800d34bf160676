/* SPDX-License-Identifier: Apache-2.0 */
/* Of a conn of ipsec.conf what takes more than a word: how the ends prove who they are, lifetimes, proposals.
 */
#include "base/time.h"
#include "conf/convert/private.h"
#include "conf/value.h"
#include <stdio.h>

static bool is_word(const char *s, const char *word)
{
    return s && strcmp(s, word) == 0;
}

static const char *base_name(const char *path)
{
    const char *slash = strrchr(path, '/');
    return slash ? slash + 1 : path;
}

/* ---- lifetimes: see src/conf/ipsec/times.c, which this reverses */

static void put_seconds(struct conn_writer *x, const char *key, int64_t usec)
{
    conn_key(x, key, arena_printf(x->w->a, "%lld", (long long)(usec / TIME_SECOND)));
}

struct margin {
    int64_t margin, fuzz;
};

static void put_margin(struct conn_writer *x, struct margin m)
{
    if (m.margin != 540 * TIME_SECOND)
        put_seconds(x, "rekeymargin", m.margin);
    double percent = m.margin > 0 ? 100.0 * (double)m.fuzz / (double)m.margin : 100;
    if (percent != 100)
        conn_key(x, "rekeyfuzz", arena_printf(x->w->a, "%.4g%%", percent));
}

static void put_limit(struct conn_writer *x, const char *life_key, const char *margin_key, uint64_t life,
                      uint64_t rekey)
{
    if (!life)
        return;
    conn_key(x, life_key, arena_printf(x->w->a, "%llu", (unsigned long long)life));
    if (rekey && rekey < life && !x->is_libreswan)
        conn_key(x, margin_key, arena_printf(x->w->a, "%llu", (unsigned long long)(life - rekey)));
}

static int64_t whole(int64_t usec)
{
    return usec - usec % TIME_SECOND;
}

void conn_times(struct conn_writer *x)
{
    const struct connection *c = x->c;
    const struct lifetime *l = &x->child->life;
    int64_t again = c->reauth_time ? c->reauth_time : c->rekey_time;
    int64_t life = whole(l->life_time), rekey = whole(l->rekey_time);
    bool rekeys = again || rekey;
    struct margin of_ike = {c->over_time, c->rand_time}, of_child = {life - rekey, whole(l->rand_time)};
    /* one margin serves both: that of the child, which is replaced more often */
    struct margin m = rekey && of_child.margin > 0 ? of_child : of_ike;
    int64_t def_ike = x->is_libreswan ? 28800 : 10800, def_child = x->is_libreswan ? 28800 : 3600;
    bool reauths = c->reauth_time != 0;
    if (!rekeys) {
        conn_key(x, "rekey", "no");
        if (l->life_time && l->life_time != def_child * TIME_SECOND)
            put_seconds(x, "lifetime", l->life_time);
        return;
    }
    if (again && again + m.margin != def_ike * TIME_SECOND)
        put_seconds(x, "ikelifetime", again + m.margin);
    if (l->life_time && l->life_time != def_child * TIME_SECOND)
        put_seconds(x, x->is_libreswan ? "ipsec-lifetime" : "lifetime", l->life_time);
    put_margin(x, m);
    if (reauths == x->is_libreswan)
        conn_key(x, "reauth", reauths ? "yes" : "no");
    put_limit(x, x->is_libreswan ? "ipsec-max-bytes" : "lifebytes", "marginbytes", l->life_bytes,
              l->rekey_bytes);
    put_limit(x, x->is_libreswan ? "ipsec-max-packets" : "lifepackets", "marginpackets", l->life_packets,
              l->rekey_packets);
}

/* ---- how the ends prove who they are */

static const struct {
    const char *word, *auth;
} libreswan_words[] = {
    {"secret",         "psk"                       },
    {"rsasig",         "pubkey"                    },
    {"rsa-sha1",       "rsa-sha1"                  },
    {"rsa-sha2",       "rsa-sha256-sha384-sha512"  },
    {"rsa-sha2_256",   "rsa-sha256"                },
    {"rsa-sha2_384",   "rsa-sha384"                },
    {"rsa-sha2_512",   "rsa-sha512"                },
    {"ecdsa",          "ecdsa-sha256-sha384-sha512"},
    {"ecdsa-sha2_256", "ecdsa-sha256"              },
    {"ecdsa-sha2_384", "ecdsa-sha384"              },
    {"ecdsa-sha2_512", "ecdsa-sha512"              },
    {"eddsa",          "ed25519-ed448"             },
    {"null",           "null"                      },
};

static const char *libreswan_word(const char *auth)
{
    for (size_t i = 0; i < ARRAY_LEN(libreswan_words); i++) {
        if (strcmp(libreswan_words[i].auth, auth) == 0)
            return libreswan_words[i].word;
    }
    return "rsasig";
}

static void put_methods(struct conn_writer *x)
{
    const char *mine = field_value(&x->local, "auth"), *theirs = field_value(&x->remote, "auth");
    bool is_same = is_word(mine, theirs);
    if (x->is_libreswan) {
        mine = libreswan_word(mine);
        theirs = libreswan_word(theirs);
    }
    bool is_default = is_same && is_word(field_value(&x->local, "auth"), "pubkey");
    if (is_default)
        return;
    if (is_same && (x->is_libreswan || is_word(mine, "psk"))) {
        conn_key(x, "authby", x->is_libreswan ? mine : "secret");
        return;
    }
    conn_key(x, "leftauth", mine);
    conn_key(x, "rightauth", theirs);
}

/* What a certificate has to say: strongSwan's mark, and what Libreswan takes the peer's address for. Another
 * one is the peer's own identity there, which is more than was asked for. */
static void put_cert_id(struct conn_writer *x, const char *key, const struct identity *id)
{
    const char *text = ipsec_id_text(x->w->a, id);
    const struct host_spec *peer = x->c->n_remote_addrs ? &x->c->remote_addrs[0] : NULL;
    char ip[IP_TEXT_MAX];
    bool is_address =
        peer && !peer->is_any &&
        is_word(peer->fqdn ? arena_printf(x->w->a, "@%s", peer->fqdn) : ip_format(peer->from, ip), text);
    if (!x->is_libreswan)
        conn_key(x, key, arena_printf(x->w->a, "%%%s", text));
    else if (!is_address)
        conn_key(x, key, text);
}

static void put_id(struct conn_writer *x, const char *side, const struct auth_side *s, bool is_local)
{
    char key[32];
    snprintf(key, sizeof(key), "%sid", side);
    if (s->cert_id)
        put_cert_id(x, key, s->cert_id);
    else if (s->id.type != ID_ANY)
        conn_key(x, key, ipsec_id_text(x->w->a, &s->id));
    else if (s->method == AUTH_NULL)
        return;
    else if (!is_local)
        conn_key(x, key, "%any");
    else if (x->is_libreswan && s->certs.n)
        conn_key(x, key, "%fromcert");
}

static void put_certs(struct conn_writer *x, const char *key, const struct auth_side *s)
{
    const char *folder = arena_printf(x->w->a, "%s/ipsec.d/certs/", x->w->request->etc);
    const char *path = s->certs.n ? path_of_cert(x->w->config, s->certs.v[0]) : NULL;
    if (path)
        conn_key(x, key, strncmp(path, folder, strlen(folder)) == 0 ? base_name(path) : path);
}

static void put_side(struct conn_writer *x, bool is_local)
{
    const struct auth_side *s = is_local ? &x->c->local : &x->c->remote;
    const struct fields *f = is_local ? &x->local : &x->remote;
    const char *side = is_local ? "left" : "right", *keys = field_value(f, "pubkeys");
    put_id(x, side, s, is_local);
    put_certs(x, is_local ? "leftcert" : "rightcert", s);
    bool is_rsa = s->pubkeys.n && pkey_type(s->pubkeys.v[0]) == PKEY_RSA;
    if (keys)
        conn_key(x,
                 arena_printf(x->w->a, "%s%s", side,
                              !x->is_libreswan        ? "sigkey"
                              : is_rsa || s->asks_dns ? "rsasigkey"
                                                      : "pubkey"),
                 s->asks_dns ? "%dnsondemand" : keys);
    if (is_local)
        return;
    const char *ca = field_value(f, "ca_id"), *groups = field_value(f, "groups"),
               *policy = field_value(f, "cert_policy");
    if (ca)
        conn_key(x, "rightca", ca);
    else if (s->cacerts.n)
        conn_key(x, "rightca", cert_subject_text(s->cacerts.v[0]));
    if (groups && !x->is_libreswan)
        conn_key(x, "rightgroups", groups);
    if (policy && !x->is_libreswan)
        conn_key(x, "rightcertpolicy", policy);
}

static void put_second(struct conn_writer *x, bool is_local)
{
    const char *side = is_local ? "left" : "right";
    if (x->is_libreswan || connection_rounds(x->c, is_local) < 2)
        return;
    const struct auth_side *s = connection_round(x->c, is_local, 1);
    struct fields *f = arena_alloc(x->w->a, sizeof(*f));
    *f = (struct fields){.a = x->w->a, .config = x->w->config};
    fields_of_side(f, x->c, s, is_local);
    conn_key(x, arena_printf(x->w->a, "%sauth2", side), field_value(f, "auth"));
    if (s->id.type != ID_ANY)
        conn_key(x, arena_printf(x->w->a, "%sid2", side), ipsec_id_text(x->w->a, &s->id));
    put_certs(x, arena_printf(x->w->a, "%scert2", side), s);
    if (s->ca_id && !is_local)
        conn_key(x, "rightca2", field_value(f, "ca_id"));
}

void conn_auth(struct conn_writer *x)
{
    const char *send = field_value(&x->conn, "send_cert");
    put_methods(x);
    put_side(x, true);
    put_side(x, false);
    put_second(x, true);
    put_second(x, false);
    if (!is_word(send, field_value(&x->plain, "send_cert")))
        conn_key(x, "leftsendcert", send);
}

/* ---- proposals */

static const struct {
    uint16_t id;
    const char *word;
} libreswan_encr[] =
    {
        {ENCR_AES_CBC,           "aes"                },
        {ENCR_AES_CTR,           "aes_ctr"            },
        {ENCR_AES_GCM_16,        "aes_gcm"            },
        {ENCR_AES_GCM_12,        "aes_gcm_12_"        },
        {ENCR_AES_GCM_8,         "aes_gcm_8_"         },
        {ENCR_AES_CCM_16,        "aes_ccm"            },
        {ENCR_AES_CCM_12,        "aes_ccm_12_"        },
        {ENCR_AES_CCM_8,         "aes_ccm_8_"         },
        {ENCR_NULL_AES_GMAC,     "null_auth_aes_gmac_"},
        {ENCR_CHACHA20_POLY1305, "chacha20_poly1305"  },
        {ENCR_3DES,              "3des"               },
        {ENCR_NULL,              "null"               },
},
  libreswan_integ[] =
      {
          {INTEG_HMAC_SHA2_256_128, "sha2_256"},
          {INTEG_HMAC_SHA2_384_192, "sha2_384"},
          {INTEG_HMAC_SHA2_512_256, "sha2_512"},
          {INTEG_HMAC_SHA1_96, "sha1"},
          {INTEG_AES_XCBC_96, "aes_xcbc"},
          {INTEG_AES_CMAC_96, "aes_cmac"},
          {INTEG_HMAC_MD5_96, "md5"},
},
  libreswan_prf[] = {
      {PRF_HMAC_SHA2_256, "sha2_256"}, {PRF_HMAC_SHA2_384, "sha2_384"}, {PRF_HMAC_SHA2_512, "sha2_512"},
      {PRF_HMAC_SHA1, "sha1"},         {PRF_AES128_XCBC, "aes_xcbc"},   {PRF_AES128_CMAC, "aes_cmac"},
      {PRF_HMAC_MD5, "md5"},
};

static const char *name_of(struct arena *a, const struct transform *t)
{
    if (t->type == TRANSFORM_ENCR) {
        for (size_t i = 0; i < ARRAY_LEN(libreswan_encr); i++) {
            bool is_sized = t->id != ENCR_CHACHA20_POLY1305 && t->key_bits;
            if (libreswan_encr[i].id == t->id)
                return is_sized ? arena_printf(a, "%s%u", libreswan_encr[i].word, t->key_bits)
                                : libreswan_encr[i].word;
        }
    }
    for (size_t i = 0; t->type == TRANSFORM_INTEG && i < ARRAY_LEN(libreswan_integ); i++) {
        if (libreswan_integ[i].id == t->id)
            return libreswan_integ[i].word;
    }
    for (size_t i = 0; t->type == TRANSFORM_PRF && i < ARRAY_LEN(libreswan_prf); i++) {
        if (libreswan_prf[i].id == t->id)
            return libreswan_prf[i].word;
    }
    if (t->type == TRANSFORM_KE && t->id <= KE_CURVE448)
        return arena_printf(a, "dh%u", t->id);
    const char *word = alg_keyword_of(TRANSFORM_KE, t->id, 0);
    return word ? word : "?";
}

/* "aes256+aes128" of the type; NULL: none. */
static const char *names_of(struct arena *a, const struct proposal *p, uint8_t type)
{
    const char *list = NULL;
    for (size_t i = 0; i < p->count; i++) {
        bool counts = p->t[i].type == type && !(type == TRANSFORM_KE && p->t[i].id == KE_NONE);
        if (counts)
            list = list ? arena_printf(a, "%s+%s", list, name_of(a, &p->t[i])) : name_of(a, &p->t[i]);
    }
    return list;
}

/* Words of Libreswan's grammar that Keyway's own take instead: ke beyond dh31. */
static const char *libreswan_proposal(struct arena *a, const struct proposal *p)
{
    const char *encr = names_of(a, p, TRANSFORM_ENCR), *integ = names_of(a, p, TRANSFORM_INTEG);
    const char *prf = names_of(a, p, TRANSFORM_PRF), *ke = names_of(a, p, TRANSFORM_KE);
    bool is_ah = p->protocol == PROTO_AH;
    const char *text = is_ah ? integ : encr;
    if (!is_ah && integ && (!prf || strcmp(prf, integ) == 0))
        text = arena_printf(a, "%s-%s", text, integ);
    else if (!is_ah && integ)
        text = arena_printf(a, "%s-%s-%s", text, integ, prf);
    else if (!is_ah && prf)
        text = arena_printf(a, "%s-%s", text, prf);
    if (ke)
        text = arena_printf(a, "%s;%s", text, ke);
    for (uint8_t type = TRANSFORM_ADDKE1; type <= TRANSFORM_ADDKE7; type++) {
        const char *more = names_of(a, p, type);
        if (more)
            text = arena_printf(a, "%s;addke%d=%s", text, type - TRANSFORM_ADDKE1 + 1, more);
    }
    return text;
}

static const char *libreswan_list(struct arena *a, const struct proposal_list *l)
{
    const char *list = NULL;
    for (size_t i = 0; i < l->n; i++) {
        const char *text = libreswan_proposal(a, &l->v[i]);
        list = list ? arena_printf(a, "%s,%s", list, text) : text;
    }
    return list;
}

static bool has_type(const struct proposal_list *l, uint8_t type, uint16_t id)
{
    for (size_t i = 0; i < l->n; i++) {
        for (size_t k = 0; k < l->v[i].count; k++) {
            if (l->v[i].t[k].type == type && l->v[i].t[k].id == id)
                return true;
        }
    }
    return false;
}

static void put_libreswan(struct conn_writer *x)
{
    const struct child_config *child = x->child;
    const struct proposal_list esp = {child->proposals.v + child->ah_proposals.n,
                                      child->proposals.n - child->ah_proposals.n};
    const struct proposal_list *l = child->ah_proposals.n ? &child->ah_proposals : &esp;
    bool has_ke = proposal_first_ke(l) != KE_NONE, has_esn = has_type(l, TRANSFORM_ESN, 1),
         has_none = has_type(l, TRANSFORM_ESN, 0);
    if (is_word(field_value(&x->conn, "proposals"), field_value(&x->plain, "proposals")) &&
        is_word(field_value(&x->kid, "esp_proposals"), field_value(&x->plain_kid, "esp_proposals")) &&
        !child->ah_proposals.n)
        return;
    conn_key(x, "ike", libreswan_list(x->w->a, &x->c->proposals));
    conn_key(x, child->ah_proposals.n ? "ah" : "esp", libreswan_list(x->w->a, l));
    if (!has_ke)
        conn_key(x, "pfs", "no");
    if (child->replay_window && !(has_esn && has_none))
        conn_key(x, "esn", has_esn ? "yes" : "no");
}

/* "a, default" is strongSwan's own way, and "a!" is without them. */
static void put_strongswan(struct conn_writer *x, const char *key, const char *text)
{
    static const char tail[] = ", default";
    size_t len = text ? strlen(text) : 0, n = sizeof(tail) - 1;
    if (!text || is_word(text, "default"))
        return;
    char *tight = arena_alloc(x->w->a, len + 2), *to = tight;
    bool is_open = len > n && strcmp(text + len - n, tail) == 0;
    for (size_t i = 0; i < (is_open ? len - n : len); i++) {
        if (text[i] != ' ')
            *to++ = text[i];
    }
    *to++ = '!';
    *to = 0;
    if (is_open)
        to[-1] = 0;
    conn_key(x, key, tight);
}

void conn_proposals(struct conn_writer *x)
{
    const struct child_config *c = x->child;
    bool is_ah_alone = c->ah_proposals.n && c->proposals.n == c->ah_proposals.n;
    if (x->is_libreswan) {
        put_libreswan(x);
        return;
    }
    put_strongswan(x, "ike", field_value(&x->conn, "proposals"));
    put_strongswan(x, "ah", field_value(&x->kid, "ah_proposals"));
    if (!is_ah_alone)
        put_strongswan(x, "esp", field_value(&x->kid, "esp_proposals"));
}
