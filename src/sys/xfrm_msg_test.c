/* SPDX-License-Identifier: Apache-2.0 */
#include "crypto/alg.h"
#include "support/test.h"
#include "sys/sock.h"
#include "sys/xfrm_alg.h"
#include "sys/xfrm_msg.h"
#include <arpa/inet.h>
#include <libmnl/libmnl.h>
#include <netinet/in.h>
#include <sys/socket.h>

static const struct xfrm_can can_all = {
    .if_id = true, .set_mark = true, .direction = true, .mapping_pause = true, .icmp = true, .iptfs = true};
static const struct xfrm_can can_old = {.if_id = true, .set_mark = true};
static char buf[XFRM_MESSAGE_MAX] XFRM_ALIGNED;

static struct ts ts(const char *text)
{
    struct ts out;
    const char *err;
    assert_true(ts_parse(text, &out, &err));
    return out;
}

static struct esp_sa sa_of(enum sa_direction dir)
{
    return (struct esp_sa){
        .direction = dir,
        .child_id = 1,
        .spi = 0x12345678,
        .reqid = 77,
        .local = {.ip = ip4(192, 0, 2, 1), .port = 4500},
        .remote = {.ip = ip4(192,            0, 2, 2), .port = 1024},
        .encr = ENCR_AES_GCM_16,
        .key_bits = 256,
        .encr_key_len = 36,
        .encr_key = {1, 2, 3},
        .replay_window = 32,
        .copies_df = true,
        .copies_ecn = true,
        .local_ts = {ts("10.1.0.0/16")},
        .remote_ts = {ts("10.2.0.0/16")           },
        .n_local_ts = 1,
        .n_remote_ts = 1,
    };
}

static struct nlmsghdr *message(const struct esp_sa *sa, const struct xfrm_can *can)
{
    struct diag d = {0};
    struct xfrm_state_spec s = {.sa = sa, .can = can};
    struct nlmsghdr *h = xfrm_state_message(buf, &s, &d);
    assert_non_null(h);
    assert_true(h->nlmsg_len < sizeof(buf));
    return h;
}

static const struct xfrm_usersa_info *info_of(const struct nlmsghdr *h)
{
    return mnl_nlmsg_get_payload(h);
}

/* NULL: not there. A copy, which is aligned; good until 16 further calls. */
static const void *attribute(const struct nlmsghdr *h, size_t head, uint16_t type, size_t len)
{
    static uint64_t copies[16][128];
    static unsigned at;
    const struct nlattr *a;
    mnl_attr_for_each(a, h, head)
    {
        if (mnl_attr_get_type(a) != type)
            continue;
        assert_true(mnl_attr_get_payload_len(a) >= len && mnl_attr_get_payload_len(a) <= sizeof(*copies));
        void *copy = copies[at++ % ARRAY_LEN(copies)];
        memcpy(copy, mnl_attr_get_payload(a), mnl_attr_get_payload_len(a));
        return copy;
    }
    return NULL;
}

#define SA_ATTR(h, type, of) ((const of *)attribute(h, sizeof(struct xfrm_usersa_info), type, sizeof(of)))
#define POLICY_ATTR(h, type, of)                                                                             \
    ((const of *)attribute(h, sizeof(struct xfrm_userpolicy_info), type, sizeof(of)))

static void refused(const struct esp_sa *sa, const struct xfrm_can *can, const char *why)
{
    struct diag d = {0};
    struct xfrm_state_spec s = {.sa = sa, .can = can};
    assert_null(xfrm_state_message(buf, &s, &d));
    assert_non_null(strstr(d.what, why));
}

static void an_inbound_sa_leads_from_the_peer_to_us(void **state)
{
    (void)state;
    struct esp_sa sa = sa_of(SA_IN);
    const struct nlmsghdr *h = message(&sa, &can_all);
    const struct xfrm_usersa_info *i = info_of(h);
    assert_int_equal(h->nlmsg_type, XFRM_MSG_NEWSA);
    assert_int_equal(h->nlmsg_flags, NLM_F_REQUEST | NLM_F_ACK | NLM_F_CREATE | NLM_F_EXCL);
    assert_memory_equal(&i->id.daddr, sa.local.ip.b, 4);
    assert_memory_equal(&i->saddr, sa.remote.ip.b, 4);
    assert_int_equal(i->id.spi, htonl(sa.spi));
    assert_int_equal(i->id.proto, IPPROTO_ESP);
    assert_int_equal(i->reqid, 77);
    assert_int_equal(i->mode, XFRM_MODE_TUNNEL);
    assert_int_equal(i->flags, XFRM_STATE_AF_UNSPEC);
    assert_int_equal(i->replay_window, 32);
    assert_int_equal(i->sel.family, 0); /* its policies judge */
    assert_true(i->lft.hard_byte_limit == XFRM_INF && i->lft.soft_packet_limit == XFRM_INF);
    const struct xfrm_algo_aead *a = SA_ATTR(h, XFRMA_ALG_AEAD, struct xfrm_algo_aead);
    assert_string_equal(a->alg_name, "rfc4106(gcm(aes))");
    assert_int_equal(a->alg_key_len, 288);
    assert_int_equal(a->alg_icv_len, 128);
    assert_memory_equal(a->alg_key, sa.encr_key, 36);
    assert_int_equal(*SA_ATTR(h, 33, uint8_t), 1);
    assert_null(SA_ATTR(message(&sa, &can_old), 33, uint8_t));
}

