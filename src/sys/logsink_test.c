/* SPDX-License-Identifier: Apache-2.0 */
/* The sinks with real files, pipes and sockets. */
#include "support/test.h"
#include "sys/logformat.h"
#include "sys/logsink.h"
#include <fcntl.h>
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#define FLUSH_MS 5000

static char dir[64], path[100], text[1 << 16];

static const char *file(const char *name)
{
    snprintf(path, sizeof(path), "%s/%s", dir, name);
    return path;
}

static const char *read_file(const char *name)
{
    FILE *f = fopen(file(name), "r");
    size_t n = f ? fread(text, 1, sizeof(text) - 1, f) : 0;
    if (f)
        fclose(f);
    text[n] = 0;
    return text;
}

static const char *read_flushed(const char *name)
{
    assert_true(logsink_flush(FLUSH_MS));
    return read_file(name);
}

static struct log_target file_target(char *to, const char *name)
{
    snprintf(to, 128, "%s/%s", dir, name);
    struct log_target t = {.path = to, .appends = true};
    memset(t.levels.of, 1, sizeof(t.levels.of));
    return t;
}

static void apply(const struct log_target *v, size_t n)
{
    logsink_apply(&(struct logging){.v = v, .n = n});
}

static int setup(void **state)
{
    (void)state;
    snprintf(dir, sizeof(dir), "/tmp/logsink_test.XXXXXX");
    assert_non_null(mkdtemp(dir));
    unsetenv("JOURNAL_STREAM");
    /* what is there without a configuration: syslog, which nobody reads */
    static char nowhere[128];
    snprintf(nowhere, sizeof(nowhere), "%s/log", dir);
    logsink_start(&(struct logsink_options){
        .most_verbose = LOG_NOTICE, .syslog_socket = nowhere, .journal_socket = nowhere});
    return 0;
}

static int teardown(void **state)
{
    char command[128];
    (void)state;
    logsink_stop();
    snprintf(command, sizeof(command), "rm -rf %s", dir);
    return system(command);
}

static void say_about(const char *line)
{
    log_line_about(&(struct log_entry){
        .group = GROUP_IKE, .level = LOG_AUDIT, .ike_name = "home", .ike_id = 7, .text = line});
}

/* ---- forms */

static const struct log_record one = {
    .time = {.tv_sec = 1795297967, .tv_nsec = 472650999},
    .thread = 12,
    .e = { .group = GROUP_ENC, .level = LOG_NOTICE, .ike_name = "net", .ike_id = 1, .text = "a \"b\" \\c"},
};

static const char *formatted(const struct log_target *t, const struct log_record *r)
{
    static char buf[512];
    struct text to = TEXT_ON(buf);
    logformat_line(&to, t, r);
    return buf;
}

static void a_line_of_a_file_has_what_its_section_asks_for(void **state)
{
    struct log_record unnamed = one;
    unnamed.e.ike_name = NULL;
    (void)state;
    assert_string_equal(formatted(&(struct log_target){0}, &one), "12[ENC] a \"b\" \\c\n");
    assert_string_equal(formatted(&(struct log_target){.has_level = true}, &one), "12[ENC1] a \"b\" \\c\n");
    assert_string_equal(formatted(&(struct log_target){.has_ike_name = true}, &one),
                        "12[ENC] <net|1> a \"b\" \\c\n");
    assert_string_equal(formatted(&(struct log_target){.has_ike_name = true}, &unnamed),
                        "12[ENC] <1> a \"b\" \\c\n");
    assert_string_equal(formatted(&(struct log_target){.time_digits = 3}, &one), "12[ENC] a \"b\" \\c\n");
    assert_string_equal(formatted(&(struct log_target){.time_format = "%F %T", .time_digits = 3}, &one),
                        "2026-11-21 21:52:47.472 12[ENC] a \"b\" \\c\n");
    assert_string_equal(formatted(&(struct log_target){.time_format = "%T", .time_digits = 6}, &one),
                        "21:52:47.472650 12[ENC] a \"b\" \\c\n");
    assert_string_equal(
        formatted(&(struct log_target){.style = LOG_STYLE_PLUTO, .time_format = "%b %e %T", .time_digits = 6},
                  &one),
        "Nov 21 21:52:47.472650: \"net\" #1: a \"b\" \\c\n");
    assert_string_equal(formatted(&(struct log_target){.style = LOG_STYLE_OWN}, &one),
                        "notice  net: a \"b\" \\c\n");
}

