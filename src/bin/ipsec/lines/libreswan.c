/* SPDX-License-Identifier: Apache-2.0 */
/* Libreswan's lines of traffic, of what came up, and of few words. */
#include "bin/ipsec/lines/lines.h"
#include <arpa/inet.h>
#include <ctype.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

void say(const struct voice *v, int code, const char *fmt, ...)
{
    va_list ap;
    if (v->has_prefix)
        fprintf(v->to, "%03d ", code);
    va_start(ap, fmt);
    vfprintf(v->to, fmt, ap);
    va_end(ap);
    fputc('\n', v->to);
    fflush(v->to); /* progress is seen as it comes */
}

int code_as_exit(int code)
{
    return code >= 20 ? code : 0;
}

/* "0a:0b": octets of a key id that are no text */
static bool is_octets(const char *id)
{
    for (; isxdigit((unsigned char)id[0]) && isxdigit((unsigned char)id[1]); id += 3) {
        if (!id[2])
            return true;
        if (id[2] != ':')
            return false;
    }
    return false;
}

const char *libreswan_id(const char *id, char *buf, size_t cap)
{
    uint8_t ip[16];
    size_t len;
    if (strchr(id, ':') && is_octets(id) && inet_pton(AF_INET6, id, ip) != 1) {
        len = (size_t)snprintf(buf, cap, "@#0x");
        for (; *id && len + 1 < cap; id++) {
            if (*id != ':')
                buf[len++] = *id;
        }
        buf[len] = '\0';
        return buf;
    }
    bool is_name = *id && *id != '%' && !strpbrk(id, "@=:/") && inet_pton(AF_INET, id, ip) != 1;
    snprintf(buf, cap, "%s%s",
             !strcmp(id, "%null") ? "ID_NULL"
             : is_name            ? "@"
                                  : "",
             strcmp(id, "%null") ? id : "");
    return buf;
}

bool has_instances(json_t *conn)
{
    json_t *addrs = member_object(conn, "remote_addrs");
    const char *first = json_string_value(json_array_get(addrs, 0));
    return first && (!strcmp(first, "%any") || strpbrk(first, "-/"));
}

/* Which of the connection's SAs is it? From 1. */
static size_t instance_of(const struct answers *a, json_t *sa_row)
{
    size_t i;
    json_t *row;
    json_array_foreach(sas_of(a, member(sa_row, "name")), i, row)
    {
        if (row == sa_row)
            break;
    }
    return i + 1;
}

const char *libreswan_name(const struct answers *a, json_t *sa_row, const char *label, char *buf)
{
    if (has_instances(conn_of(a, member(sa_row, "name"))))
        snprintf(buf, 400, "\"%s\"[%zu] %s", label, instance_of(a, sa_row),
                 member(member_object(sa_row, "body"), "remote-host"));
    else
        snprintf(buf, 400, "\"%s\"", label);
    return buf;
}

/* ---- every child that is up, in the order of names */

struct up_child {
    json_t *row, *sa, *child;
    char label[300];
};

static int by_name(const void *a, const void *b)
{
    const struct up_child *x = a, *y = b;
    int order = strcmp(x->label, y->label);
    long long d = member_number(x->child, "uniqueid") - member_number(y->child, "uniqueid");
    return order ? order : d < 0 ? -1 : d > 0;
}

static bool is_named(const struct up_child *c, const char *name)
{
    size_t len = strcspn(c->label, "/");
    return !name || !strcmp(c->label, name) || (strlen(name) == len && !memcmp(c->label, name, len));
}

/* The caller frees *v. */
static size_t collect(const struct answers *a, const char *name, struct up_child **v)
{
    size_t n = 0, i;
    json_t *row, *child;
    const char *key;
    *v = NULL;
    json_array_foreach(a->sas, i, row)
    {
        json_object_foreach(member_object(member_object(row, "body"), "child-sas"), key, child)
        {
            struct up_child c = {.row = row, .sa = member_object(row, "body"), .child = child};
            child_label(a, member(row, "name"), child, c.label);
            if (!child_is_up(child) || !is_named(&c, name))
                continue;
            *v = realloc(*v, (n + 1) * sizeof(c));
            if (!*v)
                abort();
            (*v)[n++] = c;
        }
    }
    if (n)
        qsort(*v, n, sizeof(**v), by_name);
    return n;
}

