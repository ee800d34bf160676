/* SPDX-License-Identifier: Apache-2.0 */
/* What is known of a connection when status is written: looking into keyway-config-show's answer. */
#include "bin/ipsec/lines/block.h"
#include <stdlib.h>
#include <string.h>

const char *block_set(json_t *o, const char *key)
{
    return member(member_object(o, key), "value");
}

bool block_is_said(json_t *o, const char *key)
{
    const char *origin = member(member_object(o, key), "origin");
    return *origin && strcmp(origin, "default") != 0;
}

long long block_number(json_t *o, const char *key)
{
    return strtoll(block_set(o, key), NULL, 10);
}

bool block_is(json_t *o, const char *key, const char *value)
{
    return !strcmp(block_set(o, key), value);
}

bool text_holds(const char *text, const char *word)
{
    return strstr(text, word) != NULL;
}

const char *block_routing(const struct block *b)
{
    return b->up ? "routed-tunnel" : b->has_trap ? "routed-ondemand" : "unrouted";
}

const char *block_auth(const struct block *b, const char *side)
{
    const char *auth = block_set(member_object(b->set, side), "auth"), *class = "";
    if (*auth)
        return auth;
    class = member(member_object(b->conn, *side == 'l' ? "local-1" : "remote-1"), "class");
    return !strcmp(class, "pre-shared key") ? "psk" : !strcmp(class, "null") ? "null" : "pubkey";
}

json_t *block_proposals(const struct block *b)
{
    json_t *ah = member_object(b->kid, "ah_proposals");
    return ah ? ah : member_object(b->kid, "esp_proposals");
}

bool block_has_method(const char *proposals)
{
    return text_holds(proposals, "MODP_") || text_holds(proposals, "/ECP_") ||
           text_holds(proposals, "CURVE_") || text_holds(proposals, "ML_KEM");
}