static void json_has_the_fields_in_order_and_is_escaped(void **state)
{
    (void)state;
    assert_string_equal(formatted(&(struct log_target){.is_json = true}, &one),
                        "{\"thread\":12,\"group\":\"ENC\",\"level\":1,\"msg\":\"a \\\"b\\\" \\\\c\"}\n");
    assert_string_equal(
        formatted(&(struct log_target){.is_json = true, .has_ike_name = true, .time_format = "%T"}, &one),
        "{\"time\":\"21:52:47\",\"thread\":12,\"group\":\"ENC\",\"level\":1,\"ikesa-uniqueid\":\"1\","
        "\"ikesa-name\":\"net\",\"msg\":\"a \\\"b\\\" \\\\c\"}\n");
}

static void datagrams_of_syslog_have_facility_and_mapped_priority(void **state)
{
    char buf[512];
    struct text t = TEXT_ON(buf);
    struct log_target to = {.facility = SYSLOG_AUTHPRIV, .map_level = -1};
    (void)state;
    logformat_syslog(&t, &to, "me", &one);
    assert_string_equal(buf, "<86>Nov 21 21:52:47 me: 12[ENC] a \"b\" \\c");
    to.map_level = 5;
    to.facility = SYSLOG_DAEMON;
    to.has_level = true;
    t.len = 0;
    logformat_syslog(&t, &to, "me", &one);
    assert_string_equal(buf, "<30>Nov 21 21:52:47 me: 12[ENC1] a \"b\" \\c");
    to.map_level = 7;
    t.len = 0;
    logformat_syslog(&t, &to, "me", &one);
    assert_memory_equal(buf, "<31>", 4);
}

static void addresses_are_hidden_with_what_touches_them(void **state)
{
    static const char *const pairs[][2] = {
        {"from 10.9.0.1[500] to fe80::1468:43ff:fe9f:67bb[4500].", "from <ip>[500] to <ip>[4500]."                 },
        {"10.0.0.1:500, id:10.0.0.12. fd00::1: gone",              "<ip>:500, id:<ip>. <ip>: gone"                 },
        {"version 5.9.8 at 21:53:47, SPI cde78e34, 1.8 s",         "version 5.9.8 at 21:53:47, SPI cde78e34, 1.8 s"},
        {"10.1.0.0/24 === 2001:db8::/32",                          "<ip>/24 === <ip>/32"                           },
        {"",                                                       ""                                              },
    };
    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(pairs); i++) {
        char line[200];
        snprintf(line, sizeof(line), "%s", pairs[i][0]);
        logformat_hide_addresses(line);
        assert_string_equal(line, pairs[i][1]);
    }
}

/* ---- files */

static void several_files_have_their_own_levels(void **state)
{
    char p[3][128];
    struct log_target v[3];
    (void)state;
    for (int i = 0; i < 3; i++)
        v[i] = file_target(p[i], (const char *[]){"plain", "audit", "knl"}[i]);
    memset(v[1].levels.of, -1, sizeof(v[1].levels.of));
    v[1].levels.of[GROUP_IKE] = 0;
    v[1].has_ike_name = true;
    v[2].levels.of[GROUP_KNL] = 3;
    apply(v, 3);
    say_about("established");
    log_line(GROUP_KNL, LOG_TRACE, "a route");
    log_line(GROUP_IKE, LOG_NOTICE, "initiating");
    assert_string_equal(read_flushed("plain"), "00[IKE] established\n00[IKE] initiating\n");
    assert_string_equal(read_file("audit"), "00[IKE] <home|7> established\n");
    assert_string_equal(read_file("knl"), "00[IKE] established\n00[KNL] a route\n00[IKE] initiating\n");
}

static void what_was_said_before_the_configuration_is_in_its_files_once(void **state)
{
    char p[128];
    struct log_target v = file_target(p, "f");
    (void)state;
    log_line(GROUP_DMN, LOG_NOTICE, "starting");
    assert_true(logsink_flush(FLUSH_MS));
    apply(&v, 1);
    log_line(GROUP_DMN, LOG_NOTICE, "started");
    apply(&v, 1);
    assert_string_equal(read_flushed("f"), "00[DMN] starting\n00[DMN] started\n");
}

static void a_file_is_appended_to_or_begun_anew_once(void **state)
{
    char p[2][128];
    struct log_target v[2] = {file_target(p[0], "old"), file_target(p[1], "new")};
    (void)state;
    for (int i = 0; i < 2; i++) {
        FILE *f = fopen(p[i], "w");
        fputs("before\n", f);
        fclose(f);
    }
    v[1].appends = false;
    apply(v, 2);
    log_line(GROUP_DMN, LOG_NOTICE, "1");
    apply(v, 2);
    logsink_reopen();
    log_line(GROUP_DMN, LOG_NOTICE, "2");
    assert_string_equal(read_flushed("old"), "before\n00[DMN] 1\n00[DMN] 2\n");
    assert_string_equal(read_file("new"), "00[DMN] 1\n00[DMN] 2\n");
}

