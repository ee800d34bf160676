/* SPDX-License-Identifier: Apache-2.0 */
/* See steer.h. */
#include "sys/steer.h"
#include "model/action.h"
#include <linux/filter.h>
#include <sys/socket.h>

#define STEER_MASK ((1u << SPI_STEER_BITS) - 1)

unsigned steer_worker(uint32_t key, unsigned n_workers)
{
    return (key & STEER_MASK) % n_workers;
}

unsigned steer_stream(uint32_t handle, unsigned n_workers)
{
    return (handle & ~STREAM_OURS) % n_workers;
}

/* The program sees the payload; a load beyond its end returns 0, which is the first socket. */
bool steer_datagrams(int fd, unsigned n_workers, bool has_kernel)
{
    unsigned n = n_workers ? n_workers : 1;
    struct sock_filter code[] = {
        BPF_STMT(BPF_LD | BPF_W | BPF_ABS, 0),
        BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, 0, 6, 0),
        BPF_JUMP(BPF_JMP | BPF_JSET | BPF_K, has_kernel ? SPI_KERNEL : 0, 0, 1),
        BPF_STMT(BPF_RET | BPF_K, 1 + n_workers),
        BPF_STMT(BPF_ALU | BPF_AND | BPF_K, STEER_MASK),
        BPF_STMT(BPF_ALU | BPF_MOD | BPF_K, n),
        BPF_STMT(BPF_ALU | BPF_ADD | BPF_K, n_workers ? 1 : 0),
        BPF_STMT(BPF_RET | BPF_A, 0),
        BPF_STMT(BPF_RET | BPF_K, 0),
    };
    struct sock_fprog program = {.len = sizeof(code) / sizeof(code[0]), .filter = code};
    return setsockopt(fd, SOL_SOCKET, SO_ATTACH_REUSEPORT_CBPF, &program, sizeof(program)) == 0;
}
