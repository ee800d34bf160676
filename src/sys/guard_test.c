/* SPDX-License-Identifier: Apache-2.0 */
/* Loads a configuration with a passphrase, a container and a preshared key in a guarded process of its own,
 * and looks through all of that process's memory: the passphrases and the keys' files are gone, the preshared
 * key is there once. What is looked for is kept in the test with every bit turned round, so as not to be
 * found in the test itself. */
#include "conf/conf.h"
#include "support/keys.h"
#include "support/test.h"
#include "sys/files.h"
#include "sys/guard.h"
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

static char etc[] = "/tmp/keyway-guard-XXXXXX";

/* A needle of bytes that are complemented. */
struct needle {
    uint8_t turned[64];
    size_t len;
};

static void path_of(char out[256], const char *leaf)
{
    snprintf(out, 256, "%s/%s", etc, leaf);
}

static void put(const char *leaf, struct span bytes)
{
    char path[256];
    path_of(path, leaf);
    int fd = open(path, O_WRONLY | O_CREAT | O_TRUNC, 0600);
    assert_true(fd >= 0);
    assert_int_equal(write(fd, bytes.ptr, bytes.len), (ssize_t)bytes.len);
    close(fd);
}

static int setup(void **state)
{
    static const char *const folders[] = {"swanctl", "swanctl/private", "swanctl/pkcs12", "ipsec.d"};
    char path[256];
    (void)state;
    assert_non_null(mkdtemp(etc));
    for (size_t i = 0; i < ARRAY_LEN(folders); i++) {
        path_of(path, folders[i]);
        assert_int_equal(mkdir(path, 0700), 0);
    }
    return 0;
}

static int teardown(void **state)
{
    static const char *const leaves[] = {"swanctl/private/moon.pem",
                                         "swanctl/pkcs12/moon.p12",
                                         "swanctl/private/open.pem",
                                         "swanctl/swanctl.conf",
                                         "swanctl/private",
                                         "swanctl/pkcs12",
                                         "swanctl",
                                         "ipsec.d",
                                         ""};
    char path[256];
    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(leaves); i++) {
        path_of(path, leaves[i]);
        remove(path);
    }
    return 0;
}

static struct needle turned(struct span s)
{
    struct needle n = {.len = s.len};
    assert_true(s.len <= sizeof(n.turned));
    for (size_t i = 0; i < s.len; i++)
        n.turned[i] = (uint8_t)~s.ptr[i];
    return n;
}

static bool is_at(const struct needle *n, const uint8_t *at)
{
    size_t i = 0;
    while (i < n->len && (at[i] ^ n->turned[i]) == 0xff)
        i++;
    return i == n->len;
}

static unsigned count_in(int mem, const struct needle *n, uint64_t from, uint64_t to)
{
    static uint8_t buf[1 << 16];
    unsigned found = 0;
    for (uint64_t at = from; at < to; at += sizeof(buf) - sizeof(n->turned)) {
        uint64_t want = to - at < sizeof(buf) ? to - at : sizeof(buf);
        ssize_t got = pread(mem, buf, want, (off_t)at);
        for (ssize_t i = 0; i + (ssize_t)n->len <= got; i++)
            found += is_at(n, buf + i) && ((size_t)i < sizeof(buf) - sizeof(n->turned) || at + want == to);
    }
    memset(buf, 0, sizeof(buf));
    return found;
}

/* In all that can be written, but for the sanitizer's shadow, which is as good as endless, and our own
 * buffer. */
static unsigned count(const struct needle *n)
{
    char line[512];
    unsigned found = 0;
    int mem = open("/proc/self/mem", O_RDONLY);
    FILE *maps = fopen("/proc/self/maps", "r");
    if (mem < 0 || !maps)
        _exit(90);
    while (fgets(line, sizeof(line), maps)) {
        unsigned long long from, to;
        char mode[5];
        if (sscanf(line, "%llx-%llx %4s", &from, &to, mode) == 3 && mode[0] == 'r' && mode[1] == 'w' &&
            to - from < (UINT64_C(1) << 32))
            found += count_in(mem, n, from, to);
    }
    fclose(maps);
    close(mem);
    return found;
}

static void load(struct config **c)
{
    struct diag errors[4] = {0};
    size_t n = 0;
    struct conf_source files = files_source(NULL);
    const struct conf_request req = {.etc = etc};
    *c = conf_load(&files, &req, errors, ARRAY_LEN(errors), &n);
    if (!*c) {
        char text[512];
        fprintf(stderr, "%s\n", diag_format(&errors[0], text, sizeof(text)));
        _exit(91);
    }
}

