/* SPDX-License-Identifier: Apache-2.0 */
/* AH through the kernel's raw sockets, in a network namespace of the test's own: what one data plane makes
 * arrives at another as it was covered, whole or cut on the way, with and without extension headers. */
#include "crypto/mac.h"
#include "esp/ah.h"
#include "support/esp_pair.h"
#include "support/netns.h"
#include "support/test.h"
#include "sys/ahpath.h"
#include <errno.h>
#include <poll.h>

#define LINK_MTU 1400

static struct esp *a, *b;
static struct esp_sa out;
static struct sock from, to; /* of one family at a time */
static uint8_t received[AHPATH_ROOM + 65536 + AH_TAIL];
static struct esp_buffer buffer;

static struct ip host(uint8_t family, uint8_t last)
{
    return family == 4 ? ip4(10, 9, 0, last)
                       : (struct ip){
                             .family = 6, .b = {0xfd, 9, [15] = last}
    };
}

static int enter(void **state)
{
    (void)state;
    assert_true(netns_enter());
    netns_run("ip link set lo mtu 1400 up; ip addr add 10.9.0.1/32 dev lo; ip addr add 10.9.0.2/32 dev lo; "
              "ip addr add fd09::1/128 dev lo nodad; ip addr add fd09::2/128 dev lo nodad");
    /* The kernel makes an IPv6 address' own route later, on a worker: until then what is sent to it goes
     * nowhere. */
    netns_run("for i in $(seq 3000); do [ $(ip -6 route show table local | grep -c '^local fd09::') = 2 ] && "
              "exit 0; "
              "sleep 0.01; done; exit 1");
    return 0;
}

static void open_all(uint8_t family)
{
    static const struct esp_suite s = {.encr = ENCR_NULL, .integ = INTEG_HMAC_SHA1_96};
    struct esp_config c = {.path_mtu = 9000};
    struct diag d = {0};
    struct esp_sa in = pair_sa(&s, SIDE_B, SA_IN, family);
    out = pair_sa(&s, SIDE_A, SA_OUT, family);
    out.is_ah = in.is_ah = true;
    out.encr = in.encr = 0;
    out.local.ip = in.remote.ip = host(family, 1);
    out.remote.ip = in.local.ip = host(family, 2);
    a = pair_new(&c, SIDE_A);
    b = pair_new(&c, SIDE_B);
    pair_add_sa(a, out);
    pair_add_sa(b, in);
    if (!sock_open_ah(&from, family, false, &d) || !sock_open_ah(&to, family, true, &d))
        fail_msg("%s", d.what);
}

static void close_all(void)
{
    esp_free(a);
    esp_free(b);
    sock_close(&from);
    sock_close(&to);
}

static void send_packet(const struct esp_packet *p)
{
    struct endpoint peer = {.ip = p->remote.ip};
    if (sock_send(&from, p->local.ip, &peer, p->tos, span_of(NULL, 0), ahpath_sent(p)))
        return;
    assert_int_equal(errno, EMSGSIZE);
    assert_true(ahpath_send_fragments(&from, p));
}

/* The next packet, as a worker takes it. False: there is none. */
static bool receive(struct esp_packet *p)
{
    _Alignas(struct cmsghdr) uint8_t control[SOCK_CONTROL];
    struct sockaddr_storage name;
    struct iovec iov = {received + AHPATH_ROOM, 65536};
    struct msghdr m = {.msg_name = &name,
                       .msg_namelen = sizeof(name),
                       .msg_iov = &iov,
                       .msg_iovlen = 1,
                       .msg_control = control,
                       .msg_controllen = sizeof(control)};
    struct pollfd f = {.fd = to.fd, .events = POLLIN};
    if (poll(&f, 1, 10000) <= 0)
        return false;
    ssize_t n = recvmsg(to.fd, &m, 0);
    struct sock_info info = {0};
    assert_true(n > 0);
    *p = (struct esp_packet){.data = received + AHPATH_ROOM, .len = (uint32_t)n};
    sockaddr_to(&name, &p->remote);
    sock_get_control(&m, &info);
    p->local.ip = info.local;
    p->tos = info.tos;
    return ahpath_received(p, to.family, &m);
}

