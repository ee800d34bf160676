/* SPDX-License-Identifier: Apache-2.0 */
/* Every configuration of tests/conf that loads is written in each form and loaded again: what differs must
 * be among what convert_absence() knows. What came out is taken as a source once more, so that all pairs of
 * forms are gone through. */
#include "base/log.h"
#include "conf/convert/private.h"
#include "conf/test_credentials.h"
#include "conf/testing.h"
#include "support/test.h"
#include <glob.h>
#include <stdio.h>
#include <stdlib.h>

#define FILES_MAX 24
#define TEXT_MAX  (1 << 19)
#define DEEP      8 /* so many files, and those of the howtos, go by all pairs of forms */

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
    assert_non_null(f);
    size_t n = fread(text, 1, TEXT_MAX - 1, f);
    text[n] = 0;
    fclose(f);
    return text;
}

struct world {
    struct memory_file files[FILES_MAX];
    struct memory_source memory;
    struct conf_source src;
};

static void make_world(struct world *w, char *text, const char *first)
{
    static const char *const words[] = {"moon", "pem", "cert", "/ca", "RSA"};
    bool uses_certs = false;
    for (size_t i = 0; i < ARRAY_LEN(words); i++)
        uses_certs |= strstr(text, words[i]) != NULL;
    size_t n = memory_files_cut(text, first, w->files, FILES_MAX - 8);
    static const struct memory_file credentials[] = {
        {.path = "/etc/ipsec.d/certs/moon.pem",   .text = test_moon    },
        {.path = "/etc/ipsec.d/cacerts/ca.pem",   .text = test_ca      },
        {.path = "/etc/ipsec.d/private/moon.pem", .text = test_moon_key},
        {.path = "/etc/swanctl/x509/moon.pem",    .text = test_moon    },
        {.path = "/etc/swanctl/x509ca/ca.pem",    .text = test_ca      },
        {.path = "/etc/swanctl/private/moon.pem", .text = test_moon_key},
    };
    for (size_t i = 0; uses_certs && i < ARRAY_LEN(credentials); i++)
        w->files[n++] = credentials[i];
    w->memory = (struct memory_source){w->files, n};
    w->src = memory_source(&w->memory);
    w->src.own_addresses = own_addresses;
}

static struct config *load(const struct world *w)
{
    const struct conf_request req = {.etc = "/etc"};
    struct diag errors[4];
    size_t n;
    return conf_load(&w->src, &req, errors, ARRAY_LEN(errors), &n);
}

static size_t n_defects, n_conversions, n_notes;

static void tell(const char *what, const char *from, const struct conversion *v)
{
    print_message("%s: %s\n", from, what);
    for (size_t i = 0; v && i < v->n_files && n_defects < 4; i++)
        print_message("==== %s\n%s\n", v->files[i].path, v->files[i].text);
    n_defects++;
}

/* What is written beside the main files goes into the world that comes of it. */
static void keep_settings(struct world *next, const struct world *w, const struct conversion *v)
{
    *next = *w;
    next->memory.files = next->files;
    next->src.ctx = &next->memory;
    for (size_t i = 0; i < v->n_files; i++) {
        if (strcmp(v->files[i].path, "strongswan.conf") == 0)
            next->files[next->memory.n++] =
                (struct memory_file){.path = "/etc/strongswan.conf", .text = strdup(v->files[i].text)};
    }
}

static bool is_told(const struct conversion *v, const struct connection *c)
{
    for (size_t i = 0; i < v->n_notes; i++) {
        if (strcmp(v->notes[i].subject + strlen("connection "), c->name) == 0)
            return true;
    }
    return false;
}

/* Parts of a second are not written. */
static bool has_parts(const struct connection *c)
{
    bool has = c->over_time % 1000000 || c->rand_time % 1000000;
    for (size_t i = 0; i < c->n_children; i++)
        has |= c->children[i].life.rekey_time % 1000000 || c->children[i].life.rand_time % 1000000;
    return has;
}

/* swanctl.conf has all there is: what nothing is told of is the same to the last bit, by another measure than
 * that of the conversion itself. */
static void check_hashes(const struct config *c, const struct config *back, const struct conversion *v,
                         const char *from)
{
    for (size_t i = 0; i < c->n_connections; i++) {
        const struct connection *a = c->connections[i], *b = config_find(back, a->name);
        if (b && connection_has_ike(a) && !is_told(v, a) && !has_parts(a) && a->hash != b->hash)
            tell("a connection has another hash, and nothing is told of it", from, v);
    }
}

