/* SPDX-License-Identifier: Apache-2.0 */
/* One section of connections {} to a struct connection: its sides, its children, the defaults that depend on
 * other values, and the checks that need more than one key. */
#include "base/log.h"
#include "base/time.h"
#include "conf/schema.h"
#include "conf/value.h"

#define UNSET      (-1) /* times */
#define UNSET_SIZE UINT64_MAX

static bool starts_with(const char *s, const char *prefix)
{
    return strncmp(s, prefix, strlen(prefix)) == 0;
}

/* ---- local and remote ---- */

/* outer: where the connection notes what was set in its first round, or NULL. */
/* Whose keys DNS is asked for has to be said, and be something that DNS has. */
static void check_dns(struct builder *b, const struct auth_side *side, const struct setting *section)
{
    const struct setting *key = section ? settings_key(b->tree, section, "pubkeys") : NULL;
    const enum id_type type = side->id.type;
    if (!side->asks_dns || !key || (type == ID_ANY && origin_of(&side->origins, "id")) || type == ID_FQDN ||
        type == ID_IPV4_ADDR || type == ID_IPV6_ADDR)
        return;
    struct diag *d = build_error(b, key, "whose public key is DNS to be asked for?");
    diag_expected(d, "an id of this peer's that is a host's name or an address");
    diag_got(d, "%s", type == ID_ANY ? "none" : identity_type_name(type));
}

static void build_side(struct builder *b, struct auth_side *side, const struct setting *section,
                       bool is_local, struct origin_list *outer)
{
    static const char *const known[] = {"cert", "cacert", NULL};
    struct origin_list own = {0};
    const char *prefix = is_local ? "local." : "remote.";
    schema_apply(b, is_local ? SCOPE_LOCAL : SCOPE_REMOTE, section, side, &own, outer, prefix);
    for (const struct setting *s = section ? section->first : NULL; s; s = s->next) {
        if (!s->is_section)
            continue;
        if (starts_with(s->name, "cert")) {
            schema_apply(b, SCOPE_CERT, s, side, NULL, NULL, NULL);
            build_token_cert(b, s, side);
        } else if (starts_with(s->name, "cacert") && !is_local)
            schema_apply(b, SCOPE_CACERT, s, side, NULL, NULL, NULL);
        else
            schema_unknown_section(b, s, known);
    }
    side->origins = (struct origins){own.v, own.n};
    build_settle_id(side);
    check_dns(b, side, section);
    for (size_t i = 0; i < side->certs.n; i++)
        build_add_cert(b, cert_ref(side->certs.v[i]));
}

/* What is not a number counts as 0, and is an error when the section is built. */
static uint64_t round_of(struct builder *b, const struct setting *section)
{
    uint64_t n = 0;
    const struct setting *key = settings_key(b->tree, section, "round");
    return key && key->value && value_number(key->value, &n) ? n : 0;
}

/* The sections whose names begin so, each a round of authentication, by "round" and then as they stand. */
static size_t side_sections(struct builder *b, const struct setting *section, const char *prefix,
                            const struct setting *v[AUTH_ROUNDS_MAX])
{
    uint64_t rounds[AUTH_ROUNDS_MAX];
    size_t n = 0;
    for (const struct setting *s = section->first; s; s = s->next) {
        if (!s->is_section || !starts_with(s->name, prefix))
            continue;
        if (n == AUTH_ROUNDS_MAX) {
            struct diag *d = errors_add(b->errs, s->file, s->line, s->column,
                                        "'%s' is one round of authentication too many", s->written);
            diag_expected(d, "%d or fewer %s sections", AUTH_ROUNDS_MAX, prefix);
            break;
        }
        uint64_t round = round_of(b, s);
        size_t at = n++;
        for (; at && rounds[at - 1] > round; at--) {
            rounds[at] = rounds[at - 1];
            v[at] = v[at - 1];
        }
        rounds[at] = round;
        v[at] = s;
    }
    return n;
}

static void build_sides(struct builder *b, struct connection *c, const struct setting *section, bool is_local)
{
    const struct setting *v[AUTH_ROUNDS_MAX] = {NULL};
    size_t n = side_sections(b, section, is_local ? "local" : "remote", v);
    struct origin_list outer = {(struct origin *)c->origins.v, c->origins.n, c->origins.n};
    build_side(b, is_local ? &c->local : &c->remote, v[0], is_local, &outer);
    c->origins = (struct origins){outer.v, outer.n};
    if (n < 2)
        return;
    struct auth_side *more = arena_calloc(b->a, n - 1, sizeof(*more));
    for (size_t i = 1; i < n; i++)
        build_side(b, &more[i - 1], v[i], is_local, NULL);
    *(is_local ? &c->more_local : &c->more_remote) = (struct auth_sides){more, n - 1};
}

