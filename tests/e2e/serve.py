#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
"""serve.py - small servers that tell each client who it is, and their clients

usage: serve.py http PORT NAME          GET /anything: "NAME ADDRESS PORT";
                                        GET /bytes/N: N bytes, slowly;
                                        GET /count/PATH: numbers, a line each,
                                        while there is a file /PATH, then "end"
       serve.py tcp|udp PORT NAME       answers "NAME ADDRESS PORT"; tcp then
                                        echoes lines until the client closes
       serve.py dns PORT ADDRESS...     A and AAAA records for every name
       serve.py echo PORT NAME          UDP: sends back what comes, up to 64 kB
       serve.py ask-tcp|ask-udp HOST PORT [LOCALPORT]   prints the answer
       serve.py ask-echo HOST PORT SIZE     sends a datagram of so many bytes;
                                        fails unless it comes back, the same
       serve.py beat HOST PORT FILE     one connection to a tcp server: a line
                                        every 10 ms, and back; the number of
                                        echoes goes to FILE until killed
       serve.py hold HOST PORT FILE     one connection to a tcp server: a line,
                                        and back, whenever FILE is not there;
                                        then FILE is made

Servers listen on every address, of both IP versions.
"""
import http.server
import os
import socket
import socketserver
import struct
import sys
import time

ANSWER_SECONDS = float(os.environ.get("ANSWER_SECONDS", "2"))
CHUNK = 20000
CHUNK_PAUSE = 0.02
CHUNK_LINES = 2500
BEAT_PAUSE = 0.01
# <linux/in.h>, <linux/in6.h>; Python 3.11 does not name them.
IP_MTU_DISCOVER = 10
IPV6_MTU_DISCOVER = 23
PMTUDISC_DONT = 0


def plain(address):
    """A socket of both versions sees IPv4 addresses mapped into IPv6."""
    return address.removeprefix("::ffff:")


def greeting(name, address):
    return ("%s %s %d\n" % (name, plain(address[0]), address[1])).encode()


class Http(http.server.BaseHTTPRequestHandler):
    name = ""

    def do_GET(self):
        self.send_response(200)
        if self.path.startswith("/bytes/"):
            self.slow(int(self.path.split("/")[2]))
            return
        if self.path.startswith("/count/"):
            self.count(self.path.removeprefix("/count"))
            return
        body = greeting(self.name, self.client_address)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def slow(self, count):
        self.send_header("Content-Length", str(count))
        self.end_headers()
        while count > 0:
            part = min(count, CHUNK)
            self.wfile.write(b"x" * part)
            count -= part
            time.sleep(CHUNK_PAUSE)

    def count(self, path):
        self.end_headers()
        first = 0
        while os.path.exists(path):
            numbers = range(first, first + CHUNK_LINES)
            self.wfile.write(b"".join(b"%d\n" % n for n in numbers))
            first += CHUNK_LINES
            time.sleep(CHUNK_PAUSE)
        self.wfile.write(b"end\n")

    def log_message(self, *_):
        pass


class Tcp(socketserver.StreamRequestHandler):
    name = ""

    def handle(self):
        self.wfile.write(greeting(self.name, self.client_address))
        for line in self.rfile:
            self.wfile.write(line)


class Udp(socketserver.BaseRequestHandler):
    name = ""

    def handle(self):
        _, sock = self.request
        sock.sendto(greeting(self.name, self.client_address),
                    self.client_address)


class Echo(socketserver.BaseRequestHandler):
    name = ""

    def handle(self):
        data, sock = self.request
        sock.sendto(data, self.client_address)


class Dns(socketserver.BaseRequestHandler):
    name = ""   # the addresses that every name has

    def answer(self, kind):
        """The address for a question of that kind, as (kind, bytes)."""
        for address in self.name.split():
            family, number = ((socket.AF_INET6, 28) if ":" in address
                              else (socket.AF_INET, 1))
            if number == kind:
                return socket.inet_pton(family, address)
        return b""

    def handle(self):
        query, sock = self.request
        # Header, then the question: labels up to a zero, type and class.
        end = query.index(0, 12) + 5
        kind = struct.unpack("!H", query[end - 4:end - 2])[0]
        data = self.answer(kind)
        reply = query[:2] + struct.pack("!5H", 0x8180, 1, bool(data), 0, 0)
        reply += query[12:end]
        if data:
            # The name is a pointer to the question's.
            reply += struct.pack("!HHHIH", 0xc00c, kind, 1, 60, len(data))
            reply += data
        sock.sendto(reply, self.client_address)


