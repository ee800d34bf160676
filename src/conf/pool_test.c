/* SPDX-License-Identifier: Apache-2.0 */
/* pools {}, and what connections and tunnels say about virtual addresses. */
#include "base/text.h"
#include "support/conf_fixture.h"

static void assert_ranges(const struct config *c, const char *pool, const char *want)
{
    char got[512] = "", from[IP_TEXT_MAX], to[IP_TEXT_MAX];
    struct text t = TEXT_ON(got);
    const struct pool_config *p = config_pool(c, pool);
    assert_non_null(p);
    for (size_t i = 0; i < p->n_ranges; i++)
        text_printf(&t, "%s%s-%s", i ? " " : "", ip_format(p->ranges[i].from, from),
                    ip_format(p->ranges[i].to, to));
    assert_string_equal(got, want);
}

static void prefixes_leave_out_what_is_nobodys_address(void **state)
{
    (void)state;
    struct config *c =
        swanctl("pools {\n b { addrs = 10.3.0.0/24, fd00::/64\n }\n a { addrs = 10.4.0.10/24\n }\n"
                " c { addrs = 10.5.0.4/31, 10.6.0.1/32, 10.7.0.10-10.7.0.12\n }\n }");
    assert_ranges(c, "b", "10.3.0.1-10.3.0.254 fd00::1-fd00::ffff:ffff:ffff:ffff");
    assert_ranges(c, "a", "10.4.0.10-10.4.0.254");
    assert_null(config_pool(c, "d"));
    config_unref(c);
}

static void exclusions_are_taken_out(void **state)
{
    (void)state;
    struct config *c = swanctl("pools { a { addrs = 10.3.0.0/24\n exclude = 10.3.0.1, 10.3.0.64/26\n } }");
    assert_ranges(c, "a", "10.3.0.2-10.3.0.63 10.3.0.128-10.3.0.254");
    config_unref(c);
}

static void assert_attr(const struct pool_config *p, size_t i, uint16_t type, const char *hex)
{
    uint8_t want[64];
    size_t len = 0;
    assert_true(i < p->n_attrs);
    assert_int_equal(p->attrs[i].type, type);
    assert_true(hex_decode(span_str(hex), want, sizeof(want), &len));
    assert_span_equal(p->attrs[i].value, span_of(want, len));
}

static void attributes_have_the_form_of_the_wire(void **state)
{
    (void)state;
    struct config *c =
        swanctl("pools { a {\n dns = 10.0.0.1, fd00::1\n nbns = 10.0.0.2\n dhcp = 10.0.0.3\n netmask = "
                "255.255.0.0\n subnet = 10.1.0.0/16, fd01::/16\n split_include = 10.2.0.0/20\n domains = "
                "corp.example.\n 28672 = hello\n 7 = 0x0102\n 20 = 10.0.0.9\n } }");
    const struct pool_config *p = config_pool(c, "a");
    assert_int_equal(p->n_attrs, 12);
    assert_attr(p, 0, 3, "0a000001");
    assert_attr(p, 1, 10, "fd000000000000000000000000000001");
    assert_attr(p, 2, 4, "0a000002");
    assert_attr(p, 3, 6, "0a000003");
    assert_attr(p, 4, 2, "ffff0000");
    assert_attr(p, 5, 13, "0a010000ffff0000");
    assert_attr(p, 6, 15, "fd01000000000000000000000000000010");
    assert_attr(p, 7, 28676, "0a020000fffff000000000000000");
    assert_attr(p, 8, 25, "636f72702e6578616d706c65");
    assert_attr(p, 9, 28672, "68656c6c6f");
    assert_attr(p, 10, 7, "0102");
    assert_attr(p, 11, 20, "0a000009");
    config_unref(c);
}

static void connections_ask_and_give(void **state)
{
    (void)state;
    struct config *c =
        swanctl("connections { a { vips = 0.0.0.0, ::, 10.3.0.7\n local { auth = psk\n }\n remote "
                "{ auth = psk\n }\n children { n { remote_ts = 0.0.0.0/0\n } m { remote_ts = "
                "10.0.0.0/8\n } } }\n b { pools = one, two\n local { auth = psk\n } children { n "
                "{ remote_ts = 0.0.0.0/0\n } } } }\npools { two { } one { } }");
    const struct connection *a = config_find(c, "a"), *b = config_find(c, "b");
    assert_int_equal(a->n_vips, 3);
    assert_true(ip_is_unspecified(a->vips[1]));
    assert_int_equal(a->vips[1].family, 6);
    assert_true(connection_child(a, "n")->peer_decides);
    assert_false(connection_child(a, "m")->peer_decides);
    assert_int_equal(b->n_pools, 2);
    assert_string_equal(b->pools[1], "two");
    assert_false(connection_child(b, "n")->peer_decides);
    config_unref(c);
}

