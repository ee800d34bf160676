#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""The interop lab: Keyway against real peers, in network namespaces that this run makes and removes.

    lab.py [--list] [--only PATTERN]... [--group scenarios|uml|cells|qemu|matrix] [--without guest] [--both-strongswan]
           [--again N] [--summary FILE]
    lab.py --matrix [FILE] [--json]

One line per row: ok, FAIL, lacks (the peer has no such algorithm: its answer follows), not run (with the reason) or left
out (as told with --without guest). Then the matrix: peer and its version, role and data plane of Keyway, authentication,
mode; --matrix prints that of a former run.
What a failed row leaves (logs of both ends, configuration, capture) is in build/lab-logs/ROW/.

With --again N, when at most N rows failed, each of them runs once more when all others have ended. One that passes
then is counted as passed and named in the last lines with what it failed with first: on a machine that is short of
time a row with several daemons can be late, but a defect that shows now and then looks the same, so look at it.
"""
import argparse
import atexit
import collections
import copy
import json
import os
import shutil
import subprocess
import sys
import tempfile
import threading
import time
import traceback

HERE = os.path.dirname(os.path.abspath(__file__))
sys.path.insert(0, HERE)

import cells  # noqa: E402
import guests  # noqa: E402
import matrix  # noqa: E402
import peers  # noqa: E402
import table  # noqa: E402
import topology  # noqa: E402
from certs import Certificates  # noqa: E402
from gateways import Keyway, StrongSwan, has_keyway  # noqa: E402
from modes import run_mode  # noqa: E402
from net import LabError, Net, end_on_signals, wait_for  # noqa: E402
from rows import PYTHON, run_row  # noqa: E402
from scenarios import load_all  # noqa: E402
from transfer import PORT  # noqa: E402

# What a row may fail with; anything else is a bug of the lab and ends it.
EXPECTED = (LabError, OSError, EOFError, KeyError, IndexError, StopIteration, subprocess.SubprocessError)
SIDE_BY_SIDE = 4  # labs that run scenarios at the same time: they mostly wait
LOGS = os.path.join(peers.REPO, "build", "lab-logs")
SUMMARY = os.path.join(peers.REPO, "build", "results", "lab.json")
GROUPS = ("scenarios", "uml", "cells", "qemu", "matrix")


class Lab:
    """Two gateways, two clients, and what rows share: certificates, the work folder, the peer that stays up."""

    def __init__(self, left="Keyway", kernel=False, shape="plain", tag=""):
        self.work = tempfile.mkdtemp(prefix="kwlab")
        atexit.register(shutil.rmtree, self.work, ignore_errors=True)
        self.shape, self.kernel = shape, kernel
        self.net = Net(topology.SHAPES[shape], tag)
        self.certs = Certificates(os.path.join(self.work, "certs"))
        self.capture = self.algorithms = None
        a, b = self.net["ga"], self.net["gb"]
        if left == "Keyway":
            self.a = Keyway(a, os.path.join(self.work, "a"), "gateway A")
            self.use_dataplane()
        else:
            self.a = StrongSwan(a, os.path.join(self.work, "a"), "gateway A", kernel)
        self.b = StrongSwan(b, os.path.join(self.work, "b"), "gateway B", kernel)
        for client in ("ca", "cb"):
            out = os.path.join(self.work, client + ".log")
            p = self.net[client].start([PYTHON, HERE + "/transfer.py", "serve", str(PORT)], out)
            wait_for(f"the transfer server of {client}", lambda p=p: "ready" in p.text(), 10)

    def keep(self, name):
        """Saves what a failed row left. Returns the folder."""
        target = os.path.join(LOGS, name)
        shutil.rmtree(target, ignore_errors=True)
        shutil.copytree(self.work, target, ignore=lambda d, names: [
            n for n in names if not (os.path.isdir(os.path.join(d, n)) or os.path.isfile(os.path.join(d, n)))])
        for n in ("ga", "gb"):
            with open(os.path.join(target, n + ".state"), "w") as f:
                for argv in (["ip", "addr"], ["ip", "rule"], ["ip", "route", "show", "table", "all"],
                             ["ip", "-6", "route", "show", "table", "all"], ["ip", "-s", "xfrm", "state"]):
                    f.write(f"# {' '.join(argv)}\n{self.net[n].sh(*argv, check=False)}\n")
        return f"build/lab-logs/{name}"

    def use_dataplane(self, word="user"):
        """Keyway's, in a guest, whose kernel `auto` would take."""
        self.a.dataplane = word if self.kernel else None

    def fresh_logs(self):
        """Each row's log starts empty where the daemon starts with it."""
        if not self.a.is_running() and os.path.exists(self.a.output):
            os.unlink(self.a.output)

    def reset(self):
        """As a scenario finds it: the peer runs with nothing loaded, Keyway is stopped and left no routes, the router
        between them rewrites and drops nothing."""
        self.net["wire"].sh("nft", "flush", "ruleset", check=False)  # a guest has none
        if self.capture:
            self.capture.process.stop()
            self.capture = None
        self.a.stop(5)
        if self.a.kind == "Keyway":
            self.a.settings = {}
            self.use_dataplane()
            self.a.cleanup()
        if not self.b.is_running():
            self.b.start()
        if self.b.status():
            self.b.terminate_now()
            wait_for("the peer to have no IKE SA", lambda: not self.b.status(), 15)
        self.b.load({})
        self.fresh_logs()

    def end_servers(self, before):
        """Whatever a scenario started and did not end, but for the gateways: the next one may want its port."""
        for p in self.net.processes:
            if p.is_running() and p not in before and p not in (self.a.process, self.b.process):
                p.stop(seconds=2)

    def close(self):
        for g in (self.a, self.b):
            try:
                g.stop()
            except LabError:
                g.kill()
        self.net.close()
        shutil.rmtree(self.work, ignore_errors=True)


