/* SPDX-License-Identifier: Apache-2.0 */
/* AES-128 against FIPS 197. */
#include "crypto/block.h"
#include "support/test.h"

static void the_block_cipher_gives_the_example_of_fips_197(void **state)
{
    (void)state;
    uint8_t data[32];
    struct span plain = hex("00112233445566778899aabbccddeeff");
    memcpy(data, plain.ptr, 16);
    memcpy(data + 16, plain.ptr, 16);
    struct block_cipher *b = block_cipher_new(hex("000102030405060708090a0b0c0d0e0f").ptr);
    block_cipher_encrypt(b, data, 2);
    assert_span_equal(span_of(data, 16), hex("69c4e0d86a7b0430d8cdb78070b4c55a"));
    assert_span_equal(span_of(data + 16, 16), hex("69c4e0d86a7b0430d8cdb78070b4c55a"));
    block_cipher_free(b);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_block_cipher_gives_the_example_of_fips_197),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
