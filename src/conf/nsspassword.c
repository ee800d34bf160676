/* SPDX-License-Identifier: Apache-2.0 */
/* See nsspassword.h. Blanks count, on both sides of the colon, as they do in NSS's own tools. */
#include "conf/nsspassword.h"
#include <string.h>

static bool begins_with(struct span s, const char *prefix)
{
    size_t len = strlen(prefix);
    return s.len >= len && !memcmp(s.ptr, prefix, len);
}

static bool is_of_store(struct span token)
{
    return span_equal(token, span_str(NSSPASSWORD_TOKEN)) || begins_with(token, "NSS FIPS 140-");
}

bool nsspassword_next(struct span *rest, struct span *token, struct span *password, bool *is_cut)
{
    *is_cut = false;
    while (rest->len) {
        const uint8_t *end = memchr(rest->ptr, '\n', rest->len);
        if (!end) {
            *is_cut = true;
            *rest = span_of(NULL, 0);
            return false;
        }
        struct span line = span_of(rest->ptr, (size_t)(end - rest->ptr));
        *rest = span_of(end + 1, rest->len - line.len - 1);
        const uint8_t *colon = line.len ? memchr(line.ptr, ':', line.len) : NULL;
        if (!colon)
            continue;
        *token = span_of(line.ptr, (size_t)(colon - line.ptr));
        *password = span_of(colon + 1, line.len - token->len - 1);
        if (password->len && is_of_store(*token))
            return true;
    }
    return false;
}
