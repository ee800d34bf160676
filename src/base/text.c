/* SPDX-License-Identifier: Apache-2.0 */
/* Bounded text, hex and base64 (RFC 4648): see text.h. */
#include "base/text.h"
#include <stdarg.h>
#include <stdio.h>

void text_printf(struct text *t, const char *fmt, ...)
{
    if (t->len + 1 >= t->cap)
        return;
    va_list ap;
    va_start(ap, fmt);
    int n = vsnprintf(t->buf + t->len, t->cap - t->len, fmt, ap);
    va_end(ap);
    if (n < 0)
        return;
    t->len = (size_t)n < t->cap - t->len ? t->len + (size_t)n : t->cap - 1;
}

void text_str(struct text *t, const char *s)
{
    text_printf(t, "%s", s);
}

void text_hex(struct text *t, struct span s)
{
    for (size_t i = 0; i < s.len; i++)
        text_printf(t, "%02x", s.ptr[i]);
}

void text_safe(struct text *t, struct span s)
{
    for (size_t i = 0; i < s.len; i++) {
        if (s.ptr[i] >= 0x20 && s.ptr[i] < 0x7f)
            text_printf(t, "%c", s.ptr[i]);
        else
            text_printf(t, "\\x%02x", s.ptr[i]);
    }
}

static int hex_digit(uint8_t c)
{
    if (c >= '0' && c <= '9')
        return c - '0';
    c |= 0x20;
    return c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
}

bool hex_decode(struct span hex, uint8_t *out, size_t cap, size_t *len)
{
    if (hex.len % 2 || hex.len / 2 > cap)
        return false;
    for (size_t i = 0; i < hex.len / 2; i++) {
        int hi = hex_digit(hex.ptr[2 * i]), lo = hex_digit(hex.ptr[2 * i + 1]);
        if (hi < 0 || lo < 0)
            return false;
        out[i] = (uint8_t)(hi << 4 | lo);
    }
    *len = hex.len / 2;
    return true;
}

void text_base64(struct text *t, struct span s)
{
    static const char digits[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    for (size_t i = 0; i < s.len; i += 3) {
        size_t n = s.len - i < 3 ? s.len - i : 3;
        uint32_t v =
            (uint32_t)s.ptr[i] << 16 | (n > 1 ? (uint32_t)s.ptr[i + 1] << 8 : 0) | (n > 2 ? s.ptr[i + 2] : 0);
        text_printf(t, "%c%c%c%c", digits[v >> 18], digits[v >> 12 & 63], n > 1 ? digits[v >> 6 & 63] : '=',
                    n > 2 ? digits[v & 63] : '=');
    }
}

static int base64_digit(uint8_t c)
{
    if (c >= 'A' && c <= 'Z')
        return c - 'A';
    if (c >= 'a' && c <= 'z')
        return c - 'a' + 26;
    if (c >= '0' && c <= '9')
        return c - '0' + 52;
    return c == '+' ? 62 : c == '/' ? 63 : -1;
}

bool base64_decode(struct span text, uint8_t *out, size_t cap, size_t *len)
{
    uint32_t acc = 0;
    unsigned bits = 0;
    size_t n = 0, pad = 0;
    for (size_t i = 0; i < text.len; i++) {
        uint8_t c = text.ptr[i];
        if (c == ' ' || c == '\t' || c == '\r' || c == '\n')
            continue;
        if (c == '=') {
            pad++;
            continue;
        }
        int v = base64_digit(c);
        if (v < 0 || pad)
            return false;
        acc = acc << 6 | (uint32_t)v;
        bits += 6;
        if (bits >= 8) {
            bits -= 8;
            if (n == cap)
                return false;
            out[n++] = (uint8_t)(acc >> bits);
        }
    }
    *len = n;
    return bits < 6 && pad <= 2;
}

void text_duration(struct text *t, int64_t seconds)
{
    static const struct {
        int64_t unit;
        const char *name;
    } units[] = {
        {86400, "day"   },
        {3600,  "hour"  },
        {60,    "minute"},
        {1,     "second"}
    };
    size_t i = 0;
    while (i < ARRAY_LEN(units) - 1 && seconds < 2 * units[i].unit)
        i++;
    long long n = seconds / units[i].unit;
    text_printf(t, "%lld %s%s", n, units[i].name, n == 1 ? "" : "s");
}
