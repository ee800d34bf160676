/* SPDX-License-Identifier: Apache-2.0 */
/* Extensions of certificates, each a function that pushes its own, or nothing. Private to src/pki/issue. */
#pragma once

#include "pki/issue/issue_impl.h"

typedef STACK_OF(X509_EXTENSION) ext_list; /* OpenSSL's name for it is a macro */
typedef bool cert_ext_fn(ext_list **list, const struct issue_cert *c, const struct cert *issuer);

cert_ext_fn put_policies, put_policy_mappings, put_policy_constraints,
    put_inhibit_any_policy; /* policy_ext.c */
