/* SPDX-License-Identifier: Apache-2.0 */
/* Traffic selectors as text. Protocol names are a table here: the system's would make one configuration mean
 * different things on two machines. */
#include "base/text.h"
#include "net/ts.h"

#include <strings.h>

struct name {
    const char *text;
    uint16_t value;
};

static const struct name protocols[];
static const struct name services[];

static const struct name *name_find(const struct name *table, const char *text)
{
    for (; table->text; table++)
        if (strcasecmp(table->text, text) == 0)
            return table;
    return NULL;
}

/* A decimal or 0x number up to max at *s; moves *s past it. */
static bool number_take(const char **s, unsigned long max, unsigned long *out)
{
    const char *p = *s;
    unsigned base = 10;
    if (p[0] == '0' && (p[1] == 'x' || p[1] == 'X')) {
        base = 16;
        p += 2;
    }
    unsigned long v = 0;
    size_t digits = 0;
    for (;; p++, digits++) {
        unsigned d = *p >= '0' && *p <= '9'                 ? (unsigned)(*p - '0')
                     : base == 16 && *p >= 'a' && *p <= 'f' ? (unsigned)(*p - 'a') + 10
                     : base == 16 && *p >= 'A' && *p <= 'F' ? (unsigned)(*p - 'A') + 10
                                                            : 99;
        if (d >= base)
            break;
        v = v * base + d;
        if (v > max)
            return false;
    }
    *s = p;
    *out = v;
    return digits > 0;
}

static bool proto_parse(const char *s, uint8_t *out)
{
    unsigned long v;
    const struct name *n = name_find(protocols, s);
    if (n) {
        *out = (uint8_t)n->value;
        return true;
    }
    if (!number_take(&s, 255, &v) || *s)
        return false;
    *out = (uint8_t)v;
    return true;
}

/* One port, a service, or for ICMP also "type" and "type(code)". */
static bool port_take(const char **s, bool is_icmp, uint16_t *out)
{
    unsigned long v, code;
    if (!number_take(s, 65535, &v))
        return false;
    if (is_icmp && **s == '(') {
        (*s)++;
        if (v > 255 || !number_take(s, 255, &code) || **s != ')')
            return false;
        (*s)++;
        v = v << 8 | code;
    } else if (is_icmp && v < 256) {
        v <<= 8; /* a type, as strongSwan takes it */
    }
    *out = (uint16_t)v;
    return true;
}

static bool ports_parse(const char *s, struct ts *t)
{
    if (!*s || strcasecmp(s, "any") == 0)
        return true;
    if (strcasecmp(s, "opaque") == 0) {
        t->port_from = 65535;
        t->port_to = 0;
        return true;
    }
    const struct name *n = name_find(services, s);
    if (n) {
        t->port_from = t->port_to = n->value;
        return true;
    }
    uint16_t from, to;
    if (!port_take(&s, ts_is_icmp(t), &from))
        return false;
    to = from;
    if (*s == '-') {
        s++;
        if (!port_take(&s, ts_is_icmp(t), &to))
            return false;
    }
    if (*s || from > to)
        return false;
    t->port_from = from;
    t->port_to = to;
    return true;
}

/* "[proto/port]", "[proto]", "[/port]": s is behind the bracket and is cut up. */
static const char *restriction_parse(char *s, struct ts *t)
{
    size_t len = strlen(s);
    if (!len || s[len - 1] != ']')
        return "the protocol and port restriction has no closing bracket";
    s[len - 1] = '\0';
    char *port = strchr(s, '/');
    if (port)
        *port++ = '\0';
    if (*s && !proto_parse(s, &t->proto))
        return "unknown protocol";
    if (port && !ports_parse(port, t))
        return "bad port: a number, a range n-m, a known service, any or opaque is expected";
    return NULL;
}

static const char *range_parse(char *text, struct ts *t)
{
    struct prefix p;
    if (strcasecmp(text, "dynamic") == 0 || strcasecmp(text, "%dynamic") == 0) {
        t->is_dynamic = true;
        return NULL;
    }
    char *dash = strchr(text, '-'), *dots = strstr(text, "..");
    if (dash || dots) {
        char *second = dash ? dash + 1 : dots + 2;
        *(dash ? dash : dots) = '\0';
        if (!ip_parse(text, &t->from) || !ip_parse(second, &t->to))
            return "bad address in an address range";
        if (t->from.family != t->to.family)
            return "an address range mixes IPv4 and IPv6";
        if (ip_cmp(t->from, t->to) > 0)
            return "an address range ends before it starts";
        return NULL;
    }
    if (!prefix_parse(text, &p))
        return "an address, a prefix, an address range or dynamic";
    t->from = p.ip;
    t->to = prefix_last(&p);
    return NULL;
}