class TcpServer(socketserver.ThreadingTCPServer):
    address_family = socket.AF_INET6
    allow_reuse_address = True
    daemon_threads = True
    request_queue_size = 64


def let_fragment(sock):
    """Datagrams are fragmented where they are too long, and never refused."""
    sock.setsockopt(socket.IPPROTO_IP, IP_MTU_DISCOVER, PMTUDISC_DONT)
    if sock.family == socket.AF_INET6:
        sock.setsockopt(socket.IPPROTO_IPV6, IPV6_MTU_DISCOVER, PMTUDISC_DONT)


class UdpServer(socketserver.UDPServer):
    address_family = socket.AF_INET6
    allow_reuse_address = True
    max_packet_size = 65535

    def server_bind(self):
        let_fragment(self.socket)
        super().server_bind()


SERVERS = {"http": (TcpServer, Http), "tcp": (TcpServer, Tcp),
           "udp": (UdpServer, Udp), "dns": (UdpServer, Dns),
           "echo": (UdpServer, Echo)}


def family_of(host):
    return socket.AF_INET6 if ":" in host else socket.AF_INET


def ask(kind, host, port, local_port=0):
    stream = kind == "ask-tcp"
    with socket.socket(family_of(host), socket.SOCK_STREAM if stream
                       else socket.SOCK_DGRAM) as sock:
        sock.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        sock.settimeout(ANSWER_SECONDS)
        sock.bind(("", local_port))
        if stream:
            sock.connect((host, port))
        else:
            sock.sendto(b"who am I\n", (host, port))
        data, peer = sock.recvfrom(2000)
        text = data.decode().rstrip("\n")
        # Unconnected, so the answer's source address is the kernel's word.
        print(text if stream else "%s from %s:%d" % (text, *peer[:2]))


def ask_echo(host, port, size):
    with socket.socket(family_of(host), socket.SOCK_DGRAM) as sock:
        let_fragment(sock)
        sock.settimeout(ANSWER_SECONDS)
        # Connected, so that ICMP errors are reported: ConnectionRefusedError.
        sock.connect((host, port))
        data = os.urandom(size)
        sock.send(data)
        if sock.recv(65535) != data:
            sys.exit("something else came back")
        print("%d bytes came back" % size)


def beat(host, port, path):
    with socket.create_connection((host, port), ANSWER_SECONDS) as sock:
        sock.settimeout(None)
        stream = sock.makefile("rwb", buffering=0)
        stream.readline()
        count = 0
        while True:
            stream.write(b"%d\n" % count)
            if stream.readline() != b"%d\n" % count:
                sys.exit("echo %d is missing" % count)
            count += 1
            with open(path, "w", encoding="ascii") as out:
                out.write("%d\n" % count)
            time.sleep(BEAT_PAUSE)


def hold(host, port, path):
    with socket.create_connection((host, port), ANSWER_SECONDS) as sock:
        sock.settimeout(None)
        stream = sock.makefile("rwb", buffering=0)
        stream.readline()
        while True:
            stream.write(b"still there?\n")
            if stream.readline() != b"still there?\n":
                sys.exit("no answer")
            with open(path, "w", encoding="ascii"):
                pass
            while os.path.exists(path):
                time.sleep(BEAT_PAUSE)


def main(arguments):
    if len(arguments) >= 3 and arguments[0] in SERVERS:
        server, handler = SERVERS[arguments[0]]
        handler.name = " ".join(arguments[2:])
        server(("", int(arguments[1])), handler).serve_forever()
    elif len(arguments) == 4 and arguments[0] == "ask-echo":
        ask_echo(arguments[1], *map(int, arguments[2:]))
    elif len(arguments) >= 3 and arguments[0].startswith("ask-"):
        ask(arguments[0], arguments[1], *map(int, arguments[2:]))
    elif len(arguments) == 4 and arguments[0] == "beat":
        beat(arguments[1], int(arguments[2]), arguments[3])
    elif len(arguments) == 4 and arguments[0] == "hold":
        hold(arguments[1], int(arguments[2]), arguments[3])
    else:
        print(__doc__.strip(), file=sys.stderr)
        sys.exit(2)


if __name__ == "__main__":
    try:
        main(sys.argv[1:])
    except OSError as error:
        sys.exit(str(error))
