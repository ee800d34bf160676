/* SPDX-License-Identifier: Apache-2.0 */
/* `swanctl --log` and `swanctl --monitor-sa`: what the daemon tells, until SIGINT or SIGTERM ends it. */
#include "bin/swanctl/commands.h"
#include <errno.h>
#include <signal.h>
#include <unistd.h>

static void on_signal(int number)
{
    static const char text[] = "disconnecting...\n";
    (void)number;
    ssize_t ignored = write(STDERR_FILENO, text, sizeof(text) - 1);
    (void)ignored;
    _exit(0);
}

static void show(struct swanctl_run *r, struct span event, struct span body)
{
    char label[64];
    snprintf(label, sizeof(label), "%.*s event", (int)event.len, (const char *)event.ptr);
    if (r->style == DUMP_NONE)
        r->command->print(stdout, body);
    else
        dump_message(stdout, r->command->event_label ? r->command->event_label : label, body, r->style);
    fflush(stdout);
}

/* Signals wait while something is printed. */
static int listen_until_signal(struct swanctl_run *r)
{
    struct span event, body;
    struct diag d;
    sigset_t ends;
    sigemptyset(&ends);
    sigaddset(&ends, SIGINT);
    sigaddset(&ends, SIGTERM);
    signal(SIGINT, on_signal);
    signal(SIGTERM, on_signal);
    while (vici_client_wait(r->client, &event, &body, &d)) {
        sigprocmask(SIG_BLOCK, &ends, NULL);
        show(r, event, body);
        sigprocmask(SIG_UNBLOCK, &ends, NULL);
    }
    return swanctl_broken(errno, r->command->name, " ended");
}

static bool listen_to(struct swanctl_run *r, const char *event, const char *what, int *code)
{
    struct diag d;
    if (vici_client_register(r->client, event, NULL, NULL, &d))
        return true;
    fputs("registering for ", stderr);
    *code = swanctl_broken(errno, what, " failed");
    return false;
}

static int run_log(struct swanctl_run *r)
{
    int code;
    return listen_to(r, "log", "log", &code) ? listen_until_signal(r) : code;
}

static int run_monitor(struct swanctl_run *r)
{
    int code;
    if (!listen_to(r, "ike-updown", "IKE_SAs", &code) || !listen_to(r, "child-updown", "CHILD_SAs", &code))
        return code;
    return listen_until_signal(r);
}

#define ENDS                                                                                                 \
    "It ends with SIGINT and SIGTERM, and, where strongSwan's program would wait on, when the daemon does."

const struct swanctl_command swanctl_cmd_log = {
    .name = "log",
    .letter = 'T',
    .doc = "trace logging output",
    .usage = {"[--raw|--pretty]"},
    .options = {OPTION_RAW},
    .run = run_log,
    .event_label = "log",
    .print = lines_log,
    .manual = ENDS,
};

const struct swanctl_command swanctl_cmd_monitor_sa = {
    .name = "monitor-sa",
    .letter = 'm',
    .doc = "monitor for IKE_SA and CHILD_SA changes",
    .usage = {"[--raw|--pretty]"},
    .options = {OPTION_RAW},
    .run = run_monitor,
    .print = lines_sas,
    .manual = ENDS,
};