/* ---- children ---- */

static void finish_limit(uint64_t *rekey, uint64_t *life, uint64_t *margin)
{
    if (*rekey == UNSET_SIZE)
        *rekey = *life == UNSET_SIZE ? 0 : *life - *life / 11;
    if (*life == UNSET_SIZE)
        *life = *rekey + *rekey / 10;
    if (*margin == UNSET_SIZE)
        *margin = *life > *rekey && *rekey ? *life - *rekey : 0;
}

/* As the reference has it: life is rekey and a tenth, the margin what lies between. */
static void finish_lifetime(struct lifetime *l, const char *name)
{
    if (l->rekey_time == UNSET)
        l->rekey_time = l->life_time == UNSET ? 3600 * TIME_SECOND : l->life_time - l->life_time / 11;
    if (l->life_time == UNSET)
        l->life_time = l->rekey_time + l->rekey_time / 10;
    if (l->rand_time == UNSET)
        l->rand_time = l->life_time > l->rekey_time && l->rekey_time ? l->life_time - l->rekey_time : 0;
    if (l->life_time && l->rekey_time >= l->life_time)
        log_line(GROUP_CFG, LOG_WARN,
                 "child %s: it expires before it is rekeyed (life_time is not above rekey_time)", name);
    finish_limit(&l->rekey_bytes, &l->life_bytes, &l->rand_bytes);
    finish_limit(&l->rekey_packets, &l->life_packets, &l->rand_packets);
}

/* AH stands in for the defaults of ESP, and before proposals of ESP that were written. */
static void finish_proposals(struct builder *b, struct child_config *c)
{
    struct proposal_list ah = c->ah_proposals, esp = c->proposals;
    if (!ah.n)
        return;
    if (!origin_of(&c->origins, "esp_proposals"))
        esp.n = 0;
    const struct origin *o = origin_of(&c->origins, "ah_proposals");
    if (ah.n + esp.n > PROPOSAL_MAX && o)
        errors_add(b->errs, o->file, o->line, o->column,
                   "child '%s' has more than %d proposals of AH and ESP", c->name, PROPOSAL_MAX);
    struct proposal *v = arena_calloc(b->a, ah.n + esp.n, sizeof(*v));
    memcpy(v, ah.v, ah.n * sizeof(*v));
    if (esp.n)
        memcpy(v + ah.n, esp.v, esp.n * sizeof(*v));
    c->proposals = (struct proposal_list){v, ah.n + esp.n};
}

/* [RFC9347#6.1] it is a payload of ESP, which pads by itself. */
static void check_iptfs(struct builder *b, const struct child_config *c, const struct setting *section)
{
    const struct {
        const char *key;
        bool is_asked;
    } others[] = {
        {"ipcomp",       c->has_ipcomp         },
        {"tfc_padding",  c->tfc_padding != 0   },
        {"ah_proposals", c->ah_proposals.n != 0},
    };
    for (size_t i = 0; i < ARRAY_LEN(others); i++) {
        const struct origin *o = origin_of(&c->origins, others[i].key);
        if (!others[i].is_asked)
            continue;
        struct diag *d = errors_add(b->errs, o ? o->file : section->file, o ? o->line : section->line,
                                    o ? o->column : section->column,
                                    "child '%s' has mode = iptfs and %s, which is not for that mode", c->name,
                                    others[i].key);
        diag_expected(d, "one of the two");
        diag_try(d, "remove %s, or say mode = tunnel", others[i].key);
    }
}

/* The lengths of compressed packets tell of what is in them: padding them hides nothing that compression does
 * not show. Linux does not do both either. */
static void check_dress(struct builder *b, const struct child_config *c, const struct setting *section)
{
    if (c->mode == MODE_IPTFS)
        check_iptfs(b, c, section);
    if (!c->has_ipcomp || !c->tfc_padding)
        return;
    const struct origin *o = origin_of(&c->origins, "tfc_padding");
    struct diag *d = errors_add(
        b->errs, o ? o->file : section->file, o ? o->line : section->line, o ? o->column : section->column,
        "child '%s' has ipcomp and tfc_padding, which contradict each other", c->name);
    diag_expected(d, "one of the two");
    diag_try(d, "remove ipcomp to hide the lengths of packets, or tfc_padding to make packets small");
}

/* Who asks for a virtual address and for everything behind it takes what it gets; but a tunnel that says so
 * itself means it. */
static bool lets_peer_decide(const struct builder *b, const struct connection *conn,
                             const struct child_config *c)
{
    bool is_all = false, is_said = b->is_tunnel && origin_of(&c->origins, "remote_ts");
    for (size_t i = 0; i < c->n_remote_ts; i++) {
        struct prefix p;
        is_all |= !c->remote_ts[i].is_dynamic && ts_to_prefix(&c->remote_ts[i], &p) && p.bits == 0;
    }
    return conn->n_vips && is_all && !is_said;
}