static void an_outbound_sa_has_no_window_but_where_esn_needs_one(void **state)
{
    (void)state;
    struct esp_sa sa = sa_of(SA_OUT);
    const struct nlmsghdr *h = message(&sa, &can_all);
    assert_memory_equal(&info_of(h)->id.daddr, sa.remote.ip.b, 4);
    assert_int_equal(info_of(h)->replay_window, 0);
    assert_null(SA_ATTR(h, XFRMA_REPLAY_VAL, struct xfrm_replay_state));
    sa.has_esn = true;
    const struct xfrm_replay_state_esn *r =
        SA_ATTR(message(&sa, &can_old), XFRMA_REPLAY_ESN_VAL, struct xfrm_replay_state_esn);
    assert_true(r->replay_window == 1 && r->bmp_len == 1);
    h = message(&sa, &can_all);
    r = SA_ATTR(h, XFRMA_REPLAY_ESN_VAL, struct xfrm_replay_state_esn);
    assert_true(r->replay_window == 0 && r->bmp_len == 0);
    assert_true(info_of(h)->flags & XFRM_STATE_ESN);
    assert_int_equal(*SA_ATTR(h, 33, uint8_t), 2);
}

static void windows_that_the_old_form_cannot_hold_have_the_long_one(void **state)
{
    (void)state;
    static const struct {
        uint32_t asked;
        bool has_esn;
        uint8_t in_info;
        uint32_t window, words; /* 0: no long form */
    } rows[] = {
        {0,    false, 0,  0,    0  },
        {32,   false, 32, 0,    0  },
        {33,   false, 0,  33,   2  },
        {1024, false, 0,  1024, 32 },
        {9999, false, 0,  4096, 128},
        {32,   true,  0,  32,   1  },
        {0,    true,  0,  4096, 128},
    };
    for (size_t n = 0; n < ARRAY_LEN(rows); n++) {
        struct esp_sa sa = sa_of(SA_IN);
        sa.replay_window = rows[n].asked;
        sa.has_esn = rows[n].has_esn;
        const struct nlmsghdr *h = message(&sa, &can_old);
        const struct xfrm_replay_state_esn *r =
            SA_ATTR(h, XFRMA_REPLAY_ESN_VAL, struct xfrm_replay_state_esn);
        assert_int_equal(info_of(h)->replay_window, rows[n].in_info);
        assert_int_equal(r ? r->replay_window : 0, rows[n].window);
        assert_int_equal(r ? r->bmp_len : 0, rows[n].words);
    }
}

static void numbers_are_skipped_and_carried_on(void **state)
{
    (void)state;
    struct diag d = {0};
    struct esp_sa sa = sa_of(SA_OUT);
    struct xfrm_carry carry = {
        .oseq = 0x1fffffffeULL, .used = {.bytes = 5, .packets = 6}
    };
    struct xfrm_state_spec s = {.sa = &sa, .can = &can_old, .carry = &carry};
    sa.has_esn = true;
    sa.skip = 3;
    const struct nlmsghdr *h = xfrm_state_message(buf, &s, &d);
    const struct xfrm_replay_state_esn *r = SA_ATTR(h, XFRMA_REPLAY_ESN_VAL, struct xfrm_replay_state_esn);
    assert_true(r->oseq_hi == 2 && r->oseq == 1 && r->seq == 0);
    assert_int_equal(SA_ATTR(h, XFRMA_LTIME_VAL, struct xfrm_lifetime_cur)->packets, 6);
    sa.has_esn = false; /* 32 bits come to their end and do not begin again */
    carry.oseq = 0xfffffffeULL;
    h = xfrm_state_message(buf, &s, &d);
    assert_int_equal(SA_ATTR(h, XFRMA_REPLAY_VAL, struct xfrm_replay_state)->oseq, UINT32_MAX);
    struct esp_sa in = sa_of(SA_IN);
    carry = (struct xfrm_carry){.seq = 99, .bitmap = {0xf0f0}};
    s.sa = &in;
    h = xfrm_state_message(buf, &s, &d);
    const struct xfrm_replay_state *v = SA_ATTR(h, XFRMA_REPLAY_VAL, struct xfrm_replay_state);
    assert_true(v->seq == 99 && v->bitmap == 0xf0f0 && v->oseq == 0);
    in.replay_window = 64;
    carry.n_words = 2;
    carry.bitmap[1] = 0xabcd;
    h = xfrm_state_message(buf, &s, &d);
    r = SA_ATTR(h, XFRMA_REPLAY_ESN_VAL, struct xfrm_replay_state_esn);
    assert_true(r->seq == 99 && r->bmp[1] == 0xabcd);
}

static void udp_ports_are_those_of_the_direction(void **state)
{
    (void)state;
    struct esp_sa in = sa_of(SA_IN), out = sa_of(SA_OUT);
    in.has_encap = out.has_encap = true;
    const struct nlmsghdr *h = message(&in, &can_all);
    const struct xfrm_encap_tmpl *e = SA_ATTR(h, XFRMA_ENCAP, struct xfrm_encap_tmpl);
    assert_true(e->encap_type == 2 && ntohs(e->encap_sport) == 1024 && ntohs(e->encap_dport) == 4500);
    assert_int_equal(*SA_ATTR(h, 32, uint32_t), 1);
    h = message(&out, &can_all);
    e = SA_ATTR(h, XFRMA_ENCAP, struct xfrm_encap_tmpl);
    assert_true(ntohs(e->encap_sport) == 4500 && ntohs(e->encap_dport) == 1024);
    assert_null(SA_ATTR(h, 32, uint32_t)); /* the kernel refuses it there */
    out.remote.stream = 7;
    refused(&out, &can_all, "no ESP in TCP");
}

