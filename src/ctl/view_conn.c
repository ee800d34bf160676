/* SPDX-License-Identifier: Apache-2.0 */
/* Connections, traps and selectors as vici sections, with charon 5.9.8's keys in its order; local_port and
 * remote_port are of its successor. */
#include "base/text.h"
#include "ctl/commands.h"
#include <inttypes.h>
#include <netdb.h>
#include <stdio.h>
#include <stdlib.h>

const char *const ctl_mode_names[] = {
    [MODE_TUNNEL] = "TUNNEL",       [MODE_PASS] = "PASS", [MODE_DROP] = "DROP",   [MODE_REJECT] = "DROP",
    [MODE_TRANSPORT] = "TRANSPORT", [MODE_BEET] = "BEET", [MODE_IPTFS] = "IPTFS",
};

/* ---- selectors */

static void port_format(const struct ts *t, uint16_t port, struct text *out)
{
    text_printf(out, "%u", ts_is_icmp(t) ? port >> 8 : port);
    if (ts_is_icmp(t) && port & 0xff)
        text_printf(out, "(%u)", port & 0xff);
}

/* One port by the name that this machine has for it. */
static void ports_format(const struct ts *t, const char *protocol, struct text *out)
{
    bool is_one = t->port_from == t->port_to && !ts_is_icmp(t);
    const struct servent *s = is_one ? getservbyport(htons(t->port_from), protocol) : NULL;
    if (ts_is_opaque(t)) {
        text_str(out, "/OPAQUE");
        return;
    }
    text_str(out, "/");
    if (s)
        text_str(out, s->s_name);
    else
        port_format(t, t->port_from, out);
    if (t->port_from == t->port_to)
        return;
    text_str(out, "-");
    port_format(t, t->port_to, out);
}

const char *ctl_selector_format(const struct ts *t, char buf[CTL_SELECTOR_TEXT])
{
    struct text out = {.buf = buf, .cap = CTL_SELECTOR_TEXT};
    char text[TS_TEXT_MAX], *bracket;
    ts_format(t, text);
    bracket = strchr(text, '[');
    if (!bracket) {
        text_str(&out, text);
        return buf;
    }
    *bracket++ = '\0';
    bracket[strcspn(bracket, "/]")] = '\0'; /* now the protocol */
    text_printf(&out, "%s[%s", text, t->proto ? bracket : "0");
    if (!ts_is_any_port(t))
        ports_format(t, t->proto ? bracket : NULL, &out);
    text_str(&out, "]");
    return buf;
}

void ctl_write_selectors(struct vici_writer *w, const char *key, const struct ts *ts, size_t n)
{
    char text[CTL_SELECTOR_TEXT];
    vici_list(w, key);
    for (size_t i = 0; i < n; i++)
        vici_item(w, ctl_selector_format(&ts[i], text));
    vici_list_end(w);
}

/* ---- connections: those of strongSwan's ipsec.conf are told in another order, and with more */

static bool is_of_stroke(const struct connection *c)
{
    return strcmp(c->dialect, "ipsec.conf/strongswan") == 0;
}

static void write_host(struct vici_writer *w, const struct host_spec *h)
{
    const struct ts all = {.from = h->from, .to = h->to, .port_to = 65535};
    char from[IP_TEXT_MAX], to[IP_TEXT_MAX], range[2 * IP_TEXT_MAX + 1];
    struct prefix p;
    if (h->is_any || h->fqdn) {
        vici_item(w, h->is_any ? "%any" : h->fqdn);
    } else if (ip_equal(h->from, h->to)) {
        vici_item(w, ip_format(h->from, from));
    } else if (ts_to_prefix(&all, &p)) {
        vici_item(w, prefix_format(&p, range));
    } else {
        snprintf(range, sizeof(range), "%s-%s", ip_format(h->from, from), ip_format(h->to, to));
        vici_item(w, range);
    }
}

static void write_hosts(struct vici_writer *w, const char *key, const struct connection *c,
                        const struct host_spec *v, size_t n)
{
    bool is_split = n > 1 && is_of_stroke(c); /* any other address, as two networks */
    vici_list(w, key);
    if (!n)
        vici_item(w, "%any");
    for (size_t i = 0; i < n; i++) {
        if (is_split && v[i].is_any) {
            vici_item(w, "0.0.0.0/0");
            vici_item(w, "::/0");
        } else {
            write_host(w, &v[i]);
        }
    }
    vici_list_end(w);
}

static void write_texts(struct vici_writer *w, const char *key, const char *const *v, size_t n)
{
    vici_list(w, key);
    for (size_t i = 0; i < n; i++)
        vici_item(w, v[i]);
    vici_list_end(w);
}

static void write_certs(struct vici_writer *w, const char *key, const struct cert_list *l)
{
    vici_list(w, key);
    for (size_t i = 0; i < l->n; i++)
        vici_item(w, cert_subject_text(l->v[i]));
    vici_list_end(w);
}

/* Ours without one is that of the certificate; one that is not asked for is not told. */
static void write_id(struct vici_writer *w, const struct auth_side *a, bool is_local, bool is_any_told)
{
    char id[ID_TEXT_MAX];
    const struct identity *who = a->cert_id ? a->cert_id : &a->id;
    if (who->type != ID_ANY)
        vici_text(w, "id", identity_format(who, id));
    else if (is_any_told && origin_of(&a->origins, "id"))
        vici_text(w, "id", "%any");
    else if (is_local && a->certs.n)
        vici_text(w, "id", cert_subject_text(a->certs.v[0]));
}

