/* SPDX-License-Identifier: Apache-2.0 */
/* Loading and unloading over vici, with a real engine and overlay; what the loop does on a worker is done
 * when the test says so. */
#include "conf/test_credentials.h"
#include "conf/testing.h"
#include "ctl/server.h"
#include "ctl/vici.h"
#include "support/test.h"
#include <stdio.h>
#include <stdlib.h>

#define BUILDS_MAX 4

static struct host {
    struct engine *engine;
    struct outbox outbox;
    struct overlay *overlay;
    struct config *files;
    bool has_news;
    struct {
        uint64_t token;
        struct conf_item *item;
    } builds[BUILDS_MAX];
    size_t n_builds;
    uint8_t out[1 << 16];
    size_t len;
} host;

static struct ctl *service;
static struct ctl_conn *client;

static struct time host_now(void *ctx)
{
    (void)ctx;
    return (struct time){.mono = TIME_SECOND};
}

static const struct engine *host_engine(void *ctx)
{
    if (host.has_news) {
        struct input in = {.kind = INPUT_CONFIG, .config = overlay_config(host.overlay, host.files)};
        outbox_reset(&host.outbox);
        engine_step(host.engine, host_now(ctx), &in, &host.outbox);
        host.has_news = false;
    }
    return host.engine;
}

static void host_build(void *ctx, uint64_t token, struct conf_item *item)
{
    (void)ctx;
    assert_true(host.n_builds < BUILDS_MAX);
    host.builds[host.n_builds].token = token;
    host.builds[host.n_builds++].item = item;
}

static const struct overlay *host_overlay(void *ctx)
{
    (void)ctx;
    return host.overlay;
}

static bool host_put(void *ctx, enum conf_item_kind kind, const char *name, struct config *part)
{
    (void)ctx;
    host.has_news = true;
    return overlay_put(host.overlay, kind, name, part);
}

static bool host_remove(void *ctx, enum conf_item_kind kind, const char *name)
{
    (void)ctx;
    host.has_news = true;
    return overlay_remove(host.overlay, kind, name, host.files);
}

static void host_clear(void *ctx)
{
    (void)ctx;
    host.has_news = true;
    overlay_clear_credentials(host.overlay);
}

static void host_write(void *ctx, void *handle, struct span bytes)
{
    (void)ctx;
    (void)handle;
    assert_true(host.len + bytes.len <= sizeof(host.out));
    memcpy(host.out + host.len, bytes.ptr, bytes.len);
    host.len += bytes.len;
}

/* What waits for a worker. */
static void run_builds(void)
{
    struct memory_source none = {0};
    struct conf_source src = memory_source(&none);
    size_t n = host.n_builds;
    host.n_builds = 0;
    for (size_t i = 0; i < n; i++) {
        struct diag d[4] = {{0}};
        size_t errors = 0;
        struct config *part =
            conf_item_build(host.builds[i].item, &src, "/etc", host.files, d, ARRAY_LEN(d), &errors);
        conf_item_free(host.builds[i].item);
        ctl_built(service, host.builds[i].token, part, d, errors);
    }
}

static int setup(void **state)
{
    (void)state;
    static const struct ctl_host of_test = {
        .now = host_now,
        .engine = host_engine,
        .build = host_build,
        .overlay = host_overlay,
        .put = host_put,
        .remove = host_remove,
        .clear_credentials = host_clear,
        .write = host_write,
    };
    memset(&host, 0, sizeof(host));
    outbox_init(&host.outbox);
    host.engine = engine_new();
    host.overlay = overlay_new();
    host.files = config_new(arena_new(1 << 10));
    host.has_news = true;
    service = ctl_new(&of_test);
    client = ctl_open(service, &host);
    return 0;
}

static int teardown(void **state)
{
    (void)state;
    ctl_free(service);
    engine_free(host.engine);
    overlay_free(host.overlay);
    config_unref(host.files);
    outbox_deinit(&host.outbox);
    return 0;
}

/* ---- the client's side */

static struct vici_writer message;

static struct vici_writer *request(const char *command)
{
    vici_write_init(&message);
    vici_packet_open(&message, VICI_CMD_REQUEST, command);
    return &message;
}

static void send_request(void)
{
    ctl_input(client, vici_packet_close(&message));
    vici_write_free(&message);
}