static void assert_arrives(void)
{
    struct esp_packet p;
    assert_true(receive(&p));
    assert_true(p.is_ah);
    assert_int_equal(p.tos, 0xb8);
    assert_true(ip_equal(p.local.ip, out.remote.ip));
    esp_inbound(b, &p, 1, 1);
    if (p.verdict != ESP_FORWARD)
        fail_msg("%s", esp_drop_name(p.drop));
    assert_span_equal(span_of(p.data, p.len), span_of(buffer.copy, buffer.len));
}

static struct esp_packet made(uint32_t len)
{
    struct esp_packet p =
        inner_udp(&buffer, &(struct inner){.from = SIDE_A, .family = 4, .len = len, .tos = 0xb8});
    esp_outbound(a, &p, 1, 1);
    assert_int_equal(p.verdict, ESP_FORWARD);
    return p;
}

/* Beyond LINK_MTU in two and in six pieces. */
static void packets_of_all_sizes_arrive_as_they_were_covered(void **state)
{
    (void)state;
    static const uint32_t lengths[] = {60, 61, LINK_MTU - 44, LINK_MTU - 43, 1500, 2556, 7000};
    for (uint8_t family = 4; family <= 6; family += 2) {
        open_all(family);
        for (size_t i = 0; i < ARRAY_LEN(lengths); i++) {
            struct esp_packet p = made(lengths[i]);
            send_packet(&p);
            assert_arrives();
        }
        close_all();
    }
}

static void only_what_may_be_cut_is_cut(void **state)
{
    (void)state;
    open_all(4);
    struct esp_packet p = made(3000);
    p.has_df = true;
    assert_false(ahpath_send_fragments(&from, &p));
    p.has_df = false;
    p.is_ah = false;
    assert_false(ahpath_send_fragments(&from, &p));
    close_all();
}

/* [RFC4302#3.3.3.1.2.2] a peer puts hop-by-hop options in front; the kernel takes them off. */
static void extension_headers_are_put_back(void **state)
{
    (void)state;
    uint8_t image[512], full[MAC_MAX_LEN];
    struct span hop = hex("33 00 1e 04 01020304"); /* an unknown option that is skipped and does not change */
    open_all(6);
    struct esp_packet p = made(100);
    uint32_t ah = p.len - 40;
    memcpy(image, p.data, 40);
    memcpy(image + 40, hop.ptr, 8);
    memcpy(image + 48, p.data + 40, ah);
    image[0] = 0x60;
    image[1] = image[6] = image[7] = 0;
    image[5] = (uint8_t)(ah + 8);
    memset(image + 48 + 12, 0, 12);
    struct mac *mac = mac_new(mac_of_integ(INTEG_HMAC_SHA1_96), span_of(out.integ_key, out.integ_key_len));
    struct span whole = span_of(image, 48 + ah);
    mac_run(mac, &whole, 1, full);
    mac_free(mac);
    memcpy(p.data + 40 + 12, full, 12);
    assert_int_equal(setsockopt(from.fd, IPPROTO_IPV6, IPV6_HOPOPTS, hop.ptr, 8), 0);
    send_packet(&p);
    assert_arrives();
    close_all();
}

static void what_was_cut_off_of_the_headers_is_refused(void **state)
{
    (void)state;
    struct esp_packet p = {.data = received + AHPATH_ROOM, .len = 100, .local.ip = host(6, 2)};
    struct msghdr m = {.msg_flags = MSG_CTRUNC};
    p.remote.ip = host(6, 1);
    assert_false(ahpath_received(&p, 6, &m));
    m.msg_flags = 0;
    assert_true(ahpath_received(&p, 6, &m));
    assert_int_equal(p.len, 140);
    p = (struct esp_packet){.data = received + AHPATH_ROOM, .len = 100}; /* to whom is not known */
    assert_false(ahpath_received(&p, 6, &m));
    p.len = 19;
    assert_false(ahpath_received(&p, 4, &m));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(packets_of_all_sizes_arrive_as_they_were_covered),
        cmocka_unit_test(only_what_may_be_cut_is_cut),
        cmocka_unit_test(extension_headers_are_put_back),
        cmocka_unit_test(what_was_cut_off_of_the_headers_is_refused),
    };
    if (!netns_enter())
        return NETNS_SKIP;
    return cmocka_run_group_tests(tests, enter, NULL);
}