static void road_warriors_need_four_lines_on_each_side(void **state)
{
    (void)state;
    struct config *c =
        keyway("tunnel warriors {\n psk = x\n local = 10.1.0.0/16\n pool = 10.3.0.0/24\n dns = "
               "10.1.0.53\n domains = corp.example\n exclude = 10.3.0.1\n}\n"
               "tunnel home {\n peer = 192.0.2.1\n psk = x\n vip = yes\n}\n"
               "tunnel all {\n peer = 192.0.2.2\n psk = x\n vip = 0.0.0.0\n remote = 0.0.0.0/0\n}\n"
               "tunnel named {\n psk = x\n id = b\n pool = other, warriors\n}\n"
               "pools { other { addrs = 10.9.0.0/24\n } }\n");
    const struct connection *s = config_find(c, "warriors"), *h = config_find(c, "home"),
                            *all = config_find(c, "all");
    assert_ranges(c, "warriors", "10.3.0.2-10.3.0.254");
    assert_int_equal(config_pool(c, "warriors")->n_attrs, 2);
    assert_int_equal(s->n_pools, 1);
    assert_true(s->children[0].remote_ts[0].is_dynamic);
    assert_int_equal(s->children[0].start_action, START_NONE);
    assert_int_equal(h->n_vips, 2);
    assert_int_equal(h->children[0].n_remote_ts, 2);
    assert_true(h->children[0].local_ts[0].is_dynamic);
    assert_true(h->children[0].peer_decides);
    assert_int_equal(h->children[0].start_action, START_START);
    assert_int_equal(all->n_vips, 1);
    assert_false(all->children[0].peer_decides); /* said so: then nothing leaves in the clear */
    assert_int_equal(config_find(c, "named")->n_pools, 2);
    config_unref(c);
}

static void what_cannot_be_is_refused_by_line(void **state)
{
    (void)state;
    const char *file = "/etc/swanctl/swanctl.conf";
    assert_refused(file, "pools { p {\n addrs = 10.0.0.9-10.0.0.1\n } }", "/etc/swanctl/swanctl.conf:2:10",
                   "not a range");
    assert_refused(file, "pools { p {\n addrs = 10.0.0.0/33\n } }", "/etc/swanctl/swanctl.conf:2:10",
                   "not a range");
    assert_refused(file, "pools { p {\n addrs = 10.0.0.1\n exclude = 10.0.0.0/24\n } }",
                   "/etc/swanctl/swanctl.conf:1:9", "no address is left");
    assert_refused(file, "pools { p {\n dnss = 10.0.0.1\n } }", "/etc/swanctl/swanctl.conf:2:2",
                   "did you mean 'dns'");
    assert_refused(file, "pools { p {\n nbns = fd00::1\n } }", "/etc/swanctl/swanctl.conf:2:9",
                   "cannot be told");
    assert_refused(file, "pools { p {\n domains = a b\n } }", "/etc/swanctl/swanctl.conf:2:12",
                   "domains such as");
    assert_refused(file, "pools { p {\n 1 = 10.0.0.1\n } }", "/etc/swanctl/swanctl.conf:2:2", "unknown key");
    assert_refused(file, "pools {\n p = 1\n }", "/etc/swanctl/swanctl.conf:2:2", "section is expected");
    assert_refused(file, "connections { a {\n vips = nobody\n } }", "/etc/swanctl/swanctl.conf:2:9",
                   "not an address");
    assert_refused(file, "connections { a {\n pools = main\n } }", "/etc/swanctl/swanctl.conf:2:2",
                   "no pool 'main'");
    assert_refused(file, "connections { a {\n pools = radius\n } }", "/etc/swanctl/swanctl.conf:2:2",
                   "RADIUS");
    file = "/etc/keyway/keyway.conf";
    assert_refused(file, "tunnel t {\n psk = x\n dns = 10.0.0.1\n}", "/etc/keyway/keyway.conf:3:8",
                   "with an address only");
    assert_refused(file, "tunnel t {\n psk = x\n pool = main\n dns = 10.0.0.1\n}\npools { main { } }",
                   "/etc/keyway/keyway.conf:4:8", "section of pool 'main'");
    assert_refused(file, "tunnel t {\n psk = x\n pool = 10.3.0.0/24\n}\npools { t { } }",
                   "/etc/keyway/keyway.conf:1:1", "already a pool 't'");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(prefixes_leave_out_what_is_nobodys_address),
        cmocka_unit_test(exclusions_are_taken_out),
        cmocka_unit_test(attributes_have_the_form_of_the_wire),
        cmocka_unit_test(connections_ask_and_give),
        cmocka_unit_test(road_warriors_need_four_lines_on_each_side),
        cmocka_unit_test(what_cannot_be_is_refused_by_line),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
