/* SPDX-License-Identifier: Apache-2.0 */
/* Stands in for bulk_ipsecmb.c where libipsec-mb is not there: serves nothing. CMake builds one of the two.
 */
#include "crypto/bulk_engine.h"

static struct bulk_key *key_new(const struct bulk_spec *s)
{
    (void)s;
    return NULL;
}

const struct bulk_engine bulk_ipsecmb = {.name = "ipsec-mb", .key_new = key_new};
