/* SPDX-License-Identifier: Apache-2.0 */
/* The main program that stands in for libFuzzer in the normal test run: replay_NAME DIRECTORY [SEED
 * [MUTATIONS]] runs the target on each file of the directory and on seeded mutations of each (a few hundred,
 * cheap), so that a crash once found stays found and its neighbourhood is looked at on every run. When a run
 * dies it prints the file, the number of the mutation and the bytes: save them as a new file of the corpus.
 */
#include <dirent.h>
#include <signal.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define MAX_FILES 4096
#define INPUT_MAX 65536
#define MAX_RUNS  40000 /* of all files together: a grown corpus gets fewer mutations each */
#define MUTATIONS 300

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);
void __sanitizer_set_death_callback(void (*callback)(void)) __attribute__((weak));

struct file {
    char *path;
    uint8_t *bytes;
    size_t len;
};

static struct file files[MAX_FILES];
static size_t n_files;
static const char *current_path;
static unsigned current_mutation;
static const uint8_t *current;
static size_t current_len;
static uint64_t random_state;

static uint32_t next_random(void)
{
    random_state ^= random_state << 13;
    random_state ^= random_state >> 7;
    random_state ^= random_state << 17;
    return (uint32_t)(random_state >> 16);
}

static size_t below(size_t n)
{
    return n ? next_random() % n : 0;
}

static void say_what_died(void)
{
    static bool is_said;
    if (is_said || !current_path)
        return;
    is_said = true;
    fprintf(stderr, "died on %s, mutation %u, %zu bytes:\n", current_path, current_mutation, current_len);
    for (size_t i = 0; i < current_len && i < 8192; i++)
        fprintf(stderr, "%02x", current[i]);
    fprintf(stderr, "\n");
}

static void on_signal(int number)
{
    say_what_died();
    signal(number, SIG_DFL);
    raise(number);
}

/* A copy of exactly that size on the heap: the sanitizer sees each byte that is read too far. */
static void run(const uint8_t *data, size_t len)
{
    uint8_t *copy = malloc(len ? len : 1);
    if (!copy)
        abort();
    memcpy(copy, data, len);
    current = copy;
    current_len = len;
    LLVMFuzzerTestOneInput(copy, len);
    free(copy);
}

static void flip_bit(uint8_t *b, size_t *len)
{
    if (*len)
        b[below(*len)] ^= (uint8_t)(1u << below(8));
}

static void set_byte(uint8_t *b, size_t *len)
{
    static const uint8_t edges[] = {0, 1, 2, 3, 4, 7, 8, 0x7f, 0x80, 0xfe, 0xff, '\n', '{', '}', '"', '%'};
    if (*len)
        b[below(*len)] = below(2) ? edges[below(sizeof(edges))] : (uint8_t)next_random();
}

static void set_length(uint8_t *b, size_t *len)
{
    static const uint16_t edges[] = {0, 1, 3, 4, 7, 8, 28, 255, 256, 0x7fff, 0x8000, 0xffff};
    if (*len < 2)
        return;
    size_t at = below(*len - 1);
    uint16_t v = below(3) ? edges[below(sizeof(edges) / sizeof(edges[0]))] : (uint16_t)below(*len + 4);
    b[at] = (uint8_t)(v >> 8);
    b[at + 1] = (uint8_t)v;
}

static void cut(uint8_t *b, size_t *len)
{
    (void)b;
    *len = below(*len + 1);
}

static void remove_run(uint8_t *b, size_t *len)
{
    size_t at = below(*len), n = below(*len - at < 64 ? *len - at : 64);
    memmove(b + at, b + at + n, *len - at - n);
    *len -= n;
}

static void insert_from(uint8_t *b, size_t *len, const uint8_t *from, size_t from_len)
{
    size_t at = below(*len + 1), n = below(from_len < 256 ? from_len + 1 : 256),
           start = below(from_len - n + 1);
    uint8_t run_of[256];
    if (*len + n > INPUT_MAX)
        return;
    memcpy(run_of, from + start, n);
    memmove(b + at + n, b + at, *len - at);
    memcpy(b + at, run_of, n);
    *len += n;
}

static void repeat_run(uint8_t *b, size_t *len)
{
    insert_from(b, len, b, *len);
}

static void splice(uint8_t *b, size_t *len)
{
    const struct file *other = &files[below(n_files)];
    insert_from(b, len, other->bytes, other->len);
}

static void mutate(uint8_t *b, size_t *len)
{
    static void (*const ways[])(uint8_t *, size_t *) = {
        flip_bit, flip_bit, set_byte, set_byte, set_length, cut, remove_run, repeat_run, splice};
    size_t n = 1 + below(4);
    for (size_t i = 0; i < n; i++)
        ways[below(sizeof(ways) / sizeof(ways[0]))](b, len);
}

static void load(const char *directory, const char *name)
{
    struct file *f = &files[n_files];
    char path[4096];
    snprintf(path, sizeof(path), "%s/%s", directory, name);
    FILE *in = fopen(path, "rb");
    f->bytes = malloc(INPUT_MAX);
    f->path = strdup(name);
    if (!in || !f->bytes || !f->path) {
        fprintf(stderr, "cannot read %s\n", path);
        exit(1);
    }
    f->len = fread(f->bytes, 1, INPUT_MAX, in);
    fclose(in);
    n_files++;
}

static int load_all(const char *directory)
{
    struct dirent **names;
    int n = scandir(directory, &names, NULL, alphasort); /* sorted: the same run everywhere */
    for (int i = 0; i < n; i++) {
        if (names[i]->d_name[0] != '.' && n_files < MAX_FILES)
            load(directory, names[i]->d_name);
        free(names[i]);
    }
    if (n >= 0)
        free(names);
    return n;
}

static void run_mutations(const struct file *f, unsigned mutations)
{
    static uint8_t work[INPUT_MAX];
    for (current_mutation = 1; current_mutation <= mutations; current_mutation++) {
        size_t len = f->len;
        memcpy(work, f->bytes, len);
        mutate(work, &len);
        run(work, len);
    }
}

int main(int argc, char **argv)
{
    if (argc < 2) {
        fprintf(stderr, "usage: %s DIRECTORY [SEED [MUTATIONS]]\n", argv[0]);
        return 2;
    }
    uint64_t seed = argc > 2 ? strtoull(argv[2], NULL, 0) : 1;
    unsigned mutations = argc > 3 ? (unsigned)strtoul(argv[3], NULL, 0) : MUTATIONS;
    if (load_all(argv[1]) < 0 || n_files == 0) {
        fprintf(stderr, "no corpus in %s\n", argv[1]);
        return 1;
    }
    if (mutations > MAX_RUNS / n_files && argc <= 3)
        mutations = (unsigned)(MAX_RUNS / n_files);
    if (__sanitizer_set_death_callback)
        __sanitizer_set_death_callback(say_what_died);
    signal(SIGABRT, on_signal);
    random_state = seed * UINT64_C(0x9e3779b97f4a7c15) + 1;
    for (size_t i = 0; i < n_files; i++) {
        current_path = files[i].path;
        current_mutation = 0;
        run(files[i].bytes, files[i].len);
        run_mutations(&files[i], mutations);
    }
    printf("%zu files, %u mutations each, seed %llu\n", n_files, mutations, (unsigned long long)seed);
    for (size_t i = 0; i < n_files; i++) {
        free(files[i].path);
        free(files[i].bytes);
    }
    return 0;
}
