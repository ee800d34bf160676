/* SPDX-License-Identifier: Apache-2.0 */
/* Connections, pools and authorities of swanctl.conf: each section is a request. Values go as they are
 * written; some keys are lists, and some name files whose contents go. */
#include "bin/swanctl/load.h"
#include <errno.h>
#include <stdlib.h>

/* ---- values */

/* Items between commas, without the blanks around them; empty ones are none. */
static void write_list(struct vici_writer *w, const char *key, const char *value)
{
    char item[4096];
    vici_list(w, key);
    while (*value) {
        size_t len = strcspn(value, ","), from = strspn(value, " \t"), to = len;
        while (to > from && (value[to - 1] == ' ' || value[to - 1] == '\t'))
            to--;
        if (to > from) {
            snprintf(item, sizeof(item), "%.*s", (int)(to - from), value + from);
            vici_item(w, item);
        }
        value += len + (value[len] == ',');
    }
    vici_list_end(w);
}

/* A file of a folder, or one by its whole path. */
static bool read_credential(struct loader *l, const char *folder, const char *name, const char *what,
                            struct secret *out)
{
    char path[2 * PATH_TEXT_MAX];
    if (*name == '/')
        snprintf(path, sizeof(path), "%s", name);
    else
        snprintf(path, sizeof(path), "%s/%s/%s", l->folder, folder, name);
    if (load_read(path, out))
        return true;
    fprintf(stderr, "loading %s certificate '%s' failed: %s\n", what, path, strerror(errno));
    return false;
}

static bool is_encoded(const char *text)
{
    return text[0] == '0' && (text[1] == 'x' || text[1] == 's');
}

/* A list of files, or of what is in them, written down. */
static bool write_files(struct loader *l, struct vici_writer *w, const struct setting *s, const char *folder)
{
    char item[4096];
    bool is_ok = true;
    vici_list(w, s->name);
    for (const char *at = s->value; *at && is_ok;) {
        size_t len = strcspn(at, ","), from = strspn(at, " \t"), to = len;
        struct secret data = {0};
        while (to > from && (at[to - 1] == ' ' || at[to - 1] == '\t'))
            to--;
        if (to > from) {
            snprintf(item, sizeof(item), "%.*s", (int)(to - from), at + from);
            if (is_encoded(item))
                data = load_decode(item);
            else
                is_ok = read_credential(l, folder, item, s->name, &data);
            if (is_ok)
                vici_item_span(w, secret_view(&data));
        }
        secret_free(&data);
        at += len + (at[len] == ',');
    }
    vici_list_end(w);
    return is_ok;
}

/* ---- connections */

static bool write_connection_value(struct loader *l, struct vici_writer *w, const struct setting *s)
{
    static const char *const lists[] = {"local_addrs",  "remote_addrs", "proposals",  "esp_proposals",
                                        "ah_proposals", "local_ts",     "remote_ts",  "vips",
                                        "pools",        "groups",       "cert_policy"};
    static const char *const files[][2] = {
        {"certs",   "x509"  },
        {"cacerts", "x509ca"},
        {"pubkeys", "pubkey"},
    };
    for (size_t i = 0; i < ARRAY_LEN(lists); i++) {
        if (strcmp(s->name, lists[i]) != 0)
            continue;
        write_list(w, s->name, s->value);
        return true;
    }
    for (size_t i = 0; i < ARRAY_LEN(files); i++) {
        if (!strcmp(s->name, files[i][0]))
            return write_files(l, w, s, files[i][1]);
    }
    vici_text(w, s->name, s->value);
    return true;
}

/* Values before sections. */
static bool write_connection(struct loader *l, struct vici_writer *w, const struct setting *section)
{
    for (const struct setting *s = section->first; s; s = s->next) {
        if (!s->is_section && s->value && !write_connection_value(l, w, s))
            return false;
    }
    for (const struct setting *s = section->first; s; s = s->next) {
        if (!s->is_section)
            continue;
        vici_section(w, s->name);
        if (!write_connection(l, w, s))
            return false;
        vici_section_end(w);
    }
    return true;
}

/* ---- pools: all but the addresses are lists */

static bool write_pool(struct loader *l, struct vici_writer *w, const struct setting *section)
{
    (void)l;
    for (const struct setting *s = section->first; s; s = s->next) {
        if (s->is_section || !s->value)
            continue;
        if (!strcmp(s->name, "addrs"))
            vici_text(w, s->name, s->value);
        else
            write_list(w, s->name, s->value);
    }
    return true;
}

