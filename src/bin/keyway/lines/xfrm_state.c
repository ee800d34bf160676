/* SPDX-License-Identifier: Apache-2.0 */
/* `keyway xfrm state`: SAs as `ip xfrm state` prints the kernel's. An SA with IPComp is two states there, of
 * which that of ESP or AH is in transport mode, and so it is here. */
#include "bin/keyway/lines/xfrm_impl.h"
#include "crypto/sym.h"
#include "sys/xfrm_alg.h"
#include <arpa/inet.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#define LEGACY_WINDOW 32 /* packets that the old form of the window has */

struct state {
    json_t *row;
    bool is_out, has_stats;
    bool is_comp;   /* this one is the IPComp state */
    bool is_tunnel; /* as configured: whatever its selectors, their families may differ from the outer one */
    uint32_t window;
    bool has_long_window;
};

/* ---- the first lines */

static void print_id(FILE *to, const struct state *s, const char *proto, uint32_t spi, const char *mode)
{
    uint64_t reqid = row_number(s->row, "reqid");
    fprintf(to, "src %s dst %s\n", row_text(s->row, "src"), row_text(s->row, "dst"));
    if (s->has_stats)
        fprintf(to,
                "\tproto %s spi 0x%08" PRIx32 "(%" PRIu32 ") reqid %" PRIu64 "(0x%08" PRIx64 ") mode %s\n",
                proto, spi, spi, reqid, reqid, mode);
    else
        fprintf(to, "\tproto %s spi 0x%08" PRIx32 " reqid %" PRIu64 " mode %s\n", proto, spi, reqid, mode);
}

static void print_bits(FILE *to, unsigned value)
{
    char text[9] = "";
    for (int i = 0; i < 8; i++)
        text[i] = value >> (7 - i) & 1 ? '1' : '0';
    fprintf(to, " (0x%s)", text);
}

static void print_flags(FILE *to, const struct state *s)
{
    const struct {
        unsigned value;
        const char *name;
        bool holds;
    } rows[] = {
        {XFRM_STATE_NOECN,      "noecn",        !row_has(s->row, "copy-ecn")     },
        {XFRM_STATE_DECAP_DSCP, "decap-dscp",   row_has(s->row,  "dscp-to-inner")},
        {XFRM_STATE_NOPMTUDISC, "nopmtudisc",   !row_has(s->row, "copy-df")      },
        {XFRM_STATE_AF_UNSPEC,  "af-unspec",    s->is_tunnel   },
        {XFRM_STATE_ESN,                "esn", row_has(s->row,          "esn")                },
    };
    bool has_extra = s->has_stats && !row_has(s->row, "dscp-to-outer");
    unsigned all = 0;
    const char *between = "";
    fprintf(to, "\treplay-window %" PRIu32 " ", s->has_long_window ? 0 : s->window);
    if (s->has_stats)
        fputs("seq 0x00000000 ", to);
    for (size_t i = 0; i < sizeof(rows) / sizeof(*rows); i++)
        all |= rows[i].holds ? rows[i].value : 0;
    if (all || s->has_stats)
        fputs("flag ", to);
    for (size_t i = 0; i < sizeof(rows) / sizeof(*rows); i++) {
        if (!(all & rows[i].value))
            continue;
        fprintf(to, "%s%s", between, rows[i].name);
        between = " ";
    }
    if (has_extra)
        fputs("extra_flag dont-encap-dscp", to);
    if (s->has_stats)
        print_bits(to, all);
    fputc('\n', to);
}

/* ---- algorithms */

/* Its name of ours as the kernel has it. */
static const char *kernel_name(enum transform_type type, const struct alg *a)
{
    const struct xfrm_alg *x = a ? xfrm_alg_find(type, a->id) : NULL;
    return x && x->name ? x->name : a ? a->name : "";
}

static const struct alg *alg_named(enum transform_type type, const char *name)
{
    const struct alg *a;
    for (size_t i = 0; (a = alg_at(i)); i++) {
        if (a->type == type && strcmp(a->name, name) == 0)
            return a;
    }
    return NULL;
}

static void print_alg(FILE *to, const struct state *s, const char *kind, const char *name, size_t key_len,
                      uint64_t icv_bits)
{
    fprintf(to, "\t%s %s ", kind, name);
    if (key_len)
        fputs(XFRM_HIDDEN, to);
    if (key_len && s->has_stats)
        fprintf(to, " (%zu bits)", 8 * key_len);
    if (icv_bits)
        fprintf(to, " %" PRIu64, icv_bits);
    fputc('\n', to);
}

static void print_algs(FILE *to, const struct state *s)
{
    const struct alg *encr = alg_named(TRANSFORM_ENCR, row_text(s->row, "encr-alg"));
    const struct alg *integ = alg_named(TRANSFORM_INTEG, row_text(s->row, "integ-alg"));
    size_t len = encr ? sym_key_len(encr, (uint16_t)row_number(s->row, "encr-keysize")) : 0;
    uint64_t icv = row_number(s->row, "icv-bits");
    if (integ)
        print_alg(to, s, "auth-trunc", kernel_name(TRANSFORM_INTEG, integ), integ->key_len, icv);
    if (encr)
        print_alg(to, s, encr->is_aead ? "aead" : "enc", kernel_name(TRANSFORM_ENCR, encr), len,
                  encr->is_aead ? icv : 0);
}

static void print_encap(FILE *to, const struct state *s)
{
    const char *kind = row_text(s->row, "encap");
    if (*kind)
        fprintf(to, "\tencap type %s sport %s dport %s addr %s\n",
                strcmp(kind, "tcp") == 0 ? "espintcp" : "espinudp", row_text(s->row, "sport"),
                row_text(s->row, "dport"), strchr(row_text(s->row, "src"), ':') ? "::" : "0.0.0.0");
}