static void write_leases(FILE *f, json_t *sa)
{
    static const char *const keys[] = {"remote-vips", "local-vips"};
    size_t k, i;
    json_t *ip;
    for (k = 0; k < 2; k++) {
        json_array_foreach(member_object(sa, keys[k]), i, ip)
        {
            const char *text = json_string_value(ip);
            fprintf(f, ", lease=%s/%d", text, strchr(text, ':') ? 128 : 32);
        }
    }
}

size_t libreswan_traffic(const struct voice *v, const struct answers *a, const char *name)
{
    struct up_child *all;
    size_t n = collect(a, name, &all);
    char id[600], shown[400];
    for (size_t i = 0; i < n; i++) {
        struct up_child *c = &all[i];
        char *leases = NULL;
        size_t len = 0;
        FILE *f = open_memstream(&leases, &len);
        if (!f)
            abort();
        write_leases(f, c->sa);
        fclose(f);
        say(v, RC_TRAFFIC,
            "#%s: %s, type=%s, add_time=%lld, inBytes=%lld, outBytes=%lld, maxBytes=2^63B, id='%s'%s",
            member(c->child, "uniqueid"), libreswan_name(a, c->row, c->label, shown),
            member(c->child, "protocol"), (long long)(a->now - member_number(c->child, "install-time")),
            (long long)member_number(c->child, "bytes-in"), (long long)member_number(c->child, "bytes-out"),
            libreswan_id(member(c->sa, "remote-id"), id, sizeof(id)), leases);
        free(leases);
    }
    free(all);
    return n;
}

void libreswan_farewell(const struct voice *v, const struct answers *a, const char *name)
{
    struct up_child *all;
    size_t n = collect(a, name, &all);
    char shown[400];
    for (size_t i = 0; i < n; i++) {
        struct up_child *c = &all[i];
        say(v, RC_INFORMATION, "%s #%s: %s traffic information: in=%lldB out=%lldB",
            libreswan_name(a, c->row, c->label, shown), member(c->child, "uniqueid"),
            member(c->child, "protocol"), (long long)member_number(c->child, "bytes-in"),
            (long long)member_number(c->child, "bytes-out"));
    }
    free(all);
}

/* AES_GCM_16_256-NONE: cipher, key size, integrity. */
static void write_transforms(FILE *f, json_t *child)
{
    const char *encr = member(child, "encr-alg"), *bits = member(child, "encr-keysize"),
               *integ = member(child, "integ-alg");
    fprintf(f, "%s%s%s-%s", encr, *bits ? "_" : "", bits, *integ ? integ : "NONE");
}

/* ---- what came up, and what goes */

static void write_established(const struct voice *v, const struct answers *a, const struct up_child *c)
{
    char shown[400], id[600];
    json_t *conn = conn_of(a, member(c->row, "name"));
    const char *class = member(member_object(conn, "remote-1"), "class");
    libreswan_id(member(c->sa, "remote-id"), id, sizeof(id));
    say(v, RC_SERIOUS, "%s #%s: initiator established IKE SA; authenticated peer using %s and %s '%s'",
        libreswan_name(a, c->row, member(c->row, "name"), shown), member(c->sa, "uniqueid"),
        !strcmp(class, "pre-shared key") ? "authby=secret"
        : !strcmp(class, "null")         ? "authby=null"
                                         : "digital signature",
        libreswan_id_kind(id), id);
}

/* The rows of a connection's SAs that are up, one after the other. */
static json_t *next_up(const struct answers *a, const char *name, size_t *i)
{
    json_t *rows = sas_of(a, name);
    while (*i < json_array_size(rows)) {
        json_t *sa = member_object(json_array_get(rows, (*i)++), "body");
        if (!strcmp(member(sa, "state"), "ESTABLISHED") || !strcmp(member(sa, "state"), "REKEYING"))
            return sa;
    }
    return NULL;
}

