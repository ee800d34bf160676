/* SPDX-License-Identifier: Apache-2.0 */
/* `ipsec start`, `stop`, `restart`, and `setup status`. Where systemd runs the machine and the places are the
 * usual ones, the daemon is the service's: Libreswan's words redirect to it, strongSwan's do not. */
#include "bin/ipsec/commands.h"
#include "bin/ipsec/control.h"
#include <errno.h>
#include <unistd.h>

static bool has_service(const struct control *c)
{
    const struct ipsec_run *r = c->run;
    bool is_elsewhere =
        ipsec_has(r, "etc") || ipsec_has(r, "run") || ipsec_has(r, "state") || ipsec_has(r, "vici");
    return is_libreswan(c) && !is_elsewhere && access("/run/systemd/system", F_OK) == 0;
}

static int redirect(const char *verb)
{
    printf("Redirecting to: systemctl %s ipsec.service\n", verb);
    fflush(stdout);
    execlp("systemctl", "systemctl", verb, "ipsec.service", NULL);
    fprintf(stderr, "cannot run systemctl: %s\n", strerror(errno));
    return FAIL_GENERIC;
}

static int begin(struct control *c)
{
    bool has_file;
    int pid = daemon_pid(&c->run->paths, &has_file);
    if (pid) {
        printf("keywayd is already running (pid %d): nothing is done\n", pid);
        return 0;
    }
    printf("Starting Keyway %s IPsec [keywayd]...\n", KEYWAY_VERSION);
    fflush(stdout);
    if (!daemon_start(c))
        return FAIL_GENERIC;
    pid = daemon_pid(&c->run->paths, &has_file);
    printf("keywayd is ready (pid %d); it logs to syslog: journalctl -t keywayd\n", pid);
    return 0;
}

static int end(struct control *c)
{
    bool has_file;
    if (!daemon_pid(&c->run->paths, &has_file)) {
        printf("keywayd is not running: nothing is done\n");
        return 0;
    }
    printf("Stopping Keyway IPsec...\n");
    fflush(stdout);
    return daemon_stop(c) ? 0 : FAIL_GENERIC;
}

static int start(struct control *c, const char *name)
{
    (void)name;
    return has_service(c) ? redirect("start") : begin(c);
}

static int stop(struct control *c, const char *name)
{
    (void)name;
    return has_service(c) ? redirect("stop") : end(c);
}

static int restart(struct control *c, const char *name)
{
    (void)name;
    if (has_service(c))
        return redirect("restart");
    int code = end(c);
    return code ? code : begin(c);
}

static int setup_status(struct control *c, const char *name)
{
    (void)name;
    bool has_file;
    int pid = daemon_pid(&c->run->paths, &has_file);
    if (pid)
        printf("IPsec running  - keywayd pid: %d\n", pid);
    else
        puts("IPsec stopped");
    return pid ? 0 : has_file ? 1 : 3;
}

const struct ipsec_command ipsec_cmd_start = {
    .name = "start",
    .doc = "start the daemon, and wait until it is ready",
    .act = start,
    .is_without_daemon = true,
    .manual =
        "It runs in the background, one for each run directory (\\fIRUN/keywayd.pid\\fR), and logs to "
        "syslog.\n"
        "In Libreswan's words, on a machine that systemd runs and without \\fB\\-\\-etc\\fR, "
        "\\fB\\-\\-run\\fR or\n"
        "\\fB\\-\\-state\\fR, this is \\fBsystemctl start ipsec.service\\fR; likewise \\fBstop\\fR and\n"
        "\\fBrestart\\fR.",
};

const struct ipsec_command ipsec_cmd_stop = {
    .name = "stop",
    .as_whack = "shutdown",
    .doc = "end the daemon, and wait until it is gone",
    .act = stop,
    .is_without_daemon = true,
};

const struct ipsec_command ipsec_cmd_restart = {
    .name = "restart",
    .doc = "stop and start",
    .act = restart,
    .is_without_daemon = true,
};

/* not in the table: `ipsec setup status` */
const struct ipsec_command ipsec_cmd_setup_status = {
    .name = "setup status",
    .doc = "whether the daemon runs",
    .act = setup_status,
    .is_without_daemon = true,
};
