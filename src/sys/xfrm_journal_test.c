/* SPDX-License-Identifier: Apache-2.0 */
#include "support/test.h"
#include "sys/xfrm_journal.h"
#include "sys/xfrm_msg.h"
#include <fcntl.h>
#include <libmnl/libmnl.h>
#include <netinet/in.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#define MANY 3000 /* more than the first size of the file has */

static char path[64];

static int make_path(void **state)
{
    (void)state;
    snprintf(path, sizeof(path), "/tmp/kw-journal-XXXXXX");
    int fd = mkstemp(path);
    close(fd);
    return fd < 0 ? -1 : unlink(path);
}

static int remove_path(void **state)
{
    (void)state;
    unlink(path);
    return 0;
}

static struct xfrm_journal *open_journal(void)
{
    struct diag d = {0};
    struct xfrm_journal *j = xfrm_journal_open(path, &d);
    assert_non_null(j);
    return j;
}

static struct nlmsghdr *state_message(char buf[XFRM_MESSAGE_MAX], uint32_t spi)
{
    struct xfrm_state_id id = {
        .dst = ip4(192, 0, 2, 1), .spi = spi, .proto = IPPROTO_ESP, .mark = {7, 7}
    };
    return xfrm_state_id_message(buf, XFRM_MSG_DELSA, &id);
}

static struct nlmsghdr *policy_message(char buf[XFRM_MESSAGE_MAX])
{
    struct xfrm_policy_key k = {
        .sel = {.family = AF_INET6, .proto = 6},
          .mark = {1,                  3         },
          .if_id = 9, .dir = 1
    };
    return xfrm_policy_key_message(buf, XFRM_MSG_DELPOLICY, &k);
}

static uint32_t put_state(struct xfrm_journal *j, uint32_t spi)
{
    char buf[XFRM_MESSAGE_MAX] XFRM_ALIGNED;
    uint32_t slot = xfrm_journal_put(j, state_message(buf, spi), spi + 1);
    assert_int_not_equal(slot, 0);
    return slot;
}

struct seen {
    unsigned n, n_policies;
    bool spis[MANY + 256];
    uint32_t slots[MANY + 256];
};

static void note(void *ctx, struct nlmsghdr *h, uint32_t tell, uint32_t slot)
{
    struct seen *s = ctx;
    struct xfrm_seen_state state;
    s->n++;
    if (h->nlmsg_type == XFRM_MSG_DELPOLICY) {
        s->n_policies++;
        return;
    }
    assert_true(xfrm_state_parse(h, &state));
    assert_int_equal(tell, state.id.spi + 1);
    assert_int_equal(state.id.mark.mask, 7);
    assert_true(state.id.spi < ARRAY_LEN(s->spis) && !s->spis[state.id.spi]);
    s->spis[state.id.spi] = true;
    s->slots[state.id.spi] = slot;
}

static const struct seen *read_all(struct xfrm_journal *j, size_t expected)
{
    static struct seen s;
    s = (struct seen){0};
    assert_int_equal(xfrm_journal_each(j, note, &s), expected);
    assert_int_equal(s.n, expected);
    return &s;
}

/* What the next run finds when this one is killed now. */
static const struct seen *read_after_crash(size_t expected)
{
    char command[200], copy[80];
    struct diag d = {0};
    snprintf(copy, sizeof(copy), "%s.copy", path);
    snprintf(command, sizeof(command), "cp %s %s", path, copy);
    assert_int_equal(system(command), 0);
    struct xfrm_journal *j = xfrm_journal_open(copy, &d);
    assert_non_null(j);
    const struct seen *s = read_all(j, expected);
    xfrm_journal_close(j);
    return s;
}

static void what_was_put_and_not_cleared_is_read(void **state)
{
    (void)state;
    char buf[XFRM_MESSAGE_MAX] XFRM_ALIGNED;
    struct xfrm_journal *j = open_journal();
    uint32_t a = put_state(j, 256), b = put_state(j, 257);
    assert_int_not_equal(xfrm_journal_put(j, policy_message(buf), 5), 0);
    xfrm_journal_clear(j, &a);
    assert_int_equal(a, 0);
    xfrm_journal_clear(j, &a); /* once is enough */
    const struct seen *s = read_after_crash(2);
    assert_true(s->n_policies == 1 && s->spis[257] && s->slots[257] == b);
    xfrm_journal_close(j);
    assert_int_equal(access(path, F_OK), -1);
}

