/* SPDX-License-Identifier: Apache-2.0 */
/* See xfrm_journal.h. The file is mapped: a store to it needs no system call, and the kernel keeps it when
 * the process dies. */
#include "sys/xfrm_journal.h"
#include "base/arena.h"
#include "base/log.h"
#include <errno.h>
#include <fcntl.h>
#include <libmnl/libmnl.h>
#include <linux/xfrm.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#define SLOT_BYTES    128
#define FIRST_SLOTS   512
#define SLOTS_MOST    (1u << 22)
#define MESSAGE_BYTES (SLOT_BYTES - 8)

static const char magic[8] = "KWXFRM1\n";

struct head { /* takes the place of a slot */
    char magic[8];
    char boot[40];
    uint64_t netns;
    struct {
        _Atomic uint32_t check; /* 0: nothing */
        struct xfrm_kept kept;
    } settings[XFRM_JOURNAL_KEPT];
    uint8_t rest[SLOT_BYTES - 56 - XFRM_JOURNAL_KEPT * 12];
};

struct slot {
    _Atomic uint32_t check; /* of the rest; 0: empty */
    uint32_t tell;
    uint8_t message[MESSAGE_BYTES];
};

_Static_assert(sizeof(struct head) == SLOT_BYTES && sizeof(struct slot) == SLOT_BYTES, "both are slots");

union copy { /* of a slot's message */
    struct nlmsghdr h;
    uint8_t bytes[MESSAGE_BYTES];
};

struct xfrm_journal {
    char *path;
    int fd;
    struct slot *slots; /* the first one is the head */
    uint32_t n, n_free;
    uint32_t *free; /* numbers of empty slots */
    bool is_full;   /* and that was said */
};

/* Not against an attacker, who would have to be root: against a file that is damaged. */
static uint32_t check_bytes(const void *bytes, size_t len)
{
    uint32_t h = 2166136261u;
    const uint8_t *p = bytes;
    for (size_t i = 0; i < len; i++)
        h = (h ^ p[i]) * 16777619u;
    return h ? h : 1;
}

static uint32_t check_of(const struct slot *s)
{
    return check_bytes(&s->tell, sizeof(s->tell) + sizeof(s->message));
}

static void fill_head(struct head *h)
{
    struct stat st;
    memset(h, 0, sizeof(*h));
    memcpy(h->magic, magic, sizeof(magic));
    FILE *f = fopen("/proc/sys/kernel/random/boot_id", "re");
    if (f) {
        if (!fgets(h->boot, sizeof(h->boot), f))
            h->boot[0] = '\0';
        fclose(f);
    }
    if (stat("/proc/self/ns/net", &st) == 0)
        h->netns = st.st_ino;
}

/* ---- writing */

/* Another n slots are there; which of them are empty is the caller's to say. */
static bool map_slots(struct xfrm_journal *j, uint32_t n)
{
    size_t old = (size_t)j->n * SLOT_BYTES, bytes = (size_t)n * SLOT_BYTES;
    if (n > SLOTS_MOST) {
        errno = EFBIG;
        return false;
    }
    errno = posix_fallocate(j->fd, 0, (off_t)bytes); /* a store to a hole of a full disk would end us */
    if (errno)
        return false;
    void *p = j->slots ? mremap(j->slots, old, bytes, MREMAP_MAYMOVE)
                       : mmap(NULL, bytes, PROT_READ | PROT_WRITE, MAP_SHARED, j->fd, 0);
    if (p == MAP_FAILED)
        return false;
    j->slots = p;
    uint32_t *numbers = realloc(j->free, n * sizeof(*numbers));
    if (!numbers)
        abort();
    j->free = numbers;
    j->n = n;
    return true;
}

static bool grow(struct xfrm_journal *j, uint32_t n)
{
    uint32_t old = j->n;
    if (!map_slots(j, n))
        return false;
    for (uint32_t i = n - 1; i >= (old ? old : 1); i--)
        j->free[j->n_free++] = i;
    return true;
}

uint32_t xfrm_journal_put(struct xfrm_journal *j, const struct nlmsghdr *del, uint32_t tell)
{
    if (!j || del->nlmsg_len > MESSAGE_BYTES)
        return 0;
    if (!j->n_free && !grow(j, j->n * 2)) {
        if (!j->is_full)
            log_line(GROUP_KNL, LOG_WARN,
                     "%s cannot grow: what is in the kernel from now on would outlive a crash", j->path);
        j->is_full = true;
        return 0;
    }
    uint32_t i = j->free[--j->n_free];
    struct slot *s = &j->slots[i];
    memset(s->message, 0, sizeof(s->message));
    memcpy(s->message, del, del->nlmsg_len);
    s->tell = tell;
    atomic_store_explicit(&s->check, check_of(s), memory_order_release);
    return i;
}

void xfrm_journal_clear(struct xfrm_journal *j, uint32_t *slot)
{
    if (!j || !*slot)
        return;
    atomic_store_explicit(&j->slots[*slot].check, 0, memory_order_release);
    j->free[j->n_free++] = *slot;
    *slot = 0;
}

