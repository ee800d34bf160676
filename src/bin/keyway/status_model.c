/* SPDX-License-Identifier: Apache-2.0 */
/* vici's texts to typed JSON: see status.h. */
#include "bin/keyway/status.h"
#include <stdio.h>
#include <stdlib.h>

struct member {
    const char *from, *to; /* vici's key, ours */
    bool is_number;
};

static const char *text_of(json_t *object, const char *key)
{
    const char *s = json_string_value(json_object_get(object, key));
    return s ? s : "";
}

static void copy_members(json_t *to, json_t *from, const struct member *m, size_t n)
{
    for (size_t i = 0; i < n; i++) {
        json_t *v = json_object_get(from, m[i].from);
        if (!v)
            continue;
        if (m[i].is_number)
            json_object_set_new(to, m[i].to, json_integer(strtoll(json_string_value(v), NULL, 10)));
        else
            json_object_set(to, m[i].to, v);
    }
}

/* "AES_GCM_16_256", "AES_CBC_256/HMAC_SHA2_256_128"; with AH "HMAC_SHA2_256_128" */
static json_t *cipher_json(json_t *sa)
{
    char text[128];
    const char *size = text_of(sa, "encr-keysize"), *integ = text_of(sa, "integ-alg");
    const char *encr = text_of(sa, "encr-alg");
    snprintf(text, sizeof(text), "%s%s%s%s%s", encr, *size ? "_" : "", size, *encr && *integ ? "/" : "",
             integ);
    return json_string(text);
}

/* The additional key exchanges, in their order; left out when there are none. */
static void copy_additional(json_t *to, json_t *sa)
{
    char key[] = "ake1";
    json_t *list = json_array();
    for (; key[3] <= '7'; key[3]++) {
        if (json_object_get(sa, key))
            json_array_append_new(list, json_string(text_of(sa, key)));
    }
    if (json_array_size(list))
        json_object_set_new(to, "additional_key_exchanges", list);
    else
        json_decref(list);
}

static json_t *child_json(json_t *sa)
{
    static const struct member members[] = {
        {"name",         "name",               false},
        {"uniqueid",     "id",                 true },
        {"reqid",        "reqid",              true },
        {"state",        "state",              false},
        {"mode",         "mode",               false},
        {"protocol",     "protocol",           false},
        {"dataplane",    "dataplane",          false},
        {"mark-in",      "mark_in",            false},
        {"mark-out",     "mark_out",           false},
        {"if-id-in",     "if_id_in",           false},
        {"if-id-out",    "if_id_out",          false},
        {"spi-in",       "spi_in",             false},
        {"spi-out",      "spi_out",            false},
        {"cpi-in",       "cpi_in",             false},
        {"cpi-out",      "cpi_out",            false},
        {"tfc-padding",  "tfc_padding",        false},
        {"dscp",         "dscp",               false},
        {"cpu",          "cpu",                true },
        {"dh-group",     "key_exchange",       false},
        {"local-ts",     "local",              false},
        {"remote-ts",    "remote",             false},
        {"bytes-in",     "bytes_in",           true },
        {"packets-in",   "packets_in",         true },
        {"bytes-out",    "bytes_out",          true },
        {"packets-out",  "packets_out",        true },
        {"use-in",       "last_in_seconds",    true },
        {"use-out",      "last_out_seconds",   true },
        {"rekey-time",   "rekey_in_seconds",   true },
        {"life-time",    "expires_in_seconds", true },
        {"install-time", "age_seconds",        true },
    };
    json_t *j = json_object();
    copy_members(j, sa, members, ARRAY_LEN(members));
    if (json_object_get(sa, "encr-alg") || json_object_get(sa, "integ-alg"))
        json_object_set_new(j, "cipher", cipher_json(sa));
    copy_additional(j, sa);
    json_object_set_new(j, "udp_encapsulation", json_boolean(!strcmp(text_of(sa, "encap"), "yes")));
    json_object_set_new(j, "tcp_encapsulation", json_boolean(!strcmp(text_of(sa, "tcp"), "yes")));
    json_object_set_new(j, "per_cpu", json_boolean(!strcmp(text_of(sa, "per-cpu-sas"), "yes")));
    json_object_set_new(j, "esn", json_boolean(!strcmp(text_of(sa, "esn"), "1")));
    return j;
}

