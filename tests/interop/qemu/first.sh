#!/bin/busybox sh
# SPDX-License-Identifier: Apache-2.0
# The first process of the QEMU guest, in memory: the host's files, read-only, under a layer of its own that takes what
# is written; then init.sh in there. KWLAB_* come on the kernel's command line.
b=/bin/busybox
$b mount -t proc p /proc
$b mount -t devtmpfs d /dev
for m in /modules/*.ko; do $b insmod "$m"; done
$b mount -t tmpfs t /upper
$b mkdir /upper/new /upper/work
$b mount -t 9p -o trans=virtio,version=9p2000.L,ro,cache=loose,msize=262144 root /lower &&
  $b mount -t overlay -o lowerdir=/lower,upperdir=/upper/new,workdir=/upper/work o /root || $b poweroff -f
$b mount --move /dev /root/dev
$b umount /proc
exec $b switch_root /root "$KWLAB_DIR/qemu/init.sh"
