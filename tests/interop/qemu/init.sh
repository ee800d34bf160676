#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# The QEMU guest on the host's root: its own /proc, /sys and /run, its kernel's modules where modprobe looks, then the
# lab's rows, which speak through the second serial line. It ends by powering off, whatever happens.
export PATH=/usr/sbin:/usr/bin:/sbin:/bin HOME=/run TMPDIR=/run PYTHONDONTWRITEBYTECODE=1
trap 'busybox poweroff -f' EXIT
mount -t proc p /proc; mount -t sysfs s /sys; mount -t tmpfs t /run
mkdir -p /run/host /run/lock /lib/modules
mount -t 9p -o trans=virtio,version=9p2000.L,msize=262144 out /run/host
ln -sfn "$KWLAB_MODULES" "/lib/modules/$(uname -r)"
for m in tun af_packet xfrm_user nlmon; do modprobe "$m"; done  # the rest comes when it is asked for
/usr/bin/python3 "$KWLAB_DIR/uml/guest.py" >/dev/ttyS1 2>&1
