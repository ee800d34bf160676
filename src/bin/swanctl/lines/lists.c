/* SPDX-License-Identifier: Apache-2.0 */
/* The shorter answers: policies, authorities, pools, algorithms, counters, statistics, versions, log lines.
 */
#include "bin/swanctl/lines/lines.h"
#include <stdlib.h>

/* A key by its way through sections, "ikesas.half-open"; nothing where there is none. */
static void print_at(FILE *to, struct span message, const char *way)
{
    char section[64];
    const char *dot;
    struct span body = message;
    while ((dot = strchr(way, '.'))) {
        snprintf(section, sizeof(section), "%.*s", (int)(dot - way), way);
        if (!part_section(body, section, &body))
            return;
        way = dot + 1;
    }
    part_print(to, body, way, "", 0);
}

/* Text with "{way}" where a value stands. */
static void print_filled(FILE *to, struct span message, const char *text)
{
    for (; *text; text++) {
        const char *end = *text == '{' ? strchr(text, '}') : NULL;
        char way[64];
        if (!end) {
            fputc(*text, to);
            continue;
        }
        snprintf(way, sizeof(way), "%.*s", (int)(end - text - 1), text + 1);
        print_at(to, message, way);
        text = end;
    }
}

/* ---- list-policies */

void lines_policies(FILE *to, struct span message)
{
    static const struct {
        const char *label, *key;
    } rows[] = {
        {"  local:  ", "local-ts" },
        {"  remote: ", "remote-ts"},
    };
    struct vici_reader r = vici_read(message);
    struct span name, policy, v;
    while (part_next_section(&r, &name, &policy)) {
        print_span(to, name);
        fputs(", ", to);
        part_print(to, policy, "mode", "(null)", 0);
        fputc('\n', to);
        if (part_text(policy, "label", &v))
            print_filled(to, policy, "  label:  {label}\n");
        for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
            fputs(rows[i].label, to);
            if (!part_print_list(to, policy, rows[i].key))
                fputs("(null)", to);
            fputc('\n', to);
        }
    }
}

/* ---- list-authorities: all its keys, in its order */

static void print_authority(FILE *to, struct span authority)
{
    struct vici_reader r = vici_read(authority);
    struct vici_element e;
    struct span list = {0};
    bool is_first = true;
    while (vici_next(&r, &e)) {
        if (e.kind == VICI_LIST_START) {
            list = e.name;
            is_first = true;
        }
        if (r.depth || (e.kind != VICI_KEY_VALUE && e.kind != VICI_LIST_ITEM) || !is_printable(e.value))
            continue;
        bool is_item = e.kind == VICI_LIST_ITEM, is_crls = is_item && span_equal(list, span_str("crl_uris"));
        fputs("  ", to);
        if (is_crls && !is_first) {
            fputs("           ", to);
        } else {
            print_span(to, is_item ? list : e.name);
            fputs(is_crls ? ":  " : ": ", to);
        }
        print_span(to, e.value);
        fputc('\n', to);
        is_first = false;
    }
}

void lines_authorities(FILE *to, struct span message)
{
    struct vici_reader r = vici_read(message);
    struct span name, authority;
    while (part_next_section(&r, &name, &authority)) {
        print_span(to, name);
        fputs(":\n", to);
        print_authority(to, authority);
    }
}

/* ---- get-pools */

static void print_lease(FILE *to, struct span lease)
{
    fputs("  ", to);
    part_print(to, lease, "address", "", -30);
    fputc(' ', to);
    part_print(to, lease, "status", "", -8);
    print_filled(to, lease, " '{identity}'\n");
}

/* "online / offline / size" in a column */
static void print_numbers(FILE *to, struct span pool)
{
    char *text = NULL;
    size_t len = 0;
    FILE *memory = open_memstream(&text, &len);
    if (!memory)
        abort();
    print_filled(memory, pool, "{online} / {offline} / {size}");
    fclose(memory);
    fprintf(to, "%16s\n", text);
    free(text);
}

