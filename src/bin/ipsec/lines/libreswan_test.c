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
        {"0a:0b",        "@#0x0a0b"    },
        {"abc",          "@abc"        },
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
    libreswan_up(&v, &a, "mytunnel", NULL, true);
    libreswan_up(&v, &a, "a-road", "lan", false);
    libreswan_up(&v, &a, "a-road", "dmz", false);
    page_is(
        &p,
        "003 \"mytunnel\" #1: initiator established IKE SA; authenticated peer using digital signature and "
        "ID_FQDN '@east'\n"
        "004 \"mytunnel\" #2: initiator established Child SA using #1; IPsec tunnel "
        "[192.1.2.23/32===192.1.2.45/32] {ESP=>0x0badcafe <0xc0ffee00 xfrm=AES_GCM_16_256-NONE DPD=passive}\n"
        "004 \"a-road/lan\"[2] 198.51.100.2 #6: initiator established Child SA using #5; IPsec tunnel "
        "[10.0.0.0/8===10.9.0.2/32] {ESPinUDP/ESN=>0x00000066 <0x00000006 "
        "xfrm=AES_CBC_128-HMAC_SHA2_256_128 NATD=198.51.100.2:4500 DPD=active}\n");
    fixture_free(&a);
}

static void what_goes_is_told_of_in_both_words(void **state)
{
    (void)state;
    struct answers a = fixture_answers();
    struct voice v = voice(true), newer;
    libreswan_ending(&v, &a, "mytunnel");
    libreswan_ended(&v, &a, "mytunnel");
    page_is(&p, "002 \"mytunnel\": terminating SAs using this connection\n"
                "002 \"mytunnel\" #1: deleting state (STATE_V2_ESTABLISHED_IKE_SA) aged 7500s and sending "
                "notification\n");
    newer = voice(false);
    libreswan_ending(&newer, &a, "mytunnel");
    libreswan_ended(&newer, &a, "mytunnel");
    page_is(&p, "\"mytunnel\": initiating delete of connection's IKE SA #1 (and Child SA #2 #3)\n"
                "\"mytunnel\" #1: sent INFORMATIONAL request to delete IKE SA\n"
                "\"mytunnel\" #1: deleting IKE SA (established IKE SA)\n");
    newer = voice(false);
    libreswan_ending(&newer, &a, "nothing");
    page_is(&p, "");
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
    page_has(
        &p,
        (const char *const[]){
            "000 \"mytunnel\": 192.1.2.23[@west]...192.1.2.45[@east]; erouted; eroute owner: #2\n",
            "000 \"mytunnel\":   our auth:rsasig(RSASIG+RSASIG_v1_5), their auth:RSASIG+ECDSA+RSASIG_v1_5,",
            "000 \"mytunnel\":   newest IKE SA: #1; newest IPsec SA: #2;", NULL});
    fixture_free(&a);
}

/* What keyway-config-show says of a connection, and Libreswan's lines of the same one, which its own programs
 * print: see tests/interop/scenarios/personality_lsw.py. */
static const char shown[] =
    "{'net':{'vips':{'value':''},'pools':{'value':''},'rekey_time':{'value':'0s'},'reauth_time':{'value':'"
    "6900s'"
    "},"
    "'over_time':{'value':'300s'},'rand_time':{'value':'150s'},'dpd_delay':{'value':'30s'},'keyingtries':{'"
    "value':'0'},"
    "'unique':{'value':'no'},'encap':{'value':'yes'},'mobike':{'value':'yes'},'tcp':{'value':'always'},"
    "'tcp_port':{'value':'443'},'fragmentation':{'value':'no'},'ppk_required':{'value':'yes'},"
    "'proposals':{'value':'IKE:AES_CBC_256/HMAC_SHA2_512_256/PRF_HMAC_SHA2_512/MODP_2048, "
    "IKE:AES_GCM_16_256/PRF_HMAC_SHA2_512/PRF_HMAC_SHA2_256/ECP_256/CURVE_25519','origin':'ipsec.conf:9'},"
    "'local':{'auth':{'value':'psk'}},'remote':{'auth':{'value':'psk'}},"
    "'children':{'net':{'mode':{'value':'transport'},'life_time':{'value':'3600s'},'life_bytes':{'value':'"
    "1073741824'},"
    "'life_packets':{'value':'1000'},'replay_window':{'value':'64'},'ipcomp':{'value':'yes'},'sha256_96':{'"
    "value':'yes'},"
    "'copy_df':{'value':'no'},'copy_dscp':{'value':'yes'},'priority':{'value':'7'},'tfc_padding':{'value':'"
    "500'},"
    "'updown':{'value':'/bin/x'},'dpd_action':{'value':'restart','origin':'ipsec.conf:8'},"
    "'esp_proposals':{'value':'ESP:AES_CBC_256/HMAC_SHA2_512_256/EXT_SEQ','origin':'ipsec.conf:7'}}}}}";

