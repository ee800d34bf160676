#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""strongSwan's own C library for vici, as Debian has it, called on a daemon: libvici.py LIBRARY URI. Prints what it heard, as JSON.

The binding that Debian has: there is no package with vici's Perl, Python or Ruby modules, nor libvici's header (apt-cache search
vici); libvici.so.0 is in strongswan-swanctl, and its functions are called by name."""
import ctypes
import json
import sys

EVENT = ctypes.CFUNCTYPE(None, ctypes.c_void_p, ctypes.c_char_p, ctypes.c_void_p)


class LibVici:
    def __init__(self, path, uri):
        self.lib = lib = ctypes.CDLL(path)
        for name in ("vici_connect", "vici_begin", "vici_submit"):
            getattr(lib, name).restype = ctypes.c_void_p
        lib.vici_find_str.restype = ctypes.c_char_p
        lib.vici_connect.argtypes = lib.vici_begin.argtypes = [ctypes.c_char_p]
        lib.vici_submit.argtypes = [ctypes.c_void_p] * 2
        lib.vici_register.argtypes = [ctypes.c_void_p, ctypes.c_char_p, EVENT, ctypes.c_void_p]
        lib.vici_add_key_value.argtypes = [ctypes.c_void_p, ctypes.c_char_p, ctypes.c_char_p, ctypes.c_int]
        for name in ("vici_begin_section", "vici_begin_list"):
            getattr(lib, name).argtypes = [ctypes.c_void_p, ctypes.c_char_p]
        lib.vici_add_list_item.argtypes = [ctypes.c_void_p, ctypes.c_char_p, ctypes.c_int]
        for name in ("vici_end_section", "vici_end_list", "vici_free_res", "vici_disconnect"):
            getattr(lib, name).argtypes = [ctypes.c_void_p]
        lib.vici_init()
        self.conn, self.heard, self.kept = lib.vici_connect(uri.encode()), [], []
        if not self.conn:
            sys.exit(f"libvici cannot connect to {uri}")

    def find(self, message, path):
        text = self.lib.vici_find_str(ctypes.c_void_p(message), None, path.encode())
        return text and text.decode()

    def listen(self, event, *paths):
        def on_event(_user, name, message):
            self.heard.append([name.decode(), {p: self.find(message, p) for p in paths}])
        callback = EVENT(on_event)
        self.kept.append(callback)
        if self.lib.vici_register(self.conn, event.encode(), callback, None):
            self.heard.append([event, "refused"])

    def _add(self, request, tree):
        for key, value in tree.items():
            key = key.encode()
            if isinstance(value, dict):
                self.lib.vici_begin_section(request, key)
                self._add(request, value)
                self.lib.vici_end_section(request)
            elif isinstance(value, list):
                self.lib.vici_begin_list(request, key)
                for item in value:
                    self.lib.vici_add_list_item(request, item.encode(), len(item))
                self.lib.vici_end_list(request)
            else:
                self.lib.vici_add_key_value(request, key, value.encode(), len(value))

    def call(self, command, paths, tree=None):
        """The values at these paths of the answer, or None: the daemon does not know the command."""
        request = ctypes.c_void_p(self.lib.vici_begin(command.encode()))
        self._add(request, tree or {})
        answer = self.lib.vici_submit(request, self.conn)
        if not answer:
            return None
        found = {p: self.find(answer, p) for p in paths}
        self.lib.vici_free_res(answer)
        return found


def main():
    v = LibVici(*sys.argv[1:3])
    v.listen("control-log", "group", "msg")
    v.listen("child-updown", "up", "net.state", "net.child-sas.net-1.state")
    v.listen("list-sa", "net.state", "net.remote-host", "net.child-sas.net-1.name")
    v.listen("no-such-event")
    ok = ("success", "errmsg")
    out = {
        "version": v.call("version", ("daemon", "sysname")),
        "unknown": v.call("no-such-command", ()),
        "loaded": v.call("load-conn", ok, {"more": {"remote_addrs": ["192.0.2.1"], "local": {"auth": "psk"}, "remote": {"auth": "psk"},
                                                    "children": {"x": {"remote_ts": ["10.7.0.0/24"]}}}}),
        "up": v.call("initiate", ok, {"child": "net"}),
        "none": v.call("initiate", ok, {"child": "none"}),
        "sas": v.call("list-sas", ()),
        "counters": v.call("get-counters", ("success", "counters.net.ike-init-out-req"), {"name": "net"}),
        "down": v.call("terminate", ("success", "matches"), {"ike": "net"}),
    }
    out["events"] = v.heard
    v.lib.vici_disconnect(v.conn)
    v.lib.vici_deinit()
    print(json.dumps(out))


main()
