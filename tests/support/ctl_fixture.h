/* SPDX-License-Identifier: Apache-2.0 */
/* The vici service over a fake engine, which has one IKE SA with one child and one connection, and two
 * clients: setup and teardown for cmocka. Include it once, in the test itself. */
#pragma once

#include "ctl/server.h"
#include "ctl/vici.h"
#include "support/test.h"
#include <stdio.h>
#include <stdlib.h>

#ifndef FAKE_OUT_MAX
#define FAKE_OUT_MAX 65536
#endif

/* ---- a fake engine: one IKE SA with one child, one connection */

static const struct engine *const the_engine = (const struct engine *)&the_engine;
static struct engine_stats stats;
static struct diag failure;
static struct child_config child_conf = {.name = "lan"};
static struct connection conn = {
    .name = "office", .dialect = "swanctl.conf", .version = 2, .children = &child_conf, .n_children = 1};
static const struct connection *conns[] = {&conn};
static struct config config = {.connections = conns, .n_connections = 1};
static bool has_sa, is_giver;
static struct ts local_ts, remote_ts;
static struct ip vip;
static struct pools pools;

bool engine_ike_at(const struct engine *e, size_t index, struct ike_view *out)
{
    (void)e;
    if (index || !has_sa)
        return false;
    *out = (struct ike_view){
        .id = 7,
        .connection = "office",
        .state = IKE_ESTABLISHED,
        .is_initiator = true,
        .spi_i = 0x0102030405060708,
        .spi_r = 0xa,
        .local = {ip4(192,                   0,                     2, 1),                        500},
        .remote = {ip4(192,                         0,                                        2,                2), 500},
        .local_id = {ID_FQDN,                      span_str("a.example")                                          },
        .remote_id = {ID_FQDN,                   span_str("b.example")},
        .chosen = {.encr = ENCR_AES_GCM_16, .key_bits = 256,   .prf = PRF_HMAC_SHA2_256,                                      .ke = KE_CURVE25519                    },
        .established_at = 10 * TIME_SECOND,
        .rekey_at = 3610 * TIME_SECOND,
        .reauth_at = TIME_NEVER,
        .has_crash_token = true,
        .has_ticket = !is_giver,
        .ticket_until = 100 * TIME_SECOND,
        .redirected_from = ip4(192, 0, 2, 9),
        .n_children = 1,
        .remote_vips = &vip,
        .n_remote_vips = 1,
    };
    return true;
}

bool engine_ike_next(const struct engine *e, struct ike_view *out)
{
    return engine_ike_at(e, out->id ? 1 : 0, out);
}

bool engine_ike_find(const struct engine *e, uint64_t id, struct ike_view *out)
{
    return engine_ike_at(e, id == 7 ? 0 : 1, out);
}

bool engine_child_at(const struct engine *e, uint64_t ike_id, size_t index, struct child_view *out)
{
    (void)e;
    if (index || ike_id != 7)
        return false;
    *out = (struct child_view){
        .id = 3,
        .name = "lan",
        .reqid = 1,
        .state = CHILD_INSTALLED,
        .mode = MODE_TUNNEL,
        .plane = PLANE_KERNEL,
        .kernel = {.in = {.mark = {0x2a, 0xff}}, .out = {.mark = {0x2b, UINT32_MAX}, .if_id = 7}},
        .has_encap = true,
        .spi_in = 0xc0ffee,
        .spi_out = 0x1234,
        .chosen = { .protocol = PROTO_ESP, .encr = ENCR_AES_GCM_16,                                             .key_bits = 256, .has_esn = true},
        .installed_at = 20 * TIME_SECOND,
        .rekey_at = 100 * TIME_SECOND,
        .expires_at = TIME_NEVER,
        .local_ts = &local_ts,
        .remote_ts = &remote_ts,
        .n_local_ts = 1,
        .n_remote_ts = 1,
        .bytes_in = 100,
        .packets_in = 2,
    };
    return true;
}

bool engine_child_find(const struct engine *e, uint64_t id, struct child_view *out)
{
    return has_sa && engine_child_at(e, 7, id == 3 ? 0 : 1, out);
}

bool engine_shunt_next(const struct engine *e, struct trap_view *v)
{
    (void)e;
    (void)v;
    return false;
}

