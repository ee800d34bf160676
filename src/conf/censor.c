/* SPDX-License-Identifier: Apache-2.0 */
/* See censor.h. */
#include "conf/censor.h"
#include "base/text.h"
#include "conf/errors.h"
#include <strings.h>

enum { WORD_LEN = 64, SECRET_MIN = 4 };

static void put(const struct conf_sink *sink, const char *from, size_t len)
{
    char piece[256];
    while (len) {
        size_t n = len < sizeof(piece) - 1 ? len : sizeof(piece) - 1;
        for (size_t i = 0; i < n; i++)
            piece[i] = from[i] ? from[i] : ' ';
        piece[n] = 0;
        sink->write(sink->ctx, piece);
        from += n;
        len -= n;
    }
}

/* ---- settings */

static bool is_of_name(char c)
{
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || strchr("_-.<>", c);
}

/* "secret", "ike.secret", "leftxauthpassword", "psk" */
static bool is_secret_key(const char *name, size_t len)
{
    static const char *const parts[] = {"secret", "psk", "passphrase", "password", "pin", "ppk", "key_data"};
    static const char *const fine[] = {"secretsfile", "ppk_id",       "ppk-ids",
                                       "ppk_ids",     "ppk_required", "pin_slot"};
    char word[WORD_LEN] = "";
    size_t n = 0;
    for (size_t i = 0; i < len; i++) {
        if (name[i] == '.')
            n = 0;
        else if (n + 1 < sizeof(word))
            word[n++] = name[i] >= 'A' && name[i] <= 'Z' ? (char)(name[i] | 0x20) : name[i];
        word[n] = 0;
    }
    for (size_t i = 0; i < ARRAY_LEN(fine); i++) {
        if (strcmp(word, fine[i]) == 0)
            return false;
    }
    for (size_t i = 0; i < ARRAY_LEN(parts); i++) {
        bool is_short = strlen(parts[i]) <= 3; /* as a whole word alone */
        if (is_short ? strcmp(word, parts[i]) == 0 : strstr(word, parts[i]) != NULL)
            return true;
    }
    return false;
}

/* Behind the value: a string may go over lines, a line may go on behind a '\'. */
static const char *skip_value(const char *p, const char *end)
{
    bool is_quoted = false;
    for (; p < end; p++) {
        if (*p == '\\' && p + 1 < end) {
            p++;
            continue;
        }
        if (*p == '"')
            is_quoted = !is_quoted;
        if (!is_quoted && (*p == '\n' || *p == '}'))
            break;
    }
    return p;
}

void censor_settings(struct span text, const struct conf_sink *sink)
{
    const char *p = (const char *)text.ptr, *end = p + text.len;
    while (text.len && p < end) {
        const char *word = p;
        while (p < end && *p && is_of_name(*p))
            p++;
        size_t len = (size_t)(p - word);
        put(sink, word, len);
        if (!len) {
            put(sink, p++, 1);
            continue;
        }
        const char *equals = p;
        while (equals < end && (*equals == ' ' || *equals == '\t'))
            equals++;
        if (equals == end || *equals != '=' || !is_secret_key(word, len))
            continue;
        put(sink, p, (size_t)(equals + 1 - p));
        sink->write(sink->ctx, " " CENSORED);
        p = skip_value(equals + 1, end);
    }
}

/* ---- ipsec.secrets */

static bool is_blank(char c)
{
    return c == ' ' || c == '\t' || c == '\r';
}

/* The colon that ends the owners, or NULL. */
static const char *find_colon(const char *p, const char *end)
{
    char quote = 0;
    for (const char *at = p; at < end; at++) {
        if (quote ? *at == quote : *at == '"' || *at == '\'')
            quote = quote ? 0 : *at;
        bool is_alone = (at == p || is_blank(at[-1]) || at + 1 == end || is_blank(at[1]));
        if (!quote && *at == ':' && is_alone)
            return at;
    }
    return NULL;
}

static void censor_entry(const char *p, const char *end, const struct conf_sink *sink)
{
    static const char *const kinds[] = {"PSK", "RSA",  "ECDSA", "PKCS8", "P8",   "P12",  "PIN",
                                        "EAP", "NTLM", "XAUTH", "PPK",   "PPKS", "BLISS"};
    const char *colon = find_colon(p, end);
    if ((size_t)(end - p) > 8 && strncmp(p, "include", 7) == 0 && is_blank(p[7])) {
        put(sink, p, (size_t)(end - p));
        return;
    }
    if (!colon) {
        sink->write(sink->ctx, CENSORED);
        return;
    }
    put(sink, p, (size_t)(colon + 1 - p));
    const char *kind = colon + 1;
    while (kind < end && is_blank(*kind))
        kind++;
    for (size_t i = 0; i < ARRAY_LEN(kinds); i++) {
        size_t len = strlen(kinds[i]);
        bool is_whole = (size_t)(end - kind) > len && is_blank(kind[len]);
        if (is_whole && strncasecmp(kind, kinds[i], len) == 0) {
            sink->write(sink->ctx, " ");
            put(sink, kind, len);
        }
    }
    sink->write(sink->ctx, " " CENSORED);
}

void censor_secrets(struct span text, const struct conf_sink *sink)
{
    const char *p = (const char *)text.ptr, *end = p + text.len;
    while (text.len && p < end) {
        const char *line_end = memchr(p, '\n', (size_t)(end - p));
        line_end = line_end ? line_end : end;
        /* what is indented goes on with a secret; comments may hold old ones */
        if (p < line_end && !is_blank(*p) && *p != '#' && *p != '}') {
            censor_entry(p, line_end, sink);
            sink->write(sink->ctx, "\n");
        }
        p = line_end < end ? line_end + 1 : end;
    }
}

/* ---- values */

static void replace(char *text, size_t len, const char *what, size_t what_len, bool has_case)
{
    for (size_t i = 0; what_len >= SECRET_MIN && i + what_len <= len; i++) {
        bool same =
            has_case ? memcmp(text + i, what, what_len) == 0 : strncasecmp(text + i, what, what_len) == 0;
        if (same)
            memset(text + i, '*', what_len);
    }
}

void censor_value(char *text, size_t len, struct span secret)
{
    char coded[2048] = "";
    struct text t = TEXT_ON(coded);
    if (secret.len < SECRET_MIN)
        return;
    replace(text, len, (const char *)secret.ptr, secret.len, true);
    text_hex(&t, secret);
    replace(text, len, coded, t.len, false);
    t = TEXT_ON(coded);
    text_base64(&t, secret);
    while (t.len && coded[t.len - 1] == '=')
        t.len--;
    replace(text, len, coded, t.len, true);
    secret_wipe(coded, sizeof(coded));
}
