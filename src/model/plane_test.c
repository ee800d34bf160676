/* SPDX-License-Identifier: Apache-2.0 */
/* Who carries a connection: what it needs, what is configured, what there is. */
#include "base/diag.h"
#include "model/connection.h"
#include "support/test.h"
#include <stdio.h>
#include <string.h>

static const struct planes both = {.has_user = true, .has_kernel = true},
                           only_user = {.has_user = true, .why = "it was built without IPsec"},
                           only_kernel = {.has_kernel = true}, none = {.has_user = false};

static struct child_config child;
static struct connection conn;
static struct settings settings;
static enum plane plane;
static struct diag why;

static int setup(void **state)
{
    (void)state;
    child = (struct child_config){.name = "net"};
    conn = (struct connection){.name = "office", .children = &child, .n_children = 1};
    settings_defaults(&settings);
    return 0;
}

static bool ask(const struct planes *p)
{
    return connection_plane(&conn, &settings, p, false, &plane, &why);
}

static void must_be(const struct planes *p, enum plane expected)
{
    assert_true(ask(p));
    assert_int_equal(plane, expected);
    assert_int_equal(why.class, FAIL_NONE);
}

static void must_fail(const struct planes *p, const char *what)
{
    assert_false(ask(p));
    assert_int_equal(why.class, FAIL_CONFIG);
    assert_string_equal(why.what, what);
}

static void a_plain_connection_is_the_kernels_where_there_is_one(void **state)
{
    (void)state;
    must_be(&both, PLANE_KERNEL);
    must_be(&only_kernel, PLANE_KERNEL);
    must_be(&only_user, PLANE_USER);
    assert_string_equal(why.what, ""); /* nothing of its own keeps it from the kernel */
    conn.dataplane = DATAPLANE_USER;
    must_be(&both, PLANE_USER);
    conn.dataplane = DATAPLANE_KERNEL;
    must_be(&both, PLANE_KERNEL);
}

static void a_kernel_without_an_interfaces_kind_is_a_reason(void **state)
{
    (void)state;
    struct planes p = {.has_user = true, .has_kernel = true, .lacks_xfrmi = true};
    must_be(&p, PLANE_KERNEL); /* nothing asks for one */
    child.kernel.interface = (struct kernel_interface){.name = "ipsec1", .kind = INTERFACE_XFRM};
    must_be(&both, PLANE_KERNEL);
    must_fail(&p, "connection office needs the interface ipsec1, and this kernel has no XFRM interfaces");
    assert_non_null(strstr(why.expected, "xfrm_interface"));
    assert_non_null(strstr(why.got, "kind xfrm"));
    assert_non_null(strstr(why.try, "modprobe xfrm_interface"));
    child.kernel.interface.kind = INTERFACE_VTI;
    must_be(&p, PLANE_KERNEL);
    p.lacks_vti = true;
    must_fail(&p, "connection office needs the interface ipsec1, and this kernel has no VTI interfaces");
    must_fail(&only_user,
              "connection office needs an interface of IPsec, which only the kernel does, and the "
              "kernel cannot carry packets: it was built without IPsec");
}

static void a_kernel_without_a_feature_is_a_reason(void **state)
{
    (void)state;
    struct planes p = {.has_user = true, .has_kernel = true, .kernel = "Linux 4.9.0"};
    for (size_t i = FEATURE_NONE + 1; i < KERNEL_FEATURES; i++)
        p.lacks[i] = true;
    must_be(&p, PLANE_KERNEL); /* nothing asks for any */
    child.kernel.in.mark = (struct mark){1, UINT32_MAX};
    must_be(&p, PLANE_KERNEL);
    child.kernel.out.set_mark = (struct mark){1, 0xff};
    must_be(&both, PLANE_KERNEL);
    must_fail(&p, "connection office needs marks that are set, and this kernel has none");
    assert_non_null(strstr(why.expected, "Linux 4.19"));
    assert_non_null(strstr(why.try, "set_mark_in"));
    child.kernel = (struct kernel_options){.out = {.if_id = 7}};
    must_fail(&p, "connection office needs XFRM interfaces (if_id), and this kernel has none");
    assert_non_null(strstr(why.try, "if_id_in"));
    p.lacks[FEATURE_IF_ID] = false;
    must_be(&p, PLANE_KERNEL);
    child.mode = MODE_IPTFS;
    must_fail(&p, "connection office needs IP-TFS (mode iptfs), and this kernel has none");
    assert_non_null(strstr(why.expected, "CONFIG_XFRM_IPTFS"));
    assert_non_null(strstr(why.got, "Linux 4.9.0"));
    child.mode = MODE_TUNNEL;
    p.lacks[FEATURE_IF_ID] = true;
    conn.dataplane = DATAPLANE_USER;
    must_fail(&p, "connection office needs XFRM interfaces (if_id), which only the kernel does, and "
                  "dataplane = user");
}

