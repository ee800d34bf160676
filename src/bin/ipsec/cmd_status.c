/* SPDX-License-Identifier: Apache-2.0 */
/* `ipsec status`, `statusall`, and Libreswan's narrower ones: trafficstatus, briefstatus, globalstatus,
 * showstates, shuntstatus, connectionstatus, briefconnectionstatus, fipsstatus. */
#include "bin/ipsec/commands.h"
#include "bin/ipsec/control.h"
#include <arpa/inet.h>
#include <ifaddrs.h>
#include <net/if.h>
#include <stdlib.h>

enum {
    INTERFACES_MAX = 64,
    ASK_ALL = ASK_SAS | ASK_CONNS | ASK_POLICIES | ASK_STATUS | ASK_VERSION | ASK_STATS,
    ASK_ALL_STRONGSWAN = ASK_ALL | ASK_POOLS,
};

static bool address_of(const struct ifaddrs *i, char ip[INET6_ADDRSTRLEN])
{
    int family = i->ifa_addr ? i->ifa_addr->sa_family : 0;
    const void *bytes = family == AF_INET ? (const void *)&((const struct sockaddr_in *)i->ifa_addr)->sin_addr
                        : family == AF_INET6
                            ? (const void *)&((const struct sockaddr_in6 *)i->ifa_addr)->sin6_addr
                            : NULL;
    return bytes && inet_ntop(family, bytes, ip, INET6_ADDRSTRLEN);
}

typedef int show_fn(struct control *c, const struct answers *a, const char *name);
static json_t *own_addresses(const char *device);

/* {"192.0.2.1": "eth0"} */
static json_t *interfaces_by_address(void)
{
    struct ifaddrs *all, *i;
    json_t *names = json_object();
    char ip[INET6_ADDRSTRLEN];
    if (getifaddrs(&all) < 0)
        return names;
    for (i = all; i; i = i->ifa_next) {
        if (address_of(i, ip))
            json_object_set_new(names, ip, json_string(i->ifa_name));
    }
    freeifaddrs(all);
    return names;
}

static int with_answers(struct control *c, unsigned what, const char *name, show_fn *show)
{
    struct answers a;
    struct diag d;
    int code;
    bool ok = control_answers(c, what, &a, &d);
    if (ok && what & ASK_POOLS)
        a.addresses = own_addresses(member(member_object(a.status, "dataplane"), "device"));
    if (ok && (what & ASK_SHOWN))
        a.interfaces = interfaces_by_address();
    if (ok)
        code = show(c, &a, name);
    else
        code = control_fail(c, NULL, &d);
    answers_free(&a);
    return code;
}

/* ---- what the daemon listens on: every address, here as the machine has them */

static size_t interfaces(char **v, size_t cap, bool has_codes)
{
    struct ifaddrs *all, *i;
    size_t n = 0;
    char ip[INET6_ADDRSTRLEN];
    if (getifaddrs(&all) < 0)
        return 0;
    for (i = all; i; i = i->ifa_next) {
        if (!address_of(i, ip))
            continue;
        bool is_v6 = strchr(ip, ':') != NULL;
        for (int port = 500; port <= 4500 && n < cap; port += 4000) {
            const char *open = is_v6 ? "[" : "", *close = is_v6 ? "]" : "";
            int len = has_codes ? asprintf(&v[n], "%s UDP %s%s%s:%d", i->ifa_name, open, ip, close, port)
                                : asprintf(&v[n], "%s %s%s%s:UDP/%d%s", i->ifa_name, open, ip, close, port,
                                           port == 4500 ? " (NAT)" : "");
            if (len < 0)
                abort();
            n++;
        }
    }
    freeifaddrs(all);
    return n;
}

/* Is it one that peers may come to? */
static bool is_regular(const struct ifaddrs *i, const char *device)
{
    int family = i->ifa_addr ? i->ifa_addr->sa_family : 0;
    if ((i->ifa_flags & IFF_LOOPBACK) || strcmp(i->ifa_name, device) == 0)
        return false;
    return family == AF_INET ||
           (family == AF_INET6 &&
            !IN6_IS_ADDR_LINKLOCAL(&((const struct sockaddr_in6 *)i->ifa_addr)->sin6_addr));
}

