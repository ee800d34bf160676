/* SPDX-License-Identifier: Apache-2.0 */
/* Postquantum preshared keys (RFC 8784), both roles: USE_PPK, PPK_IDENTITY, NO_PPK_AUTH; optional, where both
 * ends go on without when one has none, and required. The PPK goes into SK_d, SK_pi and SK_pr of the first
 * IKE SA, after all that key exchanges have put in; children and rekeys have it from SK_d. Not here: EAP, and
 * authentication by a PPK alone (section 5.2.3).
 *
 * One-time pads: both ends hold the same file of random bytes; a piece is used for one IKE SA. PPK_IDENTITY
 * is then of type PPK_ID_OPAQUE: the PPK's name, a colon and the piece's number in decimal, so that the ends
 * need not count in step. The initiator overwrites its piece before it is given out. The responder, whom
 * anybody can name pieces to, reads one to check AUTH with it, and overwrites it before anything else is made
 * of it. */
#include "base/text.h"
#include "ike/v2/features.h"
#include "ike/v2/ike_auth.h"

#define PPK_ID_OPAQUE 1 /* [RFC8784#5.1] */
#define PPK_ID_FIXED  2
/* [RFC8784#6] a response without USE_PPK may be forged: so long a true one is waited for */
#define PPK_INIT_GRACE (10 * TIME_SECOND)

static const char *id_text(const struct identity *id, char buf[ID_TEXT_MAX])
{
    return id ? identity_format(id, buf) : "of any name";
}

#define SHOWN_MAX 120

/* A PPK_ID without its type, which may be any bytes. */
static const char *shown(struct span id, char buf[SHOWN_MAX])
{
    struct text t = {.buf = buf, .cap = SHOWN_MAX};
    buf[0] = 0;
    text_safe(&t, id);
    return buf;
}

/* ---- IKE_SA_INIT ---- */

void ppk_put_use(struct ike_env *env, struct build *b, struct ike_sa *sa, struct exchange *x)
{
    (void)env;
    if (x->is_own ? sa->conn->ppk_id != NULL : sa->ppk.is_agreed)
        build_notify_empty(b, N_USE_PPK);
}

/* Which connection the peer means, and so whether there is a PPK for it, shows in IKE_AUTH. */
bool ppk_take_use(struct ike_env *env, struct ike_sa *sa, const struct ike_message *m, struct diag *d)
{
    char name[ID_TEXT_MAX];
    (void)d;
    bool is_ours = sa->is_initiator ? sa->conn->ppk_id != NULL : sa->config->n_ppks > 0;
    sa->ppk.is_agreed = is_ours && ike_notify(m, N_USE_PPK);
    if (sa->is_initiator && is_ours && !sa->ppk.is_agreed)
        sa_log(env, sa, LOG_WARN, "the peer uses no PPK: going on without %s",
               id_text(sa->conn->ppk_id, name));
    return true;
}

bool ppk_init_is_good(struct ike_env *env, struct ike_sa *sa, const struct ike_message *m)
{
    char name[ID_TEXT_MAX];
    if (!sa->conn->ppk_required || (sa->conn->ppk_id && ike_notify(m, N_USE_PPK)))
        return true;
    if (sa->init_errors++)
        return false;
    struct diag *d = &sa->failure;
    diag_clear(d);
    if (sa->conn->ppk_id) {
        diag_set(d, FAIL_AUTH, "the peer uses no PPK, and connection %s requires one", sa->conn->name);
        diag_expected(d, "USE_PPK, for PPK %s", id_text(sa->conn->ppk_id, name));
        diag_got(d, "an IKE_SA_INIT response without");
        diag_try(d, "give the peer the PPK, or set ppk_required = no");
    } else {
        diag_set(d, FAIL_CONFIG, "connection %s requires a PPK and names none", sa->conn->name);
        diag_try(d, "name the PPK that we begin with: ppk_id");
    }
    diag_where_of(d, &sa->conn->origins, "ppk_required");
    sa->give_up_at = env->now.mono + PPK_INIT_GRACE;
    sa_log(env, sa, LOG_WARN, "an IKE_SA_INIT response without USE_PPK: waiting %d s for a better one",
           (int)(PPK_INIT_GRACE / TIME_SECOND));
    return false;
}

/* ---- both sides ---- */

static bool mix(struct ike_env *env, struct ike_sa *sa)
{
    struct ppk_state *p = &sa->ppk;
    char name[SHOWN_MAX];
    p->is_mixed = keymat_mix_ppk(&sa->keys, secret_view(&p->material), &p->plain);
    secret_free(&p->material);
    sa_log(env, sa, LOG_DETAIL, "PPK %s is mixed into the keys", shown(p->id, name));
    return p->is_mixed;
}

