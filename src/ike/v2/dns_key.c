/* SPDX-License-Identifier: Apache-2.0 */
/* Raw public keys of peers that are in DNS (RFC 4025): when they are asked for, and under which name: that of
 * an identity that is a name, or the reverse one of an address [RFC4025#1.2]. The keys are asked for as a
 * part of the verification: see JOB_VERIFY. Before that the peer has proved nothing; where several identities
 * may come, it chooses which name is asked for. */
#include "base/text.h"
#include "ike/v2/ike_auth.h"

enum { NAME_MAX = 253, LABEL_MAX = 63 };

static bool has_x509(const struct ike_message *m)
{
    for (const struct ike_payload *p = NULL; (p = ike_next(m, PAYLOAD_CERT, p));) {
        if (p->cert.encoding == CERT_X509_SIGNATURE || p->cert.encoding == CERT_HASH_AND_URL ||
            p->cert.encoding == CERT_HASH_AND_URL_BUNDLE)
            return true;
    }
    return false;
}

/* With the daemon's setting: where nothing else says how the peer proves itself, and not just anybody may
 * come. */
static bool is_by_setting(const struct ike_sa *sa, const struct auth_side *remote)
{
    return sa->config->settings.asks_dns && remote->method == AUTH_PUBKEY && remote->id.type != ID_ANY &&
           !remote->pubkeys.n && !remote->certs.n && !remote->cacerts.n;
}

bool dns_key_is_theirs(const struct ike_sa *sa, const struct ike_message *m)
{
    const struct auth_side *remote = auth_theirs(sa);
    if (remote->asks_dns)
        return !has_x509(m) || raw_key_is_only(remote);
    return is_by_setting(sa, remote) && !has_x509(m) &&
           (sa->remote_id.type == ID_FQDN || sa->remote_id.type == ID_IPV4_ADDR ||
            sa->remote_id.type == ID_IPV6_ADDR);
}

/* A host's name: letters, digits, '-' and '_' between dots. Nothing that a resolver could read otherwise. */
static bool is_host(struct span s)
{
    size_t label = 0;
    if (!s.len || s.len > NAME_MAX)
        return false;
    for (size_t i = 0; i < s.len; i++) {
        uint8_t c = s.ptr[i];
        bool is_dot = c == '.';
        bool is_good = (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') ||
                       c == '-' || c == '_';
        if (is_dot ? label == 0 : !is_good || label == LABEL_MAX)
            return false;
        label = is_dot ? 0 : label + 1;
    }
    return true;
}

static void reverse_4(struct text *t, struct span ip)
{
    for (size_t i = 4; i-- > 0;)
        text_printf(t, "%u.", ip.ptr[i]);
    text_str(t, "in-addr.arpa");
}

static void reverse_6(struct text *t, struct span ip)
{
    for (size_t i = 16; i-- > 0;)
        text_printf(t, "%x.%x.", ip.ptr[i] & 15u, ip.ptr[i] >> 4);
    text_str(t, "ip6.arpa");
}

static bool name_of(const struct identity *id, char name[NAME_MAX + 1])
{
    struct text t = {.buf = name, .cap = NAME_MAX + 1};
    name[0] = 0;
    if (id->type == ID_IPV4_ADDR && id->data.len == 4)
        reverse_4(&t, id->data);
    else if (id->type == ID_IPV6_ADDR && id->data.len == 16)
        reverse_6(&t, id->data);
    else if (id->type == ID_FQDN && is_host(id->data))
        text_printf(&t, "%.*s", (int)id->data.len, (const char *)id->data.ptr);
    return name[0] != 0;
}

bool dns_key_fill(const struct ike_sa *sa, struct job *j, struct diag *d)
{
    char name[NAME_MAX + 1], text[ID_TEXT_MAX];
    if (!name_of(&sa->remote_id, name)) {
        diag_set(d, FAIL_CERTIFICATE, "no public key can be asked of DNS for the peer %s",
                 identity_format(&sa->remote_id, text));
        diag_expected(d, "a host's name or an address as its identity");
        diag_got(d, "%s", identity_type_name(sa->remote_id.type));
        diag_where_of(d, &auth_theirs(sa)->origins, "pubkeys");
        return false;
    }
    j->arena = arena_new(1 << 16);
    j->dns_name = arena_strdup(j->arena, name);
    return j->dns_name != NULL;
}