/* ---- numbers and windows */

/* An array of words; NULL for an SA that sends. */
static uint32_t word_at(json_t *words, size_t i)
{
    const char *text = json_string_value(json_array_get(words, i));
    return text ? (uint32_t)strtoul(text, NULL, 16) : 0;
}

/* Bit 0 stands for the newest number in this form, for the first of each round in ours. */
static uint32_t legacy_bitmap(const struct state *s, uint64_t seq)
{
    uint32_t word = word_at(json_object_get(s->row, "seen"), 0), out = 0;
    for (uint32_t i = 0; i < s->window && i < seq; i++)
        out |= (word >> ((seq - 1 - i) % s->window) & 1) << i;
    return out;
}

static void print_window(FILE *to, const struct state *s)
{
    json_t *words = json_object_get(s->row, "seen");
    uint64_t seq = s->is_comp ? 0 : row_number(s->row, "seq"), in = s->is_out ? 0 : seq,
             out = s->is_out ? seq : 0;
    if (!s->has_long_window) {
        fprintf(to, "\tanti-replay context: seq 0x%" PRIx32 ", oseq 0x%" PRIx32 ", bitmap 0x%08" PRIx32 "\n",
                (uint32_t)in, (uint32_t)out, s->is_comp || !s->window ? 0 : legacy_bitmap(s, in));
        return;
    }
    size_t n = (s->window + 31) / 32;
    fprintf(to,
            "\tanti-replay esn context:\n\t seq-hi 0x%" PRIx32 ", seq 0x%" PRIx32 ", oseq-hi 0x%" PRIx32
            ", oseq 0x%" PRIx32 "\n",
            (uint32_t)(in >> 32), (uint32_t)in, (uint32_t)(out >> 32), (uint32_t)out);
    fprintf(to, "\t replay_window %" PRIu32 ", bitmap-length %zu", s->window, n);
    for (size_t i = 0; i < n; i++)
        fprintf(to, "%s%08" PRIx32 " ", i % 8 ? "" : "\n\t ", word_at(words, i));
    fputc('\n', to);
}

/* ---- selectors: where all that an SA carries has one family */

static void print_selectors(FILE *to, const struct state *s)
{
    struct ts local[SELECTORS_MAX], remote[SELECTORS_MAX];
    struct esp_sa sa = {.direction = s->is_out ? SA_OUT : SA_IN,
                        .mode = MODE_TRANSPORT}; /* as BEET: no tunnel */
    if (s->is_tunnel)
        return;
    size_t nl = row_selectors(s->row, "local-ts", local, SELECTORS_MAX);
    size_t nr = row_selectors(s->row, "remote-ts", remote, SELECTORS_MAX);
    sa.n_local_ts = (uint8_t)(nl < SA_MAX_TS ? nl : SA_MAX_TS);
    sa.n_remote_ts = (uint8_t)(nr < SA_MAX_TS ? nr : SA_MAX_TS);
    memcpy(sa.local_ts, local, sa.n_local_ts * sizeof(*local));
    memcpy(sa.remote_ts, remote, sa.n_remote_ts * sizeof(*remote));
    struct xfrm_selector sel = xfrm_selector_of_sa(&sa);
    fputs("\tsel ", to);
    print_selector(to, &sel);
    fputs(s->has_stats ? "uid 0\n" : "\n", to);
}

static void print_rest(FILE *to, const struct state *s)
{
    print_window(to, s);
    print_selectors(to, s);
    if (!s->has_stats)
        return;
    print_lifetime(to, s->row);
    fprintf(to, "\tstats:\n\t  replay-window 0 replay %" PRIu64 " failed %" PRIu64 "\n",
            row_number(s->row, "replayed"), row_number(s->row, "wrong-icv"));
}

static void print_comp(FILE *to, struct state s)
{
    uint32_t cpi = (uint32_t)strtoul(row_text(s.row, "cpi"), NULL, 16);
    s.is_comp = true;
    s.window = 0;
    s.has_long_window = false;
    print_id(to, &s, "comp", cpi, row_text(s.row, "mode"));
    print_flags(to, &s);
    fputs("\tcomp deflate \n", to);
    print_rest(to, &s);
}

static void print_state(FILE *to, json_t *row, bool has_stats)
{
    struct state s = {.row = row,
                      .is_out = strcmp(row_text(row, "direction"), "out") == 0,
                      .has_stats = has_stats,
                      .is_tunnel = strcmp(row_text(row, "mode"), "tunnel") == 0,
                      .window = (uint32_t)row_number(row, "replay-window")};
    bool has_comp = *row_text(row, "cpi") != 0;
    s.has_long_window = row_has(row, "esn") || s.window > LEGACY_WINDOW;
    print_id(to, &s, row_text(row, "protocol"), (uint32_t)strtoul(row_text(row, "spi"), NULL, 16),
             has_comp ? "transport" : row_text(row, "mode"));
    print_flags(to, &s);
    print_algs(to, &s);
    print_encap(to, &s);
    print_rest(to, &s);
    if (has_comp)
        print_comp(to, s);
}

void xfrm_print_states(FILE *to, json_t *rows, bool has_stats)
{
    size_t n;
    json_t **states = rows_named(rows, "state", &n);
    for (size_t i = 0; i < n; i++)
        print_state(to, states[i], has_stats);
    free(states);
}

json_t *xfrm_states_json(json_t *rows)
{
    size_t n;
    json_t **states = rows_named(rows, "state", &n), *all = json_array();
    for (size_t i = 0; i < n; i++)
        json_array_append_new(all, row_json(states[i]));
    free(states);
    return json_pack("{s:o}", "states", all);
}
