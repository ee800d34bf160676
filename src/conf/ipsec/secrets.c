/* SPDX-License-Identifier: Apache-2.0 */
/* ipsec.secrets of both dialects. An entry begins in column 1 and goes on in indented lines:
 *
 *   [id ...] : PSK "text"            also 0x hex, 0s base64, 0t text
 *   : RSA key.pem [passphrase]       ECDSA, PKCS8, P8; a file below ipsec.d/private
 *   : P12 file [passphrase]          with certificates; below ipsec.d/private
 *   : PIN %smartcard[slot[@module]]:keyid pin
 *   [id ...] : PPKS "name" "secret"  a postquantum preshared key; strongSwan: id : PPK secret
 *   include FILES
 *
 * EAP, XAUTH and NTLM are known and wait for what uses them. A bad line is told of and passed over: the
 * others count. No secret is ever logged. */
#include "conf/ipsec/ipsec.h"
#include "pki/pkcs12.h"

#define TOKENS_MAX 64
#define PROMPT     "%prompt"

struct token {
    const char *text;
    bool is_quoted;
    int line, column;
};

struct entry {
    struct token v[TOKENS_MAX];
    size_t n;
    bool is_bad;
};

struct secrets {
    struct ipsec_tree *t;
    struct builder *b;
    const char *path, *at, *end, *line_begin;
    int line;
    unsigned depth;
    const struct secrets *outer; /* which includes it */
};

static bool read_secrets(struct ipsec_tree *t, const char *path, const struct secrets *outer);

static void warn(const struct secrets *s, const struct token *at, const char *what)
{
    log_line(GROUP_CFG, LOG_WARN, "%s:%d:%d: the entry is passed over: %s", s->path, at->line, at->column,
             what);
}

/* ---- tokens */

static bool is_blank(char c)
{
    return c == ' ' || c == '\t' || c == '\r';
}

static void take_token(struct secrets *s, struct entry *e)
{
    const char *from = s->at;
    char quote = *from == '"' || *from == '\'' ? *from : 0;
    struct token t = {.line = s->line, .column = (int)(from - s->line_begin) + 1, .is_quoted = quote};
    const char *p = from + (quote != 0);
    /* DNs have blanks, and are quoted; a key of old stands in braces */
    while (p < s->end && *p != '\n' && (quote ? *p != quote : !is_blank(*p)))
        p++;
    bool is_open = quote && (p == s->end || *p != quote);
    t.text = arena_strndup(s->t->arena, from + (quote != 0), (size_t)(p - from) - (quote != 0));
    s->at = p + (quote && !is_open);
    if (is_open || e->n == TOKENS_MAX) {
        if (!e->is_bad)
            warn(s, &t, is_open ? "a string is not closed" : "it has too many words");
        e->is_bad = true;
        return;
    }
    e->v[e->n++] = t;
}

/* Tokens of the line; '#' behind a blank ends it. */
static void take_line(struct secrets *s, struct entry *e)
{
    bool after_blank = true;
    while (s->at < s->end && *s->at != '\n') {
        if (is_blank(*s->at)) {
            after_blank = true;
            s->at++;
            continue;
        }
        if (*s->at == '#' && after_blank)
            break;
        take_token(s, e);
        after_blank = false;
    }
    while (s->at < s->end && *s->at != '\n')
        s->at++;
    if (s->at < s->end) {
        s->at++;
        s->line++;
        s->line_begin = s->at;
    }
}

/* ---- entries */

static struct setting setting_of(const struct secrets *s, const struct token *kind, const struct token *value)
{
    return (struct setting){.name = "secret",
                            .written = kind->text,
                            .value = value->text,
                            .file = s->path,
                            .line = kind->line,
                            .column = kind->column,
                            .value_line = value->line,
                            .value_column = value->column};
}

/* %any owns it together with whoever else is named: it says nothing. */
static size_t read_owners(struct secrets *s, const struct token *v, size_t n, struct identity *owners)
{
    size_t n_owners = 0;
    for (size_t i = 0; i < n; i++) {
        const char *why = NULL, *text = v[i].text;
        if (!identity_parse(s->t->arena, text, &owners[n_owners], &why)) {
            warn(s, &v[i], why ? why : "not an identity");
            return SIZE_MAX;
        }
        n_owners += owners[n_owners].type != ID_ANY;
    }
    return n_owners;
}