bool engine_trap_next(const struct engine *e, struct trap_view *v)
{
    (void)e;
    if (v->connection)
        return false;
    *v = (struct trap_view){.connection = "office",
                            .child = "lan",
                            .local_ts = &local_ts,
                            .remote_ts = &remote_ts,
                            .n_local_ts = 1,
                            .n_remote_ts = 1};
    return true;
}

const struct engine_stats *engine_stats(const struct engine *e)
{
    (void)e;
    return &stats;
}

static struct ike_counters counters[2]; /* in all, of office */
static bool is_counted;

const struct ike_counters *engine_counters(const struct engine *e, const char *connection)
{
    (void)e;
    if (!connection)
        return &counters[0];
    return is_counted && !strcmp(connection, "office") ? &counters[1] : NULL;
}

const struct pools *engine_pools(const struct engine *e)
{
    (void)e;
    return &pools;
}

const struct config *engine_config(const struct engine *e)
{
    (void)e;
    return &config;
}

const char *ike_state_name(enum ike_state s)
{
    return s == IKE_ESTABLISHED ? "ESTABLISHED" : "?";
}

const char *child_state_name(enum child_state s)
{
    return s == CHILD_INSTALLED ? "INSTALLED" : "?";
}

const struct diag *engine_last_failure(const struct engine *e, const char *connection)
{
    (void)e;
    (void)connection;
    return &failure;
}

/* ---- a fake world */

static struct fake {
    int64_t now;
    struct command command;
    unsigned n_commands, n_closed;
    uint64_t reload_token, settings_token;
    char chosen[64];
    enum choice choice, choice_before;
    uint8_t out[2][FAKE_OUT_MAX]; /* what each of two clients got */
    size_t len[2];
    size_t queued[2]; /* that they have not read, as it is told */
} fake;

static struct time fake_now(void *ctx)
{
    (void)ctx;
    return (struct time){.mono = fake.now};
}

static const struct engine *fake_engine(void *ctx)
{
    (void)ctx;
    return the_engine;
}

static void fake_command(void *ctx, const struct command *c)
{
    (void)ctx;
    fake.command = *c;
    fake.n_commands++;
}

static void fake_reload(void *ctx, uint64_t token)
{
    (void)ctx;
    fake.reload_token = token;
}

static void fake_reload_settings(void *ctx, uint64_t token)
{
    (void)ctx;
    fake.settings_token = token;
}

static enum choice fake_choose(void *ctx, const char *connection, enum choice what)
{
    (void)ctx;
    snprintf(fake.chosen, sizeof(fake.chosen), "%s", connection);
    fake.choice = what;
    return fake.choice_before;
}

static void fake_write(void *ctx, void *handle, struct span bytes)
{
    (void)ctx;
    size_t i = (size_t)handle - 1;
    assert_true(fake.len[i] + bytes.len <= sizeof(fake.out[i]));
    memcpy(fake.out[i] + fake.len[i], bytes.ptr, bytes.len);
    fake.len[i] += bytes.len;
}

static size_t fake_queued(void *ctx, void *handle)
{
    (void)ctx;
    return fake.queued[(size_t)handle - 1];
}

static void fake_close(void *ctx, void *handle)
{
    (void)ctx;
    (void)handle;
    fake.n_closed++;
}

static void fake_numbers(void *ctx, struct ctl_numbers *out)
{
    (void)ctx;
    *out = (struct ctl_numbers){
        .workers = 4,
        .working = 1,
        .dataplane = "user",
        .device = "kw0",
        .moved = {{"XfrmInNoStates", 3}, {"XfrmOutNoStates", 1}},
        .n_moved = 2
    };
}

/* Those of two threads, of the test's. */
static struct esp_tables fake_of[2];

static unsigned fake_tables(void *ctx, struct esp_tables out[CTL_TABLES_MAX])
{
    (void)ctx;
    memcpy(out, fake_of, sizeof(fake_of));
    memset(fake_of, 0, sizeof(fake_of)); /* given */
    return 2;
}

static struct {
    unsigned calls;
    bool crls, ocsps;
} flushed;

static unsigned fake_flush(void *ctx, bool crls, bool ocsps)
{
    (void)ctx;
    flushed.calls++;
    flushed.crls = crls;
    flushed.ocsps = ocsps;
    return 3;
}

static struct log_levels fake_levels;
static unsigned fake_restored;

