/* SPDX-License-Identifier: Apache-2.0 */
/* auth = null (RFC 7619): who does not prove who it is is nobody, and who demands nothing of the peer's proof
 * must not seem to demand something. Such peers are asked from time to time whether they live, as nothing
 * else shows that one is gone (section 2.3). */
#include "base/time.h"
#include "conf/schema.h"

#define GUEST_DPD_DELAY (60 * TIME_SECOND)

static struct diag *error_at(struct builder *b, const struct connection *c, const char *key,
                             const struct auth_side *side, const char *what)
{
    const struct origin *o = origin_of(&side->origins, key);
    return errors_add(b->errs, o ? o->file : NULL, o ? o->line : 0, o ? o->column : 0, "connection '%s': %s",
                      c->name, what);
}

static void check_peer(struct builder *b, const struct connection *c)
{
    static const char *const demands[] = {"certs", "cacerts", "ca_id", "cert_policy", "groups"};
    const struct auth_side *s = &c->remote;
    if (s->id.type != ID_ANY && s->id.type != ID_NULL)
        diag_try(error_at(b, c, "id", s, "an identity that the peer does not prove means nothing"),
                 "leave remote.id away, or set another remote.auth than null");
    for (size_t i = 0; i < ARRAY_LEN(demands); i++) {
        if (origin_of(&s->origins, demands[i]))
            diag_try(error_at(b, c, demands[i], s, "a peer that does not prove who it is meets no demands"),
                     "leave remote.%s away, or set another remote.auth than null", demands[i]);
    }
}

static void check_nobody(struct builder *b, const struct connection *c, const struct auth_side *s)
{
    if (s->method != AUTH_NULL && s->id.type == ID_NULL)
        diag_expected(error_at(b, c, "id", s, "%null is who does not prove who it is"), "auth = null");
}

/* Half a proof would be taken for a whole one. */
static void check_rounds(struct builder *b, const struct connection *c, bool is_local)
{
    size_t n = connection_rounds(c, is_local);
    for (size_t i = 0; n > 1 && i < n; i++) {
        const struct auth_side *s = connection_round(c, is_local, i);
        check_nobody(b, c, s);
        if (s->method == AUTH_NULL)
            diag_try(error_at(b, c, "auth", s,
                              "a side with several rounds of authentication proves who it is in each"),
                     "leave that round away, or let this side have no other");
    }
}

void build_null_auth(struct builder *b, struct connection *c)
{
    check_rounds(b, c, true);
    check_rounds(b, c, false);
    if (!c->more_local.n)
        check_nobody(b, c, &c->local);
    if (!c->more_remote.n)
        check_nobody(b, c, &c->remote);
    if (c->local.method == AUTH_NULL && c->local.id.type == ID_ANY)
        c->local.id = (struct identity){.type = ID_NULL};
    if (c->remote.method != AUTH_NULL)
        return;
    check_peer(b, c);
    c->remote.id = (struct identity){.type = ID_NULL};
    if (!origin_of(&c->origins, "dpd_delay"))
        c->dpd_delay = GUEST_DPD_DELAY;
}
