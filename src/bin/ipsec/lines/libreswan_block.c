/* SPDX-License-Identifier: Apache-2.0 */
/* Libreswan's lines of one connection in status: its topology, then what is set, a line for each group of
 * settings, in the words of 4.x or of 5.x. What Keyway has not got (XAUTH, IP-TFS, NFLOG) is told as
 * Libreswan tells of what is not set, so that a script finds its line and field. */
#include "bin/ipsec/lines/block.h"
#include "bin/ipsec/lines/lines.h"
#include <arpa/inet.h>
#include <ctype.h>
#include <stdlib.h>
#include <string.h>

/* ---- who, and how it is proven */

static const char *updown_of(const struct block *b)
{
    const char *command = block_set(b->kid, "updown");
    return !strcmp(command, "%disabled") ? "<disabled>" : *command ? command : "ipsec _updown";
}

static void host(FILE *f, const struct block *b)
{
    char local[256], remote[256];
    if (b->v->has_prefix) {
        fprintf(f, "  oriented; my_ip=unset; their_ip=unset; my_updown=%s;", updown_of(b));
        return;
    }
    fprintf(f, "host: oriented; local: %s; remote: %s;", block_host(b, true, local, sizeof(local)),
            block_host(b, false, remote, sizeof(remote)));
    if (b->sa)
        fprintf(f, " established IKE SA: #%s;", member(b->sa, "uniqueid"));
}

static void updown(FILE *f, const struct block *b)
{
    fprintf(f, "my_updown=%s;", updown_of(b));
}

static void xauth(FILE *f, const struct block *b)
{
    (void)b;
    fputs("xauth us:none, xauth them:none,  my_username=[any]; their_username=[any]", f);
}

/* The words of policy for public keys; "" for others. */
static const char *key_words(const char *auth)
{
    bool has_rsa = text_holds(auth, "RSA"), has_ecdsa = text_holds(auth, "ECDSA_"),
         has_eddsa = text_holds(auth, "ED25519");
    if (strncmp(auth, "pubkey", 6) != 0)
        return "";
    if (has_ecdsa && !has_rsa)
        return "ECDSA";
    if (has_eddsa && !has_rsa)
        return "EDDSA";
    return !has_rsa ? "RSASIG+ECDSA+RSASIG_v1_5" : has_ecdsa ? "RSASIG+ECDSA" : "RSASIG";
}

static void write_auth(FILE *f, const struct block *b, const char *side)
{
    const char *auth = block_auth(b, side), *words = key_words(auth);
    bool is_ours = *side == 'l';
    if (!strcmp(auth, "psk") || !strcmp(auth, "null"))
        fputs(*auth == 'p' ? "secret" : "null", f);
    else if (!strcmp(words, "ECDSA") || !strcmp(words, "EDDSA"))
        fputs(*words == 'E' && words[1] == 'C' ? "ecdsa" : "eddsa", f);
    else if (is_ours)
        fprintf(f, "rsasig(%s)", text_holds(words, "v1_5") ? "RSASIG+RSASIG_v1_5" : "RSASIG");
    else
        fputs(words, f);
}

static void auth(FILE *f, const struct block *b)
{
    fputs("our auth:", f);
    write_auth(f, b, "local");
    fputs(", their auth:", f);
    write_auth(f, b, "remote");
    fputs(", our autheap:none, their autheap:none;", f);
}

static const char *or_unset(const char *text)
{
    return *text ? text : "unset";
}

static void modecfg(FILE *f, const struct block *b)
{
    bool asks = *block_set(b->set, "vips"), gives = *block_set(b->set, "pools");
    json_t *pool = member_object(b->pools, block_set(b->set, "pools"));
    fprintf(f, "modecfg info: us:%s, them:%s, modecfg policy:push, dns:%s, domains:%s, cat:unset;",
            asks    ? "client"
            : gives ? "server"
                    : "none",
            gives ? "client" : "none", or_unset(block_set(pool, "dns")),
            or_unset(block_set(pool, "domains")));
}

static void label(FILE *f, const struct block *b)
{
    (void)b;
    fputs("sec_label:unset;", f);
}

/* ---- times and limits */

static void write_bytes(FILE *f, const struct block *b, unsigned long long n)
{
    static const char *const units[] = {"B", "KiB", "MiB", "GiB", "TiB", "PiB"};
    size_t unit = 0;
    if (!n) {
        fputs("2^63B", f);
        return;
    }
    while (unit + 1 < sizeof(units) / sizeof(*units) && n % 1024 == 0 &&
           n >= (b->v->has_prefix ? 1024 : 1025)) {
        n /= 1024;
        unit++;
    }
    fprintf(f, "%llu%s", n, units[unit]);
}

