/* SPDX-License-Identifier: Apache-2.0 */
/* Every file of tests/conf/ipsec is loaded as /etc/ipsec.conf, of tests/conf/swanctl as swanctl.conf, of
 * tests/conf/strongswan as strongswan.conf, with what is said of it in NAME.out: the log's warnings, the
 * errors, and what became of it: the lines of `keyway config show` that differ from those of a connection of
 * swanctl.conf with nothing set. A line "==== PATH" begins another file. KEYWAY_UPDATE=1 writes the .out
 * files.
 *
 * What a file is silent about differs between the dialects. Files of their own assert it, which KEYWAY_UPDATE
 * does not rewrite: a comment "# default: child.life_time 8h" holds when every child shows that value; "..."
 * at its end stands for any rest. Keys of the connection have nothing in front, those of a side local. or
 * remote., those of the daemon settings. */
#include "base/log.h"
#include "base/text.h"
#include "conf/schema.h"
#include "conf/show.h"
#include "conf/test_credentials.h"
#include "conf/testing.h"
#include "support/test.h"
#include <glob.h>
#include <stdio.h>
#include <stdlib.h>

#define FILES_MAX 128
#define TEXT_MAX  (1 << 20)

static const struct corpus {
    const char *folder, *path;
} corpora[] = {
    {"ipsec",      "/etc/ipsec.conf"          },
    {"swanctl",    "/etc/swanctl/swanctl.conf"},
    {"strongswan", "/etc/strongswan.conf"     },
};

static struct ip own[2];

static size_t own_addresses(void *ctx, struct arena *a, struct ip **v)
{
    (void)ctx;
    (void)a;
    *v = own;
    return 2;
}

static char *slurp(const char *path)
{
    FILE *f = fopen(path, "r");
    char *text = calloc(1, TEXT_MAX);
    if (f) {
        size_t n = fread(text, 1, TEXT_MAX - 1, f);
        text[n] = 0;
        fclose(f);
    }
    return text;
}

static void collect(void *ctx, const char *text)
{
    text_str(ctx, text);
}

static void note(void *ctx, const struct log_entry *e)
{
    text_printf(ctx, "%s: %s\n", log_level_name(e->level), e->text);
}

/* With a certificate, its key and its authority where the dialect of the file at first looks for them. */
static struct config *load(const char *first, const struct memory_file *files, size_t n, struct diag *errors,
                           size_t *n_errors)
{
    static const struct memory_file of_ipsec[] = {
        {.path = "/etc/ipsec.d/certs/moon.pem",   .text = test_moon    },
        {.path = "/etc/ipsec.d/cacerts/ca.pem",   .text = test_ca      },
        {.path = "/etc/ipsec.d/private/moon.pem", .text = test_moon_key},
    };
    static const struct memory_file of_swanctl[] = {
        {.path = "/etc/swanctl/x509/moon.pem",  .text = test_moon    },
        {.path = "/etc/swanctl/x509ca/ca.pem",  .text = test_ca      },
        {.path = "/etc/swanctl/ecdsa/moon.pem", .text = test_moon_key},
    };
    struct memory_file all[FILES_MAX + ARRAY_LEN(of_ipsec)];
    memcpy(all, files, n * sizeof(*files));
    if (!strstr(first, "strongswan")) {
        memcpy(all + n, strstr(first, "ipsec") ? of_ipsec : of_swanctl, sizeof(of_ipsec));
        n += ARRAY_LEN(of_ipsec);
    }
    struct memory_source m = {all, n};
    struct conf_source src = memory_source(&m);
    src.own_addresses = own_addresses;
    const struct conf_request req = {.etc = "/etc"};
    return conf_load(&src, &req, errors, 16, n_errors);
}

/* Lines of the snapshot that the plainest one does not have. */
static void put_news(struct text *out, const char *shown, const char *plain)
{
    for (const char *line = shown; *line;) {
        size_t len = strcspn(line, "\n");
        char *copy = strndup(line, len + (line[len] == '\n'));
        if (!strstr(plain, copy))
            text_str(out, copy);
        free(copy);
        line += len + (line[len] == '\n');
    }
}

static char *picture(const struct config *c)
{
    struct text t = {.buf = calloc(1, TEXT_MAX), .cap = TEXT_MAX};
    const struct conf_sink sink = {&t, collect};
    conf_show(c, NULL, false, &sink);
    return t.buf;
}

