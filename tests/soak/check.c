/* SPDX-License-Identifier: Apache-2.0 */
/* soak_check IV_BYTES PCAP...: reads what each gateway sent (one capture for each) and prints what it finds
 * as JSON.
 *
 * For each SPI in a capture: how many packets, the first and last sequence number, numbers that are missing,
 * numbers that came behind a higher one and how far, numbers seen twice, IVs seen twice. (SPI, IV) stands for
 * (key, IV): that no two SAs share a key cannot be seen from outside; the simulator holds that of every
 * scenario ("the key of outbound SA was in use before", tests/sim/node_records.c). For each capture: frames
 * by kind, addresses, the largest frame. It has no code of src/ and judges nothing: tests/interop/soak.py
 * does. */
#include "frame.h"
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define MAGIC_NS UINT32_C(0xa1b23c4d)
#define IV_MAX   16

struct packet {
    uint32_t seq;
    uint8_t iv[IV_MAX];
};

struct sa {
    uint32_t spi;
    struct packet *v;
    size_t n, cap;
    uint32_t highest;
    uint64_t behind, furthest; /* numbers below one that came earlier; the largest distance */
    uint64_t cut;              /* packets too short for an IV */
};

struct capture {
    const char *path;
    uint64_t frames, kinds[FRAME_KINDS], largest, in_udp, fragmented;
    uint32_t n_sources;
    uint8_t source[16], family; /* of the ESP packets */
    struct sa **sas;
    size_t n_sas, cap_sas;
    struct sa *recent;
};

static size_t iv_len;

static void *must(void *p)
{
    if (!p)
        abort();
    return p;
}

static struct sa *sa_of(struct capture *c, uint32_t spi)
{
    if (c->recent && c->recent->spi == spi)
        return c->recent;
    for (size_t i = c->n_sas; i-- > 0;) { /* an old one is met for a short time after its replacement came */
        if (c->sas[i]->spi == spi)
            return c->recent = c->sas[i];
    }
    if (c->n_sas == c->cap_sas) {
        c->cap_sas = c->cap_sas ? 2 * c->cap_sas : 64;
        c->sas = must(realloc(c->sas, c->cap_sas * sizeof(struct sa *)));
    }
    struct sa *s = c->sas[c->n_sas++] = must(calloc(1, sizeof(struct sa)));
    s->spi = spi;
    return c->recent = s;
}

static void take_esp(struct capture *c, const struct frame *f)
{
    struct sa *s = sa_of(c, f->spi);
    if (!c->n_sources || c->family != f->family || memcmp(c->source, f->source, sizeof(c->source)) != 0) {
        c->n_sources++;
        c->family = f->family;
        memcpy(c->source, f->source, sizeof(c->source));
    }
    c->in_udp += f->is_udp;
    c->fragmented += f->has_fragments;
    if (s->n == s->cap) {
        s->cap = s->cap ? 2 * s->cap : 1024;
        s->v = must(realloc(s->v, s->cap * sizeof(struct packet)));
    }
    struct packet *p = &s->v[s->n++];
    *p = (struct packet){.seq = f->seq};
    if (f->left >= iv_len)
        memcpy(p->iv, f->iv, iv_len);
    else
        s->cut++;
    if (f->seq > s->highest) {
        s->highest = f->seq;
        return;
    }
    s->behind++;
    if (s->highest - f->seq > s->furthest)
        s->furthest = s->highest - f->seq;
}

/* False at the end of the file. */
static bool read_frame(FILE *in, struct capture *c)
{
    uint32_t head[4];
    uint8_t bytes[FRAME_SNAP];
    struct frame f;
    if (fread(head, 1, sizeof(head), in) != sizeof(head))
        return false;
    if (head[2] > sizeof(bytes) || fread(bytes, 1, head[2], in) != head[2]) {
        fprintf(stderr, "%s: frame %" PRIu64 " is cut off\n", c->path, c->frames);
        exit(1);
    }
    frame_read(bytes, head[2], &f);
    c->frames++;
    c->kinds[f.kind]++;
    if (head[3] > c->largest)
        c->largest = head[3];
    if (f.kind == FRAME_ESP)
        take_esp(c, &f);
    return true;
}