static void lives(FILE *f, const struct block *b)
{
    long long rekey = block_number(b->set, "rekey_time") + block_number(b->set, "reauth_time");
    /* without rekeying nothing is known of them but the defaults */
    long long over = rekey ? block_number(b->set, "over_time") : 540;
    long long fuzz = rekey ? block_number(b->set, "rand_time") : 540;
    long long life = block_number(b->kid, "life_time"), packets = block_number(b->kid, "life_packets");
    fprintf(f, "ike_life: %llds; ipsec_life: %llds; ipsec_max_bytes: ", rekey ? rekey + over : 28800, life);
    write_bytes(f, b, strtoull(block_set(b->kid, "life_bytes"), NULL, 10));
    if (packets)
        fprintf(f, "; ipsec_max_packets: %lld", packets);
    else
        fputs("; ipsec_max_packets: 2^63", f);
    fprintf(f, "; replay_window: %lld; rekey_margin: %llds; rekey_fuzz: %lld%%;",
            block_number(b->kid, "replay_window"), over, over ? (fuzz * 100 + over / 2) / over : 100);
    if (b->v->has_prefix)
        fprintf(f, " keyingtries: %lld;", block_number(b->set, "keyingtries"));
}

static void iptfs(FILE *f, const struct block *b)
{
    if (!block_is(b->kid, "mode", "iptfs")) {
        fputs(
            "iptfs: no; fragmentation: yes; packet-size: 0; max-queue-size: 0; drop-time: 0; init-delay: 0; "
            "reorder-window: 0;",
            f);
        return;
    }
    fprintf(
        f,
        "iptfs: yes; fragmentation: %s; packet-size: %lld; max-queue-size: %lld; drop-time: %g; "
        "init-delay: %g; reorder-window: %lld;",
        block_is(b->kid, "iptfs_dont_frag", "yes") ? "no" : "yes", block_number(b->kid, "iptfs_packet_size"),
        block_number(b->kid, "iptfs_max_queue_size"), (double)block_number(b->kid, "iptfs_drop_time") / 1e6,
        (double)block_number(b->kid, "iptfs_init_delay") / 1e6, block_number(b->kid, "iptfs_reorder_window"));
}

static const char *timeout_of(const struct block *b)
{
    return member(member_object(b->a->status, "retransmission"), "timeout");
}

static void retransmission(FILE *f, const struct block *b)
{
    json_t *r = member_object(b->a->status, "retransmission");
    const char *tcp = block_set(b->set, "tcp");
    fprintf(f, "retransmit-interval: %sms; retransmit-timeout: %ss; iketcp:%s; iketcp-port:%s;",
            member(r, "interval-ms"), timeout_of(b), !strcmp(tcp, "always") ? "yes" : tcp,
            block_set(b->set, "tcp_port"));
}

static void interoperation(FILE *f, const struct block *b)
{
    bool says = block_is(b->set, "unique", "replace") || block_is(b->set, "unique", "keep");
    fprintf(f,
            "initial-contact:%s; cisco-unity:no; fake-strongswan:no; send-vendorid:no; send-no-esp-tfc:no;",
            says ? "yes" : "no");
}

static void liveness(FILE *f, const struct block *b)
{
    const char *delay = block_set(b->set, "dpd_delay"), *action = block_set(b->kid, "dpd_action");
    fprintf(f, "liveness: %s;", strtoll(delay, NULL, 10) ? "active" : "passive");
    if (b->v->has_prefix)
        fprintf(f, " dpdaction:%s;",
                !strcmp(action, "restart")                                        ? "restart"
                : !strcmp(action, "clear") && block_is_said(b->kid, "dpd_action") ? "clear"
                                                                                  : "hold");
    fprintf(f, " dpddelay:%llds; retransmit-timeout:%ss", strtoll(delay, NULL, 10), timeout_of(b));
}

/* ---- policy */

