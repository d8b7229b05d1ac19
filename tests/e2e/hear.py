#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
"""hear - a service manager that listens: prints what services notify it of

usage: hear.py SOCKET       until it is killed, a line for each message
"""
import socket
import sys


def main():
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as manager:
        manager.bind(sys.argv[1])
        while True:
            print(manager.recv(4096).decode(), flush=True)


if __name__ == "__main__":
    main()