/* ---- "# default: KEY VALUE" */

/* A line of the picture as "KEY VALUE", with its section in front of the key. False: a section begins. */
static bool read_line(const char *line, size_t len, char *section, size_t cap, char *out, size_t out_cap)
{
    const char *source = memmem(line, len, "  # ", 4);
    size_t indent = strspn(line, " ");
    const char *word = line + indent, *end = source ? source : line + len;
    size_t name = strcspn(word, " -\n");
    if (!source) { /* "connection NAME" is the place of keys without a section */
        snprintf(section, cap, "%.*s", strncmp(word, "connection ", 11) == 0 ? 0 : (int)name, word);
        return false;
    }
    name = strcspn(word, " ");
    const char *value = word + name + strspn(word + name, " ");
    bool is_below = *section && (indent == 4 || strcmp(section, "settings") == 0);
    snprintf(out, out_cap, "%s%s%.*s %.*s", is_below ? section : "", is_below ? "." : "", (int)name, word,
             (int)(end - value), value);
    return true;
}

static bool is_said(const char *line, const char *wanted)
{
    size_t len = strlen(wanted);
    bool has_rest = len > 3 && strcmp(wanted + len - 3, "...") == 0;
    return has_rest ? strncmp(line, wanted, len - 3) == 0 : strcmp(line, wanted) == 0;
}

/* Is it true wherever that key is shown, and shown at all? */
static bool holds(const char *picture_text, const char *wanted)
{
    char section[64] = "", line[4096];
    size_t key = strcspn(wanted, " ") + 1, n = 0;
    for (const char *p = picture_text; *p; p += strcspn(p, "\n"), p += *p == '\n') {
        if (!read_line(p, strcspn(p, "\n"), section, sizeof(section), line, sizeof(line)) ||
            strncmp(line, wanted, key) != 0)
            continue;
        if (!is_said(line, wanted))
            return false;
        n++;
    }
    return n > 0;
}

static size_t n_defaults; /* that hold, of this file */

static void check_defaults(struct text *out, const char *conf, const char *picture_text)
{
    static const char mark[] = "# default: ";
    n_defaults = 0;
    for (const char *p = conf; (p = strstr(p, mark)); p++) {
        char wanted[512];
        snprintf(wanted, sizeof(wanted), "%.*s", (int)strcspn(p + strlen(mark), "\n"), p + strlen(mark));
        if (holds(picture_text, wanted))
            n_defaults++;
        else
            text_printf(out, "the default is another: %s\n", wanted);
    }
}

static char *outcome_of(const char *path, char *conf)
{
    struct text t = {.buf = calloc(1, TEXT_MAX), .cap = TEXT_MAX};
    struct memory_file files[FILES_MAX];
    static const struct memory_file plain_file = {
        .path = "/etc/swanctl/swanctl.conf",
        .text = "connections { plain { children { plain { } } local { auth = psk\n } remote { } } } "
                "authorities { plain { } } pools { plain { addrs = 10.9.9.9\n } }"};
    struct diag errors[16] = {0};
    char *comments = strdup(conf);
    size_t n_errors = 0, n = memory_files_cut(conf, path, files, FILES_MAX);
    struct config *plain = load(path, &plain_file, 1, errors, &n_errors);
    char *plain_text = picture(plain), buf[2048];
    log_set_sink(note, &t, LOG_NOTICE);
    struct config *c = load(path, files, n, errors, &n_errors);
    log_set_sink(NULL, NULL, LOG_ERR);
    for (size_t i = 0; i < n_errors && i < ARRAY_LEN(errors); i++)
        text_printf(&t, "error: %s\n", diag_format(&errors[i], buf, sizeof(buf)));
    assert_true(!c == (n_errors > 0));
    if (c) {
        char *shown = picture(c);
        put_news(&t, shown, plain_text);
        check_defaults(&t, comments, shown);
        free(shown);
        config_unref(c);
    } else {
        check_defaults(&t, comments, "");
    }
    free(comments);
    free(plain_text);
    config_unref(plain);
    return t.buf;
}

