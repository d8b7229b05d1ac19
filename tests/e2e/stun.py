#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
"""stun.py - servers that tell a client its public address, and the client

usage: stun.py serve ADDRESS:PORT...    answers each datagram with its source,
                                        but "tell TO:PORT TEXT" by telling TEXT
       stun.py ask PORT ADDRESS:PORT... from one socket at this local port:
                                        prints what each server saw
       stun.py listen PORT FILE         what comes to the port goes to FILE
       stun.py send ADDRESS:PORT TO:PORT TEXT   from there; fails when it is
                                        refused

IPv6 addresses stand in brackets.
"""
import selectors
import socket
import sys

# Nobody may take this long; a lost datagram is asked for again before.
PATIENCE_SECONDS = 5
AGAIN_SECONDS = 1
# <linux/in.h>, <linux/in6.h>; Python does not name them.
IP_RECVERR = 11
IPV6_RECVERR = 25


def split(text):
    host, port = text.rsplit(":", 1)
    return host.strip("[]"), int(port)


def join(address):
    host, port = address[:2]
    return ("[%s]:%d" if ":" in host else "%s:%d") % (host, port)


def open_socket(host, port):
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    sock = socket.socket(family, socket.SOCK_DGRAM)
    sock.bind((host, port))
    return sock


def serve(addresses):
    selector = selectors.DefaultSelector()
    for address in addresses:
        selector.register(open_socket(*split(address)), selectors.EVENT_READ)
    while True:
        for key, _ in selector.select():
            data, client = key.fileobj.recvfrom(2000)
            match data.decode().split():
                case ["tell", target, text]:
                    key.fileobj.sendto(text.encode(), split(target))
                case _:
                    key.fileobj.sendto(join(client).encode(), client)


def answer(sock, server):
    """What this server says. Answers of others are not for this question."""
    for _ in range(PATIENCE_SECONDS // AGAIN_SECONDS):
        sock.sendto(b"where am I", server)
        try:
            data, source = sock.recvfrom(2000)
            while source[:2] != server:
                data, source = sock.recvfrom(2000)
            return data.decode()
        except TimeoutError:
            continue
    return "silence"


def ask(port, servers):
    host = "::" if "[" in servers[0] else "0.0.0.0"
    with open_socket(host, port) as sock:
        sock.settimeout(AGAIN_SECONDS)
        for server in servers:
            print(answer(sock, split(server)))


def listen(port, path):
    with socket.socket(socket.AF_INET6, socket.SOCK_DGRAM) as sock:
        sock.bind(("::", port))
        while True:
            data, _ = sock.recvfrom(2000)
            with open(path, "ab") as out:
                out.write(data + b"\n")


def send(source, target, text):
    host, port = split(source)
    with open_socket(host, port) as sock:
        # Connected, the socket hears that it is refused.
        sock.settimeout(PATIENCE_SECONDS)
        sock.connect(split(target))
        sock.send(text.encode())
        sock.settimeout(AGAIN_SECONDS)
        try:
            sock.recv(2000)
        except TimeoutError:
            pass


def main(arguments):
    match arguments:
        case ["serve", *addresses]:
            serve(addresses)
        case ["ask", port, *servers]:
            ask(int(port), servers)
        case ["listen", port, path]:
            listen(int(port), path)
        case ["send", source, target, text]:
            send(source, target, text)
        case _:
            print(__doc__.strip(), file=sys.stderr)
            sys.exit(2)


if __name__ == "__main__":
    try:
        main(sys.argv[1:])
    except OSError as error:
        sys.exit(str(error))
