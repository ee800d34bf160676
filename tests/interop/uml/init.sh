#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# The first process of the User Mode Linux guest: its own /proc, /sys and /run, the modules of IPsec, then the lab's
# rows. It ends by powering off, whatever happens. Its arguments come on the kernel's command line as KWLAB_*.
export PATH=/usr/sbin:/usr/bin:/sbin:/bin HOME=/run TMPDIR=/run PYTHONDONTWRITEBYTECODE=1
trap 'busybox poweroff -f' EXIT
mount -t proc p /proc; mount -t sysfs s /sys; mount -t tmpfs t /run
mkdir -p /run/host /run/lock
mount -t hostfs none /run/host -o "$KWLAB_OUT"
for m in ipv6 xfrm_user esp4 esp6 ah4 ah6 ipcomp ipcomp6 deflate xcbc cmac authenc seqiv echainiv gcm ccm cbc ctr hmac sha256 chacha20poly1305 tun veth bridge af_packet; do
  modprobe "$m" 2>/dev/null
done
[ -e /dev/net/tun ] || { mount -t tmpfs d /dev; mkdir -p /dev/net; mknod /dev/net/tun c 10 200; }
/usr/bin/python3 "$KWLAB_DIR/uml/guest.py" 2>&1
