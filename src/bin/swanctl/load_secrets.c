/* SPDX-License-Identifier: Apache-2.0 */
/* The secrets section: keys on tokens, then shared secrets with their owners; and passphrases for private
 * keys. */
#include "bin/pki/pki.h"
#include "bin/swanctl/load.h"

static bool begins_with(const char *name, const char *prefix)
{
    return !strncmp(name, prefix, strlen(prefix));
}

static const char *value_of(const struct setting *section, const char *key)
{
    for (const struct setting *s = section->first; s; s = s->next) {
        if (!s->is_section && !strcmp(s->name, key))
            return s->value;
    }
    return NULL;
}

bool load_find_passphrase(struct loader *l, const char *prefix, const char *file, struct secret *out)
{
    const struct setting *all = loader_section(l, "secrets");
    for (const struct setting *s = all ? all->first : NULL; s; s = s->next) {
        const char *named = s->is_section && begins_with(s->name, prefix) ? value_of(s, "file") : NULL;
        const char *secret = named && !strcmp(named, file) ? value_of(s, "secret") : NULL;
        if (!secret)
            continue;
        *out = load_decode(secret);
        return true;
    }
    return false;
}

static void load_token(struct loader *l, const struct setting *section)
{
    struct vici_writer w;
    struct span reply, id;
    vici_write_init(&w);
    vici_packet_open(&w, VICI_CMD_REQUEST, "load-token");
    for (const struct setting *s = section->first; s; s = s->next) {
        if (!s->is_section && s->value)
            vici_text(&w, s->name, s->value);
    }
    if (!value_of(section, "pin") && l->has_prompts) {
        char prompt[SETTINGS_MAX_NAME + 16];
        struct secret pin = {0};
        snprintf(prompt, sizeof(prompt), "PIN for %s: ", section->name);
        if (pki_ask_passphrase(prompt, true, &pin))
            vici_value(&w, "pin", secret_view(&pin));
        secret_free(&pin);
    }
    enum load_outcome outcome = loader_send(l, "load-token", &w, &reply);
    if (outcome == LOAD_REFUSED)
        loader_refused("loading", section->name, reply);
    if (outcome != LOAD_DONE || !vici_find(reply, "id", &id))
        return;
    names_mark_again(&l->keys, id);
    if (l->run->style == DUMP_NONE)
        printf("loaded key %s from token [keyid: %.*s]\n", section->name, (int)id.len, (const char *)id.ptr);
}

static void write_owners(struct vici_writer *w, const struct setting *section)
{
    vici_list(w, "owners");
    for (const struct setting *s = section->first; s; s = s->next) {
        if (!s->is_section && s->value && begins_with(s->name, "id"))
            vici_item(w, s->value);
    }
    vici_list_end(w);
}

static void load_shared(struct loader *l, const struct setting *section, const char *type)
{
    const char *value = value_of(section, "secret");
    struct vici_writer w;
    struct span reply;
    if (!value) {
        fprintf(stderr, "missing secret in '%s', ignored\n", section->name);
        return;
    }
    struct secret data = load_decode(value);
    vici_write_init(&w);
    vici_packet_open(&w, VICI_CMD_REQUEST, "load-shared");
    vici_text(&w, "id", section->name);
    vici_text(&w, "type", type);
    vici_value(&w, "data", secret_view(&data));
    write_owners(&w, section);
    secret_free(&data);
    enum load_outcome outcome = loader_send(l, "load-shared", &w, &reply);
    if (outcome == LOAD_DONE)
        names_mark_again(&l->shared, span_str(section->name));
    if (outcome == LOAD_REFUSED) {
        fputs("loading shared secret failed: ", stderr);
        part_print(stderr, reply, "errmsg", "", 0);
        fputc('\n', stderr);
    } else if (outcome == LOAD_DONE && l->run->style == DUMP_NONE) {
        printf("loaded %s secret '%s'\n", type, section->name);
    }
}

/* By how a section's name begins. */
static void load_section(struct loader *l, const struct setting *section)
{
    static const char *const shared[] = {"eap", "xauth", "ntlm", "ike", "ppk"};
    static const char *const others[] = {"private", "rsa", "ecdsa", "pkcs8", "pkcs12", "token"};
    for (size_t i = 0; i < ARRAY_LEN(shared); i++) {
        if (!begins_with(section->name, shared[i]))
            continue;
        load_shared(l, section, shared[i]);
        return;
    }
    for (size_t i = 0; i < ARRAY_LEN(others); i++) {
        if (begins_with(section->name, others[i]))
            return;
    }
    if (l->run->debug > 0)
        fprintf(stderr, "ignoring unsupported secret '%s'\n", section->name);
}

void load_secrets(struct loader *l)
{
    const struct setting *all = loader_section(l, "secrets");
    for (const struct setting *s = all ? all->first : NULL; s; s = s->next) {
        if (s->is_section && begins_with(s->name, "token"))
            load_token(l, s);
    }
    for (const struct setting *s = all ? all->first : NULL; s; s = s->next) {
        if (s->is_section)
            load_section(l, s);
    }
}
