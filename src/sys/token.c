/* SPDX-License-Identifier: Apache-2.0 */
/* Tokens: see token.h. Modules are p11-kit's, by name, or a library by its path; they are loaded once and
 * stay. A PIN is said only to the token that shows a public object with the handle, to the one whose slot is
 * named, or to the only one there is: a wrong one locks tokens. Not here: PINs that are asked for, tokens
 * that come later. */
#include "base/log.h"
#include "sys/token_impl.h"
#include <stdio.h>
#include <stdlib.h>

enum { MODULES_MAX = 32, SLOTS_MAX = 64, ATTRIBUTE_MAX = 65536, NAMES_MAX = 16 };

/* ---- modules */

static pthread_mutex_t modules_lock = PTHREAD_MUTEX_INITIALIZER;
static struct {
    char *path;
    CK_FUNCTION_LIST *module;
    bool is_added;   /* for queries that name no module */
} loaded[NAMES_MAX]; /* by path */
static CK_FUNCTION_LIST **registered;

static CK_FUNCTION_LIST *load_path(const char *path)
{
    size_t i = 0;
    while (i < NAMES_MAX && loaded[i].path && strcmp(loaded[i].path, path) != 0)
        i++;
    if (i == NAMES_MAX)
        return NULL;
    if (loaded[i].path)
        return loaded[i].module;
    CK_FUNCTION_LIST *m = p11_kit_module_load(path, 0);
    if (!m)
        return NULL;
    if (p11_kit_module_initialize(m) != CKR_OK) {
        p11_kit_module_release(m);
        return NULL;
    }
    loaded[i].path = mem_new(strlen(path) + 1);
    memcpy(loaded[i].path, path, strlen(path) + 1);
    loaded[i].module = m;
    return m;
}

bool token_add_module(const char *path)
{
    pthread_mutex_lock(&modules_lock);
    CK_FUNCTION_LIST *m = load_path(path);
    for (size_t i = 0; m && i < NAMES_MAX && loaded[i].path; i++)
        loaded[i].is_added |= loaded[i].module == m;
    pthread_mutex_unlock(&modules_lock);
    return m != NULL;
}

static bool has_name(CK_FUNCTION_LIST *m, const char *name)
{
    char *is = p11_kit_module_get_name(m);
    bool same = is && strcmp(is, name) == 0;
    free(is);
    return same;
}

static size_t find_modules(const char *name, CK_FUNCTION_LIST *v[MODULES_MAX])
{
    size_t n = 0;
    pthread_mutex_lock(&modules_lock);
    if (name && name[0] == '/') {
        v[0] = load_path(name);
        n = v[0] != NULL;
    } else {
        for (size_t i = 0; !name && i < NAMES_MAX && loaded[i].path; i++) {
            if (loaded[i].is_added)
                v[n++] = loaded[i].module;
        }
        registered = registered ? registered : p11_kit_modules_load_and_initialize(0);
        for (CK_FUNCTION_LIST **m = registered; m && *m && n < MODULES_MAX; m++) {
            if (!name || has_name(*m, name))
                v[n++] = *m;
        }
    }
    pthread_mutex_unlock(&modules_lock);
    return n;
}

/* ---- objects */

CK_RV token_find(CK_FUNCTION_LIST *m, CK_SESSION_HANDLE session, CK_OBJECT_CLASS class, struct span id,
                 CK_OBJECT_HANDLE *out)
{
    CK_ATTRIBUTE template[] = {
        {CKA_CLASS, &class,         sizeof(class)},
        {CKA_ID,    (void *)id.ptr, id.len       },
    };
    CK_ULONG n = 0;
    CK_RV rv = m->C_FindObjectsInit(session, template, ARRAY_LEN(template));
    if (rv != CKR_OK)
        return rv;
    rv = m->C_FindObjects(session, out, 1, &n);
    m->C_FindObjectsFinal(session);
    return rv == CKR_OK && !n ? CKR_OBJECT_HANDLE_INVALID : rv;
}

size_t token_attribute(CK_FUNCTION_LIST *m, CK_SESSION_HANDLE session, CK_OBJECT_HANDLE object,
                       CK_ATTRIBUTE_TYPE type, uint8_t *buf, size_t cap)
{
    CK_ATTRIBUTE a = {type, buf, cap};
    if (m->C_GetAttributeValue(session, object, &a, 1) != CKR_OK ||
        a.ulValueLen == CK_UNAVAILABLE_INFORMATION)
        return 0;
    return a.ulValueLen <= cap ? a.ulValueLen : 0;
}

