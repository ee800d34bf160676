/* SPDX-License-Identifier: Apache-2.0 */
/* Libreswan's status: the head, connections, states, and the counts of briefstatus. What Keyway has no word
 * for (its kernel interface, NSS, XAUTH) is said in Libreswan's words, so that a script finds its line. */
#include "bin/ipsec/lines/block.h"
#include <stdlib.h>
#include <string.h>

static void blank(const struct voice *v)
{
    say(v, RC_PLAIN, "%s", v->has_prefix ? " " : "");
}

static bool is_up(json_t *sa)
{
    const char *state = member(sa, "state");
    return !strcmp(state, "ESTABLISHED") || !strcmp(state, "REKEYING");
}

struct counts {
    size_t ike, half_open, authenticated, anonymous, children, anonymous_children;
};

static struct counts count(const struct answers *a)
{
    struct counts n = {0};
    size_t i;
    json_t *row, *child;
    const char *key;
    json_array_foreach(a->sas, i, row)
    {
        json_t *sa = member_object(row, "body");
        bool is_anonymous = *member(sa, "remote-unproven");
        n.ike++;
        n.half_open += !strcmp(member(sa, "state"), "CONNECTING");
        n.authenticated += is_up(sa) && !is_anonymous;
        n.anonymous += is_up(sa) && is_anonymous;
        json_object_foreach(member_object(sa, "child-sas"), key, child)
        {
            n.children += child_is_up(child);
            n.anonymous_children += child_is_up(child) && is_anonymous;
        }
    }
    return n;
}

void libreswan_brief(const struct voice *v, const struct answers *a)
{
    struct counts n = count(a);
    bool has_cookies = *member(a->status, "cookies-required");
    say(v, RC_PLAIN, "State Information: DDoS cookies %srequired, Accepting new IKE connections",
        has_cookies ? "" : "not ");
    say(v, RC_PLAIN, "IKE SAs: total(%zu), half-open(%zu), open(%d), authenticated(%zu), anonymous(%zu)",
        n.ike, n.half_open, 0, n.authenticated, n.anonymous);
    say(v, RC_PLAIN, "IPsec SAs: total(%zu), authenticated(%zu), anonymous(%zu)", n.children,
        n.children - n.anonymous_children, n.anonymous_children);
}

/* ---- connections */

/* The newest that is up. */
static json_t *up_sa_of(const struct answers *a, const char *connection)
{
    json_t *rows = sas_of(a, connection);
    for (size_t i = json_array_size(rows); i > 0; i--) {
        json_t *sa = member_object(json_array_get(rows, i - 1), "body");
        if (is_up(sa))
            return sa;
    }
    return NULL;
}

static void block(const struct voice *v, const struct answers *a, const char *connection, json_t *conn,
                  const char *child_name, json_t *child, size_t serial)
{
    char label[300];
    json_t *named = json_pack("{s:s}", "name", child_name), *set = member_object(a->shown, connection);
    child_label(a, connection, named, label);
    json_decref(named);
    block_write(&(struct block){
        .v = v,
        .a = a,
        .label = label,
        .connection = connection,
        .conn = conn,
        .child = child,
        .set = set,
        .kid = member_object(member_object(set, "children"), child_name),
        .sa = up_sa_of(a, connection),
        .up = up_child_of(a, connection, child_name),
        .has_trap = has_trap(a, connection, child_name),
        .serial = serial,
    });
}

/* In the order of their names, as Libreswan has them; totals belong to the whole list. */
static int by_name(const void *a, const void *b)
{
    return strcmp(member(*(json_t *const *)a, "name"), member(*(json_t *const *)b, "name"));
}