class Report:
    """Collects results, prints them as they come, counts them. facts: where a row stands in the table, by its name; a part
    of the rows makes no table."""

    def __init__(self, facts=None, has_table=False):
        self.facts, self.has_table = facts or {}, has_table
        self.results, self.started, self.lock = [], time.monotonic(), threading.Lock()
        self.is_tty = sys.stdout.isatty() and "NO_COLOR" not in os.environ

    def add(self, name, result, seconds, text=""):
        with self.lock:
            self.results.append({"name": name, "result": result, "seconds": round(seconds, 2), "text": text})
            self._print(name, result, seconds, text)

    def _print(self, name, result, seconds, text):
        color = {"ok": 32, "FAIL": 31}.get(result, 33)
        word = f"\033[{color}m{result:7}\033[0m" if self.is_tty else f"{result:7}"
        print(f"{word} {name:44} {seconds:5.1f} s  {text}", flush=True)

    def count(self, result):
        return sum(r["result"] == result for r in self.results)

    def failed(self):
        return [r for r in self.results if r["result"] == "FAIL"]

    def settle(self, second):
        """Takes the results of a second try of what failed."""
        for r in self.failed():
            now = [s for s in second.results if s["name"] == r["name"]]
            if now and all(s["result"] == "ok" for s in now):
                r.update(result="ok", first=r["text"], text=now[-1]["text"])

    def finish(self, path):
        counts = {"passed": self.count("ok"), "failed": self.count("FAIL"), "not_run": self.count("not run"),
                  "lacks": self.count("lacks"), "left_out": self.count("left out")}
        late = [r for r in self.results if "first" in r]
        for r in late:
            print(f"second try: {r['name']} passed; first: {r['first']}")
        for r in self.results:
            if r["name"] in self.facts:
                r["cell"] = self.facts[r["name"]]
        if self.has_table:
            table.show_results(self.results)
        print(f"lab: {counts['passed']} passed ({len(late)} of them at the second try), {counts['failed']} failed, "
              f"{counts['not_run']} not run, {counts['left_out']} left out, "
              f"{counts['lacks']} that the peer lacks; {time.monotonic() - self.started:.0f} s")
        if path:
            with open(path, "w") as f:
                json.dump({**counts, "results": self.results}, f, indent=1)
        return 1 if counts["failed"] or counts["not_run"] else 0


