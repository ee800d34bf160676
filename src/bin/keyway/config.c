/* SPDX-License-Identifier: Apache-2.0 */
/* keyway config check | show [NAME] | explain KEY | convert | reference: reads the files itself, with the
 * daemon's own loader; the daemon need not run. */
#include "base/log.h"
#include "bin/keyway/cli.h"
#include "conf/show.h"
#include "sys/files.h"
#include <stdio.h>
#include <stdlib.h>

#define ERRORS_MAX 64

static void to_stdout(void *ctx, const char *text)
{
    (void)ctx;
    fputs(text, stdout);
}

static void to_stderr(void *ctx, const char *text)
{
    (void)ctx;
    fputs(text, stderr);
}

/* What the daemon would log while it loads. */
static void put_warning(void *ctx, const struct log_entry *e)
{
    (void)ctx;
    fprintf(stderr, "%s: %s\n", log_level_name(e->level), e->text);
}

static struct config *load(struct cli *c, struct diag *errors, size_t *n)
{
    struct conf_source files = files_source(&c->paths);
    struct conf_request req = {.etc = c->paths.etc, .load = c->load, .settings = c->settings};
    *n = 0;
    if (!c->is_quiet)
        log_set_sink(put_warning, NULL, LOG_NOTICE);
    return conf_load(&files, &req, errors, ERRORS_MAX, n);
}

static int report_errors(struct cli *c, const struct diag *errors, size_t n)
{
    struct conf_source files = files_source(&c->paths);
    struct conf_sink sink = {.write = to_stderr};
    json_t *all = json_array();
    for (size_t i = 0; i < n && i < ERRORS_MAX; i++) {
        conf_print_error(&errors[i], &files, &sink);
        json_array_append_new(all, cli_diag_json(&errors[i]));
    }
    fprintf(stderr, "keyway: %zu error%s\n", n, n == 1 ? "" : "s");
    if (c->has_json)
        cli_print_json(json_pack("{s:b,s:o}", "success", 0, "errors", all));
    else
        json_decref(all);
    return FAIL_CONFIG;
}

struct config *cli_load(struct cli *c, const struct conf_request *req, int *code)
{
    struct conf_source files = files_source(&c->paths);
    struct diag *errors = calloc(ERRORS_MAX, sizeof(*errors));
    size_t n = 0;
    if (!errors)
        abort();
    if (!c->is_quiet)
        log_set_sink(put_warning, NULL, LOG_NOTICE);
    struct config *config = conf_load(&files, req, errors, ERRORS_MAX, &n);
    if (!config)
        *code = report_errors(c, errors, n);
    free(errors);
    return config;
}

static void report_count(const struct config *config)
{
    fprintf(stderr, "ok: %zu tunnel%s", config->n_connections, config->n_connections == 1 ? "" : "s");
    if (config->n_left_out)
        fprintf(stderr, ", and %zu left out", config->n_left_out);
    fputs("\n", stderr);
}

static int check(struct cli *c)
{
    struct diag *errors = calloc(ERRORS_MAX, sizeof(*errors));
    size_t n;
    if (!errors)
        abort();
    struct config *config = load(c, errors, &n);
    int code = config ? 0 : report_errors(c, errors, n);
    free(errors);
    if (!config)
        return code;
    if (c->has_json)
        cli_print_json(
            json_pack("{s:b,s:I}", "success", 1, "connections", (json_int_t)config->n_connections));
    if (!c->is_quiet)
        report_count(config);
    config_unref(config);
    return 0;
}

static int show(struct cli *c, const char *name)
{
    struct diag *errors = calloc(ERRORS_MAX, sizeof(*errors)), d;
    struct conf_sink sink = {.write = to_stdout};
    size_t n;
    if (!errors)
        abort();
    struct config *config = load(c, errors, &n);
    int code = config ? 0 : report_errors(c, errors, n);
    free(errors);
    if (!config)
        return code;
    if (!conf_show(config, name, c->has_json, &sink)) {
        diag_set(&d, FAIL_NOT_FOUND, "there is no tunnel %s", name);
        code = cli_fail(c, NULL, &d);
    }
    config_unref(config);
    return code;
}

static void put_piece(void *ctx, struct span body)
{
    struct span text;
    (void)ctx;
    if (vici_find(body, "text", &text))
        fwrite(text.ptr, 1, text.len, stdout);
}

/* What the daemon runs with: the files may have changed since. */
static int show_running(struct cli *c, const char *name)
{
    struct diag d = {0};
    struct vici_client *v = cli_connect(c, &d);
    struct vici_writer w;
    struct span reply;
    vici_write_init(&w);
    vici_packet_open(&w, VICI_CMD_REQUEST, "keyway-config-show");
    if (name)
        vici_text(&w, "name", name);
    vici_flag(&w, "json", c->has_json);
    bool ok = v && vici_client_call(v, &w, "keyway-config-text", put_piece, NULL, &reply, &d) &&
              vici_reply_ok(reply, &d);
    vici_write_free(&w);
    vici_client_close(v);
    return ok ? 0 : cli_fail(c, NULL, &d);
}

int cmd_config(struct cli *c)
{
    struct conf_sink sink = {.write = to_stdout};
    const char *verb = c->argc ? c->argv[0] : "";
    if (!strcmp(verb, "check") && c->argc == 1)
        return check(c);
    if (!strcmp(verb, "show") && c->argc <= 2)
        return (c->is_running ? show_running : show)(c, c->argc == 2 ? c->argv[1] : NULL);
    if (!strcmp(verb, "reference") && c->argc == 1) {
        conf_reference_write(&sink);
        return 0;
    }
    if (!strcmp(verb, "reference") && c->argc == 2 && !strcmp(c->argv[1], "ipsec.conf")) {
        conf_reference_write_ipsec(&sink);
        return 0;
    }
    if (!strcmp(verb, "convert"))
        return cmd_config_convert(c);
    if (!strcmp(verb, "explain") && c->argc == 2)
        return cmd_config_explain(c, c->argv[1]);
    return cli_usage(
        "keyway config check, keyway config show [NAME], keyway config explain KEY, keyway config "
        "convert --to FORM, or keyway config reference [ipsec.conf]");
}