static void build_child(struct builder *b, const struct connection *conn, const struct setting *section,
                        struct child_config *c)
{
    static const char *const known[] = {NULL};
    struct origin_list own = {0};
    c->name = arena_strdup(b->a, section->name);
    c->replay_window = b->config->settings.replay_window;
    c->kernel.iptfs = b->config->settings.iptfs;
    c->life = (struct lifetime){UNSET,      UNSET,      UNSET,      UNSET_SIZE, UNSET_SIZE,
                                UNSET_SIZE, UNSET_SIZE, UNSET_SIZE, UNSET_SIZE};
    schema_apply(b, SCOPE_CHILD, section, c, &own, NULL, NULL);
    c->origins = (struct origins){own.v, own.n};
    finish_lifetime(&c->life, c->name);
    check_dress(b, c, section);
    finish_proposals(b, c);
    build_finish_kernel(b, conn, c, section);
    c->peer_decides = lets_peer_decide(b, conn, c);
    for (const struct setting *s = section->first; s; s = s->next) {
        if (s->is_section)
            schema_unknown_section(b, s, known);
    }
    c->hash = child_config_hash(c);
}

static void build_children(struct builder *b, struct connection *c, const struct setting *section)
{
    size_t n = 0;
    for (const struct setting *s = section ? section->first : NULL; s; s = s->next) {
        if (s->is_section)
            n++;
        else
            errors_add(b->errs, s->file, s->line, s->column, "'%s' is a key where a child is expected",
                       s->written);
    }
    struct child_config *v = arena_calloc(b->a, n, sizeof(*v)), *shunts = arena_calloc(b->a, n, sizeof(*v));
    c->children = v;
    c->shunts = shunts;
    for (const struct setting *s = section ? section->first : NULL; s; s = s->next) {
        if (!s->is_section)
            continue;
        build_child(b, c, s, &v[c->n_children]);
        if (v[c->n_children].mode < MODE_PASS) {
            c->n_children++;
            continue;
        }
        shunts[c->n_shunts++] = v[c->n_children];
        v[c->n_children] = (struct child_config){0};
    }
}

/* ---- the whole ---- */

static void finish_times(struct connection *c)
{
    if (c->rekey_time == UNSET)
        c->rekey_time = c->reauth_time ? 0 : 4 * 3600 * TIME_SECOND;
    int64_t longest = c->rekey_time > c->reauth_time ? c->rekey_time : c->reauth_time;
    if (c->over_time == UNSET)
        c->over_time = longest / 10;
    if (c->rand_time == UNSET)
        c->rand_time = c->over_time < longest / 2 ? c->over_time : longest / 2;
}

struct connection *build_connection(struct builder *b, const struct setting *section)
{
    static const char *const known[] = {"local", "remote", "children", NULL};
    struct connection *c = arena_alloc(b->a, sizeof(*c));
    struct origin_list own = {0};
    c->name = arena_strdup(b->a, section->name);
    c->dialect = b->dialect;
    c->rekey_time = c->over_time = c->rand_time = UNSET;
    schema_apply(b, SCOPE_CONNECTION, section, c, &own, NULL, NULL);
    c->origins = (struct origins){own.v, own.n};
    finish_times(c);
    build_sides(b, c, section, true);
    build_sides(b, c, section, false);
    build_children(b, c, settings_section(b->tree, section, "children"));
    build_check_classes(b, c, section);
    for (const struct setting *s = section->first; s; s = s->next) {
        if (s->is_section && !starts_with(s->name, "local") && !starts_with(s->name, "remote") &&
            strcmp(s->name, "children") != 0)
            schema_unknown_section(b, s, known);
    }
    return c;
}

static bool has_concrete_peer(const struct connection *c)
{
    for (size_t i = 0; i < c->n_remote_addrs; i++) {
        const struct host_spec *h = &c->remote_addrs[i];
        if (!h->is_any && (h->fqdn || ip_equal(h->from, h->to)))
            return true;
    }
    return false;
}

static void check_start(struct builder *b, const struct connection *c, const struct setting *section)
{
    for (size_t i = 0; i < c->n_children && !has_concrete_peer(c); i++) {
        if (c->children[i].start_action == START_NONE)
            continue;
        const struct origin *o = origin_of(&c->children[i].origins, "start_action");
        struct diag *d =
            errors_add(b->errs, o ? o->file : section->file, o ? o->line : section->line,
                       o ? o->column : section->column,
                       "connection '%s' cannot start by itself: it has no peer address", c->name);
        diag_expected(d, "an address or a name in remote_addrs");
        diag_got(d, "only %%any, prefixes or ranges");
    }
}