static void a_renamed_file_is_followed_by_a_new_one_when_told(void **state)
{
    char p[128], old[128];
    struct log_target v = file_target(p, "f");
    struct stat st;
    (void)state;
    apply(&v, 1);
    log_line(GROUP_DMN, LOG_NOTICE, "1");
    assert_true(logsink_flush(FLUSH_MS));
    snprintf(old, sizeof(old), "%s/f.1", dir);
    assert_int_equal(rename(p, old), 0);
    log_line(GROUP_DMN, LOG_NOTICE, "2");
    assert_true(logsink_flush(FLUSH_MS));
    logsink_reopen();
    log_line(GROUP_DMN, LOG_NOTICE, "3");
    assert_string_equal(read_flushed("f"), "00[DMN] 3\n");
    assert_string_equal(read_file("f.1"), "00[DMN] 1\n00[DMN] 2\n");
    assert_int_equal(stat(p, &st), 0);
    assert_int_equal(st.st_mode & 0777, 0640);
}

static void a_file_that_cannot_be_opened_is_told_in_the_others_and_says_what_it_missed(void **state)
{
    char p[2][128], folder[128];
    struct log_target v[2] = {file_target(p[0], "there"), file_target(p[1], "sub/f")};
    (void)state;
    apply(v, 2);
    log_line(GROUP_DMN, LOG_NOTICE, "1");
    log_line(GROUP_DMN, LOG_NOTICE, "2");
    read_flushed("there");
    assert_non_null(strstr(text, "opening "));
    assert_non_null(strstr(text, "/sub/f for logging failed: No such file or directory\n"));
    assert_null(strstr(strstr(text, "opening ") + 1, "opening ")); /* once */
    snprintf(folder, sizeof(folder), "%s/sub", dir);
    assert_int_equal(mkdir(folder, 0700), 0);
    logsink_reopen();
    log_line(GROUP_DMN, LOG_NOTICE, "3");
    read_flushed("sub/f");
    assert_non_null(
        strstr(text, "[DMN] 3 lines could not be written\n00[DMN] 3\n")); /* and what told of it */
}

static void a_full_disk_stops_nobody_and_is_told_once(void **state)
{
    char p[128];
    struct log_target v[2] = {
        file_target(p, "there"), {.path = "/dev/full", .flushes_lines = true}
    };
    (void)state;
    memset(v[1].levels.of, 1, sizeof(v[1].levels.of));
    apply(v, 2);
    for (int i = 0; i < 100; i++)
        log_line(GROUP_DMN, LOG_NOTICE, "line %d", i);
    read_flushed("there");
    assert_non_null(strstr(text, "line 99"));
    const char *told = strstr(text, "writing /dev/full for logging failed: No space left on device\n");
    assert_non_null(told);
    assert_null(strstr(told + 1, "writing /dev/full"));
}

static void who_speaks_does_not_wait_for_a_pipe_that_nobody_reads(void **state)
{
    char p[2][128];
    struct log_target v[2] = {file_target(p[0], "pipe"), file_target(p[1], "f")};
    (void)state;
    assert_int_equal(mkfifo(p[0], 0600), 0);
    int reader = open(p[0], O_RDONLY | O_NONBLOCK);
    apply(v, 2);
    for (int i = 0; i < 6000; i++) /* much more than a pipe holds */
        log_line(GROUP_DMN, LOG_NOTICE, "line %d of many, each of which is long enough for this purpose", i);
    read_flushed("f");
    assert_non_null(strstr(text, "line 0 of"));
    ssize_t n = read(reader, text, sizeof(text) - 1);
    assert_true(n > 0);
    close(reader);
}

