/* SPDX-License-Identifier: Apache-2.0 */
/* See checkup.h. A check is a row with a function; they are in the order in which they are shown. */
#include "sys/checkup.h"
#include "base/text.h"
#include <errno.h>
#include <fcntl.h>
#include <glob.h>
#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <sys/timex.h>
#include <unistd.h>

#define NEVER_BEFORE INT64_C(1767225600) /* 2026: no release of Keyway is older */

struct look {
    const struct checkup_input *in;
    struct checkup_item *item;
};

__attribute__((format(printf, 3, 4))) static void say(struct look *l, enum checkup_verdict v, const char *fmt,
                                                      ...)
{
    va_list ap;
    va_start(ap, fmt);
    vsnprintf(l->item->what, sizeof(l->item->what), fmt, ap);
    va_end(ap);
    l->item->verdict = v;
}

__attribute__((format(printf, 2, 3))) static void advise(struct look *l, const char *fmt, ...)
{
    va_list ap;
    va_start(ap, fmt);
    vsnprintf(l->item->try, sizeof(l->item->try), fmt, ap);
    va_end(ap);
}

static const char *place(const struct look *l, const char *path, char buf[PATH_TEXT_MAX])
{
    snprintf(buf, PATH_TEXT_MAX, "%s%s", l->in->root, path);
    return buf;
}

/* The first line, or false. */
static bool read_line(const struct look *l, const char *path, char *line, int cap)
{
    char full[PATH_TEXT_MAX];
    FILE *f = fopen(place(l, path, full), "re");
    bool ok = f && fgets(line, cap, f);
    if (f)
        fclose(f);
    if (ok)
        line[strcspn(line, "\n")] = 0;
    return ok;
}

/* ---- the device, rights */

static void check_tun(struct look *l)
{
    char path[PATH_TEXT_MAX];
    int fd = open(place(l, "/dev/net/tun", path), O_RDWR | O_CLOEXEC);
    int err = errno;
    if (fd >= 0)
        close(fd);
    if (fd >= 0 || err == EBUSY)
        return;
    say(l, CHECKUP_FAILED, "%s: %s", path, strerror(err));
    advise(l, err == EACCES || err == EPERM ? "run this as root, or give the daemon the device"
                                            : "modprobe tun; in a container: give it /dev/net/tun");
}

enum { CAP_NET_ADMIN_BIT = 12, CAP_NET_RAW_BIT = 13 };

static void check_rights(struct look *l)
{
    char path[PATH_TEXT_MAX], line[256];
    uint64_t caps = 0;
    FILE *f = fopen(place(l, "/proc/self/status", path), "re");
    while (f && fgets(line, sizeof(line), f)) {
        if (strncmp(line, "CapEff:", 7) == 0)
            sscanf(line + 7, "%" SCNx64, &caps);
    }
    if (f)
        fclose(f);
    uint64_t wanted = UINT64_C(1) << CAP_NET_ADMIN_BIT | UINT64_C(1) << CAP_NET_RAW_BIT;
    if ((caps & wanted) == wanted)
        return;
    say(l, CHECKUP_NOTE, "who asks has neither CAP_NET_ADMIN nor CAP_NET_RAW, which the daemon needs");
    advise(l, "ask again as root");
}

/* ---- the kernel's settings */

static bool is_gateway(const struct look *l)
{
    const struct config *c = l->in->config;
    for (size_t i = 0; c && i < c->n_connections; i++) {
        for (size_t k = 0; k < c->connections[i]->n_children; k++) {
            const struct child_config *child = &c->connections[i]->children[k];
            for (size_t t = 0; t < child->n_local_ts; t++) {
                if (!child->local_ts[t].is_dynamic && child_mode_is_tunnel(child->mode))
                    return true;
            }
        }
    }
    return false;
}

static void check_forwarding(struct look *l)
{
    char line[32] = "";
    if (!read_line(l, "/proc/sys/net/ipv4/ip_forward", line, sizeof(line)) || line[0] != '0')
        return;
    say(l, is_gateway(l) ? CHECKUP_WARNING : CHECKUP_NOTE, "net.ipv4.ip_forward is 0: %s",
        is_gateway(l) ? "networks behind this machine are configured, and nothing is forwarded to them"
                      : "as it should be, unless networks behind this machine are to be reached");
    if (is_gateway(l))
        advise(l, "sysctl -w net.ipv4.ip_forward=1, and the same in /etc/sysctl.d");
}

