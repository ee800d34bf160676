/* SPDX-License-Identifier: Apache-2.0 */
/* One SA or policy record on its way to the data plane: a deep copy whose keys are wiped when it is freed. */
#pragma once

#include "model/action.h"

struct dataplane_record {
    struct action action; /* points into this record */
    union {
        struct esp_sa sa;
        struct esp_policy policy;
    };
    char connection[64], child[64];
};

/* NULL when the action is none of the data plane's. */
struct dataplane_record *dataplane_record_new(const struct action *a);
void dataplane_record_free(struct dataplane_record *r);