static void policy(FILE *f, const struct block *b)
{
    const char *auth = block_auth(b, "local"), *child = member(block_proposals(b), "value");
    bool has_short = text_holds(child, "NO_EXT_SEQ"), has_pools = *block_set(b->set, "pools"),
         insists = block_is(b->set, "ppk_required", "yes");
    const char *first_long = strstr(child, "/EXT_SEQ"), *dscp = block_set(b->kid, "copy_dscp");
    const struct {
        bool is_there;
        const char *word;
    } words[] = {
        {true,                                                     !strcmp(auth,                           "psk")    ? "PSK"
               : !strcmp(auth, "null") ? "AUTH_NULL"
                                       : key_words(auth)},
        {true, member_object(b->kid,                                       "ah_proposals") ? "AUTHENTICATE" : "ENCRYPT"},
        {block_is(b->kid,                                    "ipcomp","yes"), "COMPRESS"},
        {block_is(b->kid,                                          "mode",                                     "tunnel") || block_is(b->kid, "mode", "iptfs"), "TUNNEL"},
        {block_is(b->kid,                                              "mode",                                                                                    "transport") && !b->v->has_prefix, "TRANSPORT"},
        {block_has_method(child),         "PFS"},
        {!strcmp(dscp,                                                "yes") || !strcmp(dscp,                                                                              "in"), "DECAP_DSCP"},
        {block_is(b->kid,                                          "copy_df",                             "no"), "NOPMTUDISC"},
        {block_is(b->kid,                                             "sha256_96",                                                                                   "yes"), "SHA2_TRUNCBUG"},
        {!block_number(b->set,                                           "rekey_time") && !block_number(b->set,                                                                                                   "reauth_time"), "DONT_REKEY"},
        {block_number(b->set,"reauth_time") != 0,"REAUTH"},
        {has_pools,                                                        "IKEV2_ALLOW_NARROWING"                                                                               },
        {!block_is(b->set,                                                   "fragmentation",                                                 "no"), "IKE_FRAG_ALLOW"},
        {block_is(b->set,                                          "mobike",                         "yes"), "MOBIKE"},
        {insists || *block_set(b->set,                                         "ppk_id"),                                                                               "PPK_ALLOW"},
        {insists,"PPK_INSIST"},
        {has_short,                                                        "ESN_NO"                                                                           },
        {first_long != NULL,                                                "ESN_YES"                                                                                                                                               },
    };
    fputs("policy: IKEv2", f);
    for (size_t i = 0; i < sizeof(words) / sizeof(*words); i++) {
        if (words[i].is_there && *words[i].word)
            fprintf(f, "+%s", words[i].word);
    }
    fputc(';', f);
}

static void hashes(FILE *f, const struct block *b)
{
    static const char *const names[] = {"SHA2_256", "SHA2_384", "SHA2_512"};
    const char *auth = block_auth(b, "local"), *by = "";
    bool has_some = text_holds(auth, "SHA");
    fputs("v2-auth-hash-policy: ", f);
    for (size_t i = 0; i < 3 && !strncmp(auth, "pubkey", 6); i++) {
        char other[] = "SHA256";
        snprintf(other, sizeof(other), "SHA%s", names[i] + 5);
        if (has_some && !text_holds(auth, names[i]) && !text_holds(auth, other))
            continue;
        fprintf(f, "%s%s", by, names[i]);
        by = "+";
    }
    fputs(*by ? ";" : "none;", f);
}

/* ---- the kernel's */

static int prefix_of(const struct block *b, const char *key)
{
    const char *ts = json_string_value(json_array_get(member_object(b->child, key), 0));
    if (*key == 'l' && *block_set(b->set, "vips")) /* whatever address we will get */
        return 0;
    const char *slash = ts ? strchr(ts, '/') : NULL, *open = ts ? strchr(ts, '[') : NULL;
    return slash && (!open || slash < open) ? atoi(slash + 1) : ts && strchr(ts, ':') ? 128 : 32;
}

static void priority(FILE *f, const struct block *b)
{
    char local[256];
    block_host(b, true, local, sizeof(local));
    const char *interface = member(b->a->interfaces, local), *priority = block_set(b->kid, "priority"),
               *tfc = block_set(b->kid, "tfc_padding");
    fprintf(f, "conn_prio: %d,%d%s; interface: %s; metric: 0; mtu: unset; sa_prio:%s; sa_tfc:%s;",
            prefix_of(b, "local-ts"), prefix_of(b, "remote-ts"), b->v->has_prefix ? "" : ",0",
            *interface ? interface : "<unset>", !strcmp(priority, "0") ? "auto" : priority,
            !strcmp(tfc, "0") ? "none" : tfc);
}

/* A mark of its own for each child is told as the largest number. False: it is 0, or there is none. */
static bool mark_of(const struct block *b, const char *key, unsigned long *value, unsigned long *mask)
{
    const char *text = block_set(b->kid, key), *slash = strchr(text, '/');
    *value = *text == '%' ? UINT32_MAX : strtoul(text, NULL, 0);
    *mask = slash ? strtoul(slash + 1, NULL, 0) : *text ? UINT32_MAX : 0;
    return *value != 0;
}

/* Keyway shares an interface wherever several connections name it. */
static bool is_shared(const struct block *b, const char *name)
{
    const char *conn, *child;
    json_t *c, *kid;
    json_object_foreach(b->a->shown, conn, c)
    {
        json_object_foreach(member_object(c, "children"), child, kid)
        {
            if (kid != b->kid && block_is(kid, "tunnel_interface", name))
                return true;
        }
    }
    return false;
}

