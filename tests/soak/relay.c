/* SPDX-License-Identifier: Apache-2.0 */
/* soak_relay: the wire between two gateways, which loses, repeats and reorders. It reads every frame from two
 * interfaces, writes the first bytes of each into a capture before it does anything else (one file for each
 * gateway), and sends it on, or not, or twice, or late, as a seeded generator says. IKE has rates of its own;
 * fragments, ARP and neighbour discovery pass untouched. It keeps books on what the receiver's replay window
 * must do with what it sends on, and prints them as JSON: a line every second, and the last word when it is
 * told to end by SIGTERM.
 *
 * "Late" packets are held until so many more went by, or for a time when not so many come. */
#include "frame.h"
#include "relay_ports.h"
#include "window.h"
#include <errno.h>
#include <getopt.h>
#include <inttypes.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#define MILLION  1000000
#define HOLD_MAX 4096
#define SECOND   INT64_C(1000000000)

enum fate { PASS, LOSE, REPEAT, DELAY, REPEAT_LATE, DELAY_LATE, FATES };

static const char *const fate_names[FATES] = {
    [PASS] = "passed",
    [LOSE] = "lost",
    [REPEAT] = "duplicated",
    [DELAY] = "reordered",
    [REPEAT_LATE] = "duplicated_late",
    [DELAY_LATE] = "reordered_late",
};

struct options {
    uint64_t seed;
    uint32_t ppm[FATES], ike_ppm[FATES];
    uint32_t window, distance,
        late; /* packets: replay window, reordering inside it at most, beyond it at least */
    const char *capture[2];
};

struct held {
    int64_t until;  /* or */
    uint64_t after; /* so many packets were sent on */
    bool is_esp;
    uint32_t spi, seq, len;
    uint8_t *bytes;
};

struct books {
    uint64_t frames, kinds[FRAME_KINDS], fates[FATES], ike_fates[FATES];
    uint64_t largest;             /* frame */
    uint64_t sent_on;             /* copies of ESP packets */
    uint64_t unique;              /* packets of which at least one was */
    uint64_t words[WINDOW_WORDS]; /* what the window has to say about the copies */
};

struct broken { /* packets that wait for their last fragment */
    uint32_t id, spi, seq;
};

struct direction {
    struct port *from, *to;
    FILE *capture;
    uint64_t random;
    struct books b;
    struct windows windows;
    struct held held[HOLD_MAX];
    size_t n_held;
    uint8_t *spent[2 * PORT_BATCH + HOLD_MAX]; /* freed when they are sent */
    size_t n_spent;
    struct broken broken[64];
};

static struct options o = {.window = 1024, .distance = 256, .late = 2048};
static volatile sig_atomic_t is_ending;

static void end(int signal)
{
    (void)signal;
    is_ending = 1;
}

static int64_t now_ns(void)
{
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return t.tv_sec * SECOND + t.tv_nsec;
}

/* splitmix64 */
static uint64_t draw(uint64_t *state)
{
    uint64_t z = *state += UINT64_C(0x9e3779b97f4a7c15);
    z = (z ^ z >> 30) * UINT64_C(0xbf58476d1ce4e5b9);
    z = (z ^ z >> 27) * UINT64_C(0x94d049bb133111eb);
    return z ^ z >> 31;
}

static enum fate draw_fate(struct direction *d, const uint32_t *ppm)
{
    uint32_t r = (uint32_t)(draw(&d->random) % MILLION);
    for (int f = LOSE; f < FATES; f++) {
        if (r < ppm[f])
            return (enum fate)f;
        r -= ppm[f];
    }
    return PASS;
}

/* ---- the capture */

static FILE *capture_open(const char *path)
{
    const struct {
        uint32_t magic;
        uint16_t major, minor;
        uint32_t zone, sigfigs, snap, link;
    } head = {0xa1b23c4d, 2, 4, 0, 0, FRAME_SNAP, 1};
    FILE *f = fopen(path, "wb");
    if (!f || fwrite(&head, sizeof(head), 1, f) != 1) {
        perror(path);
        exit(1);
    }
    setvbuf(f, NULL, _IOFBF, 1 << 20);
    return f;
}

static void capture(FILE *to, const struct port_frame *f)
{
    uint32_t have = f->have < FRAME_SNAP ? f->have : FRAME_SNAP;
    const uint32_t head[4] = {f->sec, f->nsec, have, f->len};
    if (fwrite(head, sizeof(head), 1, to) != 1 || fwrite(f->bytes, 1, have, to) != have) {
        perror("soak_relay: the capture");
        exit(1);
    }
}

/* ---- sending on */

static void book(struct direction *d, uint32_t spi, uint32_t seq, bool is_first_copy)
{
    d->b.sent_on++;
    d->b.unique += is_first_copy;
    d->b.words[windows_send(&d->windows, spi, seq)]++;
}