static void marks_and_ids_are_those_of_the_direction(void **state)
{
    (void)state;
    struct esp_sa sa = sa_of(SA_IN);
    sa.kernel = (struct kernel_options){
        .in = {.mark = {0x1ff, 0xff}, .set_mark = {5, 7}, .if_id = 11},
        .out = {.mark = {2, 0xff},     .set_mark = {6, 7}, .if_id = 12}
    };
    const struct nlmsghdr *h = message(&sa, &can_all);
    assert_null(SA_ATTR(h, XFRMA_MARK, struct xfrm_mark));
    assert_int_equal(*SA_ATTR(h, XFRMA_SET_MARK, uint32_t), 5);
    assert_int_equal(*SA_ATTR(h, XFRMA_SET_MARK_MASK, uint32_t), 7);
    assert_int_equal(*SA_ATTR(h, XFRMA_IF_ID, uint32_t), 11);
    sa.kernel.marks_inbound_sa = true;
    const struct xfrm_mark *m = SA_ATTR(message(&sa, &can_all), XFRMA_MARK, struct xfrm_mark);
    assert_true(m->v == 0xff && m->m == 0xff);
    sa.direction = SA_OUT;
    h = message(&sa, &can_all);
    assert_int_equal(SA_ATTR(h, XFRMA_MARK, struct xfrm_mark)->v, 2);
    assert_int_equal(*SA_ATTR(h, XFRMA_IF_ID, uint32_t), 12);
    refused(&sa, &(struct xfrm_can){.set_mark = true}, "if_id");
    refused(&sa, &(struct xfrm_can){.if_id = true}, "set_mark");
}

static void what_leaves_an_interface_of_ours_is_marked_as_ours(void **state)
{
    (void)state;
    struct esp_sa sa = sa_of(SA_OUT);
    sa.kernel.interface = (struct kernel_interface){.name = "ipsec1"};
    const struct nlmsghdr *h = message(&sa, &can_all);
    assert_int_equal(*SA_ATTR(h, XFRMA_SET_MARK, uint32_t), SOCK_FWMARK);
    assert_int_equal(*SA_ATTR(h, XFRMA_SET_MARK_MASK, uint32_t), UINT32_MAX);
    sa.kernel.out.set_mark = (struct mark){6, 7};
    assert_int_equal(*SA_ATTR(message(&sa, &can_all), XFRMA_SET_MARK, uint32_t), 6);
    sa = sa_of(SA_IN);
    sa.kernel.interface = (struct kernel_interface){.name = "ipsec1"};
    assert_null(SA_ATTR(message(&sa, &can_all), XFRMA_SET_MARK, uint32_t));
}

static void the_dress_of_packets_is_flags(void **state)
{
    (void)state;
    static const struct {
        enum copy_dscp dscp;
        uint32_t out_extra;
        bool in_decaps;
    } rows[] = {
        {DSCP_OUT, 0, false},
        {DSCP_IN,  1, true },
        {DSCP_YES, 0, true },
        {DSCP_NO,  1, false}
    };
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        struct esp_sa sa = sa_of(SA_OUT);
        sa.copy_dscp = rows[i].dscp;
        const struct nlmsghdr *h = message(&sa, &can_all);
        const uint32_t *extra = SA_ATTR(h, XFRMA_SA_EXTRA_FLAGS, uint32_t);
        assert_int_equal(extra ? *extra : 0, rows[i].out_extra);
        assert_false(info_of(h)->flags & XFRM_STATE_DECAP_DSCP);
        sa.direction = SA_IN;
        h = message(&sa, &can_all);
        assert_null(SA_ATTR(h, XFRMA_SA_EXTRA_FLAGS, uint32_t)); /* the kernel refuses it there */
        assert_true(!!(info_of(h)->flags & XFRM_STATE_DECAP_DSCP) == rows[i].in_decaps);
    }
    struct esp_sa sa = sa_of(SA_OUT);
    sa.copies_df = sa.copies_ecn = false;
    sa.tfc = 1400;
    const struct nlmsghdr *h = message(&sa, &can_all);
    assert_int_equal(info_of(h)->flags, XFRM_STATE_AF_UNSPEC | XFRM_STATE_NOECN | XFRM_STATE_NOPMTUDISC);
    assert_int_equal(*SA_ATTR(h, XFRMA_TFCPAD, uint32_t), 1400);
    sa.direction = SA_IN;
    h = message(&sa, &can_all);
    assert_int_equal(info_of(h)->flags, XFRM_STATE_AF_UNSPEC | XFRM_STATE_NOECN);
    assert_null(SA_ATTR(h, XFRMA_TFCPAD, uint32_t));
}

