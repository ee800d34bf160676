/* SPDX-License-Identifier: Apache-2.0 */
/* See linkfilter.h. Loads (LD_ABS) give 0 as the program's result where the packet ends, which is "not
 * taken"; the kernel's IP has refused such packets before a raw socket sees them. */
#include "sys/linkfilter.h"
#include "base/span.h"
#include "model/action.h"
#include <errno.h>
#include <linux/bpf.h>
#include <linux/filter.h>
#include <linux/if_packet.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <unistd.h>

#define NOTES 1024
#define OWN   256
#define TAKE  0x40000

/* ---- instructions */

#define INSN(c, d, s, o, i)                                                                                  \
    ((struct bpf_insn){.code = (uint8_t)(c), .dst_reg = (d), .src_reg = (s), .off = (o), .imm = (i)})
#define LOAD(size, at)           INSN(BPF_LD | BPF_ABS | (size), 0, 0, 0, (int)(at)) /* to r0, host order */
#define JUMP(op, reg, value, by) INSN(BPF_JMP | (op) | BPF_K, reg, 0, by, value)
#define SET(reg, value)          INSN(BPF_ALU64 | BPF_MOV | BPF_K, reg, 0, 0, value)
#define COPY(reg, from)          INSN(BPF_ALU64 | BPF_MOV | BPF_X, reg, from, 0, 0)
#define ADD(reg, value)          INSN(BPF_ALU64 | BPF_ADD | BPF_K, reg, 0, 0, value)
#define STORE(at, reg)           INSN(BPF_STX | BPF_MEM | BPF_W, 10, reg, at, 0) /* on the stack */
#define ZERO(at)                 INSN(BPF_ST | BPF_MEM | BPF_W, 10, 0, at, 0)
#define CALL(function)           INSN(BPF_JMP | BPF_CALL, 0, 0, 0, BPF_FUNC_##function)
#define RETURN(value)            SET(0, value), INSN(BPF_JMP | BPF_EXIT, 0, 0, 0, 0)
#define MAP(which)               INSN(BPF_LD | BPF_DW | BPF_IMM, 1, BPF_PSEUDO_MAP_FD, 0, which), INSN(0, 0, 0, 0, 0)
#define PACKET_TYPE              INSN(BPF_LDX | BPF_MEM | BPF_W, 0, 6, offsetof(struct __sk_buff, pkt_type), 0)

enum { MAP_OWN, MAP_NOTES }; /* in MAP() until the programs are loaded */

/* r0 is not 0 when the destination is ours: 10 and 13 instructions */
#define FIND_OWN        COPY(2, 10), ADD(2, -32), MAP(MAP_OWN), CALL(map_lookup_elem)
#define IS_OWN4(header) LOAD(BPF_W, (header) + 16), STORE(-32, 0), ZERO(-28), ZERO(-24), ZERO(-20), FIND_OWN
#define IS_OWN6(header)                                                                                      \
    LOAD(BPF_W, (header) + 24), STORE(-32, 0), LOAD(BPF_W, (header) + 28), STORE(-28, 0),                    \
        LOAD(BPF_W, (header) + 32), STORE(-24, 0), LOAD(BPF_W, (header) + 36), STORE(-20, 0), FIND_OWN

/* r2 points at SPI and sequence number on the stack */
#define KEY(at) LOAD(BPF_W, at), STORE(-8, 0), LOAD(BPF_W, (at) + 4), STORE(-4, 0), COPY(2, 10), ADD(2, -8)
#define NOTE(at)                                                                                             \
    KEY(at), ZERO(-12), COPY(3, 10), ADD(3, -12), SET(4, BPF_ANY), MAP(MAP_NOTES), CALL(map_update_elem),    \
        RETURN(0)
/* what was noted is taken, once */
#define TAKE_NOTED(at)                                                                                       \
    KEY(at), MAP(MAP_NOTES), CALL(map_lookup_elem), JUMP(BPF_JNE, 0, 0, 2), RETURN(0), COPY(2, 10),          \
        ADD(2, -8), MAP(MAP_NOTES), CALL(map_delete_elem), RETURN(TAKE)

