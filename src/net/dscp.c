/* SPDX-License-Identifier: Apache-2.0 */
/* DSCP values and their names: see dscp.h. */
#include "net/dscp.h"
#include "base/span.h"
#include "base/text.h"
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#define DSCP_BITS 6
#define SEPARATES ", \t"

/* The first name of a value is the one that is written. */
static const struct {
    const char *name;
    uint8_t value;
} names[] = {
    {"cs0",  0 },
    {"le",   1 },
    {"cs1",  8 },
    {"af11", 10},
    {"af12", 12},
    {"af13", 14},
    {"cs2",  16},
    {"af21", 18},
    {"af22", 20},
    {"af23", 22},
    {"cs3",  24},
    {"af31", 26},
    {"af32", 28},
    {"af33", 30},
    {"cs4",  32},
    {"af41", 34},
    {"af42", 36},
    {"af43", 38},
    {"cs5",  40},
    {"va",   44},
    {"ef",   46},
    {"cs6",  48},
    {"cs7",  56},
    {"df",   0 },
    {"be",   0 },
};

static bool parse_number(const char *word, size_t len, unsigned *value)
{
    char digits[8], *end;
    if (len >= sizeof(digits) || !strchr("0123456789", word[0]))
        return false;
    memcpy(digits, word, len);
    digits[len] = 0;
    /* no number up to 63 has six decimal digits */
    bool is_binary = len == DSCP_BITS && strspn(digits, "01") == len;
    bool is_hex = strncasecmp(digits, "0x", 2) == 0;
    unsigned long n = strtoul(digits, &end, is_binary ? 2 : is_hex ? 16 : 10);
    *value = (unsigned)n;
    return *end == 0 && n < 1u << DSCP_BITS && !(is_hex && len == 2);
}

static bool parse_value(const char *word, size_t len, unsigned *value)
{
    for (size_t i = 0; i < ARRAY_LEN(names); i++) {
        if (strlen(names[i].name) == len && strncasecmp(names[i].name, word, len) == 0) {
            *value = names[i].value;
            return true;
        }
    }
    return parse_number(word, len, value);
}

bool dscp_parse_set(const char *text, uint64_t *set, char *bad, size_t cap)
{
    *set = 0;
    bad[0] = 0;
    for (text += strspn(text, SEPARATES); *text; text += strspn(text, SEPARATES)) {
        size_t len = strcspn(text, SEPARATES);
        unsigned value;
        if (!parse_value(text, len, &value)) {
            size_t shown = len < cap ? len : cap - 1;
            memcpy(bad, text, shown);
            bad[shown] = 0;
            return false;
        }
        *set |= UINT64_C(1) << value;
        text += len;
    }
    return *set != 0;
}

const char *dscp_format_set(uint64_t set, char buf[DSCP_SET_TEXT])
{
    struct text t = {.buf = buf, .cap = DSCP_SET_TEXT};
    buf[0] = 0;
    for (unsigned value = 0; value < 1u << DSCP_BITS; value++) {
        size_t i = 0;
        if (!(set >> value & 1))
            continue;
        while (i < ARRAY_LEN(names) && names[i].value != value)
            i++;
        text_str(&t, t.len ? "," : "");
        if (i < ARRAY_LEN(names))
            text_str(&t, names[i].name);
        else
            text_printf(&t, "%u", value);
    }
    return buf;
}
