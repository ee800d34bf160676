/* SPDX-License-Identifier: Apache-2.0 */
/* Loggers of strongswan.conf, and of keyway.conf: see logging.h. The words of ipsec.conf are in
 * ipsec/logging.c. */
#include "conf/logging.h"
#include "conf/value.h"
#include <stdio.h>
#include <stdlib.h>
#include <strings.h>

enum { DEPTH_MAX = 8, PATH_LEN = 512, LEVEL_MIN = -1, LEVEL_MAX = 4 };

/* ---- where ---- */

static bool is_same_place(const struct log_target *a, const struct log_target *b)
{
    if (a->kind != b->kind)
        return false;
    return a->kind == LOG_TO_FILE ? strcmp(a->path, b->path) == 0 : a->facility == b->facility;
}

void logging_add(struct builder *b, const struct log_target *t, const struct setting *at)
{
    struct logging *l = &b->config->logging;
    struct log_target *v = (struct log_target *)l->v; /* the snapshot's, which is being built */
    for (size_t i = 0; i < l->n; i++) {
        if (is_same_place(&v[i], t)) {
            v[i] = *t;
            return;
        }
    }
    if (!v)
        l->v = v = arena_calloc(b->a, LOG_TARGETS_MAX, sizeof(*v));
    if (l->n == LOG_TARGETS_MAX) {
        log_line(GROUP_CFG, LOG_WARN, "%s:%d: more than %d places for the log: this one is left out",
                 at->file, at->line, LOG_TARGETS_MAX);
        return;
    }
    v[l->n++] = *t;
}

/* ---- one section ---- */

static struct logger logger_init(enum log_kind kind)
{
    struct logger g = {
        .t = {.kind = kind, .appends = true, .map_level = -1},
          .by_default = 1
    };
    return g;
}

static bool parse_number(struct builder *b, const struct setting *key, int max, int8_t *out)
{
    char *end;
    long n = strtol(key->value, &end, 10);
    if (end == key->value || *end) {
        build_expected(build_error(b, key, "not a level"), key, "a number from -1 up");
        return false;
    }
    *out = (int8_t)(n < LEVEL_MIN ? LEVEL_MIN : n > max ? max : n);
    return true;
}

void set_logger_default(struct builder *b, const struct schema_row *row, const struct setting *key,
                        void *dest)
{
    (void)row;
    parse_number(b, key, LEVEL_MAX, &((struct logger *)dest)->by_default);
}

static void warn_unknown(const struct setting *key, enum schema_scope scope)
{
    const char *near = schema_suggest(scope, key->name);
    log_line(GROUP_CFG, LOG_WARN, "%s:%d:%d: loggers have no option '%s', which is passed over%s%s%s",
             key->file, key->line, key->column, key->name, near ? ": did you mean '" : "", near ? near : "",
             near ? "'?" : "");
}

/* Groups that newer or other daemons of strongSwan's have, and that nothing here speaks in. */
static bool is_foreign_group(const char *name)
{
    return strcasecmp(name, "wch") == 0 || strcasecmp(name, "any") == 0;
}

void set_logger_level(struct builder *b, const struct schema_row *row, const struct setting *key, void *dest)
{
    struct logger *g = dest;
    enum log_group group;
    if (!log_group_named(key->name, &group)) {
        if (!is_foreign_group(key->name))
            warn_unknown(key, row->scope);
        return;
    }
    g->has_level[group] = parse_number(b, key, LEVEL_MAX, &g->t.levels.of[group]);
}

void set_logger_text(struct builder *b, const struct schema_row *row, const struct setting *key, void *dest)
{
    struct log_target *t = &((struct logger *)dest)->t;
    bool is_path = strcmp(row->key, "path") == 0;
    *(is_path ? &t->path : &t->time_format) = *key->value ? arena_strdup(b->a, key->value) : NULL;
}

void set_logger_bool(struct builder *b, const struct schema_row *row, const struct setting *key, void *dest)
{
    struct log_target *t = &((struct logger *)dest)->t;
    const struct {
        const char *key;
        bool *to;
    } places[] = {
        {"append",     &t->appends      },
        {"flush_line", &t->flushes_lines},
        {"ike_name",   &t->has_ike_name },
        {"json",       &t->is_json      },
        {"log_level",  &t->has_level    },
    };
    bool yes;
    if (!value_bool(key->value, &yes)) {
        build_expected(build_error(b, key, "not yes or no"), key, "yes or no");
        return;
    }
    if (strcmp(row->key, "time_add_ms") == 0 && yes && !t->time_digits)
        t->time_digits = 3;
    for (size_t i = 0; i < ARRAY_LEN(places); i++) {
        if (strcmp(row->key, places[i].key) == 0)
            *places[i].to = yes;
    }
}

void set_logger_precision(struct builder *b, const struct schema_row *row, const struct setting *key,
                          void *dest)
{
    (void)row;
    if (strcmp(key->value, "ms") != 0 && strcmp(key->value, "us") != 0)
        build_expected(build_error(b, key, "not a precision"), key, "ms or us");
    ((struct logger *)dest)->t.time_digits = key->value[0] == 'm' ? 3 : 6;
}

void set_logger_map(struct builder *b, const struct schema_row *row, const struct setting *key, void *dest)
{
    (void)row;
    parse_number(b, key, 7, &((struct logger *)dest)->t.map_level);
}

static void finish_levels(struct logger *g)
{
    for (int i = 0; i < LOG_GROUPS; i++) {
        if (!g->has_level[i])
            g->t.levels.of[i] = g->by_default;
    }
}

/* ---- the sections ---- */