void libreswan_connections(const struct voice *v, const struct answers *a, const char *name)
{
    size_t n = json_array_size(a->conns), loaded = 0, active = 0;
    json_t **rows = calloc(n + 1, sizeof(*rows)), *child;
    const char *key;
    if (!rows)
        abort();
    for (size_t i = 0; i < n; i++)
        rows[i] = json_array_get(a->conns, i);
    qsort(rows, n, sizeof(*rows), by_name);
    if (!name) {
        say(v, RC_PLAIN, "Connection list:");
        blank(v);
    }
    for (size_t i = 0; i < n; i++) {
        const char *connection = member(rows[i], "name");
        json_t *conn = member_object(rows[i], "body");
        json_object_foreach(member_object(conn, "children"), key, child)
        {
            loaded++;
            active += up_child_of(a, connection, key) != NULL;
            if (!name || !strcmp(name, connection))
                block(v, a, connection, conn, key, child, loaded);
        }
    }
    free(rows);
    if (name)
        return;
    blank(v);
    say(v, RC_PLAIN, "Total IPsec connections: loaded %zu, active %zu", loaded, active);
}

/* ---- states */

/* set: of the connection of an IKE SA, whose end is told nowhere else; NULL: a child's */
static void write_times(FILE *f, json_t *o, json_t *set)
{
    const char *rekey = member(o, "rekey-time"), *life = member(o, "life-time");
    long long over = block_number(set, "over_time");
    if (*rekey)
        fprintf(f, " REKEY in %ss;", rekey);
    if (*life)
        fprintf(f, " REPLACE in %ss;", life);
    else if (*rekey && over)
        fprintf(f, " REPLACE in %llds;", strtoll(rekey, NULL, 10) + over);
}

/* The number alone, without zeros in front. */
static const char *spi_of(json_t *child, const char *key)
{
    const char *spi = member(child, key);
    return spi + strspn(spi, "0");
}

static void state_line(const struct voice *v, const char *id, const char *shown, const char *port,
                       const char *state, const char *words, json_t *times, json_t *set, const char *rest)
{
    char *text = NULL;
    size_t len = 0;
    FILE *f = open_memstream(&text, &len);
    if (!f)
        abort();
    write_times(f, times, set);
    fclose(f);
    if (!v->has_prefix && !strncmp(state, "STATE_V2_", 9))
        state += 9;
    say(v, RC_PLAIN, "#%s: %s:%s %s (%s);%s%s", id, shown, port, state, words, text, rest);
    free(text);
}

static void child_state(const struct voice *v, const struct answers *a, json_t *row, json_t *child)
{
    char label[300], shown[400], rest[80];
    json_t *sa = member_object(row, "body");
    const char *id = member(child, "uniqueid"),
               *protocol = !strcmp(member(child, "protocol"), "AH") ? "ah" : "esp",
               *upper = *protocol == 'a' ? "AH" : "ESP";
    libreswan_name(a, row, child_label(a, member(row, "name"), child, label), shown);
    snprintf(rest, sizeof(rest), " newest; eroute owner; IKE SA #%s; idle;", member(sa, "uniqueid"));
    state_line(v, id, shown, member(sa, "remote-port"), "STATE_V2_ESTABLISHED_CHILD_SA",
               "established Child SA", child, NULL, rest);
    say(v, RC_PLAIN,
        "#%s: %s %s.%s@%s %s.%s@%s tun.0@%s tun.0@%s Traffic: %sin=%lldB %sout=%lldB %smax=2^63B ", id, shown,
        protocol, spi_of(child, "spi-out"), member(sa, "remote-host"), protocol, spi_of(child, "spi-in"),
        member(sa, "local-host"), member(sa, "remote-host"), member(sa, "local-host"), upper,
        (long long)member_number(child, "bytes-in"), upper, (long long)member_number(child, "bytes-out"),
        upper);
}

void libreswan_states(const struct voice *v, const struct answers *a, const char *name)
{
    size_t i;
    json_t *row, *child;
    const char *key;
    char shown[400];
    json_array_foreach(a->sas, i, row)
    {
        json_t *sa = member_object(row, "body");
        if (name && strcmp(member(row, "name"), name) != 0)
            continue;
        libreswan_name(a, row, member(row, "name"), shown);
        if (is_up(sa))
            state_line(v, member(sa, "uniqueid"), shown, member(sa, "remote-port"),
                       "STATE_V2_ESTABLISHED_IKE_SA", "established IKE SA", sa,
                       member_object(a->shown, member(row, "name")), " newest; idle;");
        else
            state_line(v, member(sa, "uniqueid"), shown, member(sa, "remote-port"), "STATE_V2_PARENT_I1",
                       "sent IKE_SA_INIT request", sa, NULL, " idle;");
        json_object_foreach(member_object(sa, "child-sas"), key, child)
        {
            if (child_is_up(child))
                child_state(v, a, row, child);
        }
    }
}

