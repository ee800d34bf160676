/* SPDX-License-Identifier: Apache-2.0 */
/* Names on the command line: a connection, CONNECTION/CHILD, or a child that only one connection has. */
#include "bin/keyway/cli.h"
#include <stdio.h>

static json_t *children_of(json_t *row)
{
    return json_object_get(json_object_get(row, "body"), "children");
}

static const char *name_of(json_t *row)
{
    return json_string_value(json_object_get(row, "name"));
}

/* The key of an object that equals name, owned by the object. */
static const char *key_of(json_t *object, const char *name)
{
    const char *key;
    json_t *value;
    json_object_foreach(object, key, value)
    {
        if (!strcmp(key, name))
            return key;
    }
    return NULL;
}

static bool not_found(const char *name, json_t *connections, struct diag *d)
{
    char known[256] = "";
    size_t i, len = 0;
    json_t *row;
    json_array_foreach(connections, i, row)
    {
        int n = snprintf(known + len, sizeof(known) - len, "%s%s", len ? ", " : "", name_of(row));
        if (n < 0 || (size_t)n >= sizeof(known) - len)
            break;
        len += (size_t)n;
    }
    diag_set(d, FAIL_NOT_FOUND, "there is no tunnel %s", name);
    diag_expected(d, "%s", len ? known : "a loaded tunnel: none is");
    diag_got(d, "%s", name);
    diag_try(d, "keyway reload, if it is new in the files");
    return false;
}

bool cli_find_target(json_t *connections, const char *name, struct cli_target *out, struct diag *d)
{
    size_t i, len = strcspn(name, "/");
    unsigned hits = 0;
    json_t *row;
    json_array_foreach(connections, i, row)
    {
        const char *connection = name_of(row), *child;
        if (!strcmp(connection, name)) {
            *out = (struct cli_target){.connection = connection};
            return true;
        }
        if (name[len] && strlen(connection) == len && !memcmp(connection, name, len) &&
            (child = key_of(children_of(row), name + len + 1))) {
            *out = (struct cli_target){.connection = connection, .child = child};
            return true;
        }
    }
    json_array_foreach(connections, i, row)
    {
        const char *child = key_of(children_of(row), name);
        if (child) {
            *out = (struct cli_target){.connection = name_of(row), .child = child};
            hits++;
        }
    }
    if (hits < 2)
        return hits == 1 || not_found(name, connections, d);
    diag_set(d, FAIL_NOT_FOUND, "%u tunnels have a child %s", hits, name);
    diag_try(d, "TUNNEL/%s", name);
    return false;
}
