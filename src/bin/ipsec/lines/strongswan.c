/* SPDX-License-Identifier: Apache-2.0 */
/* strongSwan's `ipsec status`, `statusall`, `leases` and `listalgs`, as 5.9.8 writes them. */
#include "base/text.h"
#include "bin/ipsec/lines/lines.h"
#include <stdlib.h>
#include <string.h>

static const char *duration(int64_t s, char buf[40])
{
    struct text t = {.buf = buf, .cap = 40};
    text_duration(&t, s);
    return buf;
}

/* AES_GCM_16_256, AES_CBC_128/HMAC_SHA2_256_128 and so on: a name with its key size. */
static void write_cipher(FILE *to, json_t *o)
{
    const char *bits = member(o, "encr-keysize"), *integ = member(o, "integ-alg");
    fprintf(to, "%s%s%s", member(o, "encr-alg"), *bits ? "_" : "", bits);
    if (*integ)
        fprintf(to, "/%s", integ);
}

static void write_exchanges(FILE *to, json_t *o)
{
    char key[16];
    if (*member(o, "dh-group"))
        fprintf(to, "/%s", member(o, "dh-group"));
    for (unsigned i = 1; i <= 7; i++) {
        snprintf(key, sizeof(key), "ake%u", i);
        if (*member(o, key))
            fprintf(to, "/KE%u_%s", i, member(o, key));
    }
}

/* ---- connections */

static const char *id_shown(json_t *auth, char buf[700])
{
    const char *id = member(auth, "id");
    snprintf(buf, 700, "[%s] ", id);
    return *id && strcmp(id, "%any") != 0 ? buf : "";
}

static void write_list(FILE *to, const char *name, json_t *auth, const char *key, const char *label,
                       const char *quote)
{
    size_t i;
    json_t *item;
    json_array_foreach(member_object(auth, key), i, item)
    {
        fprintf(to, "%12s:    %s%s%s%s\n", name, label, quote, json_string_value(item), quote);
    }
}

static void write_auth(FILE *to, const char *name, const char *label, json_t *auth)
{
    char id[700];
    fprintf(to, "%12s:   %s%suses %s authentication\n", name, label, id_shown(auth, id),
            member(auth, "class"));
    const char *revocation = member(auth, "revocation");
    write_list(to, name, auth, "cacerts", "ca:    ", "\"");
    write_list(to, name, auth, "certs", "cert:  ", "\"");
    if (*revocation)
        fprintf(to, "%12s:    crl:   status must be GOOD%s\n", name,
                strcmp(revocation, "GOOD") ? " or SKIPPED" : "");
    write_list(to, name, auth, "groups", "group: ", "");
}

static void write_connection(FILE *to, const char *name, json_t *conn)
{
    char *ours = joined(member_object(conn, "local_addrs"), ","),
         *theirs = joined(member_object(conn, "remote_addrs"), ",");
    const char *delay = member(conn, "dpd_delay"), *key;
    json_t *value;
    fprintf(to, "%12s:  %s...%s  %s", name, ours, theirs, member(conn, "version"));
    if (*delay)
        fprintf(to, ", dpddelay=%ss", delay);
    fputc('\n', to);
    free(ours);
    free(theirs);
    json_object_foreach(conn, key, value)
    {
        if (!strncmp(key, "local-", 6))
            write_auth(to, name, "local:  ", value);
        if (!strncmp(key, "remote-", 7))
            write_auth(to, name, "remote: ", value);
    }
    json_object_foreach(member_object(conn, "children"), key, value)
    {
        char *left = joined(member_object(value, "local-ts"), " "),
             *right = joined(member_object(value, "remote-ts"), " ");
        const char *action = member(value, "dpd_action");
        fprintf(to, "%12s:   child:  %s === %s %s", key, left, right, member(value, "mode"));
        if (*delay)
            fprintf(to, ", dpdaction=%s", action);
        fputc('\n', to);
        free(left);
        free(right);
    }
}

/* ---- SAs */

