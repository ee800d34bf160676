/* SPDX-License-Identifier: Apache-2.0 */
/* `ipsec look` and `ipsec barf`: what a helper far away wants to see. look is what there is at the moment;
 * barf is that and the checks, the configuration, its files and the log: bounded, and without a secret, in
 * three ways: files of keys are not read at all, in the others values of secret keys are left out
 * (conf/censor.h), and at the end what is known as a secret is looked for in all of it. */
#include "base/log.h"
#include "bin/ipsec/commands.h"
#include "bin/ipsec/load.h"
#include "conf/censor.h"
#include "conf/show.h"
#include "sys/files.h"
#include "sys/tool.h"
#include <glob.h>
#include <stdlib.h>
#include <sys/utsname.h>
#include <time.h>
#include <unistd.h>

enum { FILE_LEN = 1 << 16, TOOL_LEN = 1 << 16, TOOL_SECONDS = 5, FILES_MAX = 64 };

static void to_file(void *ctx, const char *text)
{
    fputs(text, ctx);
}

static void put_title(FILE *to, const char *title)
{
    fprintf(to, "+ _________________________ %s\n+\n", title);
}

/* ---- programs of the machine */

static void put_tool(FILE *to, const char *const *words)
{
    char path[PATH_TEXT_MAX], title[256] = "";
    char *argv[12] = {path};
    struct secret out = {0};
    struct diag d = {0};
    size_t len = 0;
    for (int i = 0; words[i] && i < 11; i++) {
        len += (size_t)snprintf(title + len, sizeof(title) - len, "%s%s", i ? " " : "", words[i]);
        if (i)
            argv[i] = (char *)words[i];
    }
    put_title(to, title);
    if (!tool_find(words[0], path)) {
        fprintf(to, "%s is not installed\n", words[0]);
        return;
    }
    if (tool_run(argv, TOOL_SECONDS, &out, &d) < 0)
        fprintf(to, "%s\n", d.what);
    size_t n = out.len < TOOL_LEN ? out.len : TOOL_LEN;
    fwrite(out.ptr, 1, n, to);
    if (n < out.len)
        fprintf(to, "\n[cut after %zu of %zu bytes]\n", n, out.len);
    secret_free(&out);
}

/* clang-format off */
static const char *const network[][10] = {
    {"ip", "-br", "addr"},
    {"ip", "rule"},
    {"ip", "-6", "rule"},
    {"ip", "route", "show", "table", "main"},
    {"ip", "-6", "route", "show", "table", "main"},
    {"ip", "route", "show", "table", "220"},
    {"ip", "-6", "route", "show", "table", "220"},
};
/* clang-format on */

/* This program, of which more is known than of any other. */
static void put_own(FILE *to, const struct paths *p, const char *command)
{
    char own[PATH_TEXT_MAX];
    ssize_t n = readlink("/proc/self/exe", own, sizeof(own) - 1);
    own[n > 0 ? n : 0] = 0;
    char *const argv[] = {own,       (char *)command,  "--etc", (char *)p->etc, "--run", (char *)p->run,
                          "--state", (char *)p->state, NULL};
    struct secret out = {0};
    struct diag d = {0};
    char title[64];
    snprintf(title, sizeof(title), "ipsec %s", command);
    put_title(to, title);
    if (tool_run(argv, TOOL_SECONDS, &out, &d) < 0)
        fprintf(to, "%s\n", d.what);
    fwrite(out.ptr, 1, out.len < TOOL_LEN ? out.len : TOOL_LEN, to);
    secret_free(&out);
}

static void put_look(FILE *to, const struct paths *p)
{
    struct utsname u = {0};
    char when[64] = "";
    time_t now = time(NULL);
    struct tm tm;
    uname(&u);
    if (gmtime_r(&now, &tm))
        strftime(when, sizeof(when), "%a %b %e %H:%M:%S UTC %Y", &tm);
    fprintf(to, "%s %s\n", u.nodename, when);
    put_own(to, p, "statusall");
    for (size_t i = 0; i < ARRAY_LEN(network); i++)
        put_tool(to, network[i]);
}

/* ---- files */

static void put_file(FILE *to, const char *path, bool is_of_secrets)
{
    struct conf_sink sink = {to, to_file};
    char *text = calloc(1, FILE_LEN + 1);
    FILE *f = text ? fopen(path, "re") : NULL;
    if (f) {
        size_t n = fread(text, 1, FILE_LEN, f);
        put_title(to, path);
        (is_of_secrets ? censor_secrets : censor_settings)(span_of(text, n), &sink);
        fprintf(to, n == FILE_LEN ? "\n[cut after %zu bytes]\n" : "\n", n);
        fclose(f);
        secret_wipe(text, FILE_LEN);
    }
    free(text);
}

