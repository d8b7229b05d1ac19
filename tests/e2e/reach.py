#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
"""reach.py - asks everything in a table of who reaches which published port

usage: reach.py serve FOLDER PORT...    answers TCP and UDP of both IP versions
                                        with the client's address; what a port
                                        was asked goes to FOLDER/PORT
       reach.py ask TABLE PLACES CLIENT KIND...  asks as one client, all at
                                        once: prints the answers
       reach.py compare TABLE PLACES ANSWERS HEARD CLIENT KIND  prints what is
                                        not as the table says; fails if anything
       reach.py sockets KIND ADDRESS PORT SERVER   every sort of socket asks
                                        ADDRESS: prints whom it says it talks to
       reach.py once KIND ADDRESS PORT TEXT [SOURCE]   one question
       reach.py forge KIND DEVICE MAC SOURCE ADDRESS PORT   sends a SYN or a
                                        datagram in a frame to MAC, whatever
                                        this machine's routes say

KIND is tcp4, udp4, tcp6 or udp6. A line of TABLE is a client, the place that it
asks, and for each published port whom the server sees: `own` or `gate`, the
client's or the gateway's address, or `-` where nothing is reached. PLACES names
the columns' ports (`port NAME PORT4 PORT6`) and the addresses (`at NAME IPV4
IPV6`).
"""
import concurrent.futures
import errno
import os
import socket
import socketserver
import struct
import sys
import threading

# Nobody may take this long: it bounds the silence of those not reached.
PATIENCE_SECONDS = float(os.environ.get("PATIENCE_SECONDS", "3"))
# <linux/in.h>, <linux/in6.h>; Python does not name them.
IP_RECVERR = 11
IPV6_RECVERR = 25
NOTHING = "-"
FORGED_PORT = 1111  # source of what is forged


# ----------------------------------------------------------------- the server

class Heard:
    """The list of questions, a line each."""

    def __init__(self, path):
        self.path = path
        self.lock = threading.Lock()

    def add(self, text):
        with self.lock, open(self.path, "a", encoding="ascii") as out:
            out.write(text + "\n")


def plain(address):
    """An IPv4 address as such, without its mapping into IPv6."""
    return address.removeprefix("::ffff:")


class OverTcp(socketserver.StreamRequestHandler):
    def handle(self):
        self.server.heard.add(self.rfile.readline().decode().strip())
        self.wfile.write(plain(self.client_address[0]).encode())


class OverUdp(socketserver.BaseRequestHandler):
    def handle(self):
        data, sock = self.request
        self.server.heard.add(data.decode().strip())
        sock.sendto(plain(self.client_address[0]).encode(),
                    self.client_address)


class TcpServer(socketserver.ThreadingTCPServer):
    address_family = socket.AF_INET6
    allow_reuse_address = True
    daemon_threads = True
    request_queue_size = 128


class UdpServer(socketserver.UDPServer):
    address_family = socket.AF_INET6
    allow_reuse_address = True


def serve(folder, ports):
    threads = []
    for port in ports:
        heard = Heard("%s/%d" % (folder, port))
        for server, handler in (TcpServer, OverTcp), (UdpServer, OverUdp):
            listener = server(("::", port), handler)
            listener.heard = heard
            threads.append(threading.Thread(target=listener.serve_forever))
    for thread in threads:
        thread.start()


# ---------------------------------------------------------------- the clients

def open_socket(stream, family):
    sock = socket.socket(family, socket.SOCK_STREAM if stream
                         else socket.SOCK_DGRAM)
    sock.settimeout(PATIENCE_SECONDS)
    # A socket that is not connected hears of closed ports by this only.
    if family == socket.AF_INET:
        sock.setsockopt(socket.IPPROTO_IP, IP_RECVERR, 1)
    else:
        sock.setsockopt(socket.IPPROTO_IPV6, IPV6_RECVERR, 1)
    return sock


def question(stream, host, port, text, source=""):
    """What the server says, or why not. The answer's source address is compared
    with what was asked: the application knows no other."""
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    with open_socket(stream, family) as sock:
        sock.bind((source, 0))
        try:
            if stream:
                sock.connect((host, port))
                peer = sock.getpeername()
                sock.sendall(text + b"\n")
                data = sock.recv(200)
            else:
                sock.sendto(text, (host, port))
                data, peer = sock.recvfrom(200)
        except OSError as error:
            return "-" + errno.errorcode.get(error.errno, "silence")
        if peer[:2] != (host, port):
            return "%s as %s:%d" % (data.decode(), *peer[:2])
        return data.decode()


class Table:
    def __init__(self, table, places):
        self.ports = {}
        self.at = {}
        with open(places, encoding="ascii") as lines:
            for what, name, four, six in map(str.split, lines):
                {"port": self.ports, "at": self.at}[what][name] = (four, six)
        with open(table, encoding="ascii") as lines:
            head, *rows = map(str.split, lines)
        self.columns = head[2:]
        self.rows = rows

    def cells(self, client):
        """(place, column, expected) of one client."""
        for who, place, *cells in self.rows:
            if who == client:
                yield from ((place, column, cell) for column, cell
                            in zip(self.columns, cells, strict=True))

    def pick(self, names, kind):
        return {name: pair[kind[3] == "6"] for name, pair in names.items()}

    def seen(self, client, kind, address):
        """The word of the table for what the server has seen."""
        at = self.pick(self.at, kind)
        # The host's own connections have the gateway's address by rights.
        return {at[client]: "own", at["gate"]: "gate"}.get(address, address)