static bool take_psk(struct secrets *s, const struct token *value, struct secret *out)
{
    if (value->is_quoted)
        *out = secret_copy(span_str(value->text));
    else if (strncasecmp(value->text, "0t", 2) == 0)
        *out = secret_copy(span_str(value->text + 2));
    else if (strncasecmp(value->text, "0x", 2) == 0) {
        char *plain = arena_strdup(s->t->arena, value->text), *to = plain;
        for (char *p = plain; *p; p++) {
            if (*p != '_')
                *to++ = *p;
        }
        *to = 0;
        return value_secret(plain, out);
    } else
        return value_secret(value->text, out);
    return true;
}

static void add_psk(struct secrets *s, const struct token *kind, const struct token *value,
                    const struct identity *owners, size_t n_owners)
{
    struct setting key = setting_of(s, kind, value);
    struct secret secret = {0};
    if (!take_psk(s, value, &secret)) {
        warn(s, value, "the encoding is broken");
        return;
    }
    if (secret.len == 0)
        warn(s, value, "an empty secret protects nothing");
    else
        build_add_secret(s->b, &key, &secret, owners, n_owners);
    secret_free(&secret);
}

static void add_ppk(struct secrets *s, const struct token *kind, const struct token *name,
                    const struct token *value, const struct identity *owners, size_t n_owners)
{
    struct setting key = setting_of(s, kind, value);
    struct identity id = {.type = ID_KEY_ID, .data = span_str(name->text)};
    build_add_ppk(s->b, &key, value->text, &id);
    struct ipsec_ppk *p = arena_alloc(s->t->arena, sizeof(*p));
    p->name = name->text;
    p->owners = arena_calloc(s->t->arena, n_owners, sizeof(*p->owners));
    for (size_t i = 0; i < n_owners; i++)
        p->owners[i] = owners[i];
    p->n_owners = n_owners;
    p->next = s->t->ppks;
    s->t->ppks = p;
}

static const char *passphrase_of(struct secrets *s, const struct token *t)
{
    if (t && strcmp(t->text, PROMPT) == 0) {
        warn(s, t, "nobody can be asked for the passphrase: write it here");
        return NULL;
    }
    return t ? t->text : "";
}

static void warn_of_file(struct secrets *s, const struct token *file, const struct diag *d)
{
    char text[1024];
    warn(s, file, diag_format(d, text, sizeof(text)));
}

static bool read_key_file(struct secrets *s, const struct token *file, struct span *data, const char **path)
{
    static const char *const folders[] = {"private", NULL};
    struct diag d = {0};
    if (build_read(s->b, file->text, folders, true, data, path, &d))
        return true;
    if (!diag_failed(&d))
        diag_set(&d, FAIL_CONFIG, "no such file: %.100s", file->text);
    warn_of_file(s, file, &d);
    return false;
}

static void add_key(struct secrets *s, const struct token *kind, const struct token *file,
                    const struct token *passphrase)
{
    struct setting key = setting_of(s, kind, file);
    const char *pass = passphrase_of(s, passphrase), *path = NULL;
    struct span data = {0};
    struct diag d = {0};
    if (file->text[0] == '{') {
        warn(s, file,
             "keys in braces are not read: put them into a file, or make a new one (ipsec newhostkey)");
        return;
    }
    if (!pass || !read_key_file(s, file, &data, &path))
        return;
    struct pkey *k = pkey_load_private(data, span_str(pass), &d);
    if (!k) {
        warn_of_file(s, file, &d);
        return;
    }
    build_add_key(s->b, pkey_ref(k), origin_of_setting(&key));
    build_note_key(s->b, k, path);
    pkey_unref(k);
}

static void add_container(struct secrets *s, const struct token *kind, const struct token *file,
                          const struct token *passphrase)
{
    struct setting key = setting_of(s, kind, file);
    const char *pass = passphrase_of(s, passphrase), *path = NULL;
    struct span data = {0};
    struct diag d = {0};
    struct pkcs12 p;
    if (!pass || !read_key_file(s, file, &data, &path))
        return;
    if (!pkcs12_load(data, span_str(pass), 0, &p, &d)) {
        warn_of_file(s, file, &d);
        return;
    }
    for (size_t i = 0; i < p.n_keys; i++)
        build_add_key(s->b, pkey_ref(p.keys[i]), origin_of_setting(&key));
    for (size_t i = 0; i < p.n_certs; i++)
        (cert_is_ca(p.certs[i]) ? build_add_ca : build_add_cert)(s->b, cert_ref(p.certs[i]));
    pkcs12_free(&p);
}

