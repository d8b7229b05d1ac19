#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
# attacks - what a container or a client must not get by clever frames
#
#	internet 203.0.113.1 ---- host 203.0.113.2 --+-- a 172.20.0.11
#	                                             +-- b 172.20.0.12
#
# a is denied b and the host. It has raw sockets, as any root in a container.
. "$(dirname "$0")/lib.sh"

listen_udp() { # NAMESPACE PORT FILE: prints what it gets
	start_to "$3" "$1" python3 -u -c "
import socket
s = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
s.bind(('0.0.0.0', $2))
while True:
    print(s.recvfrom(2000)[0].decode(), flush=True)"
	must await listening "$1" "$2" --udp
}

world
must bn -q network add apps subnet 172.20.0.0/24
container a apps 172.20.0.11
container b apps 172.20.0.12
must bn -q policy add name a-b from a to b deny
must bn -q policy add name a-host from a to host deny
listen_udp b 5353 "$TMP/b"
listen_udp host 5354 "$TMP/host"

send_groups() {
	at a python3 -c "
import socket
s = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
s.setsockopt(socket.SOL_SOCKET, socket.SO_BROADCAST, 1)
s.setsockopt(socket.IPPROTO_IP, socket.IP_MULTICAST_IF,
             socket.inet_aton('172.20.0.11'))
for to in '255.255.255.255', '172.20.0.255', '224.0.0.1':
    for port in 5353, 5354:
        s.sendto(to.encode(), (to, port))"
}
# Something that b does get comes after: then the others are not under way.
heard_nothing_but() { # FILE NAMESPACE PORT
	at host python3 -c "
import socket
s = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
s.sendto(b'end', ('$2', $3))"
	await grep -q end "$1" && [ "$(cat "$1")" = end ]
}
ok "broadcast and multicast are sent" send_groups
ok "b, whom a may not reach, hears none of it" \
	heard_nothing_but "$TMP/b" 172.20.0.12 5353
ok "nor does the host" heard_nothing_but "$TMP/host" 127.0.0.1 5354
must bn -q policy del a-b
must bn -q policy del a-host
ok "allowed again, they are sent" send_groups
ok "and b hears them" await grep -q 255.255.255.255 "$TMP/b"
ok "the host, too" await grep -q 224.0.0.1 "$TMP/host"

# Half-open connections must not look like established ones, nor last as long.
serve b tcp 9000
must bn -q port publish 9000/tcp b:9000
must inet ip route add blackhole 100.64.0.0/10
ok "50 SYNs come from addresses that never answer" inet python3 -c "
import socket, struct
def sum16(b):
    t = sum(struct.unpack('!%dH' % (len(b) // 2), b))
    t = (t >> 16) + (t & 0xffff)
    return ~(t + (t >> 16)) & 0xffff
s = socket.socket(socket.AF_INET, socket.SOCK_RAW, socket.IPPROTO_RAW)
dst = socket.inet_aton('$HOST')
for i in range(50):
    src = socket.inet_aton('100.64.7.%d' % (i + 1))
    tcp = lambda c: struct.pack('!HHIIBBHHH', 1234 + i, 9000, 1, 0, 0x50, 2,
                                1000, c, 0)
    check = sum16(src + dst + struct.pack('!BBH', 0, 6, 20) + tcp(0))
    ip = struct.pack('!BBHHHBBH4s4s', 0x45, 0, 40, 1, 0, 64, 6, 0, src, dst)
    s.sendto(ip + tcp(check), ('$HOST', 0))"
half_open() {
	[ "$(bn -j flow list | json "sum(1 for f in d['flows'] if
		f['client'].startswith('100.64.') and
		f['state'] == 'syn-recv')")" = 50 ]
}
ok "they are half-open flows" await half_open

# The host's own socket keeps its port, whatever a container sends from it.
listen_udp host 4500 "$TMP/ike"
send_4500() { # NAMESPACE TO TEXT
	at "$1" python3 -c "
import socket
s = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
s.bind(('', 4500))
s.sendto(b'$3', ('$2', 4500))"
}
ok "a container sends from a port of the host's" send_4500 a "$INET" x
ok "its answerer then writes to the host" send_4500 inet "$HOST" after
ok "the host's socket gets it" await grep -q after "$TMP/ike"

finish
