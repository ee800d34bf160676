# SPDX-License-Identifier: Apache-2.0
# The simulator as it is shipped: scenarios, or with --long random lives of two gateways.

dev_sim() {
  need $BUILD_PACKAGES $TEST_PACKAGES
  build_preset release && build_preset release sim
  exec build/release/bin/sim "$@"
}
