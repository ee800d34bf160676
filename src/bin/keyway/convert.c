/* SPDX-License-Identifier: Apache-2.0 */
/* keyway config convert [--from FORM] --to FORM [--secrets | --output DIR] [FILE...]: files of one form as
 * those of another. Without FILE: all that the daemon would read. On stdout stands the main file; secrets are
 * shown only if they are asked for, and never go into a file that others can read. */
#include "conf/convert/convert.h"
#include "base/log.h"
#include "bin/keyway/cli.h"
#include "conf/schema.h"
#include "conf/show.h"
#include "sys/files.h"
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

enum { ERRORS_MAX = 64, LOOK_LEN = 1 << 16 };

/* ---- what the files are */

static bool begins(const char *line, const char *word)
{
    size_t len = strlen(word);
    return strncmp(line, word, len) == 0 && (line[len] == ' ' || line[len] == '\t');
}

/* "conn x", "config setup" and "ca x" begin lines of ipsec.conf, "tunnel x" and "keyway" those of
 * keyway.conf.
 */
static const char *guess_load(const char *path)
{
    char *text = calloc(1, LOOK_LEN);
    FILE *f = text ? fopen(path, "re") : NULL;
    const char *load = "swanctl";
    size_t n = f ? fread(text, 1, LOOK_LEN - 1, f) : 0;
    text[n] = 0;
    for (char *line = text; line && *line; line = strchr(line, '\n') ? strchr(line, '\n') + 1 : NULL) {
        if (begins(line, "conn") || begins(line, "config") || begins(line, "ca"))
            load = "ipsec";
        else if (begins(line, "tunnel") || begins(line, "keyway"))
            load = "keyway";
        else
            continue;
        break;
    }
    if (f)
        fclose(f);
    free(text);
    return load;
}

static bool plan(struct cli *c, struct conf_request *req)
{
    static const char *const loads[FORM_COUNT] = {[FORM_SWANCTL] = "swanctl",
                                                  [FORM_STRONGSWAN] = "ipsec",
                                                  [FORM_LIBRESWAN] = "ipsec",
                                                  [FORM_KEYWAY] = "keyway"};
    enum convert_form from;
    *req = (struct conf_request){.etc = c->paths.etc, .load = c->load, .settings = c->settings};
    if (c->convert.from && !convert_form_of(c->convert.from, &from)) {
        cli_usage("--from wants swanctl, strongswan, libreswan or keyway, not %s", c->convert.from);
        return false;
    }
    if (c->convert.from) {
        req->load = loads[from];
        req->ipsec_dialect = from == FORM_LIBRESWAN    ? DIALECT_LIBRESWAN
                             : from == FORM_STRONGSWAN ? DIALECT_STRONGSWAN
                                                       : DIALECT_UNKNOWN;
    }
    if (c->argc > 1) {
        req->files = (const char *const *)c->argv + 1; /* argv ends with NULL */
        if (!c->convert.from)
            req->load = guess_load(c->argv[1]);
    }
    return true;
}

/* ---- what is told */

static void tell_note(const struct convert_note *n)
{
    fputs("warning: ", stderr);
    if (n->at.file)
        fprintf(stderr, "%s:%d: ", n->at.file, n->at.line);
    fprintf(stderr, "%s: no equivalent: %s = %.100s", n->subject, n->path, *n->value ? n->value : "nothing");
    if (*n->becomes)
        fprintf(stderr, ", which becomes %.100s", n->becomes);
    fprintf(stderr, ": %s%s\n", n->why ? n->why : "a defect of Keyway's", n->at.file ? "" : " (a default)");
}

static void tell(const struct cli *c, const struct config *config, const struct conversion *v)
{
    for (size_t i = 0; i < v->n_notes && !c->is_quiet; i++)
        tell_note(&v->notes[i]);
    if (config->n_left_out)
        fprintf(stderr, "warning: connections that are left out are not converted: %zu\n",
                config->n_left_out);
    if (config->n_ignored)
        fprintf(stderr, "warning: sections that are not loaded (auto=ignore) are not converted: %zu\n",
                config->n_ignored);
}

static json_t *notes_json(const struct conversion *v)
{
    json_t *all = json_array();
    for (size_t i = 0; i < v->n_notes; i++) {
        const struct convert_note *n = &v->notes[i];
        json_t *j = json_pack("{s:s,s:s,s:s,s:s,s:s?}", "subject", n->subject, "key", n->path, "value",
                              n->value, "becomes", n->becomes, "why", n->why);
        if (n->at.file) {
            json_object_set_new(j, "file", json_string(n->at.file));
            json_object_set_new(j, "line", json_integer(n->at.line));
        }
        json_array_append_new(all, j);
    }
    return all;
}

static void print_json(const struct cli *c, const struct conversion *v)
{
    json_t *files = json_array();
    for (size_t i = 0; i < v->n_files; i++) {
        const struct convert_file *f = &v->files[i];
        bool is_shown = !f->is_secret || c->convert.shows_secrets;
        json_array_append_new(files, json_pack("{s:s,s:b,s:s?}", "path", f->path, "secret", f->is_secret,
                                               "text", is_shown ? f->text : NULL));
    }
    cli_print_json(json_pack("{s:o,s:o}", "files", files, "notes", notes_json(v)));
}