void lines_pools(FILE *to, struct span message)
{
    struct vici_reader r = vici_read(message);
    struct span name, pool, leases, lease, index;
    while (part_next_section(&r, &name, &pool)) {
        fprintf(to, "%-20.*s ", (int)name.len, (const char *)name.ptr);
        part_print(to, pool, "base", "", -30);
        fputc(' ', to);
        print_numbers(to, pool);
        if (!part_section(pool, "leases", &leases))
            continue;
        struct vici_reader all = vici_read(leases);
        while (part_next_section(&all, &index, &lease))
            print_lease(to, lease);
    }
}

/* ---- get-algorithms, get-counters */

/* Each key of a section: before, name padded to width, between, value, behind. */
static void print_pairs(FILE *to, struct span section, int width, const char *between, const char *behind)
{
    struct vici_reader r = vici_read(section);
    struct vici_element e;
    while (vici_next(&r, &e)) {
        if (e.kind != VICI_KEY_VALUE || r.depth || !is_printable(e.value))
            continue;
        fprintf(to, "  %*.*s%s", width, (int)e.name.len, (const char *)e.name.ptr, between);
        print_span(to, e.value);
        fputs(behind, to);
    }
}

void lines_algorithms(FILE *to, struct span message)
{
    struct vici_reader r = vici_read(message);
    struct span kind, algorithms;
    while (part_next_section(&r, &kind, &algorithms)) {
        print_span(to, kind);
        fputs(":\n", to);
        print_pairs(to, algorithms, 0, "[", "]\n");
    }
}

void lines_counters(FILE *to, struct span message)
{
    struct span all, name, counters;
    if (!part_section(message, "counters", &all))
        return;
    struct vici_reader r = vici_read(all);
    while (part_next_section(&r, &name, &counters)) {
        print_span(to, name.len ? name : span_str("global"));
        fputs(":\n", to);
        print_pairs(to, counters, -22, ": ", "\n");
    }
}

/* ---- stats, version */

void lines_stats(FILE *to, struct span message)
{
    struct span v;
    print_filled(to, message,
                 "uptime: {uptime.running}, since {uptime.since}\n"
                 "worker threads: {workers.total} total, {workers.idle} idle, working: "
                 "{workers.active.critical}/{workers.active.high}/{workers.active.medium}/"
                 "{workers.active.low}\n"
                 "job queues: {queues.critical}/{queues.high}/{queues.medium}/{queues.low}\n"
                 "jobs scheduled: {scheduled}\n"
                 "IKE_SAs: {ikesas.total} total, {ikesas.half-open} half-open\n");
    if (part_section(message, "mem", &v))
        print_filled(to, message, "memory usage: {mem.total} bytes, {mem.allocs} allocations\n");
    if (part_section(message, "mallinfo", &v))
        print_filled(to, message,
                     "mallinfo: sbrk {mallinfo.sbrk}, mmap {mallinfo.mmap}, used {mallinfo.used}, "
                     "free {mallinfo.free}\n");
    struct vici_reader r = vici_read(message);
    struct vici_element e;
    bool is_plugins = false;
    fputs("loaded plugins:", to);
    while (vici_next(&r, &e)) {
        if (e.kind == VICI_LIST_START)
            is_plugins = r.depth == 0 && span_equal(e.name, span_str("plugins"));
        if (e.kind != VICI_LIST_ITEM || !is_plugins || !is_printable(e.value))
            continue;
        fputc(' ', to);
        print_span(to, e.value);
    }
    fputc('\n', to);
}

/* The first word is strongSwan's, whatever the daemon is called: scripts look for it. */
void lines_version(FILE *to, struct span message)
{
    print_filled(to, message, "strongSwan {version} {daemon} ({sysname}, {release}, {machine})\n");
}

/* ---- log lines */

void lines_control_log(FILE *to, struct span message)
{
    fputc('[', to);
    part_print(to, message, "group", "   ", 0);
    print_filled(to, message, "] {msg}\n");
}

/* Two digits for who said it, as log files have it. */
void lines_log(FILE *to, struct span message)
{
    struct span v;
    char thread[16] = "";
    if (!part_text(message, "msg", &v))
        return;
    vici_find_text(message, "thread", thread, sizeof(thread));
    fprintf(to, "%02d[", atoi(thread));
    part_print(to, message, "group", "   ", 0);
    print_filled(to, message, "] {msg}\n");
}
