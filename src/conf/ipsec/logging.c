/* SPDX-License-Identifier: Apache-2.0 */
/* What config setup of ipsec.conf says of the log: charondebug of strongSwan's, and plutodebug, logfile,
 * logappend, logtime and logip of Libreswan's. Debugging of Libreswan's is by classes, which become levels of
 * groups here; its classes that show keys show nothing more than others, for no level does. */
#include "conf/logging.h"
#include "conf/ipsec/ipsec.h"
#include "conf/value.h"
#include <strings.h>

#define ALL    ((1u << LOG_GROUPS) - 1)
#define OF(g)  (1u << GROUP_##g)
#define COMMON (OF(DMN) | OF(MGR) | OF(IKE) | OF(CHD) | OF(CFG) | OF(NET) | OF(ENC))

/* Of 5.x first, then those of older versions, which are in many files. */
static const struct {
    const char *name;
    unsigned groups;
    int8_t level;
} classes[] = {
    {"base",            COMMON,                      2},
    {"all",             ALL,                         2},
    {"tmi",             ALL,                         3},
    {"routing",         OF(KNL) | OF(CHD),           2},
    {"cpu-usage",       OF(JOB),                     2},
    {"refcnt",          OF(MGR),                     2},
    {"updown",          OF(CHD) | OF(JOB),           2},
    {"crypt",           OF(ENC) | OF(LIB),           3},
    {"private",         OF(ENC),                     3},
    {"whackwatch",      0,                           0},
    {"add-prefix",      0,                           0},
    {"parsing",         OF(ENC),                     3},
    {"emitting",        OF(ENC),                     3},
    {"raw",             OF(ENC),                     3},
    {"control",         OF(IKE) | OF(CHD) | OF(MGR), 2},
    {"controlmore",     OF(IKE) | OF(CHD) | OF(MGR), 3},
    {"lifecycle",       OF(IKE) | OF(MGR),           2},
    {"kernel",          OF(KNL),                     2},
    {"netkey",          OF(KNL),                     2},
    {"klips",           OF(KNL),                     2},
    {"pfkey",           OF(KNL),                     2},
    {"dns",             OF(NET),                     2},
    {"oppo",            OF(CHD),                     2},
    {"oppoinfo",        OF(CHD),                     2},
    {"natt",            OF(NET) | OF(IKE),           2},
    {"nattraversal",    OF(NET) | OF(IKE),           2},
    {"retransmits",     OF(IKE) | OF(NET),           2},
    {"dpd",             OF(IKE),                     2},
    {"x509",            OF(ASN) | OF(CFG),           2},
    {"xauth",           OF(IKE),                     2},
    {"proposal-parser", OF(CFG),                     2},
};

bool logging_raise(const char *word, struct log_levels *levels)
{
    size_t i = 0;
    while (i < ARRAY_LEN(classes) && strcasecmp(word, classes[i].name) != 0)
        i++;
    if (i == ARRAY_LEN(classes))
        return false;
    for (int g = 0; g < LOG_GROUPS; g++) {
        if (classes[i].groups & (1u << g) && levels->of[g] < classes[i].level)
            levels->of[g] = classes[i].level;
    }
    return true;
}

static const struct setting *find(struct builder *b, const struct setting *setup, const char *key)
{
    const struct setting *s = settings_key(b->tree, setup, key);
    return s && s->value && *s->value ? s : NULL;
}

static bool flag(struct builder *b, const struct setting *setup, const char *key)
{
    const struct setting *s = find(b, setup, key);
    bool yes = true;
    return !s || !ipsec_bool(s->value, &yes) || yes;
}

static void levels_of_pluto(struct log_levels *levels)
{
    memset(levels->of, 1, sizeof(levels->of));
    levels->of[GROUP_ENC] = levels->of[GROUP_NET] = 0;
}

/* "all no-crypt", "control,parsing": what is taken off goes back to what there is without it. */
static void set_plutodebug(struct builder *b, const struct setting *s, struct log_levels *levels)
{
    size_t n = 0;
    char *text = arena_strdup(b->scratch, s->value);
    for (char *p = text; *p; p++)
        *p = *p == ' ' || *p == '\t' ? ',' : *p;
    const char **words = value_list(b->scratch, text, &n);
    for (size_t i = 0; i < n; i++) {
        struct log_levels off = {0}, usual;
        if (strcasecmp(words[i], "none") == 0) {
            levels_of_pluto(levels);
        } else if (strncasecmp(words[i], "no-", 3) == 0 && logging_raise(words[i] + 3, &off)) {
            levels_of_pluto(&usual);
            for (int g = 0; g < LOG_GROUPS; g++)
                levels->of[g] = off.of[g] ? usual.of[g] : levels->of[g];
        } else if (!logging_raise(words[i], levels)) {
            log_line(GROUP_CFG, LOG_WARN, "%s:%d:%d: plutodebug has no class '%s', which is passed over",
                     s->file, s->line, s->column, words[i]);
        }
    }
}

static void set_charondebug(struct logging *l, const struct setting *s)
{
    char bad[64];
    if (l->n) {
        log_line(GROUP_CFG, LOG_WARN,
                 "%s:%d:%d: charondebug does not count: strongswan.conf says what is logged", s->file,
                 s->line, s->column);
        return;
    }
    memset(l->levels.of, 1, sizeof(l->levels.of));
    l->has_levels = true;
    if (!logging_set(s->value, &l->levels, bad))
        log_line(GROUP_CFG, LOG_WARN,
                 "%s:%d:%d: charondebug: '%s' and what follows is passed over; levels are written as: ike 2, "
                 "knl 3",
                 s->file, s->line, s->column, bad);
}

static void add_logfile(struct builder *b, const struct setting *setup, const struct setting *file)
{
    struct log_target t = {.style = LOG_STYLE_PLUTO,
                           .path = arena_strdup(b->a, file->value),
                           .appends = flag(b, setup, "logappend"),
                           .flushes_lines = true,
                           .map_level = -1};
    levels_of_pluto(&t.levels);
    if (b->config->logging.has_levels)
        t.levels = b->config->logging.levels;
    if (flag(b, setup, "logtime")) {
        t.time_format = "%b %e %H:%M:%S";
        t.time_digits = 6;
    }
    logging_add(b, &t, file);
}

void build_setup_logging(struct builder *b, const struct setting *setup)
{
    struct logging *l = &b->config->logging;
    const struct setting *charon = find(b, setup, "charondebug"), *pluto = find(b, setup, "plutodebug"),
                         *file = find(b, setup, "logfile");
    if (charon)
        set_charondebug(l, charon);
    if (pluto && strcasecmp(pluto->value, "none") != 0) {
        if (!l->has_levels)
            levels_of_pluto(&l->levels);
        l->has_levels = true;
        set_plutodebug(b, pluto, &l->levels);
    }
    if (file)
        add_logfile(b, setup, file);
    l->hides_addresses = !flag(b, setup, "logip");
}
