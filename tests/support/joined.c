/* SPDX-License-Identifier: Apache-2.0 */
#include "support/joined.h"
#include "support/cut.h"
#include <string.h>

struct outcome {
    const struct coalescer *c;
    struct esp_packet *p;
    const struct joined_packet *in;
    int place[ESP_BATCH]; /* when it came out; -1: not yet */
    int count;
};

static size_t gather(const struct outcome *w, const struct super *s, uint8_t *out, struct offload *o)
{
    coalesce_finish(s, w->p, o);
    uint8_t at = s->first;
    size_t len = w->p[at].len;
    memcpy(out, w->p[at].data, len);
    for (int i = 1; i < s->n; i++) {
        at = w->c->next[at];
        memcpy(out + len, w->p[at].data + s->header, w->p[at].len - s->header);
        len += w->p[at].len - s->header;
    }
    return len;
}

/* One write to the TUN. */
static const char *check_write(struct outcome *w, const struct super *s)
{
    static uint8_t whole[70000], one[70000];
    struct offload o;
    const char *why = NULL;
    size_t len = gather(w, s, whole, &o), n = cut_count(span_of(whole, len), &o, &why);
    if (n != s->n)
        return why ? why : "another number of packets comes out";
    uint8_t i = s->first;
    for (size_t k = 0; k < n; k++, i = w->c->next[i]) {
        size_t one_len = cut_write(span_of(whole, len), &o, k, one);
        struct span got = span_of(one, one_len), want = span_of(w->in[i].bytes, w->in[i].len);
        if (n == 1 ? got.len != want.len || memcmp(got.ptr, want.ptr, got.len) != 0 : !cut_is_same(got, want))
            return "a packet comes out changed";
        if (w->place[i] >= 0)
            return "a packet comes out twice";
        w->place[i] = w->count++;
    }
    return NULL;
}

const char *joined_check(const struct coalescer *c, struct esp_packet *p, const struct joined_packet *in,
                         size_t n)
{
    struct outcome w = {.c = c, .p = p, .in = in};
    memset(w.place, -1, sizeof(w.place));
    for (size_t i = 0; i < c->n; i++) {
        const char *why = check_write(&w, &c->supers[i]);
        if (why)
            return why;
    }
    for (size_t j = 0; j < n; j++) {
        if ((w.place[j] >= 0) != (p[j].verdict == ESP_FORWARD))
            return "a packet does not come out, or one that was dropped does";
        for (size_t i = 0; i < j; i++) {
            bool is_one = in[i].flow == in[j].flow || in[i].flow < 0 || in[j].flow < 0;
            if (is_one && w.place[j] >= 0 && w.place[i] > w.place[j])
                return "two packets of a flow change places";
        }
    }
    return NULL;
}
