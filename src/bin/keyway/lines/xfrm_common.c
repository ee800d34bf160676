/* SPDX-License-Identifier: Apache-2.0 */
/* What states and policies have in common: rows, selectors, lifetimes. */
#include "bin/keyway/lines/xfrm_impl.h"
#include <arpa/inet.h>
#include <inttypes.h>
#include <netdb.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

const char *row_text(json_t *row, const char *key)
{
    const char *s = json_string_value(json_object_get(row, key));
    return s ? s : "";
}

uint64_t row_number(json_t *row, const char *key)
{
    return strtoull(row_text(row, key), NULL, 10);
}

bool row_has(json_t *row, const char *key)
{
    return strcmp(row_text(row, key), "yes") == 0;
}

size_t row_selectors(json_t *row, const char *key, struct ts *out, size_t cap)
{
    const char *why;
    json_t *item;
    size_t i, n = 0;
    json_array_foreach(json_object_get(row, key), i, item)
    {
        const char *text = json_string_value(item);
        if (text && n < cap && ts_parse(text, &out[n], &why))
            n++;
    }
    return n;
}

json_t **rows_named(json_t *rows, const char *name, size_t *n)
{
    json_t **out = calloc(json_array_size(rows) + 1, sizeof(*out)), *row;
    size_t i;
    if (!out)
        abort();
    *n = 0;
    json_array_foreach(rows, i, row)
    {
        if (strcmp(row_text(row, "name"), name) == 0)
            out[(*n)++] = json_object_get(row, "body");
    }
    return out;
}

/* ---- selectors */

static void print_address(FILE *to, const char *key, const xfrm_address_t *a, unsigned bits, uint16_t family)
{
    char text[IP_TEXT_MAX];
    fprintf(to, "%s %s/%u ", key, ip_format(xfrm_ip(a, family), text), bits);
}

void print_selector(FILE *to, const struct xfrm_selector *s)
{
    const struct protoent *p = s->proto ? getprotobynumber(s->proto) : NULL;
    bool is_icmp = s->proto == PROTO_ICMP || s->proto == PROTO_ICMPV6;
    print_address(to, "src", &s->saddr, s->prefixlen_s, s->family);
    print_address(to, "dst", &s->daddr, s->prefixlen_d, s->family);
    if (p)
        fprintf(to, "proto %s ", p->p_name);
    else if (s->proto)
        fprintf(to, "proto %u ", s->proto);
    if (s->sport_mask)
        fprintf(to, "%s %u ", is_icmp ? "type" : "sport", ntohs(s->sport));
    if (s->dport_mask)
        fprintf(to, "%s %u ", is_icmp ? "code" : "dport", ntohs(s->dport));
}

/* ---- lifetimes */

static void print_limit(FILE *to, json_t *row, const char *what)
{
    static const char *const sides[] = {"soft", "hard"};
    char key[32];
    fputs("\t  limit:", to);
    for (size_t i = 0; i < 2; i++) {
        snprintf(key, sizeof(key), "%s-%s", sides[i], what);
        if (*row_text(row, key))
            fprintf(to, " %s %s(%s)", sides[i], row_text(row, key), what);
        else
            fprintf(to, " %s (INF)(%s)", sides[i], what);
        fputs(i ? "\n" : ",", to);
    }
}

static void print_time(FILE *to, json_t *row, const char *key)
{
    time_t at = (time_t)row_number(row, key);
    char text[40];
    struct tm tm;
    if (!at || !localtime_r(&at, &tm) || !strftime(text, sizeof(text), "%Y-%m-%d %H:%M:%S", &tm))
        snprintf(text, sizeof(text), "-");
    fputs(text, to);
}

void print_lifetime(FILE *to, json_t *row)
{
    fputs("\tlifetime config:\n", to);
    print_limit(to, row, "bytes");
    print_limit(to, row, "packets");
    fprintf(to, "\t  expire add: soft %" PRIu64 "(sec), hard %" PRIu64 "(sec)\n",
            row_number(row, "soft-seconds"), row_number(row, "hard-seconds"));
    fputs("\t  expire use: soft 0(sec), hard 0(sec)\n", to);
    fprintf(to, "\tlifetime current:\n\t  %" PRIu64 "(bytes), %" PRIu64 "(packets)\n",
            row_number(row, "bytes"), row_number(row, "packets"));
    fputs("\t  add ", to);
    print_time(to, row, "added-at");
    fputs(" use ", to);
    print_time(to, row, "used-at");
    fputc('\n', to);
}

/* ---- JSON */

json_t *row_json(json_t *row)
{
    static const char *const texts[] = {"ike", "child", "spi", "cpi", "dscp"};
    json_t *out = json_object(), *value;
    const char *key;
    json_object_foreach(row, key, value)
    {
        const char *s = json_string_value(value);
        char name[32];
        snprintf(name, sizeof(name), "%s", key);
        for (char *c = name; *c; c++)
            *c = *c == '-' ? '_' : *c;
        bool is_number = s && *s && strspn(s, "0123456789") == strlen(s);
        for (size_t i = 0; i < sizeof(texts) / sizeof(*texts); i++)
            is_number = is_number && strcmp(key, texts[i]) != 0;
        if (is_number)
            json_object_set_new(out, name, json_integer((json_int_t)strtoull(s, NULL, 10)));
        else if (s && strcmp(s, "yes") == 0)
            json_object_set_new(out, name, json_true());
        else
            json_object_set(out, name, value);
    }
    return out;
}