static void write_times(FILE *to, json_t *conn, json_t *sa)
{
    const char *rekey = member(sa, "rekey-time"), *reauth = member(sa, "reauth-time"),
               *class = member(member_object(conn, "local-1"), "class");
    char text[40];
    if (*rekey)
        fprintf(to, ", rekeying in %s", duration(strtoll(rekey, NULL, 10), text));
    if (*reauth)
        fprintf(to, ", %s reauthentication in %s", class, duration(strtoll(reauth, NULL, 10), text));
    if (!*rekey && !*reauth)
        fputs(", rekeying disabled", to);
    fputc('\n', to);
}

static void write_ike(FILE *to, const struct answers *a, json_t *row, bool has_all)
{
    json_t *sa = member_object(row, "body");
    const char *name = member(row, "name"), *id = member(sa, "uniqueid"),
               *established = member(sa, "established");
    bool is_initiator = *member(sa, "initiator");
    char text[40];
    fprintf(to, "%12s[%s]: %s", name, id, member(sa, "state"));
    if (*established)
        fprintf(to, " %s ago", duration(strtoll(established, NULL, 10), text));
    fprintf(to, ", %s[%s]...%s[%s]\n", member(sa, "local-host"), member(sa, "local-id"),
            member(sa, "remote-host"), member(sa, "remote-id"));
    if (!has_all)
        return;
    fprintf(to, "%12s[%s]: IKEv2 SPIs: %s_i%s %s_r%s", name, id, member(sa, "initiator-spi"),
            is_initiator ? "*" : "", member(sa, "responder-spi"), is_initiator ? "" : "*");
    if (*established)
        write_times(to, conn_of(a, name), sa);
    else
        fputc('\n', to);
    if (!*member(sa, "encr-alg"))
        return;
    fprintf(to, "%12s[%s]: IKE proposal: ", name, id);
    write_cipher(to, sa);
    fprintf(to, "/%s", member(sa, "prf-alg"));
    write_exchanges(to, sa);
    fputc('\n', to);
}

static void write_traffic(FILE *to, json_t *child, const char *way)
{
    char key[16];
    snprintf(key, sizeof(key), "bytes-%s", way);
    fprintf(to, ", %lld bytes_%c", (long long)member_number(child, key), *way);
    snprintf(key, sizeof(key), "use-%s", way);
    const char *use = member(child, key);
    snprintf(key, sizeof(key), "packets-%s", way);
    long long packets = member_number(child, key);
    if (*use)
        fprintf(to, " (%lld pkt%s, %ss ago)", packets, packets == 1 ? "" : "s", use);
}

static void write_installed(FILE *to, const char *name, json_t *child, bool has_all)
{
    const char *id = member(child, "uniqueid"), *rekey = member(child, "rekey-time");
    const char *encap = *member(child, "tcp") ? " in TCP" : *member(child, "encap") ? " in UDP" : "";
    char text[40];
    fprintf(to, ", %s%s SPIs: %s_i %s_o", member(child, "protocol"), encap, member(child, "spi-in"),
            member(child, "spi-out"));
    if (*member(child, "cpi-in"))
        fprintf(to, ", IPCOMP CPIs: %s_i %s_o", member(child, "cpi-in"), member(child, "cpi-out"));
    fputc('\n', to);
    if (!has_all)
        return;
    fprintf(to, "%12s{%s}:  ", name, id);
    write_cipher(to, child);
    write_exchanges(to, child);
    if (*member(child, "esn"))
        fputs("/ESN", to);
    write_traffic(to, child, "in");
    write_traffic(to, child, "out");
    bool is_active = !strcmp(member(child, "state"), "REKEYING");
    fprintf(to, ", rekeying %s%s\n",
            is_active ? "active"
            : *rekey  ? "in "
                      : "disabled",
            is_active || !*rekey ? "" : duration(strtoll(rekey, NULL, 10), text));
}

