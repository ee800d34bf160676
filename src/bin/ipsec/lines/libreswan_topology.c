/* SPDX-License-Identifier: Apache-2.0 */
/* Whose networks, hosts and identities a connection is for, as Libreswan draws them. */
#include "bin/ipsec/lines/block.h"
#include <arpa/inet.h>
#include <ctype.h>
#include <netdb.h>
#include <stdlib.h>
#include <string.h>

/* ---- topology: "192.0.1.0/24===192.1.2.45[@west]...192.1.2.23[@east]===192.0.2.0/24" */

/* As a number, where list-conns has the service's name. */
static void write_port(FILE *f, const char *text)
{
    char name[64];
    snprintf(name, sizeof(name), "%.*s", (int)strcspn(text, "]"), text);
    const struct servent *s = isdigit((unsigned char)*name) ? NULL : getservbyname(name, NULL);
    if (s)
        fprintf(f, "/%u", ntohs((uint16_t)s->s_port));
    else
        fprintf(f, "/%s", name);
}

/* "10.0.0.0/8[udp/1701]" as 4.x has it, "10.0.0.0/8:UDP/1701", or as 5.x, with a '/' there. Those of the host
 * itself are its address and all of its bits. */
static void write_selector(FILE *f, const struct block *b, const char *ts, const char *host)
{
    const char *open = strchr(ts, '['), *slash = open ? strchr(open, '/') : NULL;
    if (!strncmp(ts, "dynamic", 7))
        fprintf(f, "%s/%d", host, strchr(host, ':') ? 128 : 32);
    else
        fprintf(f, "%.*s", (int)strcspn(ts, "["), ts);
    if (!open)
        return;
    fputc(b->v->has_prefix ? ':' : '/', f);
    for (const char *p = open + 1; *p && *p != '/' && *p != ']'; p++)
        fputc(toupper((unsigned char)*p), f);
    if (slash)
        write_port(f, slash + 1);
    else if (b->v->has_prefix)
        fputs("/0-65535", f);
}

static bool is_of_host(const char *ts, const char *host)
{
    size_t len = strlen(host);
    return !strcmp(ts, "dynamic") || (!strncmp(ts, host, len) && ts[len] == '/' &&
                                      (!strcmp(ts + len, "/32") || !strcmp(ts + len, "/128")));
}

/* Whatever address we will get. */
static const char *asked_of(const struct block *b, bool is_local)
{
    const char *vips = block_set(b->set, "vips");
    return !is_local || !*vips ? NULL : strchr(vips, ':') ? "::/0" : "0.0.0.0/0";
}

/* The networks behind an end; nothing where there is but the host. */
static void write_client(FILE *f, const struct block *b, bool is_local, const char *host)
{
    json_t *list = member_object(b->child, is_local ? "local-ts" : "remote-ts"), *item;
    const char *first = json_string_value(json_array_get(list, 0)), *asked = asked_of(b, is_local);
    size_t i;
    if (!first || (json_array_size(list) == 1 && is_of_host(first, host) && !asked))
        return;
    if (!is_local)
        fputs("===", f);
    json_array_foreach(list, i, item)
    {
        fputs(i ? "," : "", f);
        if (asked)
            fputs(asked, f);
        else
            write_selector(f, b, json_string_value(item), host);
    }
    if (is_local)
        fputs("===", f);
}

/* "[@west,MS+S=C]": who it is, and whether it gives or takes addresses. */
static void write_who(FILE *f, const struct block *b, bool is_local, const char *host)
{
    const char *who = member(member_object(b->conn, is_local ? "local-1" : "remote-1"), "id");
    char id[600];
    bool asks = *block_set(b->set, "vips"), gives = *block_set(b->set, "pools");
    const char *role = is_local ? (asks ? "+MC" : gives ? "MS" : "") : (gives ? "+MC" : "");
    bool is_shown = *who && strcmp(who, "%any") != 0 && strcmp(who, host) != 0;
    if (!is_shown && !*role)
        return;
    fprintf(f, "[%s%s%s%s]", is_shown ? libreswan_id(who, id, sizeof(id)) : "", is_shown && *role ? "," : "",
            role, *role ? "+S=C" : "");
}

/* Configured, or as it is with the peer. */
const char *block_host(const struct block *b, bool is_local, char *buf, size_t cap)
{
    json_t *at = has_instances(b->conn) ? NULL : b->sa;
    const char *host = member(at, is_local ? "local-host" : "remote-host");
    char *addrs = joined(member_object(b->conn, is_local ? "local_addrs" : "remote_addrs"), ",");
    snprintf(buf, cap, "%s", *host ? host : addrs);
    free(addrs);
    return buf;
}

static void write_topology(FILE *f, const struct block *b)
{
    char local[256], remote[256];
    block_host(b, true, local, sizeof(local));
    block_host(b, false, remote, sizeof(remote));
    write_client(f, b, true, local);
    fputs(local, f);
    write_who(f, b, true, local);
    fprintf(f, "...%s", remote);
    write_who(f, b, false, remote);
    write_client(f, b, false, remote);
}

void block_title(FILE *f, const struct block *b)
{
    write_topology(f, b);
    const char *word = b->up ? "erouted" : b->has_trap ? "prospective erouted" : "unrouted";
    if (b->v->has_prefix)
        fprintf(f, "; %s; eroute owner: #%s", word, b->up ? member(b->up, "uniqueid") : "0");
    else
        fprintf(f, "; %s; my_ip=unset; their_ip=unset;", block_routing(b));
}

/* ---- identities */

const char *libreswan_id_kind(const char *id)
{
    uint8_t ip[16];
    if (!strcmp(id, "ID_NULL"))
        return "ID_NULL";
    if (inet_pton(AF_INET, id, ip) == 1 || inet_pton(AF_INET6, id, ip) == 1)
        return strchr(id, ':') ? "ID_IPV6_ADDR" : "ID_IPV4_ADDR";
    if (!strncmp(id, "@#", 2))
        return "ID_KEY_ID";
    return *id == '@'                 ? "ID_FQDN"
           : strchr(id, '=')          ? "ID_DER_ASN1_DN"
           : strchr(id, '@')          ? "ID_USER_FQDN"
           : !strcmp(id, "%fromcert") ? "%fromcert"
                                      : "%none";
}

static const char *id_of(const struct block *b, bool is_local, char *buf, size_t cap)
{
    const char *id = member(member_object(b->conn, is_local ? "local-1" : "remote-1"), "id");
    char host_text[256];
    bool has_none = !*id || !strcmp(id, "%any");
    if (has_none && is_local)
        return snprintf(buf, cap, "%s", block_host(b, true, host_text, sizeof(host_text))), buf;
    if (has_none)
        return snprintf(buf, cap, "%s",
                        strncmp(block_auth(b, "remote"), "pubkey", 6) ? "(none)" : "%fromcert"),
               buf;
    return libreswan_id(id, buf, cap);
}

void block_identities(FILE *f, const struct block *b)
{
    char ours[600], theirs[600];
    id_of(b, true, ours, sizeof(ours));
    id_of(b, false, theirs, sizeof(theirs));
    fprintf(f, "our idtype: %s; our id=%s; their idtype: %s; their id=%s", libreswan_id_kind(ours), ours,
            libreswan_id_kind(theirs), theirs);
}