static void it_grows_and_its_slots_are_used_again(void **state)
{
    (void)state;
    static uint32_t slots[MANY];
    struct stat st;
    struct xfrm_journal *j = open_journal();
    for (int round = 0; round < 3; round++) {
        for (uint32_t i = 0; i < MANY; i++)
            slots[i] = put_state(j, i);
        const struct seen *s = read_after_crash(MANY);
        assert_true(s->spis[0] && s->spis[MANY - 1]);
        for (uint32_t i = 0; i < MANY; i++)
            xfrm_journal_clear(j, &slots[i]);
        read_after_crash(0);
    }
    assert_int_equal(stat(path, &st), 0);
    assert_true(st.st_size <= 2 * 4096 * 128);
    assert_int_equal(st.st_mode & 0777, 0600);
    xfrm_journal_close(j);
}

static void no_journal_is_none(void **state)
{
    (void)state;
    char buf[XFRM_MESSAGE_MAX] XFRM_ALIGNED;
    uint32_t slot = 0;
    assert_int_equal(xfrm_journal_put(NULL, state_message(buf, 256), 1), 0);
    xfrm_journal_clear(NULL, &slot);
    xfrm_journal_keep(NULL, 0, (struct xfrm_kept){1, 0});
    assert_int_equal(xfrm_journal_kept(NULL, 0).old, -1);
    xfrm_journal_close(NULL);
}

/* The next run goes on with the file: what it has not taken over is lost to nobody, and its slots are empty
 * for others only when they were cleared. */
static void an_earlier_run_s_journal_goes_on(void **state)
{
    (void)state;
    struct xfrm_journal *first = open_journal();
    for (uint32_t i = 0; i < MANY; i++)
        put_state(first, i);
    struct xfrm_journal *j = open_journal(); /* nobody closed the first one */
    const struct seen *s = read_all(j, MANY);
    uint32_t slot = s->slots[7];
    xfrm_journal_clear(j, &slot);
    assert_int_equal(put_state(j, MANY + 1), s->slots[7]); /* the only empty one, or one of the last */
    s = read_after_crash(MANY);
    assert_true(!s->spis[7] && s->spis[MANY + 1] && s->spis[0] && s->spis[MANY - 1]);
    for (uint32_t i = 0; i < 2 * MANY; i++)
        xfrm_journal_clear(j, &(uint32_t){put_state(j, MANY + 2)});
    read_after_crash(MANY);
    xfrm_journal_close(first);
    xfrm_journal_close(j);
}

static void what_is_no_file_of_ours_gives_way_to_a_new_one(void **state)
{
    (void)state;
    char command[100];
    static const char *const commands[] = {"mkfifo", "ln -s /etc/passwd", "echo something >",
                                           "head -c 1000 /dev/zero >"};
    for (size_t i = 0; i < ARRAY_LEN(commands); i++) {
        snprintf(command, sizeof(command), "%s %s", commands[i], path);
        assert_int_equal(system(command), 0);
        struct xfrm_journal *j = open_journal();
        put_state(j, 3);
        read_after_crash(1);
        xfrm_journal_close(j);
    }
}

static void change(off_t at, const void *bytes, size_t len)
{
    int fd = open(path, O_WRONLY | O_CLOEXEC);
    assert_true(fd >= 0);
    assert_int_equal(pwrite(fd, bytes, len, at), len);
    close(fd);
}

#define KEPT_AT  56 /* in the head */
#define KEPT_END 80

/* Each byte of the head and of a slot, one after the other: what is wrong is left out, and nothing else. */
static void a_damaged_byte_costs_its_slot_or_the_file(void **state)
{
    (void)state;
    struct xfrm_journal *j = open_journal();
    for (uint32_t i = 0; i < 3; i++)
        put_state(j, i);
    int fd = open(path, O_RDONLY | O_CLOEXEC);
    for (off_t at = 0; at < 2 * 128; at++) {
        uint8_t byte, other;
        assert_int_equal(pread(fd, &byte, 1, at), 1);
        other = byte ^ 0x40;
        change(at, &other, 1);
        bool is_kept = at >= KEPT_AT && at < KEPT_END;
        const struct seen *s = read_after_crash(is_kept ? 3 : at < 128 ? 0 : 2);
        assert_true(at < 128 || (!s->spis[0] && s->spis[1] && s->spis[2]));
        change(at, &byte, 1);
    }
    close(fd);
    read_after_crash(3);
    assert_int_equal(truncate(path, 128 + 200), 0); /* in the middle of a slot */
    read_after_crash(1);
    assert_int_equal(truncate(path, 20), 0);
    read_after_crash(0);
    xfrm_journal_close(j);
}