static const char *offload_of(const struct block *b)
{
    const char *offload = block_set(b->kid, "hw_offload");
    if (!*offload)
        return b->v->has_prefix ? "auto" : "no";
    return b->v->has_prefix && !strcmp(offload, "crypto") ? "yes" : offload;
}

static void marks(FILE *f, const struct block *b)
{
    bool is_vti = block_is(b->kid, "tunnel_interface_kind", "vti");
    const char *vti = is_vti ? block_set(b->kid, "tunnel_interface") : "unset";
    unsigned long in, in_mask, out, out_mask;
    bool has_in = mark_of(b, "mark_in", &in, &in_mask), has_out = mark_of(b, "mark_out", &out, &out_mask);
    fputs("nflog-group: unset; mark: ", f);
    if (has_in || has_out)
        fprintf(f, "%lu/%#08lx, %lu/%#08lx", in, in_mask, out, out_mask);
    else
        fputs("unset", f);
    fprintf(f, "; vti-iface:%s; vti-routing:%s; vti-shared:%s; nic-offload:%s;", vti,
            is_vti ? block_set(b->kid, "tunnel_interface_routes") : "no",
            is_vti && is_shared(b, vti) ? "yes" : "no", offload_of(b));
}

static void nat(FILE *f, const struct block *b)
{
    fprintf(f, "nat-traversal: %s:%s; keepalive:%ss", b->v->has_prefix ? "encaps" : "encapsulation",
            block_set(b->set, "encap"), member(member_object(b->a->status, "retransmission"), "keep-alive"));
}

static void newest(FILE *f, const struct block *b)
{
    const char *ike = b->sa ? member(b->sa, "uniqueid") : "0",
               *child = b->up ? member(b->up, "uniqueid") : "0";
    if (b->v->has_prefix) {
        fprintf(f, "newest IKE SA: #%s; newest IPsec SA: #%s; conn serial: $%zu;", ike, child, b->serial);
        return;
    }
    fprintf(f, "routing: %s;", block_routing(b));
    if (b->up)
        fprintf(f, " owner: Child SA #%s;", child);
    if (b->sa)
        fprintf(f, " established IKE SA: #%s;", ike);
    if (b->up)
        fprintf(f, " established Child SA: #%s;", child);
}

static void serial(FILE *f, const struct block *b)
{
    fprintf(f, "conn serial: $%zu;", b->serial);
}

static void aliases(FILE *f, const struct block *b)
{
    if (strchr(b->label, '/'))
        fprintf(f, "aliases: %s", b->connection);
}

/* ---- all of it */

enum { OF_4 = 1, OF_5 = 2, OF_BOTH = OF_4 | OF_5 };

static const struct {
    unsigned of;
    void (*write)(FILE *f, const struct block *b); /* nothing: no line */
} rows[] = {
    {OF_BOTH, host                  },
    {OF_5,    updown                },
    {OF_BOTH, xauth                 },
    {OF_BOTH, auth                  },
    {OF_BOTH, modecfg               },
    {OF_BOTH, label                 },
    {OF_BOTH, lives                 },
    {OF_5,    iptfs                 },
    {OF_BOTH, retransmission        },
    {OF_BOTH, interoperation        },
    {OF_BOTH, policy                },
    {OF_BOTH, hashes                },
    {OF_BOTH, priority              },
    {OF_BOTH, marks                 },
    {OF_BOTH, block_identities      },
    {OF_BOTH, liveness              },
    {OF_BOTH, nat                   },
    {OF_BOTH, newest                },
    {OF_5,    serial                },
    {OF_BOTH, aliases               },
    {OF_BOTH, block_ike_algorithms  },
    {OF_BOTH, block_ike_newest      },
    {OF_BOTH, block_child_algorithms},
    {OF_BOTH, block_child_newest    },
};

static void line(const struct block *b, const char *before, void (*write)(FILE *f, const struct block *b))
{
    char *text = NULL;
    size_t len = 0;
    FILE *f = open_memstream(&text, &len);
    if (!f)
        abort();
    write(f, b);
    fclose(f);
    if (len)
        say(b->v, RC_PLAIN, "\"%s\":%s%s", b->label, before, text);
    free(text);
}

void block_write(const struct block *b)
{
    line(b, " ", block_title);
    for (size_t i = 0; i < sizeof(rows) / sizeof(*rows); i++) {
        if (rows[i].of & (b->v->has_prefix ? OF_4 : OF_5))
            line(b, "   ", rows[i].write);
    }
}
