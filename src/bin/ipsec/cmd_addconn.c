/* SPDX-License-Identifier: Apache-2.0 */
/* `ipsec checkconfig`, `addconn`, `readwriteconf`: what Libreswan's users, and scripts that start a daemon,
 * ask about ipsec.conf. They read the files themselves. checkconfig says nothing where nothing is wrong. */
#include "bin/ipsec/commands.h"
#include "bin/ipsec/control.h"
#include "bin/ipsec/load.h"
#include "conf/convert/convert.h"
#include "sys/files.h"
#include <stdlib.h>

/* ---- checkconfig */

static int run_checkconfig(struct ipsec_run *r)
{
    int code = 0;
    struct config *c = ipsec_load(&r->paths, ipsec_get(r, "config"), false, ipsec_has(r, "verbose"), &code);
    if (!c)
        return code;
    if (ipsec_has(r, "verbose"))
        fprintf(stderr, "connections: %zu, left out: %zu\n", c->n_connections, c->n_left_out);
    config_unref(c);
    return 0;
}

#define FILE_OPTIONS                                                                                         \
    {"config", "FILE", "in place of ETC/ipsec.conf"},                                                        \
        {"etc", "DIR", "stands for /etc; default: KEYWAY_ETC, or /etc"},                                     \
        {"state", "DIR", "stands for /var/lib; default: KEYWAY_STATE, or /var/lib"},                         \
        {"run", "DIR", "where the daemon's socket is"},                                                      \
    {                                                                                                        \
        "verbose", NULL, "warnings, too"                                                                     \
    }

static const struct ipsec_option check_options[] = {FILE_OPTIONS, {NULL}};

const struct ipsec_command ipsec_cmd_checkconfig = {
    .name = "checkconfig",
    .also = "--checkconfig",
    .doc = "whether the configuration loads: nothing is said, and the exit code is 0, if it does",
    .options = check_options,
    .run = run_checkconfig,
    .as_auto = "checkconfig",
    .usage_code = 1,
};

/* ---- readwriteconf: the file as it was understood */

static int write_back(struct ipsec_run *r, struct config *c)
{
    struct conf_source src = files_source(&r->paths);
    const char *dialect = c->n_connections ? c->connections[0]->dialect : "";
    bool is_strongswan = strstr(dialect, "strongswan") != NULL;
    const struct convert_request req = {
        .src = &src, .etc = r->paths.etc, .to = is_strongswan ? FORM_STRONGSWAN : FORM_LIBRESWAN};
    struct conversion v;
    struct diag d;
    int code = 0;
    if (convert_config(c, &req, &v, &d))
        fputs(v.files[0].text, stdout);
    else
        code = ipsec_fail(r, &d);
    convert_free(&v);
    return code;
}

static int run_readwriteconf(struct ipsec_run *r)
{
    int code = 0;
    struct config *c = ipsec_load(&r->paths, ipsec_get(r, "config"), true, ipsec_has(r, "verbose"), &code);
    if (!c)
        return code;
    code = write_back(r, c);
    config_unref(c);
    return code;
}

const struct ipsec_command ipsec_cmd_readwriteconf = {
    .name = "readwriteconf",
    .doc = "ipsec.conf as it was understood, in its own dialect; keyway config convert has other forms",
    .options = check_options,
    .run = run_readwriteconf,
    .usage_code = 1,
};

/* ---- addconn */

struct addconn {
    struct ipsec_run run;
    const char *config, *key, *prefix;
    bool checks, lists_setup, is_unexported, adds_all, verbose;
    const char *lists; /* "all", "add", ... */
    const char *names[IPSEC_OPERANDS_MAX];
    size_t n_names;
};

static bool take_value(int argc, char **argv, int *i, const char *name, const char **out)
{
    size_t len = strlen(name);
    if (strncmp(argv[*i], name, len) != 0 || (argv[*i][len] && argv[*i][len] != '='))
        return false;
    *out = argv[*i][len] ? argv[*i] + len + 1 : *i + 1 < argc ? argv[++*i] : "";
    return true;
}

static bool take_words(struct addconn *a, int argc, char **argv)
{
    const char *ignored;
    for (int i = 1; i < argc; i++) {
        const char *w = argv[i];
        struct paths *p = &a->run.paths;
        if (take_value(argc, argv, &i, "--config", &a->config) ||
            take_value(argc, argv, &i, "--etc", &p->etc) || take_value(argc, argv, &i, "--run", &p->run) ||
            take_value(argc, argv, &i, "--state", &p->state) ||
            take_value(argc, argv, &i, "--varprefix", &a->prefix) ||
            take_value(argc, argv, &i, "--ctlsocket", &ignored))
            continue;
        if (!strcmp(w, "--checkconfig"))
            a->checks = true;
        else if (!strcmp(w, "--configsetup") || !strncmp(w, "--configsetup=", 14)) {
            a->lists_setup = true;
            a->key = w[13] ? w + 14 : NULL;
        } else if (!strcmp(w, "--noexport"))
            a->is_unexported = true;
        else if (!strcmp(w, "--verbose"))
            a->verbose = true;
        else if (!strcmp(w, "--autoall"))
            a->adds_all = true;
        else if (!strcmp(w, "--liststack"))
            a->lists = "stack";
        else if (!strncmp(w, "--list", 6))
            a->lists = w + 6;
        else if (w[0] == '-' || a->n_names == IPSEC_OPERANDS_MAX)
            return false;
        else
            a->names[a->n_names++] = w;
    }
    return true;
}

