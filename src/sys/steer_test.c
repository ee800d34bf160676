/* SPDX-License-Identifier: Apache-2.0 */
/* Datagrams find the socket of their worker, IKE that of the control thread: over the loopback device of a
 * network namespace that the test makes for itself. */
#include "crypto/random.h"
#include "model/action.h"
#include "support/test.h"
#include "sys/sock.h"
#include "sys/steer.h"
#include <net/if.h>
#include <sched.h>
#include <sys/ioctl.h>
#include <unistd.h>

#define PORT    4500
#define WORKERS 5

#define KERNEL (1 + WORKERS) /* the place of its socket */

static struct sock all[1 + WORKERS + 1], sender;

static int loopback_up(void **state)
{
    (void)state;
    struct ifreq ifr = {.ifr_name = "lo", .ifr_flags = IFF_UP | IFF_RUNNING};
    struct diag d;
    if (unshare(CLONE_NEWNET) < 0)
        return -1;
    int s = socket(AF_INET, SOCK_DGRAM, 0);
    int failed = ioctl(s, SIOCSIFFLAGS, &ifr);
    close(s);
    return failed || !sock_open_shared(all, ARRAY_LEN(all), 4, PORT, &d) ||
           !steer_datagrams(all[0].fd, WORKERS, true) || !sock_open_udp(&sender, 4, 4501, false, &d);
}

static int close_all(void **state)
{
    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(all); i++)
        sock_close(&all[i]);
    sock_close(&sender);
    return 0;
}

/* Where a datagram with these bytes arrives; it must arrive once. */
static size_t arrives_at(struct span bytes)
{
    const struct endpoint to = {.ip = ip4(127, 0, 0, 1), .port = PORT};
    uint8_t buf[2048];
    size_t len, where = SIZE_MAX;
    struct endpoint from;
    struct sock_info info;
    assert_true(sock_send(&sender, ip4(127, 0, 0, 1), &to, 0, span_of(NULL, 0), bytes));
    for (size_t i = 0; i < ARRAY_LEN(all); i++) {
        if (!sock_receive(&all[i], buf, sizeof(buf), &len, &from, &info))
            continue;
        assert_int_equal(where, SIZE_MAX);
        assert_span_equal(span_of(buf, len), bytes);
        where = i;
    }
    assert_int_not_equal(where, SIZE_MAX);
    return where;
}

static void esp_goes_to_the_worker_of_its_spi(void **state)
{
    (void)state;
    size_t seen[WORKERS] = {0};
    for (int i = 0; i < 500; i++) {
        uint8_t esp[40];
        crypto_random(esp, sizeof(esp));
        esp[0] |= 1; /* an SPI is never zero */
        esp[3] &= (uint8_t)~SPI_KERNEL;
        uint32_t spi = (uint32_t)esp[0] << 24 | (uint32_t)esp[1] << 16 | (uint32_t)esp[2] << 8 | esp[3];
        unsigned worker = steer_worker(spi, WORKERS);
        assert_int_equal(arrives_at(span_of(esp, sizeof(esp))), 1 + worker);
        seen[worker]++;
    }
    for (size_t i = 0; i < WORKERS; i++)
        assert_true(seen[i] > 50);
}

static void esp_of_the_kernels_sas_goes_to_its_socket(void **state)
{
    (void)state;
    assert_int_equal(arrives_at(hex("c1000040 00000001 0102030405060708")), KERNEL);
    assert_int_equal(arrives_at(hex("c10000ff 00000001 0102030405060708")), KERNEL);
    assert_int_not_equal(arrives_at(hex("c100003f 00000001 0102030405060708")), KERNEL);
    assert_int_equal(arrives_at(hex("00000000 00000040 0102030405060708")), 0);
}

static void without_workers_the_rest_is_the_control_threads(void **state)
{
    (void)state;
    assert_true(steer_datagrams(all[0].fd, 0, true));
    assert_int_equal(arrives_at(hex("c1000040 00000001 0102030405060708")), 1);
    assert_int_equal(arrives_at(hex("c1000001 00000001 0102030405060708")), 0);
    assert_int_equal(arrives_at(hex("00000000 00000040 0102030405060708")), 0);
    assert_true(steer_datagrams(all[0].fd, WORKERS, true));
}

static void ike_and_what_is_too_short_for_an_spi_go_to_the_control_thread(void **state)
{
    (void)state;
    assert_int_equal(arrives_at(hex("00000000 0102030405060708 0000000000000000")), 0);
    assert_int_equal(arrives_at(hex("ff")), 0);
    assert_int_equal(arrives_at(hex("010203")), 0);
    assert_int_equal(arrives_at(hex("00000001")), 1 + steer_worker(1, WORKERS));
}

static void a_reqid_and_its_spi_name_the_same_worker(void **state)
{
    (void)state;
    for (uint32_t reqid = 1; reqid < 1000; reqid += 7) {
        uint32_t spi, mask = (1u << SPI_STEER_BITS) - 1;
        crypto_random(&spi, sizeof(spi));
        spi = (spi & ~mask) | (reqid & mask);
        for (unsigned n = 1; n <= 64; n++) {
            assert_int_equal(steer_worker(spi, n), steer_worker(reqid, n));
            assert_true(steer_worker(spi, n) < n);
        }
    }
}

static void the_port_is_refused_to_a_second_daemon(void **state)
{
    (void)state;
    struct sock other[2];
    struct diag d;
    assert_false(sock_open_shared(other, ARRAY_LEN(other), 4, PORT, &d));
    assert_int_equal(other[0].fd, -1);
    assert_non_null(strstr(d.what, "4500"));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(esp_goes_to_the_worker_of_its_spi),
        cmocka_unit_test(esp_of_the_kernels_sas_goes_to_its_socket),
        cmocka_unit_test(without_workers_the_rest_is_the_control_threads),
        cmocka_unit_test(ike_and_what_is_too_short_for_an_spi_go_to_the_control_thread),
        cmocka_unit_test(a_reqid_and_its_spi_name_the_same_worker),
        cmocka_unit_test(the_port_is_refused_to_a_second_daemon),
    };
    return cmocka_run_group_tests(tests, loopback_up, close_all);
}
