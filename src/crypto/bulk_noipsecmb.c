/* SPDX-License-Identifier: Apache-2.0 */
/* Stands in for bulk_ipsecmb.c where libipsec-mb is not there: serves nothing. CMake builds one of the two.
 */
#include "crypto/bulk_engine.h"

const struct bulk_engine bulk_ipsecmb = {.name = "ipsec-mb",
                                         .absent = "Keyway was built without libipsec-mb"};