static void fake_set_log_level(void *ctx, enum log_group group, int level, bool only_up)
{
    (void)ctx;
    for (int g = 0; g < LOG_GROUPS; g++) {
        bool is_it = group == LOG_GROUPS || g == (int)group;
        if (is_it && (!only_up || fake_levels.of[g] < level))
            fake_levels.of[g] = (int8_t)level;
    }
}

static void fake_restore_log_levels(void *ctx)
{
    (void)ctx;
    fake_restored++;
}

static void fake_log_levels(void *ctx, struct log_levels *out)
{
    (void)ctx;
    *out = fake_levels;
}

static bool fake_has_listeners;

static void fake_log_listeners(void *ctx, bool are_there)
{
    (void)ctx;
    fake_has_listeners = are_there;
}

static struct ctl *service;
static struct ctl_conn *client[2];

__attribute__((unused)) static int setup(void **state)
{
    (void)state;
    static const struct ctl_host host = {
        .now = fake_now,
        .engine = fake_engine,
        .command = fake_command,
        .reload = fake_reload,
        .reload_settings = fake_reload_settings,
        .choose = fake_choose,
        .write = fake_write,
        .queued = fake_queued,
        .close = fake_close,
        .numbers = fake_numbers,
        .tables = fake_tables,
        .flush = fake_flush,
        .set_log_level = fake_set_log_level,
        .restore_log_levels = fake_restore_log_levels,
        .log_levels = fake_log_levels,
        .log_listeners = fake_log_listeners,
    };
    const char *err;
    memset(&fake, 0, sizeof(fake));
    fake.now = 40 * TIME_SECOND;
    has_sa = true;
    vip = ip4(10, 3, 0, 1);
    pools_init(&pools);
    assert_true(ts_parse("10.1.0.0/16", &local_ts, &err));
    assert_true(ts_parse("10.2.0.0/16", &remote_ts, &err));
    service = ctl_new(&host);
    client[0] = ctl_open(service, (void *)1);
    client[1] = ctl_open(service, (void *)2);
    return 0;
}

__attribute__((unused)) static int teardown(void **state)
{
    (void)state;
    ctl_free(service);
    pools_deinit(&pools);
    return 0;
}

static void send_packet(int who, enum vici_type type, const char *name)
{
    struct vici_writer w;
    vici_write_init(&w);
    vici_packet_open(&w, type, name);
    ctl_input(client[who], vici_packet_close(&w));
    vici_write_free(&w);
}

static bool next(int who, struct vici_packet *p);

/* The client gets Keyway's own keys from now on. */
__attribute__((unused)) static void extend(int who)
{
    struct vici_packet p;
    send_packet(who, VICI_EVENT_REGISTER, "keyway-keys");
    assert_true(next(who, &p));
    assert_int_equal(p.type, VICI_EVENT_CONFIRM);
}

static void request(int who, const char *command, const char *key, const char *value)
{
    struct vici_writer w;
    vici_write_init(&w);
    vici_packet_open(&w, VICI_CMD_REQUEST, command);
    if (key)
        vici_text(&w, key, value);
    ctl_input(client[who], vici_packet_close(&w));
    vici_write_free(&w);
}

/* The next packet that a client got. False when there is none. */
static bool next(int who, struct vici_packet *p)
{
    static uint8_t copy[65536];
    struct vici_stream s = {.buf = fake.out[who], .len = fake.len[who], .cap = fake.len[who]};
    struct span payload;
    if (vici_stream_next(&s, &payload) != VICI_STREAM_SEGMENT)
        return false;
    memcpy(copy, payload.ptr, payload.len);
    payload.ptr = copy;
    memmove(fake.out[who], fake.out[who] + s.taken, fake.len[who] - s.taken);
    fake.len[who] -= s.taken;
    assert_true(vici_packet_parse(payload, p));
    assert_true(vici_is_valid(p->body));
    return true;
}

__attribute__((unused)) static struct span reply(int who)
{
    struct vici_packet p;
    assert_true(next(who, &p));
    assert_int_equal(p.type, VICI_CMD_RESPONSE);
    return p.body;
}

__attribute__((unused)) static void assert_text(struct span message, const char *key, const char *expected)
{
    char text[256];
    assert_true(vici_find_text(message, key, text, sizeof(text)));
    assert_string_equal(text, expected);
}