/* Writes it in that form, and looks at what is told. */
static struct config *convert(const struct world *w, const struct config *c, enum convert_form to,
                              const char *from, struct world *next)
{
    const struct convert_request r = {.src = &w->src, .etc = "/etc", .to = to};
    struct conversion v;
    struct diag d;
    char line[4096];
    bool ok = convert_config(c, &r, &v, &d);
    struct config *back = ok ? convert_load(&r, &v, &d) : NULL;
    n_conversions++;
    n_notes += v.n_notes;
    if (!back) {
        diag_format(&d, line, sizeof(line));
        tell(line, from, &v);
    }
    for (size_t i = 0; i < v.n_notes; i++) {
        const struct convert_note *n = &v.notes[i];
        if (getenv("NOTES"))
            print_message("NOTE %s %s: %s -> %s\n", convert_form_name(to), n->path, n->value, n->becomes);
        if (n->why)
            continue;
        snprintf(line, sizeof(line), "to %s: %s: %s = %.300s becomes %.300s", convert_form_name(to),
                 n->subject, n->path, n->value, n->becomes);
        tell(line, from, &v);
    }
    if (back && convert_compare(c, back, NULL, NULL) != v.n_notes)
        tell("what is told is not what differs", from, &v);
    if (back && to == FORM_SWANCTL)
        check_hashes(c, back, &v, from);
    if (next)
        keep_settings(next, w, &v);
    convert_free(&v);
    return back;
}

static void go_through(const struct world *w, const char *name, bool is_deep)
{
    struct config *c = load(w);
    if (!c)
        return;
    for (int to = 0; to < FORM_COUNT; to++) {
        struct world world_there;
        struct config *there = convert(w, c, (enum convert_form)to, name, &world_there);
        for (int next = 0; there && is_deep && next < FORM_COUNT; next++) {
            char route[512];
            snprintf(route, sizeof(route), "%s by way of %s", name, convert_form_name((enum convert_form)to));
            struct config *again = convert(&world_there, there, (enum convert_form)next, route, NULL);
            if (again)
                config_unref(again);
        }
        if (there)
            config_unref(there);
        if (world_there.memory.n > w->memory.n)
            free((void *)(uintptr_t)world_there.files[w->memory.n].text);
    }
    config_unref(c);
}

static void every_configuration_comes_back_but_for_what_is_told(void **state)
{
    (void)state;
    static const struct {
        const char *pattern, *first;
    } places[] = {
        {"tests/conf/ipsec/*.conf",   "/etc/ipsec.conf"          },
        {"tests/conf/swanctl/*.conf", "/etc/swanctl/swanctl.conf"},
        {"tests/conf/convert/*.conf", "/etc/keyway/keyway.conf"  },
    };
    n_defects = 0;
    for (size_t p = 0; p < ARRAY_LEN(places); p++) {
        glob_t g;
        if (glob(places[p].pattern, 0, NULL, &g) != 0)
            continue;
        for (size_t i = 0; i < g.gl_pathc; i++) {
            struct world w;
            char *text = slurp(g.gl_pathv[i]);
            make_world(&w, text, places[p].first);
            bool is_deep = strstr(g.gl_pathv[i], "howto") || i % DEEP == 0;
            go_through(&w, g.gl_pathv[i], is_deep);
            free(text);
        }
        globfree(&g);
    }
    print_message("%zu conversions, %zu notes, %zu defects\n", n_conversions, n_notes, n_defects);
    assert_int_equal(n_defects, 0);
}

/* ---- each key of the schema by itself */

