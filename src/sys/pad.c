/* SPDX-License-Identifier: Apache-2.0 */
/* See pad.h. Nothing is remembered between jobs: the file says what is used. */
#include "sys/pad.h"
#include <errno.h>
#include <fcntl.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#define BLOCK (256 * PAD_PIECE) /* looked through at once */

static bool erase(void *ctx, int fd, uint64_t offset, size_t len)
{
    static const uint8_t zeros[PAD_PIECE];
    (void)ctx;
    return len <= sizeof(zeros) && pwrite(fd, zeros, len, (off_t)offset) == (ssize_t)len;
}

static bool sync_data(void *ctx, int fd)
{
    (void)ctx;
    return fdatasync(fd) == 0;
}

const struct pad_io pad_io = {.erase = erase, .sync = sync_data};

static bool fail(struct job *j, const char *what)
{
    diag_set(&j->verdict.why, FAIL_AUTH, "%s: %s", j->pad, what);
    return false;
}

static bool is_zero(const uint8_t *p, size_t len)
{
    uint8_t seen = 0;
    for (size_t i = 0; i < len; i++)
        seen |= p[i];
    return seen == 0;
}

/* The first unused piece of those in a block, or the last one. */
static bool find_in(const uint8_t *block, size_t pieces, bool is_from_end, size_t *found)
{
    for (size_t i = 0; i < pieces; i++) {
        *found = is_from_end ? pieces - 1 - i : i;
        if (!is_zero(block + *found * PAD_PIECE, PAD_PIECE))
            return true;
    }
    return false;
}

/* Pads are used up from their ends, so that this looks at little more than what was used. */
static bool find_next(struct job *j, int fd, uint64_t pieces)
{
    const uint64_t in_block = BLOCK / PAD_PIECE;
    uint8_t block[BLOCK];
    for (uint64_t done = 0; done < pieces; done += in_block) {
        size_t found, n = (size_t)(pieces - done < in_block ? pieces - done : in_block);
        uint64_t first = j->is_from_end ? pieces - done - n : done;
        if (pread(fd, block, n * PAD_PIECE, (off_t)(first * PAD_PIECE)) != (ssize_t)(n * PAD_PIECE)) {
            secret_wipe(block, sizeof(block));
            return fail(j, strerror(errno));
        }
        bool is_found = find_in(block, n, j->is_from_end, &found);
        secret_wipe(block, sizeof(block));
        if (is_found) {
            j->piece = first + found;
            return true;
        }
    }
    return fail(j, pieces ? "the pad is used up" : "there is no piece in the pad");
}

static bool read_piece(struct job *j, int fd, uint64_t pieces, struct secret *out)
{
    if (j->piece >= pieces)
        return fail(j, "the pad has no such piece");
    *out = secret_new(PAD_PIECE);
    if (pread(fd, out->ptr, PAD_PIECE, (off_t)(j->piece * PAD_PIECE)) != PAD_PIECE)
        return fail(j, strerror(errno));
    return !is_zero(out->ptr, PAD_PIECE) || fail(j, "the piece was used before");
}

static bool use(struct job *j, int fd, uint64_t pieces, const struct pad_io *io, struct secret *piece)
{
    if (j->pad_use == PAD_TAKE && !find_next(j, fd, pieces))
        return false;
    if (!read_piece(j, fd, pieces, piece))
        return false;
    if (j->pad_use == PAD_READ)
        return true;
    return (io->erase(io->ctx, fd, j->piece * PAD_PIECE, PAD_PIECE) && io->sync(io->ctx, fd)) ||
           fail(j, strerror(errno));
}

static bool is_fit(struct job *j, int fd, struct stat *st)
{
    if (fstat(fd, st) < 0)
        return fail(j, strerror(errno));
    if (!S_ISREG(st->st_mode))
        return fail(j, "it is no file");
    return !(st->st_mode & 077) || fail(j, "others than its owner may read or write it (chmod 600)");
}

void pad_run(struct job *j, const struct pad_io *io)
{
    struct secret piece = {0};
    struct stat st;
    diag_clear(&j->verdict.why);
    int fd = open(j->pad, (j->pad_use == PAD_READ ? O_RDONLY : O_RDWR) | O_CLOEXEC | O_NONBLOCK);
    if (fd < 0) {
        fail(j, strerror(errno));
        return;
    }
    if (is_fit(j, fd, &st) && flock(fd, LOCK_EX) == 0)
        j->ok = use(j, fd, (uint64_t)st.st_size / PAD_PIECE, io, &piece);
    close(fd);
    if (j->ok && j->pad_use != PAD_BURN)
        j->shared = secret_take(&piece);
    secret_free(&piece);
}