static const char *yes(bool v)
{
    return v ? "yes" : "no";
}

/* What scripts that start a daemon look for, as variables of a shell. */
static void put_setup(const struct addconn *a, const struct config *c)
{
    char listen_tcp[4], keep_alive[24], half_open[24], nss[PATH_TEXT_MAX], secrets[PATH_TEXT_MAX],
        folder[PATH_TEXT_MAX], run[PATH_TEXT_MAX];
    const struct settings *s = &c->settings;
    const char *unique = c->n_connections && c->connections[0]->unique == UNIQUE_NO ? "no" : "yes";
    const struct log_target *log =
        c->logging.n && c->logging.v[0].kind == LOG_TO_FILE ? &c->logging.v[0] : NULL;
    snprintf(listen_tcp, sizeof(listen_tcp), "%s", yes(s->n_tcp_ports));
    snprintf(keep_alive, sizeof(keep_alive), "%lld", (long long)(s->keep_alive / 1000000));
    snprintf(half_open, sizeof(half_open), "%u", s->init_limit_half_open);
    snprintf(secrets, sizeof(secrets), "%s/ipsec.secrets", a->run.paths.etc);
    snprintf(folder, sizeof(folder), "%s/ipsec.d", a->run.paths.etc);
    snprintf(run, sizeof(run), "%s", a->run.paths.run);
    const struct {
        const char *key, *value;
    } rows[] = {
        {"configfile",                       a->config                    },
        {"rundir",                           run                          },
        {"dumpdir",                          run                          },
        {"ipsecdir",                         folder                       },
        {"nssdir",                           keystore_folder(&a->run.paths, NULL, nss)},
        {"secretsfile",                              secrets                                                          },
        {"logfile",log && log->path ? log->path : ""},
        {"logappend",    yes(!log || log->appends)                                                                },
        {"logip",      yes(!c->logging.hides_addresses)},
        {"uniqueids",unique                                                       },
        {"listen_tcp",                                listen_tcp     },
        {"listen_udp","yes"                },
        {"keep_alive",                                     keep_alive                                                 },
        {"max_halfopen_ike",half_open},
        {"dnssec_enable",                                      yes(s->asks_dns)                                                                                                   },
    };
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        if (a->key && strcmp(a->key, rows[i].key) != 0)
            continue;
        if (a->key)
            printf("%s\n", rows[i].value);
        else
            printf("%s%s%s='%s'\n", a->is_unexported ? " " : "export ", a->prefix ? a->prefix : "",
                   rows[i].key, rows[i].value);
    }
}

static bool is_listed(const struct connection *c, const char *what)
{
    enum start_action start = START_NONE;
    for (size_t i = 0; i < c->n_children; i++)
        start |= c->children[i].start_action;
    return !strcmp(what, "all")     ? true
           : !strcmp(what, "add")   ? start == START_NONE
           : !strcmp(what, "start") ? (start & START_START) != 0
                                    : !strcmp(what, "route") && start == START_TRAP;
}

static int put_list(const struct addconn *a, const struct config *c)
{
    if (!strcmp(a->lists, "stack")) {
        puts("keyway");
        return 0;
    }
    for (size_t i = 0; i < c->n_connections; i++) {
        if (is_listed(c->connections[i], a->lists))
            printf("%s ", c->connections[i]->name);
    }
    putchar('\n');
    return 0;
}

/* Names are told to the daemon, as by `ipsec add`. */
static int add_names(const struct addconn *a)
{
    char *argv[IPSEC_OPERANDS_MAX + 8] = {(char *)"add", (char *)"--run", (char *)a->run.paths.run};
    int argc = 3;
    for (size_t i = 0; i < a->n_names; i++)
        argv[argc++] = (char *)a->names[i];
    return ipsec_run_words(&ipsec_cmd_add, DIALECT_LIBRESWAN, argc, argv);
}

static const char usage[] =
    "usage: ipsec addconn [--config FILE] [--verbose] --checkconfig | --configsetup[=KEY] [--noexport]\n"
    "       [--varprefix TEXT] | --listall | --listadd | --listroute | --liststart | --autoall | NAME...\n";

static int run_addconn(int argc, char **argv)
{
    struct addconn a = {.run = {.command = &ipsec_cmd_addconn}};
    char path[PATH_TEXT_MAX];
    int code = 0;
    bool is_help = argc > 1 && (!strcmp(argv[1], "--help") || !strcmp(argv[1], "-h"));
    if (is_help || !take_words(&a, argc, argv)) {
        fputs(usage, is_help ? stdout : stderr);
        return !is_help;
    }
    paths_complete(&a.run.paths);
    if (a.n_names)
        return add_names(&a);
    if (a.adds_all) /* the daemon has them */
        return 0;
    snprintf(path, sizeof(path), "%s/ipsec.conf", a.run.paths.etc);
    struct config *c = ipsec_load(&a.run.paths, a.config, false, a.verbose, &code);
    a.config = a.config ? a.config : path;
    if (!c)
        return code;
    if (a.lists_setup)
        put_setup(&a, c);
    else if (a.lists)
        code = put_list(&a, c);
    config_unref(c);
    return code;
}

const struct ipsec_command ipsec_cmd_addconn = {
    .name = "addconn",
    .doc =
        "--checkconfig, --configsetup, --listall and their like of Libreswan's helper; with NAME: ipsec add",
    .run_words = run_addconn,
};
