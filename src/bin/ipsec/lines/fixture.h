/* SPDX-License-Identifier: Apache-2.0 */
/* Answers of a daemon for tests of lines: two gateways with a tunnel, a road warrior, a connection that
 * waits. */
#pragma once

#include "bin/ipsec/lines/lines.h"
#include <stdlib.h>
#include <string.h>

static const char fixture_conns[] =
    "[{'name':'mytunnel','body':{'local_addrs':['192.1.2.23'],'remote_addrs':['192.1.2.45'],'version':'IKEv2'"
    ","
    "'rekey_time':'28800','local-1':{'class':'public key','id':'west'},"
    "'remote-1':{'class':'public "
    "key','id':'east'},'children':{'mytunnel':{'mode':'TUNNEL','rekey_time':'3600',"
    "'dpd_action':'none','local-ts':['192.1.2.23/32'],'remote-ts':['192.1.2.45/32']}}}},"
    "{'name':'a-road','body':{'local_addrs':['192.1.2.23'],'remote_addrs':['%any'],'version':'IKEv2',"
    "'dpd_delay':'30','local-1':{'class':'public key','id':'gw.example','certs':['CN=gw']},"
    "'remote-1':{'class':'public key','id':'%any','cacerts':['C=CA, CN=Root']},"
    "'children':{'lan':{'mode':'TUNNEL','dpd_action':'trap','local-ts':['10.0.0.0/"
    "8'],'remote-ts':['dynamic']},"
    "'dmz':{'mode':'TUNNEL','dpd_action':'none','local-ts':['172.16.0.0/12'],'remote-ts':['dynamic']}}}}]";

static const char fixture_sas[] =
    "[{'name':'mytunnel','body':{'uniqueid':'1','version':'2','state':'ESTABLISHED','local-host':'192.1.2.23'"
    ","
    "'local-port':'500','local-id':'west','remote-host':'192.1.2.45','remote-port':'500','remote-id':'east',"
    "'initiator':'yes','initiator-spi':'00000000000000aa','responder-spi':'00000000000000bb','encr-alg':'AES_"
    "CBC',"
    "'encr-keysize':'128','integ-alg':'HMAC_SHA2_256_128','prf-alg':'PRF_HMAC_SHA2_256','dh-group':'CURVE_"
    "25519',"
    "'established':'7500','rekey-time':'1000','child-sas':{'mytunnel-2':{'name':'mytunnel','uniqueid':'2',"
    "'reqid':'1','state':'INSTALLED','mode':'TUNNEL','protocol':'ESP','spi-in':'c0ffee00','spi-out':'"
    "0badcafe',"
    "'encr-alg':'AES_GCM_16','encr-keysize':'256','bytes-in':'84','packets-in':'1','use-in':'3','bytes-out':'"
    "168',"
    "'packets-out':'2','use-out':'3','rekey-time':'3000','install-time':'100','local-ts':['192.1.2.23/32'],"
    "'remote-ts':['192.1.2.45/32']},"
    "'mytunnel-3':{'name':'mytunnel','uniqueid':'3','reqid':'1','state':'REKEYED','mode':'TUNNEL',"
    "'life-time':'5','local-ts':['192.1.2.23/32'],'remote-ts':['192.1.2.45/32']}}}},"
    "{'name':'a-road','body':{'uniqueid':'4','state':'ESTABLISHED','local-host':'192.1.2.23','remote-host':"
    "'198.51.100.1','remote-port':'4500','local-id':'gw.example','remote-id':'C=CA, "
    "CN=first','established':'1',"
    "'encr-alg':'AES_GCM_16','prf-alg':'PRF_HMAC_SHA2_256','dh-group':'MODP_2048','ake1':'ML_KEM_768',"
    "'remote-vips':['10.9.0.1','fd00::1'],'child-sas':{}}},"
    "{'name':'a-road','body':{'uniqueid':'5','state':'ESTABLISHED','local-host':'192.1.2.23','remote-host':"
    "'198.51.100.2','remote-port':'4500','remote-id':'second@example','established':'1',"
    "'remote-vips':['10.9.0.2'],'child-sas':{'lan-6':{'name':'lan','uniqueid':'6','state':'INSTALLED','reqid'"
    ":'7',"
    "'mode':'TUNNEL','protocol':'ESP','encap':'yes','spi-in':'00000006','spi-out':'00000066','esn':'1',"
    "'encr-alg':'AES_CBC','encr-keysize':'128','integ-alg':'HMAC_SHA2_256_128','bytes-in':'0','packets-in':'"
    "0',"
    "'bytes-out':'0','packets-out':'0','install-time':'1','local-ts':['10.0.0.0/8'],'remote-ts':['10.9.0.2/"
    "32']}}}},"
    "{'name':'a-road','body':{'uniqueid':'8','state':'CONNECTING','local-host':'192.1.2.23','remote-host':"
    "'198.51.100.3','remote-id':'%any','child-sas':{}}}]";

static const char fixture_policies[] =
    "[{'name':'a-road/dmz','body':{'child':'dmz','ike':'a-road','mode':'TUNNEL','local-ts':['172.16.0.0/12'],"
    "'remote-ts':['10.9.0.0/16']}}]";

static inline json_t *fixture_json(const char *text)
{
    char *copy = strdup(text);
    for (char *at = copy; *at; at++) {
        if (*at == '\'')
            *at = '"';
    }
    json_t *j = json_loads(copy, 0, NULL);
    assert_non_null(j);
    free(copy);
    return j;
}

static inline struct answers fixture_answers(void)
{
    struct answers a = {
        .sas = fixture_json(fixture_sas),
        .conns = fixture_json(fixture_conns),
        .policies = fixture_json(fixture_policies),
        .status = fixture_json("{'dataplane':{'kind':'user','bytes-in':'7','bytes-out':'8'},'ike':{}}"),
        .version = fixture_json("{'version':'1.2','sysname':'Linux','release':'6.1','machine':'x86_64'}"),
        .stats = fixture_json(
            "{'uptime':{'running':'2 minutes','since':'Nov 21 18:00:00 2026'},'workers':{'total':'4',"
            "'idle':'4','active':{'critical':'0','high':'0','medium':'0','low':'0'}},'queues':{"
            "'critical':'0','high':'0','medium':'0','low':'0'},'scheduled':'0','plugins':[]}"),
        .now = 1000000000,
    };
    answers_index(&a);
    return a;
}

static inline void fixture_free(struct answers *a)
{
    answers_free(a);
}

/* What was written so far, as text that the next test frees. */
struct page {
    char *text;
    size_t len;
    FILE *to;
};

static inline struct page page_open(struct page *p)
{
    *p = (struct page){0};
    p->to = open_memstream(&p->text, &p->len);
    return *p;
}

static inline void page_is(struct page *p, const char *expected)
{
    fclose(p->to);
    assert_string_equal(p->text, expected);
    free(p->text);
}

static inline void page_has(struct page *p, const char *const *lines)
{
    fclose(p->to);
    const char *at = p->text;
    for (; *lines; lines++) {
        const char *found = strstr(at, *lines);
        if (!found)
            fail_msg("no line \"%s\" (in this order) in:\n%s", *lines, p->text);
        at = found + strlen(*lines);
    }
    free(p->text);
}
