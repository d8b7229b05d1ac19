#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
# 30-ipv6 - what IPv6 has of its own, and both versions at one endpoint
#
#   inet                   host                    bn-apps 172.20.0.1/24
#   eth0 203.0.113.1   --- up0 203.0.113.2             fd00:20::1/64
#        2001:db8:1::1         2001:db8:1::2    app1 172.20.0.11 fd00:20::11
#   lo   2001:db8:99::1                         app2 fd00:20::12
#                                                  bn-other fd00:30::1/64
#                                               back fd00:30::11
#
. "$(dirname "$0")/lib.sh"

families dual

all_drops() {
	bn -j stats drops |
		json "{why: n for why, n in d['drops'].items() if n}"
}

# look NAMESPACE DEVICE: its ICMPv6, from now on.
look() {
	start_to "$TMP/look-$1.log" "$1" tcpdump -n -U --immediate-mode -Z root \
		-i "$2" -w "$TMP/look-$1.pcap" ip6
	must await grep -q 'listening on' "$TMP/look-$1.log"
}

# The frames that were seen there and match a basic regexp, each a line of
# groups of two bytes. seen NAMESPACE PATTERN
seen() {
	tcpdump -nr "$TMP/look-$1.pcap" -t -xx ip6 2>/dev/null |
		awk '/^IP6/ { print line; line = ""; next }
			{ sub(/^[^:]*: */, ""); line = line $0 " " }
			END { print line }' | grep "$2"
}

# What app1 sends has come to the host's bridge as it was.
passes() {
	seen app1 "$1" >"$TMP/sent"
	seen host "$1" >"$TMP/passed"
	[ -s "$TMP/sent" ] && same "$TMP/sent" "$TMP/passed"
}

# Sends an ICMPv6 message to a group of the link, as RFC 4861 wants it: with a
# hop limit of 255. tell NAMESPACE DEVICE TYPE GROUP BYTES
tell() {
	at "$1" python3 -c '
import socket, sys
device, kind, group, size = sys.argv[1:]
with socket.socket(socket.AF_INET6, socket.SOCK_RAW,
                   socket.IPPROTO_ICMPV6) as s:
    s.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_MULTICAST_HOPS, 255)
    index = socket.if_nametoindex(device)
    s.sendto(bytes([int(kind)]) + bytes(int(size) - 1), (group, 0, 0, index))' \
		"${@:2}"
}

# The kernel reports the group for the process.
join_group() {
	start "$1" python3 -c '
import signal, socket, struct, sys
with socket.socket(socket.AF_INET6, socket.SOCK_DGRAM) as s:
    s.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_JOIN_GROUP,
                 socket.inet_pton(socket.AF_INET6, sys.argv[1])
                 + struct.pack("@I", socket.if_nametoindex("eth0")))
    signal.pause()' "$2"
}

# Asks for app2's MAC, and gets it.
finds_neighbour() {
	local mac

	mac=$(at app2 ip -j link show eth0 | json "d[0]['address']") || return 1
	at app1 ip -6 neighbour flush to fd00:20::12 &&
		pings app1 fd00:20::12 &&
		says "lladdr $mac" at app1 ip -6 neighbour show to fd00:20::12
}

world
must inet ip address add 2001:db8:99::1/128 dev lo
network apps 172.20.0.0/24 fd00:20::/64
must bn -q network add other subnet fd00:30::/64
container app1 apps 172.20.0.11 fd00:20::11
container app2 apps fd00:20::12
container back other fd00:30::11
serve app1 http 80
serve back http 80
serve inet http 80
must bn -q port publish 8080 app1:80
must bn -q port publish '[::1]:9090' app1:80
must bn -q port publish '[2001:db8:1::2]:7070' app1:80 from 2001:db8:1::/64
# The sections below name addresses; a name would do for both versions.
VERSION=6

look app1 eth0
look host bn-apps
ok "neighbours on the bridge find each other" finds_neighbour
# To the group of app2's address.
ok "with a solicitation that passes as it is" passes '^3333 ff00 0012 '
ok "app1 solicits routers" tell app1 eth0 133 ff02::2 8
# Without options, as none of the kernel's own is.
ok "which the host hears as it was sent" await passes ' 0008 3aff .* 8500 '
join_group app1 ff05::1234
ok "a report that app1 is in a group passes, with its router alert" \
	await passes ' 3a00 0502 0000 0100 8f00 .* ff05 .* 1234 '
ok "a router on the host's side advertises itself" \
	tell host bn-apps 134 ff02::1 16
ok "app1 hears it" await seen app1 ' 0010 3aff .* 8600 '
ok "none of all that was counted as a drop" says '^{}$' all_drops
ok "an advertisement of app1 is another matter" \
	dropped_as spoofed-source fails tell app1 eth0 134 ff02::1 16

ok "app1 pings app2" pings app1 fd00:20::12
ok "and its gateway" pings app1 fd00:20::1
ok "and the internet behind the next router" pings app1 2001:db8:99::1
ok "which sees the host's address" \
	says "^inet 2001:db8:1::2 " get app1 'http://[2001:db8:99::1]/'
ok "another network is out of reach" \
	dropped_as policy-default pings app1 fd00:30::11
must bn -q policy add from net:apps to net:other allow
ok "until a rule allows it" \
	says "^back fd00:20::11 " get app1 'http://[fd00:30::11]/'
ok "not in the other direction" \
	dropped_as policy-default pings back fd00:20::11
ok "the internet reaches the published port" says "^app1 2001:db8:1::1 " \
	get inet 'http://[2001:db8:1::2]:8080/'
ok "by IPv4 as well" \
	says "^app1 203.0.113.1 " get inet http://203.0.113.2:8080/ -4
ok "app2 does, and is seen as itself" says "^app1 fd00:20::12 " \
	get app2 'http://[2001:db8:1::2]:8080/'
ok "app1 reaches itself" says "^app1 fd00:20::1 " \
	get app1 'http://[2001:db8:1::2]:8080/'
ok "the host by [::1]" says "^app1 fd00:20::1 " \
	host_get 'http://[::1]:8080/'
ok "and by its own address" says "^app1 fd00:20::1 " \
	host_get 'http://[2001:db8:1::2]:8080/'
ok "a port on [::1] is for the host" says "^app1" \
	host_get 'http://[::1]:9090/'
ok "and for nobody else" fails get inet 'http://[2001:db8:1::2]:9090/'
ok "'from' admits the internet's network" says "^app1" \
	get inet 'http://[2001:db8:1::2]:7070/'
ok "and nobody else" dropped_as publish-from \
	get inet 'http://[2001:db8:1::2]:7070/' --interface 2001:db8:99::1
must inet ip -6 route add fd00:20::/64 via 2001:db8:1::2
ok "a container's own address is not published" \
	dropped_as unpublished get inet 'http://[fd00:20::11]/'
ok "'export' is a file that 'apply' finds unchanged" eval '
	bn export >"$TMP/export" && bn diff -f "$TMP/export"'

finish