static void put_files(FILE *to, const struct paths *p)
{
    static const struct {
        const char *pattern;
        bool is_of_secrets;
    } rows[] = {
        {"strongswan.conf",      false},
        {"strongswan.d/*.conf",  false},
        {"keyway/keyway.conf",   false},
        {"keyway/conf.d/*.conf", false},
        {"swanctl/swanctl.conf", false},
        {"swanctl/conf.d/*",     false},
        {"ipsec.conf",           false},
        {"ipsec.d/*.conf",       false},
        {"ipsec.secrets",        true },
        {"ipsec.d/*.secrets",    true },
    };
    size_t n_files = 0;
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        char pattern[PATH_TEXT_MAX];
        glob_t g;
        snprintf(pattern, sizeof(pattern), "%s/%s", p->etc, rows[i].pattern);
        if (glob(pattern, 0, NULL, &g) != 0)
            continue;
        for (size_t k = 0; k < g.gl_pathc && n_files++ < FILES_MAX; k++)
            put_file(to, g.gl_pathv[k], rows[i].is_of_secrets);
        globfree(&g);
    }
}

/* ---- what the files became */

static void put_line(void *ctx, const struct log_entry *e)
{
    fprintf(ctx, "%s: %s\n", log_level_name(e->level), e->text);
}

static struct config *put_config(FILE *to, const struct paths *p)
{
    struct conf_source src = files_source(p);
    const struct conf_request req = {.etc = p->etc};
    struct conf_sink sink = {to, to_file};
    struct diag errors[8] = {0};
    char text[2048];
    size_t n = 0;
    put_title(to, "keyway config show");
    log_set_sink(put_line, to, LOG_NOTICE);
    struct config *c = conf_load(&src, &req, errors, ARRAY_LEN(errors), &n);
    log_set_sink(NULL, NULL, LOG_ERR);
    for (size_t i = 0; i < n && i < ARRAY_LEN(errors); i++)
        fprintf(to, "error: %s\n", diag_format(&errors[i], text, sizeof(text)));
    if (c)
        conf_show(c, NULL, false, &sink);
    return c;
}

static void censor_known(const struct config *c, char *text, size_t len)
{
    for (size_t i = 0; c && i < c->n_secrets; i++)
        censor_value(text, len, secret_view(&c->secrets[i].secret));
    for (size_t i = 0; c && i < c->n_ppks; i++)
        censor_value(text, len, secret_view(&c->ppks[i].secret));
}

static int run_look(struct ipsec_run *r)
{
    put_look(stdout, &r->paths);
    return 0;
}

static int run_barf(struct ipsec_run *r)
{
    static const char *const log_words[] = {"journalctl", "-u",  "keyway",     "-u", "keywayd",
                                            "-n",         "300", "--no-pager", NULL};
    char *text = NULL;
    size_t len = 0;
    FILE *to = open_memstream(&text, &len);
    if (!to)
        abort();
    put_look(to, &r->paths);
    put_title(to, "ipsec verify");
    ipsec_put_checkup(to, &r->paths, false);
    struct config *c = put_config(to, &r->paths);
    put_files(to, &r->paths);
    put_tool(to, log_words);
    put_title(to, "the end");
    fclose(to);
    censor_known(c, text, len);
    fwrite(text, 1, len, stdout);
    secret_wipe(text, len);
    free(text);
    if (c)
        config_unref(c);
    return 0;
}

static const struct ipsec_option options[] = {
    {"etc",                                                                "DIR", "stands for /etc; default: KEYWAY_ETC, or /etc"},
    {"run",                     "DIR", "where the daemon's socket is; default: KEYWAY_RUN, or /run/keyway"},
    {"state",                                                                "DIR", "stands for /var/lib; default: KEYWAY_STATE, or /var/lib"},
    {NULL}
};

const struct ipsec_command ipsec_cmd_look = {
    .name = "look",
    .doc = "tunnels, addresses, rules and routes, all at once",
    .options = options,
    .run = run_look,
};

const struct ipsec_command ipsec_cmd_barf = {
    .name = "barf",
    .doc = "all that a helper far away wants to see, without secrets: state, checks, configuration, log",
    .options = options,
    .run = run_barf,
};
