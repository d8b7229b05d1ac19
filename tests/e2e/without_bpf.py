#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
"""without_bpf.py - runs a command on a kernel that seems to have no bpf()

usage: without_bpf.py CMD...

A seccomp filter answers the bpf system call with ENOSYS, as a kernel without
CONFIG_BPF_SYSCALL does.
"""
import ctypes
import errno
import os
import struct
import sys

BPF_SYSCALL = {"x86_64": 321, "aarch64": 280}
PR_SET_NO_NEW_PRIVS = 38
PR_SET_SECCOMP = 22
SECCOMP_MODE_FILTER = 2
SECCOMP_RET_ALLOW = 0x7fff0000
SECCOMP_RET_ERRNO = 0x00050000
# Classic BPF: load the system call's number, jump if equal, return.
LOAD, JUMP_EQUAL, RETURN = 0x20, 0x15, 0x06


def instruction(code, if_true, if_false, value):
    return struct.pack("=HBBI", code, if_true, if_false, value)


def main():
    number = BPF_SYSCALL[os.uname().machine]
    program = ctypes.create_string_buffer(
        instruction(LOAD, 0, 0, 0)
        + instruction(JUMP_EQUAL, 0, 1, number)
        + instruction(RETURN, 0, 0, SECCOMP_RET_ERRNO | errno.ENOSYS)
        + instruction(RETURN, 0, 0, SECCOMP_RET_ALLOW))
    header = struct.pack("@HP", 4, ctypes.addressof(program))
    libc = ctypes.CDLL(None, use_errno=True)
    if (libc.prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0)
            or libc.prctl(PR_SET_SECCOMP, SECCOMP_MODE_FILTER, header)):
        sys.exit("seccomp: %s" % os.strerror(ctypes.get_errno()))
    os.execvp(sys.argv[1], sys.argv[1:])


if __name__ == "__main__":
    main()
