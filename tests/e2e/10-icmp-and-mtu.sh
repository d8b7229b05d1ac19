#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
# 10-icmp-and-mtu - what routers on the way have to say reaches who must know
#
#   far                     inet                  host            bn-apps
#   eth0 198.51.100.9 ----- far0 198.51.100.1     up0 203.0.113.2 172.20.0.1/24
#        2001:db8:2::9           2001:db8:2::1        2001:db8:1::2 fd00:20::1/64
#                           eth0 203.0.113.1   --- published:     app1 to app4
#                                2001:db8:1::1     8000 -> app3   172.20.0.11 ..
#                                                  9000/udp -> app1 fd00:20::11 ..
#                                                  7000/udp -> app4
#
. "$(dirname "$0")/lib.sh"

families dual

BYTES=3000000

# A second router makes the internet one hop longer.
far_away() {
	address far 198.51.100.9 2001:db8:2::9
	ip netns add "$P-far"
	at far sysctl -qw net.ipv6.conf.default.accept_dad=0
	at far ip link set lo up
	inet ip link add far0 type veth peer name eth0 netns "$P-far"
	give_addresses inet far0 "198.51.100.1/24 2001:db8:2::1/64"
	give_addresses far eth0 "198.51.100.9/24 2001:db8:2::9/64"
	inet ip link set far0 up
	at far ip link set eth0 up
	at far ip route add default via 198.51.100.1
	at far ip route add default via 2001:db8:2::1
	inet sysctl -qw net.ipv4.ip_forward=1 net.ipv6.conf.all.forwarding=1
	# Each error counts here, however many there are in a second.
	for name in inet host far; do
		at "$name" sysctl -qw net.ipv4.icmp_ratelimit=0 \
			net.ipv6.icmp.ratelimit=0
	done
}

hops() {
	at "$1" traceroute "-$VERSION" -n -q 1 -w "$ANSWER_SECONDS" "${@:2}" \
		"${ip[far]}" | awk 'NR > 1 { printf "%s ", $2 }'
}

trace_path() {
	at "$1" tracepath "-$VERSION" -n "${ip[far]}"
}

# ping_bytes NAMESPACE do|dont BYTES: the length of the whole packet.
ping_bytes() {
	at "$1" ping -n -c 1 -W "$ANSWER_SECONDS" -M "$2" \
		-s $(($3 - (VERSION == 4 ? 28 : 48))) "${ip[far]}"
}

# The container sends the file to a server far away.
uploads() {
	at far nc "-$VERSION" -l -p "$2" >"$TMP/received" &
	STARTED+=($!)
	await listening far "$2" || return 1
	at "$1" timeout 20 nc -N "${ip[far]}" "$2" <"$TMP/file" || return 1
	await cmp "$TMP/file" "$TMP/received"
}

# Somebody far away gets the file from a published port of the container.
downloads() {
	at "$1" nc "-$VERSION" -N -l -p 8000 <"$TMP/file" >"$TMP/requests" &
	STARTED+=($!)
	await listening "$1" 8000 || return 1
	at far timeout 20 nc -d "$HOST" 8000 >"$TMP/received" || return 1
	cmp "$TMP/file" "$TMP/received"
}

path_mtu() {
	at "$1" ip route get "${ip[far]}"
}

refused() {
	says "Connection refused" fails "$@"
}

# The ICMP errors that left in the host's name, in groups of two bytes.
errors_out() {
	case $VERSION in
	4) captured up0 -x "src host $HOST and icmp[0] == 3" ;;
	6) captured up0 -x "src host $HOST and icmp6 and ip6[40] < 128" ;;
	esac
}

CAPTURE_ALSO="icmp or icmp6"
world
far_away
network apps 172.20.0.0/24 fd00:20::/64
for n in 1 2 3 4; do
	container "app$n" apps "172.20.0.1$n" "fd00:20::1$n"
done
must bn -q port publish 9000/udp app1
must bn -q port publish 8000 app3
must bn -q port publish 7000/udp app4
serve far echo 7000
serve app4 echo 7000
head -c "$BYTES" /dev/urandom >"$TMP/file"