static void hold(struct direction *d, const struct port_frame *p, const struct frame *f, bool is_late)
{
    if (d->n_held == HOLD_MAX) {
        fprintf(stderr, "soak_relay: more than %d packets to hold\n", HOLD_MAX);
        exit(1);
    }
    uint64_t r = draw(&d->random);
    struct held *h = &d->held[d->n_held++];
    *h = (struct held){.until = now_ns() + (is_late ? SECOND / 2 : SECOND / 100),
                       .after = d->b.sent_on + (is_late ? o.late + r % o.late : 1 + r % o.distance),
                       .is_esp = f->kind == FRAME_ESP,
                       .spi = f->spi,
                       .seq = f->seq,
                       .len = p->have,
                       .bytes = malloc(p->have)};
    if (!h->bytes)
        abort();
    memcpy(h->bytes, p->bytes, p->have);
}

/* A later copy is one that is not the packet's first. Only REPEAT holds such. */
static void release_due(struct direction *d, int64_t now, bool all)
{
    for (size_t i = 0; i < d->n_held;) {
        struct held h = d->held[i];
        if (!all && h.after > d->b.sent_on && h.until > now) {
            i++;
            continue;
        }
        d->held[i] = d->held[--d->n_held];
        if (h.is_esp)
            book(d, h.spi, h.seq, false);
        port_send(d->to, h.bytes, h.len);
        d->spent[d->n_spent++] = h.bytes;
    }
}

static void flush(struct direction *d)
{
    port_flush(d->to);
    for (size_t i = 0; i < d->n_spent; i++)
        free(d->spent[i]);
    d->n_spent = 0;
}

static void carry_out(struct direction *d, enum fate fate, const struct port_frame *p, const struct frame *f)
{
    bool is_esp = f->kind == FRAME_ESP;
    if (fate == LOSE)
        return;
    if (fate == DELAY || fate == DELAY_LATE) {
        d->b.unique += is_esp;
        hold(d, p, f, fate == DELAY_LATE);
        return;
    }
    if (is_esp)
        book(d, f->spi, f->seq, true);
    port_send(d->to, p->bytes, p->have);
    if (fate == REPEAT || fate == REPEAT_LATE)
        hold(d, p, f, fate == REPEAT_LATE);
}

/* ---- fragments: an ESP packet counts when its last one goes by */

static void take_fragment(struct direction *d, const struct frame *f)
{
    struct broken *b = &d->broken[f->id % 64];
    if (f->kind == FRAME_ESP)
        *b = (struct broken){f->id, f->spi, f->seq};
    if (!f->is_last)
        return;
    if (b->id != f->id || !b->spi) {
        fprintf(stderr, "soak_relay: a last fragment without a first one\n");
        exit(1);
    }
    book(d, b->spi, b->seq, true);
    b->spi = 0;
}

static void take(struct direction *d, const struct port_frame *p)
{
    struct frame f;
    capture(d->capture, p);
    frame_read(p->bytes, p->have, &f);
    d->b.frames++;
    d->b.kinds[f.kind]++;
    if (p->len > d->b.largest)
        d->b.largest = p->len;
    if (p->have < p->len) {
        fprintf(stderr, "soak_relay: a frame of %u bytes, the ring takes %u: offloads are on\n", p->len,
                p->have);
        exit(1);
    }
    enum fate fate = PASS;
    if (f.has_fragments) {
        take_fragment(d, &f);
        port_send(d->to, p->bytes, p->have);
        return;
    }
    if (f.kind == FRAME_ESP)
        d->b.fates[fate = draw_fate(d, o.ppm)]++;
    else if (f.kind == FRAME_IKE)
        d->b.ike_fates[fate = draw_fate(d, o.ike_ppm)]++;
    carry_out(d, fate, p, &f);
}

/* Up to a batch; how many there were. */
static unsigned pump(struct direction *d)
{
    struct port_frame p;
    unsigned n = 0;
    while (n < PORT_BATCH && port_peek(d->from, n, &p)) {
        take(d, &p);
        n++;
        if (d->n_held)
            release_due(d, 0, false);
    }
    if (d->n_held)
        release_due(d, now_ns(), false);
    flush(d);
    port_release(d->from, n);
    return n;
}

/* ---- words */

static void print_array(const char *name, const uint64_t *v, int n, const char *const *names)
{
    printf("\"%s\":{", name);
    for (int i = 0; i < n; i++)
        printf("%s\"%s\":%" PRIu64, i ? "," : "", names[i], v[i]);
    printf("},");
}

static void print_windows(const struct windows *w)
{
    printf("\"spis\":{");
    for (uint32_t i = 0, n = 0; i < w->cap; i++) {
        if (w->v[i])
            printf("%s\"%08x\":[%" PRIu64 ",%" PRIu64 "]", n++ ? "," : "", w->v[i]->spi, w->v[i]->copies,
                   w->v[i]->accepted);
    }
    printf("},");
}