void libreswan_ending(const struct voice *v, const struct answers *a, const char *name)
{
    size_t i = 0, n;
    json_t *sa, *child;
    const char *key, *by;
    if (v->has_prefix)
        say(v, RC_LOG, "\"%s\": terminating SAs using this connection", name);
    while ((sa = next_up(a, name, &i))) {
        const char *id = member(sa, "uniqueid");
        char *children = NULL;
        size_t len = 0;
        FILE *f = open_memstream(&children, &len);
        if (!f)
            abort();
        n = 0;
        by = " (and Child SA #";
        json_object_foreach(member_object(sa, "child-sas"), key, child)
        {
            fprintf(f, "%s%s", by, member(child, "uniqueid"));
            by = " #";
            n++;
        }
        fclose(f);
        if (v->has_prefix)
            say(v, RC_LOG,
                "\"%s\" #%s: deleting state (STATE_V2_ESTABLISHED_IKE_SA) aged %ss and sending notification",
                name, id, member(sa, "established"));
        else
            say(v, RC_LOG, "\"%s\": initiating delete of connection's IKE SA #%s%s%s", name, id, children,
                n ? ")" : "");
        if (!v->has_prefix)
            say(v, RC_LOG, "\"%s\" #%s: sent INFORMATIONAL request to delete IKE SA", name, id);
        free(children);
    }
}

void libreswan_ended(const struct voice *v, const struct answers *a, const char *name)
{
    size_t i = 0;
    json_t *sa;
    while (!v->has_prefix && (sa = next_up(a, name, &i)))
        say(v, RC_LOG, "\"%s\" #%s: deleting IKE SA (established IKE SA)", name, member(sa, "uniqueid"));
}

void libreswan_up(const struct voice *v, const struct answers *a, const char *connection, const char *child,
                  bool has_new)
{
    struct up_child *all;
    size_t n = collect(a, connection, &all);
    char shown[400];
    for (size_t i = 0; i < n; i++) {
        struct up_child *c = &all[i];
        if (child && strcmp(member(c->child, "name"), child) != 0)
            continue;
        char *ours = joined(member_object(c->child, "local-ts"), ","),
             *theirs = joined(member_object(c->child, "remote-ts"), ","), *transforms = NULL;
        size_t len = 0;
        if (has_new)
            write_established(v, a, c);
        has_new = false;
        FILE *f = open_memstream(&transforms, &len);
        if (!f)
            abort();
        write_transforms(f, c->child);
        fclose(f);
        bool is_transport = !strcmp(member(c->child, "mode"), "TRANSPORT");
        const char *encap = *member(c->child, "tcp") ? "inTCP" : *member(c->child, "encap") ? "inUDP" : "";
        char natd[128] = "";
        if (*encap)
            snprintf(natd, sizeof(natd), " NATD=%s:%s", member(c->sa, "remote-host"),
                     member(c->sa, "remote-port"));
        say(v, RC_SUCCESS,
            "%s #%s: initiator established Child SA using #%s; IPsec %s [%s===%s] {%s%s%s=>0x%s <0x%s "
            "xfrm=%s%s DPD=%s}",
            libreswan_name(a, c->row, c->label, shown), member(c->child, "uniqueid"),
            member(c->sa, "uniqueid"), is_transport ? "transport" : "tunnel", ours, theirs,
            member(c->child, "protocol"), encap, *member(c->child, "esn") ? "/ESN" : "",
            member(c->child, "spi-out"), member(c->child, "spi-in"), transforms, natd,
            *member(conn_of(a, member(c->row, "name")), "dpd_delay") ? "active" : "passive");
        free(ours);
        free(theirs);
        free(transforms);
    }
    free(all);
}

void libreswan_brief_connections(const struct voice *v, const struct answers *a, const char *name)
{
    struct up_child *all;
    size_t n = collect(a, name, &all), i, loaded = 0;
    json_t *row;
    for (i = 0; i < n; i++) {
        struct up_child *c = &all[i];
        char *ours = joined(member_object(c->child, "local-ts"), ","),
             *theirs = joined(member_object(c->child, "remote-ts"), ",");
        say(v, RC_PLAIN, "%s <==> %s\tfrom %s to %s (%lldB/%lldB)\t\"%s\", reqid=%s", ours, theirs,
            member(c->sa, "local-host"), member(c->sa, "remote-host"),
            (long long)member_number(c->child, "bytes-in"), (long long)member_number(c->child, "bytes-out"),
            c->label, member(c->child, "reqid"));
        free(ours);
        free(theirs);
    }
    free(all);
    json_array_foreach(a->conns, i, row) loaded +=
        json_object_size(member_object(member_object(row, "body"), "children"));
    say(v, RC_PLAIN, "# Total IPsec connections: loaded %zu, active %zu", loaded, n);
}
