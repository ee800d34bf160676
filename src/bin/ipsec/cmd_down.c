/* SPDX-License-Identifier: Apache-2.0 */
/* `ipsec down`: ends a connection's SAs, or in strongSwan's words one of them: NAME{2}, NAME{*}, NAME[1],
 * NAME[*], {2}, [1]. */
#include "bin/ipsec/commands.h"
#include "bin/ipsec/control.h"
#include <stdlib.h>

/* ---- Libreswan */

static int down_libreswan(struct control *c, const char *name, const struct target *t)
{
    struct answers a;
    struct diag d;
    const char *const pairs[] = {"ike", t->connection, "child", t->child[0] ? t->child : NULL, NULL};
    bool ok = control_answers(c, ASK_SAS | ASK_CONNS, &a, &d);
    if (ok)
        libreswan_ending(&c->voice, &a, name);
    if (ok && control_tell(c, "terminate", pairs, &d)) {
        libreswan_farewell(&c->voice, &a, name);
        libreswan_ended(&c->voice, &a, name);
    } else
        ok = ok && d.class == FAIL_NOT_FOUND; /* nothing was up */
    answers_free(&a);
    return ok ? 0 : control_fail(c, name, &d);
}

/* ---- strongSwan */

struct chosen_sas {
    char name[128]; /* empty: whatever its name */
    const char *id; /* "*" or a number; NULL: the whole of NAME */
    size_t id_len;
    bool is_child;
};

static struct chosen_sas read_choice(const char *word)
{
    struct chosen_sas s = {0};
    size_t len = strlen(word), open = strcspn(word, "[{");
    bool is_ike = len && word[len - 1] == ']' && word[open] == '[',
         is_child = len && word[len - 1] == '}' && word[open] == '{';
    snprintf(s.name, sizeof(s.name), "%.*s", (int)(is_ike || is_child ? open : len), word);
    if (!is_ike && !is_child)
        return s;
    s.is_child = is_child;
    s.id = word + open + 1;
    s.id_len = len - open - 2;
    return s;
}

static bool is_chosen(const struct chosen_sas *s, const char *name, const char *id)
{
    return (!s->name[0] || !strcmp(s->name, name)) &&
           (!s->id || (s->id_len == 1 && *s->id == '*') ||
            (strlen(id) == s->id_len && !memcmp(id, s->id, s->id_len)));
}

static int close_one(struct control *c, const char *key, const char *id)
{
    struct diag d;
    bool is_child = key[0] == 'c';
    const char *const pairs[] = {key, id, NULL}, *kind = is_child ? "CHILD_SA" : "IKE_SA";
    if (control_tell(c, "terminate", pairs, &d)) {
        printf(is_child ? "%s {%s} closed successfully\n" : "%s [%s] closed successfully\n", kind, id);
        return 0;
    }
    printf(is_child ? "closing %s {%s} failed: %s\n" : "closing %s [%s] failed: %s\n", kind, id, d.what);
    return c->exits_as_strongswan ? 0 : (int)d.class;
}

static int close_chosen(struct control *c, const struct chosen_sas *s, const struct answers *a, size_t *n)
{
    size_t i;
    json_t *row, *child;
    const char *key;
    int code = 0, one;
    json_array_foreach(a->sas, i, row)
    {
        json_t *sa = member_object(row, "body");
        if (!s->is_child && is_chosen(s, member(row, "name"), member(sa, "uniqueid"))) {
            one = close_one(c, "ike-id", member(sa, "uniqueid"));
            code = one ? one : code;
            ++*n;
        }
        json_object_foreach(member_object(sa, "child-sas"), key, child)
        {
            if (!s->is_child || !is_chosen(s, member(child, "name"), member(child, "uniqueid")))
                continue;
            one = close_one(c, "child-id", member(child, "uniqueid"));
            code = one ? one : code;
            ++*n;
        }
    }
    return code;
}

static int down_strongswan(struct control *c, const char *word, const struct chosen_sas *s)
{
    struct answers a;
    struct diag d;
    size_t n = 0;
    bool ok = control_answers(c, ASK_SAS, &a, &d);
    int code = ok ? close_chosen(c, s, &a, &n) : control_fail(c, NULL, &d);
    answers_free(&a);
    if (!ok || n)
        return code;
    const char *const pairs[] = {"ike", s->name, NULL}; /* an attempt may wait for its next time */
    if (!s->id && control_tell(c, "terminate", pairs, &d))
        return 0;
    printf(s->name[0] ? "no %s named '%s' found\n" : "no %s with id %s found\n",
           s->is_child ? "CHILD_SA" : "IKE_SA", s->name[0] ? s->name : word);
    return c->exits_as_strongswan ? 0 : FAIL_NOT_FOUND;
}

static int down_name(struct control *c, const char *name)
{
    struct chosen_sas s = read_choice(name);
    struct target t;
    int code;
    if (s.id) /* only strongSwan's users write that */
        return down_strongswan(c, name, &s);
    if (!control_find(c, name, &t, &code))
        return code;
    if (is_libreswan(c)) {
        code = down_libreswan(c, name, &t);
    } else {
        s.is_child = t.child[0] != '\0';
        snprintf(s.name, sizeof(s.name), "%s", s.is_child ? t.child : t.connection);
        code = down_strongswan(c, name, &s);
    }
    target_free(&t);
    return code;
}

const struct ipsec_command ipsec_cmd_down = {
    .name = "down",
    .as_stroke = "down",
    .also = "terminate",
    .as_auto = "down",
    .as_whack = "terminate down",
    .operands = "NAME",
    .names = NAMES_NEEDED,
    .doc = "end a connection's SAs",
    .act = down_name,
    .manual =
        "In strongSwan's words \\fINAME\\fR may also be \\fINAME\\fB{\\fIn\\fB}\\fR, \\fINAME\\fB{*}\\fR,\n"
        "\\fINAME\\fB[\\fIn\\fB]\\fR and \\fINAME\\fB[*]\\fR: one child SA, all of that name, one IKE SA, "
        "all of\n"
        "that name.",
};