bool ts_parse(const char *text, struct ts *out, const char **err)
{
    struct ts t = {.port_to = 65535};
    char copy[TS_TEXT_MAX];
    const char *why;
    size_t len = strlen(text);
    if (len >= sizeof(copy)) {
        *err = "traffic selector too long";
        return false;
    }
    memcpy(copy, text, len + 1);
    char *bracket = strchr(copy, '[');
    if (bracket)
        *bracket++ = '\0';
    why = range_parse(copy, &t);
    if (!why && bracket)
        why = restriction_parse(bracket, &t);
    if (why) {
        *err = why;
        return false;
    }
    *out = t;
    return true;
}

static void port_format(const struct ts *t, uint16_t port, struct text *out)
{
    if (ts_is_icmp(t))
        text_printf(out, "%u(%u)", port >> 8, port & 0xff);
    else
        text_printf(out, "%u", port);
}

static void restriction_format(const struct ts *t, struct text *out)
{
    const struct name *n = protocols;
    if (t->proto == 0 && ts_is_any_port(t))
        return;
    while (n->text && n->value != t->proto)
        n++;
    if (n->text)
        text_printf(out, "[%s", n->text);
    else
        text_printf(out, "[%u", t->proto);
    if (ts_is_opaque(t)) {
        text_str(out, "/opaque");
    } else if (!ts_is_any_port(t)) {
        text_str(out, "/");
        port_format(t, t->port_from, out);
        if (t->port_to != t->port_from) {
            text_str(out, "-");
            port_format(t, t->port_to, out);
        }
    }
    text_str(out, "]");
}

const char *ts_format(const struct ts *t, char buf[TS_TEXT_MAX])
{
    struct text out = {.buf = buf, .cap = TS_TEXT_MAX};
    char one[IP_TEXT_MAX], two[IP_TEXT_MAX];
    struct prefix p;
    if (t->is_dynamic)
        text_str(&out, "dynamic");
    else if (ts_to_prefix(t, &p))
        text_str(&out, prefix_format(&p, one));
    else
        text_printf(&out, "%s..%s", ip_format(t->from, one), ip_format(t->to, two));
    restriction_format(t, &out);
    return buf;
}

/* The first name of a number is the one that is printed. */
static const struct name protocols[] = {
    {"any",       0  },
    {"icmp",      1  },
    {"igmp",      2  },
    {"ipencap",   4  },
    {"tcp",       6  },
    {"egp",       8  },
    {"udp",       17 },
    {"dccp",      33 },
    {"ipv6",      41 },
    {"gre",       47 },
    {"esp",       50 },
    {"ah",        51 },
    {"ipv6-icmp", 58 },
    {"icmpv6",    58 },
    {"icmp6",     58 },
    {"eigrp",     88 },
    {"ospf",      89 },
    {"pim",       103},
    {"vrrp",      112},
    {"l2tp",      115},
    {"sctp",      132},
    {"mh",        135},
    {"udplite",   136},
    {NULL,        0  },
};

/* Services that people write in selectors. */
static const struct name services[] = {
    {"ftp-data",     20  },
    {"ftp",          21  },
    {"ssh",          22  },
    {"telnet",       23  },
    {"smtp",         25  },
    {"domain",       53  },
    {"bootps",       67  },
    {"bootpc",       68  },
    {"tftp",         69  },
    {"http",         80  },
    {"kerberos",     88  },
    {"pop3",         110 },
    {"sunrpc",       111 },
    {"ntp",          123 },
    {"imap2",        143 },
    {"imap",         143 },
    {"snmp",         161 },
    {"snmp-trap",    162 },
    {"bgp",          179 },
    {"ldap",         389 },
    {"https",        443 },
    {"microsoft-ds", 445 },
    {"isakmp",       500 },
    {"syslog",       514 },
    {"submission",   587 },
    {"ldaps",        636 },
    {"imaps",        993 },
    {"pop3s",        995 },
    {"l2f",          1701},
    {"l2tp",         1701},
    {"radius",       1812},
    {"nfs",          2049},
    {"mysql",        3306},
    {"postgresql",   5432},
    {"sip",          5060},
    {NULL,           0   },
};