def ask(table, client, kinds):
    def ask_cell(kind, place, column):
        at, ports = table.pick(table.at, kind), table.pick(table.ports, kind)
        name = "%s %s %s %s" % (client, kind, place, column)
        return name, question(kind.startswith("tcp"), at[place],
                              int(ports[column]), name.encode())

    with concurrent.futures.ThreadPoolExecutor(32) as pool:
        jobs = [pool.submit(ask_cell, kind, place, column) for kind in kinds
                for place, column, _ in table.cells(client)]
        for job in jobs:
            print("%s = %s" % job.result())


def compare(table, answers, heard, client, kind):
    with open(answers, encoding="ascii") as lines:
        got = dict(line.strip().split(" = ", 1) for line in lines)
    with open(heard, encoding="ascii") as lines:
        reached = set(map(str.strip, lines))
    count = wrong = 0
    for place, column, want in table.cells(client):
        name = "%s %s %s %s" % (client, kind, place, column)
        answer = got[name]
        if answer.startswith("-"):
            word = "heard, and not answered" if name in reached else NOTHING
        else:
            word = table.seen(client, kind, answer)
        count += 1
        if word != want:
            wrong += 1
            print("%s: %s instead of %s (%s)" % (name, word, want, answer))
    print("%d cells, %d not as they should be" % (count, wrong))
    return wrong or not count


def once(kind, host, port, text, source=""):
    answer = question(kind.startswith("tcp"), host, port, text.encode(), source)
    print(answer)
    return answer.startswith("-")


# ------------------------------------------------------------- forged packets

def checksum(data):
    data += b"\0" * (len(data) % 2)
    total = sum(struct.unpack("!%dH" % (len(data) // 2), data))
    while total >> 16:
        total = (total >> 16) + (total & 0xffff)
    return ~total & 0xffff


def forge(kind, device, mac, source, host, port):
    family = socket.AF_INET6 if kind.endswith("6") else socket.AF_INET
    src, dst = (socket.inet_pton(family, ip) for ip in (source, host))
    if kind.startswith("tcp"):
        proto, at = socket.IPPROTO_TCP, 16
        body = struct.pack("!HHIIBBHHH", FORGED_PORT, port, 1, 0, 0x50, 2,
                           1000, 0, 0)
    else:
        proto, at = socket.IPPROTO_UDP, 6
        text = ("forged %s %s %d" % (kind, host, port)).encode()
        body = struct.pack("!4H", FORGED_PORT, port, 8 + len(text), 0) + text
    pseudo = src + dst + struct.pack("!II", len(body), proto)
    body = (body[:at] + struct.pack("!H", checksum(pseudo + body))
            + body[at + 2:])
    if family == socket.AF_INET:
        head = struct.pack("!BBHHHBBH", 0x45, 0, 20 + len(body), 1, 0, 64,
                           proto, 0) + src + dst
        head = head[:10] + struct.pack("!H", checksum(head)) + head[12:]
    else:
        head = struct.pack("!IHBB", 6 << 28, len(body), proto, 64) + src + dst
    ethertype = 0x800 if family == socket.AF_INET else 0x86dd
    with socket.socket(socket.AF_PACKET, socket.SOCK_RAW) as sock:
        sock.bind((device, 0))
        sock.send(bytes.fromhex(mac.replace(":", "")) + sock.getsockname()[4]
                  + struct.pack("!H", ethertype) + head + body)


# ----------------------------------------------- what the application is told

def over_tcp(sock, peer):
    sock.connect(peer)
    told = [sock.getpeername()]
    sock.sendall(b"sockets\n")
    return told, sock.recv(200)


def over_connected(sock, peer):
    sock.connect(peer)
    sock.send(b"sockets")
    data, source = sock.recvfrom(200)
    return [sock.getpeername(), source], data


def over_unconnected(sock, peer):
    sock.sendto(b"sockets", peer)
    data, source = sock.recvfrom(200)
    return [source], data


def over_both(sock, peer):
    """An address given although the socket is connected."""
    sock.connect(peer)
    sock.sendto(b"sockets", peer)
    data, source = sock.recvfrom(200)
    return [sock.getpeername(), source], data


def sockets(kind, host, port, server):
    family = {"4": socket.AF_INET}.get(kind, socket.AF_INET6)
    if kind == "mapped":
        host = "::ffff:" + host
    ways = [(True, over_tcp), (False, over_connected),
            (False, over_unconnected), (False, over_both)]
    wrong = 0
    for stream, way in ways:
        with open_socket(stream, family) as sock:
            told, data = way(sock, (host, port))
        good = (data.decode() == server
                and all(peer[:2] == (host, port) for peer in told))
        print("%-4s %s: server saw %s, client was told %s" % (
            "ok" if good else "BAD", way.__name__, data.decode(), told))
        wrong += not good
    return wrong


def main(arguments):
    match arguments:
        case ["serve", folder, *ports]:
            serve(folder, list(map(int, ports)))
            return 0
        case ["ask", table, places, client, *kinds]:
            ask(Table(table, places), client, kinds)
            return 0
        case ["compare", table, places, answers, heard, client, kind]:
            return compare(Table(table, places), answers, heard, client, kind)
        case ["sockets", kind, host, port, server]:
            return sockets(kind, host, int(port), server)
        case ["once", kind, host, port, text, *source]:
            return once(kind, host, int(port), text, *source)
        case ["forge", kind, device, mac, source, host, port]:
            forge(kind, device, mac, source, host, int(port))
            return 0
    print(__doc__.strip(), file=sys.stderr)
    return 2


if __name__ == "__main__":
    try:
        sys.exit(main(sys.argv[1:]))
    except OSError as error:
        sys.exit(str(error))
