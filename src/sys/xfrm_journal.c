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
    uint8_t rest[SLOT_BYTES - 56];
};

struct slot {
    _Atomic uint32_t check; /* of the rest; 0: empty */
    uint32_t tell;
    uint8_t message[MESSAGE_BYTES];
};

_Static_assert(sizeof(struct head) == SLOT_BYTES && sizeof(struct slot) == SLOT_BYTES, "both are slots");

struct xfrm_journal {
    char *path;
    int fd;
    struct slot *slots; /* the first one is the head */
    uint32_t n, n_free;
    uint32_t *free; /* numbers of empty slots */
    bool is_full;   /* and that was said */
};

/* Not against an attacker, who would have to be root: against a file that is damaged. */
static uint32_t check_of(const struct slot *s)
{
    uint32_t h = 2166136261u;
    const uint8_t *p = (const uint8_t *)&s->tell;
    for (size_t i = 0; i < sizeof(s->tell) + sizeof(s->message); i++)
        h = (h ^ p[i]) * 16777619u;
    return h ? h : 1;
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

static bool grow(struct xfrm_journal *j, uint32_t n)
{
    size_t old = (size_t)j->n * SLOT_BYTES, bytes = (size_t)n * SLOT_BYTES;
    if (n > SLOTS_MOST)
        return false;
    if (posix_fallocate(j->fd, 0, (off_t)bytes) != 0) /* a store to a hole of a full disk would end us */
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
    for (uint32_t i = n - 1; i >= (j->n ? j->n : 1); i--)
        j->free[j->n_free++] = i;
    j->n = n;
    return true;
}

struct xfrm_journal *xfrm_journal_open(const char *path, struct diag *d)
{
    struct xfrm_journal *j = mem_new(sizeof(*j));
    j->path = strdup(path);
    unlink(path); /* a new file: one that is mapped by somebody stays his */
    j->fd = open(path, O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC | O_NOFOLLOW, 0600);
    if (j->path && j->fd >= 0 && grow(j, FIRST_SLOTS)) {
        fill_head((struct head *)j->slots);
        return j;
    }
    diag_set(d, FAIL_GENERIC, "cannot write %s: %s", path, strerror(errno));
    xfrm_journal_close(j);
    return NULL;
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

/* ---- reading what is left */

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

static int read_slots(FILE *f, xfrm_journal_each *each, void *ctx)
{
    struct head want, head;
    struct slot s;
    union {
        struct nlmsghdr h;
        uint8_t bytes[MESSAGE_BYTES];
    } m;
    int n = 0;
    fill_head(&want);
    if (fread(&head, sizeof(head), 1, f) != 1 || memcmp(&head, &want, sizeof(head)) != 0)
        return 0;
    while (fread(&s, sizeof(s), 1, f) == 1) {
        memcpy(m.bytes, s.message, sizeof(m.bytes));
        if (!is_sound(&s, atomic_load(&s.check), &m.h))
            continue;
        each(ctx, &m.h, s.tell);
        n++;
    }
    return n;
}

int xfrm_journal_read(const char *path, xfrm_journal_each *each, void *ctx, struct diag *d)
{
    int fd = open(path, O_RDONLY | O_CLOEXEC | O_NOFOLLOW);
    if (fd < 0 && errno == ENOENT)
        return 0;
    FILE *f = fd < 0 ? NULL : fdopen(fd, "re");
    if (!f) {
        diag_set(d, FAIL_GENERIC, "cannot read %s: %s", path, strerror(errno));
        if (fd >= 0)
            close(fd);
        return -1;
    }
    int n = read_slots(f, each, ctx);
    fclose(f);
    return n;
}
