/* SPDX-License-Identifier: Apache-2.0 */
/* See drive.h. What cannot be read ends the program: a scenario that is wrong must not look like a kernel
 * that refuses. */
#include "crypto/alg.h"
#include "drive.h"
#include <stdio.h>
#include <stdlib.h>

static void wrong(const char *name, const char *value)
{
    printf("wrong %s=%s\n", name, value);
    exit(2);
}

void words_split(struct words *w, char *line)
{
    char *rest = NULL;
    *w = (struct words){.verb = strtok_r(line, " \n", &rest)};
    for (char *t; (t = strtok_r(NULL, " \n", &rest)) && w->n < WORDS_MAX; w->n++) {
        char *eq = strchr(t, '=');
        if (!eq)
            wrong(t, "");
        *eq = '\0';
        w->name[w->n] = t;
        w->value[w->n] = eq + 1;
    }
}

const char *words_get(const struct words *w, const char *name)
{
    for (size_t i = 0; i < w->n; i++) {
        if (strcmp(w->name[i], name) == 0)
            return w->value[i];
    }
    return NULL;
}

uint64_t words_number(const struct words *w, const char *name)
{
    const char *v = words_get(w, name);
    return v ? strtoull(v, NULL, 0) : 0;
}

/* ADDRESS or ADDRESS,PORT */
static struct endpoint get_endpoint(const struct words *w, const char *name)
{
    struct endpoint e = {0};
    const char *v = words_get(w, name);
    char text[IP_TEXT_MAX];
    if (!v)
        return e;
    snprintf(text, sizeof(text), "%.*s", (int)strcspn(v, ","), v);
    if (!ip_parse(text, &e.ip))
        wrong(name, v);
    if (strchr(v, ','))
        e.port = (uint16_t)strtoul(strchr(v, ',') + 1, NULL, 10);
    return e;
}

static uint8_t get_ts(const struct words *w, const char *name, struct ts *out)
{
    char text[1024];
    char *rest = NULL;
    uint8_t n = 0;
    const char *err;
    snprintf(text, sizeof(text), "%s", words_get(w, name) ? words_get(w, name) : "");
    for (char *t = strtok_r(text, ",", &rest); t; t = strtok_r(NULL, ",", &rest)) {
        if (n == SA_MAX_TS || !ts_parse(t, &out[n++], &err))
            wrong(name, t);
    }
    return n;
}

static enum child_mode get_mode(const struct words *w)
{
    const char *v = words_get(w, "mode");
    for (enum child_mode m = MODE_TUNNEL; v && m <= MODE_REJECT; m++) {
        if (strcmp(child_mode_name(m), v) == 0)
            return m;
    }
    return MODE_TUNNEL;
}

/* VALUE/MASK */
static struct mark get_mark(const struct words *w, const char *name)
{
    const char *v = words_get(w, name);
    struct mark m = {0};
    if (!v)
        return m;
    m.value = (uint32_t)strtoul(v, NULL, 0);
    m.mask = strchr(v, '/') ? (uint32_t)strtoul(strchr(v, '/') + 1, NULL, 0) : UINT32_MAX;
    return m;
}

static void get_kernel(const struct words *w, struct kernel_options *k)
{
    static const char *const offloads[] = {[OFFLOAD_NO] = "no",
                                           [OFFLOAD_CRYPTO] = "crypto",
                                           [OFFLOAD_PACKET] = "packet",
                                           [OFFLOAD_AUTO] = "auto"};
    k->in.mark = k->out.mark = get_mark(w, "mark");
    k->in.set_mark = k->out.set_mark = get_mark(w, "set_mark");
    k->in.if_id = k->out.if_id = (uint32_t)words_number(w, "if_id");
    k->marks_inbound_sa = words_number(w, "mark_in_sa");
    snprintf(k->device, sizeof(k->device), "%s", words_get(w, "device") ? words_get(w, "device") : "");
    for (size_t i = 0; i < ARRAY_LEN(offloads); i++) {
        if (words_get(w, "offload") && strcmp(words_get(w, "offload"), offloads[i]) == 0)
            k->offload = (enum hw_offload)i;
    }
}

/* The same at both ends. */
static void fill_key(uint8_t *key, uint8_t *len, size_t n, uint32_t seed)
{
    *len = (uint8_t)n;
    for (size_t i = 0; i < n; i++)
        key[i] = (uint8_t)((seed = seed * 1103515245 + 12345) >> 16);
}