CK_RV token_open(struct token *t)
{
    if (t->is_refused)
        return CKR_PIN_INCORRECT;
    CK_RV rv = t->module->C_OpenSession(t->slot, CKF_SERIAL_SESSION, NULL, NULL, &t->session);
    if (rv != CKR_OK)
        return rv;
    t->is_open = true;
    if (t->pin.len)
        rv = t->module->C_Login(t->session, CKU_USER, t->pin.ptr, t->pin.len);
    t->is_refused = rv == CKR_PIN_INCORRECT || rv == CKR_PIN_LOCKED;
    if (rv == CKR_OK || rv == CKR_USER_ALREADY_LOGGED_IN)
        rv = token_find(t->module, t->session, CKO_PRIVATE_KEY, secret_view(&t->id), &t->key);
    return rv;
}

void token_close(struct token *t)
{
    if (t->is_open)
        t->module->C_CloseSession(t->session);
    t->is_open = false;
}

static void token_free(void *ctx)
{
    struct token *t = ctx;
    token_close(t);
    secret_free(&t->pin);
    secret_free(&t->id);
    pthread_mutex_destroy(&t->lock);
    free(t);
}

/* ---- which token */

struct place {
    CK_FUNCTION_LIST *module;
    CK_SLOT_ID slot;
};

static size_t find_slots(const struct token_query *q, struct place v[SLOTS_MAX])
{
    CK_FUNCTION_LIST *modules[MODULES_MAX];
    size_t n = 0, n_modules = find_modules(q->module, modules);
    for (size_t i = 0; i < n_modules; i++) {
        CK_SLOT_ID slots[SLOTS_MAX];
        CK_ULONG count = SLOTS_MAX;
        if (modules[i]->C_GetSlotList(CK_TRUE, slots, &count) != CKR_OK)
            continue;
        for (CK_ULONG k = 0; k < count && n < SLOTS_MAX; k++) {
            if (q->slot < 0 || slots[k] == (CK_SLOT_ID)q->slot)
                v[n++] = (struct place){modules[i], slots[k]};
        }
    }
    return n;
}

/* Does it show such an object to everybody? */
static bool shows(const struct place *p, CK_OBJECT_CLASS class, struct span id)
{
    CK_SESSION_HANDLE session;
    CK_OBJECT_HANDLE object;
    if (p->module->C_OpenSession(p->slot, CKF_SERIAL_SESSION, NULL, NULL, &session) != CKR_OK)
        return false;
    bool found = token_find(p->module, session, class, id, &object) == CKR_OK;
    p->module->C_CloseSession(session);
    return found;
}

static bool choose_place(const struct token_query *q, const struct place *v, size_t n, struct place *out)
{
    static const CK_OBJECT_CLASS classes[] = {CKO_PRIVATE_KEY, CKO_PUBLIC_KEY, CKO_CERTIFICATE};
    for (size_t i = 0; i < n; i++) {
        for (size_t k = 0; k < ARRAY_LEN(classes); k++) {
            if (shows(&v[i], classes[k], q->handle)) {
                *out = v[i];
                return true;
            }
        }
    }
    if (n == 1)
        *out = v[0];
    return n == 1;
}

static bool find_place(const struct token_query *q, struct place *out, struct diag *d)
{
    struct place v[SLOTS_MAX];
    size_t n = find_slots(q, v);
    if (n && choose_place(q, v, n, out))
        return true;
    diag_set(d, FAIL_CONFIG, n ? "none of the tokens shows an object with this handle" : "there is no token");
    if (!n)
        diag_expected(d, "a PKCS#11 module %s with a token in it",
                      q->module ? q->module : "that p11-kit knows");
    else
        diag_got(d, "%zu tokens: which one the PIN is for is not known", n);
    diag_try(d, n ? "name its slot" : "p11-kit list-modules; or module = /PATH/OF/THE/LIBRARY.so");
    return false;
}

/* ---- the public half of a key */

/* RFC 3110's field, which pkey_load_ipseckey() reads. */
static struct pkey *public_rsa(const struct token *t, struct diag *d)
{
    uint8_t exponent[256], field[3 + 256 + 1024];
    size_t e =
        token_attribute(t->module, t->session, t->key, CKA_PUBLIC_EXPONENT, exponent, sizeof(exponent));
    size_t at = e < 256 ? 1 : 3;
    field[0] = e < 256 ? (uint8_t)e : 0;
    field[1] = (uint8_t)(e >> 8);
    field[2] = (uint8_t)e;
    memcpy(field + at, exponent, e);
    size_t n = token_attribute(t->module, t->session, t->key, CKA_MODULUS, field + at + e, 1024);
    return e && n ? pkey_load_ipseckey(2, span_of(field, at + e + n), d) : NULL;
}