struct needles {
    struct needle passphrase, of_container, psk, key_file, scalar;
};

/* What the child finds, as its exit code. */
static int look(const struct needles *n)
{
    struct config *c;
    guard_memory();
    load(&c);
    if (c->n_keys != 2 || c->n_secrets != 1)
        return 80;
    if (count(&n->passphrase))
        return 81;
    if (count(&n->of_container))
        return 82;
    if (count(&n->key_file))
        return 83;
    if (count(&n->scalar))
        return 84;
    if (count(&n->psk) != 1)
        return 85;
    config_unref(c);
    if (count(&n->psk))
        return 86;
    if (prctl(PR_GET_DUMPABLE) != 0)
        return 87;
    return 0;
}

static int run(int (*child)(const struct needles *n), const struct needles *n)
{
    int status = 0;
    pid_t pid = fork();
    if (pid == 0)
        _exit(child(n));
    assert_int_equal(waitpid(pid, &status, 0), pid);
    return WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
}

static void wipe(void *p, size_t len)
{
    explicit_bzero(p, len);
}

/* The vectors' passphrase, which is not to stand in this program. */
static void spell(char out[32])
{
    static const uint8_t turned_word[] = {0x92, 0x90, 0x90, 0x91, 0x93, 0x96, 0x98, 0x97, 0x8b};
    for (size_t i = 0; i < sizeof(turned_word); i++)
        out[i] = (char)~turned_word[i];
    out[sizeof(turned_word)] = 0;
}

/* Writes the files and forgets what stands in them, so that a child of ours has it from the files alone. */
static struct needles write_files(void)
{
    static const char conf[] =
        "secrets {\n private-moon {\n file = moon.pem\n secret = %s\n }\n"
        " pkcs12-moon {\n file = moon.p12\n secret = %s\n }\n ike-x {\n secret = %s\n }\n}\n";
    struct needles n;
    char words[3][32], text[512];
    put("swanctl/private/moon.pem", key_file("rsa.encrypted.pem"));
    put("swanctl/pkcs12/moon.p12", key_file("../pkcs12/modern.p12"));
    put("swanctl/private/open.pem", key_file("p256.sec1.der"));
    spell(words[0]);
    spell(words[1]);
    snprintf(words[2], sizeof(words[2]), "psk-%u-of-the-test", (unsigned)getpid());
    int len = snprintf(text, sizeof(text), conf, words[0], words[1], words[2]);
    put("swanctl/swanctl.conf", span_of(text, (size_t)len));
    n.passphrase = turned(span_str(words[0]));
    n.of_container = turned(span_str(words[1]));
    n.psk = turned(span_str(words[2]));
    struct span der = key_file("p256.sec1.der");
    n.key_file = turned(span_of(der.ptr, 32));
    n.scalar = turned(span_of(der.ptr + 7, 32));
    for (int i = 0; i < 4; i++) { /* the ring of key_file() */
        struct span s = key_file("README");
        wipe((void *)s.ptr, 16384);
    }
    wipe(words, sizeof(words));
    wipe(text, sizeof(text));
    return n;
}

static void loading_leaves_no_passphrase_and_no_key_file_in_memory(void **state)
{
    (void)state;
    struct needles n = write_files();
    assert_int_equal(run(look, &n), 0);
}

static char planted[64];

static int plant(const struct needles *n)
{
    for (size_t i = 0; i < n->psk.len; i++)
        planted[i] = (char)~n->psk.turned[i];
    return (int)count(&n->psk);
}

static void what_is_in_memory_is_found(void **state)
{
    (void)state;
    struct needles n = write_files();
    assert_int_equal(run(plant, &n), 1);
}

static int locked(const struct needles *n)
{
    char line[256];
    unsigned long kib = 0;
    (void)n;
    guard_memory();
    FILE *f = fopen("/proc/self/status", "r");
    while (f && fgets(line, sizeof(line), f))
        sscanf(line, "VmLck: %lu kB", &kib);
    struct rlimit core;
    getrlimit(RLIMIT_CORE, &core);
    return kib >= 1024 && core.rlim_cur == 0 ? 0 : 1;
}

static void memory_is_locked(void **state)
{
    (void)state;
    assert_int_equal(run(locked, NULL), 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(loading_leaves_no_passphrase_and_no_key_file_in_memory),
        cmocka_unit_test(what_is_in_memory_is_found),
        cmocka_unit_test(memory_is_locked),
    };
    return cmocka_run_group_tests(tests, setup, teardown);
}
