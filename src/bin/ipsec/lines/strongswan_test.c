/* SPDX-License-Identifier: Apache-2.0 */
/* strongSwan's lines, letter by letter. */
#include "support/test.h" /* first: the fixture asserts */

#include "bin/ipsec/lines/fixture.h"

static struct page p;

static void status_is_brief(void **state)
{
    (void)state;
    struct answers a = fixture_answers();
    page_open(&p);
    strongswan_status(p.to, &a, "mytunnel", false);
    page_is(&p, "Security Associations (3 up, 1 connecting):\n"
                "    mytunnel[1]: ESTABLISHED 2 hours ago, 192.1.2.23[west]...192.1.2.45[east]\n"
                "    mytunnel{2}:  INSTALLED, TUNNEL, reqid 1, ESP SPIs: c0ffee00_i 0badcafe_o\n"
                "    mytunnel{2}:   192.1.2.23/32 === 192.1.2.45/32\n"
                "    mytunnel{3}:  REKEYED, TUNNEL, reqid 1, expires in 5 seconds\n"
                "    mytunnel{3}:   192.1.2.23/32 === 192.1.2.45/32\n");
    fixture_free(&a);
}

static void statusall_has_head_connections_and_algorithms(void **state)
{
    (void)state;
    struct answers a = fixture_answers();
    a.pools = fixture_json("{'10.9.0.0/24':{'size':'254','online':'1','offline':'2'}}");
    a.addresses = fixture_json("['192.1.2.23','2001:db8::23']");
    json_object_set_new(a.stats, "mallinfo", fixture_json("{'sbrk':'9','mmap':'3','used':'5','free':'4'}"));
    json_object_update_missing_new(json_object_get(conn_of(&a, "a-road"), "remote-1"),
                                   fixture_json("{'revocation':'SKIPPED','groups':['sales','research']}"));
    page_open(&p);
    strongswan_status(p.to, &a, NULL, true);
    page_has(
        &p,
        (const char *const[]){
            "Status of IKE charon daemon (Keyway 1.2, Linux 6.1, x86_64):\n"
            "  uptime: 2 minutes, since Nov 21 18:00:00 2026\n"
            "  malloc: sbrk 9, mmap 3, used 5, free 4\n"
            "  worker threads: 4 of 4 idle, 0/0/0/0 working, job queue: 0/0/0/0, scheduled: 0\n"
            "  loaded plugins: \n"
            "Virtual IP pools (size/online/offline):\n"
            "  10.9.0.0/24: 254/1/2\n"
            "Listening IP addresses:\n"
            "  192.1.2.23\n"
            "  2001:db8::23\n"
            "Connections:\n"
            "    mytunnel:  192.1.2.23...192.1.2.45  IKEv2\n"
            "    mytunnel:   local:  [west] uses public key authentication\n"
            "    mytunnel:   remote: [east] uses public key authentication\n"
            "    mytunnel:   child:  192.1.2.23/32 === 192.1.2.45/32 TUNNEL\n"
            "      a-road:  192.1.2.23...%any  IKEv2, dpddelay=30s\n"
            "      a-road:   local:  [gw.example] uses public key authentication\n"
            "      a-road:    cert:  \"CN=gw\"\n"
            "      a-road:   remote: uses public key authentication\n"
            "      a-road:    ca:    \"C=CA, CN=Root\"\n"
            "      a-road:    crl:   status must be GOOD or SKIPPED\n"
            "      a-road:    group: sales\n"
            "      a-road:    group: research\n"
            "         lan:   child:  10.0.0.0/8 === dynamic TUNNEL, dpdaction=trap\n"
            "         dmz:   child:  172.16.0.0/12 === dynamic TUNNEL, dpdaction=none\n"
            "Routed Connections:\n"
            "         dmz{1}:  ROUTED, TUNNEL, reqid 1\n"
            "         dmz{1}:   172.16.0.0/12 === 10.9.0.0/16\n"
            "Security Associations (3 up, 1 connecting):\n",
            "    mytunnel[1]: IKEv2 SPIs: 00000000000000aa_i* 00000000000000bb_r, rekeying in 16 minutes\n"
            "    mytunnel[1]: IKE proposal: AES_CBC_128/HMAC_SHA2_256_128/PRF_HMAC_SHA2_256/CURVE_25519\n",
            "    mytunnel{2}:  AES_GCM_16_256, 84 bytes_i (1 pkt, 3s ago), 168 bytes_o (2 pkts, 3s ago), "
            "rekeying "
            "in 50 minutes\n",
            ", rekeying disabled\n", "/KE1_ML_KEM_768\n",
            "         lan{6}:  INSTALLED, TUNNEL, reqid 7, ESP in UDP SPIs: 00000006_i 00000066_o\n"
            "         lan{6}:  AES_CBC_128/HMAC_SHA2_256_128/ESN, 0 bytes_i, 0 bytes_o, rekeying disabled\n",
            "      a-road[8]: CONNECTING, 192.1.2.23[]...198.51.100.3[%any]\n", NULL});
    fixture_free(&a);
}

