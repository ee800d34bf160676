/* SPDX-License-Identifier: Apache-2.0 */
/* Virtual addresses on the machine's own interfaces, where there is no TUN device that would take them along
 * when the daemon is killed. They are noted in a file, so that the next start removes what a crash left. */
#pragma once

#include "base/diag.h"
#include "net/ip.h"
#include "sys/paths.h"

struct vip {
    struct ip ip;
    int device; /* index */
};

#define VIPS_INSTALLED_MAX 256

struct vips {
    char path[PATH_TEXT_MAX]; /* empty: not open */
    struct vip v[VIPS_INSTALLED_MAX];
    size_t n;
};

/* Removes what the file names. */
void vips_open(struct vips *v, const char *path);
/* On the interface that has `beside`, or by index where device is not 0. */
bool vips_add(struct vips *v, struct ip ip, struct ip beside, int device, struct diag *d);
/* False when it is none of these. */
bool vips_del(struct vips *v, struct ip ip, struct diag *d);
bool vips_have(const struct vips *v, struct ip ip);
/* Removes all. */
void vips_close(struct vips *v);