static void ask_pad(struct ike_env *env, struct ike_sa *sa, struct exchange *x, enum pad_use use,
                    exchange_resume *resume)
{
    struct job *j = job_prepare(sa, x, JOB_PAD, resume);
    j->arena = arena_new(8192);
    j->pad = arena_strdup(j->arena, sa->ppk.from->pad);
    j->is_from_end = sa->ppk.from->is_from_end;
    j->piece = sa->ppk.piece;
    j->pad_use = use;
    job_give(env, j);
}

void ppk_put_identity(struct ike_env *env, struct build *b, struct ike_sa *sa, struct exchange *x)
{
    const struct ppk_state *p = &sa->ppk;
    size_t cap = p->id.len + 1;
    struct wr w = wr_over(arena_alloc(env->out->arena, cap), cap);
    if (!x->is_own) {
        if (p->is_mixed && !sa->rounds.ours) /* in the first response */
            build_notify_empty(b, N_PPK_IDENTITY);
        return;
    }
    if (!p->is_agreed)
        return;
    wr_u8(&w, p->from->pad ? PPK_ID_OPAQUE : PPK_ID_FIXED);
    wr_span(&w, p->id);
    build_notify(b, N_PPK_IDENTITY, PROTO_NONE, span_of(NULL, 0), wr_span_view(&w));
    if (p->plain_auth.len)
        build_notify(b, N_NO_PPK_AUTH, PROTO_NONE, span_of(NULL, 0), secret_view(&p->plain_auth));
}

void ppk_deinit(struct ppk_state *p)
{
    secret_free(&p->material);
    secret_free(&p->plain_auth);
    ike_keys_deinit(&p->plain);
}

/* ---- initiator: IKE_AUTH ---- */

static void fail(struct ike_env *env, struct ike_sa *sa, const struct diag *d)
{
    env->stats->auth_failed++;
    sa_log_diag(env, sa, LOG_ERR, d);
    ike_sa_end(env, sa, d);
}

/* AUTH without the PPK is there: it becomes NO_PPK_AUTH, and another one is made. */
static void on_plain_made(struct ike_env *env, struct ike_sa *sa, struct exchange *x, struct job *job)
{
    struct ppk_state *p = &sa->ppk;
    struct diag d;
    diag_clear(&d);
    if (!auth_is_made(x, job))
        diag_set(&d, FAIL_AUTH, "our signature could not be made");
    else if (!p->material.len) { /* the pad is used up: the peer knows no such piece, and takes this */
        p->plain_auth = secret_copy(secret_view(&x->auth_data));
        p->then(env, sa, x, NULL);
        return;
    } else {
        p->plain_auth = secret_take(&x->auth_data);
        if (mix(env, sa) && auth_make(env, sa, x, p->then, &d))
            return;
    }
    if (!diag_failed(&d))
        diag_set(&d, FAIL_GENERIC, "the PPK could not be mixed into the keys");
    fail(env, sa, &d);
}

/* [RFC8784#3] AUTH is made twice where a responder without the PPK is fine, too. */
static bool make_both(struct ike_env *env, struct ike_sa *sa, struct exchange *x, struct diag *d)
{
    if (!sa->conn->ppk_required)
        return auth_make(env, sa, x, on_plain_made, d);
    return mix(env, sa) && auth_make(env, sa, x, sa->ppk.then, d);
}

static void on_piece_taken(struct ike_env *env, struct ike_sa *sa, struct exchange *x, struct job *job)
{
    struct ppk_state *p = &sa->ppk;
    char name[ID_TEXT_MAX];
    struct diag d;
    diag_clear(&d);
    p->piece = job->ok ? job->piece : UINT64_MAX;
    p->material = secret_take(&job->shared);
    const struct span called = sa->conn->ppk_id->data;
    p->id = span_str(arena_printf(sa->arena, "%.*s:%llu", (int)called.len, (const char *)called.ptr,
                                  (unsigned long long)p->piece));
    if (!job->ok) {
        diag_set(&d, FAIL_AUTH, "no piece of PPK %s can be used", id_text(sa->conn->ppk_id, name));
        diag_got(&d, "%s", job->verdict.why.what);
        if (p->from->origin.file)
            diag_where(&d, p->from->origin.file, p->from->origin.line, p->from->origin.column);
        if (sa->conn->ppk_required) {
            fail(env, sa, &d);
            return;
        }
        sa_log_diag(env, sa, LOG_WARN, &d);
        diag_clear(&d);
    }
    if (!make_both(env, sa, x, &d)) {
        if (!diag_failed(&d))
            diag_set(&d, FAIL_GENERIC, "the PPK could not be mixed into the keys");
        fail(env, sa, &d);
    }
}

