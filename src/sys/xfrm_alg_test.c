/* SPDX-License-Identifier: Apache-2.0 */
#include "support/test.h"
#include "sys/xfrm_alg.h"

static void every_cipher_and_integrity_algorithm_has_a_kernel_name_or_a_reason(void **state)
{
    (void)state;
    const struct alg *a;
    for (size_t i = 0; (a = alg_at(i)); i++) {
        const struct xfrm_alg *x = xfrm_alg_find(a->type, a->id);
        if (a->type != TRANSFORM_ENCR && a->type != TRANSFORM_INTEG) {
            assert_null(x);
            continue;
        }
        assert_non_null(x);
        assert_true((x->name != NULL) != (x->why_not != NULL));
        assert_true(!x->name || strlen(x->name) < 64);
        assert_true(!x->name || x->modules);
    }
}

static void ids_that_nobody_has_given_have_none(void **state)
{
    (void)state;
    assert_null(xfrm_alg_find(TRANSFORM_ENCR, 999));
    assert_null(xfrm_alg_find(TRANSFORM_INTEG, ENCR_AES_GCM_16));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_cipher_and_integrity_algorithm_has_a_kernel_name_or_a_reason),
        cmocka_unit_test(ids_that_nobody_has_given_have_none),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
