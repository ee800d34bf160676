/* SPDX-License-Identifier: Apache-2.0 */
/* `ipsec _updown`: what scripts of users call when their own work is done, with the environment that an
 * updown command has. Routes, source addresses and name servers are the daemon's own doing, script or not, so
 * that there is nothing left of Libreswan's; the word "iptables" is strongSwan's and opens the firewall for
 * the pair of selectors that the environment names, as firewall = yes does, until the down. */
#include "bin/ipsec/commands.h"
#include "net/ts.h"
#include "sys/fwrules.h"
#include <stdlib.h>

static const char *said(const char *name)
{
    const char *value = getenv(name);
    return value ? value : "";
}

static bool read_end(const char *client, const char *port, struct ts *out)
{
    char text[TS_TEXT_MAX];
    const char *err, *proto = said("PLUTO_MY_PROTOCOL");
    bool has_proto = atoi(proto) > 0,
         has_port = has_proto && atoi(proto) != 1 && atoi(proto) != 58 && atoi(said(port)) > 0;
    int len = snprintf(text, sizeof(text), "%s%s%s%s%s%s", said(client), has_proto ? "[" : "",
                       has_proto ? proto : "", has_port ? "/" : "", has_port ? said(port) : "",
                       has_proto ? "]" : "");
    if (len > 0 && (size_t)len < sizeof(text) && ts_parse(text, out, &err))
        return true;
    fprintf(stderr, "ipsec _updown: %s is no network: '%s'\n", client, said(client));
    return false;
}

static int open_firewall(enum updown_verb verb)
{
    const char *device = said("PLUTO_VIRT_INTERFACE"), *reqid = said("PLUTO_REQID");
    struct updown u = {.verb = verb,
                       .child = said("PLUTO_CONNECTION"),
                       .connection = u.child,
                       .reqid = (uint32_t)strtoul(*reqid ? reqid : said("PLUTO_SA_REQID"), NULL, 10),
                       .has_hostaccess = *said("PLUTO_HOST_ACCESS") != '\0',
                       .n_local_ts = 1,
                       .n_remote_ts = 1};
    struct diag d;
    char text[1024];
    diag_clear(&d);
    /* What Libreswan's scripts hear of the kernel's children, and what strongSwan's do. */
    if (strcmp(device, "NULL") == 0 || strcmp(said("KEYWAY_DATAPLANE"), plane_name(PLANE_KERNEL)) == 0)
        u.plane = PLANE_KERNEL;
    if (!read_end("PLUTO_MY_CLIENT", "PLUTO_MY_PORT", &u.local_ts[0]) ||
        !read_end("PLUTO_PEER_CLIENT", "PLUTO_PEER_PORT", &u.remote_ts[0]))
        return 1;
    ip_parse(said("PLUTO_ME"), &u.local.ip);
    if (fwrules_once(*device && strcmp(device, "NULL") ? device : "kw0", &u, &d))
        return 0;
    fprintf(stderr, "ipsec _updown: %s\n", diag_format(&d, text, sizeof(text)));
    return 1;
}

static bool begins(const char *verb, const char *word)
{
    size_t len = strlen(word);
    return strncmp(verb, word, len) == 0 &&
           (strncmp(verb + len, "host", 4) == 0 || strncmp(verb + len, "client", 6) == 0);
}

static int run(int argc, char **argv)
{
    const char *verb = said("PLUTO_VERB");
    bool has_iptables = false,
         is_other = begins(verb, "prepare-") || begins(verb, "route-") || begins(verb, "unroute-");
    if (argc > 1 && (!strcmp(argv[1], "--help") || !strcmp(argv[1], "-h"))) {
        ipsec_usage(&ipsec_cmd_updown, stdout);
        return 0;
    }
    for (int i = 1; i < argc; i++)
        has_iptables |= strcmp(argv[i], "iptables") == 0;
    if (!*verb) {
        fprintf(stderr,
                "ipsec _updown: there is no PLUTO_VERB: updown commands call this, with their environment\n");
        return 1;
    }
    if (!is_other && !begins(verb, "up-") && !begins(verb, "down-")) {
        fprintf(stderr, "ipsec _updown: unknown verb '%s'\n", verb);
        return 1;
    }
    if (!has_iptables || is_other)
        return 0;
    return open_firewall(begins(verb, "up-") ? UPDOWN_UP : UPDOWN_DOWN);
}

const struct ipsec_command ipsec_cmd_updown = {
    .name = "_updown",
    .doc = "for updown commands: what the environment asks",
    .manual =
        "For scripts that \\fBleftupdown\\fR names: they call it, with their arguments, when their own work "
        "is\n"
        "done. Routes, source addresses and name servers are set by the daemon in any case, so that nothing\n"
        "is left of what Libreswan's does. The word \\fBiptables\\fR, which is strongSwan's, has it open "
        "the\n"
        "machine's own firewall for the networks that PLUTO_MY_CLIENT and PLUTO_PEER_CLIENT name, as\n"
        "\\fBfirewall = yes\\fR does, when PLUTO_VERB begins with up, until it begins with down.\n",
    .run_words = run,
};
