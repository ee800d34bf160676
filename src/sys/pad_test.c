/* SPDX-License-Identifier: Apache-2.0 */
/* One-time pads: real files, what happens to them before a piece is given out, and two engines that use them
 * (the protocol is ike/v2/ppk.c's). */
#include "ike/msg/header.h"
#include "support/pair_fixture.h"
#include "support/test.h"
#include "sys/pad.h"
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#define PIECES 600 /* more than are looked through at once */

static char dir[64], paths[2][96];

static void write_pad(const char *path, size_t len)
{
    FILE *f = fopen(path, "w");
    assert_non_null(f);
    for (size_t i = 0; i < len; i++)
        fputc((int)(1 + (i * 7 + i / PAD_PIECE * 13) % 255), f);
    assert_int_equal(fclose(f), 0);
    assert_int_equal(chmod(path, 0600), 0);
}

static int make(void **state)
{
    snprintf(dir, sizeof(dir), "/tmp/pad-test-XXXXXX");
    assert_non_null(mkdtemp(dir));
    for (int i = 0; i < 2; i++) {
        snprintf(paths[i], sizeof(paths[i]), "%s/%d.pad", dir, i);
        write_pad(paths[i], PIECES * PAD_PIECE + 5); /* what is left over is no piece */
    }
    return setup(state);
}

static int clear(void **state)
{
    char command[128];
    snprintf(command, sizeof(command), "rm -rf %s", dir);
    return teardown(state) | system(command);
}

static void contents(const char *path, uint64_t piece, uint8_t out[PAD_PIECE])
{
    FILE *f = fopen(path, "r");
    assert_non_null(f);
    assert_int_equal(fseek(f, (long)(piece * PAD_PIECE), SEEK_SET), 0);
    assert_int_equal(fread(out, 1, PAD_PIECE, f), PAD_PIECE);
    fclose(f);
}

static bool is_used(const char *path, uint64_t piece)
{
    static const uint8_t zeros[PAD_PIECE];
    uint8_t is[PAD_PIECE];
    contents(path, piece, is);
    return memcmp(is, zeros, sizeof(is)) == 0;
}

static struct job ask(enum pad_use use, uint64_t piece, bool is_from_end, const struct pad_io *io)
{
    struct job j = {
        .kind = JOB_PAD, .pad_use = use, .pad = paths[0], .piece = piece, .is_from_end = is_from_end};
    pad_run(&j, io);
    return j;
}

static void expect(enum pad_use use, uint64_t piece, const char *why)
{
    struct job j = ask(use, piece, false, &pad_io);
    assert_false(j.ok);
    assert_int_equal(j.shared.len, 0);
    if (!strstr(j.verdict.why.what, why))
        fail_msg("%s", j.verdict.why.what);
}

static void pieces_are_taken_from_either_end_and_each_once(void **state)
{
    (void)state;
    uint8_t was[PAD_PIECE];
    for (uint64_t i = 0; i < PIECES; i++) {
        bool is_from_end = i % 3 == 0;
        uint64_t want = is_from_end ? PIECES - 1 - i / 3 : i - i / 3 - 1;
        contents(paths[0], want, was);
        struct job j = ask(PAD_TAKE, 0, is_from_end, &pad_io);
        assert_true(j.ok);
        assert_int_equal(j.piece, want);
        assert_true(span_equal(secret_view(&j.shared), span_of(was, sizeof(was))));
        assert_true(is_used(paths[0], want));
        secret_free(&j.shared);
    }
    expect(PAD_TAKE, 0, "the pad is used up");
}

static void a_piece_is_read_until_it_is_burnt_and_burnt_once(void **state)
{
    (void)state;
    uint8_t was[PAD_PIECE];
    contents(paths[0], 3, was);
    for (int i = 0; i < 2; i++) {
        struct job j = ask(PAD_READ, 3, false, &pad_io);
        assert_true(j.ok);
        assert_true(span_equal(secret_view(&j.shared), span_of(was, sizeof(was))));
        secret_free(&j.shared);
    }
    struct job j = ask(PAD_BURN, 3, false, &pad_io);
    assert_true(j.ok);
    assert_int_equal(j.shared.len, 0);
    assert_true(is_used(paths[0], 3));
    assert_true(!is_used(paths[0], 2) && !is_used(paths[0], 4));
    expect(PAD_BURN, 3, "was used before");
    expect(PAD_READ, 3, "was used before");
    expect(PAD_READ, PIECES, "has no such piece");
    expect(PAD_READ, UINT64_MAX / PAD_PIECE, "has no such piece");
}