/* The reply, which must be there now. Valid until the next one. */
static struct span reply(void)
{
    static uint8_t copy[1 << 16];
    struct vici_stream s = {.buf = host.out, .len = host.len, .cap = host.len};
    struct vici_packet p;
    struct span payload;
    if (vici_stream_next(&s, &payload) != VICI_STREAM_SEGMENT)
        fail_msg("no reply");
    memcpy(copy, payload.ptr, payload.len);
    payload.ptr = copy;
    memmove(host.out, host.out + s.taken, host.len - s.taken);
    host.len -= s.taken;
    assert_true(vici_packet_parse(payload, &p));
    assert_true(vici_is_valid(p.body));
    return p.body;
}

static struct span loaded(void)
{
    send_request();
    assert_int_equal(host.len, 0); /* the worker has not built it yet */
    run_builds();
    return reply();
}

static struct span answered(void)
{
    send_request();
    return reply();
}

static void expect_ok(struct span body)
{
    char text[512];
    if (!vici_find_text(body, "success", text, sizeof(text)) || strcmp(text, "yes") != 0) {
        vici_find_text(body, "errmsg", text, sizeof(text));
        fail_msg("%s", text);
    }
}

static void expect_error(struct span body, const char *words)
{
    char text[512];
    assert_true(vici_find_text(body, "success", text, sizeof(text)));
    assert_string_equal(text, "no");
    assert_true(vici_find_text(body, "errmsg", text, sizeof(text)));
    if (!strstr(text, words))
        fail_msg("'%s' does not say '%s'", text, words);
}

/* "a b": a list's items. */
static const char *items(const char *command, const char *list)
{
    static char all[1024];
    struct vici_element e;
    size_t at = 0;
    request(command);
    struct vici_reader r = vici_read(answered());
    all[0] = 0;
    while (vici_next(&r, &e)) {
        if (e.kind == VICI_LIST_START)
            assert_span_equal(e.name, span_str(list));
        if (e.kind == VICI_LIST_ITEM)
            at += (size_t)snprintf(all + at, sizeof(all) - at, "%s%.*s", at ? " " : "", (int)e.value.len,
                                   (const char *)e.value.ptr);
    }
    return all;
}

static struct vici_writer *connection(const char *name, const char *port)
{
    struct vici_writer *w = request("load-conn");
    vici_section(w, name);
    vici_list(w, "remote_addrs");
    vici_item(w, "192.0.2.2");
    vici_list_end(w);
    vici_text(w, "remote_port", port);
    vici_section(w, "children");
    vici_section(w, "net");
    vici_list(w, "local_ts");
    vici_item(w, "10.1.0.0/16");
    vici_item(w, "10.2.0.0/16");
    vici_list_end(w);
    vici_section_end(w);
    vici_section_end(w);
    vici_section_end(w);
    return w;
}

static void name_request(const char *command, const char *key, const char *name)
{
    vici_text(request(command), key, name);
}

static void a_connection_is_loaded_replaced_and_unloaded(void **state)
{
    (void)state;
    connection("office", "501");
    expect_ok(loaded());
    connection("home", "502");
    expect_ok(loaded());
    assert_string_equal(items("get-conns", "conns"), "office home");
    connection("office", "503");
    expect_ok(loaded());
    assert_string_equal(items("get-conns", "conns"), "office home");
    assert_int_equal(config_find(engine_config(host_engine(NULL)), "office")->remote_port, 503);
    assert_int_equal(config_find(engine_config(host.engine), "office")->children[0].n_local_ts, 2);
    name_request("unload-conn", "name", "office");
    expect_ok(answered());
    assert_string_equal(items("get-conns", "conns"), "home");
    name_request("unload-conn", "name", "office");
    expect_error(answered(), "unload: connection 'office' not found");
    request("unload-conn");
    expect_error(answered(), "missing connection name");
}

static void what_is_wrong_with_a_connection_is_said_and_the_old_one_stays(void **state)
{
    (void)state;
    connection("office", "501");
    expect_ok(loaded());
    connection("office", "a lot");
    expect_error(loaded(), "remote_port");
    assert_int_equal(config_find(engine_config(host_engine(NULL)), "office")->remote_port, 501);
}

static void messages_of_another_shape_are_refused(void **state)
{
    (void)state;
    request("load-conn");
    expect_error(answered(), "got nothing");
    name_request("load-conn", "name", "office");
    expect_error(answered(), "expected a section");
    struct vici_writer *w = connection("office", "501");
    vici_section(w, "home");
    vici_section_end(w);
    expect_error(answered(), "expected one section");
    w = request("load-pool");
    vici_section(w, "deep");
    for (int i = 0; i < 12; i++)
        vici_section(w, "deeper");
    for (int i = 0; i < 13; i++)
        vici_section_end(w);
    expect_error(answered(), "more sections or values");
    assert_int_equal(host.n_builds, 0);
}