static void put(struct secrets *s, struct setting *to, const struct setting *key, const char *name,
                const char *value, size_t len)
{
    if (len)
        build_put(s->b, to, to, "", name, key, arena_strndup(s->t->arena, value, len));
}

/* "%smartcard1@opensc:45" */
static void add_pin(struct secrets *s, const struct token *kind, const struct token *card,
                    const struct token *pin)
{
    static const char prefix[] = "%smartcard";
    struct settings_tree *tree = s->b->tree;
    struct setting key = setting_of(s, kind, card),
                   *made = settings_add(tree, tree->root, "\001pins", 5, true);
    const char *name = arena_printf(s->t->arena, "pin-%s-%d", s->path, kind->line), *at = card->text;
    struct setting *to = made ? settings_add(tree, made, name, strlen(name), true) : NULL;
    const char *colon = strchr(at, ':'), *module = strchr(at, '@');
    if (strncmp(at, prefix, sizeof(prefix) - 1) != 0 || !colon || strcmp(pin->text, PROMPT) == 0 || !to) {
        warn(s, card, "a PIN is '%smartcard[slot[@module]]:keyid pin'");
        return;
    }
    at += sizeof(prefix) - 1;
    to->file = s->path;
    to->line = kind->line;
    to->column = kind->column;
    put(s, to, &key, "handle", colon + 1, strlen(colon + 1));
    put(s, to, &key, "slot", at, strcspn(at, "@:"));
    if (module && module < colon)
        put(s, to, &key, "module", module + 1, (size_t)(colon - module - 1));
    put(s, to, &key, "pin", pin->text, strlen(pin->text));
    build_token(s->b, to);
}

static bool is_kind(const struct token *t, const char *const *words)
{
    for (; *words; words++) {
        if (strcasecmp(t->text, *words) == 0)
            return true;
    }
    return false;
}

static void tell_later(struct secrets *s, const struct token *kind)
{
    if (s->t->told_later)
        return;
    s->t->told_later = true;
    log_line(GROUP_CFG, LOG_WARN, "%s:%d: secrets of %s wait until it is built", s->path, kind->line,
             kind->text);
}

static void take_kind(struct secrets *s, const struct entry *e, size_t colon, const struct identity *owners,
                      size_t n_owners)
{
    static const char *const keys[] = {"RSA", "ECDSA", "PKCS8", "P8", "PRIVATE", "BLISS", NULL};
    static const char *const later[] = {"EAP", "XAUTH", "NTLM", NULL};
    const struct token *kind = &e->v[colon + 1], *v = kind + 1;
    size_t n = e->n - colon - 2;
    struct token none = {.text = "any", .line = kind->line, .column = kind->column};
    if (n < 1)
        warn(s, kind, "nothing follows");
    else if (is_kind(kind, later))
        tell_later(s, kind);
    else if (strcasecmp(kind->text, "PSK") == 0)
        add_psk(s, kind, v, owners, n_owners);
    else if (strcasecmp(kind->text, "PPKS") == 0 && n >= 2)
        add_ppk(s, kind, &v[0], &v[1], owners, n_owners);
    else if (strcasecmp(kind->text, "PPK") == 0)
        add_ppk(s, kind, colon ? &e->v[0] : &none, v, owners, n_owners);
    else if (is_kind(kind, keys))
        add_key(s, kind, v, n > 1 ? &v[1] : NULL);
    else if (strcasecmp(kind->text, "P12") == 0 || strcasecmp(kind->text, "PKCS12") == 0)
        add_container(s, kind, v, n > 1 ? &v[1] : NULL);
    else if (strcasecmp(kind->text, "PIN") == 0 && n >= 2)
        add_pin(s, kind, &v[0], &v[1]);
    else
        warn(s, kind, "there is no such kind of secret");
}

/* "a b: PSK" has its colon at the end of a word. */
static void split_colon(struct secrets *s, struct entry *e)
{
    for (size_t i = 0; i < e->n; i++) {
        struct token *t = &e->v[i];
        size_t len = strlen(t->text);
        if (t->is_quoted || strcmp(t->text, ":") == 0)
            return;
        if (len < 2 || t->text[len - 1] != ':' || e->n == TOKENS_MAX)
            continue;
        for (size_t k = e->n++; k > i + 1; k--)
            e->v[k] = e->v[k - 1];
        e->v[i + 1] = (struct token){.text = ":", .line = t->line, .column = t->column};
        t->text = arena_strndup(s->t->arena, t->text, len - 1);
        return;
    }
}