static void every_algorithm_is_said_with_its_sizes(void **state)
{
    (void)state;
    const struct alg *a;
    for (size_t i = 0; (a = alg_at(i)); i++) {
        struct esp_sa sa = sa_of(SA_OUT);
        struct diag d = {0};
        struct xfrm_state_spec s = {.sa = &sa, .can = &can_all};
        const struct xfrm_alg *x = xfrm_alg_find(a->type, a->id);
        bool is_integ = a->type == TRANSFORM_INTEG;
        if (!x)
            continue;
        sa.encr = is_integ ? ENCR_NULL : a->id;
        sa.encr_key_len = is_integ ? 0 : (uint8_t)(a->key_bits[0] / 8 + a->salt);
        sa.integ = is_integ ? a->id : INTEG_HMAC_SHA2_256_128;
        sa.integ_key_len = is_integ ? (uint8_t)a->key_len : 32;
        const struct nlmsghdr *h = xfrm_state_message(buf, &s, &d);
        assert_true((h != NULL) == (x->name != NULL));
        if (!h)
            continue;
        const struct xfrm_algo_aead *aead = SA_ATTR(h, XFRMA_ALG_AEAD, struct xfrm_algo_aead);
        const struct xfrm_algo *crypt = SA_ATTR(h, XFRMA_ALG_CRYPT, struct xfrm_algo);
        const struct xfrm_algo_auth *auth = SA_ATTR(h, XFRMA_ALG_AUTH_TRUNC, struct xfrm_algo_auth);
        assert_true((aead != NULL) == a->is_aead && (crypt && auth) == !a->is_aead);
        if (is_integ) {
            assert_string_equal(auth->alg_name, x->name);
            assert_int_equal(auth->alg_trunc_len, a->icv * 8);
            assert_int_equal(auth->alg_key_len, a->key_len * 8);
        } else {
            assert_string_equal(aead ? aead->alg_name : crypt->alg_name, x->name);
            assert_int_equal(aead ? aead->alg_key_len : crypt->alg_key_len, sa.encr_key_len * 8);
            assert_int_equal(aead ? aead->alg_icv_len : 0, a->icv * 8);
        }
    }
    struct esp_sa sa = sa_of(SA_OUT);
    sa.encr = 999;
    refused(&sa, &can_all, "ENCR_999");
}

/* [RFC4302#2.6] ESP has no ICV in a header that would have to be aligned, and the kernel does it for IPv6. */
static void the_icv_of_ah_is_aligned_as_its_ip_is(void **state)
{
    (void)state;
    struct esp_sa sa = sa_of(SA_IN);
    assert_int_equal(info_of(message(&sa, &can_all))->flags & XFRM_STATE_ALIGN4, 0);
    sa.is_ah = true;
    sa.integ = INTEG_HMAC_SHA2_256_128;
    sa.integ_key_len = 32;
    assert_int_equal(info_of(message(&sa, &can_all))->flags, XFRM_STATE_AF_UNSPEC | XFRM_STATE_ALIGN4);
    sa.cpi = 0x4321; /* around IPComp, which has no ICV */
    assert_int_equal(info_of(message(&sa, &can_all))->flags, XFRM_STATE_ALIGN4);
    struct diag d = {0};
    struct xfrm_state_spec comp = {.sa = &sa, .can = &can_all, .is_comp = true};
    assert_int_equal(info_of(xfrm_state_message(buf, &comp, &d))->flags & XFRM_STATE_ALIGN4, 0);
    sa.cpi = 0;
    assert_true(ip_parse("fd00::1", &sa.local.ip) && ip_parse("fd00::2", &sa.remote.ip));
    assert_int_equal(info_of(message(&sa, &can_all))->flags, XFRM_STATE_AF_UNSPEC);
}

#define IPTFS_DROP_TIME      36
#define IPTFS_REORDER_WINDOW 37
#define IPTFS_DONT_FRAG      38
#define IPTFS_INIT_DELAY     39
#define IPTFS_MAX_QSIZE      40
#define IPTFS_PKT_SIZE       41

static bool has_number(const struct nlmsghdr *h, uint16_t type, uint32_t value)
{
    const uint32_t *n = SA_ATTR(h, type, uint32_t);
    return n && *n == value;
}

/* The kernel refuses what is the other direction's. */
static void ip_tfs_has_numbers_for_each_direction(void **state)
{
    (void)state;
    struct esp_sa sa = sa_of(SA_OUT);
    struct xfrm_seen_state seen;
    sa.mode = MODE_IPTFS;
    sa.tfc = 100;
    sa.kernel.iptfs = (struct iptfs_options){
        .packet_size = 1, .max_queue_size = 2, .init_delay = 3, .drop_time = 4, .reorder_window = 5};
    const struct nlmsghdr *h = message(&sa, &can_all);
    assert_int_equal(info_of(h)->mode, 5);
    assert_int_equal(info_of(h)->flags, XFRM_STATE_AF_UNSPEC);
    assert_int_equal(info_of(h)->sel.family, 0);
    assert_null(SA_ATTR(h, XFRMA_TFCPAD, uint32_t));
    assert_true(has_number(h, IPTFS_PKT_SIZE, 1) && has_number(h, IPTFS_MAX_QSIZE, 2) &&
                has_number(h, IPTFS_INIT_DELAY, 3));
    for (uint16_t i = IPTFS_DROP_TIME; i <= IPTFS_DONT_FRAG; i++)
        assert_null(attribute(h, sizeof(struct xfrm_usersa_info), i, 0));
    assert_true(xfrm_state_parse(h, &seen) && seen.has_iptfs && seen.mode == 5);
    sa.kernel.iptfs.sends_whole = true;
    assert_non_null(attribute(message(&sa, &can_all), sizeof(struct xfrm_usersa_info), IPTFS_DONT_FRAG, 0));
    sa.direction = SA_IN;
    h = message(&sa, &can_all);
    assert_true(has_number(h, IPTFS_DROP_TIME, 4));
    assert_int_equal(*SA_ATTR(h, IPTFS_REORDER_WINDOW, uint16_t), 5);
    for (uint16_t i = IPTFS_DONT_FRAG; i <= IPTFS_PKT_SIZE; i++)
        assert_null(attribute(h, sizeof(struct xfrm_usersa_info), i, 0));
    refused(&sa, &can_old, "CONFIG_XFRM_IPTFS");
    sa.mode = MODE_TUNNEL;
    assert_true(xfrm_state_parse(message(&sa, &can_all), &seen) && !seen.has_iptfs && seen.mode == 1);
}

