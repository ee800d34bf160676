# SPDX-License-Identifier: Apache-2.0
# Debian packages: which command needs what, and how they get here.

BUILD_PACKAGES="cmake ninja-build gcc g++ libc6-dev pkg-config libssl-dev libuv1-dev libmnl-dev libcurl4-openssl-dev libunbound-dev libjansson-dev libp11-kit-dev zlib1g-dev"
TEST_PACKAGES="valgrind iproute2 nftables libcmocka-dev clang-format python3-minimal libpython3-stdlib git"
LAB_PACKAGES="python3-minimal libpython3-stdlib iproute2 iputils-ping nftables tcpdump openssl openssh-client"
GUEST_PACKAGES="user-mode-linux kmod busybox-static"
BENCH_PACKAGES="ethtool"
FUZZ_PACKAGES="clang-14 libclang-rt-14-dev"
[ "$(dpkg --print-architecture 2>/dev/null)" != amd64 ] || BUILD_PACKAGES="$BUILD_PACKAGES libipsec-mb-dev"

# need PACKAGE...: installs what is missing, and says so; ends the run when that fails.
need() { try_install "$@" || { cat build/apt.log >&2; exit 1; }; }

# want_guest: installs what the lab's guests need. Without it their rows are listed as not run.
want_guest() { try_install $GUEST_PACKAGES || echo "./dev: so what runs in a guest is not run" >&2; }

try_install() {
  local missing=() p
  for p in "$@"; do
    dpkg-query -W -f='${Status}' "$p" 2>/dev/null | grep -q 'ok installed' || missing+=("$p")
  done
  [ ${#missing[@]} -gt 0 ] || return 0
  echo "./dev: installing ${missing[*]}"
  local run=()
  [ "$(id -u)" = 0 ] || run=(sudo)
  apt_quiet "${run[@]}" apt-get install -y -qq --no-install-recommends "${missing[@]}" ||
    { apt_quiet "${run[@]}" apt-get update -qq &&
      apt_quiet "${run[@]}" apt-get install -y -qq --no-install-recommends "${missing[@]}"; } ||
    { echo "./dev: could not install ${missing[*]}" >&2; return 1; }
}

apt_quiet() {
  mkdir -p build
  DEBIAN_FRONTEND=noninteractive "$@" >build/apt.log 2>&1 </dev/null
}

need_root() {
  [ "$(id -u)" = 0 ] || { echo "./dev: network namespaces need root: sudo ./dev ..." >&2; exit 77; }
}