/* The interfaces on which a setting has that value. */
static size_t interfaces_with(const struct look *l, const char *setting, char value, char *names, size_t cap)
{
    char pattern[PATH_TEXT_MAX], path[PATH_TEXT_MAX], line[16];
    struct text t = {.buf = names, .cap = cap};
    glob_t g;
    size_t n = 0;
    names[0] = 0;
    snprintf(path, sizeof(path), "/proc/sys/net/ipv4/conf/*/%s", setting);
    if (glob(place(l, path, pattern), 0, NULL, &g) != 0)
        return 0;
    for (size_t i = 0; i < g.gl_pathc; i++) {
        const char *name = strstr(g.gl_pathv[i], "/conf/") + 6;
        int len = (int)strcspn(name, "/");
        bool has = read_line(l, g.gl_pathv[i] + strlen(l->in->root), line, sizeof(line)) && line[0] == value;
        if (has && n++ < 8)
            text_printf(&t, "%s%.*s", t.len ? ", " : "", len, name);
    }
    globfree(&g);
    return n;
}

static void check_rp_filter(struct look *l)
{
    char names[256];
    if (!interfaces_with(l, "rp_filter", '1', names, sizeof(names)))
        return;
    say(l, CHECKUP_WARNING,
        "rp_filter is strict on %s: packets out of a tunnel may be dropped there where they came by another "
        "way",
        names);
    advise(l, "sysctl -w net.ipv4.conf.all.rp_filter=2, and of these interfaces; 0 and 2 are fine");
}

static void check_redirects(struct look *l, const char *setting)
{
    char names[256];
    if (!interfaces_with(l, setting, '1', names, sizeof(names)))
        return;
    say(l, CHECKUP_WARNING, "%s is on for %s: hosts may be led around the tunnel", setting, names);
    advise(l, "sysctl -w net.ipv4.conf.all.%s=0 net.ipv4.conf.default.%s=0", setting, setting);
}

static void check_send_redirects(struct look *l)
{
    check_redirects(l, "send_redirects");
}

static void check_accept_redirects(struct look *l)
{
    check_redirects(l, "accept_redirects");
}

/* ---- ports */

/* Is a UDP port bound by anybody? A line: "  sl  local_address ...", "  12: 00000000:01F4 ...". */
static bool is_bound(const struct look *l, unsigned port)
{
    static const char *const files[] = {"/proc/net/udp", "/proc/net/udp6"};
    bool found = false;
    for (size_t i = 0; i < ARRAY_LEN(files); i++) {
        char path[PATH_TEXT_MAX], line[512];
        unsigned have;
        FILE *f = fopen(place(l, files[i], path), "re");
        while (f && fgets(line, sizeof(line), f))
            found |= sscanf(line, " %*d: %*[0-9A-Fa-f]:%x", &have) == 1 && have == port;
        if (f)
            fclose(f);
    }
    return found;
}

static void check_port(struct look *l, unsigned port)
{
    bool bound = is_bound(l, port), runs = l->in->is_running;
    if (bound == runs)
        return;
    if (bound) {
        say(l, CHECKUP_FAILED, "another program holds UDP port %u, and keywayd does not run", port);
        advise(l,
               "ss -lunp 'sport = :%u' names it; systemctl disable --now strongswan-starter strongswan ipsec",
               port);
    } else {
        say(l, CHECKUP_FAILED, "keywayd runs, and UDP port %u is not open", port);
        advise(l, "look at its log: journalctl -u keyway");
    }
}

static void check_ike_port(struct look *l)
{
    check_port(l, l->in->config ? l->in->config->settings.port : 500);
}

static void check_natt_port(struct look *l)
{
    check_port(l, l->in->config ? l->in->config->settings.port_natt : 4500);
}

static void check_daemon(struct look *l)
{
    if (l->in->is_running)
        return;
    say(l, CHECKUP_FAILED, "keywayd does not run, or does not answer");
    advise(l, "systemctl start keyway, or: ipsec start");
}

/* ---- files */

static void check_config(struct look *l)
{
    const struct checkup_input *in = l->in;
    if (in->config && in->config->n_left_out) {
        say(l, CHECKUP_WARNING, "connections that are left out: %zu", in->config->n_left_out);
        advise(l, "keyway config check says why");
    } else if (in->config && !in->config->n_connections) {
        say(l, CHECKUP_NOTE, "there are no connections");
    }
    if (in->config)
        return;
    say(l, CHECKUP_FAILED, "%zu error%s, of which the first: %s (%s)", in->n_errors,
        in->n_errors == 1 ? "" : "s", in->error->what, in->error->where);
    advise(l, "keyway config check shows them all");
}