bool ppk_make_auth(struct ike_env *env, struct ike_sa *sa, struct exchange *x, exchange_resume *resume,
                   struct diag *d)
{
    struct ppk_state *p = &sa->ppk;
    if (!p->is_agreed)
        return auth_make(env, sa, x, resume, d);
    p->from = config_ppk_for(sa->config, sa->conn->ppk_id->data); /* the configuration was checked for it */
    p->then = resume;
    if (p->from->pad) {
        ask_pad(env, sa, x, PAD_TAKE, on_piece_taken);
        return true;
    }
    p->id = sa->conn->ppk_id->data;
    p->material = secret_copy(secret_view(&p->from->secret));
    return make_both(env, sa, x, d);
}

bool ppk_settle(struct ike_env *env, struct ike_sa *sa, const struct ike_message *m, struct diag *d)
{
    struct ppk_state *p = &sa->ppk;
    char name[ID_TEXT_MAX];
    if (!p->is_mixed)
        return true;
    p->is_used = ike_notify(m, N_PPK_IDENTITY) != NULL;
    if (p->is_used) {
        ike_keys_deinit(&p->plain);
        return true;
    }
    if (sa->conn->ppk_required) {
        diag_set(d, FAIL_AUTH, "the peer did not use PPK %s, and connection %s requires it",
                 id_text(sa->conn->ppk_id, name), sa->conn->name);
        diag_where_of(d, &sa->conn->origins, "ppk_required");
        diag_try(d, "the same PPK, by the same name, on both sides");
        return false;
    }
    sa_log(env, sa, LOG_WARN, "the peer has no PPK %s: this IKE SA is without",
           id_text(sa->conn->ppk_id, name));
    keymat_take_back(&sa->keys, &p->plain);
    p->is_mixed = false;
    return true;
}

/* ---- responder: IKE_AUTH ---- */

/* "NAME:PIECE". False: it is not one. */
static bool split_piece(struct span id, struct span *name, uint64_t *piece)
{
    size_t digits = 0;
    uint64_t n = 0, factor = 1;
    while (digits < id.len && digits < 18 && id.ptr[id.len - 1 - digits] >= '0' &&
           id.ptr[id.len - 1 - digits] <= '9') {
        n += (uint64_t)(id.ptr[id.len - 1 - digits++] - '0') * factor;
        factor *= 10;
    }
    if (!digits || digits == id.len || id.ptr[id.len - 1 - digits] != ':')
        return false;
    *name = span_of(id.ptr, id.len - 1 - digits);
    *piece = n;
    return true;
}

/* The PPK that a PPK_ID means and this connection takes, or NULL. */
static const struct ppk *look_up(struct ike_sa *sa, struct span id)
{
    struct rd r = rd_over(id);
    uint8_t type = rd_u8(&r);
    struct span name = rd_rest(&r);
    if (type == PPK_ID_OPAQUE && !split_piece(name, &name, &sa->ppk.piece))
        return NULL;
    if ((type != PPK_ID_OPAQUE && type != PPK_ID_FIXED) ||
        (sa->conn->ppk_id && !span_equal(sa->conn->ppk_id->data, name)))
        return NULL;
    const struct ppk *p = config_ppk_for(sa->config, name);
    return p && (type == PPK_ID_OPAQUE) == (p->pad != NULL) ? p : NULL;
}

static bool refuse_without(const struct ike_sa *sa, struct diag *d, const char *what)
{
    char name[ID_TEXT_MAX];
    diag_set(d, FAIL_AUTH, "%s, and connection %s requires it", what, sa->conn->name);
    diag_expected(d, "PPK %s", id_text(sa->conn->ppk_id, name));
    diag_where_of(d, &sa->conn->origins, "ppk_required");
    return false;
}

/* [RFC8784#3] Table 1, where it is not configured: the peer's NO_PPK_AUTH may do instead. why: what there is
 * to say about a pad, or NULL. */
