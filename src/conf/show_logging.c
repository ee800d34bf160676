/* SPDX-License-Identifier: Apache-2.0 */
/* Where the log goes, shown: the places in the words of strongswan.conf. */
#include "conf/logging.h"

static unsigned count(const struct log_levels *l, int level)
{
    unsigned n = 0;
    for (int g = 0; g < LOG_GROUPS; g++)
        n += l->of[g] == level;
    return n;
}

static void show_levels(struct show_out *o, const struct log_levels *l)
{
    static const struct origins none;
    int most = l->of[0];
    for (int level = -1; level <= 4; level++) {
        if (count(l, level) > count(l, most))
            most = level;
    }
    show_begin_value(o);
    text_printf(&o->t, "all %d", most);
    for (int g = 0; g < LOG_GROUPS; g++) {
        if (l->of[g] != most)
            text_printf(&o->t, ", %s %d", log_group_name((enum log_group)g), l->of[g]);
    }
    show_field(o, &none, "levels");
}

static void show_target(struct show_out *o, const struct log_target *t)
{
    static const struct origins none;
    static const char *const kinds[] = {
        [LOG_TO_FILE] = "file", [LOG_TO_SYSLOG] = "syslog", [LOG_TO_JOURNAL] = "journal"};
    static const char *const styles[] = {
        [LOG_STYLE_CHARON] = "strongSwan", [LOG_STYLE_PLUTO] = "Libreswan", [LOG_STYLE_OWN] = "own"};
    show_open_block(o, NULL, "log", "{");
    show_word_field(o, &none, "to", kinds[t->kind]);
    show_word_field(o, &none, "lines", styles[t->style]);
    if (t->kind == LOG_TO_FILE) {
        show_word_field(o, &none, "path", t->path);
        show_word_field(o, &none, "time_format", t->time_format ? t->time_format : "");
        show_number_field(o, &none, "time_digits", t->time_digits);
        show_bool_field(o, &none, "append", t->appends);
        show_bool_field(o, &none, "flush_line", t->flushes_lines);
        show_bool_field(o, &none, "json", t->is_json);
    }
    if (t->kind == LOG_TO_SYSLOG) {
        show_number_field(o, &none, "facility", t->facility);
        show_begin_value(o);
        text_printf(&o->t, "%d", t->map_level);
        show_field(o, &none, "map_level");
    }
    show_bool_field(o, &none, "ike_name", t->has_ike_name);
    show_bool_field(o, &none, "log_level", t->has_level);
    show_levels(o, &t->levels);
    show_close_block(o, "}", true);
}

void show_logging(struct show_out *o, const struct logging *l)
{
    static const struct origins none;
    if (!l->n && !l->has_levels && !l->hides_addresses && !l->identifier)
        return; /* nothing is said of it */
    show_open_block(o, "logging", "logging", "{");
    if (l->has_levels)
        show_levels(o, &l->levels);
    show_bool_field(o, &none, "hides_addresses", l->hides_addresses);
    show_word_field(o, &none, "identifier", l->identifier ? l->identifier : "");
    show_open_block(o, "places", NULL, "[");
    for (size_t i = 0; i < l->n; i++)
        show_target(o, &l->v[i]);
    show_close_block(o, "]", false);
    show_close_block(o, "}", true);
}