/* ---- stdout */

static void print_commented(const char *text)
{
    while (*text) {
        size_t len = strcspn(text, "\n");
        printf("# %.*s\n", (int)len, text);
        text += len + (text[len] == '\n');
    }
}

static void print_main(const struct conversion *v)
{
    size_t n_secret = 0;
    fputs(v->files[0].text, stdout);
    for (size_t i = 1; i < v->n_files; i++) {
        n_secret += v->files[i].is_secret;
        if (v->files[i].is_secret)
            continue;
        printf("\n# in %s:\n", v->files[i].path);
        print_commented(v->files[i].text);
    }
    for (size_t i = 1; i < v->n_files && n_secret; i++) {
        if (v->files[i].is_secret)
            printf("# secrets, which --secrets shows and --output writes: %s\n", v->files[i].path);
    }
}

static int print_secrets(struct cli *c, const struct conversion *v)
{
    struct stat st;
    struct diag d = {0};
    if (fstat(STDOUT_FILENO, &st) == 0 && S_ISREG(st.st_mode) && (st.st_mode & 077)) {
        diag_set(&d, FAIL_PERMISSION, "secrets are not written into a file that others can read");
        diag_try(&d, "umask 077 before it, or --output DIR");
        return cli_fail(c, NULL, &d);
    }
    for (size_t i = 1; i < v->n_files; i++) {
        if (v->files[i].is_secret)
            printf("# %s\n%s\n", v->files[i].path, v->files[i].text);
    }
    return 0;
}

/* ---- files */

static bool fail_on(struct diag *d, const char *path)
{
    diag_set(d, errno == EACCES || errno == EPERM ? FAIL_PERMISSION : FAIL_GENERIC, "%s: %s", path,
             strerror(errno));
    if (errno == EEXIST)
        diag_try(d, "--force, which replaces it");
    return false;
}

/* The folders above a file. */
static bool make_folders(char *path, mode_t mode, struct diag *d)
{
    for (char *slash = strchr(path + 1, '/'); slash; slash = strchr(slash + 1, '/')) {
        *slash = 0;
        bool ok = mkdir(path, mode) == 0 || errno == EEXIST;
        if (!ok)
            fail_on(d, path);
        *slash = '/';
        if (!ok)
            return false;
    }
    return true;
}

static bool write_file(const struct cli *c, const struct convert_file *f, struct diag *d)
{
    char path[PATH_TEXT_MAX], beside[PATH_TEXT_MAX + 8];
    mode_t mode = f->is_secret ? 0600 : 0644;
    if (snprintf(path, sizeof(path), "%s/%s", c->convert.output, f->path) >= (int)sizeof(path)) {
        errno = ENAMETOOLONG;
        return fail_on(d, c->convert.output);
    }
    if (!make_folders(path, strstr(f->path, "/private/") ? 0700 : 0755, d))
        return false;
    snprintf(beside, sizeof(beside), "%s.new", path);
    if (!c->is_forced && access(path, F_OK) == 0) {
        errno = EEXIST;
        return fail_on(d, path);
    }
    unlink(beside);
    int fd = open(beside, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, mode);
    FILE *out = fd >= 0 ? fdopen(fd, "w") : NULL;
    if (!out)
        return fail_on(d, beside);
    bool ok = fputs(f->text, out) >= 0;
    ok = fclose(out) == 0 && ok;
    if (!ok || rename(beside, path) != 0)
        return fail_on(d, path);
    if (!c->is_quiet)
        fprintf(stderr, "written: %s\n", path);
    return true;
}

static int write_files(struct cli *c, const struct conversion *v)
{
    struct diag d = {0};
    for (size_t i = 0; i < v->n_files; i++) {
        if (!write_file(c, &v->files[i], &d))
            return cli_fail(c, NULL, &d);
    }
    return 0;
}

/* ---- the command */

static int put_out(struct cli *c, const struct conversion *v)
{
    if (c->convert.output)
        return write_files(c, v);
    if (c->convert.shows_secrets && !c->has_json)
        return print_secrets(c, v);
    if (c->has_json)
        print_json(c, v);
    else
        print_main(v);
    return 0;
}

int cmd_config_convert(struct cli *c)
{
    struct conf_source files = files_source(&c->paths);
    struct conf_request req;
    struct diag d = {0};
    enum convert_form to;
    if (!c->convert.to || !convert_form_of(c->convert.to, &to))
        return cli_usage(
            "keyway config convert [--from FORM] --to swanctl|strongswan|libreswan|keyway [FILE...]");
    if (!plan(c, &req))
        return FAIL_USAGE;
    int code = 0;
    struct config *config = cli_load(c, &req, &code);
    if (!config)
        return code;
    const struct convert_request r = {.src = &files, .etc = c->paths.etc, .settings = c->settings, .to = to};
    struct conversion v;
    log_set_sink(NULL, NULL, LOG_ERR); /* what is told of the new files was told of the old ones */
    if (convert_config(config, &r, &v, &d)) {
        tell(c, config, &v);
        code = put_out(c, &v);
    } else {
        code = cli_fail(c, "what was written does not load, which is a defect of Keyway's", &d);
    }
    convert_free(&v);
    config_unref(config);
    return code;
}