def must_end_well(lab):
    """The daemon ends when asked, with 0, and no sanitizer had anything to say."""
    if lab.a.kind != "Keyway":
        return
    status = lab.a.stop()
    trouble = lab.a.sanitizer_report()
    if trouble:
        raise LabError(f"sanitizer: {trouble.splitlines()[0]}")
    if status:
        raise LabError(f"keywayd ended with {status} when asked to stop")


def lacking(row, have):
    """What the row needs and the peer does not name among its algorithms."""
    return [f"{kind} {name}" for kind, name in row.needs if name not in have.get(kind, {})]


def run_one(lab, row, report, have):
    start = time.monotonic()
    missing = lacking(row, have)
    try:
        lab.fresh_logs()
        text = (run_mode if row.mode else run_row)(lab, row)
        must_end_well(lab)
        report.add(row.name, "ok", time.monotonic() - start, text)
    except EXPECTED as e:
        took = time.monotonic() - start
        if missing:
            report.add(row.name, "lacks", took, f"{', '.join(missing)}: {last_line(e)}")
            return
        where = lab.keep(row.name)
        report.add(row.name, "FAIL", took, f"{last_line(e) if str(e) else type(e).__name__} [{where}]")
        if not isinstance(e, LabError):
            traceback.print_exc()
        if not lab.b.is_running():
            lab.b.start()


def last_line(e):
    return " | ".join(line.strip() for line in str(e).splitlines()[-6:])


def workers(jobs, n, report, left):
    """Runs each (shape of network, item, function) of jobs in one of n labs that work side by side. A lab is made anew when
    the shape or the function is another one."""
    left_over = collections.deque(jobs)

    def work(tag):
        lab = made_for = None
        try:
            while left_over:
                try:
                    shape, item, function = left_over.popleft()
                except IndexError:
                    break
                if made_for != (shape, function):
                    if lab:
                        lab.close()
                    lab, made_for = Lab(left, shape=shape, tag=tag), (shape, function)
                    lab.b.start()
                function(lab, item, report)
        except Exception:
            report.add(f"lab.worker-{tag}", "FAIL", 0, traceback.format_exc().strip().replace("\n", " | ")[-600:])
        finally:
            if lab:
                lab.close()

    threads = [threading.Thread(target=work, args=(str(i),), daemon=True) for i in range(min(n, len(jobs)))]
    for t in threads:
        t.start()
    for t in threads:
        t.join()
    for _, item, _ in left_over:
        report.add(item.name, "not run", 0, "every lab had ended")


def run_row_of(lab, row, report):
    if lab.algorithms is None:
        lab.algorithms = lab.b.algorithms()
    run_one(lab, row, report, lab.algorithms)


def run_on_host(scenarios, rows, report, left, side_by_side=SIDE_BY_SIDE):
    """Shape by shape, and at the end the rows, which are short."""
    wanted = sorted((s for s in scenarios if left == "Keyway" or not s.needs_keyway), key=lambda s: s.shape)
    workers([*((s.shape, s, run_scenario) for s in wanted), *(("plain", row, run_row_of) for row in rows)], side_by_side,
            report, left)