static void a_client_that_is_gone_changes_nothing(void **state)
{
    (void)state;
    connection("office", "501");
    send_request();
    ctl_closed(client);
    run_builds();
    assert_int_equal(engine_config(host_engine(NULL))->n_connections, 0);
    client = ctl_open(service, &host);
}

static void keys_are_called_by_their_key_ids(void **state)
{
    (void)state;
    char id[64];
    vici_text(request("load-key"), "type", "any");
    vici_text(&message, "data", test_moon_key);
    struct span body = loaded();
    expect_ok(body);
    assert_true(vici_find_text(body, "id", id, sizeof(id)));
    assert_int_equal(strlen(id), 40);
    assert_string_equal(items("get-keys", "keys"), id);
    assert_int_equal(engine_config(host_engine(NULL))->n_keys, 1);
    name_request("unload-key", "id", id);
    expect_ok(answered());
    assert_string_equal(items("get-keys", "keys"), "");
    assert_int_equal(engine_config(host_engine(NULL))->n_keys, 0);
    vici_text(request("load-key"), "data", "no key");
    expect_error(loaded(), "no private key");
}

static void secret(const char *id, const char *data)
{
    struct vici_writer *w = request("load-shared");
    if (id)
        vici_text(w, "id", id);
    vici_text(w, "type", "IKE");
    vici_text(w, "data", data);
    expect_ok(loaded());
}

static void secrets_without_an_id_are_there_once(void **state)
{
    (void)state;
    secret("ike-1", "first");
    secret("ike-1", "first, changed");
    secret(NULL, "nameless");
    secret(NULL, "nameless");
    secret(NULL, "another");
    assert_string_equal(items("get-shared", "keys"), "ike-1");
    assert_int_equal(engine_config(host_engine(NULL))->n_secrets, 3);
    name_request("unload-shared", "id", "ike-1");
    expect_ok(answered());
    request("clear-creds");
    expect_ok(answered());
    assert_int_equal(engine_config(host_engine(NULL))->n_secrets, 0);
}

static void certificates_pools_and_authorities_are_loaded(void **state)
{
    (void)state;
    struct vici_writer *w = request("load-cert");
    vici_text(w, "type", "X509");
    vici_text(w, "flag", "CA");
    vici_text(w, "data", test_ca);
    expect_ok(loaded());
    assert_int_equal(engine_config(host_engine(NULL))->cas.n, 1);
    w = request("load-pool");
    vici_section(w, "phones");
    vici_text(w, "addrs", "10.3.0.0/24");
    vici_section_end(w);
    expect_ok(loaded());
    struct span pools = (request("get-pools"), answered());
    struct vici_reader r = vici_read(pools);
    struct vici_element e;
    assert_true(vici_next(&r, &e));
    assert_span_equal(e.name, span_str("phones"));
    w = request("load-authority");
    vici_section(w, "ours");
    vici_text(w, "cacert", test_ca);
    vici_section_end(w);
    expect_ok(loaded());
    assert_string_equal(items("get-authorities", "authorities"), "ours");
    name_request("unload-pool", "name", "phones");
    expect_ok(answered());
    name_request("unload-pool", "name", "phones");
    expect_error(answered(), "pool 'phones' not found");
    name_request("unload-authority", "name", "ours");
    expect_ok(answered());
    assert_string_equal(items("get-authorities", "authorities"), "");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(a_connection_is_loaded_replaced_and_unloaded, setup, teardown),
        cmocka_unit_test_setup_teardown(what_is_wrong_with_a_connection_is_said_and_the_old_one_stays, setup,
                                        teardown),
        cmocka_unit_test_setup_teardown(messages_of_another_shape_are_refused, setup, teardown),
        cmocka_unit_test_setup_teardown(a_client_that_is_gone_changes_nothing, setup, teardown),
        cmocka_unit_test_setup_teardown(keys_are_called_by_their_key_ids, setup, teardown),
        cmocka_unit_test_setup_teardown(secrets_without_an_id_are_there_once, setup, teardown),
        cmocka_unit_test_setup_teardown(certificates_pools_and_authorities_are_loaded, setup, teardown),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
