/* SPDX-License-Identifier: Apache-2.0 */
/* `ipsec verify`: does this machine have what a gateway needs? In the layout of Libreswan's 4.x, a verdict in
 * brackets behind each check, with what to do under it. The checks are src/sys/checkup.c's, which `keyway
 * doctor` shows, too. */
#include "bin/ipsec/commands.h"
#include "bin/ipsec/load.h"
#include "ctl/client.h"
#include "sys/checkup.h"
#include "sys/clock.h"
#include "sys/files.h"
#include <stdlib.h>
#include <sys/utsname.h>
#include <unistd.h>

enum { WIDTH = 50 };

static void put_item(FILE *to, const struct checkup_item *i, bool has_color)
{
    static const char *const words[] = {[CHECKUP_OK] = "OK",
                                        [CHECKUP_NOTE] = "NOTE",
                                        [CHECKUP_WARNING] = "WARNING",
                                        [CHECKUP_FAILED] = "FAILED"};
    static const char *const colors[] = {
        [CHECKUP_OK] = "32", [CHECKUP_NOTE] = "32", [CHECKUP_WARNING] = "33", [CHECKUP_FAILED] = "31"};
    if (has_color)
        fprintf(to, "%-*s\t[\033[%sm%s\033[0m]\n", WIDTH, i->label, colors[i->verdict], words[i->verdict]);
    else
        fprintf(to, "%-*s\t[%s]\n", WIDTH, i->label, words[i->verdict]);
    if (i->what[0])
        fprintf(to, "\t%s\n", i->what);
    if (i->try[0])
        fprintf(to, "\tTry: %s\n", i->try);
}

bool ipsec_checkup(const struct paths *p, struct checkup *out)
{
    struct conf_source src = files_source(p);
    const struct conf_request req = {.etc = p->etc};
    struct diag error = {0}, d = {0};
    char path[PATH_TEXT_MAX];
    size_t n_errors = 0;
    struct config *config = conf_load(&src, &req, &error, 1, &n_errors);
    struct vici_client *v = vici_client_open(p->vici ? p->vici : paths_run(p, "keyway.vici", path), &d);
    const struct checkup_input in = {.root = "",
                                     .paths = p,
                                     .is_running = v != NULL,
                                     .now = clock_now().wall,
                                     .config = config,
                                     .error = &error,
                                     .n_errors = n_errors};
    checkup_run(&in, out);
    if (v)
        vici_client_close(v);
    if (config)
        config_unref(config);
    return checkup_worst(out) < CHECKUP_FAILED;
}

int ipsec_put_checkup(FILE *to, const struct paths *p, bool has_color)
{
    struct checkup c;
    struct utsname u = {0};
    bool ok = ipsec_checkup(p, &c);
    size_t n_failed = 0;
    uname(&u);
    fprintf(to, "Verifying installed system and configuration files\n\n");
    fprintf(to, "Keyway %s on %s\n", KEYWAY_VERSION, u.release);
    for (size_t i = 0; i < c.n; i++) {
        put_item(to, &c.v[i], has_color);
        n_failed += c.v[i].verdict == CHECKUP_FAILED;
    }
    if (n_failed)
        fprintf(to, "\nipsec verify: encountered %zu error%s\n", n_failed, n_failed == 1 ? "" : "s");
    return ok ? 0 : 1;
}

static int run_verify(struct ipsec_run *r)
{
    return ipsec_put_checkup(stdout, &r->paths, isatty(STDOUT_FILENO) && !getenv("NO_COLOR"));
}

static const struct ipsec_option options[] = {
    {"etc",                                                                "DIR", "stands for /etc; default: KEYWAY_ETC, or /etc"},
    {"run",                     "DIR", "where the daemon's socket is; default: KEYWAY_RUN, or /run/keyway"},
    {"state",                                                                "DIR", "stands for /var/lib; default: KEYWAY_STATE, or /var/lib"},
    {"vici", "PATH", "another socket of it"},
    {NULL                                                             }
};

const struct ipsec_command ipsec_cmd_verify = {
    .name = "verify",
    .doc = "whether this machine has what a gateway needs, and what to do where it has not",
    .options = options,
    .run = run_verify,
    .usage_code = 1,
};