/* at: the low byte of the SPI. What is for the kernel's SAs is not ours: 5 instructions */
#define LEAVE_KERNELS(at)                                                                                    \
    LOAD(BPF_B, at), JUMP(BPF_JSET, 0, SPI_KERNEL, 1), INSN(BPF_JMP | BPF_JA, 0, 0, 2, 0), RETURN(0)

static const struct bpf_insn ring4[] = {
    COPY(6, 1),
    LOAD(BPF_B, 9), /* protocol */
    JUMP(BPF_JNE, 0, 50, 23),
    PACKET_TYPE,
    JUMP(BPF_JNE, 0, PACKET_HOST, 21),
    LOAD(BPF_B, 0),
    JUMP(BPF_JNE, 0, 0x45, 19), /* options */
    IS_OWN4(0),
    JUMP(BPF_JEQ, 0, 0, 8),
    LOAD(BPF_H, 6),
    JUMP(BPF_JSET, 0, 0x3fff, 8), /* a fragment */
    LOAD(BPF_H, 2),
    JUMP(BPF_JGT, 0, LINKFILTER_MAX, 4),
    LOAD(BPF_B, 23), /* the SPI's low byte */
    JUMP(BPF_JSET, 0, SPI_KERNEL, 2),
    RETURN(TAKE),
    RETURN(0),
    JUMP(BPF_JSET, 0, 0x1fff, -3), /* not the first one */
    NOTE(20),
};

static const struct bpf_insn ring6[] = {
    COPY(6, 1),
    PACKET_TYPE,
    JUMP(BPF_JNE, 0, PACKET_HOST, 23),
    LOAD(BPF_B, 6), /* next header */
    JUMP(BPF_JEQ, 0, 44, 23),
    JUMP(BPF_JNE, 0, 50, 20),
    IS_OWN6(0),
    JUMP(BPF_JEQ, 0, 0, 6),
    LOAD(BPF_H, 4),
    JUMP(BPF_JGT, 0, LINKFILTER_MAX - 40, 4),
    LOAD(BPF_B, 43),
    JUMP(BPF_JSET, 0, SPI_KERNEL, 2),
    RETURN(TAKE),
    RETURN(0),
    LOAD(BPF_B, 40), /* a fragment header [RFC8200#4.5] */
    JUMP(BPF_JNE, 0, 50, -4),
    LOAD(BPF_H, 42),
    JUMP(BPF_JSET, 0, 0xfff8, -6), /* not the first one */
    NOTE(48),
};

/* a raw IPv4 socket's filter begins at the IP header */
static const struct bpf_insn raw4[] = {
    COPY(6, 1),
    LOAD(BPF_B, 0),
    JUMP(BPF_JNE, 0, 0x45, 5),
    LEAVE_KERNELS(23),
    PACKET_TYPE,
    JUMP(BPF_JNE, 0, PACKET_HOST, 15),
    LOAD(BPF_B, 0),
    JUMP(BPF_JNE, 0, 0x45, 13),
    IS_OWN4(0),
    JUMP(BPF_JEQ, 0, 0, 2),
    LOAD(BPF_H, 2),
    JUMP(BPF_JLE, 0, LINKFILTER_MAX, 2),
    RETURN(TAKE),
    TAKE_NOTED(20),
};

/* a raw IPv6 socket's begins behind its headers */
static const struct bpf_insn raw6[] = {
    COPY(6, 1),
    LEAVE_KERNELS(3),
    PACKET_TYPE,
    JUMP(BPF_JNE, 0, PACKET_HOST, 18),
    LOAD(BPF_B, SKF_NET_OFF + 6),
    JUMP(BPF_JNE, 0, 50, 16),
    IS_OWN6(SKF_NET_OFF),
    JUMP(BPF_JEQ, 0, 0, 2),
    LOAD(BPF_H, SKF_NET_OFF + 4),
    JUMP(BPF_JLE, 0, LINKFILTER_MAX - 40, 2),
    RETURN(TAKE),
    TAKE_NOTED(0),
};

/* ---- loading */

