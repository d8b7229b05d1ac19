#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
# 11-fragments - packets longer than the wire, in all directions
#
#   inet                   host                    bn-apps 172.20.0.1/24
#   eth0 203.0.113.1   --- up0 203.0.113.2             fd00:20::1/64
#        2001:db8:1::1         2001:db8:1::2    app1 172.20.0.11 fd00:20::11
#   echo :7000             9000/udp ->          app2 172.20.0.12 fd00:20::12
#                          app1:7000
#
. "$(dirname "$0")/lib.sh"

families dual

# Whatever it says, it is only the end of a packet. orphan NAMESPACE ADDRESS
orphan() {
	at "$1" python3 -c '
import socket, struct, sys
to, data = sys.argv[1], bytes(40)
if ":" in to:
    family, protocol = socket.AF_INET6, 44
    data = struct.pack("!BBHI", 17, 0, 100 << 3, 7) + data
else:
    family, protocol = socket.AF_INET, socket.IPPROTO_RAW
    data = struct.pack("!BBHHHBBH4s4s", 0x45, 0, 60, 7, 100, 64, 17, 0,
                       bytes(4), socket.inet_aton(to)) + data
with socket.socket(family, socket.SOCK_RAW, protocol) as s:
    s.sendto(data, (to, 0))' "$2"
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

# Later ones, of packets that went out.
fragments_out() {
	case $VERSION in
	4) captured up0 "ip[6:2] & 0x1fff > 0" ;;
	6) captured up0 "ip6[6] == 44" ;;
	esac
}

CAPTURE_ALSO="ip[6:2] & 0x1fff > 0 or ip6[6] == 44"
world
network apps 172.20.0.0/24 fd00:20::/64
container app1 apps 172.20.0.11 fd00:20::11
container app2 apps 172.20.0.12 fd00:20::12
serve inet echo 7000
serve host echo 7000
serve app1 echo 7000
serve app2 echo 7000
must bn -q port publish 9000/udp app1:7000

while next_version; do
	before=$(unknown)
	whole=1472
	[ "$VERSION" = 4 ] || whole=1452

	for size in "$whole" $((whole + 1)) 8000 60000; do
		ok "$size bytes of UDP go out by masquerade, and come back" \
			ask app1 echo "$INET" 7000 "$size"
		ok "$size bytes come in by a published port, and go back" \
			ask inet echo "$HOST" 9000 "$size"
	done
	ok "8000 bytes go from container to container" \
		ask app1 echo "${ip[app2]}" 7000 8000
	ok "to the host" ask app1 echo "${ip[apps]}" 7000 8000
	ok "from the host" ask host echo "${ip[app1]}" 7000 8000
	ok "from the host by the published port of ${ip[loopback]}" host_app \
		python3 "$SERVE" ask-echo "${ip[loopback]}" 9000 8000
	ok "from the neighbour by the published port" \
		ask app2 echo "$HOST" 9000 8000
	ok "to oneself by the published port" ask app1 echo "$HOST" 9000 8000
	ok "out of two containers at once" at_once
	ok "ping of 4000 bytes: to another container" \
		long_ping app1 "${ip[app2]}"
	ok "to the internet" long_ping app1 "$INET"
	ok "to the host" long_ping app1 "${ip[apps]}"
	ok "from the host" long_ping host "${ip[app1]}"
	ok "the host's own, past all that" long_ping host "$INET"
	ok "no fragment was dropped" [ "$(unknown)" = "$before" ]

	ok "the end of a packet that nobody saw begin is dropped, and counted" \
		orphan_is_dropped app1 "${ip[app2]}"
	ok "also on its way out" orphan_is_dropped app1 "$INET"
	ok "the capture saw fragments" says "$HOST > $INET" fragments_out
done

finish
