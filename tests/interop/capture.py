# SPDX-License-Identifier: Apache-2.0
"""tcpdump on the outer link, started before anything else happens and judged at the end."""
import os
import re
import signal
import time

import pcap
import topology
from net import LabError, wait_for
from transfer import MARKER

INNER_PAIRS = [(topology.CLIENT[f][0], topology.CLIENT[f][1]) for f in (4, 6)]
INNER_PAIRS += [(topology.INSIDE[f][0], topology.CLIENT[f][1]) for f in (4, 6)]
INNER_PAIRS += [(topology.CLIENT[f][0], topology.INSIDE[f][1]) for f in (4, 6)]


class Capture:
    def __init__(self, node, device, path):
        self.path, self.out = path, path + ".tcpdump"
        for old in (self.path, self.out):  # what an earlier tcpdump said is not this one's word
            if os.path.exists(old):
                os.unlink(old)
        # Immediate mode, so that stopping loses nothing; short snapshots, so that its ring holds many packets.
        self.process = node.start(["tcpdump", "-i", device, "-n", "-U", "--immediate-mode", "-s", "2000", "-B", "65536",
                                   "-w", path], self.out)

    def ready(self):
        wait_for("tcpdump to listen", lambda: "listening on" in self.process.text(), 30, 0.01)
        return self

    def stop(self):
        if self.process.is_running():
            time.sleep(0.03)  # the last packets are in flight between the interface and the file
            self.process.stop(signal.SIGINT)
        dropped = re.search(r"(\d+) packets? dropped by kernel", self.process.text())
        if dropped and int(dropped.group(1)):
            raise LabError(f"the capture dropped {dropped.group(1)} packets: it proves nothing")

    def judge(self, since=0.0, has_ah=False):
        self.stop()
        return pcap.judge(self.path, INNER_PAIRS, [MARKER], since=since, has_ah=has_ah)
