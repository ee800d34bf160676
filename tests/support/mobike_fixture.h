/* SPDX-License-Identifier: Apache-2.0 */
/* Two engines that do MOBIKE and may be anywhere, and where they are. Include it once, in the test itself, in
 * the place of pair_fixture.h. */
#pragma once

#include "support/pair_fixture.h"
#include "support/rogue.h"
#include "support/test.h"

__attribute__((unused)) static const struct pair_spec mobile = {.does_mobike = true,
                                                                .dpd_delay = 10 * TIME_SECOND},
                                                      settled = {.dpd_delay = 10 * TIME_SECOND},
                                                      gateway = {.does_mobike = true,
                                                                 .accepts_any_peer = true,
                                                                 .dpd_delay = 10 * TIME_SECOND};

__attribute__((unused)) static struct ip addr(uint8_t last)
{
    return ip4(198, 51, 100, last);
}

__attribute__((unused)) static void roam(int side, uint8_t last)
{
    struct ip ip = addr(last);
    pair_addresses(&p, side, &ip, 1);
}

__attribute__((unused)) static void allow_any_address(struct config *c, struct connection *conn,
                                                      struct child_config *children)
{
    (void)c;
    (void)children;
    ((struct host_spec *)conn->local_addrs)[0].is_any = true;
}

__attribute__((unused)) static void up_mobile(void)
{
    struct pair_spec a = mobile, b = gateway;
    a.tweak = b.tweak = allow_any_address;
    for (int side = 0; side < 2; side++)
        pair_addresses(&p, side, &p.side[side].ip, 1);
    up(&a, &b);
    assert_true(pair_traffic_fits(&p));
}

__attribute__((unused)) static struct ike_view view(int side)
{
    struct ike_view v;
    assert_true(engine_ike_at(p.side[side].e, 0, &v));
    return v;
}

__attribute__((unused)) static void expect_esp_between(int side, struct ip local, struct ip remote)
{
    struct pair_side *s = &p.side[side];
    assert_int_equal(s->n_sas, 2);
    for (size_t i = 0; i < s->n_sas; i++) {
        assert_true(ip_equal(s->sas[i].local.ip, local));
        assert_true(ip_equal(s->sas[i].remote.ip, remote));
    }
}

__attribute__((unused)) static void expect_at(struct ip a, struct ip b)
{
    struct ike_view va = view(0), vb = view(1);
    assert_true(ip_equal(va.local.ip, a) && ip_equal(va.remote.ip, b));
    assert_true(ip_equal(vb.local.ip, b) && ip_equal(vb.remote.ip, a));
    expect_esp_between(0, a, b);
    expect_esp_between(1, b, a);
    assert_true(pair_traffic_fits(&p));
}

/* Did the peer tell that side of the address? */
__attribute__((unused)) static bool knows(int side, struct ip ip)
{
    const struct mobike *m = &rogue_sa(&p, side)->mobike;
    for (uint8_t i = 0; i < m->n_peer; i++) {
        if (ip_equal(m->peer[i], ip))
            return true;
    }
    return false;
}

__attribute__((unused)) static struct ip dead; /* an address whose packets are lost */

__attribute__((unused)) static bool not_to_the_dead(void *ctx, struct pair_packet *k)
{
    (void)ctx;
    return !ip_equal(k->src.ip, dead) && !ip_equal(k->dst.ip, dead);
}

/* A NAT in front of side 0, with a port of its own for it. */
__attribute__((unused)) static bool nat_to_5000(void *ctx, struct pair_packet *k)
{
    const uint16_t *port = ctx;
    if (k->from == 0)
        k->src.port = *port;
    else if (k->dst.port == *port)
        k->dst.port = 4500;
    else
        return false;
    return true;
}