/* A child belongs to the connection of its IKE SA, unless it says that it is another's. */
static bool is_child_of(json_t *child, const char *owner, const char *connection)
{
    const char *says = text_of(child, "connection");
    return strcmp(*says ? says : owner, connection) == 0;
}

/* {connection: [its IKE SAs, and those of others that hold a child of it]}: each is looked at once. */
static json_t *group(json_t *sas)
{
    json_t *groups = json_object(), *sa, *child, *list;
    const char *key;
    size_t i;
    json_array_foreach(sas, i, sa)
    {
        const char *owner = text_of(sa, "name");
        json_t *children = json_object_get(json_object_get(sa, "body"), "child-sas");
        json_t *names = json_object();
        json_object_set_new(names, owner, json_true());
        json_object_foreach(children, key, child)
        {
            const char *says = text_of(child, "connection");
            json_object_set_new(names, *says ? says : owner, json_true());
        }
        json_object_foreach(names, key, child)
        {
            list = json_object_get(groups, key);
            if (!list)
                json_object_set_new(groups, key, list = json_array());
            json_array_append(list, sa);
        }
        json_decref(names);
    }
    return groups;
}

/* The IKE SA of owner as connection sees it: with its own children. */
static json_t *ike_json(json_t *sa, const char *owner, const char *connection)
{
    static const struct member members[] = {
        {"uniqueid",        "id",                        true },
        {"state",           "state",                     false},
        {"local-host",      "local_address",             false},
        {"local-port",      "local_port",                true },
        {"local-id",        "local_id",                  false},
        {"remote-host",     "remote_address",            false},
        {"remote-port",     "remote_port",               true },
        {"remote-id",       "remote_id",                 false},
        {"initiator-spi",   "initiator_spi",             false},
        {"responder-spi",   "responder_spi",             false},
        {"prf-alg",         "prf",                       false},
        {"dh-group",        "key_exchange",              false},
        {"established",     "age_seconds",               true },
        {"ticket-time",     "ticket_expires_in_seconds", true },
        {"redirected-from", "redirected_from",           false},
        {"rekey-time",      "rekey_in_seconds",          true },
        {"reauth-time",     "reauth_in_seconds",         true },
        {"local-vips",      "virtual_addresses",         false},
        {"remote-vips",     "peer_virtual_addresses",    false},
    };
    json_t *j = json_object(), *children = json_array(), *child;
    const char *key;
    copy_members(j, sa, members, ARRAY_LEN(members));
    if (json_object_get(sa, "encr-alg"))
        json_object_set_new(j, "cipher", cipher_json(sa));
    copy_additional(j, sa);
    json_object_set_new(j, "is_initiator", json_boolean(!strcmp(text_of(sa, "initiator"), "yes")));
    json_object_set_new(j, "tcp", json_boolean(!strcmp(text_of(sa, "tcp"), "yes")));
    json_object_set_new(j, "ppk", json_boolean(!strcmp(text_of(sa, "ppk"), "yes")));
    json_object_set_new(j, "remote_unproven", json_boolean(!strcmp(text_of(sa, "remote-unproven"), "yes")));
    json_object_set_new(j, "mobike", json_boolean(!strcmp(text_of(sa, "mobike"), "yes")));
    json_object_set_new(j, "crash_detection", json_boolean(!strcmp(text_of(sa, "crash-detection"), "yes")));
    json_object_set_new(j, "resumed", json_boolean(!strcmp(text_of(sa, "resumed"), "yes")));
    if (json_object_get(sa, "ticket-time"))
        json_object_set_new(j, "ticket", json_string(*text_of(sa, "ticket") ? "held" : "given"));
    json_object_set_new(j, "nat", json_boolean(!strcmp(text_of(sa, "nat-any"), "yes")));
    json_object_foreach(json_object_get(sa, "child-sas"), key, child)
    {
        if (is_child_of(child, owner, connection))
            json_array_append_new(children, child_json(child));
    }
    json_object_set_new(j, "children", children);
    return j;
}

/* up: an established SA with an installed child. */
static const char *state_of(json_t *ikes, json_t *traps)
{
    size_t i, k;
    json_t *ike, *child;
    json_array_foreach(ikes, i, ike)
    {
        const char *state = text_of(ike, "state");
        if (strcmp(state, "ESTABLISHED") != 0 && strcmp(state, "REKEYING") != 0)
            continue;
        json_array_foreach(json_object_get(ike, "children"), k, child)
        {
            const char *child_state = text_of(child, "state");
            if (!strcmp(child_state, "INSTALLED") || !strcmp(child_state, "REKEYING"))
                return "up";
        }
    }
    json_array_foreach(ikes, i, ike)
    {
        if (strcmp(text_of(ike, "state"), "DELETING") != 0 && strcmp(text_of(ike, "state"), "REKEYED") != 0)
            return "connecting";
    }
    return json_array_size(traps) ? "waiting" : "down";
}