static void write_child(FILE *to, json_t *child, bool has_all)
{
    const char *name = member(child, "name"), *id = member(child, "uniqueid"),
               *state = member(child, "state"), *life = member(child, "life-time");
    char text[40];
    fprintf(to, "%12s{%s}:  %s, %s, reqid %s", name, id, state, member(child, "mode"),
            member(child, "reqid"));
    if (!strcmp(state, "INSTALLED")) {
        write_installed(to, name, child, has_all);
    } else {
        if (!strncmp(state, "REKEY", 5) && *life)
            fprintf(to, ", expires in %s", duration(strtoll(life, NULL, 10), text));
        fputc('\n', to);
    }
    char *ours = joined(member_object(child, "local-ts"), " "),
         *theirs = joined(member_object(child, "remote-ts"), " ");
    fprintf(to, "%12s{%s}:   %s === %s\n", name, id, ours, theirs);
    free(ours);
    free(theirs);
}

static bool is_wanted(json_t *row, const char *name)
{
    const char *key;
    json_t *child;
    if (!name || !strcmp(name, member(row, "name")))
        return true;
    json_object_foreach(member_object(member_object(row, "body"), "child-sas"), key, child)
    {
        if (!strcmp(name, member(child, "name")))
            return true;
    }
    return false;
}

static void write_sas(FILE *to, const struct answers *a, const char *name, bool has_all)
{
    size_t i, up = 0, connecting = 0, shown = 0;
    json_t *row, *child;
    const char *key;
    json_array_foreach(a->sas, i, row)
    {
        bool is_connecting = !strcmp(member(member_object(row, "body"), "state"), "CONNECTING");
        connecting += is_connecting;
        up += !is_connecting;
    }
    fprintf(to, "Security Associations (%zu up, %zu connecting):\n", up, connecting);
    json_array_foreach(a->sas, i, row)
    {
        if (!is_wanted(row, name))
            continue;
        shown++;
        write_ike(to, a, row, has_all);
        json_object_foreach(member_object(member_object(row, "body"), "child-sas"), key, child)
        {
            if (!name || !strcmp(name, member(row, "name")) || !strcmp(name, member(child, "name")))
                write_child(to, child, has_all);
        }
    }
    if (!shown)
        fprintf(to, "  %s\n", name ? "no match" : "none");
}

/* Of what passes or is dropped, and of what waits for a packet. */
static void write_policies(FILE *to, const struct answers *a, const char *name, bool are_shunts)
{
    size_t i, n = 0;
    json_t *row;
    json_array_foreach(a->policies, i, row)
    {
        json_t *p = member_object(row, "body");
        const char *mode = member(p, "mode"), *child = member(p, "child");
        bool is_shunt = !strcmp(mode, "PASS") || !strcmp(mode, "DROP");
        if (is_shunt != are_shunts ||
            (name && strcmp(name, child) != 0 && strcmp(name, member(p, "ike")) != 0))
            continue;
        if (!n++)
            fputs(are_shunts ? "Shunted Connections:\n" : "Routed Connections:\n", to);
        char *ours = joined(member_object(p, "local-ts"), " "),
             *theirs = joined(member_object(p, "remote-ts"), " ");
        if (is_shunt)
            fprintf(to, "%12s:  %s === %s %s\n", child, ours, theirs, mode);
        else
            fprintf(to, "%12s{%zu}:  ROUTED, %s, reqid %zu\n%12s{%zu}:   %s === %s\n", child, n, mode, n,
                    child, n, ours, theirs);
        free(ours);
        free(theirs);
    }
}

