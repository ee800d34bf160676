/* SPDX-License-Identifier: Apache-2.0 */
/* Log lines in the forms of their targets: see logformat.h. */
#include "sys/logformat.h"
#include <arpa/inet.h>
#include <string.h>

enum { PRIORITY_NOTICE = 5, PRIORITY_INFO = 6, PRIORITY_DEBUG = 7 }; /* [RFC5424#6.2.1] */

/* ---- the time */

static void put_time(struct text *t, const struct log_target *to, const struct timespec *at)
{
    char stamp[128];
    struct tm tm;
    localtime_r(&at->tv_sec, &tm);
#pragma GCC diagnostic push
#pragma GCC diagnostic ignored "-Wformat-nonliteral" /* the user's own format */
    stamp[strftime(stamp, sizeof(stamp), to->time_format, &tm)] = 0;
#pragma GCC diagnostic pop
    text_str(t, stamp);
    if (to->time_digits == 3)
        text_printf(t, ".%03ld", at->tv_nsec / 1000000);
    if (to->time_digits == 6)
        text_printf(t, ".%06ld", at->tv_nsec / 1000);
}

/* ---- lines */

static void put_charon(struct text *t, const struct log_target *to, const struct log_record *r)
{
    const struct log_entry *e = &r->e;
    text_printf(t, "%02u[%s", r->thread, log_group_name(e->group));
    if (to->has_level)
        text_printf(t, "%d", log_level_number(e->level));
    text_str(t, "] ");
    if (to->has_ike_name && e->ike_id)
        text_printf(t, "<%s%s%llu> ", e->ike_name ? e->ike_name : "", e->ike_name ? "|" : "",
                    (unsigned long long)e->ike_id);
    text_str(t, e->text);
}

/* Lines of debugging begin with a bar there. */
static void put_pluto(struct text *t, const struct log_record *r)
{
    const struct log_entry *e = &r->e;
    if (log_level_number(e->level) > 1)
        text_str(t, "| ");
    if (e->ike_name)
        text_printf(t, "\"%s\"", e->ike_name);
    if (e->ike_id)
        text_printf(t, "%s#%llu", e->ike_name ? " " : "", (unsigned long long)e->ike_id);
    if (e->ike_name || e->ike_id)
        text_str(t, ": ");
    text_str(t, e->text);
}

static void put_own(struct text *t, const struct log_record *r)
{
    const struct log_entry *e = &r->e;
    text_printf(t, "%-7s %s%s%s", log_level_name(e->level), e->ike_name ? e->ike_name : "",
                e->ike_name ? ": " : "", e->text);
}

/* ---- JSON */

static void put_json_text(struct text *t, const char *key, const char *value)
{
    text_printf(t, "\"%s\":\"", key);
    for (; *value; value++) {
        if (*value == '"' || *value == '\\')
            text_printf(t, "\\%c", *value);
        else if ((unsigned char)*value < 0x20)
            text_printf(t, "\\u%04x", (unsigned)(unsigned char)*value);
        else
            text_printf(t, "%c", *value);
    }
    text_str(t, "\"");
}

static void put_json(struct text *t, const struct log_target *to, const struct log_record *r)
{
    const struct log_entry *e = &r->e;
    char buf[160];
    struct text stamp = TEXT_ON(buf);
    text_str(t, "{");
    if (to->time_format) {
        put_time(&stamp, to, &r->time);
        put_json_text(t, "time", buf);
        text_str(t, ",");
    }
    text_printf(t, "\"thread\":%u,\"group\":\"%s\",\"level\":%d,", r->thread, log_group_name(e->group),
                log_level_number(e->level));
    if (to->has_ike_name && e->ike_id)
        text_printf(t, "\"ikesa-uniqueid\":\"%llu\",", (unsigned long long)e->ike_id);
    if (to->has_ike_name && e->ike_id && e->ike_name) {
        put_json_text(t, "ikesa-name", e->ike_name);
        text_str(t, ",");
    }
    put_json_text(t, "msg", e->text);
    text_str(t, "}");
}