static void ipcomp_is_two_sas_and_the_tunnel_is_inside(void **state)
{
    (void)state;
    struct diag d = {0};
    struct esp_sa sa = sa_of(SA_OUT);
    sa.cpi = 0x4321;
    sa.has_encap = sa.has_esn = true;
    sa.tfc = 100;
    sa.hard_packets = 10;
    const struct nlmsghdr *h = message(&sa, &can_all);
    assert_int_equal(info_of(h)->mode, XFRM_MODE_TRANSPORT);
    assert_int_equal(info_of(h)->sel.family, 0);
    assert_null(SA_ATTR(h, XFRMA_TFCPAD, uint32_t));
    assert_non_null(SA_ATTR(h, XFRMA_ENCAP, struct xfrm_encap_tmpl));
    struct xfrm_state_spec s = {.sa = &sa, .can = &can_all, .is_comp = true};
    h = xfrm_state_message(buf, &s, &d);
    assert_int_equal(info_of(h)->mode, XFRM_MODE_TUNNEL);
    assert_int_equal(info_of(h)->id.spi, htonl(0x4321));
    assert_int_equal(info_of(h)->id.proto, IPPROTO_COMP);
    assert_int_equal(info_of(h)->flags & XFRM_STATE_ESN, 0);
    assert_true(info_of(h)->lft.hard_packet_limit == XFRM_INF);
    assert_string_equal(SA_ATTR(h, XFRMA_ALG_COMP, struct xfrm_algo)->alg_name, "deflate");
    assert_null(SA_ATTR(h, XFRMA_ENCAP, struct xfrm_encap_tmpl));
    assert_null(SA_ATTR(h, XFRMA_ALG_AEAD, struct xfrm_algo_aead));
    sa.local_ts[0] = ts("fd01::/64");
    refused(&sa, &can_all, "one family");
    sa.mode = MODE_BEET;
    sa.local_ts[0] = ts("10.1.0.1");
    sa.remote_ts[0] = ts("10.2.0.1");
    refused(&sa, &can_all, "BEET");
}

static void other_modes_have_the_selector_of_what_they_carry(void **state)
{
    (void)state;
    struct esp_sa sa = sa_of(SA_IN);
    sa.mode = MODE_TRANSPORT;
    sa.local_ts[0] = ts("192.0.2.1[tcp/22]");
    sa.remote_ts[0] = ts("192.0.2.2[tcp]");
    const struct nlmsghdr *h = message(&sa, &can_all);
    const struct xfrm_selector *s = &info_of(h)->sel;
    assert_memory_equal(&s->daddr, sa.local.ip.b, 4);
    assert_true(s->prefixlen_d == 32 && s->prefixlen_s == 32 && s->family == AF_INET && s->proto == 6);
    assert_true(ntohs(s->dport) == 22 && s->dport_mask == 0xffff && s->sport_mask == 0);
    assert_int_equal(info_of(h)->flags, XFRM_STATE_ICMP); /* and errors about it */
    assert_int_equal(info_of(message(&sa, &can_old))->flags, 0);
    sa.n_remote_ts = 2; /* several: around all of them */
    sa.local_ts[0] = ts("192.0.2.1");
    sa.remote_ts[0] = ts("192.0.2.0[tcp/80]");
    sa.remote_ts[1] = ts("192.0.2.3[udp/53]");
    s = &info_of(message(&sa, &can_all))->sel;
    assert_true(s->prefixlen_s == 30 && s->prefixlen_d == 32 && s->proto == 0 && s->dport_mask == 0);
    sa.mode = MODE_BEET;
    refused(&sa, &can_all, "one address");
}

static void what_is_written_is_read_back(void **state)
{
    (void)state;
    struct esp_sa sa = sa_of(SA_OUT);
    struct xfrm_seen_state seen;
    sa.has_esn = true;
    sa.skip = 0x100000005;
    sa.soft_bytes = 1000;
    sa.kernel.out = (struct kernel_side){
        .mark = {3, 7},
          .set_mark = {1, 1},
          .if_id = 4
    };
    struct nlmsghdr *h = message(&sa, &can_all);
    uint32_t len = h->nlmsg_len;
    assert_true(xfrm_state_parse(h, &seen));
    assert_true(seen.id.spi == sa.spi && ip_equal(seen.id.dst, sa.remote.ip) &&
                ip_equal(seen.src, sa.local.ip));
    assert_true(seen.id.proto == IPPROTO_ESP && seen.reqid == 77 && seen.id.mark.value == 3);
    assert_true(seen.carry.oseq == 0x100000005 && seen.limits.soft_byte_limit == 1000);
    assert_true(seen.if_id == 4 && seen.set_mark == 1 && seen.set_mark_mask == 1 && seen.direction == 2);
    for (h->nlmsg_len = 0; h->nlmsg_len < len; h->nlmsg_len++) { /* whatever is cut off */
        uint8_t copy[XFRM_MESSAGE_MAX] XFRM_ALIGNED;
        memcpy(copy, h, h->nlmsg_len < sizeof(*h) ? sizeof(*h) : h->nlmsg_len);
        xfrm_state_parse((const struct nlmsghdr *)copy, &seen);
    }
}

/* ---- selectors and policies */

static struct xfrm_pair pairs[XFRM_PAIRS_MAX];

static size_t pairs_of(const char *l, const char *r)
{
    struct diag d = {0};
    struct ts lt = ts(l), rt = ts(r);
    return xfrm_pairs(&lt, 1, &rt, 1, pairs, XFRM_PAIRS_MAX, &d);
}