def run_scenario(lab, scenario, report):
    start, before = time.monotonic(), ()
    try:
        lab.reset()
        before = list(lab.net.processes)
        text = scenario.run(lab)
        must_end_well(lab)
        report.add(scenario.name, "ok", time.monotonic() - start, text or "")
    except peers.NotToBeHad as e:
        report.add(scenario.name, "not run", time.monotonic() - start, last_line(e))
    except EXPECTED as e:
        where = lab.keep(scenario.name)
        report.add(scenario.name, "FAIL", time.monotonic() - start, f"{last_line(e)} [{where}]")
        if not isinstance(e, LabError):
            traceback.print_exc()
    finally:
        if lab.capture:
            lab.capture.process.stop()
        lab.end_servers(before)


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--list", action="store_true", help="print the rows and end")
    parser.add_argument("--only", action="append", help="rows whose name matches or holds this")
    parser.add_argument("--group", action="append", choices=GROUPS)
    parser.add_argument("--without", choices=("guest",), help="leave out what needs a kernel of its own, and do not mind")
    parser.add_argument("--both-strongswan", action="store_true", help="the lab's own proof: the peer at both ends")
    parser.add_argument("--again", type=int, default=0, metavar="N", help="a second try when at most N rows failed")
    parser.add_argument("--summary", help="write the results as JSON")
    parser.add_argument("--matrix", nargs="?", const=SUMMARY, metavar="FILE", help="print the table of a former run's summary, and end")
    parser.add_argument("--json", action="store_true", help="with --matrix: as JSON")
    args = parser.parse_args()
    if args.matrix:
        return table.show(args.matrix, args.json)
    left = "strongSwan" if args.both_strongswan else "Keyway"
    work = Work(args.group or GROUPS, args.only, left)
    if args.list:
        for row in work.all():
            print(row.name)
        return 0
    end_on_signals()
    report = Report(work.facts(), not args.only and left == "Keyway")
    if args.without:
        for row in work.leave_out():
            report.add(row.name, "left out", 0, f"--without {args.without}")
    peers.fetch_strongswan()
    if left == "Keyway" and not has_keyway():
        for row in work.all():
            report.add(row.name, "not run", 0, "keywayd is not built")
        return report.finish(args.summary)
    if not args.only:
        shutil.rmtree(LOGS, ignore_errors=True)
    print(f"lab: {left} against strongSwan {peers.strongswan_version()}")
    run_all(work, report, left, args.only)
    failed = {r["name"] for r in report.failed()}
    if 0 < len(failed) <= args.again:
        print(f"lab: once more: {', '.join(sorted(failed))}")
        for r in report.failed():
            keep_first(r["name"])
            r["text"] = r["text"].replace(f"/{r['name']}]", f"/{r['name']}.first]")
        second = Report()
        run_all(work.only(failed), second, left, sorted(failed))
        report.settle(second)
    return report.finish(args.summary)


class Work:
    """What this run is to do, by who runs it."""

    PARTS = ("scenarios", "kernel_rows", "cells", "stock_rows", "rows")

    def __init__(self, groups, patterns, left):
        made = {"scenarios": lambda: [s for s in load_all() if not (s.in_guest or s.kernel)],
                "kernel_rows": lambda: guests.rows(left), "cells": lambda: guests.cells(left),
                "stock_rows": lambda: guests.qemu_rows() if left == "Keyway" else [], "rows": lambda: matrix.ROWS}
        for part, group in zip(self.PARTS, ("scenarios", "uml", "cells", "qemu", "matrix")):
            setattr(self, part, guests.selected(made[part](), patterns) if group in groups else [])
        self.left = left

    def all(self):
        return [item for part in self.PARTS for item in getattr(self, part)]

    def only(self, names):
        out = copy.copy(self)
        for part in self.PARTS:
            setattr(out, part, [i for i in getattr(self, part) if i.name in names])
        return out

    def leave_out(self):
        """What needs a guest is no longer in here: returns it."""
        gone = [*self.kernel_rows, *self.cells, *self.stock_rows]
        self.kernel_rows, self.cells, self.stock_rows = [], [], []
        return gone

    def facts(self):
        """{name: where it stands in the table}"""
        return {i.name: f for i in self.all() if (f := cells.facts(i))} if self.left == "Keyway" else {}


def run_all(work, report, left, patterns):
    """A guest has a kernel of its own; scenarios mostly wait: these run side by side, and what measures runs after them."""
    running = [threading.Thread(target=f, daemon=True, args=args) for f, *args in (
        (guests.run_uml, work.kernel_rows, report, LOGS, left, patterns),
        (guests.run_cells, work.cells, report, LOGS, left, patterns),
        (guests.run_qemu, work.stock_rows, report, LOGS, patterns))]
    for guest in running:
        guest.start()
    together, alone = ([s for s in work.scenarios if s.is_alone == is_alone] for is_alone in (False, True))
    run_on_host(together, work.rows, report, left)
    for guest in running:
        guest.join()
    run_on_host(alone, [], report, left, 1)


def keep_first(name):
    """What a first try left stays beside what the second leaves."""
    old, new = os.path.join(LOGS, name), os.path.join(LOGS, name + ".first")
    shutil.rmtree(new, ignore_errors=True)
    if os.path.isdir(old):
        os.rename(old, new)


if __name__ == "__main__":
    sys.exit(main())