static void take_include(struct secrets *s, const struct token *pattern)
{
    const char **paths = NULL, *slash = strrchr(s->path, '/'), *text = pattern->text;
    if (s->depth >= SETTINGS_MAX_INCLUDE) {
        warn(s, pattern, "includes are nested too deeply");
        return;
    }
    if (text[0] != '/' && slash)
        text = arena_printf(s->t->arena, "%.*s/%s", (int)(slash - s->path), s->path, text);
    size_t n = s->b->src->glob(s->b->src->ctx, s->t->arena, text, &paths);
    for (size_t i = 0; i < n; i++) {
        const struct secrets *o = s;
        while (o && strcmp(o->path, paths[i]) != 0)
            o = o->outer;
        if (o)
            warn(s, pattern, "the file includes itself");
        else
            read_secrets(s->t, paths[i], s);
    }
}

/* What is wrong with one entry costs that one. */
static void take_entry(struct secrets *s, struct entry *e)
{
    size_t n_errors = s->b->errs->n;
    struct identity owners[TOKENS_MAX];
    size_t colon = 0;
    if (e->is_bad || e->n == 0)
        return;
    if (strcmp(e->v[0].text, "include") == 0 && e->n == 2) {
        take_include(s, &e->v[1]);
        return;
    }
    split_colon(s, e);
    while (colon < e->n && (e->v[colon].is_quoted || strcmp(e->v[colon].text, ":") != 0))
        colon++;
    if (colon + 1 >= e->n) {
        warn(s, &e->v[0], "a ':' between blanks and a kind such as PSK are missing");
        return;
    }
    size_t n = read_owners(s, e->v, colon, owners);
    if (n != SIZE_MAX)
        take_kind(s, e, colon, owners, n);
    if (s->b->errs->n > n_errors)
        ipsec_log_errors(s->b, n_errors);
}

static void read_entries(struct secrets *s)
{
    while (s->at < s->end) {
        struct entry e = {.n = 0};
        take_line(s, &e);
        while (s->at < s->end &&
               (is_blank(*s->at) || (*s->at == '\n' && e.n == 0) || (*s->at == '#' && e.n == 0)))
            take_line(s, &e);
        take_entry(s, &e);
    }
}

static bool read_secrets(struct ipsec_tree *t, const char *path, const struct secrets *outer)
{
    struct span data = {0};
    struct diag d = {0};
    if (t->n_files++ >= SETTINGS_MAX_FILES)
        return true;
    if (!build_read_file(t->b, path, true, &data, &d)) {
        if (diag_failed(&d))
            errors_take(t->b->errs, &d, path, 1, 1);
        return diag_failed(&d);
    }
    t->n_bytes += data.len;
    if (t->n_bytes > SETTINGS_MAX_BYTES) {
        errors_add(t->b->errs, path, 1, 1, "the configuration is too large");
        return true;
    }
    const char *begin = (const char *)data.ptr;
    struct secrets s = {.t = t,
                        .b = t->b,
                        .path = arena_strdup(t->names, path),
                        .at = begin,
                        .end = begin + data.len,
                        .line_begin = begin,
                        .line = 1,
                        .depth = outer ? outer->depth + 1 : 0,
                        .outer = outer};
    if (data.len)
        read_entries(&s);
    return true;
}

bool ipsec_read_secrets(struct ipsec_tree *t, const char *path)
{
    return read_secrets(t, path, NULL);
}

static bool is_owned(const struct ipsec_conn *c, const struct ipsec_ppk *p)
{
    const struct setting *ids[] = {ipsec_end(c, true, "id"), ipsec_end(c, false, "id"),
                                   ipsec_end(c, true, ""), ipsec_end(c, false, "")};
    for (size_t i = 0; i < ARRAY_LEN(ids); i++) {
        struct identity id;
        const char *why;
        if (!ids[i] || !identity_parse(c->b->scratch, ids[i]->value, &id, &why))
            continue;
        for (size_t k = 0; k < p->n_owners; k++) {
            if (identity_equal(&p->owners[k], &id))
                return true;
        }
    }
    return false;
}

const char *ipsec_ppk_for(const struct ipsec_conn *c)
{
    const char *of_all = NULL;
    for (const struct ipsec_ppk *p = c->t->ppks; p; p = p->next) {
        if (p->n_owners && is_owned(c, p))
            return p->name;
        if (!p->n_owners)
            of_all = p->name;
    }
    return of_all;
}