static bool selector_matches(const struct xfrm_selector *s, struct ip src, struct ip dst, uint8_t proto,
                             uint16_t sport, uint16_t dport)
{
    struct prefix from = {xfrm_ip(&s->saddr, s->family), s->prefixlen_s};
    struct prefix to = {xfrm_ip(&s->daddr, s->family), s->prefixlen_d};
    return prefix_contains(&from, src) && prefix_contains(&to, dst) && (!s->proto || s->proto == proto) &&
           !((htons(sport) ^ s->sport) & s->sport_mask) && !((htons(dport) ^ s->dport) & s->dport_mask);
}

static uint32_t random_state = 1;
static uint32_t rnd(uint32_t n)
{
    random_state = random_state * 1103515245 + 12345;
    return (random_state >> 8) % n;
}

static struct ts random_ts(uint8_t net)
{
    static const uint8_t protos[] = {0, 6, 17, PROTO_ICMP};
    uint8_t a = (uint8_t)rnd(256), b = (uint8_t)rnd(256);
    uint16_t p = (uint16_t)rnd(65536), q = rnd(3) ? (uint16_t)(p + rnd(300)) : (uint16_t)rnd(65536);
    struct ts t = {
        .from = ip4(10, net, 0, a < b ? a : b), .to = ip4(10, net, 0, a < b ? b : a), .port_to = 65535};
    t.proto = protos[rnd(4)];
    if (t.proto && rnd(2)) {
        t.port_from = p < q ? p : q;
        t.port_to = p < q ? q : p;
    }
    return t;
}

static uint16_t near(uint16_t n)
{
    return (uint16_t)(n + rnd(3) - 1);
}

/* Packets at the edges of the selectors: the kernel's policies let through what the selectors do. */
static void policies_allow_exactly_what_the_selectors_do(void **state)
{
    (void)state;
    for (int round = 0; round < 400; round++) {
        struct ts l = random_ts(1), r = random_ts(2);
        struct diag d = {0};
        size_t n = xfrm_pairs(&l, 1, &r, 1, pairs, XFRM_PAIRS_MAX, &d);
        if (!n) {
            assert_true(d.class == FAIL_SELECTORS);
            continue;
        }
        for (int k = 0; k < 60; k++) {
            struct ip local = ip4(10, 1, 0, (uint8_t)(rnd(2) ? near(l.from.b[3]) : near(l.to.b[3])));
            struct ip remote = ip4(10, 2, 0, (uint8_t)(rnd(2) ? near(r.from.b[3]) : near(r.to.b[3])));
            uint8_t proto = rnd(4) ? (l.proto ? l.proto : r.proto ? r.proto : 6) : 17;
            uint16_t lport = near(rnd(2) ? l.port_from : l.port_to),
                     rport = near(rnd(2) ? r.port_from : r.port_to);
            bool is_icmp = proto == PROTO_ICMP;
            bool is_meant = ts_matches(&l, local, proto, lport, true) &&
                            ts_matches(&r, remote, proto, is_icmp ? lport : rport, true);
            bool out = false, in = false;
            for (size_t i = 0; i < n; i++) {
                struct xfrm_selector so = xfrm_selector_of(&pairs[i], XFRM_POLICY_OUT, 0);
                struct xfrm_selector si = xfrm_selector_of(&pairs[i], XFRM_POLICY_IN, 0);
                uint16_t a = is_icmp ? lport >> 8 : lport, b = is_icmp ? lport & 0xff : rport;
                out |= selector_matches(&so, local, remote, proto, a, b);
                in |= selector_matches(&si, remote, local, proto, is_icmp ? a : b, is_icmp ? b : a);
            }
            assert_true(out == is_meant && in == is_meant);
        }
    }
}

static void what_cannot_be_said_is_refused_with_the_reason(void **state)
{
    (void)state;
    struct diag d = {0};
    struct ts l = ts("10.0.0.0/8[tcp/opaque]"), r = ts("10.1.0.0/16"),
              wide = ts("0.0.0.1-255.255.255.254[tcp/1-65534]");
    assert_int_equal(xfrm_pairs(&l, 1, &r, 1, pairs, XFRM_PAIRS_MAX, &d), 0);
    assert_non_null(strstr(d.what, "OPAQUE"));
    assert_int_equal(xfrm_pairs(&wide, 1, &r, 1, pairs, XFRM_PAIRS_MAX, &d), 0);
    assert_non_null(strstr(d.what, "more than 1024"));
    assert_int_equal(pairs_of("10.0.0.0/8[tcp]", "10.0.0.0/8[udp]"), 0);
    assert_int_equal(pairs_of("10.0.0.0/8", "fd00::/8"), 0);
    assert_int_equal(pairs_of("0.0.0.0/0", "0.0.0.0/0"), 1);
    assert_int_equal(pairs_of("::/0", "::1-ffff:ffff:ffff:ffff:ffff:ffff:ffff:fffe"), 254);
}