void logformat_line(struct text *t, const struct log_target *to, const struct log_record *r)
{
    if (to->is_json) {
        put_json(t, to, r);
        text_str(t, "\n");
        return;
    }
    if (to->time_format) {
        put_time(t, to, &r->time);
        text_str(t, to->style == LOG_STYLE_PLUTO ? ": " : " ");
    }
    if (to->style == LOG_STYLE_PLUTO)
        put_pluto(t, r);
    else if (to->style == LOG_STYLE_OWN)
        put_own(t, r);
    else
        put_charon(t, to, r);
    text_str(t, "\n");
}

/* ---- datagrams */

static int priority_of(const struct log_target *to, const struct log_entry *e)
{
    static const int own[] = {3, 4, PRIORITY_NOTICE, PRIORITY_NOTICE, PRIORITY_INFO, PRIORITY_DEBUG};
    if (to->style == LOG_STYLE_OWN)
        return own[e->level];
    if (to->map_level < 0)
        return PRIORITY_INFO;
    int p = to->map_level + log_level_number(e->level);
    return p > PRIORITY_DEBUG ? PRIORITY_DEBUG : p;
}

void logformat_syslog(struct text *t, const struct log_target *to, const char *identifier,
                      const struct log_record *r)
{
    static const struct log_target time_of = {.time_format = "%b %e %H:%M:%S"};
    const struct log_entry *e = &r->e;
    text_printf(t, "<%d>", to->facility * 8 + priority_of(to, e));
    put_time(t, &time_of, &r->time);
    text_printf(t, " %s: ", identifier);
    if (to->style == LOG_STYLE_CHARON)
        put_charon(t, to, r);
    else
        text_printf(t, "%s%s%s", e->ike_name ? e->ike_name : "", e->ike_name ? ": " : "", e->text);
}

void logformat_journal(struct text *t, const struct log_record *r)
{
    static const int priorities[] = {3, 4, PRIORITY_NOTICE, PRIORITY_INFO, PRIORITY_DEBUG, PRIORITY_DEBUG};
    const struct log_entry *e = &r->e;
    text_printf(t, "MESSAGE=%s\nPRIORITY=%d\nGROUP=%s\nLEVEL=%d\nTHREAD=%u\n", e->text, priorities[e->level],
                log_group_name(e->group), log_level_number(e->level), r->thread);
    if (e->ike_id)
        text_printf(t, "IKE_SA_UNIQUE_ID=%llu\n", (unsigned long long)e->ike_id);
    if (e->ike_name)
        text_printf(t, "IKE_SA_NAME=%s\n", e->ike_name);
    text_str(t, "SYSLOG_IDENTIFIER=keywayd\n");
}

/* ---- addresses */

static bool is_address(const char *word, size_t len)
{
    char copy[INET6_ADDRSTRLEN + 1];
    uint8_t bytes[16];
    if (len >= sizeof(copy))
        return false;
    memcpy(copy, word, len);
    copy[len] = 0;
    return inet_pton(AF_INET, copy, bytes) == 1 || inet_pton(AF_INET6, copy, bytes) == 1;
}

/* The longest address that begins here: a port or the sentence's own punctuation may touch it. */
static size_t address_at(const char *p)
{
    size_t len = strspn(p, "0123456789abcdefABCDEF.:");
    if (len >= INET6_ADDRSTRLEN)
        len = INET6_ADDRSTRLEN;
    if (!memchr(p, '.', len) && !memchr(p, ':', len))
        return 0;
    while (len && !is_address(p, len))
        len--;
    return len;
}

void logformat_hide_addresses(char *line)
{
    static const char shown[] = "<ip>";
    for (char *p = line; *p; p++) {
        size_t len = address_at(p);
        if (len < sizeof(shown) - 1) /* "::1" tells nothing */
            continue;
        memcpy(p, shown, sizeof(shown) - 1);
        memmove(p + sizeof(shown) - 1, p + len, strlen(p + len) + 1);
        p += sizeof(shown) - 2;
    }
}
