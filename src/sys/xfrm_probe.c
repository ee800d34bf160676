/* SPDX-License-Identifier: Apache-2.0 */
/* What this kernel can: it is asked for an SA, which is read back and deleted. Attributes that a kernel does
 * not know it ignores without a word, so what did not come back is not there. The SAs are between addresses
 * of the loopback network, and the kernel deletes them by itself if we do not get to it. */
#include "base/log.h"
#include "base/text.h"
#include "crypto/random.h"
#include "sys/xfrm_impl.h"
#include <errno.h>
#include <stddef.h>

#define PROBE_IF_ID   0x4b57u
#define PROBE_MARK    0x10u
#define PROBE_PROTO   6
#define PROBE_SECONDS 5

static struct esp_sa probe_sa(enum sa_direction dir)
{
    struct esp_sa sa = {
        .plane = PLANE_KERNEL,
        .direction = dir,
        .mode = MODE_TUNNEL,
        .local = {.ip = ip4(127, 75, 87, 1), .port = 4500},
        .remote = {.ip = ip4(127, 75, 87, 2), .port = 4500},
        .encr = ENCR_AES_CBC,
        .key_bits = 128,
        .encr_key_len = 16,
        .integ = INTEG_HMAC_SHA2_256_128,
        .integ_key_len = 32
    };
    crypto_random(&sa.spi, sizeof(sa.spi));
    crypto_random(sa.encr_key, sa.encr_key_len);
    crypto_random(sa.integ_key, sa.integ_key_len);
    sa.spi |= SPI_KERNEL | 0x100;
    return sa;
}

static int add_sa(struct xfrm_link *l, const struct esp_sa *sa, const struct xfrm_can *can, struct diag *d)
{
    char buf[XFRM_MESSAGE_MAX] XFRM_ALIGNED;
    struct xfrm_state_spec s = {.sa = sa, .can = can};
    struct nlmsghdr *h = xfrm_state_message(buf, &s, d);
    if (!h)
        return EINVAL;
    struct xfrm_usersa_info *info = mnl_nlmsg_get_payload(h);
    info->lft.hard_add_expires_seconds = PROBE_SECONDS;
    int error = xfrm_link_ask(l, h, NULL, NULL);
    if (error)
        xfrm_explain_sa(d, sa, false, error, l->why);
    return error;
}

static int try_sa(struct xfrm_link *l, const struct esp_sa *sa, const struct xfrm_can *can,
                  struct xfrm_seen_state *seen, struct diag *d)
{
    struct xfrm_state_id id = xfrm_state_id_of(sa, false);
    int error = add_sa(l, sa, can, d);
    if (error)
        return error;
    error = xfrm_state_get(l, &id, seen);
    if (error || seen->id.spi != sa->spi) {
        diag_set(d, FAIL_GENERIC, "the kernel takes an ESP SA and does not show it: %s", strerror(error));
        error = error ? error : EIO;
    }
    xfrm_state_del(l, &id);
    return error;
}

/* ---- what goes beyond that */

static void ask_direction(struct esp_sa *sa)
{
    sa->has_esn = true; /* whose outbound window depends on it */
}

static bool has_direction(const struct xfrm_seen_state *s)
{
    return s->direction != 0;
}

static void ask_if_id(struct esp_sa *sa)
{
    sa->kernel.out.if_id = PROBE_IF_ID;
}

static bool has_if_id(const struct xfrm_seen_state *s)
{
    return s->if_id == PROBE_IF_ID;
}

static void ask_set_mark(struct esp_sa *sa)
{
    sa->kernel.out.set_mark = (struct mark){PROBE_MARK, PROBE_MARK};
}

static bool has_set_mark(const struct xfrm_seen_state *s)
{
    return s->set_mark == PROBE_MARK && s->set_mark_mask == PROBE_MARK;
}

static void ask_mapping_pause(struct esp_sa *sa)
{
    sa->has_encap = true;
}

static bool has_mapping_pause(const struct xfrm_seen_state *s)
{
    return s->mapping_pause != 0;
}

static void ask_icmp(struct esp_sa *sa)
{
    sa->n_local_ts = 1;
    sa->local_ts[0] = (struct ts){.proto = PROBE_PROTO};
}

static bool has_icmp(const struct xfrm_seen_state *s)
{
    return s->flags & XFRM_STATE_ICMP;
}

static void ask_cpu(struct esp_sa *sa)
{
    sa->cpu.is_set = true;
}

static bool has_cpu(const struct xfrm_seen_state *s)
{
    return s->cpu.is_set && s->cpu.number == 0;
}