static void print_direction(struct direction *d, bool is_last)
{
    const char *kinds[FRAME_KINDS];
    for (int i = 0; i < FRAME_KINDS; i++)
        kinds[i] = frame_kind_name((enum frame_kind)i);
    port_count_drops(d->from);
    printf("{\"from\":\"%s\",\"frames\":%" PRIu64 ",", d->from->name, d->b.frames);
    print_array("kinds", d->b.kinds, FRAME_KINDS, kinds);
    if (is_last) {
        print_array("fates", d->b.fates, FATES, fate_names);
        print_array("ike_fates", d->b.ike_fates, FATES, fate_names);
        print_windows(&d->windows);
    }
    printf("\"largest\":%" PRIu64 ",\"sent_on\":%" PRIu64 ",\"unique\":%" PRIu64 ",\"accepted\":%" PRIu64
           ",\"seen\":%" PRIu64 ",\"behind\":%" PRIu64 ",\"held\":%zu,\"ring_drops\":%" PRIu64
           ",\"partial_checksums\":%" PRIu64 "}",
           d->b.largest, d->b.sent_on, d->b.unique, d->b.words[WINDOW_TAKES], d->b.words[WINDOW_SEEN],
           d->b.words[WINDOW_BEHIND], d->n_held, d->from->ring_drops, d->from->partial_checksums);
}

static void print_all(struct direction d[2], bool is_last)
{
    printf("{\"last\":%s,\"seed\":%" PRIu64 ",\"directions\":[", is_last ? "true" : "false", o.seed);
    print_direction(&d[0], is_last);
    printf(",");
    print_direction(&d[1], is_last);
    printf("]}\n");
    fflush(stdout);
}

/* ---- */

static void read_rates(const char *text, uint32_t *ppm)
{
    unsigned v[FATES];
    if (sscanf(text, "%u,%u,%u,%u,%u", &v[LOSE], &v[REPEAT], &v[DELAY], &v[REPEAT_LATE], &v[DELAY_LATE]) !=
        5) {
        fprintf(stderr,
                "soak_relay: rates are lost,repeated,reordered,repeated late,reordered late in ppm\n");
        exit(2);
    }
    for (int f = LOSE; f < FATES; f++)
        ppm[f] = v[f];
}

static void read_options(int argc, char **argv)
{
    int c;
    while ((c = getopt(argc, argv, "s:r:i:w:d:l:a:b:")) != -1) {
        switch (c) {
        case 's':
            o.seed = strtoull(optarg, NULL, 0);
            break;
        case 'r':
            read_rates(optarg, o.ppm);
            break;
        case 'i':
            read_rates(optarg, o.ike_ppm);
            break;
        case 'w':
            o.window = (uint32_t)strtoul(optarg, NULL, 0);
            break;
        case 'd':
            o.distance = (uint32_t)strtoul(optarg, NULL, 0);
            break;
        case 'l':
            o.late = (uint32_t)strtoul(optarg, NULL, 0);
            break;
        case 'a':
            o.capture[0] = optarg;
            break;
        case 'b':
            o.capture[1] = optarg;
            break;
        default:
            exit(2);
        }
    }
    if (argc - optind != 2 || !o.capture[0] || !o.capture[1] || !o.distance || !o.late || !o.window ||
        o.window > WINDOW_MAX) {
        fprintf(stderr, "usage: soak_relay -s SEED -r RATES -i IKE_RATES -w WINDOW -d DISTANCE -l LATE "
                        "-a PCAP -b PCAP DEVICE DEVICE\n");
        exit(2);
    }
}

static void work(struct port ports[2], struct direction d[2])
{
    int64_t next_word = now_ns() + SECOND;
    while (!is_ending) {
        unsigned n = pump(&d[0]);
        n += pump(&d[1]);
        if (now_ns() >= next_word) {
            print_all(d, false);
            next_word += SECOND;
        }
        if (n)
            continue;
        struct pollfd fds[2] = {
            {.fd = ports[0].rx, .events = POLLIN},
            {.fd = ports[1].rx, .events = POLLIN}
        };
        poll(fds, 2, d[0].n_held || d[1].n_held ? 2 : 100);
    }
}

int main(int argc, char **argv)
{
    static struct port ports[2];
    static struct direction d[2];
    read_options(argc, argv);
    for (int i = 0; i < 2; i++) {
        port_open(&ports[i], argv[optind + i]);
        d[i] = (struct direction){.from = &ports[i], .to = &ports[1 - i], .random = o.seed * 2 + (uint64_t)i};
        d[i].capture = capture_open(o.capture[i]);
        windows_init(&d[i].windows, o.window);
    }
    struct sigaction act = {.sa_handler = end};
    sigaction(SIGTERM, &act, NULL);
    sigaction(SIGINT, &act, NULL);
    printf("{\"ready\":true}\n");
    fflush(stdout);
    work(ports, d);
    for (int i = 0; i < 2; i++) {
        release_due(&d[i], 0, true);
        flush(&d[i]);
        if (fclose(d[i].capture))
            return 1;
    }
    print_all(d, true);
    for (int i = 0; i < 2; i++)
        windows_free(&d[i].windows);
    return 0;
}
