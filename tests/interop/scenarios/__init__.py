# SPDX-License-Identifier: Apache-2.0
"""What happens to a tunnel in its life, each as one function that raises when something is not so.

A scenario gets the lab with the peer running, nothing loaded and Keyway stopped. SCENARIOS holds them all, in the
order of the files and of their text.
"""
import importlib
import os
from dataclasses import dataclass

SCENARIOS = []
FILES = ("many", "proof", "rekey", "collisions", "hybrid", "life", "lifecycle", "nat", "certificates", "refusals",
         "personality", "mesh", "strokes", "howto", "howto_more", "howto_rest",
         "configuration", "keys", "barrier", "shunts", "filter", "workers", "link", "tcp", "vips", "crypto", "ppk", "recover",
         "roam", "dos", "childless", "redirect", "rounds", "raw_keys", "tokens", "alike", "lsw", "revocation",
         "groups", "hash_and_url", "vici_load", "vici_service", "vici_alike", "dns_keys")


@dataclass
class Scenario:
    name: str
    run: object
    shape: str = "plain"  # a topology
    needs_keyway: bool = False  # means nothing with the peer at both ends
    is_alone: bool = False  # measures: nothing else runs beside it
    in_guest: bool = False  # the peer needs a kernel with ESP: it runs beside the kernel rows
    kernel: str = ""  # the stock kernel in QEMU that it runs on: see qemu/image.py
    fetch: object = None  # with kernel: gets what it wants beside that, before the guest boots


def scenario(name, shape="plain", needs_keyway=False, is_alone=False, in_guest=False, kernels=(), fetch=None):
    """kernels: it runs on each of them, and its name there ends with the kernel's."""
    def register(function):
        for kernel in kernels:
            SCENARIOS.append(Scenario(f"{name}.{kernel}", function, shape, True, kernel=kernel, fetch=fetch))
        if not kernels:
            SCENARIOS.append(Scenario(name, function, shape, needs_keyway, is_alone, in_guest))
        return function
    return register


FILES += ("xfrm_tables",)
FILES += ("ldap_fetch", "stapling", "swanctl_same", "log", "personality_lsw", "xfrm")
FILES += ("per_cpu",)
FILES += ("updown", "stock_kernels", "offload", "plane_tcp", "reload_one", "kernel_plane", "kernel_roam", "kernel_killed", "interfaces")
FILES += ("iptfs",)
FILES += ("marks", "lsw_interfaces", "howto_lsw", "howto_swanctl")


def load_all():
    here = os.path.dirname(os.path.abspath(__file__))
    for name in FILES:
        if os.path.exists(f"{here}/{name}.py"):
            importlib.import_module(f"scenarios.{name}")
    return SCENARIOS
