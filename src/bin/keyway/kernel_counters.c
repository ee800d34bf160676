/* SPDX-License-Identifier: Apache-2.0 */
/* What several commands say of the kernel's data plane: its counters that moved since the daemon began, with
 * what each means, and how many children it carries. */
#include "bin/keyway/cli.h"
#include "sys/xfrm_stat.h"
#include <stdio.h>
#include <stdlib.h>

json_t *cli_kernel_counters(json_t *status)
{
    json_t *moved = json_object_get(json_object_get(status, "dataplane"), "kernel-counters");
    json_t *all = json_array(), *value;
    const char *name;
    json_object_foreach(moved, name, value)
    {
        const struct xfrm_counter *known = xfrm_counter_find(name);
        long long count = json_is_string(value) ? strtoll(json_string_value(value), NULL, 10) : 0;
        json_array_append_new(all, json_pack("{s:s,s:I,s:s,s:s}", "name", name, "count", (json_int_t)count,
                                             "meaning", known ? known->meaning : "", "advice",
                                             known ? known->advice : ""));
    }
    return all;
}

void cli_print_kernel_counters(json_t *counters)
{
    json_t *one;
    size_t i;
    if (json_array_size(counters))
        printf("\npackets that the kernel's IPsec refused since the daemon began:\n");
    json_array_foreach(counters, i, one)
    {
        printf("  %-24s %lld  %s\n", json_string_value(json_object_get(one, "name")),
               (long long)json_integer_value(json_object_get(one, "count")),
               json_string_value(json_object_get(one, "meaning")));
        printf("%*s %s\n", 28, "", json_string_value(json_object_get(one, "advice")));
    }
}

void cli_count_planes(struct vici_client *v, json_t *status, size_t counts[2])
{
    struct diag d = {0};
    json_t *sas = cli_list(v, "list-sas", "list-sa", &d), *row, *child;
    const char *kind = json_string_value(json_object_get(json_object_get(status, "dataplane"), "kind"));
    const char *all = kind && strcmp(kind, "kernel") == 0 ? kind : "user",
               *name; /* where a child says nothing */
    size_t i;
    json_array_foreach(sas, i, row)
    {
        json_object_foreach(json_object_get(json_object_get(row, "body"), "child-sas"), name, child)
        {
            const char *plane = json_string_value(json_object_get(child, "dataplane"));
            counts[strcmp(plane ? plane : all, "kernel") == 0 ? PLANE_KERNEL : PLANE_USER]++;
        }
    }
    json_decref(sas);
}
