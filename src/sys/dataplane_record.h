/* SPDX-License-Identifier: Apache-2.0 */
/* What the control thread tells a worker: an SA or policy record, as a deep copy whose keys are wiped when it
 * is freed, or a path's MTU. */
#pragma once

#include "model/action.h"

struct dataplane_record {
    bool is_path_mtu;     /* peer and mtu; else action */
    struct action action; /* points into this record */
    union {
        struct esp_sa sa;
        struct esp_policy policy;
        struct {
            struct ip peer;
            uint32_t mtu;
        };
    };
    char connection[64], child[64];
};

/* NULL when the action is none of the data plane's. */
struct dataplane_record *dataplane_record_new(const struct action *a);
struct dataplane_record *dataplane_record_path_mtu(struct ip peer, uint32_t mtu);
void dataplane_record_free(struct dataplane_record *r);