/* ---- the order: overwritten, synced, given */

struct watch {
    const struct job *job; /* must not have the piece yet */
    char order[8];
    bool fails_to_erase, fails_to_sync, dies;
};

static bool watched_erase(void *ctx, int fd, uint64_t offset, size_t len)
{
    struct watch *w = ctx;
    strcat(w->order, "e");
    assert_int_equal(w->job->shared.len, 0);
    return !w->fails_to_erase && pad_io.erase(NULL, fd, offset, len);
}

static bool watched_sync(void *ctx, int fd)
{
    struct watch *w = ctx;
    strcat(w->order, "s");
    assert_int_equal(w->job->shared.len, 0);
    assert_true(is_used(w->job->pad, w->job->piece));
    if (w->dies)
        _exit(7);
    return !w->fails_to_sync && pad_io.sync(NULL, fd);
}

static void a_piece_is_overwritten_and_synced_before_it_is_given(void **state)
{
    (void)state;
    struct job j = {.kind = JOB_PAD, .pad_use = PAD_TAKE, .pad = paths[0]};
    struct watch w = {.job = &j};
    const struct pad_io io = {watched_erase, watched_sync, &w};
    pad_run(&j, &io);
    assert_true(j.ok);
    assert_string_equal(w.order, "es");
    assert_int_equal(j.shared.len, PAD_PIECE);
    secret_free(&j.shared);
}

static void a_piece_that_cannot_be_overwritten_or_synced_is_not_given(void **state)
{
    (void)state;
    for (int i = 0; i < 2; i++) {
        struct job j = {.kind = JOB_PAD, .pad_use = PAD_TAKE, .pad = paths[0]};
        struct watch w = {.job = &j, .fails_to_erase = i == 0, .fails_to_sync = i == 1};
        const struct pad_io io = {watched_erase, watched_sync, &w};
        pad_run(&j, &io);
        assert_false(j.ok);
        assert_int_equal(j.shared.len, 0);
    }
}

static void a_crash_between_overwriting_and_use_loses_the_piece(void **state)
{
    (void)state;
    pid_t child = fork();
    assert_true(child >= 0);
    if (child == 0) {
        struct job j = {.kind = JOB_PAD, .pad_use = PAD_TAKE, .pad = paths[0]};
        struct watch w = {.job = &j, .dies = true};
        const struct pad_io io = {watched_erase, watched_sync, &w};
        pad_run(&j, &io);
        _exit(1);
    }
    int status;
    assert_int_equal(waitpid(child, &status, 0), child);
    assert_int_equal(WEXITSTATUS(status), 7);
    expect(PAD_READ, 0, "was used before");
    struct job j = ask(PAD_TAKE, 0, false, &pad_io); /* nobody holds the lock */
    assert_true(j.ok);
    assert_int_equal(j.piece, 1);
    secret_free(&j.shared);
}

static void a_file_that_is_no_pad_is_refused(void **state)
{
    (void)state;
    assert_int_equal(chmod(paths[0], 0640), 0);
    expect(PAD_TAKE, 0, "others than its owner");
    write_pad(paths[0], PAD_PIECE - 1);
    expect(PAD_TAKE, 0, "there is no piece");
    unlink(paths[0]);
    expect(PAD_TAKE, 0, "No such file");
    assert_int_equal(mkdir(paths[0], 0700), 0);
    expect(PAD_READ, 0, "it is no file");
}

/* ---- two engines */

static bool is_required;

