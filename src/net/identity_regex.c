/* SPDX-License-Identifier: Apache-2.0 */
/* Identities that a configuration gives as POSIX extended regular expressions, "fqdn:^(moon|sun)\.example$",
 * anchored at both ends. They are compared without case, as the identities themselves are; a distinguished
 * name by its text
 * ("C=CH, O=Keyway, CN=moon"). The expression is the operator's, what it is held against is a peer's and
 * bounded. */
#include "net/identity_regex.h"
#include <regex.h>

static bool compile(struct span pattern, regex_t *out)
{
    char text[ID_TEXT_MAX];
    if (pattern.len >= sizeof(text) || memchr(pattern.ptr, 0, pattern.len))
        return false;
    memcpy(text, pattern.ptr, pattern.len);
    text[pattern.len] = 0;
    return regcomp(out, text, REG_EXTENDED | REG_ICASE | REG_NOSUB) == 0;
}

bool identity_is_regex(const struct identity *id)
{
    bool has_regex = id->type == ID_FQDN || id->type == ID_RFC822_ADDR || id->type == ID_DER_ASN1_DN;
    return has_regex && id->data.len >= 2 && id->data.ptr[0] == '^' && id->data.ptr[id->data.len - 1] == '$';
}

bool identity_regex_valid(struct span pattern, const char **err)
{
    regex_t r;
    if (pattern.len < 2 || pattern.ptr[pattern.len - 1] != '$') {
        *err = "a regular expression has to end with $";
        return false;
    }
    if (!compile(pattern, &r)) {
        *err = "not a regular expression";
        return false;
    }
    regfree(&r);
    return true;
}

bool identity_regex_match(const struct identity *id, const struct identity *pattern)
{
    char text[ID_TEXT_MAX];
    regex_t r;
    bool is_name = id->type != ID_DER_ASN1_DN;
    if (id->type != pattern->type || !id->data.len)
        return false;
    if (is_name && (id->data.len >= sizeof(text) || memchr(id->data.ptr, 0, id->data.len)))
        return false;
    if (!is_name && !dn_valid(id->data))
        return false;
    if (is_name) {
        memcpy(text, id->data.ptr, id->data.len);
        text[id->data.len] = 0;
    } else if (strlen(dn_format(id->data, text, sizeof(text))) + 1 >= sizeof(text)) {
        return false; /* perhaps cut */
    }
    if (!compile(pattern->data, &r))
        return false;
    bool is_match = regexec(&r, text, 0, NULL, 0) == 0 && !strchr(text, '\n');
    regfree(&r);
    return is_match;
}