static void what_can_be_done_without_is_a_reason_for_who_wants_the_kernel_by_name(void **state)
{
    (void)state;
    struct planes old = {.has_user = true, .has_kernel = true, .lacks = {[FEATURE_CPU] = true}};
    child.per_cpu = PER_CPU_YES;
    must_be(&both, PLANE_KERNEL);
    must_be(&old, PLANE_KERNEL); /* with one SA */
    must_be(&only_user, PLANE_USER);
    conn.dataplane = DATAPLANE_KERNEL;
    must_be(&both, PLANE_KERNEL);
    must_fail(&old, "connection office needs SAs for each processor, and this kernel has none");
    assert_non_null(strstr(why.expected, "Linux 6.13"));
    assert_non_null(strstr(why.try, "dataplane = auto"));
    child.per_cpu = PER_CPU_NO;
    must_be(&old, PLANE_KERNEL);
    child.per_cpu = PER_CPU_YES;
    conn.dataplane = DATAPLANE_USER;
    must_be(&both, PLANE_USER);
}

static void a_connection_overrides_the_settings(void **state)
{
    (void)state;
    settings.dataplane = DATAPLANE_USER;
    must_be(&both, PLANE_USER);
    conn.dataplane = DATAPLANE_KERNEL;
    must_be(&both, PLANE_KERNEL);
    settings.dataplane = DATAPLANE_KERNEL;
    conn.dataplane = DATAPLANE_USER;
    must_be(&both, PLANE_USER);
}

static void what_nobody_has_is_refused(void **state)
{
    (void)state;
    must_fail(&none, "connection office cannot be: dataplane = auto, and this machine has no data plane in "
                     "userspace");
    conn.dataplane = DATAPLANE_KERNEL;
    must_fail(&only_user, "connection office cannot be: dataplane = kernel, and the kernel cannot carry "
                          "packets: it was built without IPsec");
    conn.dataplane = DATAPLANE_USER;
    must_fail(&only_kernel, "connection office cannot be: dataplane = user, and this machine has no data "
                            "plane in userspace");
}

static void must_need_userspace(const char *what)
{
    char text[200];
    must_be(&both, PLANE_USER);
    snprintf(text, sizeof(text), "%s, which only userspace does", what);
    assert_string_equal(why.what, text);
    must_be(&only_user, PLANE_USER);
    snprintf(text, sizeof(text),
             "connection office needs %s, which only userspace does, and this machine has "
             "no data plane in userspace",
             what);
    must_fail(&only_kernel, text);
    conn.dataplane = DATAPLANE_KERNEL;
    snprintf(text, sizeof(text),
             "connection office needs %s, which only userspace does, and dataplane = kernel", what);
    must_fail(&both, text);
    conn.dataplane = DATAPLANE_USER;
    must_be(&both, PLANE_USER);
    assert_string_equal(why.what, ""); /* as it was asked for */
    setup(NULL);
}

static void what_only_userspace_does_goes_there_under_auto(void **state)
{
    (void)state;
    conn.tcp = TCP_ALWAYS;
    must_need_userspace("TCP encapsulation");
    conn.tcp = TCP_FALLBACK;
    must_need_userspace("TCP encapsulation");
    child.dscp = 1;
    must_need_userspace("traffic classes (dscp)");
}

static void a_cluster_as_the_peer_is_the_kernels_like_any_other(void **state)
{
    (void)state;
    conn.syncs_message_ids = true;
    must_be(&both, PLANE_KERNEL);
    assert_string_equal(why.what, "");
    must_be(&only_user, PLANE_USER);
}

static void an_ike_sa_in_tcp_is_userspaces(void **state)
{
    (void)state;
    assert_true(connection_plane(&conn, &settings, &both, true, &plane, &why));
    assert_int_equal(plane, PLANE_USER);
    conn.dataplane = DATAPLANE_KERNEL;
    assert_false(connection_plane(&conn, &settings, &both, true, &plane, &why));
}

static void must_need_the_kernel(const char *what)
{
    char text[300];
    must_be(&both, PLANE_KERNEL);
    snprintf(text, sizeof(text),
             "connection office needs %s, which only the kernel does, and the kernel cannot "
             "carry packets: it was built without IPsec",
             what);
    must_fail(&only_user, text);
    settings.dataplane = DATAPLANE_USER;
    snprintf(text, sizeof(text),
             "connection office needs %s, which only the kernel does, and dataplane = user", what);
    must_fail(&both, text);
    settings.dataplane = DATAPLANE_AUTO;
    conn.tcp = TCP_ALWAYS;
    snprintf(text, sizeof(text),
             "connection office needs TCP encapsulation, which only userspace does, and %s, "
             "which only the kernel does",
             what);
    must_fail(&both, text);
    setup(NULL);
}