static void the_narrower_policy_is_before_the_wider_one(void **state)
{
    (void)state;
    static const struct {
        const char *l, *r;
        uint32_t device;
    } order[] = {
        {"10.1.0.1[tcp/22]",   "10.2.0.1[tcp/80]",    4},
        {"10.1.0.1[tcp/22]",   "10.2.0.1[tcp/80]",    0},
        {"10.1.0.1[tcp]",      "10.2.0.1[tcp/80]",    0},
        {"10.1.0.1[tcp]",      "10.2.0.1[tcp/80-81]", 0},
        {"10.1.0.1[tcp]",      "10.2.0.1",            0},
        {"10.1.0.1",           "10.2.0.1",            9},
        {"10.1.0.1",           "10.2.0.1",            0},
        {"10.1.0.0/31[tcp/1]", "10.2.0.1[tcp/1]",     0},
        {"10.1.0.0/24",        "10.2.0.0/24",         0},
        {"10.1.0.0/24",        "10.2.0.0/16",         0},
        {"10.1.0.0/24",        "0.0.0.0/0",           0},
        {"0.0.0.0/0",          "0.0.0.0/0",           0},
    };
    uint32_t last = 199999;
    for (size_t i = 0; i < ARRAY_LEN(order); i++) {
        assert_int_equal(pairs_of(order[i].l, order[i].r), 1);
        struct xfrm_selector out = xfrm_selector_of(&pairs[0], XFRM_POLICY_OUT, order[i].device);
        struct xfrm_selector in = xfrm_selector_of(&pairs[0], XFRM_POLICY_IN, order[i].device);
        assert_true(xfrm_priority_of(&out) > last);
        assert_int_equal(xfrm_priority_of(&out), xfrm_priority_of(&in));
        last = xfrm_priority_of(&out);
    }
}

static struct xfrm_policy_spec spec_of(uint8_t dir)
{
    assert_int_equal(pairs_of("10.1.0.0/24[tcp]", "10.2.0.0/24[tcp/443]"), 1);
    return (struct xfrm_policy_spec){
        .key = {.sel = xfrm_selector_of(&pairs[0], dir, 0), .dir = dir},
        .priority = 42,
        .reqid = 9,
        .local = ip4(192, 0, 2, 1),
        .remote = ip4(192, 0, 2, 2)
    };
}

static void templates_lead_the_way_of_the_packet(void **state)
{
    (void)state;
    static const uint8_t dirs[] = {XFRM_POLICY_OUT, XFRM_POLICY_IN, XFRM_POLICY_FWD};
    for (size_t i = 0; i < ARRAY_LEN(dirs); i++) {
        struct xfrm_policy_spec s = spec_of(dirs[i]);
        const struct nlmsghdr *h = xfrm_policy_message(buf, &s, false);
        const struct xfrm_userpolicy_info *p = mnl_nlmsg_get_payload(h);
        const struct xfrm_user_tmpl *t = POLICY_ATTR(h, XFRMA_TMPL, struct xfrm_user_tmpl);
        bool is_out = dirs[i] == XFRM_POLICY_OUT;
        assert_true(p->dir == dirs[i] && p->priority == 42 && p->action == XFRM_POLICY_ALLOW);
        assert_true(p->lft.hard_byte_limit == XFRM_INF && p->flags == XFRM_POLICY_ICMP);
        assert_memory_equal(&t->saddr, is_out ? s.local.b : s.remote.b, 4);
        assert_memory_equal(&t->id.daddr, is_out ? s.remote.b : s.local.b, 4);
        assert_true(t->reqid == 9 && t->id.proto == IPPROTO_ESP && t->mode == XFRM_MODE_TUNNEL &&
                    !t->optional);
        assert_true(t->aalgos == UINT32_MAX && t->family == AF_INET && t->id.spi == 0);
        assert_int_equal(POLICY_ATTR(h, XFRMA_POLICY_TYPE, struct xfrm_userpolicy_type)->type, 0);
    }
}

static void compression_is_inside_and_may_be_left_out_inbound(void **state)
{
    (void)state;
    for (uint8_t dir = XFRM_POLICY_IN; dir <= XFRM_POLICY_OUT; dir++) {
        struct xfrm_policy_spec s = spec_of(dir);
        s.has_ipcomp = s.is_ah = true;
        const struct nlmsghdr *h = xfrm_policy_message(buf, &s, true);
        const struct xfrm_user_tmpl *t =
            attribute(h, sizeof(struct xfrm_userpolicy_info), XFRMA_TMPL, 2 * sizeof(*t));
        assert_int_equal(h->nlmsg_type, XFRM_MSG_UPDPOLICY);
        assert_true(t[0].id.proto == IPPROTO_COMP && t[0].mode == XFRM_MODE_TUNNEL && t[0].saddr.a4);
        assert_true(t[1].id.proto == IPPROTO_AH && t[1].mode == XFRM_MODE_TRANSPORT && !t[1].saddr.a4);
        assert_true(t[0].optional == (dir == XFRM_POLICY_IN) && !t[1].optional);
    }
}

static void policies_are_named_and_read_as_they_were_written(void **state)
{
    (void)state;
    struct xfrm_policy_spec s = spec_of(XFRM_POLICY_FWD), other = s;
    struct xfrm_seen_policy seen;
    s.key.mark = (struct mark){0x1ff, 0xff};
    s.key.if_id = 5;
    assert_true(xfrm_policy_parse(xfrm_policy_message(buf, &s, false), &seen));
    assert_true(xfrm_policy_key_equal(&seen.key, &s.key) && !xfrm_policy_key_equal(&seen.key, &other.key));
    assert_true(xfrm_policy_key_hash(&seen.key) == xfrm_policy_key_hash(&s.key));
    assert_true(seen.priority == 42 && seen.reqid == 9 && seen.n_templates == 1 && seen.is_main);
    struct nlmsghdr *h = xfrm_policy_key_message(buf, XFRM_MSG_DELPOLICY, &s.key);
    assert_true(xfrm_policy_parse(h, &seen) && xfrm_policy_key_equal(&seen.key, &s.key));
    s.action = POLICY_DISCARD;
    h = xfrm_policy_message(buf, &s, false);
    assert_true(xfrm_policy_parse(h, &seen) && seen.action == XFRM_POLICY_BLOCK && !seen.n_templates);
    s.action = POLICY_BYPASS;
    h = xfrm_policy_message(buf, &s, false);
    assert_true(xfrm_policy_parse(h, &seen) && seen.action == XFRM_POLICY_ALLOW && !seen.n_templates);
    s.action = POLICY_PROTECT;
    s.offload = OFFLOAD_PACKET;
    s.device = 3;
    h = xfrm_policy_message(buf, &s, false);
    const struct xfrm_user_offload *o = POLICY_ATTR(h, XFRMA_OFFLOAD_DEV, struct xfrm_user_offload);
    assert_true(o->ifindex == 3 && o->flags == XFRM_OFFLOAD_PACKET);
}