/* Files that hold secrets, which others than their owner can read. */
static void check_secrets(struct look *l)
{
    static const char *const patterns[] = {
        "%s/ipsec.secrets",     "%s/ipsec.d/*.secrets", "%s/ipsec.d/private/*",
        "%s/swanctl/private/*", "%s/swanctl/rsa/*",     "%s/swanctl/ecdsa/*",
        "%s/swanctl/pkcs8/*",   "%s/swanctl/pkcs12/*",  "%s/keyway/private/*",
    };
    char pattern[PATH_TEXT_MAX], first[PATH_TEXT_MAX] = "";
    size_t n = 0;
    for (size_t i = 0; i < ARRAY_LEN(patterns); i++) {
        glob_t g;
        struct stat st;
        int len = (int)strlen(patterns[i]) - 2;
        snprintf(pattern, sizeof(pattern), "%s%.*s", l->in->paths->etc, len, patterns[i] + 2);
        if (glob(pattern, 0, NULL, &g) != 0)
            continue;
        for (size_t k = 0; k < g.gl_pathc; k++) {
            if (stat(g.gl_pathv[k], &st) != 0 || !S_ISREG(st.st_mode) || !(st.st_mode & 077))
                continue;
            if (!n++)
                snprintf(first, sizeof(first), "%s", g.gl_pathv[k]);
        }
        globfree(&g);
    }
    if (!n)
        return;
    say(l, CHECKUP_FAILED, "others can read %s%s", first, n > 1 ? ", and more" : "");
    advise(l, "chmod 600 %.200s", first);
}

/* ---- the clock: certificates and lifetimes go by it */

static void check_clock(struct look *l)
{
    struct timex t = {0};
    if (l->in->now < NEVER_BEFORE) {
        say(l, CHECKUP_FAILED, "the clock is wrong: it is before 2026, and certificates are not valid yet");
        advise(l, "timedatectl set-ntp true");
    } else if (!*l->in->root && adjtimex(&t) == TIME_ERROR) {
        say(l, CHECKUP_NOTE, "nobody keeps the clock right: certificates are checked by it");
        advise(l, "timedatectl set-ntp true");
    }
}

/* ---- what else is there */

static void check_others(struct look *l)
{
    static const char *const files[] = {"/run/charon.pid", "/run/starter.charon.pid", "/run/pluto/pluto.pid"};
    char path[PATH_TEXT_MAX], line[32], proc[64];
    for (size_t i = 0; i < ARRAY_LEN(files); i++) {
        if (!read_line(l, files[i], line, sizeof(line)))
            continue;
        snprintf(proc, sizeof(proc), "/proc/%d", atoi(line));
        if (atoi(line) <= 0 || access(place(l, proc, path), F_OK) != 0)
            continue;
        say(l, CHECKUP_FAILED, "another IKE daemon runs: %s says pid %s", files[i], line);
        advise(l, "stop and disable it: only one can have the ports and the policies");
        return;
    }
}

static const struct {
    const char *name, *label;
    void (*look)(struct look *l);
} checks[] = {
    {"config",           "Configuration loads",                    check_config          },
    {"secrets",          "Files with secrets are their owner's",   check_secrets         },
    {"daemon",           "Checking that keywayd is running",       check_daemon          },
    {"port_ike",         " Listening for IKE on udp 500",          check_ike_port        },
    {"port_natt",        " Listening for IKE/NAT-T on udp 4500",   check_natt_port       },
    {"others",           "No other IKE daemon",                    check_others          },
    {"tun",              "Tunnel device",                          check_tun             },
    {"rights",           "Rights",                                 check_rights          },
    {"send_redirects",   "         ICMP default/send_redirects",   check_send_redirects  },
    {"accept_redirects", "         ICMP default/accept_redirects", check_accept_redirects},
    {"rp_filter",        "Checking rp_filter",                     check_rp_filter       },
    {"ip_forward",       "Checking IP forwarding",                 check_forwarding      },
    {"clock",            "Clock",                                  check_clock           },
};

void checkup_run(const struct checkup_input *in, struct checkup *out)
{
    *out = (struct checkup){0};
    for (size_t i = 0; i < ARRAY_LEN(checks) && i < CHECKUP_ITEMS_MAX; i++) {
        struct look l = {in, &out->v[out->n++]};
        l.item->name = checks[i].name;
        l.item->label = checks[i].label;
        checks[i].look(&l);
    }
}

const char *checkup_verdict_name(enum checkup_verdict v)
{
    static const char *const names[] = {"ok", "note", "warning", "failed"};
    return names[v];
}

enum checkup_verdict checkup_worst(const struct checkup *c)
{
    enum checkup_verdict worst = CHECKUP_OK;
    for (size_t i = 0; i < c->n; i++)
        worst = c->v[i].verdict > worst ? c->v[i].verdict : worst;
    return worst;
}