static void settings_are_kept_and_damaged_ones_are_not(void **state)
{
    (void)state;
    struct xfrm_journal *j = open_journal();
    assert_int_equal(xfrm_journal_kept(j, 0).old, -1);
    xfrm_journal_keep(j, 0, (struct xfrm_kept){30, 20});
    xfrm_journal_keep(j, 1, (struct xfrm_kept){1, 0});
    put_state(j, 3);
    struct xfrm_journal *k = open_journal(); /* nobody closed the first one */
    struct xfrm_kept a = xfrm_journal_kept(k, 0), b = xfrm_journal_kept(k, 1);
    assert_true(a.old == 30 && a.ours == 20 && b.old == 1 && b.ours == 0);
    for (off_t at = KEPT_AT; at < KEPT_AT + 12; at++) {
        uint8_t byte, other;
        int fd = open(path, O_RDONLY | O_CLOEXEC);
        assert_int_equal(pread(fd, &byte, 1, at), 1);
        close(fd);
        other = byte ^ 0x40;
        change(at, &other, 1);
        assert_true(xfrm_journal_kept(k, 0).old == -1 && xfrm_journal_kept(k, 1).old == 1);
        change(at, &byte, 1);
    }
    xfrm_journal_keep(j, 0, (struct xfrm_kept){-1, -1});
    assert_int_equal(xfrm_journal_kept(k, 0).old, -1);
    read_after_crash(1);
    xfrm_journal_close(k);
    xfrm_journal_close(j);
}

/* A file that somebody made, with its checks in order, deletes nothing but SAs and policies. */
static void a_sound_slot_with_another_message_is_left_out(void **state)
{
    (void)state;
    static const uint16_t types[] = {XFRM_MSG_FLUSHSA, XFRM_MSG_FLUSHPOLICY, XFRM_MSG_NEWSA, 0};
    char buf[XFRM_MESSAGE_MAX] XFRM_ALIGNED;
    struct xfrm_journal *j = open_journal();
    for (size_t i = 0; i < ARRAY_LEN(types); i++) {
        struct nlmsghdr *h = state_message(buf, 256);
        h->nlmsg_type = types[i];
        assert_int_not_equal(xfrm_journal_put(j, h, 1), 0);
    }
    struct nlmsghdr *h = state_message(buf, 256);
    mnl_attr_put_u32(h, XFRMA_SRCADDR, 1);
    assert_int_not_equal(xfrm_journal_put(j, h, 1), 0);
    h = state_message(buf, 256);
    h->nlmsg_len = 30;
    assert_int_not_equal(xfrm_journal_put(j, h, 1), 0);
    read_all(j, 0);
    read_after_crash(0);
    h->nlmsg_len = 4000;
    assert_int_equal(xfrm_journal_put(j, h, 1), 0);
    xfrm_journal_close(j);
}

static void one_that_cannot_be_written_is_refused_with_its_name(void **state)
{
    (void)state;
    struct diag d = {0};
    assert_null(xfrm_journal_open("/nowhere/at/all", &d));
    assert_non_null(strstr(d.what, "/nowhere/at/all"));
    assert_null(xfrm_journal_open("/tmp", &d)); /* a folder */
}

#define ON_FILE(t) cmocka_unit_test_setup_teardown(t, make_path, remove_path)

int main(void)
{
    const struct CMUnitTest tests[] = {
        ON_FILE(what_was_put_and_not_cleared_is_read),
        ON_FILE(it_grows_and_its_slots_are_used_again),
        ON_FILE(an_earlier_run_s_journal_goes_on),
        ON_FILE(what_is_no_file_of_ours_gives_way_to_a_new_one),
        ON_FILE(no_journal_is_none),
        ON_FILE(a_damaged_byte_costs_its_slot_or_the_file),
        ON_FILE(settings_are_kept_and_damaged_ones_are_not),
        ON_FILE(a_sound_slot_with_another_message_is_left_out),
        cmocka_unit_test(one_that_cannot_be_written_is_refused_with_its_name),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
