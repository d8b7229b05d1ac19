#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
"""tcx.py - somebody else's tcx program: counts packets, lets them pass

usage: tcx.py DEVICE ingress|egress first|last [FILE]

Attaches the program as the first or the last one of that hook, writes the id
of its counter, a map, to FILE, and holds it there until it is killed. Without
FILE it only tries. Exit status 77: this kernel has no tcx.
"""
import ctypes
import errno
import os
import signal
import socket
import struct
import sys

# <linux/bpf.h>
BPF_SYSCALL = {"x86_64": 321, "aarch64": 280}
MAP_CREATE, PROG_LOAD, OBJ_GET_INFO_BY_FD, LINK_CREATE = 0, 5, 15, 28
ATTR_BYTES = 128
MAP_TYPE_ARRAY = 2
PROG_TYPE_SCHED_CLS = 3
ATTACH_TYPE = {"ingress": 46, "egress": 47}
PLACE = {"first": 1 << 3, "last": 1 << 4}
TCX_NEXT = -1
SKIPPED = 77

libc = ctypes.CDLL(None, use_errno=True)


def bpf(command, attr):
    """Returns the file descriptor. The kernel wants zeros behind the fields."""
    buffer = ctypes.create_string_buffer(attr, ATTR_BYTES)
    number = libc.syscall(BPF_SYSCALL[os.uname().machine], command, buffer,
                          ATTR_BYTES)
    if number < 0:
        code = ctypes.get_errno()
        raise OSError(code, os.strerror(code))
    return number


def instruction(code, dst=0, src=0, offset=0, value=0):
    return struct.pack("=BBhi", code, src << 4 | dst, offset, value)


def counting(counter):
    """The program: one more in counter, next program."""
    return b"".join((
        instruction(0x62, dst=10, offset=-4),           # *(u32 *)(r10 - 4) = 0
        instruction(0xbf, dst=2, src=10),               # r2 = r10
        instruction(0x07, dst=2, value=-4),             # r2 += -4
        instruction(0x18, dst=1, src=1, value=counter),     # r1 = map
        instruction(0),
        instruction(0x85, value=1),                     # map_lookup_elem
        instruction(0x15, dst=0, offset=2),             # if r0 == 0 skip two
        instruction(0xb7, dst=1, value=1),              # r1 = 1
        instruction(0xdb, dst=0, src=1),                # lock *(u64 *)r0 += r1
        instruction(0xb7, dst=0, value=TCX_NEXT),       # r0 = TCX_NEXT
        instruction(0x95)))                             # exit


def load(counter):
    code = ctypes.create_string_buffer(counting(counter))
    licence = ctypes.create_string_buffer(b"GPL")
    return bpf(PROG_LOAD, struct.pack(
        "=IIQQ", PROG_TYPE_SCHED_CLS, (len(code) - 1) // 8,
        ctypes.addressof(code), ctypes.addressof(licence)))


def id_of(number):
    info = ctypes.create_string_buffer(64)
    bpf(OBJ_GET_INFO_BY_FD, struct.pack("=IIQ", number, len(info),
                                        ctypes.addressof(info)))
    return struct.unpack_from("=I", info, 4)[0]


def main(device, hook, place, path=None):
    counter = bpf(MAP_CREATE, struct.pack("=IIII", MAP_TYPE_ARRAY, 4, 8, 1))
    program = load(counter)
    try:
        bpf(LINK_CREATE, struct.pack(
            "=IIII", program, socket.if_nametoindex(device),
            ATTACH_TYPE[hook], PLACE[place]))
    except OSError as error:
        sys.exit(SKIPPED if error.errno == errno.EINVAL else str(error))
    if path:
        with open(path, "w", encoding="ascii") as out:
            out.write("%d\n" % id_of(counter))
        signal.pause()


if __name__ == "__main__":
    main(*sys.argv[1:])
