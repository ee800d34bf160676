/* SPDX-License-Identifier: Apache-2.0 */
/* See vips.h. */
#include "sys/vips.h"
#include "base/log.h"
#include "base/text.h"
#include "sys/address.h"
#include "sys/private_file.h"
#include <net/if.h>
#include <stdio.h>
#include <unistd.h>

static int device_of(struct ip ip)
{
    char name[ADDRESS_DEVICE];
    return address_device(ip, name) ? (int)if_nametoindex(name) : 0;
}

/* The file is there whole, with the former addresses or with these. */
static void note(const struct vips *v)
{
    char text[IP_TEXT_MAX], lines[VIPS_INSTALLED_MAX * (IP_TEXT_MAX + 1)], folder[PATH_TEXT_MAX];
    struct text t = TEXT_ON(lines);
    struct diag d = {0};
    if (!v->n) {
        unlink(v->path);
        return;
    }
    for (size_t i = 0; i < v->n; i++)
        text_printf(&t, "%s\n", ip_format(v->v[i].ip, text));
    snprintf(folder, sizeof(folder), "%s", v->path);
    char *leaf = strrchr(folder, '/');
    if (leaf)
        *leaf++ = '\0';
    if (!leaf || !private_write(folder, leaf, span_of(lines, t.len), &d))
        log_line(GROUP_KNL, LOG_WARN, "%s: after a crash virtual addresses would stay",
                 leaf ? d.what : v->path);
}

static void remove_left(const char *path)
{
    char line[IP_TEXT_MAX + 2];
    struct diag d;
    struct ip ip;
    FILE *f = fopen(path, "re");
    while (f && fgets(line, sizeof(line), f)) {
        line[strcspn(line, "\n")] = '\0';
        int device = ip_parse(line, &ip) ? device_of(ip) : 0;
        if (device && address_set(device, ip, false, &d))
            log_line(GROUP_KNL, LOG_NOTICE, "removed the virtual address %s that an earlier run left", line);
    }
    if (f)
        fclose(f);
    unlink(path);
}

void vips_open(struct vips *v, const char *path)
{
    *v = (struct vips){0};
    snprintf(v->path, sizeof(v->path), "%s", path);
    remove_left(path);
}

bool vips_add(struct vips *v, struct ip ip, struct ip beside, int device, struct diag *d)
{
    char text[IP_TEXT_MAX];
    if (!device)
        device = device_of(beside);
    if (!device || v->n == VIPS_INSTALLED_MAX) {
        diag_set(d, FAIL_NOT_FOUND, "cannot add the virtual address: %s",
                 device ? "there are too many" : "no interface has the address of this end of the tunnel");
        diag_got(d, "%s", ip_format(beside, text));
        return false;
    }
    v->v[v->n++] = (struct vip){.ip = ip, .device = device};
    note(v); /* first: it must not be there without being known */
    if (address_set(device, ip, true, d))
        return true;
    v->n--;
    note(v);
    return false;
}

bool vips_del(struct vips *v, struct ip ip, struct diag *d)
{
    for (size_t i = 0; i < v->n; i++) {
        if (!ip_equal(v->v[i].ip, ip))
            continue;
        bool ok = address_set(v->v[i].device, ip, false, d);
        v->v[i] = v->v[--v->n];
        note(v);
        return ok;
    }
    return false;
}

bool vips_have(const struct vips *v, struct ip ip)
{
    for (size_t i = 0; i < v->n; i++) {
        if (ip_equal(v->v[i].ip, ip))
            return true;
    }
    return false;
}

void vips_close(struct vips *v)
{
    struct diag d;
    if (!v->path[0])
        return;
    for (size_t i = 0; i < v->n; i++)
        address_set(v->v[i].device, v->v[i].ip, false, &d);
    v->n = 0;
    note(v);
}