static void the_queue_is_bounded_and_says_how_many_lines_it_left_out(void **state)
{
    char p[2][128];
    struct log_target v = file_target(p[0], "f");
    int fds[2], was = dup(STDOUT_FILENO);
    (void)state;
    /* a writer that is stuck: a standard stream is waited for */
    assert_int_equal(pipe(fds), 0);
    struct log_target both[2] = {v, {.path = "stdout"}};
    memset(both[1].levels.of, 1, sizeof(both[1].levels.of));
    fflush(stdout);
    dup2(fds[1], STDOUT_FILENO);
    apply(both, 2);
    for (int i = 0; i < 30000; i++)
        log_line(GROUP_DMN, LOG_NOTICE, "line %d", i);
    assert_false(logsink_flush(50));
    close(fds[0]);
    assert_true(logsink_flush(FLUSH_MS)); /* EPIPE */
    dup2(was, STDOUT_FILENO);
    close(was);
    close(fds[1]);
    FILE *f = fopen(file("f"), "r");
    char line[200];
    size_t n = 0, left_out = 0;
    while (fgets(line, sizeof(line), f)) {
        n++;
        const char *told = strstr(line, " lines are left out");
        if (told)
            left_out += strtoul(line + strlen("00[DMN] "), NULL, 10);
    }
    fclose(f);
    assert_in_range(n, 1000, 25000);
    assert_in_range(left_out, 5000, 29999);
}

/* ---- sockets */

static int listen_at(const char *name)
{
    struct sockaddr_un to = {.sun_family = AF_UNIX};
    int fd = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0);
    assert_true(strlen(file(name)) < sizeof(to.sun_path));
    strcpy(to.sun_path, file(name));
    unlink(to.sun_path);
    assert_int_equal(bind(fd, (struct sockaddr *)&to, sizeof(to)), 0);
    return fd;
}

static const char *receive(int fd)
{
    assert_true(logsink_flush(FLUSH_MS));
    ssize_t n = recv(fd, text, sizeof(text) - 1, MSG_DONTWAIT);
    assert_true(n > 0);
    text[n] = 0;
    return text;
}

static void the_journal_gets_fields_and_is_found_again(void **state)
{
    struct log_target v = {.kind = LOG_TO_JOURNAL};
    (void)state;
    memset(v.levels.of, 1, sizeof(v.levels.of));
    int fd = listen_at("log");
    apply(&v, 1);
    say_about("established");
    assert_string_equal(receive(fd), "MESSAGE=established\nPRIORITY=5\nGROUP=IKE\nLEVEL=0\nTHREAD=0\n"
                                     "IKE_SA_UNIQUE_ID=7\nIKE_SA_NAME=home\nSYSLOG_IDENTIFIER=keywayd\n");
    close(fd);
    fd = listen_at("log"); /* it was started anew */
    log_line(GROUP_CFG, LOG_WARN, "something");
    assert_string_equal(receive(fd), "MESSAGE=something\nPRIORITY=4\nGROUP=CFG\nLEVEL=0\nTHREAD=0\n"
                                     "SYSLOG_IDENTIFIER=keywayd\n");
    close(fd);
}

static void without_a_configuration_lines_wait_for_it_and_go_to_syslog(void **state)
{
    int fd = listen_at("log");
    (void)state;
    log_line(GROUP_DMN, LOG_NOTICE, "starting");
    assert_true(logsink_flush(FLUSH_MS));
    assert_int_equal(recv(fd, text, sizeof(text), MSG_DONTWAIT), -1);
    apply(NULL, 0);
    receive(fd);
    assert_non_null(strstr(text, " keywayd: starting"));
    assert_memory_equal(text, "<29>", 4);
    log_line(GROUP_ENC, LOG_NOTICE, "parsed"); /* for those who ask */
    log_line(GROUP_IKE, LOG_DETAIL, "details");
    assert_true(logsink_flush(FLUSH_MS));
    assert_int_equal(recv(fd, text, sizeof(text), MSG_DONTWAIT), -1);
    close(fd);
}

static void targets_of_the_configuration_take_the_place_of_syslog(void **state)
{
    char p[128];
    struct log_target v = file_target(p, "f");
    int fd = listen_at("log");
    (void)state;
    apply(&v, 1);
    log_line(GROUP_DMN, LOG_NOTICE, "1");
    assert_string_equal(read_flushed("f"), "00[DMN] 1\n");
    assert_int_equal(recv(fd, text, sizeof(text), MSG_DONTWAIT), -1);
    close(fd);
}

/* ---- levels at run time */