static void write_head(FILE *to, const struct answers *a)
{
    json_t *uptime = member_object(a->stats, "uptime"), *workers = member_object(a->stats, "workers"),
           *active = member_object(workers, "active"), *queues = member_object(a->stats, "queues");
    fprintf(to, "Status of IKE charon daemon (Keyway %s, %s %s, %s):\n", member(a->version, "version"),
            member(a->version, "sysname"), member(a->version, "release"), member(a->version, "machine"));
    fprintf(to, "  uptime: %s, since %s\n", member(uptime, "running"), member(uptime, "since"));
    json_t *memory = member_object(a->stats, "mallinfo");
    if (memory)
        fprintf(to, "  malloc: sbrk %s, mmap %s, used %s, free %s\n", member(memory, "sbrk"),
                member(memory, "mmap"), member(memory, "used"), member(memory, "free"));
    fprintf(
        to, "  worker threads: %s of %s idle, %s/%s/%s/%s working, job queue: %s/%s/%s/%s, scheduled: %s\n",
        member(workers, "idle"), member(workers, "total"), member(active, "critical"), member(active, "high"),
        member(active, "medium"), member(active, "low"), member(queues, "critical"), member(queues, "high"),
        member(queues, "medium"), member(queues, "low"), member(a->stats, "scheduled"));
    char *plugins = joined(member_object(a->stats, "plugins"), " ");
    fprintf(to, "  loaded plugins: %s\n", plugins);
    free(plugins);
}

/* What it listens on, and what it gives to peers. */
static void write_places(FILE *to, const struct answers *a)
{
    const char *name;
    json_t *pool, *address;
    size_t i;
    if (json_object_size(a->pools))
        fputs("Virtual IP pools (size/online/offline):\n", to);
    json_object_foreach(a->pools, name, pool)
    {
        if (json_is_object(pool))
            fprintf(to, "  %s: %s/%s/%s\n", name, member(pool, "size"), member(pool, "online"),
                    member(pool, "offline"));
    }
    fputs("Listening IP addresses:\n", to);
    json_array_foreach(a->addresses, i, address)
    {
        fprintf(to, "  %s\n", json_string_value(address));
    }
}

void strongswan_status(FILE *to, const struct answers *a, const char *name, bool has_all)
{
    size_t i;
    json_t *row;
    if (has_all) {
        write_head(to, a);
        write_places(to, a);
        fputs("Connections:\n", to);
        json_array_foreach(a->conns, i, row)
        {
            if (!name || !strcmp(name, member(row, "name")))
                write_connection(to, member(row, "name"), member_object(row, "body"));
        }
    }
    write_policies(to, a, name, true);
    write_policies(to, a, name, false);
    write_sas(to, a, name, has_all);
}

/* ---- pools and algorithms */

static size_t write_lease_lines(FILE *to, json_t *leases, const char *address)
{
    const char *key;
    json_t *lease;
    size_t n = 0;
    json_object_foreach(leases, key, lease)
    {
        if (address && strcmp(address, member(lease, "address")) != 0)
            continue;
        n++;
        fprintf(to, "%15s   %-7s   '%s'\n", member(lease, "address"), member(lease, "status"),
                member(lease, "identity"));
    }
    return n;
}

bool strongswan_leases(FILE *to, json_t *pools, const char *pool, const char *address)
{
    const char *name;
    json_t *p;
    size_t n = 0, found = 0;
    json_object_foreach(pools, name, p)
    {
        if (pool && strcmp(pool, name) != 0)
            continue;
        n++;
        fprintf(to, "Leases in pool '%s', usage: %lld/%s, %s online\n", name,
                (long long)(member_number(p, "online") + member_number(p, "offline")), member(p, "size"),
                member(p, "online"));
        size_t lines = write_lease_lines(to, member_object(p, "leases"), address);
        found += lines;
        if (!lines)
            fputs("  no matching leases found\n", to);
    }
    if (!n)
        fprintf(to, pool ? "pool '%s' not found\n" : "no pools found\n", pool);
    return n && (found || !address);
}

void strongswan_algorithms(FILE *to, json_t *algorithms)
{
    const char *kind, *name;
    json_t *section, *by;
    fputs("List of registered IKE algorithms:\n", to);
    json_object_foreach(algorithms, kind, section)
    {
        fprintf(to, "\n  %s:", kind);
        json_object_foreach(section, name, by)
        {
            fprintf(to, " %s[%s]", name, json_string_value(by));
        }
        fputc('\n', to);
    }
}
