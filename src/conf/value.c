/* SPDX-License-Identifier: Apache-2.0 */
/* See value.h. Nothing here depends on a locale. */
#include "conf/value.h"
#include "base/text.h"
#include "base/time.h"
#include <strings.h>

bool value_bool(const char *text, bool *out)
{
    static const char *const yes[] = {"yes", "true", "enabled", "1"};
    static const char *const no[] = {"no", "false", "disabled", "0"};
    for (size_t i = 0; i < ARRAY_LEN(yes); i++) {
        if (strcasecmp(text, yes[i]) == 0 || strcasecmp(text, no[i]) == 0) {
            *out = strcasecmp(text, yes[i]) == 0;
            return true;
        }
    }
    return false;
}

static int digit(char c)
{
    return c >= '0' && c <= '9'   ? c - '0'
           : c >= 'a' && c <= 'f' ? c - 'a' + 10
           : c >= 'A' && c <= 'F' ? c - 'A' + 10
                                  : 99;
}

/* Digits at *s; moves past them. False without any, or past 2^64. */
static bool take_number(const char **s, uint64_t *out)
{
    unsigned base = 10;
    if ((*s)[0] == '0' && ((*s)[1] == 'x' || (*s)[1] == 'X')) {
        base = 16;
        *s += 2;
    }
    const char *from = *s;
    uint64_t v = 0;
    for (int d; (d = digit(**s)) < (int)base; (*s)++) {
        if (__builtin_mul_overflow(v, base, &v) || __builtin_add_overflow(v, (uint64_t)d, &v))
            return false;
    }
    *out = v;
    return *s != from;
}

bool value_number(const char *text, uint64_t *out)
{
    return take_number(&text, out) && *text == 0;
}

/* The factor of a one-letter unit at the end, or 0. */
static uint64_t unit_of(const char *s, const char *letters, const uint64_t *factors)
{
    if (!*s)
        return 1;
    const char *p = s[1] ? NULL : strchr(letters, s[0] | 0x20);
    return p ? factors[p - letters] : 0;
}

static const uint64_t time_factors[] = {1, 60, 3600, 86400};
#define TIME_MAX_SECONDS (UINT64_C(1) << 40)

bool value_time(const char *text, int64_t *usec)
{
    uint64_t v;
    if (!take_number(&text, &v))
        return false;
    uint64_t factor = unit_of(text, "smhd", time_factors);
    if (!factor || v > TIME_MAX_SECONDS / factor)
        return false;
    *usec = (int64_t)(v * factor) * TIME_SECOND;
    return true;
}

bool value_real(const char *text, double *out)
{
    double v = 0, scale = 0;
    size_t digits = 0;
    for (; *text; text++) {
        if (*text == '.' && scale == 0) {
            scale = 1;
            continue;
        }
        if (*text < '0' || *text > '9' || ++digits > 15)
            return false;
        v = v * 10 + (*text - '0');
        scale *= 10;
    }
    *out = scale > 0 ? v / scale : v;
    return digits > 0;
}

bool value_seconds(const char *text, int64_t *usec)
{
    double v;
    if (value_time(text, usec))
        return true;
    if (!value_real(text, &v) || v > (double)TIME_MAX_SECONDS)
        return false;
    *usec = (int64_t)(v * (double)TIME_SECOND);
    return true;
}

bool value_bytes(const char *text, uint64_t *out)
{
    static const uint64_t factors[] = {UINT64_C(1) << 10, UINT64_C(1) << 20, UINT64_C(1) << 30};
    uint64_t v;
    if (!take_number(&text, &v))
        return false;
    uint64_t factor = unit_of(text, "kmg", factors);
    return factor && !__builtin_mul_overflow(v, factor, out);
}

const char **value_list(struct arena *a, const char *text, size_t *n)
{
    size_t cap = 1;
    for (const char *p = text; *p; p++)
        cap += *p == ',';
    const char **v = arena_calloc(a, cap, sizeof(*v));
    *n = 0;
    for (const char *at = text;;) {
        at += strspn(at, " \t\n\r");
        size_t len = strcspn(at, ",");
        bool is_last = at[len] == 0;
        const char *next = at + len + !is_last;
        while (len && strchr(" \t\n\r", at[len - 1]))
            len--;
        if (len)
            v[(*n)++] = arena_strndup(a, at, len);
        if (is_last)
            return v;
        at = next;
    }
}

bool value_secret(const char *text, struct secret *out)
{
    size_t len = strlen(text), got = 0;
    bool is_hex = strncasecmp(text, "0x", 2) == 0, is_base64 = strncasecmp(text, "0s", 2) == 0;
    if (!is_hex && !is_base64) {
        *out = secret_copy(span_str(text));
        return true;
    }
    struct secret s = secret_new(len);
    struct span body = span_of(text + 2, len - 2);
    bool ok = is_hex ? hex_decode(body, s.ptr, s.len, &got) : base64_decode(body, s.ptr, s.len, &got);
    if (ok)
        *out = secret_copy(span_of(s.ptr, got));
    secret_free(&s);
    return ok;
}

bool value_blob(struct arena *a, const char *text, struct span *out, bool *ok)
{
    bool is_hex = strncasecmp(text, "0x", 2) == 0;
    if (!is_hex && strncasecmp(text, "0s", 2) != 0)
        return false;
    size_t len = strlen(text + 2), got = 0;
    uint8_t *buf = arena_alloc(a, len + 1);
    *ok = is_hex ? hex_decode(span_of(text + 2, len), buf, len, &got)
                 : base64_decode(span_of(text + 2, len), buf, len, &got);
    *out = span_of(buf, got);
    return true;
}

#define DISTANCE_MAX 40 /* longer words are nobody's typing error */

static unsigned min3(unsigned a, unsigned b, unsigned c)
{
    return a < b ? (a < c ? a : c) : (b < c ? b : c);
}

unsigned value_distance(const char *a, const char *b)
{
    size_t la = strlen(a), lb = strlen(b);
    if (la > DISTANCE_MAX || lb > DISTANCE_MAX)
        return DISTANCE_MAX;
    unsigned d[DISTANCE_MAX + 1][DISTANCE_MAX + 1];
    for (size_t i = 0; i <= la; i++) {
        for (size_t k = 0; k <= lb; k++) {
            if (i == 0 || k == 0) {
                d[i][k] = (unsigned)(i + k);
                continue;
            }
            d[i][k] = min3(d[i - 1][k] + 1, d[i][k - 1] + 1, d[i - 1][k - 1] + (a[i - 1] != b[k - 1]));
            bool is_swap = i > 1 && k > 1 && a[i - 1] == b[k - 2] && a[i - 2] == b[k - 1];
            if (is_swap && d[i - 2][k - 2] + 1 < d[i][k])
                d[i][k] = d[i - 2][k - 2] + 1;
        }
    }
    return d[la][lb];
}

int64_t value_in_unit(int64_t seconds, char *unit)
{
    static const struct {
        int64_t seconds;
        char letter;
    } units[] = {
        {86400, 'd'},
        {3600,  'h'},
        {60,    'm'},
        {1,     's'}
    };
    size_t u = seconds == 0 ? 3 : 0;
    while (seconds % units[u].seconds)
        u++;
    *unit = units[u].letter;
    return seconds / units[u].seconds;
}