static void levels_change_at_run_time_until_the_configuration_comes_again(void **state)
{
    char p[128];
    struct log_target v = file_target(p, "f");
    struct log_levels levels;
    (void)state;
    apply(&v, 1);
    logsink_set_level(GROUP_CHD, 3);
    assert_true(log_wants(GROUP_CHD, LOG_TRACE));
    log_line(GROUP_CHD, LOG_TRACE, "1");
    logsink_raise_level(LOG_GROUPS, 2);
    logsink_levels(&levels);
    assert_int_equal(levels.of[GROUP_CHD], 3);
    assert_int_equal(levels.of[GROUP_JOB], 2);
    logsink_set_level(LOG_GROUPS, -1);
    log_line(GROUP_CHD, LOG_ERR, "2");
    apply(&v, 1);
    log_line(GROUP_CHD, LOG_TRACE, "3");
    log_line(GROUP_CHD, LOG_NOTICE, "4");
    assert_false(log_wants(GROUP_CHD, LOG_TRACE));
    assert_string_equal(read_flushed("f"), "00[CHD] 1\n00[CHD] 4\n");
}

static void lines_that_nobody_gets_are_not_made(void **state)
{
    char p[128];
    struct log_target v = file_target(p, "f");
    (void)state;
    memset(v.levels.of, 0, sizeof(v.levels.of));
    apply(&v, 1);
    assert_false(log_wants(GROUP_ENC, LOG_NOTICE));
    logsink_expect_clients(true);
    assert_true(log_wants(GROUP_ENC, LOG_NOTICE));
    assert_true(log_wants(GROUP_IKE, LOG_DETAIL));
    log_line(GROUP_IKE, LOG_DETAIL, "not for the file");
    logsink_expect_clients(false);
    assert_false(log_wants(GROUP_IKE, LOG_NOTICE));
    assert_string_equal(read_flushed("f"), "");
}

static void *say_many(void *ctx)
{
    for (int i = 0; i < 200; i++)
        log_line(GROUP_JOB, LOG_NOTICE, "%d of %s", i, (const char *)ctx);
    return NULL;
}

static void lines_of_threads_stay_whole_and_name_their_thread(void **state)
{
    char p[128], line[200], who[3] = "";
    struct log_target v = file_target(p, "f");
    pthread_t threads[2];
    int next[2] = {0, 0};
    (void)state;
    apply(&v, 1);
    pthread_create(&threads[0], NULL, say_many, "a");
    pthread_create(&threads[1], NULL, say_many, "b");
    for (int i = 0; i < 2; i++)
        pthread_join(threads[i], NULL);
    assert_true(logsink_flush(FLUSH_MS));
    FILE *f = fopen(p, "r");
    unsigned numbers[2] = {0, 0};
    while (fgets(line, sizeof(line), f)) {
        unsigned thread;
        int i;
        assert_int_equal(sscanf(line, "%u[JOB] %d of %2s", &thread, &i, who), 3);
        int t = who[0] - 'a';
        assert_int_equal(next[t]++, i);
        assert_true(numbers[t] == 0 || numbers[t] == thread);
        numbers[t] = thread;
    }
    fclose(f);
    assert_int_equal(next[0], 200);
    assert_int_equal(next[1], 200);
    assert_int_not_equal(numbers[0], numbers[1]);
}

#define WITH_SINK(f) cmocka_unit_test_setup_teardown(f, setup, teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_line_of_a_file_has_what_its_section_asks_for),
        cmocka_unit_test(json_has_the_fields_in_order_and_is_escaped),
        cmocka_unit_test(datagrams_of_syslog_have_facility_and_mapped_priority),
        cmocka_unit_test(addresses_are_hidden_with_what_touches_them),
        WITH_SINK(several_files_have_their_own_levels),
        WITH_SINK(what_was_said_before_the_configuration_is_in_its_files_once),
        WITH_SINK(a_file_is_appended_to_or_begun_anew_once),
        WITH_SINK(a_renamed_file_is_followed_by_a_new_one_when_told),
        WITH_SINK(a_file_that_cannot_be_opened_is_told_in_the_others_and_says_what_it_missed),
        WITH_SINK(a_full_disk_stops_nobody_and_is_told_once),
        WITH_SINK(who_speaks_does_not_wait_for_a_pipe_that_nobody_reads),
        WITH_SINK(the_queue_is_bounded_and_says_how_many_lines_it_left_out),
        WITH_SINK(the_journal_gets_fields_and_is_found_again),
        WITH_SINK(without_a_configuration_lines_wait_for_it_and_go_to_syslog),
        WITH_SINK(targets_of_the_configuration_take_the_place_of_syslog),
        WITH_SINK(levels_change_at_run_time_until_the_configuration_comes_again),
        WITH_SINK(lines_that_nobody_gets_are_not_made),
        WITH_SINK(lines_of_threads_stay_whole_and_name_their_thread),
    };
    setenv("TZ", "UTC", 1);
    tzset();
    signal(SIGPIPE, SIG_IGN);
    return cmocka_run_group_tests(tests, NULL, NULL);
}