static const struct {
    const char *path, *before, *after;
} frames[SCOPE_COUNT] = {
#define AROUND                                                                                               \
    "secrets { ike-x { secret = abc\n } ppk-x { id = vault\n secret = 0123456789012345678901234567890x\n } " \
    "}\n"                                                                                                    \
    "pools { main { addrs = 10.3.0.0/24\n dns = 10.3.0.53\n } }\n"
    [SCOPE_CONNECTION] =
        {"/etc/swanctl/swanctl.conf",
                            AROUND "connections { c { remote_addrs = 192.0.2.2\n local { auth = psk\n } remote { auth = "
                "psk\n } children { c { } }\n",                                                              "} }"    },
    [SCOPE_LOCAL] = {"/etc/swanctl/swanctl.conf",
                            AROUND "connections { c { children { c { } } remote { id = a\n } local {\n",     "} } }"  },
    [SCOPE_REMOTE] = {"/etc/swanctl/swanctl.conf",
                            AROUND "connections { c { children { c { } } local { auth = psk\n } remote {\n",
                            "} } }"                                                                                   },
    [SCOPE_CHILD] = {"/etc/swanctl/swanctl.conf",
                            AROUND
                     "connections { c { remote_addrs = 192.0.2.1\n local { auth = psk\n } children { c {\n", "} } } }"},
    [SCOPE_POOL] = {"/etc/swanctl/swanctl.conf",
                            "connections { c { pools = c\n local { auth = psk\n } children { c { } } } }\n"
                    "pools { c { addrs = 10.3.0.0/24\n",                                                     "} }"    },
    [SCOPE_AUTHORITY] = {"/etc/swanctl/swanctl.conf", "authorities { a { cacert = ca.pem\n",              "} }"    },
    [SCOPE_TUNNEL] = {"/etc/keyway/keyway.conf",   "tunnel t { psk = x\n peer = 192.0.2.200\n",        "}"      },
    [SCOPE_GLOBAL] = {"/etc/keyway/keyway.conf",   "keyway {\n",                                       "}"      },
    [SCOPE_CHARON] = {"/etc/strongswan.conf",      "charon {\n",                                       "}"      },
};

static bool go_through_key(const struct schema_row *r)
{
    struct world w;
    char text[2048], name[128];
    const char *key = r->key[0] ? r->key : "25", *value = r->example;
    if (strcmp(value, "0x00") == 0)
        value = strcmp(r->key, "cacerts") == 0 ? "ca.pem" : "moon.pem";
    if (strcmp(value, "x.pem") == 0)
        value = r->scope == SCOPE_AUTHORITY || strcmp(key, "ca") == 0 ? "/etc/ipsec.d/cacerts/ca.pem"
                                                                      : "/etc/ipsec.d/certs/moon.pem";
    snprintf(text, sizeof(text), "%s%s = %s\n%s", frames[r->scope].before, key, value,
             frames[r->scope].after);
    snprintf(name, sizeof(name), "%s.%s = %.30s", schema_scope_path(r->scope), key, value);
    make_world(&w, text, frames[r->scope].path);
    struct config *c = load(&w);
    if (!c)
        return false;
    config_unref(c);
    go_through(&w, name, false);
    return true;
}

static void every_key_comes_back_but_for_what_is_told(void **state)
{
    (void)state;
    const struct schema_row *r;
    size_t n = 0, n_alone = 0;
    n_defects = 0;
    for (size_t i = 0; (r = schema_at(i)); i++) {
        if (!frames[r->scope].path || r->status != EFFECTIVE || !r->example)
            continue;
        if (go_through_key(r))
            n++;
        else
            n_alone++, print_message("%s.%s does not stand by itself\n", schema_scope_path(r->scope), r->key);
    }
    print_message("%zu keys, %zu that do not stand by themselves, %zu defects\n", n, n_alone, n_defects);
    assert_int_equal(n_defects, 0);
    assert_true(n > 150 && n_alone < 15);
}

/* A setter that has no counterpart would be lost in silence: the comparison would not see it either. */
static void every_row_that_takes_effect_is_a_field(void **state)
{
    (void)state;
    static const enum schema_scope scopes[] = {SCOPE_CONNECTION, SCOPE_LOCAL, SCOPE_REMOTE, SCOPE_CHILD,
                                               SCOPE_GLOBAL};
    const struct schema_row *r;
    for (size_t i = 0; (r = schema_at(i)); i++) {
        for (size_t k = 0; k < ARRAY_LEN(scopes); k++) {
            bool is_of_log = strcmp(r->key, "log_levels") == 0; /* compared as a whole */
            if (r->scope == scopes[k] && r->status == EFFECTIVE && !field_is_known(r) && !is_of_log)
                fail_msg("%s.%s cannot be written: add it to fields.c", schema_scope_path(r->scope), r->key);
        }
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_configuration_comes_back_but_for_what_is_told),
        cmocka_unit_test(every_key_comes_back_but_for_what_is_told),
        cmocka_unit_test(every_row_that_takes_effect_is_a_field),
    };
    ip_parse("192.0.2.1", &own[0]);
    ip_parse("2001:db8:0:1::1", &own[1]);
    return cmocka_run_group_tests(tests, NULL, NULL);
}