static void append_of(json_t *to, const struct ifaddrs *all, const char *name, const char *device)
{
    char text[INET6_ADDRSTRLEN];
    for (const struct ifaddrs *i = all; i; i = i->ifa_next) {
        if (strcmp(i->ifa_name, name) != 0 || !is_regular(i, device))
            continue;
        bool is_v4 = i->ifa_addr->sa_family == AF_INET;
        const void *bytes = is_v4 ? (const void *)&((const struct sockaddr_in *)i->ifa_addr)->sin_addr
                                  : &((const struct sockaddr_in6 *)i->ifa_addr)->sin6_addr;
        if (inet_ntop(i->ifa_addr->sa_family, bytes, text, sizeof(text)))
            json_array_append_new(to, json_string(text));
    }
}

/* By interface, without the one that packets come out of. */
static json_t *own_addresses(const char *device)
{
    struct ifaddrs *all, *i, *k;
    json_t *list = json_array();
    if (getifaddrs(&all) < 0)
        return list;
    for (i = all; i; i = i->ifa_next) {
        for (k = all; k != i && strcmp(k->ifa_name, i->ifa_name) != 0; k = k->ifa_next)
            ;
        if (k == i)
            append_of(list, all, i->ifa_name, device);
    }
    freeifaddrs(all);
    return list;
}

static int whole_libreswan(struct control *c, const struct answers *a, const char *name)
{
    char *v[INTERFACES_MAX + 1] = {0};
    struct libreswan_places p = {
        .etc = c->run->paths.etc, .state = c->run->paths.state, .interfaces = (const char *const *)v};
    if (name) {
        libreswan_connections(&c->voice, a, name);
        libreswan_states(&c->voice, a, name);
        return 0;
    }
    interfaces(v, INTERFACES_MAX, c->voice.has_prefix);
    libreswan_status(&c->voice, a, &p);
    for (size_t i = 0; v[i]; i++)
        free(v[i]);
    return 0;
}

static int brief_strongswan(struct control *c, const struct answers *a, const char *name)
{
    (void)c;
    strongswan_status(stdout, a, name, false);
    return 0;
}

static int whole_strongswan(struct control *c, const struct answers *a, const char *name)
{
    (void)c;
    strongswan_status(stdout, a, name, true);
    return 0;
}

/* strongSwan's codes for a daemon that is not there: 1 a pid file is left, 3 it is not. */
static int not_running(struct control *c)
{
    struct diag d;
    bool has_file;
    int pid = daemon_pid(&c->run->paths, &has_file);
    if (is_libreswan(c)) {
        char path[PATH_TEXT_MAX];
        diag_set(&d, FAIL_NO_DAEMON, "nothing listens at %s", paths_run(&c->run->paths, "keyway.vici", path));
        return control_fail(c, NULL, &d);
    }
    fputs("keywayd is not running\n", stderr);
    return pid || has_file ? 1 : 3;
}

static bool is_daemon_there(struct control *c)
{
    struct diag d;
    char path[PATH_TEXT_MAX];
    const struct paths *p = &c->run->paths;
    struct vici_client *v = vici_client_open(p->vici ? p->vici : paths_run(p, "keyway.vici", path), &d);
    bool is_there = v || d.class != FAIL_NO_DAEMON; /* without permission control_ready() says so */
    vici_client_close(v);
    return is_there;
}

static int status_as(struct control *c, const char *name, bool has_all)
{
    struct target t;
    int code;
    if (!is_daemon_there(c))
        return not_running(c);
    if (!control_ready(c, &code))
        return code;
    bool is_bracketed = name && strpbrk(name, "{[");
    if (name && !is_bracketed && c->dialect == DIALECT_LIBRESWAN) {
        if (!control_find(c, name, &t, &code))
            return code;
        target_free(&t);
    }
    if (is_libreswan(c))
        return with_answers(c, ASK_ALL | ASK_SHOWN, name, whole_libreswan);
    return with_answers(c, has_all ? ASK_ALL_STRONGSWAN : ASK_ALL, name,
                        has_all ? whole_strongswan : brief_strongswan);
}

static int status_of(struct control *c, const char *name)
{
    return status_as(c, name, false);
}

static int status_all(struct control *c, const char *name)
{
    return status_as(c, name, true);
}

/* ---- Libreswan's narrower ones */

static int show_traffic(struct control *c, const struct answers *a, const char *name)
{
    if (libreswan_traffic(&c->voice, a, name) || !name || conn_of(a, name))
        return 0;
    say(&c->voice, RC_UNKNOWN_NAME,
        c->voice.has_prefix ? "no such connection or aliased connection named \"%s\"" : LIBRESWAN_NO_NAME_5,
        name);
    return 0; /* as Libreswan: it is a question, and answered */
}

static int traffic(struct control *c, const char *name)
{
    return with_answers(c, ASK_SAS | ASK_CONNS, name, show_traffic);
}

