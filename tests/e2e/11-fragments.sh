#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
# 11-fragments - packets longer than the wire, in all directions
#
#   inet                 host                      bn-apps 172.20.0.1/24
#   eth0 203.0.113.1 --- up0 203.0.113.2 --------- app1 172.20.0.11
#   echo :7000           9000/udp -> app1:7000     app2 172.20.0.12
#
. "$(dirname "$0")/lib.sh"

# Whatever it says, it is only the end of a packet. orphan NAMESPACE ADDRESS
orphan() {
	at "$1" python3 -c '
import socket, struct, sys
header = struct.pack("!BBHHHBBH4s4s", 0x45, 0, 60, 7, 100, 64, 17, 0,
                     bytes(4), socket.inet_aton(sys.argv[1]))
with socket.socket(socket.AF_INET, socket.SOCK_RAW, socket.IPPROTO_RAW) as s:
    s.sendto(header + bytes(40), (sys.argv[1], 0))' "$2"
}

long_ping() {
	at "$1" ping -n -c 3 -i 0.02 -W 1 -s 4000 "$2"
}

# Of both at the same time; their packets get numbers of the same kind.
at_once() {
	local one two

	for _ in 1 2 3 4 5; do
		ask app1 echo "$INET" 7000 8000 &
		one=$!
		ask app2 echo "$INET" 7000 8000 &
		two=$!
		wait "$one" && wait "$two" || return 1
	done
}

unknown() {
	drops fragment-unknown
}

orphan_is_dropped() {
	local before

	before=$(unknown)
	orphan "$@" || return 1
	await fails test "$(unknown)" = "$before"
}

captured() {
	tcpdump -nr "$TMP/uplink.pcap" "$@" 2>/dev/null
}

world
must bn -q network add apps subnet 172.20.0.0/24
container app1 apps 172.20.0.11
container app2 apps 172.20.0.12
serve inet echo 7000
serve host echo 7000
serve app1 echo 7000
serve app2 echo 7000
must bn -q port publish 9000/udp app1:7000
start inet tcpdump -n -U --immediate-mode -Z root -i eth0 \
	-w "$TMP/uplink.pcap" ip
tcpdump_pid=${STARTED[-1]}
must await grep -q 'listening on' "$TMP/started.log"

for size in 1472 1473 8000 60000; do
	ok "$size bytes of UDP go out by masquerade, and come back" \
		ask app1 echo "$INET" 7000 "$size"
	ok "$size bytes come in by a published port, and go back" \
		ask inet echo "$HOST" 9000 "$size"
done
ok "8000 bytes go from container to container" \
	ask app1 echo 172.20.0.12 7000 8000
ok "to the host" ask app1 echo 172.20.0.1 7000 8000
ok "from the host" ask host echo 172.20.0.11 7000 8000
ok "from the host by the published port of 127.0.0.1" \
	host_app python3 "$SERVE" ask-echo 127.0.0.1 9000 8000
ok "from the neighbour by the published port" \
	ask app2 echo "$HOST" 9000 8000
ok "to oneself by the published port" ask app1 echo "$HOST" 9000 8000
ok "out of two containers at once" at_once
ok "ping of 4000 bytes: to another container" long_ping app1 172.20.0.12
ok "to the internet" long_ping app1 "$INET"
ok "to the host" long_ping app1 172.20.0.1
ok "from the host" long_ping host 172.20.0.11
ok "the host's own, past all that" long_ping host "$INET"
ok "no fragment was dropped" [ "$(unknown)" = 0 ]

ok "the end of a packet that nobody saw begin is dropped, and counted" \
	orphan_is_dropped app1 172.20.0.12
ok "also on its way out" orphan_is_dropped app1 "$INET"

kill "$tcpdump_pid"
await fails kill -0 "$tcpdump_pid"
ok "the capture saw fragments" \
	says "$HOST > $INET" captured 'ip[6:2] & 0x1fff > 0'
ok "nothing ever left with a private source address" \
	fails grep -q . <(captured src net 172.16.0.0/12)

finish
