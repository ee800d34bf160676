/* SPDX-License-Identifier: Apache-2.0 */
/* The whole vici service before a real engine: what two clients send, packet by packet, with everything that
 * they load built and put in force. The input is a row of records: one byte whose lowest bit says which
 * client, two bytes of length (big-endian), the packet. Every answer must be well-formed, and none may be
 * missing. */
#include "conf/test_credentials.h"
#include "conf/testing.h"
#include "ctl/server.h"
#include "ctl/vici.h"
#include <stdlib.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

#define CLIENTS  2
#define BUILDS   8
#define COMMANDS 64
#define FILE_TEXT                                                                                            \
    "connections { net { remote_addrs = 192.0.2.1\n local { auth = psk\n } remote { auth = psk\n } children { c { \
start_action = trap\n remote_ts = 10.2.0.0/16\n } } } }"

static struct world {
    struct engine *engine;
    struct outbox out;
    struct overlay *overlay;
    struct config *files;
    struct ctl *service;
    struct ctl_conn *client[CLIENTS];
    bool has_news, is_stepping, is_closed[CLIENTS];
    struct {
        uint64_t token;
        struct conf_item *item;
    } builds[BUILDS];
    size_t n_builds;
    struct command commands[COMMANDS];
    size_t n_commands;
    uint64_t reload;
} world;

static struct time now(void *ctx)
{
    (void)ctx;
    return (struct time){.mono = TIME_SECOND, .wall = 1700000000};
}

/* As in the loop no step begins before what the last one said is told. */
static void step(const struct input *in)
{
    world.is_stepping = true;
    outbox_reset(&world.out);
    engine_step(world.engine, now(NULL), in, &world.out);
    for (size_t i = 0; i < world.out.n; i++) {
        if (world.out.v[i].kind == ACTION_EVENT)
            ctl_event(world.service, &world.out.v[i].event);
    }
    world.is_stepping = false;
}

static const struct engine *engine(void *ctx)
{
    (void)ctx;
    if (world.has_news && !world.is_stepping) {
        world.has_news = false;
        step(&(struct input){.kind = INPUT_CONFIG, .config = overlay_config(world.overlay, world.files)});
    }
    return world.engine;
}

static char *copy(const char *text)
{
    return text ? strdup(text) : NULL;
}

/* Runs later, as with the loop. */
static void command(void *ctx, const struct command *c)
{
    (void)ctx;
    if (world.n_commands == COMMANDS)
        return;
    struct command *q = &world.commands[world.n_commands++];
    *q = *c;
    q->connection = copy(c->connection);
    q->child = copy(c->child);
    q->peer_id = copy(c->peer_id);
    q->gateway.name = copy(c->gateway.name);
}

static void drop(struct command *c)
{
    free((char *)c->connection);
    free((char *)c->child);
    free((char *)c->peer_id);
    free((char *)c->gateway.name);
}

static void reload(void *ctx, uint64_t token)
{
    (void)ctx;
    world.reload = token;
}

static void build(void *ctx, uint64_t token, struct conf_item *item)
{
    (void)ctx;
    if (world.n_builds == BUILDS)
        abort(); /* a client has one command at a time */
    world.builds[world.n_builds].token = token;
    world.builds[world.n_builds++].item = item;
}

static const struct overlay *overlay(void *ctx)
{
    (void)ctx;
    return world.overlay;
}

static bool put(void *ctx, enum conf_item_kind kind, const char *name, struct config *part)
{
    (void)ctx;
    world.has_news = true;
    return overlay_put(world.overlay, kind, name, part);
}

static bool removed(void *ctx, enum conf_item_kind kind, const char *name)
{
    (void)ctx;
    world.has_news = true;
    return overlay_remove(world.overlay, kind, name, world.files);
}

static void clear(void *ctx)
{
    (void)ctx;
    world.has_news = true;
    overlay_clear_credentials(world.overlay);
}

static enum choice choose(void *ctx, const char *connection, enum choice what)
{
    (void)ctx;
    (void)connection;
    (void)what;
    return CHOICE_NONE;
}

static void check_answer(void *ctx, void *handle, struct span bytes)
{
    struct vici_stream s = {.buf = (uint8_t *)bytes.ptr, .len = bytes.len, .cap = bytes.len};
    struct span payload;
    struct vici_packet p;
    (void)ctx;
    (void)handle;
    if (vici_stream_next(&s, &payload) != VICI_STREAM_SEGMENT || s.taken != bytes.len ||
        !vici_packet_parse(payload, &p) || !vici_is_valid(p.body))
        abort();
}

static size_t queued(void *ctx, void *handle)
{
    (void)ctx;
    (void)handle;
    return 0;
}

