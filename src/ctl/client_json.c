/* SPDX-License-Identifier: Apache-2.0 */
/* A vici message as JSON: see client.h. */
#include "ctl/client.h"
#include <stdlib.h>

static json_t *value_json(struct span v)
{
    json_t *text = json_stringn((const char *)v.ptr, v.len); /* NULL when it is not UTF-8 */
    if (text)
        return text;
    static const char digits[] = "0123456789abcdef";
    char *out = malloc(2 + 2 * v.len);
    if (!out)
        abort();
    out[0] = '0';
    out[1] = 'x';
    for (size_t i = 0; i < v.len; i++) {
        out[2 + 2 * i] = digits[v.ptr[i] >> 4];
        out[3 + 2 * i] = digits[v.ptr[i] & 15];
    }
    text = json_stringn(out, 2 + 2 * v.len);
    free(out);
    return text;
}

static void set_member(json_t *object, struct span name, json_t *value)
{
    char key[VICI_NAME_MAX + 1];
    memcpy(key, name.ptr ? (const void *)name.ptr : "", name.len);
    key[name.len] = '\0';
    json_t *text = json_string(key);
    if (!text) /* not UTF-8: no key of ours */
        strcpy(key, "?");
    json_decref(text);
    json_object_set_new(object, key, value);
}

json_t *vici_to_json(struct span message)
{
    json_t *open[VICI_DEPTH_MAX + 1] = {json_object()}, *list = NULL;
    struct vici_reader r = vici_read(message);
    struct vici_element e;
    while (vici_next(&r, &e)) {
        json_t *at = open[e.kind == VICI_SECTION_START ? r.depth - 1 : r.depth];
        switch (e.kind) {
        case VICI_SECTION_START:
            open[r.depth] = json_object();
            set_member(at, e.name, open[r.depth]);
            break;
        case VICI_KEY_VALUE:
            set_member(at, e.name, value_json(e.value));
            break;
        case VICI_LIST_START:
            list = json_array();
            set_member(at, e.name, list);
            break;
        case VICI_LIST_ITEM:
            json_array_append_new(list, value_json(e.value));
            break;
        case VICI_SECTION_END:
        case VICI_LIST_END:
            break;
        }
    }
    if (vici_read_ok(&r))
        return open[0];
    json_decref(open[0]);
    return NULL;
}