void xfrm_journal_keep(struct xfrm_journal *j, size_t where, struct xfrm_kept kept)
{
    if (!j)
        return;
    struct head *h = (struct head *)j->slots;
    atomic_store_explicit(&h->settings[where].check, 0, memory_order_release);
    h->settings[where].kept = kept;
    if (kept.old >= 0)
        atomic_store_explicit(&h->settings[where].check, check_bytes(&kept, sizeof(kept)),
                              memory_order_release);
}

struct xfrm_kept xfrm_journal_kept(const struct xfrm_journal *j, size_t where)
{
    const struct xfrm_kept none = {-1, -1};
    if (!j)
        return none;
    const struct head *h = (const struct head *)j->slots;
    struct xfrm_kept kept = h->settings[where].kept;
    uint32_t check = atomic_load(&h->settings[where].check);
    return check && check == check_bytes(&kept, sizeof(kept)) ? kept : none;
}

void xfrm_journal_close(struct xfrm_journal *j)
{
    if (!j)
        return;
    if (j->slots) {
        unlink(j->path);
        munmap(j->slots, (size_t)j->n * SLOT_BYTES);
    }
    if (j->fd >= 0)
        close(j->fd);
    free(j->free);
    free(j->path);
    free(j);
}

/* ---- opening, with what is left */

/* Settings have checks of their own. */
static bool is_same_head(const struct head *a, const struct head *b)
{
    return memcmp(a, b, offsetof(struct head, settings)) == 0 &&
           memcmp(a->rest, b->rest, sizeof(a->rest)) == 0;
}

static size_t fixed_bytes(uint16_t type)
{
    return type == XFRM_MSG_DELSA       ? sizeof(struct xfrm_usersa_id)
           : type == XFRM_MSG_DELPOLICY ? sizeof(struct xfrm_userpolicy_id)
                                        : 0;
}

/* Is it one of our two kinds, whole, and nothing else? */
static bool is_sound(const struct slot *s, uint32_t check, struct nlmsghdr *h)
{
    const struct nlattr *a;
    if (!check || check != check_of(s) || h->nlmsg_len > MESSAGE_BYTES || h->nlmsg_len < sizeof(*h))
        return false;
    size_t fixed = fixed_bytes(h->nlmsg_type);
    if (!fixed || h->nlmsg_flags != (NLM_F_REQUEST | NLM_F_ACK) || mnl_nlmsg_get_payload_len(h) < fixed)
        return false;
    mnl_attr_for_each(a, h, fixed)
    {
        uint16_t type = mnl_attr_get_type(a);
        if (type != XFRMA_MARK && type != XFRMA_IF_ID && type != XFRMA_POLICY_TYPE)
            return false;
    }
    return true;
}

/* The message of a slot; false: it is empty, or no message of ours. */
static bool read_slot(const struct slot *s, union copy *out)
{
    memcpy(out->bytes, s->message, sizeof(out->bytes));
    return is_sound(s, atomic_load(&s->check), &out->h);
}

size_t xfrm_journal_each(struct xfrm_journal *j, xfrm_journal_note *note, void *ctx)
{
    union copy m;
    size_t n = 0;
    for (uint32_t i = 1; i < j->n; i++) {
        if (!read_slot(&j->slots[i], &m))
            continue;
        note(ctx, &m.h, j->slots[i].tell, i);
        n++;
    }
    return n;
}

/* How many slots has the file there, with the head? 0: it is none that can go on. */
static uint32_t find_left(struct xfrm_journal *j)
{
    struct head want, head;
    struct stat st;
    fill_head(&want);
    j->fd = open(j->path, O_RDWR | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK);
    if (j->fd < 0 || fstat(j->fd, &st) < 0 || !S_ISREG(st.st_mode) || st.st_uid != geteuid() ||
        st.st_size > (off_t)SLOTS_MOST * SLOT_BYTES || pread(j->fd, &head, sizeof(head), 0) != sizeof(head) ||
        !is_same_head(&head, &want))
        return 0;
    return (uint32_t)(st.st_size / SLOT_BYTES); /* a part of a slot is none */
}

static bool go_on(struct xfrm_journal *j, uint32_t n)
{
    union copy m;
    if (ftruncate(j->fd, (off_t)n * SLOT_BYTES) < 0 || !map_slots(j, n > FIRST_SLOTS ? n : FIRST_SLOTS))
        return false;
    for (uint32_t i = j->n - 1; i > 0; i--) {
        if (read_slot(&j->slots[i], &m))
            continue;
        atomic_store(&j->slots[i].check, 0);
        j->free[j->n_free++] = i;
    }
    return true;
}

static bool make(struct xfrm_journal *j)
{
    if (j->fd >= 0)
        close(j->fd);
    unlink(j->path); /* a new file: one that is mapped by somebody stays his */
    j->fd = open(j->path, O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC | O_NOFOLLOW, 0600);
    if (j->fd < 0 || !grow(j, FIRST_SLOTS))
        return false;
    fill_head((struct head *)j->slots);
    return true;
}

struct xfrm_journal *xfrm_journal_open(const char *path, struct diag *d)
{
    struct xfrm_journal *j = mem_new(sizeof(*j));
    j->path = strdup(path);
    if (!j->path)
        abort();
    uint32_t left = find_left(j);
    if (left ? go_on(j, left) : make(j))
        return j;
    diag_set(d, FAIL_GENERIC, "cannot write %s: %s", path, strerror(errno));
    xfrm_journal_close(j);
    return NULL;
}