static void closed(void *ctx, void *handle)
{
    (void)ctx;
    *(bool *)handle = true;
}

static void numbers(void *ctx, struct ctl_numbers *out)
{
    (void)ctx;
    *out = (struct ctl_numbers){.dataplane = "user", .device = "kw0", .workers = 1};
}

static unsigned flush(void *ctx, bool crls, bool ocsps)
{
    (void)ctx;
    return crls + 2u * ocsps;
}

/* What the host does after a request, on other threads and later. */
static void catch_up(void)
{
    struct memory_source none = {0};
    struct conf_source src = memory_source(&none);
    while (world.n_commands) {
        struct command c = world.commands[--world.n_commands];
        engine(NULL);
        step(&(struct input){.kind = INPUT_COMMAND, .command = c});
        drop(&c);
    }
    while (world.n_builds) {
        struct diag d[4] = {{0}};
        size_t errors = 0, i = --world.n_builds;
        uint64_t token = world.builds[i].token;
        struct config *part = conf_item_build(world.builds[i].item, &src, "/etc", engine_config(world.engine),
                                              d, ARRAY_LEN(d), &errors);
        conf_item_free(world.builds[i].item);
        ctl_built(world.service, token, part, d, errors < ARRAY_LEN(d) ? errors : ARRAY_LEN(d));
    }
    if (world.reload) {
        uint64_t token = world.reload;
        world.reload = 0;
        ctl_reload_done(world.service, token, NULL, 0, 1, NULL);
    }
    engine(NULL);
}

static void log_listeners(void *ctx, bool are_there)
{
    (void)ctx;
    (void)are_there;
}

static struct config *read_files(void)
{
    const struct memory_file files[] = {
        {"/etc/swanctl/swanctl.conf",     FILE_TEXT    },
        {"/etc/swanctl/x509/moon.pem",    test_moon    },
        {"/etc/swanctl/x509ca/ca.pem",    test_ca      },
        {"/etc/swanctl/private/moon.pem", test_moon_key},
    };
    struct memory_source m = {files, ARRAY_LEN(files)};
    const struct conf_source src = memory_source(&m);
    struct diag d[4];
    size_t n;
    struct config *c = conf_load(&src, &(struct conf_request){.etc = "/etc"}, d, ARRAY_LEN(d), &n);
    if (!c)
        abort();
    return c;
}

/* Of a data plane that has nothing. */
static unsigned tables(void *ctx, struct esp_tables out[CTL_TABLES_MAX])
{
    (void)ctx;
    out[0] = (struct esp_tables){0};
    return 1;
}

static void begin(void)
{
    static const struct ctl_host host = {
        .now = now,
        .engine = engine,
        .command = command,
        .reload = reload,
        .reload_settings = reload,
        .build = build,
        .overlay = overlay,
        .put = put,
        .remove = removed,
        .clear_credentials = clear,
        .choose = choose,
        .write = check_answer,
        .queued = queued,
        .close = closed,
        .numbers = numbers,
        .tables = tables,
        .flush = flush,
        .log_listeners = log_listeners,
    };
    static struct config *files; /* the same for all: reading it costs more than an input */
    memset(&world, 0, sizeof(world));
    if (!files)
        files = read_files();
    outbox_init(&world.out);
    world.engine = engine_new();
    world.overlay = overlay_new();
    world.files = config_ref(files);
    world.service = ctl_new(&host);
    world.has_news = true;
    for (size_t i = 0; i < CLIENTS; i++)
        world.client[i] = ctl_open(world.service, &world.is_closed[i]);
    engine(NULL);
}

static void end(void)
{
    while (world.n_commands)
        drop(&world.commands[--world.n_commands]);
    while (world.n_builds)
        conf_item_free(world.builds[--world.n_builds].item);
    ctl_free(world.service);
    engine_free(world.engine);
    overlay_free(world.overlay);
    config_unref(world.files);
    outbox_deinit(&world.out);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct rd r = rd_over(span_of(data, size));
    begin();
    for (unsigned n = 0; n < 64 && rd_left(&r); n++) {
        size_t who = rd_u8(&r) % CLIENTS, len = rd_u16(&r);
        struct span packet = rd_bytes(&r, len < rd_left(&r) ? len : rd_left(&r));
        uint8_t head[4] = {0, 0, (uint8_t)(packet.len >> 8), (uint8_t)packet.len};
        if (world.is_closed[who])
            continue;
        ctl_input(world.client[who], span_of(head, sizeof(head)));
        if (!world.is_closed[who])
            ctl_input(world.client[who], packet);
        catch_up();
    }
    end();
    return 0;
}