/* Who shows no certificate is in no group. */
static void check_groups(struct builder *b, const struct connection *c, const struct auth_side *side)
{
    const struct origin *o = origin_of(&side->origins, "groups");
    bool has_certificates = side->method == AUTH_PUBKEY && !side->pubkeys.n;
    if (!side->n_groups || has_certificates || !o || side->method == AUTH_NULL) /* null_auth.c */
        return;
    struct diag *d =
        errors_add(b->errs, o->file, o->line, o->column,
                   "connection '%s' asks for a group, and not for a certificate that is in one", c->name);
    diag_expected(d, "auth = pubkey, and no pubkeys");
}

static bool has_key_for(const struct builder *b, const struct pkey *public_key)
{
    return config_key_for(b->config, public_key) || (b->around && config_key_for(b->around, public_key));
}

static void add_own_certs(const struct builder *b, struct auth_side *side, const struct cert_list *from)
{
    for (size_t i = 0; i < from->n && side->id.type != ID_ANY; i++) {
        struct cert *cert = from->v[i];
        if (cert_has_identity(cert, &side->id) && has_key_for(b, cert_public_key(cert)))
            side->certs.v[side->certs.n++] = cert_ref(cert);
    }
}

/* Certificates that were not named: those that speak for our identity and whose key is here. */
static void find_own_certs(struct builder *b, struct auth_side *side)
{
    if (side->method != AUTH_PUBKEY || side->certs.n || side->pubkeys.n)
        return;
    size_t around = b->around ? b->around->certs.n : 0;
    side->certs.v = arena_calloc(b->a, b->config->certs.n + around, sizeof(*side->certs.v));
    add_own_certs(b, side, &b->config->certs);
    if (around)
        add_own_certs(b, side, &b->around->certs);
}

static void warn_of_missing(struct builder *b, const struct connection *c, const struct auth_side *side)
{
    for (size_t i = 0; i < side->pubkeys.n; i++) {
        if (!has_key_for(b, side->pubkeys.v[i]) &&
            !build_found_key(b, side->pubkeys.v[i], c->name, "a raw public key"))
            log_line(GROUP_CFG, LOG_WARN, "connection %s: no private key for a raw public key of ours",
                     c->name);
    }
    if (side->method == AUTH_PUBKEY && side->certs.n + side->pubkeys.n == 0)
        log_line(GROUP_CFG, LOG_WARN, "connection %s: no certificate for local.id: set local.certs", c->name);
    for (size_t i = 0; i < side->certs.n; i++) {
        const struct cert *cert = side->certs.v[i];
        if (!has_key_for(b, cert_public_key(cert)) &&
            !build_found_key(b, cert_public_key(cert), c->name, cert_subject_text(cert)))
            log_line(GROUP_CFG, LOG_WARN, "connection %s: no private key for certificate %s", c->name,
                     cert_subject_text(cert));
    }
}

struct named {
    struct map_node node;
    const struct connection *c;
};

/* The connection that has the name already, or NULL and the name is taken. */
static const struct connection *take_name(struct builder *b, const struct connection *c)
{
    uint64_t hash = map_hash(span_str(c->name));
    for (struct map_node *n = map_first(&b->names, hash); n; n = map_next(n)) {
        struct named *have = (struct named *)n;
        if (strcmp(have->c->name, c->name) == 0)
            return have->c;
    }
    struct named *mine = arena_alloc(b->a, sizeof(*mine));
    mine->c = c;
    map_insert(&b->names, &mine->node, hash);
    return NULL;
}

void build_add_connection(struct builder *b, struct connection *c, const struct setting *section)
{
    struct config *cfg = b->config;
    const struct connection *same = take_name(b, c);
    check_start(b, c, section);
    build_null_auth(b, c);
    for (size_t i = 0; connection_has_ike(c) && i < connection_rounds(c, true); i++) {
        struct auth_side *side = i ? &c->more_local.v[i - 1] : &c->local;
        find_own_certs(b, side);
        warn_of_missing(b, c, side);
    }
    for (size_t i = 0; i < connection_rounds(c, false); i++)
        check_groups(b, c, connection_round(c, false, i));
    if (same)
        errors_add(b->errs, section->file, section->line, section->column,
                   "connection '%s' is there already, from %s", c->name, same->dialect);
    connection_hash(c);
    if (cfg->n_connections == b->cap_connections) {
        size_t cap = b->cap_connections ? 2 * b->cap_connections : 16;
        const struct connection **v = arena_calloc(b->a, cap, sizeof(*v));
        if (cfg->n_connections)
            memcpy(v, cfg->connections, cfg->n_connections * sizeof(*v));
        cfg->connections = v;
        b->cap_connections = cap;
    }
    cfg->connections[cfg->n_connections++] = c; /* also a doubled one: the snapshot owns its references */
}