static void offload_says_interface_and_direction(void **state)
{
    (void)state;
    struct diag d = {0};
    struct esp_sa sa = sa_of(SA_IN);
    struct xfrm_state_spec s = {.sa = &sa, .can = &can_old, .offload = OFFLOAD_CRYPTO, .device = 5};
    const struct xfrm_user_offload *o =
        SA_ATTR(xfrm_state_message(buf, &s, &d), XFRMA_OFFLOAD_DEV, struct xfrm_user_offload);
    assert_true(o->ifindex == 5 && o->flags == XFRM_OFFLOAD_INBOUND);
    s.offload = OFFLOAD_PACKET;
    sa.direction = SA_OUT;
    o = SA_ATTR(xfrm_state_message(buf, &s, &d), XFRMA_OFFLOAD_DEV, struct xfrm_user_offload);
    assert_int_equal(o->flags, XFRM_OFFLOAD_PACKET);
}

static void a_question_for_an_sa_names_policy_and_packet(void **state)
{
    (void)state;
    struct xfrm_seen_acquire a;
    struct xfrm_user_tmpl t = {.reqid = 8, .mode = XFRM_MODE_TUNNEL, .family = AF_INET};
    struct xfrm_policy_spec s = spec_of(XFRM_POLICY_OUT);
    struct nlmsghdr *h = mnl_nlmsg_put_header(buf);
    h->nlmsg_type = XFRM_MSG_ACQUIRE;
    struct xfrm_user_acquire *m = mnl_nlmsg_put_extra_header(h, sizeof(*m));
    m->policy.sel = s.key.sel;
    m->policy.dir = XFRM_POLICY_OUT;
    m->id.daddr = xfrm_address(s.remote);
    m->id.proto = IPPROTO_ESP;
    m->saddr = xfrm_address(s.local);
    m->seq = 3;
    m->sel = (struct xfrm_selector){.family = AF_INET,
                                    .saddr = xfrm_address(ip4(10, 1, 0, 5)),
                                    .daddr = xfrm_address(ip4(10, 2, 0, 6)),
                                    .prefixlen_s = 32,
                                    .prefixlen_d = 32,
                                    .proto = 6,
                                    .sport = htons(999),
                                    .sport_mask = 0xffff,
                                    .dport = htons(443),
                                    .dport_mask = 0xffff};
    mnl_attr_put(h, XFRMA_TMPL, sizeof(t), &t);
    assert_true(xfrm_acquire_parse(h, &a));
    struct ts local = ts("10.1.0.5[tcp/999]"), remote = ts("10.2.0.6[tcp/443]");
    assert_true(ts_equal(&a.local, &local) && ts_equal(&a.remote, &remote));
    assert_true(xfrm_policy_key_equal(&a.policy, &s.key));
    assert_true(a.seq == 3 && a.reqid == 8 && ip_equal(a.id.dst, s.remote) && ip_equal(a.src, s.local));
    m->sel.proto = PROTO_ICMP;
    m->sel.sport = htons(8);
    m->sel.dport = 0;
    assert_true(xfrm_acquire_parse(h, &a));
    local = ts("10.1.0.5[icmp/8(0)]");
    assert_true(ts_equal(&a.local, &local));
    h->nlmsg_len = sizeof(*h) + 10;
    assert_false(xfrm_acquire_parse(h, &a));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(an_inbound_sa_leads_from_the_peer_to_us),
        cmocka_unit_test(an_outbound_sa_has_no_window_but_where_esn_needs_one),
        cmocka_unit_test(windows_that_the_old_form_cannot_hold_have_the_long_one),
        cmocka_unit_test(numbers_are_skipped_and_carried_on),
        cmocka_unit_test(udp_ports_are_those_of_the_direction),
        cmocka_unit_test(marks_and_ids_are_those_of_the_direction),
        cmocka_unit_test(what_leaves_an_interface_of_ours_is_marked_as_ours),
        cmocka_unit_test(the_dress_of_packets_is_flags),
        cmocka_unit_test(every_algorithm_is_said_with_its_sizes),
        cmocka_unit_test(the_icv_of_ah_is_aligned_as_its_ip_is),
        cmocka_unit_test(ip_tfs_has_numbers_for_each_direction),
        cmocka_unit_test(ipcomp_is_two_sas_and_the_tunnel_is_inside),
        cmocka_unit_test(other_modes_have_the_selector_of_what_they_carry),
        cmocka_unit_test(what_is_written_is_read_back),
        cmocka_unit_test(policies_allow_exactly_what_the_selectors_do),
        cmocka_unit_test(what_cannot_be_said_is_refused_with_the_reason),
        cmocka_unit_test(the_narrower_policy_is_before_the_wider_one),
        cmocka_unit_test(templates_lead_the_way_of_the_packet),
        cmocka_unit_test(compression_is_inside_and_may_be_left_out_inbound),
        cmocka_unit_test(policies_are_named_and_read_as_they_were_written),
        cmocka_unit_test(offload_says_interface_and_direction),
        cmocka_unit_test(a_question_for_an_sa_names_policy_and_packet),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