static struct answers with_settings(void)
{
    struct answers a = fixture_answers();
    json_decref(a.conns);
    a.conns =
        fixture_json("[{'name':'net','body':{'local_addrs':['192.0.2.1'],'remote_addrs':['192.0.2.2'],"
                     "'local-1':{'class':'pre-shared key','id':'west'},'remote-1':{'class':'pre-shared key',"
                     "'id':'user@east.example'},'children':{'net':{'mode':'TRANSPORT','local-ts':"
                     "['dynamic[udp/1701]'],'remote-ts':['dynamic[udp]']}}}}]");
    a.shown = fixture_json(shown);
    a.interfaces = fixture_json("{'192.0.2.1':'eth0'}");
    json_object_set_new(a.status, "retransmission",
                        fixture_json("{'interval-ms':'4000','timeout':'165','keep-alive':'20'}"));
    answers_index(&a);
    return a;
}

static void settings_are_told_in_the_words_of_4(void **state)
{
    (void)state;
    struct answers a = with_settings();
    struct voice v = voice(true);
    libreswan_connections(&v, &a, "net");
    page_is(
        &p,
        "000 \"net\": "
        "192.0.2.1/32:UDP/1701===192.0.2.1[@west]...192.0.2.2[user@east.example]===192.0.2.2/32:UDP/"
        "0-65535; unrouted; eroute owner: #0\n"
        "000 \"net\":     oriented; my_ip=unset; their_ip=unset; my_updown=/bin/x;\n"
        "000 \"net\":   xauth us:none, xauth them:none,  my_username=[any]; their_username=[any]\n"
        "000 \"net\":   our auth:secret, their auth:secret, our autheap:none, their autheap:none;\n"
        "000 \"net\":   modecfg info: us:none, them:none, modecfg policy:push, dns:unset, domains:unset, "
        "cat:unset;\n"
        "000 \"net\":   sec_label:unset;\n"
        "000 \"net\":   ike_life: 7200s; ipsec_life: 3600s; ipsec_max_bytes: 1GiB; ipsec_max_packets: 1000; "
        "replay_window: 64; rekey_margin: 300s; rekey_fuzz: 50%; keyingtries: 0;\n"
        "000 \"net\":   retransmit-interval: 4000ms; retransmit-timeout: 165s; iketcp:yes; iketcp-port:443;\n"
        "000 \"net\":   initial-contact:no; cisco-unity:no; fake-strongswan:no; send-vendorid:no; "
        "send-no-esp-tfc:no;\n"
        "000 \"net\":   policy: "
        "IKEv2+PSK+ENCRYPT+COMPRESS+DECAP_DSCP+NOPMTUDISC+SHA2_TRUNCBUG+REAUTH+MOBIKE+"
        "PPK_ALLOW+PPK_INSIST+ESN_YES;\n"
        "000 \"net\":   v2-auth-hash-policy: none;\n"
        "000 \"net\":   conn_prio: 32,32; interface: eth0; metric: 0; mtu: unset; sa_prio:7; sa_tfc:500;\n"
        "000 \"net\":   nflog-group: unset; mark: unset; vti-iface:unset; vti-routing:no; vti-shared:no; "
        "nic-offload:auto;\n"
        "000 \"net\":   our idtype: ID_FQDN; our id=@west; their idtype: ID_USER_FQDN; their "
        "id=user@east.example\n"
        "000 \"net\":   liveness: active; dpdaction:restart; dpddelay:30s; retransmit-timeout:165s\n"
        "000 \"net\":   nat-traversal: encaps:yes; keepalive:20s\n"
        "000 \"net\":   newest IKE SA: #0; newest IPsec SA: #0; conn serial: $1;\n"
        "000 \"net\":   IKE algorithms: AES_CBC_256-HMAC_SHA2_512-MODP2048, "
        "AES_GCM_16_256-HMAC_SHA2_512+HMAC_SHA2_256-DH19+DH31\n"
        "000 \"net\":   ESP algorithms: AES_CBC_256-HMAC_SHA2_512_256\n");
    fixture_free(&a);
}

static void settings_are_told_in_the_words_of_5(void **state)
{
    (void)state;
    struct answers a = with_settings();
    struct voice v = voice(false);
    libreswan_connections(&v, &a, "net");
    page_has(
        &p,
        (const char *const[]){
            "\"net\": "
            "192.0.2.1/32/UDP/1701===192.0.2.1[@west]...192.0.2.2[user@east.example]===192.0.2.2/32/UDP; "
            "unrouted; my_ip=unset; their_ip=unset;\n\"net\":   host: oriented; local: 192.0.2.1; remote: "
            "192.0.2.2;\n\"net\":   my_updown=/bin/x;\n",
            "ipsec_max_bytes: 1024MiB; ", "rekey_fuzz: 50%;\n\"net\":   iptfs: no;",
            "+COMPRESS+TRANSPORT+DECAP_DSCP", "conn_prio: 32,32,0;", "nic-offload:no;",
            "liveness: active; dpddelay:30s;", "nat-traversal: encapsulation:yes;",
            "routing: unrouted;\n\"net\":   conn serial: $1;\n", NULL});
    fixture_free(&a);
}