/* Is it what NAME.out says? */
static bool is_as_said(const struct corpus *c, const char *path)
{
    char out_path[512];
    snprintf(out_path, sizeof(out_path), "%.*s.out", (int)strlen(path) - 5, path);
    char *conf = slurp(path), *have = outcome_of(c->path, conf), *want = slurp(out_path);
    bool is_right = !strstr(have, "the default is another");
    if (!is_right) {
        print_message("%s:\n%s\n", path, strstr(have, "the default is another"));
    } else if (getenv("KEYWAY_UPDATE")) {
        FILE *f = fopen(out_path, "w");
        assert_non_null(f);
        fputs(have, f);
        fclose(f);
    } else if (strcmp(have, want) != 0) {
        print_message("%s is not what %s says, but:\n%s\n", path, out_path, have);
        is_right = false;
    }
    free(conf);
    free(have);
    free(want);
    return is_right;
}

static void every_file_becomes_what_is_said_of_it(void **state)
{
    (void)state;
    size_t n_bad = 0;
    for (size_t i = 0; i < ARRAY_LEN(corpora); i++) {
        char pattern[64];
        size_t n_of_defaults = 0;
        glob_t g;
        snprintf(pattern, sizeof(pattern), "tests/conf/%s/*.conf", corpora[i].folder);
        assert_int_equal(glob(pattern, 0, NULL, &g), 0);
        for (size_t k = 0; k < g.gl_pathc; k++) {
            n_bad += !is_as_said(&corpora[i], g.gl_pathv[k]);
            n_of_defaults += n_defaults > 0;
        }
        print_message("%s: %zu files, %zu of them of defaults\n", corpora[i].folder, (size_t)g.gl_pathc,
                      n_of_defaults);
        globfree(&g);
    }
    assert_int_equal(n_bad, 0);
}

/* Does a file of the folder have the text? '-' counts as '_'. */
static bool is_in_corpus(const char *folder, const char *key)
{
    glob_t g;
    char pattern[64];
    bool found = false;
    snprintf(pattern, sizeof(pattern), "tests/conf/%s/*.conf", folder);
    assert_int_equal(glob(pattern, 0, NULL, &g), 0);
    for (size_t i = 0; i < g.gl_pathc && !found; i++) {
        char *text = slurp(g.gl_pathv[i]);
        for (char *p = text; *p; p++)
            *p = *p == '-' ? '_' : *p;
        found = strstr(text, key) != NULL;
        free(text);
    }
    globfree(&g);
    return found;
}

static void every_key_that_takes_effect_is_in_a_file(void **state)
{
    (void)state;
    size_t n;
    const struct schema_row *rows = schema_ipsec_rows(&n);
    for (size_t i = 0; i < n; i++) {
        char key[80];
        snprintf(key, sizeof(key), "%s=", rows[i].key);
        if (rows[i].status == EFFECTIVE && !is_in_corpus("ipsec", key))
            fail_msg("no file of tests/conf/ipsec has %s of %s", rows[i].key,
                     schema_scope_path(rows[i].scope));
    }
}

/* Those that are refused, too. */
static void every_key_of_swanctl_conf_and_strongswan_conf_is_in_a_file(void **state)
{
    (void)state;
    for (size_t i = 0; schema_at(i); i++) {
        const struct schema_row *r = schema_at(i);
        bool is_charon = r->scope == SCOPE_CHARON;
        const char *folder = is_charon ? "strongswan" : "swanctl", *dot = strrchr(r->key, '.');
        char key[80];
        if ((r->scope > SCOPE_AUTHORITY && !is_charon) || r->has_suffix)
            continue;
        snprintf(key, sizeof(key), " %s =", dot ? dot + 1 : r->key);
        for (char *p = key; *p; p++)
            *p = *p == '-' ? '_' : *p;
        if (!is_in_corpus(folder, key))
            fail_msg("no file of tests/conf/%s has %s of %s", folder, r->key, schema_scope_path(r->scope));
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_file_becomes_what_is_said_of_it),
        cmocka_unit_test(every_key_that_takes_effect_is_in_a_file),
        cmocka_unit_test(every_key_of_swanctl_conf_and_strongswan_conf_is_in_a_file),
    };
    ip_parse("192.0.2.1", &own[0]);
    ip_parse("2001:db8:0:1::1", &own[1]);
    return cmocka_run_group_tests(tests, NULL, NULL);
}