static bool apply(struct builder *b, enum schema_scope scope, const struct setting *section, struct logger *g)
{
    struct origin_list l = {0};
    size_t before = b->errs->n;
    schema_apply(b, scope, section, g, &l, NULL, NULL);
    finish_levels(g);
    return b->errs->n == before;
}

static bool has_keys(const struct setting *section)
{
    const struct setting *s = section->first;
    while (s && s->is_section)
        s = s->next;
    return s || !section->first;
}

/* A path as a section's name has dots, which are sections inside each other here: they are put together. */
static void build_file(struct builder *b, const struct setting *section, const char *name, unsigned depth)
{
    if (!has_keys(section)) {
        for (const struct setting *s = section->first; s && depth < DEPTH_MAX; s = s->next)
            build_file(b, s, arena_printf(b->scratch, "%s.%s", name, s->name), depth + 1);
        return;
    }
    struct logger g = logger_init(LOG_TO_FILE);
    if (!apply(b, SCOPE_FILELOG, section, &g))
        return;
    if (!g.t.path)
        g.t.path = arena_strdup(b->a, name);
    logging_add(b, &g.t, section);
}

static const struct {
    const char *name;
    uint8_t number; /* [RFC5424#6.2.1] */
} facilities[] = {
    {"daemon",   SYSLOG_DAEMON  },
    {"auth",     SYSLOG_AUTHPRIV},
    {"authpriv", SYSLOG_AUTHPRIV},
    {"user",     1              },
    {"local0",   16             },
    {"local1",   17             },
    {"local2",   18             },
    {"local3",   19             },
    {"local4",   20             },
    {"local5",   21             },
    {"local6",   22             },
    {"local7",   23             },
};

static void build_syslog(struct builder *b, const struct setting *section)
{
    struct logger g = logger_init(LOG_TO_SYSLOG);
    for (size_t i = 0; i < ARRAY_LEN(facilities); i++) {
        if (strcmp(facilities[i].name, section->name) == 0)
            g.t.facility = facilities[i].number;
    }
    if (!g.t.facility) {
        log_line(GROUP_CFG, LOG_WARN, "%s:%d:%d: syslog has no facility '%s' for this, which is passed over",
                 section->file, section->line, section->column, section->name);
        return;
    }
    if (apply(b, SCOPE_SYSLOG, section, &g))
        logging_add(b, &g.t, section);
}

static void build_journal(struct builder *b, const struct setting *section)
{
    struct logger g = logger_init(LOG_TO_JOURNAL);
    if (apply(b, SCOPE_JOURNAL, section, &g))
        logging_add(b, &g.t, section);
}

void build_loggers(struct builder *b, const struct setting *section)
{
    const struct setting *files = settings_section(b->tree, section, "filelog");
    const struct setting *syslog = settings_section(b->tree, section, "syslog");
    const struct setting *journal = settings_section(b->tree, section, "journal");
    for (const struct setting *s = files ? files->first : NULL; s; s = s->next) {
        if (s->is_section && !s->is_base)
            build_file(b, s, s->name, 0);
    }
    for (const struct setting *s = syslog ? syslog->first : NULL; s; s = s->next) {
        if (s->is_section && !s->is_base)
            build_syslog(b, s);
        else if (strcmp(s->name, "identifier") == 0 && s->value && *s->value)
            b->config->logging.identifier = arena_strdup(b->a, s->value);
    }
    if (journal)
        build_journal(b, journal);
}

bool is_of_loggers(const char *path)
{
    static const char *const ours[] = {"charon.filelog.",        "charon.syslog.",
                                       "charon.journal.",        "charon-systemd.filelog.",
                                       "charon-systemd.syslog.", "charon-systemd.journal."};
    for (size_t i = 0; i < ARRAY_LEN(ours); i++) {
        if (strncmp(path, ours[i], strlen(ours[i])) == 0)
            return true;
    }
    return false;
}

/* ---- words for levels ---- */

bool logging_level(const char *text, int8_t *out)
{
    char *end;
    long level = strtol(text, &end, 10);
    if (end == text || *end || level < LEVEL_MIN || level > LEVEL_MAX)
        return false;
    *out = (int8_t)level;
    return true;
}

/* "ike 2", "ike=2" */
static bool set_one(const char *text, struct log_levels *levels)
{
    char name[16];
    enum log_group g;
    size_t len = strcspn(text, "= \t");
    const char *number = text + len + strspn(text + len, "= \t");
    int8_t level;
    if (!len || len >= sizeof(name) || !logging_level(number, &level))
        return false;
    snprintf(name, sizeof(name), "%.*s", (int)len, text);
    if (strcasecmp(name, "any") == 0 || strcasecmp(name, "all") == 0)
        memset(levels->of, level, sizeof(levels->of));
    else if (log_group_named(name, &g))
        levels->of[g] = level;
    else
        return is_foreign_group(name);
    return true;
}

bool logging_set(const char *list, struct log_levels *levels, char bad[64])
{
    struct arena *a = arena_new(1u << 16);
    size_t n = 0, i = 0;
    const char **v = value_list(a, list, &n);
    while (i < n && set_one(v[i], levels))
        i++;
    if (i < n)
        snprintf(bad, 64, "%s", v[i]);
    arena_free(a);
    return i == n;
}

/* ---- keyway.conf ---- */

void set_log_levels(struct builder *b, const struct schema_row *row, const struct setting *key, void *dest)
{
    struct logging *l = &b->config->logging;
    char bad[64];
    (void)row;
    (void)dest;
    memset(l->levels.of, 1, sizeof(l->levels.of));
    l->has_levels = logging_set(key->value, &l->levels, bad);
    if (!l->has_levels)
        build_expected(build_error(b, key, "not a list of levels, at '%s'", bad), key,
                       "groups with a level from -1 to 4: ike 2, knl 3");
}