static void get_algorithms(const struct words *w, struct esp_sa *sa)
{
    sa->encr = (uint16_t)words_number(w, "encr");
    sa->key_bits = (uint16_t)words_number(w, "bits");
    sa->integ = (uint16_t)words_number(w, "integ");
    const struct alg *e = alg_find(TRANSFORM_ENCR, sa->encr), *i = alg_find(TRANSFORM_INTEG, sa->integ);
    size_t bits = sa->key_bits ? sa->key_bits : e ? e->key_bits[0] : 0;
    if (e && !sa->is_ah)
        fill_key(sa->encr_key, &sa->encr_key_len, bits / 8 + e->salt, sa->spi);
    if (i)
        fill_key(sa->integ_key, &sa->integ_key_len, i->key_len, sa->spi + 1);
}

void record_sa(const struct words *w, struct esp_sa *out)
{
    const char *dir = words_get(w, "dir"), *dscp = words_get(w, "dscp");
    *out = (struct esp_sa){.plane = PLANE_KERNEL,
                           .direction = dir && strcmp(dir, "out") == 0 ? SA_OUT : SA_IN,
                           .child_id = words_number(w, "child"),
                           .spi = (uint32_t)words_number(w, "spi"),
                           .reqid = (uint32_t)words_number(w, "reqid"),
                           .mode = get_mode(w),
                           .local = get_endpoint(w, "local"),
                           .remote = get_endpoint(w, "remote"),
                           .has_encap = words_number(w, "encap"),
                           .is_ah = words_number(w, "ah"),
                           .has_esn = words_number(w, "esn"),
                           .replay_window = (uint32_t)words_number(w, "window"),
                           .skip = words_number(w, "skip"),
                           .cpi = (uint16_t)words_number(w, "cpi"),
                           .tfc = (uint32_t)words_number(w, "tfc"),
                           .soft_bytes = words_number(w, "soft_bytes"),
                           .hard_bytes = words_number(w, "hard_bytes"),
                           .soft_packets = words_number(w, "soft_packets"),
                           .hard_packets = words_number(w, "hard_packets"),
                           .copies_df = !words_get(w, "df") || words_number(w, "df"),
                           .copies_ecn = !words_get(w, "ecn") || words_number(w, "ecn"),
                           .copy_dscp = dscp ? (enum copy_dscp)words_number(w, "dscp") : DSCP_OUT,
                           .connection = "drive",
                           .child = "drive"};
    out->n_local_ts = get_ts(w, "lts", out->local_ts);
    out->n_remote_ts = get_ts(w, "rts", out->remote_ts);
    get_kernel(w, &out->kernel);
    get_algorithms(w, out);
}

void record_policy(const struct words *w, struct esp_policy *out)
{
    const char *action = words_get(w, "action");
    *out = (struct esp_policy){.plane = PLANE_KERNEL,
                               .id = words_number(w, "id"),
                               .reqid = (uint32_t)words_number(w, "reqid"),
                               .priority = (uint32_t)words_number(w, "priority"),
                               .action = !action                          ? POLICY_PROTECT
                                         : strcmp(action, "discard") == 0 ? POLICY_DISCARD
                                                                          : POLICY_BYPASS,
                               .is_trap = words_number(w, "trap"),
                               .local = get_endpoint(w, "local").ip,
                               .remote = get_endpoint(w, "remote").ip,
                               .mode = get_mode(w),
                               .is_ah = words_number(w, "ah"),
                               .has_ipcomp = words_number(w, "comp")};
    out->n_local_ts = get_ts(w, "lts", out->local_ts);
    out->n_remote_ts = get_ts(w, "rts", out->remote_ts);
    get_kernel(w, &out->kernel);
}

void record_shunt(const struct words *w, struct shunt *out)
{
    *out =
        (struct shunt){.id = words_number(w, "id"), .mode = get_mode(w), .is_last = words_number(w, "last")};
    if (words_get(w, "from") && !prefix_parse(words_get(w, "from"), &out->local))
        wrong("from", words_get(w, "from"));
    if (!words_get(w, "to") || !prefix_parse(words_get(w, "to"), &out->remote))
        wrong("to", "");
}
