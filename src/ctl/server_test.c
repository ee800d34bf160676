/* SPDX-License-Identifier: Apache-2.0 */
/* The vici service over a fake engine: dispatch, events, waiting commands, order of keys. */
#include "ctl/server.h"
#include "ctl/vici.h"
#include "support/acerts.h"
#include "support/test.h"
#include <stdio.h>
#include <stdlib.h>

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
        .has_encap = true,
        .spi_in = 0xc0ffee,
        .spi_out = 0x1234,
        .chosen = {.protocol = PROTO_ESP, .encr = ENCR_AES_GCM_16, .key_bits = 256, .has_esn = true},
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
    uint64_t reload_token;
    char chosen[64];
    enum choice choice, choice_before;
    uint8_t out[2][65536]; /* what each of two clients got */
    size_t len[2];
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

static void fake_close(void *ctx, void *handle)
{
    (void)ctx;
    (void)handle;
    fake.n_closed++;
}

static void fake_numbers(void *ctx, struct ctl_numbers *out)
{
    (void)ctx;
    *out = (struct ctl_numbers){.workers = 4, .working = 1, .dataplane = "user", .device = "kw0"};
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

static struct ctl *service;
static struct ctl_conn *client[2];

static int setup(void **state)
{
    (void)state;
    static const struct ctl_host host = {
        .now = fake_now,
        .engine = fake_engine,
        .command = fake_command,
        .reload = fake_reload,
        .choose = fake_choose,
        .write = fake_write,
        .close = fake_close,
        .numbers = fake_numbers,
        .flush = fake_flush,
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

static int teardown(void **state)
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

static struct span reply(int who)
{
    struct vici_packet p;
    assert_true(next(who, &p));
    assert_int_equal(p.type, VICI_CMD_RESPONSE);
    return p.body;
}

static void assert_text(struct span message, const char *key, const char *expected)
{
    char text[256];
    assert_true(vici_find_text(message, key, text, sizeof(text)));
    assert_string_equal(text, expected);
}

static void unknown_commands_and_events_are_answered(void **state)
{
    (void)state;
    struct vici_packet p;
    request(0, "no-such-command", NULL, NULL);
    assert_true(next(0, &p));
    assert_int_equal(p.type, VICI_CMD_UNKNOWN);
    send_packet(0, VICI_EVENT_REGISTER, "no-such-event");
    assert_true(next(0, &p));
    assert_int_equal(p.type, VICI_EVENT_UNKNOWN);
    send_packet(0, VICI_EVENT_REGISTER, "list-sa");
    assert_true(next(0, &p));
    assert_int_equal(p.type, VICI_EVENT_CONFIRM);
}

static void listed_sas_go_to_the_asking_client_alone_in_the_order_of_the_protocol(void **state)
{
    (void)state;
    static const char *const order[] = {
        "office",        "uniqueid",     "version",
        "state",         "local-host",   "local-port",
        "local-id",      "remote-host",  "remote-port",
        "remote-id",     "initiator",    "initiator-spi",
        "responder-spi", "encr-alg",     "encr-keysize",
        "prf-alg",       "dh-group",     "crash-detection",
        "ticket",        "ticket-time",  "redirected-from",
        "established",   "rekey-time",   "remote-vips",
        "child-sas",     "lan-3",        "name",
        "uniqueid",      "reqid",        "state",
        "mode",          "protocol",     "encap",
        "spi-in",        "spi-out",      "encr-alg",
        "encr-keysize",  "esn",          "bytes-in",
        "packets-in",    "bytes-out",    "packets-out",
        "rekey-time",    "install-time", "local-ts",
        "remote-ts",
    };
    struct vici_packet p;
    struct vici_element e;
    size_t n = 0;
    send_packet(0, VICI_EVENT_REGISTER, "list-sa");
    send_packet(1, VICI_EVENT_REGISTER, "list-sa");
    next(0, &p);
    next(1, &p);
    request(0, "list-sas", NULL, NULL);
    assert_true(next(0, &p));
    assert_int_equal(p.type, VICI_EVENT);
    assert_span_equal(p.name, span_str("list-sa"));
    struct vici_reader r = vici_read(p.body);
    while (vici_next(&r, &e)) {
        if (!e.name.len)
            continue;
        assert_true(n < ARRAY_LEN(order));
        assert_span_equal(e.name, span_str(order[n]));
        if (n == 11)
            assert_span_equal(e.value, span_str("0102030405060708"));
        if (n == 19)
            assert_span_equal(e.value, span_str("60")); /* as seconds, that are left */
        if (n == 20)
            assert_span_equal(e.value, span_str("192.0.2.9"));
        if (n == 21)
            assert_span_equal(e.value, span_str("30")); /* established, in seconds */
        if (n == 33)
            assert_span_equal(e.value, span_str("00c0ffee"));
        n++;
    }
    assert_int_equal(n, ARRAY_LEN(order));
    assert_int_equal(reply(0).len, 0);
    assert_int_equal(fake.len[1], 0);
}

static bool lists(const char *key)
{
    struct vici_packet p;
    struct vici_element e;
    bool found = false;
    request(0, "list-sas", NULL, NULL);
    assert_true(next(0, &p));
    struct vici_reader r = vici_read(p.body);
    while (vici_next(&r, &e))
        found |= span_equal(e.name, span_str(key));
    reply(0);
    return found;
}

static void a_ticket_is_held_or_given_and_runs_out(void **state)
{
    static const struct {
        bool is_giver;
        int64_t now;
        bool is_held, is_given;
    } rows[] = {
        {false, 40,  true,  false},
        {true,  40,  false, true },
        {false, 100, false, false},
        {true,  100, false, false},
    };
    struct vici_packet p;
    (void)state;
    send_packet(0, VICI_EVENT_REGISTER, "list-sa");
    next(0, &p);
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        is_giver = rows[i].is_giver;
        fake.now = rows[i].now * TIME_SECOND;
        assert_int_equal(lists("ticket"), rows[i].is_held);
        assert_int_equal(lists("ticket-given"), rows[i].is_given);
        assert_int_equal(lists("ticket-time"), rows[i].is_held || rows[i].is_given);
    }
    is_giver = false;
}

static void pools_tell_their_leases_when_asked(void **state)
{
    (void)state;
    static const char *const order[] = {"office", "base",    "size",     "online",   "offline",
                                        "leases", "0",       "address",  "identity", "status",
                                        "1",      "address", "identity", "status"};
    static const char *const values[] = {"", "10.3.0.1", "9",         "1",         "1",
                                         "", "",         "10.3.0.2",  "b.example", "online",
                                         "", "10.3.0.1", "a.example", "offline"};
    static const char *const names[] = {"office"};
    const struct ip_range range = {ip4(10, 3, 0, 1), ip4(10, 3, 0, 9)};
    const struct pool_config c = {.name = "office", .ranges = &range, .n_ranges = 1};
    const struct identity a = {ID_FQDN, span_str("a.example")}, b = {ID_FQDN, span_str("b.example")};
    struct vici_element e;
    size_t n = 0;
    pools_load(&pools, &c, 1);
    pools_ask(&pools, &(struct lease_request){.pools = names, .n_pools = 1, .owner = &a, .family = 4});
    pools_ask(&pools, &(struct lease_request){.pools = names, .n_pools = 1, .owner = &b, .family = 4});
    pools_release(&pools, ip4(10, 3, 0, 1));
    request(0, "get-pools", "leases", "yes");
    struct span body = reply(0);
    struct vici_reader r = vici_read(body);
    while (vici_next(&r, &e)) {
        if (!e.name.len)
            continue;
        assert_true(n < ARRAY_LEN(order));
        assert_span_equal(e.name, span_str(order[n]));
        assert_span_equal(e.value, span_str(values[n]));
        n++;
    }
    assert_int_equal(n, ARRAY_LEN(order));
    request(0, "get-pools", NULL, NULL);
    assert_true(reply(0).len < body.len);
    request(0, "get-pools", "name", "other");
    assert_int_equal(reply(0).len, 0);
}

static void filters_select_sas(void **state)
{
    (void)state;
    struct vici_packet p;
    send_packet(0, VICI_EVENT_REGISTER, "list-sa");
    next(0, &p);
    request(0, "list-sas", "ike", "other");
    assert_int_equal(reply(0).len, 0);
    request(0, "list-sas", "child", "other");
    assert_int_equal(reply(0).len, 0);
    request(0, "list-sas", "child-id", "3");
    assert_true(next(0, &p));
    assert_int_equal(p.type, VICI_EVENT);
}

static void a_command_waits_for_its_outcome_and_streams_its_log(void **state)
{
    (void)state;
    struct vici_packet p;
    send_packet(0, VICI_EVENT_REGISTER, "control-log");
    send_packet(1, VICI_EVENT_REGISTER, "control-log");
    next(0, &p);
    next(1, &p);
    request(0, "initiate", "child", "lan");
    assert_int_equal(fake.n_commands, 1);
    assert_int_equal(fake.command.kind, COMMAND_INITIATE);
    request(0, "version", NULL, NULL); /* must wait its turn */
    assert_int_equal(fake.len[0], 0);
    struct event log = {
        .kind = EVENT_LOG, .command_id = fake.command.id, .level = LOG_NOTICE, .text = "sending"};
    ctl_event(service, &log);
    log.level = LOG_TRACE; /* beyond the default level */
    ctl_event(service, &log);
    struct event done = {.kind = EVENT_COMMAND_DONE, .command_id = fake.command.id};
    diag_set(&done.diag, FAIL_PROPOSAL, "no proposal chosen");
    diag_expected(&done.diag, "AES_GCM_16");
    ctl_event(service, &done);
    assert_true(next(0, &p));
    assert_span_equal(p.name, span_str("control-log"));
    assert_text(p.body, "msg", "sending");
    struct span r = reply(0);
    assert_text(r, "success", "no");
    assert_text(r, "errmsg", "establishing CHILD_SA 'lan' failed");
    assert_text(r, "class", "6");
    assert_text(r, "expected", "AES_GCM_16");
    assert_text(reply(0), "daemon", "keywayd"); /* its turn has come */
    assert_int_equal(fake.len[1], 0);
}

static void a_command_without_a_name_is_refused(void **state)
{
    (void)state;
    request(0, "initiate", NULL, NULL);
    assert_text(reply(0), "errmsg", "missing configuration name");
    request(0, "terminate", NULL, NULL);
    assert_text(reply(0), "errmsg", "missing terminate selector");
    assert_int_equal(fake.n_commands, 0);
}

static void traps_are_set_and_taken_away_by_name(void **state)
{
    (void)state;
    request(0, "install", "ike-id", "7");
    assert_text(reply(0), "errmsg", "missing configuration name");
    request(0, "install", "child", "lan");
    assert_int_equal(fake.command.kind, COMMAND_TRAP);
    assert_string_equal(fake.command.child, "lan");
    struct event done = {.kind = EVENT_COMMAND_DONE, .command_id = fake.command.id, .matches = 1};
    ctl_event(service, &done);
    assert_text(reply(0), "success", "yes");
    request(0, "uninstall", "child", "nobody");
    assert_int_equal(fake.command.kind, COMMAND_UNTRAP);
    done = (struct event){.kind = EVENT_COMMAND_DONE, .command_id = fake.command.id};
    diag_set(&done.diag, FAIL_NOT_FOUND, "no trap is set for nobody");
    ctl_event(service, &done);
    struct span r = reply(0);
    assert_text(r, "errmsg", "policy 'nobody' not found");
    assert_text(r, "what", "no trap is set for nobody");
}

static void request_redirect(const char *gateway, const char *key, const char *value)
{
    struct vici_writer w;
    vici_write_init(&w);
    vici_packet_open(&w, VICI_CMD_REQUEST, "redirect");
    if (gateway)
        vici_text(&w, "gateway", gateway);
    if (key)
        vici_text(&w, key, value);
    ctl_input(client[0], vici_packet_close(&w));
    vici_write_free(&w);
}

static void a_redirect_names_a_gateway_and_clients(void **state)
{
    (void)state;
    static const struct {
        const char *gateway, *key, *value, *why;
    } bad[] = {
        {NULL,        "ike",     "net",         "gateway: an IP address or a host name is needed"},
        {"0.0.0.0",   "ike",     "net",         "gateway: an IP address or a host name is needed"},
        {"gw; true",  "ike",     "net",         "gateway: an IP address or a host name is needed"},
        {"192.0.2.9", NULL,      NULL,          "missing redirect selector"                      },
        {"192.0.2.9", "peer-ip", "192.0.2.1-x",
         "peer-ip: '192.0.2.1-x' is neither an IP address nor a prefix nor a "
         "range"                                                                                 },
    };
    for (size_t i = 0; i < ARRAY_LEN(bad); i++) {
        request_redirect(bad[i].gateway, bad[i].key, bad[i].value);
        assert_text(reply(0), "errmsg", bad[i].why);
    }
    assert_int_equal(fake.n_commands, 0);
    request_redirect("gw9.example.org", "peer-ip", "192.0.2.0/25");
    assert_int_equal(fake.command.kind, COMMAND_REDIRECT);
    assert_true(ip_equal(fake.command.peer_from, ip4(192, 0, 2, 0)));
    assert_true(ip_equal(fake.command.peer_to, ip4(192, 0, 2, 127)));
    struct event done = {.kind = EVENT_COMMAND_DONE, .command_id = fake.command.id, .matches = 2};
    ctl_event(service, &done);
    struct span r = reply(0);
    assert_text(r, "success", "yes");
    assert_text(r, "matches", "2");
    request_redirect("2001:db8::9", "peer-ip", "192.0.2.3-192.0.2.9");
    assert_int_equal(fake.command.gateway.ip.family, 6);
    assert_true(ip_equal(fake.command.peer_to, ip4(192, 0, 2, 9)));
}

static void traps_are_listed_as_policies(void **state)
{
    (void)state;
    static const char *const order[] = {"office/lan", "child", "ike", "mode", "local-ts", "remote-ts"};
    struct vici_packet p;
    struct vici_element e;
    size_t n = 0;
    send_packet(0, VICI_EVENT_REGISTER, "list-policy");
    next(0, &p);
    request(0, "list-policies", "trap", "yes");
    assert_true(next(0, &p));
    assert_span_equal(p.name, span_str("list-policy"));
    struct vici_reader r = vici_read(p.body);
    while (vici_next(&r, &e)) {
        if (!e.name.len)
            continue;
        assert_true(n < ARRAY_LEN(order));
        assert_span_equal(e.name, span_str(order[n++]));
    }
    assert_int_equal(n, ARRAY_LEN(order));
    assert_int_equal(reply(0).len, 0);
    request(0, "list-policies", "drop", "yes");
    assert_int_equal(reply(0).len, 0);
    request(0, "list-policies", "child", "other");
    assert_int_equal(reply(0).len, 0);
}

static void a_command_runs_out_of_time(void **state)
{
    (void)state;
    struct vici_writer w;
    vici_write_init(&w);
    vici_packet_open(&w, VICI_CMD_REQUEST, "initiate");
    vici_text(&w, "child", "lan");
    vici_text(&w, "timeout", "1500");
    ctl_input(client[0], vici_packet_close(&w));
    vici_write_free(&w);
    assert_int_equal(ctl_deadline(service), fake.now + 1500 * TIME_MS);
    ctl_tick(service);
    assert_int_equal(fake.len[0], 0);
    fake.now += 1500 * TIME_MS;
    ctl_tick(service);
    struct span r = reply(0);
    assert_text(r, "errmsg", "CHILD_SA 'lan' not established after 1500ms");
    assert_text(r, "class", "7");
    assert_int_equal(ctl_deadline(service), TIME_NEVER);
    struct event late = {.kind = EVENT_COMMAND_DONE, .command_id = fake.command.id};
    ctl_event(service, &late);
    assert_int_equal(fake.len[0], 0);
}

static void an_asynchronous_command_is_answered_at_once(void **state)
{
    (void)state;
    struct vici_writer w;
    vici_write_init(&w);
    vici_packet_open(&w, VICI_CMD_REQUEST, "initiate");
    vici_text(&w, "child", "lan");
    vici_text(&w, "timeout", "-1");
    ctl_input(client[0], vici_packet_close(&w));
    vici_write_free(&w);
    assert_text(reply(0), "success", "yes");
    assert_int_equal(fake.n_commands, 1);
}

static void a_client_that_goes_while_it_waits_harms_nobody(void **state)
{
    (void)state;
    request(0, "terminate", "ike", "office");
    struct event done = {.kind = EVENT_COMMAND_DONE, .command_id = fake.command.id};
    ctl_closed(client[0]);
    ctl_event(service, &done);
    request(1, "get-conns", NULL, NULL);
    assert_true(reply(1).len > 0);
}

static void what_was_fetched_is_flushed_by_type(void **state)
{
    (void)state;
    static const struct {
        const char *type;
        bool crls, ocsps, is_known;
    } rows[] = {
        {NULL,            true,  true,  true },
        {"any",           true,  true,  true },
        {"X509_CRL",      true,  false, true },
        {"ocsp_response", false, true,  true },
        {"x509",          false, false, true },
        {"rubbish",       false, false, false},
    };
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        flushed.calls = 0;
        request(0, "flush-certs", rows[i].type ? "type" : NULL, rows[i].type);
        struct span r = reply(0);
        assert_text(r, "success", rows[i].is_known ? "yes" : "no");
        assert_int_equal(flushed.calls, rows[i].is_known);
        if (!rows[i].is_known)
            continue;
        assert_text(r, "flushed", "3");
        assert_int_equal(flushed.crls, rows[i].crls);
        assert_int_equal(flushed.ocsps, rows[i].ocsps);
    }
}

static void reload_answers_with_every_error(void **state)
{
    (void)state;
    struct diag errors[2] = {0};
    request(0, "keyway-reload", NULL, NULL);
    diag_set(&errors[0], FAIL_CONFIG, "first");
    diag_set(&errors[1], FAIL_CONFIG, "second");
    ctl_reload_done(service, fake.reload_token, errors, 2, 0);
    struct span r = reply(0);
    assert_text(r, "success", "no");
    assert_text(r, "errmsg", "the configuration has 2 errors; the running one stays");
    struct vici_reader reader = vici_read(r);
    struct vici_element e;
    unsigned found = 0;
    while (vici_next(&reader, &e))
        found += e.kind == VICI_KEY_VALUE && span_equal(e.name, span_str("what"));
    assert_int_equal(found, 2);
}

static void a_connection_is_added_by_a_reload(void **state)
{
    (void)state;
    request(0, "keyway-add", "name", "office");
    assert_int_equal(fake.len[0], 0);
    assert_string_equal(fake.chosen, "office");
    assert_int_equal(fake.choice, CHOICE_ADDED);
    ctl_reload_done(service, fake.reload_token, NULL, 0, 1);
    struct span r = reply(0);
    assert_text(r, "success", "yes");
    assert_text(r, "dialect", "swanctl.conf");
    assert_int_equal(fake.choice, CHOICE_ADDED);
}

static void what_no_file_has_is_not_added_and_not_remembered(void **state)
{
    (void)state;
    fake.choice_before = CHOICE_DELETED;
    request(0, "keyway-add", "name", "nothing");
    ctl_reload_done(service, fake.reload_token, NULL, 0, 1);
    struct span r = reply(0);
    assert_text(r, "success", "no");
    assert_text(r, "class", "4");
    assert_int_equal(fake.choice, CHOICE_DELETED);
}

static void what_another_file_has_is_not_deleted(void **state)
{
    (void)state;
    request(0, "keyway-delete", "name", "office");
    assert_int_equal(fake.choice, CHOICE_DELETED);
    ctl_reload_done(service, fake.reload_token, NULL, 0, 1);
    struct span r = reply(0);
    assert_text(r, "success", "no");
    assert_text(r, "what", "connection office is of swanctl.conf: it is deleted there");
    assert_int_equal(fake.choice, CHOICE_NONE);
}

static void a_choice_falls_with_a_configuration_that_is_refused(void **state)
{
    (void)state;
    struct diag error = {0};
    request(0, "keyway-delete", "name", "gone");
    diag_set(&error, FAIL_CONFIG, "first");
    ctl_reload_done(service, fake.reload_token, &error, 1, 0);
    struct span r = reply(0);
    assert_text(r, "errmsg", "the configuration has 1 error; the running one stays");
    assert_text(r, "what", "first");
    assert_int_equal(fake.choice, CHOICE_NONE);
}

static void a_choice_wants_a_name(void **state)
{
    (void)state;
    char name[600];
    request(0, "keyway-add", NULL, NULL);
    assert_text(reply(0), "success", "no");
    memset(name, 'x', sizeof(name) - 1);
    name[sizeof(name) - 1] = '\0';
    request(0, "keyway-add", "name", name);
    assert_text(reply(0), "success", "no");
    assert_int_equal(fake.reload_token, 0);
}

/* So many list-cert events before the reply. */
static unsigned listed_certs(const char *key, const char *value)
{
    struct vici_packet p;
    unsigned n = 0;
    request(0, "list-certs", key, value);
    while (next(0, &p) && p.type == VICI_EVENT) {
        assert_text(p.body, "type", "X509");
        n++;
    }
    return n;
}

static void certificates_are_listed_once_by_what_they_are_for(void **state)
{
    (void)state;
    struct diag d;
    struct vici_packet p;
    struct cert *cert = cert_load(span_str(acert_authority), &d),
                *again = cert_load(span_str(acert_authority), &d);
    assert_non_null(cert);
    config.certs = (struct cert_list){&cert, 1};
    conn.local.certs = (struct cert_list){&again, 1};
    config.cas = (struct cert_list){&again, 1};
    send_packet(0, VICI_EVENT_REGISTER, "list-cert");
    next(0, &p);
    assert_int_equal(listed_certs(NULL, NULL), 1);
    assert_int_equal(listed_certs("flag", "CA"), 1);
    assert_int_equal(listed_certs("flag", "AA"), 0);
    assert_int_equal(listed_certs("type", "x509_crl"), 0);
    assert_int_equal(listed_certs("subject", cert_subject_text(cert)), 1);
    assert_int_equal(listed_certs("subject", "CN=somebody"), 0);
    config.certs = config.cas = conn.local.certs = (struct cert_list){0};
    cert_unref(cert);
    cert_unref(again);
}

static void a_name_means_a_connection_or_a_child(void **state)
{
    (void)state;
    request(0, "keyway-connection", "name", "office");
    struct span r = reply(0);
    assert_text(r, "connection", "office");
    assert_text(r, "dialect", "swanctl.conf");
    struct span none;
    assert_false(vici_find(r, "child", &none));
    static const char *const children[] = {"lan", "office/lan"};
    for (size_t i = 0; i < 2; i++) {
        request(0, "keyway-connection", "name", children[i]);
        r = reply(0);
        assert_text(r, "connection", "office");
        assert_text(r, "child", "lan");
    }
    request(0, "keyway-connection", "name", "office/wan");
    assert_text(reply(0), "class", "4");
}

static void an_up_down_event_reaches_those_that_registered(void **state)
{
    (void)state;
    struct vici_packet p;
    send_packet(1, VICI_EVENT_REGISTER, "child-updown");
    next(1, &p);
    struct event up = {
        .kind = EVENT_CHILD_UPDOWN, .is_up = true, .ike_id = 7, .child_id = 3, .connection = "office"};
    ctl_event(service, &up);
    assert_int_equal(fake.len[0], 0);
    assert_true(next(1, &p));
    assert_text(p.body, "up", "yes");
}

static void a_child_that_has_gone_is_still_named(void **state)
{
    (void)state;
    struct vici_packet p;
    struct vici_element e;
    bool is_named = false;
    send_packet(1, VICI_EVENT_REGISTER, "child-updown");
    next(1, &p);
    struct event down = {
        .kind = EVENT_CHILD_UPDOWN, .ike_id = 7, .child_id = 99, .connection = "office", .child = "lan"};
    ctl_event(service, &down);
    assert_true(next(1, &p));
    struct vici_reader r = vici_read(p.body);
    while (vici_next(&r, &e))
        is_named |= e.kind == VICI_SECTION_START && span_equal(e.name, span_str("lan-99"));
    assert_true(is_named);
}

static void a_rekeyed_child_is_shown_old_and_new(void **state)
{
    (void)state;
    static const char *const order[] = {"child-sas", "lan", "old", "new"};
    struct vici_packet p;
    struct vici_element e;
    size_t n = 0;
    send_packet(1, VICI_EVENT_REGISTER, "child-rekey");
    next(1, &p);
    struct event rekeyed = {.kind = EVENT_CHILD_REKEY,
                            .ike_id = 7,
                            .child_id = 3,
                            .old_id = 2, /* gone already */
                            .connection = "office",
                            .child = "lan"};
    ctl_event(service, &rekeyed);
    assert_true(next(1, &p));
    struct vici_reader r = vici_read(p.body);
    while (vici_next(&r, &e)) {
        if (e.kind != VICI_SECTION_START || r.depth < 2)
            continue;
        assert_true(n < ARRAY_LEN(order));
        assert_span_equal(e.name, span_str(order[n++]));
    }
    assert_int_equal(n, ARRAY_LEN(order));
}

static void what_is_not_vici_closes_the_client(void **state)
{
    (void)state;
    ctl_input(client[0], hex("00000001 05")); /* EVENT_CONFIRM is the server's */
    assert_int_equal(fake.n_closed, 1);
    ctl_input(client[0], hex("00000001 05"));
    assert_int_equal(fake.n_closed, 1);
    ctl_input(client[1], hex("ffffffff"));
    assert_int_equal(fake.n_closed, 2);
}

static void a_malformed_message_is_refused(void **state)
{
    (void)state;
    ctl_input(client[0], hex("0000000b 00 07 76657273696f6e 02 02"));
    assert_text(reply(0), "errmsg", "malformed message");
}

/* The value at a path of sections. */
static void assert_at(struct span message, const char *const path[3], const char *expected)
{
    struct vici_reader r = vici_read(message);
    struct vici_element e;
    size_t deep = 0, last = path[2] ? 2 : 1;
    unsigned skipped = 0;
    while (vici_next(&r, &e)) {
        bool is_next = e.kind != VICI_SECTION_END && !skipped && span_equal(e.name, span_str(path[deep]));
        if (e.kind == VICI_SECTION_END && skipped)
            skipped--;
        else if (e.kind == VICI_SECTION_START && is_next && deep < last)
            deep++;
        else if (e.kind == VICI_SECTION_START)
            skipped++;
        else if (e.kind == VICI_KEY_VALUE && is_next && deep == last) {
            assert_true(span_equal(e.value, span_str(expected)));
            return;
        }
    }
    fail_msg("%s.%s is not there", path[0], path[1]);
}

static void algorithms_have_the_protocols_form_and_ours(void **state)
{
    (void)state;
    request(0, "get-algorithms", NULL, NULL);
    struct span theirs = reply(0);
    assert_at(theirs, (const char *const[3]){"aead", "AES_GCM_16"}, "openssl");
    assert_at(theirs, (const char *const[3]){"ke", "CURVE_25519"}, "openssl");
    request(0, "keyway-algorithms", NULL, NULL);
    struct span ours = reply(0);
    assert_at(ours, (const char *const[3]){"encryption", "AES_CCM_16_192", "esp"}, "openssl");
    assert_at(ours, (const char *const[3]){"encryption", "AES_CCM_16_192", "but"}, "ipsec-mb");
    assert_at(ours, (const char *const[3]){"integrity", "HMAC_SHA2_256_128", "ike"}, "openssl");
    assert_at(ours, (const char *const[3]){"key-exchange", "MODP_1024", "weak"}, "yes");
    assert_at(ours, (const char *const[3]){"signature", "ED25519", "ike"}, "openssl");
}

static void there_is_room_for_so_many_clients(void **state)
{
    (void)state;
    for (int i = 2; i < CTL_CLIENTS_MAX; i++)
        assert_non_null(ctl_open(service, (void *)1));
    assert_null(ctl_open(service, (void *)1));
}

#define TEST(f) cmocka_unit_test_setup_teardown(f, setup, teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(unknown_commands_and_events_are_answered),
        TEST(listed_sas_go_to_the_asking_client_alone_in_the_order_of_the_protocol),
        TEST(pools_tell_their_leases_when_asked),
        TEST(filters_select_sas),
        TEST(a_command_waits_for_its_outcome_and_streams_its_log),
        TEST(a_command_without_a_name_is_refused),
        TEST(traps_are_set_and_taken_away_by_name),
        TEST(a_redirect_names_a_gateway_and_clients),
        TEST(a_ticket_is_held_or_given_and_runs_out),
        TEST(traps_are_listed_as_policies),
        TEST(a_command_runs_out_of_time),
        TEST(an_asynchronous_command_is_answered_at_once),
        TEST(a_client_that_goes_while_it_waits_harms_nobody),
        TEST(what_was_fetched_is_flushed_by_type),
        TEST(reload_answers_with_every_error),
        TEST(a_connection_is_added_by_a_reload),
        TEST(what_no_file_has_is_not_added_and_not_remembered),
        TEST(what_another_file_has_is_not_deleted),
        TEST(a_choice_falls_with_a_configuration_that_is_refused),
        TEST(a_choice_wants_a_name),
        TEST(certificates_are_listed_once_by_what_they_are_for),
        TEST(a_name_means_a_connection_or_a_child),
        TEST(an_up_down_event_reaches_those_that_registered),
        TEST(a_child_that_has_gone_is_still_named),
        TEST(a_rekeyed_child_is_shown_old_and_new),
        TEST(what_is_not_vici_closes_the_client),
        TEST(a_malformed_message_is_refused),
        TEST(algorithms_have_the_protocols_form_and_ours),
        TEST(there_is_room_for_so_many_clients),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