static void nothing_is_none_and_an_unknown_name_no_match(void **state)
{
    (void)state;
    struct answers a = fixture_answers();
    json_array_clear(a.sas);
    page_open(&p);
    strongswan_status(p.to, &a, NULL, false);
    strongswan_status(p.to, &a, "x", false);
    page_has(&p, (const char *const[]){"Security Associations (0 up, 0 connecting):\n  none\n",
                                       "Security Associations (0 up, 0 connecting):\n  no match\n", NULL});
    fixture_free(&a);
}

static void leases_are_listed_by_pool(void **state)
{
    (void)state;
    json_t *pools =
        fixture_json("{'roads':{'base':'10.9.0.0','size':'254','online':'1','offline':'1','leases':{"
                     "'0':{'address':'10.9.0.1','identity':'CN=x','status':'online'},"
                     "'1':{'address':'10.9.0.2','identity':'y','status':'offline'}}}}");
    page_open(&p);
    assert_true(strongswan_leases(p.to, pools, NULL, NULL));
    assert_true(strongswan_leases(p.to, pools, "roads", "10.9.0.2"));
    assert_false(strongswan_leases(p.to, pools, "roads", "10.9.0.3"));
    assert_false(strongswan_leases(p.to, pools, "other", NULL));
    page_is(&p, "Leases in pool 'roads', usage: 2/254, 1 online\n"
                "       10.9.0.1   online    'CN=x'\n"
                "       10.9.0.2   offline   'y'\n"
                "Leases in pool 'roads', usage: 2/254, 1 online\n"
                "       10.9.0.2   offline   'y'\n"
                "Leases in pool 'roads', usage: 2/254, 1 online\n"
                "  no matching leases found\n"
                "pool 'other' not found\n");
    json_decref(pools);
}

static void counters_have_the_old_names(void **state)
{
    (void)state;
    json_t *all = json_pack("{s:{s:s,s:s},s:{s:s}}", "", "ike-rekey-init", "0", "info-out-resp", "1234567",
                            "gw", "create-child-in-req", "7");
    page_open(&p);
    strongswan_counters(p.to, all, NULL);
    page_has(&p, (const char *const[]){"\nList of IKE counters:\n\nikeInitRekey                  0\n",
                                       "ikeOutInfoRsp           1234567\n", NULL});
    page_open(&p);
    strongswan_counters(p.to, all, "gw");
    page_has(&p, (const char *const[]){"\nList of IKE counters for 'gw':\n\n",
                                       "ikeInCrChildReq               7\n", NULL});
    page_open(&p);
    strongswan_counters(p.to, all, "other");
    page_is(&p, "No IKE counters found for 'other'\n");
    json_decref(all);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(status_is_brief),
        cmocka_unit_test(counters_have_the_old_names),
        cmocka_unit_test(statusall_has_head_connections_and_algorithms),
        cmocka_unit_test(nothing_is_none_and_an_unknown_name_no_match),
        cmocka_unit_test(leases_are_listed_by_pool),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
