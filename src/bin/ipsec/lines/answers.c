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

json_t *conn_of(const struct answers *a, const char *name)
{
    size_t i;
    json_t *row;
    json_array_foreach(a->conns, i, row)
    {
        if (!strcmp(member(row, "name"), name))
            return member_object(row, "body");
    }
    return NULL;
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
    if (n == 1 || !strcmp(name, connection))
        snprintf(buf, 300, "%s", connection);
    else if (!strncmp(name, connection, len) && name[len] == '/')
        snprintf(buf, 300, "%s", name);
    else
        snprintf(buf, 300, "%s/%s", connection, name);
    return buf;
}
