/* SPDX-License-Identifier: Apache-2.0 */
/* Libreswan's lines, letter by letter. */
#include "support/test.h" /* first: the fixture asserts */

#include "bin/ipsec/lines/fixture.h"

static struct page p;

static struct voice voice(bool has_prefix)
{
    page_open(&p);
    return (struct voice){.to = p.to, .has_prefix = has_prefix};
}

static void traffic_is_told_by_name_with_id_and_lease(void **state)
{
    (void)state;
    struct answers a = fixture_answers();
    struct voice v = voice(true);
    assert_int_equal(libreswan_traffic(&v, &a, NULL), 2);
    page_is(&p,
            "006 #6: \"a-road/lan\"[2] 198.51.100.2, type=ESP, add_time=999999999, inBytes=0, outBytes=0, "
            "maxBytes=2^63B, id='second@example', lease=10.9.0.2/32\n"
            "006 #2: \"mytunnel\", type=ESP, add_time=999999900, inBytes=84, outBytes=168, maxBytes=2^63B, "
            "id='@east'\n");
    fixture_free(&a);
}

static void traffic_of_one_connection_without_codes(void **state)
{
    (void)state;
    struct answers a = fixture_answers();
    struct voice v = voice(false);
    assert_int_equal(libreswan_traffic(&v, &a, "mytunnel"), 1);
    assert_int_equal(libreswan_traffic(&v, &a, "mytunne"), 0);
    page_is(&p, "#2: \"mytunnel\", type=ESP, add_time=999999900, inBytes=84, outBytes=168, maxBytes=2^63B, "
                "id='@east'\n");
    fixture_free(&a);
}

static void identities_are_marked_as_libreswan_marks_them(void **state)
{
    (void)state;
    static const struct {
        const char *id, *shown;
    } rows[] = {
        {"east",         "@east"       },
        {"gw.example",   "@gw.example" },
        {"user@example", "user@example"},
        {"192.0.2.1",    "192.0.2.1"   },
        {"fd00::1",      "fd00::1"     },
        {"C=CA, CN=x",   "C=CA, CN=x"  },
        {"%any",         "%any"        },
        {"%null",        "ID_NULL"     },
    };
    char buf[64];
    for (size_t i = 0; i < sizeof(rows) / sizeof(*rows); i++)
        assert_string_equal(libreswan_id(rows[i].id, buf, sizeof(buf)), rows[i].shown);
}

static void what_came_up_is_told_as_established(void **state)
{
    (void)state;
    struct answers a = fixture_answers();
    struct voice v = voice(true);
    libreswan_up(&v, &a, "mytunnel", NULL);
    libreswan_up(&v, &a, "a-road", "lan");
    libreswan_up(&v, &a, "a-road", "dmz");
    page_is(
        &p,
        "004 \"mytunnel\" #2: initiator established Child SA using #1; IPsec tunnel "
        "[192.1.2.23/32===192.1.2.45/32] {ESP=>0x0badcafe <0xc0ffee00 xfrm=AES_GCM_16_256-NONE DPD=passive}\n"
        "004 \"a-road/lan\"[2] 198.51.100.2 #6: initiator established Child SA using #5; IPsec tunnel "
        "[10.0.0.0/8===10.9.0.2/32] {ESP/ESNinUDP=>0x00000066 <0x00000006 "
        "xfrm=AES_CBC_128-HMAC_SHA2_256_128 DPD=active}\n");
    fixture_free(&a);
}

static void connections_have_topology_routing_and_totals(void **state)
{
    (void)state;
    struct answers a = fixture_answers();
    struct voice v = voice(true);
    libreswan_connections(&v, &a, NULL);
    page_has(
        &p,
        (const char *const[]){
            "000 Connection list:\n000  \n",
            "000 \"a-road/lan\": 10.0.0.0/8===192.1.2.23[@gw.example]...%any; erouted; eroute owner: #6\n",
            NULL});
    fixture_free(&a);
}