/* Without its module the kernel takes the mode all the same, and does nothing of it. */
static void ask_iptfs(struct esp_sa *sa)
{
    sa->mode = MODE_IPTFS;
}

static bool has_iptfs(const struct xfrm_seen_state *s)
{
    return s->has_iptfs;
}

/* Each is asked of an SA that has what was found before it, too. */
static const struct question {
    const char *what; /* in the log */
    enum sa_direction direction;
    void (*ask)(struct esp_sa *sa);
    bool (*came_back)(const struct xfrm_seen_state *s);
    size_t can; /* of struct xfrm_can: a bool */
} questions[] = {
    {"directions",              SA_OUT, ask_direction,     has_direction,     offsetof(struct xfrm_can, direction)    },
    {"interface ids",           SA_OUT, ask_if_id,         has_if_id,         offsetof(struct xfrm_can, if_id)        },
    {"marks that they set",     SA_OUT, ask_set_mark,      has_set_mark,      offsetof(struct xfrm_can, set_mark)     },
    {"pauses between mappings", SA_IN,  ask_mapping_pause, has_mapping_pause,
     offsetof(struct xfrm_can,                                                                          mapping_pause)},
    {"ICMP errors",             SA_IN,  ask_icmp,          has_icmp,          offsetof(struct xfrm_can, icmp)         },
    {"processors",              SA_OUT, ask_cpu,           has_cpu,           offsetof(struct xfrm_can, cpu)          },
    {"IP-TFS",                  SA_OUT, ask_iptfs,         has_iptfs,         offsetof(struct xfrm_can, iptfs)        },
};

static bool *field(struct xfrm_can *can, const struct question *q)
{
    return (bool *)((char *)can + q->can);
}

static bool sticks(struct xfrm_link *l, const struct question *q, struct xfrm_can with)
{
    struct xfrm_seen_state seen = {0};
    struct diag ignored = {0};
    struct esp_sa sa = probe_sa(q->direction);
    *field(&with, q) = true;
    q->ask(&sa);
    return try_sa(l, &sa, &with, &seen, &ignored) == 0 && q->came_back(&seen);
}

/* Asked to move it: the kernel shows it where it is then. */
static bool probe_migration(struct xfrm_link *l, const struct xfrm_can *can)
{
    char buf[XFRM_MESSAGE_MAX] XFRM_ALIGNED;
    struct xfrm_seen_state seen = {0};
    struct diag ignored = {0};
    struct esp_sa sa = probe_sa(SA_IN);
    struct xfrm_state_id id = xfrm_state_id_of(&sa, false);
    if (add_sa(l, &sa, can, &ignored) != 0)
        return false;
    sa.local.ip = ip4(127, 75, 87, 3);
    struct xfrm_state_id moved = xfrm_state_id_of(&sa, false);
    bool is_moved = xfrm_link_ask(l, xfrm_migrate_message(buf, &id, &sa, can), NULL, NULL) == 0 &&
                    xfrm_state_get(l, &moved, &seen) == 0 && seen.id.spi == sa.spi;
    xfrm_state_del(l, is_moved ? &moved : &id);
    return is_moved;
}

static void note(struct text *t, const char *what)
{
    text_printf(t, "%s%s", t->len ? ", " : "", what);
}

static void probe_more(struct xfrm_link *l, struct xfrm_can *can)
{
    char all[300] = "", none[300] = "";
    struct text has = TEXT_ON(all), lacks = TEXT_ON(none);
    for (size_t i = 0; i < ARRAY_LEN(questions); i++) {
        const struct question *q = &questions[i];
        *field(can, q) = sticks(l, q, *can);
        note(*field(can, q) ? &has : &lacks, q->what);
    }
    can->migrates = probe_migration(l, can);
    note(can->migrates ? &has : &lacks, "moves to other addresses");
    log_line(GROUP_KNL, LOG_DETAIL, "SAs of this kernel have %s%s%s", all[0] ? all : "the basics alone",
             none[0] ? "; and not: " : "", none);
}

bool xfrm_probe_link(struct xfrm_link *l, struct xfrm_can *can, struct diag *why)
{
    struct xfrm_seen_state seen;
    struct esp_sa sa = probe_sa(SA_IN);
    if (try_sa(l, &sa, &(struct xfrm_can){0}, &seen, why) != 0)
        return false;
    if (can)
        probe_more(l, can);
    return true;
}

bool xfrm_probe(struct diag *why)
{
    struct xfrm_link l;
    if (!xfrm_link_open(&l, false, why))
        return false;
    bool has_esp = xfrm_probe_link(&l, NULL, why);
    xfrm_link_close(&l);
    return has_esp;
}