static int call_bpf(int command, union bpf_attr *a)
{
    return (int)syscall(SYS_bpf, command, a, sizeof(*a));
}

static int load(const struct bpf_insn *code, size_t n, const struct linkfilter *f)
{
    struct bpf_insn filled[96];
    static const char license[] = "Apache-2.0";
    memcpy(filled, code, n * sizeof(*code));
    for (size_t i = 0; i < n; i++) {
        if (filled[i].code == (BPF_LD | BPF_DW | BPF_IMM))
            filled[i].imm = filled[i].imm == MAP_OWN ? f->own : f->notes;
    }
    union bpf_attr a = {.prog_type = BPF_PROG_TYPE_SOCKET_FILTER, .insn_cnt = (uint32_t)n};
    a.insns = (uint64_t)(uintptr_t)filled;
    a.license = (uint64_t)(uintptr_t)license;
    return call_bpf(BPF_PROG_LOAD, &a);
}

static int make_map(uint32_t type, uint32_t key, uint32_t entries)
{
    union bpf_attr a = {.map_type = type, .key_size = key, .value_size = 4, .max_entries = entries};
    return call_bpf(BPF_MAP_CREATE, &a);
}

bool linkfilter_open(struct linkfilter *f, struct diag *d)
{
    *f = (struct linkfilter){
        .ring = {-1, -1},
          .raw = {-1, -1}
    };
    f->own = make_map(BPF_MAP_TYPE_HASH, 16, OWN);
    f->notes = make_map(BPF_MAP_TYPE_LRU_HASH, 8, NOTES);
    if (f->own >= 0 && f->notes >= 0) {
        f->ring[0] = load(ring4, ARRAY_LEN(ring4), f);
        f->ring[1] = load(ring6, ARRAY_LEN(ring6), f);
        f->raw[0] = load(raw4, ARRAY_LEN(raw4), f);
        f->raw[1] = load(raw6, ARRAY_LEN(raw6), f);
    }
    if (f->ring[0] >= 0 && f->ring[1] >= 0 && f->raw[0] >= 0 && f->raw[1] >= 0)
        return true;
    diag_set(d, FAIL_GENERIC, "the kernel refuses a packet filter (bpf): %s", strerror(errno));
    linkfilter_close(f);
    return false;
}

void linkfilter_close(struct linkfilter *f)
{
    const int fds[] = {f->own, f->notes, f->ring[0], f->ring[1], f->raw[0], f->raw[1]};
    for (size_t i = 0; i < ARRAY_LEN(fds); i++) {
        if (fds[i] >= 0)
            close(fds[i]);
    }
    *f = (struct linkfilter){
        .own = -1, .notes = -1, .ring = {-1, -1},
                .raw = {-1, -1}
    };
}

bool linkfilter_add_own(struct linkfilter *f, struct ip ip)
{
    uint32_t key[4], value = 0;
    for (size_t i = 0; i < ARRAY_LEN(key); i++)
        key[i] = (uint32_t)ip.b[4 * i] << 24 | (uint32_t)ip.b[4 * i + 1] << 16 |
                 (uint32_t)ip.b[4 * i + 2] << 8 | ip.b[4 * i + 3];
    union bpf_attr a = {.map_fd = (uint32_t)f->own};
    a.key = (uint64_t)(uintptr_t)key;
    a.value = (uint64_t)(uintptr_t)&value;
    return call_bpf(BPF_MAP_UPDATE_ELEM, &a) == 0;
}

bool linkfilter_attach(const struct linkfilter *f, int fd, uint8_t family, bool is_ring)
{
    int program = (is_ring ? f->ring : f->raw)[family == 6];
    return setsockopt(fd, SOL_SOCKET, SO_ATTACH_BPF, &program, sizeof(program)) == 0;
}

bool linkfilter_detach(int fd)
{
    struct sock_filter none = BPF_STMT(BPF_RET | BPF_K, 0);
    struct sock_fprog program = {.len = 1, .filter = &none};
    return setsockopt(fd, SOL_SOCKET, SO_ATTACH_FILTER, &program, sizeof(program)) == 0;
}