static void a_host_to_host_connection_shows_no_subnets(void **state)
{
    (void)state;
    struct answers a = fixture_answers();
    struct voice v = voice(true);
    libreswan_connections(&v, &a, "mytunnel");
    page_has(&p, (const char *const[]){
                     "000 \"mytunnel\": 192.1.2.23[@west]...192.1.2.45[@east]; erouted; eroute owner: #2\n",
                     "000 \"mytunnel\":   our auth:rsasig, their auth:rsasig,",
                     "000 \"mytunnel\":   newest IKE SA: #1; newest IPsec SA: #2;", NULL});
    fixture_free(&a);
}

static void a_trap_is_a_prospective_route(void **state)
{
    (void)state;
    struct answers a = fixture_answers();
    struct voice v = voice(true), newer;
    libreswan_connections(&v, &a, "a-road");
    page_has(&p,
             (const char *const[]){"000 \"a-road/dmz\": 172.16.0.0/12===", "; prospective erouted;", NULL});
    newer = voice(false);
    libreswan_connections(&newer, &a, "a-road");
    page_has(&p, (const char *const[]){"\n\"a-road/dmz\": 172.16.0.0/12===", "; routed-ondemand;", NULL});
    fixture_free(&a);
}

static void states_and_counts_are_told(void **state)
{
    (void)state;
    struct answers a = fixture_answers();
    struct libreswan_places places = {
        .etc = "/etc",
        .state = "/var/lib",
        .interfaces = (const char *const[]){"lo UDP 127.0.0.1:500", NULL}
    };
    struct voice v = voice(true);
    libreswan_status(&v, &a, &places);
    page_has(
        &p,
        (const char *const[]){
            "000 interface lo UDP 127.0.0.1:500\n000  \n", "000 configdir=/etc, configfile=/etc/ipsec.conf,",
            "000 Total IPsec connections: loaded 3, active 2\n",
            "000 State Information: DDoS cookies not required, Accepting new IKE connections\n"
            "000 IKE SAs: total(4), half-open(1), open(0), authenticated(3), anonymous(0)\n"
            "000 IPsec SAs: total(2), authenticated(2), anonymous(0)\n",
            "000 #1: \"mytunnel\":500 STATE_V2_ESTABLISHED_IKE_SA (established IKE SA); REKEY in 1000s;",
            "000 #2: \"mytunnel\":500 STATE_V2_ESTABLISHED_CHILD_SA (established Child SA); REKEY in 3000s; "
            "newest; eroute owner; IKE SA #1; idle;\n",
            "000 #2: \"mytunnel\" esp.0badcafe@192.1.2.45 esp.c0ffee00@192.1.2.23 tun.0@192.1.2.45 "
            "tun.0@192.1.2.23 Traffic: ESPin=84B ESPout=168B ESPmax=2^63B\n",
            "000 Bare Shunt list:\n", NULL});
    fixture_free(&a);
}

static void cookies_are_told_of(void **state)
{
    (void)state;
    struct answers a = fixture_answers();
    json_object_set_new(a.status, "cookies-required", json_string("yes"));
    struct voice v = voice(false);
    libreswan_brief(&v, &a);
    page_has(&p, (const char *const[]){"State Information: DDoS cookies required, ", NULL});
    fixture_free(&a);
}

static void codes_below_20_are_no_failures(void **state)
{
    (void)state;
    assert_int_equal(code_as_exit(RC_SUCCESS), 0);
    assert_int_equal(code_as_exit(RC_UNKNOWN_NAME), 21);
    assert_int_equal(code_as_exit(RC_NOTIFICATION + 24), 224);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(traffic_is_told_by_name_with_id_and_lease),
        cmocka_unit_test(traffic_of_one_connection_without_codes),
        cmocka_unit_test(identities_are_marked_as_libreswan_marks_them),
        cmocka_unit_test(what_came_up_is_told_as_established),
        cmocka_unit_test(connections_have_topology_routing_and_totals),
        cmocka_unit_test(a_host_to_host_connection_shows_no_subnets),
        cmocka_unit_test(a_trap_is_a_prospective_route),
        cmocka_unit_test(states_and_counts_are_told),
        cmocka_unit_test(cookies_are_told_of),
        cmocka_unit_test(codes_below_20_are_no_failures),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