static void give_pad(struct config *c, struct connection *conn, struct child_config *children)
{
    int side = conn->local_addrs[0].from.b[3] - 1;
    const char *why;
    struct identity *id = arena_alloc(c->arena, sizeof(*id));
    (void)children;
    assert_true(identity_parse(c->arena, "vault", id, &why));
    conn->ppk_id = id;
    conn->ppk_required = is_required;
    c->ppks = arena_calloc(c->arena, 1, sizeof(*c->ppks));
    c->ppks[0] = (struct ppk){.ids = id, .n_ids = 1, .pad = paths[side], .is_from_end = side == 1};
    c->n_ppks = 1;
}

static unsigned jobs[2];

static void run_pad(int side, struct job *j)
{
    jobs[side]++;
    pad_run(j, &pad_io);
}

static void begin(int side)
{
    struct pair_spec s = {.tweak = give_pad};
    p.run_pad = run_pad;
    pair_load(&p, 0, &s);
    pair_load(&p, 1, &s);
    pair_command(&p, side, COMMAND_INITIATE, "net", NULL);
    pair_run(&p);
}

static void expect_up_with_pad(void)
{
    struct ike_view v = {0};
    for (int side = 0; side < 2; side++) {
        assert_int_equal(pair_children(&p, side), 1);
        assert_true(engine_ike_at(p.side[side].e, 0, &v) && v.has_ppk);
    }
    assert_true(pair_traffic_fits(&p));
}

static void both_sides_use_the_same_piece_up(void **state)
{
    (void)state;
    is_required = true;
    for (int side = 0; side < 2; side++) {
        uint64_t piece = side ? PIECES - 1 : 0;
        assert_true(!is_used(paths[0], piece) && !is_used(paths[1], piece));
        begin(side);
        expect_up_with_pad();
        assert_true(is_used(paths[0], piece) && is_used(paths[1], piece));
        pair_deinit(&p);
        pair_init(&p);
    }
    assert_true(!is_used(paths[0], 1) && !is_used(paths[1], PIECES - 2));
}

static void a_rekey_takes_no_piece(void **state)
{
    (void)state;
    is_required = true;
    begin(0);
    unsigned before = jobs[0] + jobs[1];
    pair_command(&p, 0, COMMAND_REKEY, "net", NULL);
    pair_run(&p);
    pair_command(&p, 1, COMMAND_REKEY, NULL, "net");
    pair_run(&p);
    expect_up_with_pad();
    assert_int_equal(jobs[0] + jobs[1], before);
}

/* A piece that one side lost: the attempt fails, says why, and the next one takes the next piece. */
static void sides_that_are_out_of_step_find_together_again(void **state)
{
    (void)state;
    is_required = true;
    struct job j = {.kind = JOB_PAD, .pad_use = PAD_BURN, .pad = paths[1], .piece = 0};
    pad_run(&j, &pad_io);
    assert_true(j.ok);
    begin(0);
    assert_int_equal(pair_ikes(&p, 0) + pair_ikes(&p, 1), 0);
    assert_true(pair_logged(&p, 1, "got PPK_IDENTITY vault:0; "));
    assert_true(pair_logged(&p, 1, "the piece was used before"));
    assert_true(pair_logged(&p, 1, "try: the next attempt names another piece"));
    begin(0);
    expect_up_with_pad();
    assert_true(is_used(paths[0], 1) && is_used(paths[1], 1));
}

static void files_that_differ_never_make_a_tunnel_and_burn_nothing_at_the_responder(void **state)
{
    (void)state;
    is_required = true;
    FILE *f = fopen(paths[1], "r+");
    assert_non_null(f);
    fputc('x', f);
    fclose(f);
    begin(0);
    assert_int_equal(pair_ikes(&p, 0) + pair_ikes(&p, 1), 0);
    assert_true(is_used(paths[0], 0) && !is_used(paths[1], 0));
    assert_true(pair_logged(&p, 1, "try: the same PPK vault:0 on both sides"));
}