static void write_auth(struct vici_writer *w, const char *section, const struct connection *c,
                       const struct auth_side *a, bool is_local)
{
    static const char *const classes[] = {
        [AUTH_PSK] = "pre-shared key", [AUTH_PUBKEY] = "public key", [AUTH_NULL] = "null"};
    static const char *const revocations[] = {
        [REVOCATION_STRICT] = "GOOD", [REVOCATION_IFURI] = "SKIPPED", [REVOCATION_RELAXED] = NULL};
    char id[ID_TEXT_MAX];
    vici_section(w, section);
    if (!is_of_stroke(c))
        write_id(w, a, is_local, true);
    vici_text(w, "class", classes[a->method]);
    if (is_of_stroke(c))
        write_id(w, a, is_local, false);
    if (revocations[a->revocation])
        vici_text(w, "revocation", revocations[a->revocation]);
    if (a->ca_id)
        vici_text(w, "ca_id", identity_format(a->ca_id, id));
    write_texts(w, "groups", a->groups, a->n_groups);
    write_texts(w, "cert_policy", a->cert_policy, a->n_cert_policy);
    write_certs(w, "certs", &a->certs);
    write_certs(w, "cacerts", &a->cacerts);
    vici_section_end(w);
}

static void write_rounds(struct vici_writer *w, const struct connection *c, bool is_local)
{
    char section[32];
    for (size_t i = 0; i < connection_rounds(c, is_local); i++) {
        snprintf(section, sizeof(section), "%s-%zu", is_local ? "local" : "remote", i + 1);
        write_auth(w, section, c, connection_round(c, is_local, i), is_local);
    }
}

static void write_seconds(struct vici_writer *w, const char *key, int64_t microseconds)
{
    vici_printf(w, key, "%" PRId64, microseconds / TIME_SECOND);
}

static void write_child_config(struct vici_writer *w, const struct child_config *c)
{
    static const char *const dpd[] = {[DPD_CLEAR] = "none", [DPD_RESTART] = "start", [DPD_TRAP] = "trap"},
                             *const close[] = {
                                 [START_NONE] = "none", [START_START] = "start", [START_TRAP] = "trap"};
    vici_section(w, c->name);
    vici_text(w, "mode", ctl_mode_names[c->mode]);
    write_seconds(w, "rekey_time", c->life.rekey_time);
    vici_printf(w, "rekey_bytes", "%" PRIu64, c->life.rekey_bytes);
    vici_printf(w, "rekey_packets", "%" PRIu64, c->life.rekey_packets);
    vici_text(w, "dpd_action", dpd[c->dpd_action]);
    vici_text(w, "close_action", close[c->close_action]);
    ctl_write_selectors(w, "local-ts", c->local_ts, c->n_local_ts);
    ctl_write_selectors(w, "remote-ts", c->remote_ts, c->n_remote_ts);
    if (c->priority)
        vici_printf(w, "priority", "%" PRIu32, c->priority);
    vici_section_end(w);
}

void ctl_write_connection(struct vici_writer *w, const struct connection *c)
{
    static const char *const unique[] = {[UNIQUE_REPLACE] = "UNIQUE_REPLACE",
                                         [UNIQUE_KEEP] = "UNIQUE_KEEP",
                                         [UNIQUE_NO] = "UNIQUE_NO",
                                         [UNIQUE_NEVER] = "UNIQUE_NEVER"};
    char id[ID_TEXT_MAX];
    vici_section(w, c->name);
    write_hosts(w, "local_addrs", c, c->local_addrs, c->n_local_addrs);
    write_hosts(w, "remote_addrs", c, c->remote_addrs, c->n_remote_addrs);
    vici_printf(w, "local_port", "%u", c->local_port);
    vici_printf(w, "remote_port", "%u", c->remote_port);
    vici_text(w, "version", c->version == 2 ? "IKEv2" : "IKEv1/2");
    write_seconds(w, "reauth_time", c->reauth_time);
    write_seconds(w, "rekey_time", c->rekey_time);
    vici_text(w, "unique", unique[c->unique]);
    if (c->dpd_delay)
        write_seconds(w, "dpd_delay", c->dpd_delay);
    if (is_of_stroke(c)) /* its default for IKEv1, which is not built */
        vici_text(w, "dpd_timeout", "150");
    if (c->ppk_id)
        vici_text(w, "ppk_id", identity_format(c->ppk_id, id));
    vici_flag(w, "ppk_required", c->ppk_required);
    write_rounds(w, c, true);
    write_rounds(w, c, false);
    vici_section(w, "children");
    for (size_t i = 0; i < c->n_children; i++)
        write_child_config(w, &c->children[i]);
    for (size_t i = 0; i < c->n_shunts; i++)
        write_child_config(w, &c->shunts[i]);
    vici_section_end(w);
    vici_section_end(w);
}

void ctl_write_trap(struct vici_writer *w, const struct trap_view *v)
{
    char name[300];
    snprintf(name, sizeof(name), "%s/%s", v->connection, v->child);
    vici_section(w, name);
    vici_text(w, "child", v->child);
    vici_text(w, "ike", v->connection);
    vici_text(w, "mode", ctl_mode_names[v->mode]);
    ctl_write_selectors(w, "local-ts", v->local_ts, v->n_local_ts);
    ctl_write_selectors(w, "remote-ts", v->remote_ts, v->n_remote_ts);
    vici_section_end(w);
}