/* One connection whose child has that in keyway-config-show; another one has the interface vti9. */
static void marks_are(bool has_prefix, const char *child, const char *line)
{
    char text[400];
    struct answers a = with_settings();
    struct voice v = voice(has_prefix);
    snprintf(
        text, sizeof(text),
        "{'net':{'children':{'net':{%s}}},'other':{'children':{'a':{'tunnel_interface':{'value':'vti9'}}}}}",
        child);
    json_decref(a.shown);
    a.shown = fixture_json(text);
    libreswan_connections(&v, &a, "net");
    page_has(&p, (const char *const[]){line, NULL});
    fixture_free(&a);
}

/* As Libreswan prints them, but for vti-shared. */
static void marks_and_interfaces_are_told_as_they_are_set(void **state)
{
    (void)state;
    static const struct {
        const char *child, *line;
    } rows[] = {
        {"'mark_in':{'value':'0x2a/0xff'},'mark_out':{'value':'0x2a/0xff'}",
         " mark: 42/0x0000ff, 42/0x0000ff; vti-iface:unset;"                                                                   },
        {"'mark_in':{'value':'7'}",                                          " mark: 7/0xffffffff, 0/00000000;"                },
        {"'mark_out':{'value':'0x2c/0xff0000ff'}",                           " mark: 0/00000000, 44/0xff0000ff;"               },
        {"'mark_in':{'value':'%unique'},'mark_out':{'value':'%unique'}",
         " mark: 4294967295/0xffffffff, 4294967295/0xffffffff;"                                                                },
        {"'mark_in':{'value':'0'},'mark_out':{'value':'0'}",                 " mark: unset;"                                   },
        {"'tunnel_interface':{'value':'ipsec1'},'tunnel_interface_kind':{'value':'xfrm'},'tunnel_interface_"
         "routes':{'value':'yes'}",                                 " vti-iface:unset; vti-routing:no; vti-shared:no;"},
        {"'tunnel_interface':{'value':'vti7'},'tunnel_interface_kind':{'value':'vti'},'tunnel_interface_"
         "routes':{'value':'yes'}",                                 " vti-iface:vti7; vti-routing:yes; vti-shared:no;"},
        {"'tunnel_interface':{'value':'vti9'},'tunnel_interface_kind':{'value':'vti'},'tunnel_interface_"
         "routes':{'value':'no'}",                                  " vti-iface:vti9; vti-routing:no; vti-shared:yes;"},
    };
    for (size_t i = 0; i < sizeof(rows) / sizeof(*rows); i++)
        marks_are(true, rows[i].child, rows[i].line);
    marks_are(true, "'hw_offload':{'value':'crypto'}", "nic-offload:yes;");
    marks_are(false, "'hw_offload':{'value':'crypto'}", "nic-offload:crypto;");
    marks_are(true, "'hw_offload':{'value':'no'}", "nic-offload:no;");
    marks_are(true, "'hw_offload':{'value':'packet'}", "nic-offload:packet;");
    marks_are(true, "", "nic-offload:auto;");
    marks_are(false, "", "nic-offload:no;");
}

static void ip_tfs_is_told_with_its_numbers(void **state)
{
    (void)state;
    struct answers a = with_settings();
    struct voice v = voice(false);
    json_t *children = json_object_get(json_object_get(a.shown, "net"), "children");
    json_object_update_new(
        json_object_get(children, "net"),
        fixture_json("{'mode':{'value':'iptfs'},'iptfs_dont_frag':{'value':'yes'},'iptfs_packet_size':"
                     "{'value':'1300'},'iptfs_max_queue_size':{'value':'1048576'},'iptfs_drop_time':"
                     "{'value':'200000'},'iptfs_init_delay':{'value':'0'},'iptfs_reorder_window':"
                     "{'value':'3'}}"));
    libreswan_connections(&v, &a, "net");
    page_has(&p, (const char *const[]){"iptfs: yes; fragmentation: no; packet-size: 1300; max-queue-size: "
                                       "1048576; drop-time: 0.2; init-delay: 0; reorder-window: 3;",
                                       "+TUNNEL", NULL});
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
            "000 #2: \"mytunnel\" esp.badcafe@192.1.2.45 esp.c0ffee00@192.1.2.23 tun.0@192.1.2.45 "
            "tun.0@192.1.2.23 Traffic: ESPin=84B ESPout=168B ESPmax=2^63B \n",
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
        cmocka_unit_test(what_goes_is_told_of_in_both_words),
        cmocka_unit_test(settings_are_told_in_the_words_of_4),
        cmocka_unit_test(ip_tfs_is_told_with_its_numbers),
        cmocka_unit_test(settings_are_told_in_the_words_of_5),
        cmocka_unit_test(connections_have_topology_routing_and_totals),
        cmocka_unit_test(a_host_to_host_connection_shows_no_subnets),
        cmocka_unit_test(marks_and_interfaces_are_told_as_they_are_set),
        cmocka_unit_test(a_trap_is_a_prospective_route),
        cmocka_unit_test(states_and_counts_are_told),
        cmocka_unit_test(cookies_are_told_of),
        cmocka_unit_test(codes_below_20_are_no_failures),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
