/* SPDX-License-Identifier: Apache-2.0 */
/* One side of a pair plays a cluster whose standby member takes over and speaks under the IKE SA's keys: what
 * it says is sealed here, what it hears is read off the wire. Include it once, in the test itself. */
#pragma once

#include "support/member.h"
#include "support/pair_fixture.h"
#include "support/rogue.h"
#include "support/test.h"

enum { MEMBER_NONCE = 0x01020304 };

static void syncs(struct config *c, struct connection *conn, struct child_config *children)
{
    (void)c;
    (void)children;
    conn->syncs_message_ids = true;
}

static const struct pair_spec spec = {.tweak = syncs, .dpd_delay = 60 * TIME_SECOND};
static const struct pair_spec plain = {.dpd_delay = 60 * TIME_SECOND};

/* ---- the cluster's new member */

static int member, peer; /* sides */
static unsigned answers; /* with message ID zero */
static struct member_sync answered;

static bool hear(void *ctx, struct pair_packet *k)
{
    static const uint8_t zero[4];
    (void)ctx;
    if (k->from != peer || k->bytes[AT_EXCHANGE] != EXCHANGE_INFORMATIONAL || !rogue_is_response(k) ||
        memcmp(k->bytes + 20, zero, 4) != 0 ||
        !member_hears(rogue_sa(&p, member), span_of(k->bytes, k->len), &answered))
        return true;
    answers++;
    return false; /* the member that was knows nothing of it */
}

static void up_with(const struct pair_spec *a, const struct pair_spec *b, int who)
{
    member = who;
    peer = 1 - who;
    answers = 0;
    up(a, b);
    assert_int_equal(pair_children(&p, 0), 1);
    p.filter = hear;
    p.ctx = &p;
}

static void say_as(struct build *b, uint32_t id)
{
    const struct ike_sa *sa = rogue_sa(&p, member);
    struct arena *a = arena_new(1 << 16);
    struct span bytes = member_seal(a, sa, id, 1000000, b);
    assert_true(bytes.len);
    pair_input(&p, peer,
               &(struct input){
                   .kind = INPUT_DATAGRAM,
                   .datagram = {
                                .local = sa->remote, .remote = sa->local, .is_natt = sa->has_marker, .bytes = bytes}
    });
    arena_free(a);
}

__attribute__((unused)) static void say(struct build *b)
{
    say_as(b, 0);
}

__attribute__((unused)) static void say_sync(uint32_t send, uint32_t receive)
{
    uint8_t buf[256];
    struct build b;
    member_begin(&b, buf, sizeof(buf), (struct member_sync){MEMBER_NONCE, send, receive});
    say(&b);
}

__attribute__((unused)) static const struct window *window_of(int side)
{
    return &rogue_sa(&p, side)->window;
}

__attribute__((unused)) static void was_answered(unsigned n, uint32_t send, uint32_t receive)
{
    assert_int_equal(answers, n);
    assert_int_equal(answered.nonce, MEMBER_NONCE);
    assert_int_equal(answered.send, send);
    assert_int_equal(answered.receive, receive);
}
