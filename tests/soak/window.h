/* SPDX-License-Identifier: Apache-2.0 */
/* What a receiver with a replay window of W packets has to do with a sequence of numbers (RFC 4303
 * section 3.4.3): the relay asks it about each packet that it sends on, and so knows what the gateway must
 * have counted. Written from the RFC and simple on purpose: one byte a number, no ring of words. Numbers stay
 * below 2^32 here. */
#pragma once

#include <stdint.h>

#define WINDOW_MAX 4096

struct window { /* of one SPI */
    uint32_t spi;
    uint32_t top;                 /* highest number so far; 0: none */
    uint64_t copies, accepted;    /* sent on; of these new and inside the window */
    uint8_t has_seen[WINDOW_MAX]; /* number mod W */
};

struct windows {
    uint32_t size; /* W */
    struct window **v;
    uint32_t n, cap; /* a power of two */
};

void windows_init(struct windows *w, uint32_t size);
void windows_free(struct windows *w);
enum window_word {
    WINDOW_TAKES,  /* new */
    WINDOW_SEEN,   /* inside the window, and there before */
    WINDOW_BEHIND, /* older than the window */
    WINDOW_WORDS,
};

/* One more copy of (spi, seq) goes to the receiver: what will it say? */
enum window_word windows_send(struct windows *w, uint32_t spi, uint32_t seq);
