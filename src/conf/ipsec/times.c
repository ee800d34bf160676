/* SPDX-License-Identifier: Apache-2.0 */
/* Lifetimes: both dialects say when keys end, and by how much earlier they are replaced; swanctl.conf says
 * when they are replaced, and when they end. What is replaced at a random moment between is the same:
 * lifetime - rekeymargin * (1 + random part of rekeyfuzz). */
#include "base/time.h"
#include "conf/ipsec/ipsec.h"

static const char *seconds(struct ipsec_conn *c, int64_t usec)
{
    return arena_printf(c->b->scratch, "%lld", (long long)(usec / TIME_SECOND));
}

static int64_t time_of(const struct ipsec_conn *c, const char *key)
{
    const struct setting *s = ipsec_given(c, key);
    const struct schema_row *r = schema_find(SCOPE_IPSEC_CONN, key);
    const char *def = c->dialect == DIALECT_LIBRESWAN ? r->def_libreswan : r->def_strongswan;
    int64_t usec = 0;
    ipsec_time(s ? s->value : def, &usec);
    return usec;
}

static double fuzz_of(struct ipsec_conn *c)
{
    const struct setting *s = ipsec_given(c, "rekeyfuzz");
    char number[16];
    double percent = 100;
    size_t len = s ? strcspn(s->value, "%") : 0;
    if (!s)
        return 1;
    bool has_sign = s->value[len] || c->dialect == DIALECT_LIBRESWAN; /* strongSwan demands it */
    bool ok = len && len < sizeof(number) && has_sign && (!s->value[len] || !s->value[len + 1]);
    if (ok) {
        memcpy(number, s->value, len);
        number[len] = 0;
        ok = value_real(number, &percent) && percent <= 10000;
    }
    if (!ok)
        build_expected(build_error(c->b, s, "not a percentage"), s, "a number with % behind it");
    return ok ? percent / 100 : 1;
}

struct span_of_life {
    int64_t life, rekey, fuzz;
};

static struct span_of_life span_of_life(struct ipsec_conn *c, const char *key)
{
    struct span_of_life l = {.life = time_of(c, key)};
    int64_t margin = time_of(c, "rekeymargin");
    l.fuzz = (int64_t)((double)margin * fuzz_of(c));
    if (margin + l.fuzz >= l.life) { /* it would be replaced at once, again and again */
        if (ipsec_given(c, key) || ipsec_given(c, "rekeymargin"))
            ipsec_warn(c, ipsec_given(c, key),
                       "%s is not above rekeymargin and rekeyfuzz: a tenth of it is taken for them", key);
        margin = l.life / 10;
        l.fuzz = 0;
    }
    l.rekey = l.life - margin;
    return l;
}

static void put_ike(struct ipsec_conn *c)
{
    const struct setting *s = ipsec_given(c, "ikelifetime"), *rekey = ipsec_given(c, "rekey");
    const struct setting *reauth = ipsec_given(c, "reauth");
    struct span_of_life l = span_of_life(c, "ikelifetime");
    bool again = ipsec_says(c, "reauth", c->dialect == DIALECT_STRONGSWAN);
    if (!ipsec_says(c, "rekey", true)) {
        ipsec_put(c, "rekey_time", rekey, "0");
        return;
    }
    ipsec_put(c, again ? "reauth_time" : "rekey_time", s ? s : again ? reauth : NULL, seconds(c, l.rekey));
    ipsec_put(c, "over_time", s, seconds(c, l.life - l.rekey));
    ipsec_put(c, "rand_time", s, seconds(c, l.fuzz));
}

static void put_child(struct ipsec_conn *c)
{
    const struct setting *s = ipsec_given(c, "lifetime"), *rekey = ipsec_given(c, "rekey");
    struct span_of_life l = span_of_life(c, "lifetime");
    if (!ipsec_says(c, "rekey", true)) {
        ipsec_put(c, "children.*.rekey_time", rekey, "0");
        /* strongSwan's limits are then not told to anybody */
        ipsec_put(c, "children.*.life_time", rekey,
                  c->dialect == DIALECT_LIBRESWAN ? seconds(c, l.life) : "0");
        return;
    }
    ipsec_put(c, "children.*.rekey_time", s, seconds(c, l.rekey));
    ipsec_put(c, "children.*.life_time", s, seconds(c, l.life));
    ipsec_put(c, "children.*.rand_time", s, seconds(c, l.fuzz));
}

static void put_limit(struct ipsec_conn *c, const char *life_key, const char *margin_key, const char *unit)
{
    const struct setting *life = ipsec_given(c, life_key), *margin = ipsec_given(c, margin_key);
    uint64_t max = 0, less = 0;
    if (!life || !ipsec_bytes(life->value, &max) || max == 0 || !ipsec_says(c, "rekey", true))
        return;
    if (max >= UINT64_C(1) << 62)
        return; /* none */
    ipsec_put(c, arena_printf(c->b->scratch, "children.*.life_%s", unit), life,
              arena_printf(c->b->scratch, "%llu", (unsigned long long)max));
    bool has_margin = margin && ipsec_bytes(margin->value, &less) && less < max;
    if (has_margin || c->dialect == DIALECT_STRONGSWAN)
        ipsec_put(c, arena_printf(c->b->scratch, "children.*.rekey_%s", unit), has_margin ? margin : life,
                  arena_printf(c->b->scratch, "%llu", (unsigned long long)(max - less)));
}

void ipsec_put_times(struct ipsec_conn *c)
{
    put_ike(c);
    put_child(c);
    put_limit(c, "lifebytes", "marginbytes", "bytes");
    put_limit(c, "lifepackets", "marginpackets", "packets");
}
