/* SPDX-License-Identifier: Apache-2.0 */
/* A preloaded shim that lets User Mode Linux 6.1 run on processors whose saved register state is larger than
 * the 2696 bytes that it knows (AMX: 11008). The host's ptrace(PTRACE_SETREGSET, NT_X86_XSTATE) takes whole
 * states only; the guest writes the front part, which is in the standard format. So: read the whole state,
 * lay the front part over it, write the whole. Everything else goes through untouched. */
#define _GNU_SOURCE
#include <dlfcn.h>
#include <elf.h>
#include <errno.h>
#include <stdarg.h>
#include <string.h>
#include <sys/ptrace.h>
#include <sys/types.h>
#include <sys/uio.h>

#define STATE_MAX 32768

static long (*next_ptrace)(int request, ...);

static long set_state(pid_t pid, const struct iovec *given)
{
    static _Thread_local unsigned char whole[STATE_MAX] __attribute__((aligned(64)));
    struct iovec iov = {whole, sizeof whole};
    if (next_ptrace(PTRACE_GETREGSET, pid, (void *)NT_X86_XSTATE, &iov) < 0) {
        return -1;
    }
    if (given->iov_len < iov.iov_len) {
        memcpy(whole, given->iov_base, given->iov_len);
    } else {
        iov = *given;
    }
    return next_ptrace(PTRACE_SETREGSET, pid, (void *)NT_X86_XSTATE, &iov);
}

long ptrace(enum __ptrace_request request, ...)
{
    va_list ap;
    va_start(ap, request);
    pid_t pid = va_arg(ap, pid_t);
    void *addr = va_arg(ap, void *);
    void *data = va_arg(ap, void *);
    va_end(ap);
    if (!next_ptrace) {
        next_ptrace = (long (*)(int, ...))dlsym(RTLD_NEXT, "ptrace");
    }
    if (request == PTRACE_SETREGSET && addr == (void *)NT_X86_XSTATE) {
        return set_state(pid, data);
    }
    return next_ptrace((int)request, pid, addr, data);
}
