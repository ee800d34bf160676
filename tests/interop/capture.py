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


COUNTS = re.compile(r"(\d+) packets? captured, (\d+) packets? received by filter, (\d+) packets? dropped by kernel")


class Capture:
    def __init__(self, node, device, path):
        self.path, self.out = path, path + ".tcpdump"
        for old in (self.path, self.out):  # what an earlier tcpdump said is not this one's word
            if os.path.exists(old):
                os.unlink(old)
        # Immediate mode, so that stopping waits for nothing; two snapshots fit into a page, so that the ring holds 32,000
        # packets: more than a row makes while tcpdump does not get the processor. A guest, whose rows make fewer, would need
        # seconds to find so much memory.
        ring = "16384" if "KWLAB_DIR" in os.environ else "65536"
        self.process = node.start(["tcpdump", "-i", device, "-n", "-U", "--immediate-mode", "-s", "1900", "-B", ring,
                                   "-w", path], self.out)

    def ready(self):
        wait_for("tcpdump to listen", lambda: "listening on" in self.process.text(), 30, 0.01)
        return self

    def stop(self):
        if self.process.is_running():
            self.drain()
            self.process.stop(signal.SIGINT)
        dropped = re.findall(r"(\d+) packets? dropped by kernel", self.process.text())
        if dropped and int(dropped[-1]):
            raise LabError(f"the capture dropped {dropped[-1]} packets: it proves nothing")

    def counts(self):
        """(packets in the file, packets that came to the filter, packets that were lost between), as tcpdump says when asked."""
        said = len(self.process.text())
        self.process.popen.send_signal(signal.SIGUSR1)
        return [int(n) for n in wait_for("tcpdump to count", lambda: COUNTS.findall(self.process.text()[said:]), 10, 0.01)[-1]]

    def drain(self):
        """Until what has passed the interface is in the file: tcpdump may be late, and forgets what it has not read when
        it ends."""
        time.sleep(0.03)  # what was sent last passes
        _, passed, _ = self.counts()

        def is_drained():
            captured, _, dropped = self.counts()
            return captured + dropped >= passed
        wait_for("tcpdump to write what has passed", is_drained, 30)

    def judge(self, since=0.0, has_ah=False):
        self.stop()
        return pcap.judge(self.path, INNER_PAIRS, [MARKER], since=since, has_ah=has_ah)
