/* SPDX-License-Identifier: Apache-2.0 */
/* Virtual addresses on the machine's interfaces, in a network namespace of the test's own. */
#include "support/netns.h"
#include "support/test.h"
#include "sys/vips.h"
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

static char folder[] = "/tmp/kw-vips-XXXXXX", file[64];
static struct vips v;

static int make_links(void **state)
{
    (void)state;
    assert_true(netns_enter());
    netns_run("ip link add v0 type veth peer name v1; ip link set v0 up; ip link set v1 up; "
              "ip addr add 192.0.2.1/24 dev v0; ip addr add 198.51.100.1/24 dev v1");
    assert_non_null(mkdtemp(folder));
    snprintf(file, sizeof(file), "%s/addresses", folder);
    return 0;
}

static int remove_folder(void **state)
{
    (void)state;
    unlink(file);
    return rmdir(folder);
}

static bool has(const char *device, const char *ip)
{
    char command[100];
    snprintf(command, sizeof(command), "ip addr show dev %s | grep -q 'inet6* %s/'", device, ip);
    return system(command) == 0;
}

static struct ip ip_of(const char *text)
{
    struct ip ip;
    assert_true(ip_parse(text, &ip));
    return ip;
}

static void it_is_on_the_interface_that_has_the_tunnels_own_address(void **state)
{
    struct diag d;
    (void)state;
    vips_open(&v, file);
    assert_true(vips_add(&v, ip_of("10.3.0.7"), ip_of("198.51.100.1"), 0, &d));
    assert_true(has("v1", "10.3.0.7"));
    assert_false(has("v0", "10.3.0.7"));
    assert_true(vips_have(&v, ip_of("10.3.0.7")));
    assert_true(vips_del(&v, ip_of("10.3.0.7"), &d));
    assert_false(has("v1", "10.3.0.7"));
    assert_int_not_equal(access(file, F_OK), 0);
    vips_close(&v);
}

static void no_interface_is_a_reason(void **state)
{
    struct diag d;
    (void)state;
    vips_open(&v, file);
    assert_false(vips_add(&v, ip_of("10.3.0.7"), ip_of("203.0.113.1"), 0, &d));
    assert_non_null(strstr(d.what, "no interface"));
    assert_int_equal(v.n, 0);
    vips_close(&v);
}

static void what_a_crash_left_is_removed_and_nothing_else(void **state)
{
    struct diag d;
    (void)state;
    vips_open(&v, file);
    assert_true(vips_add(&v, ip_of("10.3.0.7"), ip_of("192.0.2.1"), 0, &d));
    assert_true(vips_add(&v, ip_of("fd03::7"), ip_of("192.0.2.1"), 0, &d));
    v = (struct vips){0}; /* killed */
    FILE *f = fopen(file, "a");
    fprintf(f, "rubbish\n999.1.1.1\n203.0.113.77\n");
    fclose(f);
    vips_open(&v, file);
    assert_false(has("v0", "10.3.0.7"));
    assert_false(has("v0", "fd03::7"));
    assert_true(has("v0", "192.0.2.1"));
    vips_close(&v);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(it_is_on_the_interface_that_has_the_tunnels_own_address),
        cmocka_unit_test(no_interface_is_a_reason),
        cmocka_unit_test(what_a_crash_left_is_removed_and_nothing_else),
    };
    return cmocka_run_group_tests(tests, make_links, remove_folder);
}
