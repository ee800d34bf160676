/* SPDX-License-Identifier: Apache-2.0 */
/* keyway-log-level: what the log shows, and changes of that until the configuration is read again. group and
 * level: of one group, or of all of them (any); raise: a class of debugging in Libreswan's words; lower: such
 * a class again, or all: as the configuration has it. Without any of them: nothing changes. Answers with the
 * levels. */
#include "conf/logging.h"
#include "ctl/commands.h"
#include <strings.h>

void ctl_set_log_level(struct ctl *c, enum log_group group, int level, bool only_up)
{
    for (int g = 0; g < LOG_GROUPS; g++) {
        bool is_it = group == LOG_GROUPS || g == (int)group;
        if (is_it && (!only_up || c->shown[g] < level))
            c->shown[g] = (int8_t)level;
    }
    c->host.set_log_level(c->host.ctx, group, level, only_up);
}

void ctl_restore_log_levels(struct ctl *c)
{
    memset(c->shown, 0, sizeof(c->shown));
    c->host.restore_log_levels(c->host.ctx);
}

static bool set_group(struct ctl_request *r, const char *name)
{
    enum log_group g = LOG_GROUPS;
    char text[16];
    int8_t level;
    if (!vici_find_text(r->body, "level", text, sizeof(text)) || !logging_level(text, &level)) {
        ctl_reply_error(r->reply, "a level is a number from -1 to 4");
        return false;
    }
    if (strcasecmp(name, "any") != 0 && !log_group_named(name, &g)) {
        ctl_reply_error(r->reply,
                        "no group '%s': any dmn mgr ike chd job cfg knl net asn enc tls app esp lib", name);
        return false;
    }
    ctl_set_log_level(r->ctl, g, level, false);
    return true;
}

/* Of a class: its groups go to their levels, or back to 1. */
static bool change_class(struct ctl_request *r, const char *name, bool raises)
{
    struct log_levels of_class;
    bool is_none = strcasecmp(name, "none") == 0;
    if (is_none || (!raises && strcasecmp(name, "all") == 0)) {
        ctl_restore_log_levels(r->ctl);
        return true;
    }
    memset(of_class.of, 0, sizeof(of_class.of));
    if (!logging_raise(name, &of_class)) {
        ctl_reply_error(r->reply, "no class '%s' of debugging", name);
        return false;
    }
    for (int g = 0; g < LOG_GROUPS; g++) {
        if (of_class.of[g])
            ctl_set_log_level(r->ctl, (enum log_group)g, raises ? of_class.of[g] : 1, raises);
    }
    return true;
}

static void write_levels(struct ctl_request *r)
{
    struct log_levels l;
    r->ctl->host.log_levels(r->ctl->host.ctx, &l);
    vici_section(r->reply, "levels");
    for (int g = 0; g < LOG_GROUPS; g++)
        vici_printf(r->reply, log_group_name((enum log_group)g), "%d", l.of[g]);
    vici_section_end(r->reply);
}

void ctl_cmd_keyway_log_level(struct ctl_request *r)
{
    char name[32];
    bool ok = true;
    if (vici_find_text(r->body, "group", name, sizeof(name)))
        ok = set_group(r, name);
    else if (vici_find_text(r->body, "raise", name, sizeof(name)))
        ok = change_class(r, name, true);
    else if (vici_find_text(r->body, "lower", name, sizeof(name)))
        ok = change_class(r, name, false);
    if (!ok)
        return;
    ctl_reply_ok(r->reply);
    write_levels(r);
}