/* ---- authorities */

static bool write_authority(struct loader *l, struct vici_writer *w, const struct setting *section)
{
    for (const struct setting *s = section->first; s; s = s->next) {
        if (s->is_section || !s->value)
            continue;
        struct secret data = {0};
        if (!strcmp(s->name, "cacert")) {
            if (!read_credential(l, "x509ca", s->value, "ca", &data))
                return false;
            vici_value(w, s->name, secret_view(&data));
            secret_free(&data);
        } else if (!strcmp(s->name, "crl_uris") || !strcmp(s->name, "ocsp_uris")) {
            write_list(w, s->name, s->value);
        } else {
            vici_text(w, s->name, s->value);
        }
    }
    return true;
}

/* ---- all of a kind */

/* Whether it is loaded now. */
static bool load_one(struct loader *l, const struct load_kind *k, const struct setting *section)
{
    struct vici_writer w;
    struct span reply;
    char before[64];
    vici_write_init(&w);
    vici_packet_open(&w, VICI_CMD_REQUEST, k->load);
    vici_section(&w, section->name);
    if (!k->write(l, &w, section)) {
        vici_write_free(&w);
        return false;
    }
    vici_section_end(&w);
    enum load_outcome outcome = loader_send(l, k->load, &w, &reply);
    snprintf(before, sizeof(before), "loading %s", k->one);
    if (outcome == LOAD_REFUSED)
        loader_refused(before, section->name, reply);
    else if (outcome == LOAD_DONE && l->run->style == DUMP_NONE)
        printf("loaded %s '%s'\n", k->one, section->name);
    return outcome == LOAD_DONE;
}

static bool unload_one(struct loader *l, const struct load_kind *k, const char *name)
{
    struct vici_writer w;
    struct span reply;
    char before[64];
    vici_write_init(&w);
    vici_packet_open(&w, VICI_CMD_REQUEST, k->unload);
    vici_text(&w, "name", name);
    enum load_outcome outcome = loader_send(l, k->unload, &w, &reply);
    snprintf(before, sizeof(before), "unloading %s", k->one);
    if (outcome == LOAD_REFUSED)
        loader_refused(before, name, reply);
    return outcome == LOAD_DONE;
}

static int sum_up(const struct loader *l, const struct load_kind *k, unsigned found, unsigned loaded,
                  unsigned unloaded)
{
    if (l->run->style != DUMP_NONE)
        return 0;
    if (!found)
        printf("no %s found, %u unloaded\n", k->many, unloaded);
    else if (loaded == found)
        printf("successfully loaded %u %s, %u unloaded\n", loaded, k->many, unloaded);
    else
        fprintf(stderr, "loaded %u of %u %s, %u failed to load, %u unloaded\n", loaded, found, k->many,
                found - loaded, unloaded);
    return loaded == found ? 0 : EINVAL;
}

int load_items(struct loader *l, const struct load_kind *k)
{
    const struct setting *all = loader_section(l, k->section);
    unsigned found = 0, loaded = 0, unloaded = 0;
    struct names had;
    loader_names(l, k->get, k->list, &had);
    for (const struct setting *s = all ? all->first : NULL; s; s = s->next) {
        if (!s->is_section)
            continue;
        names_mark_again(&had, span_str(s->name));
        found++;
        loaded += load_one(l, k, s);
    }
    for (size_t i = 0; i < had.n; i++)
        unloaded += !had.v[i].is_again && unload_one(l, k, had.v[i].text);
    names_free(&had);
    return sum_up(l, k, found, loaded, unloaded);
}

const struct load_kind load_connections = {
    .section = "connections",
    .one = "connection",
    .many = "connections",
    .get = "get-conns",
    .list = "conns",
    .load = "load-conn",
    .unload = "unload-conn",
    .write = write_connection,
};

const struct load_kind load_pools = {
    .section = "pools",
    .one = "pool",
    .many = "pools",
    .get = "get-pools",
    .load = "load-pool",
    .unload = "unload-pool",
    .write = write_pool,
};

const struct load_kind load_authorities = {
    .section = "authorities",
    .one = "authority",
    .many = "authorities",
    .get = "get-authorities",
    .list = "authorities",
    .load = "load-authority",
    .unload = "unload-authority",
    .write = write_authority,
};
