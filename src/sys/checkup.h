/* SPDX-License-Identifier: Apache-2.0 */
/* What of this machine a VPN gateway needs, looked at one by one, with what to do where it is not so: for
 * `keyway doctor` and `ipsec verify`. Nothing is changed. */
#pragma once

#include "conf/conf.h"
#include "sys/paths.h"

enum checkup_verdict { CHECKUP_OK, CHECKUP_NOTE, CHECKUP_WARNING, CHECKUP_FAILED };

struct checkup_item {
    const char *name;  /* for programs: "tun" */
    const char *label; /* for people: "The tunnel device" */
    enum checkup_verdict verdict;
    char what[400]; /* what was found; may be empty where it is fine */
    char try[300];  /* empty: nothing */
};

#define CHECKUP_ITEMS_MAX 32

struct checkup {
    struct checkup_item v[CHECKUP_ITEMS_MAX];
    size_t n;
};

struct checkup_input {
    const char *root; /* stands for / of /proc, /dev, /sys; "": that */
    const struct paths *paths;
    bool is_running; /* the daemon answers */
    int64_t now;     /* seconds since 1970 */
    /* What the configuration became, or NULL with the first of its n_errors errors. */
    const struct config *config;
    const struct diag *error;
    size_t n_errors;
};

void checkup_run(const struct checkup_input *in, struct checkup *out);
const char *checkup_verdict_name(enum checkup_verdict v); /* "ok", "note", "warning", "failed" */
/* The worst of them. */
enum checkup_verdict checkup_worst(const struct checkup *c);
