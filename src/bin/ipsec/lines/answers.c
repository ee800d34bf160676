/* SPDX-License-Identifier: Apache-2.0 */
/* Looking into the daemon's answers. */
#include "bin/ipsec/lines/lines.h"
#include <stdlib.h>
#include <string.h>

const char *member(json_t *object, const char *key)
{
    const char *text = json_string_value(json_object_get(object, key));
    return text ? text : "";
}

int64_t member_number(json_t *object, const char *key)
{
    return strtoll(member(object, key), NULL, 10);
}

json_t *member_object(json_t *object, const char *key)
{
    return json_object_get(object, key);
}

/* ---- the index: {"conns": {NAME: body}, "sas": {NAME: [row]}, "up": {NAME, CHILD: child}, "traps": {NAME,
 * CHILD: body}} */

#define PAIR_MAX 600

static const char *pair(const char *connection, const char *child, char buf[PAIR_MAX])
{
    snprintf(buf, PAIR_MAX, "%s\x1f%s", connection, child);
    return buf;
}

static json_t *part(struct answers *a, const char *key)
{
    json_t *o = json_object();
    json_object_set_new(a->index, key, o);
    return o;
}

static void index_sa(json_t *sas, json_t *up, json_t *row)
{
    const char *name = member(row, "name"), *key;
    json_t *all = json_object_get(sas, name), *child;
    char buf[PAIR_MAX];
    if (!all) {
        all = json_array();
        json_object_set_new(sas, name, all);
    }
    json_array_append(all, row);
    json_object_foreach(member_object(member_object(row, "body"), "child-sas"), key, child)
    {
        const char *owner = member(child, "connection");
        if (child_is_up(child))
            json_object_set(up, pair(*owner ? owner : name, member(child, "name"), buf), child);
    }
}

void answers_index(struct answers *a)
{
    size_t i;
    json_t *row;
    char buf[PAIR_MAX];
    json_decref(a->index);
    a->index = json_object();
    json_t *conns = part(a, "conns"), *sas = part(a, "sas"), *up = part(a, "up"), *traps = part(a, "traps");
    json_array_foreach(a->conns, i, row)
        json_object_set(conns, member(row, "name"), member_object(row, "body"));
    json_array_foreach(a->sas, i, row) index_sa(sas, up, row);
    json_array_foreach(a->policies, i, row)
    {
        json_t *p = member_object(row, "body");
        json_object_set(traps, pair(member(p, "ike"), member(p, "child"), buf), p);
    }
}

void answers_free(struct answers *a)
{
    json_t *const all[] = {a->sas,   a->conns,     a->policies, a->status,     a->version, a->stats,
                           a->pools, a->addresses, a->shown,    a->interfaces, a->index};
    for (size_t i = 0; i < sizeof(all) / sizeof(*all); i++)
        json_decref(all[i]);
}

static json_t *indexed(const struct answers *a, const char *which, const char *key)
{
    return json_object_get(json_object_get(a->index, which), key);
}

json_t *conn_of(const struct answers *a, const char *name)
{
    return indexed(a, "conns", name);
}

json_t *sas_of(const struct answers *a, const char *connection)
{
    return indexed(a, "sas", connection);
}

json_t *up_child_of(const struct answers *a, const char *connection, const char *child)
{
    char buf[PAIR_MAX];
    return indexed(a, "up", pair(connection, child, buf));
}

bool has_trap(const struct answers *a, const char *connection, const char *child)
{
    char buf[PAIR_MAX];
    return indexed(a, "traps", pair(connection, child, buf)) != NULL;
}

char *joined(json_t *list, const char *separator)
{
    char *buf = NULL;
    size_t len = 0, i;
    json_t *item;
    FILE *f = open_memstream(&buf, &len);
    if (!f)
        abort();
    json_array_foreach(list, i, item)
    {
        fprintf(f, "%s%s", i ? separator : "", json_string_value(item));
    }
    fclose(f);
    return buf;
}

bool child_is_up(json_t *child)
{
    const char *state = member(child, "state");
    return !strcmp(state, "INSTALLED") || !strcmp(state, "REKEYING");
}

const char *child_label(const struct answers *a, const char *connection, json_t *child, char buf[300])
{
    const char *name = member(child, "name"), *owner = member(child, "connection");
    if (*owner) /* made by the peer in another connection's IKE SA */
        connection = owner;
    size_t len = strlen(connection), n = json_object_size(member_object(conn_of(a, connection), "children"));
    if (!strncmp(name, connection, len) &&
        name[len] == '/') /* of subnets=: "net/1x0", also when it is the only one */
        snprintf(buf, 300, "%s", name);
    else if (n == 1 || !strcmp(name, connection))
        snprintf(buf, 300, "%s", connection);
    else
        snprintf(buf, 300, "%s/%s", connection, name);
    return buf;
}