static bool go_on_without(struct ike_env *env, struct ike_sa *sa, struct exchange *x, exchange_resume *resume,
                          const char *why, struct diag *d)
{
    char got[SHOWN_MAX], want[ID_TEXT_MAX];
    struct rd r = rd_over(ike_notify(&x->msg, N_PPK_IDENTITY)->data);
    rd_u8(&r);
    shown(rd_rest(&r), got);
    if (!sa->conn->ppk_required && ike_notify(&x->msg, N_NO_PPK_AUTH)) {
        sa_log(env, sa, LOG_WARN, "there is no PPK %s here: this IKE SA is without%s%s", got, why ? "; " : "",
               why ? why : "");
        sa->ppk.has_plain_auth = true;
        resume(env, sa, x, NULL);
        return true;
    }
    if (sa->conn->ppk_required)
        refuse_without(sa, d, "the peer names a PPK that is not here");
    else {
        diag_set(d, FAIL_AUTH, "the peer requires a PPK that is not here");
        diag_expected(d, "PPK %s", id_text(sa->conn->ppk_id, want));
        diag_where_of(d, &sa->conn->origins, "ppk_id");
    }
    diag_got(d, "PPK_IDENTITY %s%s%s", got, why ? "; " : "", why ? why : "");
    if (why)
        diag_try(d,
                 "the next attempt names another piece; with the two files out of step, give both a new one");
    else
        diag_try(d, "the same PPK, by the same name, on both sides");
    return false;
}

static void note_name(struct ike_sa *sa, const struct exchange *x)
{
    const struct span id = ike_notify(&x->msg, N_PPK_IDENTITY)->data;
    sa->ppk.id = arena_dup(sa->arena, span_of(id.ptr + 1, id.len - 1));
}

static void on_piece_read(struct ike_env *env, struct ike_sa *sa, struct exchange *x, struct job *job)
{
    struct diag d;
    diag_clear(&d);
    if (job->ok) {
        sa->ppk.material = secret_take(&job->shared);
        sa->ppk.is_to_burn = true;
        if (mix(env, sa)) {
            sa->ppk.then(env, sa, x, NULL);
            return;
        }
        diag_set(&d, FAIL_GENERIC, "the PPK could not be mixed into the keys");
    } else if (go_on_without(env, sa, x, sa->ppk.then, job->verdict.why.what, &d))
        return;
    env->stats->auth_failed++;
    sa_log_diag(env, sa, LOG_WARN, &d);
    send_response_notify(env, sa, EXCHANGE_IKE_AUTH, N_AUTHENTICATION_FAILED, span_of(NULL, 0));
    ike_sa_linger(env, sa, &d);
}

bool ppk_find(struct ike_env *env, struct ike_sa *sa, struct exchange *x, exchange_resume *resume,
              struct diag *d)
{
    struct ppk_state *p = &sa->ppk;
    const struct pl_notify *id = ike_notify(&x->msg, N_PPK_IDENTITY);
    if (!p->is_agreed) {
        if (sa->conn->ppk_required)
            return refuse_without(sa, d, "the peer uses no PPK");
        resume(env, sa, x, NULL);
        return true;
    }
    if (!id) {
        diag_set(d, FAIL_AUTH, "the peer said USE_PPK and names no PPK");
        return false;
    }
    p->from = look_up(sa, id->data);
    if (!p->from)
        return go_on_without(env, sa, x, resume, NULL, d);
    note_name(sa, x);
    p->then = resume;
    if (p->from->pad) {
        ask_pad(env, sa, x, PAD_READ, on_piece_read);
        return true;
    }
    p->material = secret_copy(secret_view(&p->from->secret));
    if (!mix(env, sa)) {
        diag_set(d, FAIL_GENERIC, "the PPK could not be mixed into the keys");
        return false;
    }
    resume(env, sa, x, NULL);
    return true;
}

struct pl_auth ppk_peer_auth(const struct ike_sa *sa, const struct exchange *x)
{
    struct pl_auth auth = ike_find(&x->msg, PAYLOAD_AUTH)->auth;
    if (sa->ppk.has_plain_auth)
        auth.data = ike_notify(&x->msg, N_NO_PPK_AUTH)->data;
    return auth;
}

void ppk_commit(struct ike_env *env, struct ike_sa *sa, struct exchange *x, exchange_resume *resume)
{
    struct ppk_state *p = &sa->ppk;
    p->is_used = p->is_mixed;
    p->has_plain_auth = false; /* it was for the first round */
    ike_keys_deinit(&p->plain);
    if (!p->is_to_burn) {
        resume(env, sa, x, NULL);
        return;
    }
    p->is_to_burn = false;
    ask_pad(env, sa, x, PAD_BURN, resume);
}

void ppk_explain(const struct ike_sa *sa, const struct exchange *x, struct diag *d)
{
    char name[SHOWN_MAX];
    (void)x;
    if (!sa->ppk.is_mixed)
        return;
    diag_try(d, "the same PPK %s on both sides, and the same credentials", shown(sa->ppk.id, name));
}
