/* SPDX-License-Identifier: Apache-2.0 */
/* keyway doctor cert FILE: which kinds of client will accept a certificate as a gateway's or a user's, and
 * why not. The demands are src/pki/fitness.c's. */
#include "bin/keyway/cli.h"
#include "pki/fitness.h"
#include "sys/clock.h"
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>

enum { FILE_MAX_LEN = 1 << 20 };

static const char *const role_names[FIT_N_ROLES] = {"gateway", "user"};
static const char *const verdicts[] = {
    [FIT_NOTE] = "accepts", [FIT_RISK] = "may refuse", [FIT_REFUSED] = "refuses"};
static const char *const levels[] = {[FIT_NOTE] = "note", [FIT_RISK] = "risk", [FIT_REFUSED] = "refused"};
static const enum cli_color colors[] = {
    [FIT_NOTE] = CLI_GREEN, [FIT_RISK] = CLI_YELLOW, [FIT_REFUSED] = CLI_RED};

static struct cert *load(const char *path, struct diag *d)
{
    uint8_t *data = malloc(FILE_MAX_LEN + 1);
    FILE *f = data ? fopen(path, "rbe") : NULL;
    if (!f) {
        diag_set(d, FAIL_NOT_FOUND, "cannot open %s: %s", path, strerror(errno));
        free(data);
        return NULL;
    }
    size_t len = fread(data, 1, FILE_MAX_LEN + 1, f);
    struct cert *c = NULL;
    if (ferror(f) || len > FILE_MAX_LEN)
        diag_set(d, FAIL_GENERIC, "cannot read %s: %s", path,
                 ferror(f) ? strerror(errno) : "larger than 1 MiB");
    else
        c = cert_load(span_of(data, len), d);
    if (!c)
        diag_where(d, path, 0, 0);
    fclose(f);
    free(data);
    return c;
}

static void print_finding(const struct cli *cli, const struct fit_rule *rule, enum fit_role role)
{
    printf("  as a %s's: %s%s%s: %s\n", role_names[role], cli_color_on(cli->has_color, colors[rule->level]),
           levels[rule->level], cli_color_off(cli->has_color), rule->why);
    if (rule->try)
        printf("    try: %s\n", rule->try);
}

/* Under the client's name; what is worst first. */
static void print_findings(const struct cli *cli, enum fit_client client, const struct cert *c, int64_t now)
{
    const struct fit_rule *rule;
    bool has_heading = false;
    for (int role = 0; role < FIT_N_ROLES; role++) {
        for (int level = FIT_REFUSED; level >= FIT_NOTE; level--) {
            for (size_t i = 0; (rule = fit_rule_at(i)); i++) {
                if ((int)rule->level != level || !fit_rule_applies(rule, client, role, c, now))
                    continue;
                if (!has_heading)
                    printf("\n%s%s%s\n", cli_color_on(cli->has_color, CLI_BOLD), fit_client_name(client),
                           cli_color_off(cli->has_color));
                has_heading = true;
                print_finding(cli, rule, role);
            }
        }
    }
}

static void print_text(const struct cli *cli, const struct cert *c, int64_t now)
{
    struct cli_table t = {
        .heads = {"CLIENT", "AS A GATEWAY'S", "AS A USER'S"},
          .n_columns = 3
    };
    printf("%s\n\n", cert_subject_text(c)[0] ? cert_subject_text(c) : "(no subject)");
    for (int client = 0; client < FIT_N_CLIENTS; client++) {
        cli_table_row(&t);
        cli_table_cell(&t, 0, CLI_PLAIN, "%s", fit_client_name(client));
        for (int role = 0; role < FIT_N_ROLES; role++) {
            enum fit_level v = fit_verdict(client, role, c, now);
            cli_table_cell(&t, (size_t)role + 1, colors[v], "%s", verdicts[v]);
        }
    }
    cli_table_print(&t, cli->has_color);
    for (int client = 0; client < FIT_N_CLIENTS; client++)
        print_findings(cli, client, c, now);
}

static json_t *findings_json(enum fit_client client, enum fit_role role, const struct cert *c, int64_t now)
{
    json_t *all = json_array();
    const struct fit_rule *rule;
    for (size_t i = 0; (rule = fit_rule_at(i)); i++) {
        if (fit_rule_applies(rule, client, role, c, now))
            json_array_append_new(all, json_pack("{s:s,s:s,s:s,s:s?}", "rule", rule->name, "level",
                                                 levels[rule->level], "why", rule->why, "try", rule->try));
    }
    return all;
}

/* {"subject","clients":[{"name","gateway":{"verdict","findings":[{"rule","level","why","try"}]},"user":{...}}]}
 */
static json_t *model_of(const struct cert *c, int64_t now)
{
    json_t *clients = json_array();
    for (int client = 0; client < FIT_N_CLIENTS; client++) {
        json_t *j = json_pack("{s:s}", "name", fit_client_name(client));
        for (int role = 0; role < FIT_N_ROLES; role++)
            json_object_set_new(j, role_names[role],
                                json_pack("{s:s,s:o}", "verdict", levels[fit_verdict(client, role, c, now)],
                                          "findings", findings_json(client, role, c, now)));
        json_array_append_new(clients, j);
    }
    return json_pack("{s:s,s:o}", "subject", cert_subject_text(c), "clients", clients);
}

/* 0: in one of the roles no client refuses it. */
static int exit_code(const struct cert *c, int64_t now)
{
    for (int role = 0; role < FIT_N_ROLES; role++) {
        int client = 0;
        while (client < FIT_N_CLIENTS && fit_verdict(client, role, c, now) != FIT_REFUSED)
            client++;
        if (client == FIT_N_CLIENTS)
            return 0;
    }
    return FAIL_CERTIFICATE;
}

int cmd_doctor(struct cli *c)
{
    struct diag d = {0};
    if (c->argc == 0)
        return cmd_doctor_machine(c);
    if (c->argc == 1 && strcmp(c->argv[0], "net") == 0)
        return cmd_doctor_net(c);
    if (c->argc != 2 || strcmp(c->argv[0], "cert") != 0)
        return cli_usage("keyway doctor, keyway doctor net, or keyway doctor cert FILE");
    struct cert *cert = load(c->argv[1], &d);
    if (!cert)
        return cli_fail(c, NULL, &d);
    int64_t now = clock_now().wall;
    if (c->has_json)
        cli_print_json(model_of(cert, now));
    else
        print_text(c, cert, now);
    int code = exit_code(cert, now);
    cert_unref(cert);
    return code;
}
