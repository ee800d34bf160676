/* SPDX-License-Identifier: Apache-2.0 */
/* The stream of TCP encapsulation: see tcpencap.h. */
#include "net/tcpencap.h"

#define LENGTH_LEN 2
#define MARKER_LEN 4
#define KEEPALIVE  0xff

static const uint8_t marker[MARKER_LEN];

/* [RFC9329#6.1] the whole prefix first. What cannot become one is refused at its first wrong byte. */
static enum tcpencap_status take_prefix(struct tcpencap_reader *r, struct span *rest)
{
    size_t n = rest->len < TCPENCAP_PREFIX_LEN ? rest->len : TCPENCAP_PREFIX_LEN;
    if (n && memcmp(rest->ptr, TCPENCAP_PREFIX, n) != 0)
        return TCPENCAP_BROKEN;
    if (n < TCPENCAP_PREFIX_LEN)
        return TCPENCAP_MORE;
    *rest = span_of(rest->ptr + n, rest->len - n);
    r->has_prefix = true;
    return TCPENCAP_IKE;
}

/* Empty messages and keepalives say nothing. */
static bool is_silent(struct span m)
{
    return m.len == 0 || (m.len == 1 && m.ptr[0] == KEEPALIVE);
}

static enum tcpencap_status classify(struct span *m)
{
    if (m->len < MARKER_LEN)
        return TCPENCAP_SHORT;
    if (memcmp(m->ptr, marker, MARKER_LEN) != 0)
        return TCPENCAP_ESP;
    *m = span_of(m->ptr + MARKER_LEN, m->len - MARKER_LEN);
    return TCPENCAP_IKE;
}

enum tcpencap_status tcpencap_next(struct tcpencap_reader *r, struct span *rest, struct span *message)
{
    if (!r->has_prefix) {
        enum tcpencap_status s = take_prefix(r, rest);
        if (!r->has_prefix)
            return s;
    }
    while (rest->len >= LENGTH_LEN) {
        size_t whole = (size_t)rest->ptr[0] << 8 | rest->ptr[1];
        if (whole < LENGTH_LEN) /* [RFC9329#3.1] fatal */
            return TCPENCAP_BROKEN;
        if (r->max && whole - LENGTH_LEN > r->max)
            return TCPENCAP_BROKEN;
        if (whole > rest->len)
            return TCPENCAP_MORE;
        *message = span_of(rest->ptr + LENGTH_LEN, whole - LENGTH_LEN);
        *rest = span_of(rest->ptr + whole, rest->len - whole);
        if (!is_silent(*message))
            return classify(message);
    }
    return TCPENCAP_MORE;
}

size_t tcpencap_header(uint8_t out[TCPENCAP_HEADER_MAX], bool is_ike, size_t len)
{
    size_t header = LENGTH_LEN + (is_ike ? MARKER_LEN : 0), whole = header + len;
    if (len > TCPENCAP_MESSAGE_MAX || whole - LENGTH_LEN > TCPENCAP_MESSAGE_MAX)
        return 0;
    memset(out, 0, TCPENCAP_HEADER_MAX);
    out[0] = (uint8_t)(whole >> 8);
    out[1] = (uint8_t)whole;
    return header;
}