/* {connection: [names of its children that wait for a packet]} */
static json_t *traps_of_all(json_t *policies)
{
    json_t *all = json_object(), *row, *list;
    size_t i;
    json_array_foreach(policies, i, row)
    {
        json_t *body = json_object_get(row, "body");
        const char *name = text_of(body, "ike");
        list = json_object_get(all, name);
        if (!list)
            json_object_set_new(all, name, list = json_array());
        json_array_append(list, json_object_get(body, "child"));
    }
    return all;
}

static json_t *connection_json(json_t *row, json_t *sas, json_t *failures, json_t *traps)
{
    json_t *body = json_object_get(row, "body"), *ikes = json_array(), *configured = json_array(), *sa;
    json_t *failure, *child;
    const char *name = text_of(row, "name"), *key;
    size_t i;
    json_array_foreach(sas, i, sa)
    {
        const char *owner = text_of(sa, "name");
        json_t *ike = json_object_get(sa, "body");
        json_array_append_new(ikes, ike_json(ike, owner, name));
    }
    json_object_foreach(json_object_get(body, "children"), key, child) json_array_append_new(
        configured, json_pack("{s:s,s:O?,s:O?}", "name", key, "local", json_object_get(child, "local-ts"),
                              "remote", json_object_get(child, "remote-ts")));
    json_t *j =
        json_pack("{s:s,s:s,s:O?,s:o,s:o}", "name", name, "state", state_of(ikes, traps), "peer_addresses",
                  json_object_get(body, "remote_addrs"), "configured_children", configured, "ike", ikes);
    if (traps)
        json_object_set(j, "traps", traps);
    failure = json_object_get(failures, name);
    if (failure && strcmp(text_of(j, "state"), "up") != 0) {
        json_t *copy = json_deep_copy(failure);
        json_object_set_new(copy, "class", json_integer(atoi(text_of(failure, "class"))));
        json_object_set_new(j, "failure", copy);
    }
    return j;
}

/* All members of a section as numbers. */
static json_t *numbers(json_t *section)
{
    json_t *j = json_object(), *v;
    const char *key;
    json_object_foreach(section, key, v)
    {
        char name[64];
        snprintf(name, sizeof(name), "%s", key);
        for (char *p = name; *p; p++)
            *p = *p == '-' || *p == ' ' ? '_' : *p;
        if (json_is_string(v))
            json_object_set_new(j, name, json_integer(strtoll(json_string_value(v), NULL, 10)));
    }
    return j;
}

static json_t *daemon_json(json_t *reply)
{
    static const struct member members[] = {
        {"version", "version",        false},
        {"uptime",  "uptime_seconds", true },
    };
    json_t *j = json_object(), *plane = json_object_get(reply, "dataplane");
    copy_members(j, reply, members, ARRAY_LEN(members));
    json_t *p = numbers(plane);
    json_object_set_new(p, "kind", json_string(text_of(plane, "kind")));
    json_object_set_new(p, "device", json_string(text_of(plane, "device")));
    json_object_set_new(p, "drops", numbers(json_object_get(plane, "drops")));
    json_object_set_new(p, "kernel_counters", cli_kernel_counters(reply));
    json_object_set_new(j, "dataplane", p);
    json_object_set_new(j, "ike", numbers(json_object_get(reply, "ike")));
    return j;
}

json_t *status_model(json_t *daemon, json_t *connections, json_t *sas, json_t *policies)
{
    json_t *all = json_array(), *groups = group(sas), *traps = traps_of_all(policies), *row;
    size_t i;
    json_array_foreach(connections, i, row)
        json_array_append_new(all, connection_json(row, json_object_get(groups, text_of(row, "name")),
                                                   json_object_get(daemon, "failures"),
                                                   json_object_get(traps, text_of(row, "name"))));
    json_decref(groups);
    json_decref(traps);
    return json_pack("{s:o,s:o}", "daemon", daemon_json(daemon), "connections", all);
}