/* ---- the rest of status */

void libreswan_shunts(const struct voice *v, const struct answers *a)
{
    size_t i;
    json_t *row;
    say(v, RC_PLAIN, "Bare Shunt list:");
    blank(v);
    json_array_foreach(a->policies, i, row)
    {
        json_t *p = member_object(row, "body");
        char *ours = joined(member_object(p, "local-ts"), ","),
             *theirs = joined(member_object(p, "remote-ts"), ",");
        const char *mode = member(p, "mode");
        if (!strcmp(mode, "PASS") || !strcmp(mode, "DROP"))
            say(v, RC_PLAIN, "%s -0-> %s => %s 0    %s", ours, theirs, *mode == 'P' ? "%pass" : "%drop",
                member(p, "child"));
        free(ours);
        free(theirs);
    }
}

void libreswan_global(const struct voice *v, const struct answers *a)
{
    struct counts n = count(a);
    json_t *ike = member_object(a->status, "ike"), *data = member_object(a->status, "dataplane");
    const struct {
        const char *key;
        long long value;
    } rows[] = {
        {"current.states.all",                   (long long)(n.ike + n.children)},
        {"current.states.ipsec",                 (long long)n.children          },
        {"current.states.ike",                   (long long)n.ike               },
        {"current.states.iketype.anonymous",     (long long)n.anonymous         },
        {"current.states.iketype.authenticated", (long long)n.authenticated     },
        {"current.states.iketype.halfopen",      (long long)n.half_open         },
        {"current.states.iketype.open",          0                              },
        {"total.ipsec.traffic.in",               (long long)member_number(data,   "bytes-in")},
        {"total.ipsec.traffic.out",                                      (long long)member_number(data,                                             "bytes-out")},
        {"total.ike.ikev2.failed",                          (long long)member_number(ike,             "auth-failed")},
        {"total.pamauth.started",0},
    };
    for (size_t i = 0; i < sizeof(rows) / sizeof(*rows); i++)
        fprintf(v->to, "%s=%lld\n", rows[i].key, rows[i].value);
}

static void head(const struct voice *v, const struct answers *a, const struct libreswan_places *p)
{
    say(v, RC_PLAIN, "using kernel interface: %s", member(member_object(a->status, "dataplane"), "kind"));
    blank(v);
    for (const char *const *i = p->interfaces; *i; i++)
        say(v, RC_PLAIN, "interface %s", *i);
    blank(v);
    say(v, RC_PLAIN, "fips mode=disabled;");
    say(v, RC_PLAIN, "SElinux=disabled");
    say(v, RC_PLAIN, "seccomp=disabled");
    blank(v);
    say(v, RC_PLAIN, "config setup options:");
    blank(v);
    say(v, RC_PLAIN, "configdir=%s, configfile=%s/ipsec.conf, secrets=%s/ipsec.secrets, ipsecdir=%s/ipsec.d",
        p->etc, p->etc, p->etc, p->etc);
    say(v, RC_PLAIN, "nssdir=%s/ipsec/nss, dumpdir=unset, statsbin=unset", p->state);
    say(v, RC_PLAIN, "pluto_version=Keyway %s, audit-log=no", member(a->version, "version"));
    blank(v);
}

void libreswan_status(const struct voice *v, const struct answers *a, const struct libreswan_places *p)
{
    head(v, a, p);
    libreswan_connections(v, a, NULL);
    blank(v);
    libreswan_brief(v, a);
    blank(v);
    libreswan_states(v, a, NULL);
    if (json_array_size(a->sas))
        blank(v);
    libreswan_shunts(v, a);
}