while next_version; do
	every_hop="^${ip[apps]} $INET ${ip[far]} $"

	ok "traceroute by UDP shows every hop, the gateway first" \
		says "$every_hop" hops app1
	ok "by ICMP, too" says "$every_hop" hops app1 -I
	ok "and by TCP" says "$every_hop" hops app1 -T -p 80
	ok "tracepath sees them, and the path's MTU" \
		says "pmtu 1500 hops 3 back 3" trace_path app1

	ok "a UDP client hears that nobody listens: far away" \
		refused ask app1 echo "${ip[far]}" 9 100
	ok "in another container" refused ask app1 echo "${ip[app2]}" 9 100
	ok "on the host" refused ask app1 echo "$HOST" 9 100
	ok "the internet hears that nobody listens behind a published port" \
		refused ask far echo "$HOST" 9000 100
	ok "the host's own client as well" refused host_app python3 "$SERVE" \
		ask-echo "${ip[loopback]}" 9000 100
	ok "a container that asks its neighbour's published port, too" \
		refused ask app2 echo "$HOST" 9000 100
	ok "and the host, about a server far away" \
		refused ask host echo "${ip[far]}" 9 100
done

# Only the router knows: far itself still offers long segments.
while next_version; do
	inet ip route add "${ip[far]}" dev far0 mtu 1280
	ok "a connection out finds its way through a path of 1280 bytes" \
		uploads app2 5001
	ok "having learnt it" says "mtu 1280" path_mtu app2
	ok "a published server does as well" downloads app3
	ok "and has learnt it" says "mtu 1280" path_mtu app3
	ok "ping is told, if it must not be fragmented" \
		says "$INET .*mtu *= *1280" fails ping_bytes app1 "do" 1428
	ok "and so is what runs in this container later" \
		says "mtu 1280" path_mtu app1
	# With IPv6 the sender fragments, once it has been told.
	[ "$VERSION" = 4 ] || ping_bytes app4 dont 1428 >"$TMP/told"
	ok "what may be fragmented, is" ping_bytes app4 dont 1428
	ok "tracepath tells where" \
		says "pmtu 1280 hops 3 back 3" trace_path app4
	inet ip route del "${ip[far]}" dev far0
done

inet ip link set eth0 mtu 1400
host ip link set up0 mtu 1400
while next_version; do
	for name in app1 app2 app3 app4 far; do
		at "$name" ip "-$VERSION" route flush cache
	done
	ok "through an uplink that is narrower than the container, a connection finds its way" \
		uploads app2 5002
	ok "having learnt it" says "mtu 1400" path_mtu app2
	ok "a published server does as well" downloads app3
	ok "and has learnt it" says "mtu 1400" path_mtu app3
	ok "ping is told by the gateway" \
		says "${ip[apps]} .*mtu *= *1400" fails ping_bytes app1 "do" 1401
	ok "as much as fits is sent" ping_bytes app1 "do" 1400
done

# From here on far sends nothing that would have to be shorter.
at far ip link set eth0 mtu 1400
while next_version; do
	if [ "$VERSION" = 4 ]; then
		# None of app4's packets asks: the host fragments.
		ok "what may be fragmented, is" ping_bytes app4 dont 1450
		ok "also UDP" ask app4 echo "${ip[far]}" 7000 1450
		ok "and what is fragmented already" \
			ask app4 echo "${ip[far]}" 7000 8000
		ok "also from a published port" ask far echo "$HOST" 7000 1450
		ok "fragments, too" ask far echo "$HOST" 7000 8000
		ok "app4 has not been told" fails says "mtu" path_mtu app4
	else
		ok "a server behind a published port that answers too much is told" \
			fails ask far echo "$HOST" 7000 1430
		ok "it has learnt it" says "mtu 1400" path_mtu app4
		ok "and answers in fragments" ask far echo "$HOST" 7000 1430
		at app4 ip -6 route flush cache
		ok "so is who sends fragments that are too long" \
			fails ask app4 echo "${ip[far]}" 7000 8000
		ok "it has learnt it" says "mtu 1400" path_mtu app4
		ok "and sends shorter ones" \
			ask app4 echo "${ip[far]}" 7000 8000
	fi

	private='ac14 00'
	[ "$VERSION" = 4 ] || private='fd00 0020'
	ok "errors of containers have left" says "unreachable" errors_out
	ok "none of them tells a private address" \
		fails grep -q "$private" <(errors_out)
done
host ip link set up0 mtu 1500

finish