static void read_capture(struct capture *c)
{
    uint32_t head[6];
    FILE *in = fopen(c->path, "rb");
    if (!in || fread(head, 1, sizeof(head), in) != sizeof(head) || head[0] != MAGIC_NS) {
        fprintf(stderr, "%s: cannot read\n", c->path);
        exit(1);
    }
    setvbuf(in, NULL, _IOFBF, 1 << 20);
    while (read_frame(in, c))
        ;
    fclose(in);
}

/* ---- words */

static int by_seq(const void *a, const void *b)
{
    uint32_t x = ((const struct packet *)a)->seq, y = ((const struct packet *)b)->seq;
    return (x > y) - (x < y);
}

static int by_iv(const void *a, const void *b)
{
    return memcmp(((const struct packet *)a)->iv, ((const struct packet *)b)->iv, IV_MAX);
}

static uint64_t equal_neighbours(const struct sa *s, int (*compare)(const void *, const void *))
{
    uint64_t n = 0;
    for (size_t i = 1; i < s->n; i++)
        n += compare(&s->v[i - 1], &s->v[i]) == 0;
    return n;
}

static void print_sa(struct sa *s, bool is_first)
{
    if (s->behind)
        qsort(s->v, s->n, sizeof(*s->v), by_seq);
    uint64_t twice = equal_neighbours(s, by_seq);
    uint32_t first = s->v[0].seq, last = s->v[s->n - 1].seq;
    uint64_t missing = (uint64_t)last - first + 1 - (s->n - twice);
    qsort(s->v, s->n, sizeof(*s->v), by_iv);
    uint64_t ivs = equal_neighbours(s, by_iv);
    printf("%s\"%08" PRIx32 "\":{\"packets\":%zu,\"first\":%" PRIu32 ",\"last\":%" PRIu32
           ",\"missing\":%" PRIu64 ",\"behind\":%" PRIu64 ",\"furthest\":%" PRIu64 ",\"seq_twice\":%" PRIu64
           ",\"iv_twice\":%" PRIu64 ",\"cut\":%" PRIu64 "}",
           is_first ? "" : ",", s->spi, s->n, first, last, missing, s->behind, s->furthest, twice, ivs,
           s->cut);
    free(s->v);
    free(s);
}

static void print_capture(struct capture *c)
{
    printf("{\"path\":\"%s\",\"frames\":%" PRIu64 ",\"kinds\":{", c->path, c->frames);
    for (int k = 0; k < FRAME_KINDS; k++)
        printf("%s\"%s\":%" PRIu64, k ? "," : "", frame_kind_name((enum frame_kind)k), c->kinds[k]);
    printf("},\"largest\":%" PRIu64 ",\"sources\":%" PRIu32 ",\"in_udp\":%" PRIu64 ",\"fragmented\":%" PRIu64
           ",\"sas\":{",
           c->largest, c->n_sources, c->in_udp, c->fragmented);
    for (size_t i = 0; i < c->n_sas; i++)
        print_sa(c->sas[i], i == 0);
    printf("}}");
    free(c->sas);
}

int main(int argc, char **argv)
{
    iv_len = argc > 2 ? strtoul(argv[1], NULL, 10) : 0;
    if (!iv_len || iv_len > IV_MAX) {
        fprintf(stderr, "usage: soak_check IV_BYTES PCAP...\n");
        return 2;
    }
    printf("[");
    for (int i = 2; i < argc; i++) {
        struct capture c = {.path = argv[i]};
        read_capture(&c);
        print_capture(&c);
        printf(i + 1 < argc ? "," : "]\n");
    }
    return 0;
}
