/* SPDX-License-Identifier: Apache-2.0 */
/* keyway-config-show: text of any length comes whole to who listens, and the rest is told that it does not.
 */
#define FAKE_OUT_MAX (16u << 20)
#include "conf/show.h"
#include "support/ctl_fixture.h"

#define MANY 2000

static struct connection many[MANY];
static const struct connection *all[MANY];
static char names[MANY][16];

static void load_many(void)
{
    for (size_t i = 0; i < MANY; i++) {
        snprintf(names[i], sizeof(names[i]), "site-%zu", i);
        many[i] = conn;
        many[i].name = names[i];
        all[i] = &many[i];
    }
    config.connections = all;
    config.n_connections = MANY;
}

static int unload(void **state)
{
    config.connections = conns;
    config.n_connections = 1;
    return teardown(state);
}

struct buffer {
    char *at;
    size_t len;
};

static void collect(void *ctx, const char *text)
{
    struct buffer *b = ctx;
    size_t len = strlen(text);
    assert_true(b->len + len < FAKE_OUT_MAX);
    memcpy(b->at + b->len, text, len);
    b->len += len;
}

static void two_thousand_connections_come_whole_to_who_listens(void **state)
{
    (void)state;
    struct buffer want = {.at = test_malloc(FAKE_OUT_MAX)}, got = {.at = test_malloc(FAKE_OUT_MAX)};
    const struct conf_sink sink = {.ctx = &want, .write = collect};
    struct vici_packet p;
    struct span text;
    unsigned n = 0;
    load_many();
    assert_true(conf_show(&config, NULL, false, &sink));
    assert_true(want.len > 4 * VICI_SEGMENT_MAX);
    send_packet(0, VICI_EVENT_REGISTER, "keyway-config-text");
    assert_true(next(0, &p));
    request(0, "keyway-config-show", NULL, NULL);
    for (; next(0, &p) && p.type == VICI_EVENT; n++) {
        assert_span_equal(p.name, span_str("keyway-config-text"));
        assert_true(vici_find(p.body, "text", &text));
        memcpy(got.at + got.len, text.ptr, text.len);
        got.len += text.len;
    }
    assert_int_equal(p.type, VICI_CMD_RESPONSE);
    assert_true(vici_find(p.body, "success", &text) && vici_is_yes(text));
    assert_false(vici_find(p.body, "text", &text));
    assert_true(n > want.len / 65536);
    assert_int_equal(got.len, want.len);
    assert_memory_equal(got.at, want.at, want.len);
    assert_int_equal(fake.len[1], 0); /* nobody else's */
    test_free(want.at);
    test_free(got.at);
}

static void who_does_not_listen_gets_what_fits_into_a_message(void **state)
{
    (void)state;
    load_many();
    request(0, "keyway-config-show", NULL, NULL);
    struct span r = reply(0), text;
    assert_text(r, "success", "no");
    assert_text(r, "errmsg", "the answer does not fit into one message");
    request(0, "keyway-config-show", "name", "site-1999");
    r = reply(0);
    assert_text(r, "success", "yes");
    assert_non_null(memmem(r.ptr, r.len, "site-1999", 9));
    assert_null(memmem(r.ptr, r.len, "site-1998", 9));
    assert_true(vici_find(r, "success", &text));
    request(0, "keyway-config-show", "name", "nowhere");
    assert_text(reply(0), "success", "no");
}

#define TEST(f) cmocka_unit_test_setup_teardown(f, setup, unload)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(two_thousand_connections_come_whole_to_who_listens),
        TEST(who_does_not_listen_gets_what_fits_into_a_message),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