/* The point is an OCTET STRING in DER, or by older tokens its contents. */
static struct pkey *public_point(const struct token *t, CK_KEY_TYPE type, struct diag *d)
{
    uint8_t point[160];
    CK_OBJECT_HANDLE object;
    if (token_find(t->module, t->session, CKO_PUBLIC_KEY, secret_view(&t->id), &object) != CKR_OK)
        return NULL;
    struct span s = {point,
                     token_attribute(t->module, t->session, object, CKA_EC_POINT, point, sizeof(point))};
    if (s.len > 2 && s.ptr[0] == 0x04 && s.ptr[1] == s.len - 2)
        s = span_of(s.ptr + 2, s.len - 2);
    if (type == CKK_EC_EDWARDS)
        return pkey_load_ipseckey(4, s, d);
    return s.len > 1 && s.ptr[0] == 0x04 ? pkey_load_ipseckey(3, span_of(s.ptr + 1, s.len - 1), d) : NULL;
}

static struct pkey *public_of_cert(const struct token *t, struct diag *d)
{
    CK_OBJECT_HANDLE object;
    struct pkey *k = NULL;
    if (token_find(t->module, t->session, CKO_CERTIFICATE, secret_view(&t->id), &object) != CKR_OK)
        return NULL;
    uint8_t *der = mem_new(ATTRIBUTE_MAX);
    size_t len = token_attribute(t->module, t->session, object, CKA_VALUE, der, ATTRIBUTE_MAX);
    struct cert *c = len ? cert_load(span_of(der, len), d) : NULL;
    if (c)
        k = pkey_ref(cert_public_key(c));
    cert_unref(c);
    free(der);
    return k;
}

static struct pkey *public_half(const struct token *t, struct diag *d)
{
    CK_KEY_TYPE type = 0;
    struct pkey *k = public_of_cert(t, d);
    if (k)
        return k;
    if (token_attribute(t->module, t->session, t->key, CKA_KEY_TYPE, (uint8_t *)&type, sizeof(type)) !=
        sizeof(type))
        return NULL;
    return type == CKK_RSA ? public_rsa(t, d) : public_point(t, type, d);
}

/* ---- */

static const char *reason(CK_RV rv)
{
    switch (rv) {
    case CKR_OBJECT_HANDLE_INVALID:
        return "no private key with this handle";
    case CKR_PIN_INCORRECT:
        return "the PIN is wrong";
    case CKR_PIN_LOCKED:
        return "the PIN is locked";
    case CKR_USER_NOT_LOGGED_IN:
        return "it wants a PIN";
    default:
        return p11_kit_strerror(rv);
    }
}

struct pkey *token_key(void *ctx, const struct token_query *q, struct diag *d)
{
    struct place place;
    struct diag why = {0};
    (void)ctx;
    if (!find_place(q, &place, d))
        return NULL;
    struct token *t = mem_new(sizeof(*t));
    t->module = place.module;
    t->slot = place.slot;
    t->id = secret_copy(q->handle);
    t->pin = q->pin ? secret_copy(span_str(q->pin)) : (struct secret){0};
    pthread_mutex_init(&t->lock, NULL);
    CK_RV rv = token_open(t);
    struct pkey *pub = rv == CKR_OK ? public_half(t, &why) : NULL;
    if (!pub) {
        bool is_pin_missing = !q->pin && (rv == CKR_OBJECT_HANDLE_INVALID || rv == CKR_USER_NOT_LOGGED_IN);
        diag_set(d, is_pin_missing ? FAIL_PERMISSION : FAIL_CONFIG, "the token in slot %lu: %s", t->slot,
                 rv != CKR_OK ? reason(rv) : "the key's public half is not there");
        if (rv == CKR_OBJECT_HANDLE_INVALID && !q->pin)
            diag_try(d, "a pin, without which private keys are not seen");
        token_free(t);
        return NULL;
    }
    const struct pkey_signer signer = {.ctx = t, .sign = token_sign, .release = token_free};
    struct pkey *k = pkey_of_signer(pkey_spki(pub), &signer, d);
    pkey_unref(pub);
    return k;
}

bool token_cert(void *ctx, struct arena *a, const struct token_query *q, struct span *der, struct diag *d)
{
    struct place place;
    CK_SESSION_HANDLE session;
    CK_OBJECT_HANDLE object;
    size_t len = 0;
    (void)ctx;
    if (!find_place(q, &place, d))
        return false;
    CK_FUNCTION_LIST *m = place.module;
    uint8_t *buf = arena_alloc(a, ATTRIBUTE_MAX);
    CK_RV rv = buf ? m->C_OpenSession(place.slot, CKF_SERIAL_SESSION, NULL, NULL, &session) : CKR_HOST_MEMORY;
    if (rv == CKR_OK) {
        if (token_find(m, session, CKO_CERTIFICATE, q->handle, &object) == CKR_OK)
            len = token_attribute(m, session, object, CKA_VALUE, buf, ATTRIBUTE_MAX);
        m->C_CloseSession(session);
    }
    if (!len)
        diag_set(d, FAIL_CONFIG, "the token in slot %lu has no certificate with this handle", place.slot);
    *der = span_of(buf, len);
    return len > 0;
}