static int show_brief(struct control *c, const struct answers *a, const char *name)
{
    (void)name;
    libreswan_brief(&c->voice, a);
    return 0;
}

static int brief(struct control *c, const char *name)
{
    return with_answers(c, ASK_SAS | ASK_STATUS, name, show_brief);
}

static int show_global(struct control *c, const struct answers *a, const char *name)
{
    (void)name;
    libreswan_global(&c->voice, a);
    return 0;
}

static int global(struct control *c, const char *name)
{
    return with_answers(c, ASK_SAS | ASK_STATUS, name, show_global);
}

static int show_states(struct control *c, const struct answers *a, const char *name)
{
    libreswan_states(&c->voice, a, name);
    return 0;
}

static int states(struct control *c, const char *name)
{
    return with_answers(c, ASK_SAS | ASK_CONNS | ASK_SHOWN, name, show_states);
}

static int show_shunts(struct control *c, const struct answers *a, const char *name)
{
    (void)name;
    libreswan_shunts(&c->voice, a);
    return 0;
}

static int shunts(struct control *c, const char *name)
{
    return with_answers(c, ASK_POLICIES, name, show_shunts);
}

static int show_connections(struct control *c, const struct answers *a, const char *name)
{
    if (name && !conn_of(a, name))
        say(&c->voice, RC_UNKNOWN_NAME, c->voice.has_prefix ? LIBRESWAN_NO_NAME_4 : LIBRESWAN_NO_NAME_5,
            name);
    else
        libreswan_connections(&c->voice, a, name);
    return 0;
}

static int connections(struct control *c, const char *name)
{
    return with_answers(c, ASK_SAS | ASK_CONNS | ASK_POLICIES | ASK_STATUS | ASK_SHOWN, name,
                        show_connections);
}

static int show_brief_connections(struct control *c, const struct answers *a, const char *name)
{
    libreswan_brief_connections(&c->voice, a, name);
    return 0;
}

static int brief_connections(struct control *c, const char *name)
{
    return with_answers(c, ASK_SAS | ASK_CONNS, name, show_brief_connections);
}

static int fips(struct control *c, const char *name)
{
    (void)name;
    say(&c->voice, RC_PLAIN, "FIPS mode disabled");
    return 0;
}

const struct ipsec_command ipsec_cmd_status = {
    .name = "status",
    .as_stroke = "status",
    .as_auto = "status",
    .as_whack = "status",
    .operands = "[NAME]",
    .names = NAMES_MAYBE,
    .doc = "what is loaded and what is up",
    .act = status_of,
    .is_without_daemon = true,
    .manual = "Without a daemon strongSwan's exits with 1 when a pid file is left, else with 3; Libreswan's "
              "with 33.",
};

const struct ipsec_command ipsec_cmd_statusall = {
    .name = "statusall",
    .as_stroke = "statusall",
    .operands = "[NAME]",
    .names = NAMES_MAYBE,
    .family = DIALECT_STRONGSWAN,
    .doc = "all of it, as strongSwan writes it",
    .act = status_all,
    .is_without_daemon = true,
};

#define NARROWER(id, word, does, text)                                                                       \
    const struct ipsec_command ipsec_cmd_##id = {.name = word,                                               \
                                                 .as_whack = word,                                           \
                                                 .operands = "[NAME]",                                       \
                                                 .names = NAMES_MAYBE,                                       \
                                                 .family = DIALECT_LIBRESWAN,                                \
                                                 .doc = text,                                                \
                                                 .act = does}

NARROWER(trafficstatus, "trafficstatus", traffic, "how much went through each child SA");
NARROWER(briefstatus, "briefstatus", brief, "numbers of SAs");
NARROWER(globalstatus, "globalstatus", global, "numbers for machines, one in a line");
NARROWER(showstates, "showstates", states, "the SAs, one in a line");
NARROWER(shuntstatus, "shuntstatus", shunts, "what passes or is dropped without a connection");
NARROWER(connectionstatus, "connectionstatus", connections, "the connections, with their settings");
NARROWER(briefconnectionstatus, "briefconnectionstatus", brief_connections, "the child SAs, one in a line");
static int processes(struct control *c, const char *name)
{
    (void)name;
    say(&c->voice, RC_PLAIN, "  PID  Process"); /* those of helpers; there are none */
    return 0;
}

NARROWER(processstatus, "processstatus", processes, "programs that the daemon runs: none");
NARROWER(fipsstatus, "fipsstatus", fips, "whether FIPS mode is on: it is not");