static void what_only_the_kernel_does_is_refused_elsewhere(void **state)
{
    (void)state;
    child.kernel.in.mark = (struct mark){1, UINT32_MAX};
    must_need_the_kernel("marks");
    child.kernel.out.mark = (struct mark){KERNEL_UNIQUE, UINT32_MAX};
    must_need_the_kernel("marks");
    child.kernel.out.set_mark = (struct mark){1, 0xff};
    must_need_the_kernel("marks that are set");
    child.kernel.out.if_id = KERNEL_UNIQUE_DIR;
    must_need_the_kernel("XFRM interfaces (if_id)");
    strcpy(child.kernel.device, "eth0");
    must_need_the_kernel("policies of one interface");
    child.kernel.offload = OFFLOAD_PACKET;
    must_need_the_kernel("hardware offload");
    child.mode = MODE_IPTFS;
    must_need_the_kernel("IP-TFS (mode iptfs)");
}

static void offload_that_may_fall_back_is_no_reason(void **state)
{
    (void)state;
    child.kernel.offload = OFFLOAD_AUTO;
    must_be(&only_user, PLANE_USER);
    must_be(&both, PLANE_KERNEL);
}

static void the_line_that_decides_is_named(void **state)
{
    (void)state;
    struct origin of_child[] =
        {
            {.key = "mark_out", .file = "swanctl.conf", .line = 7, .column = 3}
    },
                  of_conn[] = {{.key = "dataplane", .file = "swanctl.conf", .line = 2, .column = 1}};
    child.kernel.out.mark = (struct mark){1, UINT32_MAX};
    conn.dataplane = DATAPLANE_USER;
    conn.origins = (struct origins){of_conn, 1};
    assert_false(ask(&both));
    assert_string_equal(why.where, "swanctl.conf:2:1");
    child.origins = (struct origins){of_child, 1};
    assert_false(ask(&both));
    assert_string_equal(why.where, "swanctl.conf:7:3");
}

static void numbers_are_chosen_by_the_reqid(void **state)
{
    (void)state;
    struct kernel_options o = {
        .in = {.mark = {KERNEL_UNIQUE, UINT32_MAX}, .set_mark = {0, 0xf0}, .if_id = KERNEL_UNIQUE_DIR},
        .out = {.mark = {KERNEL_UNIQUE_DIR, 0xff},   .set_mark = {5, 0xf0}, .if_id = 9                },
        .is_set_mark_same_in = true,
    };
    struct kernel_options same = {
        .in.mark = {KERNEL_UNIQUE, UINT32_MAX},
          .out.mark = {KERNEL_UNIQUE, UINT32_MAX}
    };
    same = kernel_numbers(&same, 4);
    assert_int_equal(same.in.mark.value, same.out.mark.value);
    assert_int_equal(kernel_numbers(&o, 0x104).out.mark.value, 0x09);
    struct kernel_options a = kernel_numbers(&o, 4), again = kernel_numbers(&o, 4), b = kernel_numbers(&o, 5);
    assert_memory_equal(&a, &again, sizeof(a));
    assert_int_equal(a.in.mark.value, 8);
    assert_int_equal(a.in.mark.mask, UINT32_MAX);
    assert_int_equal(a.in.set_mark.value, 8);
    assert_int_equal(a.in.set_mark.mask, 0xf0);
    assert_int_equal(a.in.if_id, 8);
    assert_int_equal(a.out.mark.value, 9);
    assert_int_equal(a.out.mark.mask, 0xff);
    assert_int_equal(a.out.set_mark.value, 5);
    assert_int_equal(a.out.if_id, 9);
    assert_int_equal(b.in.mark.value, 10);
    assert_int_equal(b.out.mark.value, 11);
    assert_int_equal(b.out.if_id, 9);
}

static void without_options_there_are_no_numbers(void **state)
{
    (void)state;
    struct kernel_options o = {.offload = OFFLOAD_NO}, k = kernel_numbers(&o, 7);
    assert_memory_equal(&k, &o, sizeof(k));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup(a_plain_connection_is_the_kernels_where_there_is_one, setup),
        cmocka_unit_test_setup(a_kernel_without_an_interfaces_kind_is_a_reason, setup),
        cmocka_unit_test_setup(a_kernel_without_a_feature_is_a_reason, setup),
        cmocka_unit_test_setup(what_can_be_done_without_is_a_reason_for_who_wants_the_kernel_by_name, setup),
        cmocka_unit_test_setup(a_connection_overrides_the_settings, setup),
        cmocka_unit_test_setup(what_nobody_has_is_refused, setup),
        cmocka_unit_test_setup(what_only_userspace_does_goes_there_under_auto, setup),
        cmocka_unit_test_setup(a_cluster_as_the_peer_is_the_kernels_like_any_other, setup),
        cmocka_unit_test_setup(an_ike_sa_in_tcp_is_userspaces, setup),
        cmocka_unit_test_setup(what_only_the_kernel_does_is_refused_elsewhere, setup),
        cmocka_unit_test_setup(offload_that_may_fall_back_is_no_reason, setup),
        cmocka_unit_test_setup(the_line_that_decides_is_named, setup),
        cmocka_unit_test_setup(numbers_are_chosen_by_the_reqid, setup),
        cmocka_unit_test_setup(without_options_there_are_no_numbers, setup),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
