/* SPDX-License-Identifier: Apache-2.0 */
/* What token.c and token_sign.c share. */
#pragma once

#include "sys/token.h"
#include <p11-kit/p11-kit.h>
#include <p11-kit/pkcs11.h>
#include <pthread.h>

/* A private key on a token: what it takes to find it again, and the session in which it was found. */
struct token {
    CK_FUNCTION_LIST *module;
    CK_SLOT_ID slot;
    struct secret pin, id;
    pthread_mutex_t lock; /* around all below: a session does one thing at a time */
    CK_SESSION_HANDLE session;
    CK_OBJECT_HANDLE key;
    bool is_open;
    bool is_refused; /* the PIN was wrong: it is not said again, or the token locks itself */
};

/* Opens a session, says the PIN and finds the key. */
CK_RV token_open(struct token *t);
void token_close(struct token *t);
/* A pkey_signer's. */
bool token_sign(void *ctx, struct sig_scheme s, struct span message, struct secret *sig);

/* The first object of the class with that id, or CKR_OBJECT_HANDLE_INVALID. */
CK_RV token_find(CK_FUNCTION_LIST *m, CK_SESSION_HANDLE session, CK_OBJECT_CLASS class, struct span id,
                 CK_OBJECT_HANDLE *out);
/* An attribute's bytes into buf; 0 when it has none. */
size_t token_attribute(CK_FUNCTION_LIST *m, CK_SESSION_HANDLE session, CK_OBJECT_HANDLE object,
                       CK_ATTRIBUTE_TYPE type, uint8_t *buf, size_t cap);