static void an_optional_pad_that_is_used_up_is_done_without(void **state)
{
    (void)state;
    struct ike_view v = {0};
    for (int empty = 0; empty < 2; empty++) {
        is_required = false;
        write_pad(paths[empty], PAD_PIECE - 1);
        begin(0);
        assert_int_equal(pair_children(&p, 0) + pair_children(&p, 1), 2);
        assert_true(engine_ike_at(p.side[0].e, 0, &v) && !v.has_ppk);
        assert_true(engine_ike_at(p.side[1].e, 0, &v) && !v.has_ppk);
        assert_true(pair_traffic_fits(&p));
        assert_true(pair_logged(&p, empty, empty ? "has no such piece" : "there is no piece in the pad"));
        pair_deinit(&p);
        pair_init(&p);
        is_required = true;
        begin(0);
        assert_int_equal(pair_ikes(&p, 0) + pair_ikes(&p, 1), 0);
        pair_deinit(&p);
        pair_init(&p);
        write_pad(paths[empty], PIECES * PAD_PIECE);
    }
}

static struct pair_packet captured;

static bool capture_auth(void *ctx, struct pair_packet *k)
{
    (void)ctx;
    if (k->bytes[18] == EXCHANGE_IKE_AUTH && k->from == 0)
        captured = *k;
    return true;
}

/* The responder must not answer before its piece is gone: until the job that overwrites it is done nothing of
 * the SA is there, and when it fails nothing comes. */
static void nothing_is_made_of_a_piece_before_the_responder_has_overwritten_it(void **state)
{
    (void)state;
    is_required = true;
    struct pair_spec s = {.tweak = give_pad};
    p.run_pad = run_pad;
    p.filter = capture_auth;
    pair_load(&p, 0, &s);
    pair_load(&p, 1, &s);
    pair_command(&p, 0, COMMAND_INITIATE, "net", NULL);
    while (!captured.len)
        assert_true(pair_deliver(&p));
    p.side[1].holds_jobs = true;
    assert_true(pair_deliver(&p)); /* IKE_AUTH: the piece is to be read */
    assert_int_equal(p.side[1].n_held, 1);
    assert_int_equal(p.side[1].held[0]->pad_use, PAD_READ);
    struct job *read = p.side[1].held[0];
    p.side[1].n_held = 0;
    pad_run(read, &pad_io);
    assert_true(read->ok);
    pair_input(&p, 1, &(struct input){.kind = INPUT_JOB_DONE, .job = read});
    assert_int_equal(p.side[1].n_held, 1);
    assert_int_equal(p.side[1].held[0]->pad_use, PAD_BURN);
    assert_int_equal(p.n_wire, 0);
    assert_int_equal(p.side[1].n_sas, 0);
    struct job first = {.kind = JOB_PAD, .pad_use = PAD_BURN, .pad = paths[1], .piece = 0};
    pad_run(&first, &pad_io); /* another IKE SA was faster */
    assert_true(first.ok);
    p.side[1].holds_jobs = false;
    pair_release_jobs(&p, 1);
    pair_run(&p);
    assert_int_equal(p.side[1].n_sas, 0);
    assert_int_equal(pair_ikes(&p, 0) + pair_ikes(&p, 1), 0);
    assert_true(pair_logged(&p, 1, "cannot be overwritten"));
}

#define T(f) cmocka_unit_test_setup_teardown(f, make, clear)

int main(void)
{
    const struct CMUnitTest tests[] = {
        T(pieces_are_taken_from_either_end_and_each_once),
        T(a_piece_is_read_until_it_is_burnt_and_burnt_once),
        T(a_piece_is_overwritten_and_synced_before_it_is_given),
        T(a_piece_that_cannot_be_overwritten_or_synced_is_not_given),
        T(a_crash_between_overwriting_and_use_loses_the_piece),
        T(a_file_that_is_no_pad_is_refused),
        T(both_sides_use_the_same_piece_up),
        T(a_rekey_takes_no_piece),
        T(sides_that_are_out_of_step_find_together_again),
        T(files_that_differ_never_make_a_tunnel_and_burn_nothing_at_the_responder),
        T(an_optional_pad_that_is_used_up_is_done_without),
        T(nothing_is_made_of_a_piece_before_the_responder_has_overwritten_it),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
