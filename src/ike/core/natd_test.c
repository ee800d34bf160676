/* SPDX-License-Identifier: Apache-2.0 */
/* NAT detection against values of tests/vectors/ikev2.py. */
#include "ike/core/natd.h"
#include "support/test.h"
#include "vectors/ikev2_vectors.h"

#define SPI_I UINT64_C(0x1122334455667788)
#define SPI_R UINT64_C(0x99aabbccddeeff01)

static void hash_covers_spis_address_and_port(void **state)
{
    (void)state;
    uint8_t out[NATD_LEN];
    struct endpoint e = {.ip = ip4(192, 0, 2, 17), .port = 4500};
    natd_hash(SPI_I, SPI_R, &e, out);
    assert_span_equal(span_of(out, sizeof(out)), hex(V_NATD4));
    assert_true(ip_parse("2001:db8::1", &e.ip));
    e.port = 500;
    natd_hash(SPI_I, 0, &e, out);
    assert_span_equal(span_of(out, sizeof(out)), hex(V_NATD6));
}

static void any_other_address_port_or_spi_does_not_match(void **state)
{
    (void)state;
    struct endpoint e = {.ip = ip4(192, 0, 2, 17), .port = 4500};
    struct span hash = hex(V_NATD4);
    assert_true(natd_matches(SPI_I, SPI_R, &e, hash));
    assert_false(natd_matches(SPI_I ^ 1, SPI_R, &e, hash));
    assert_false(natd_matches(SPI_I, SPI_R ^ 1, &e, hash));
    e.port++;
    assert_false(natd_matches(SPI_I, SPI_R, &e, hash));
    e.port--;
    e.ip.b[3]++;
    assert_false(natd_matches(SPI_I, SPI_R, &e, hash));
    e.ip.b[3]--;
    assert_false(natd_matches(SPI_I, SPI_R, &e, span_of(hash.ptr, 19)));
    assert_false(natd_matches(SPI_I, SPI_R, &e, span_of(NULL, 0)));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(hash_covers_spis_address_and_port),
        cmocka_unit_test(any_other_address_port_or_spi_does_not_match),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
