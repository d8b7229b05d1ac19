#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
# 10-icmp-and-mtu - what routers on the way have to say reaches who must know
#
#   far                     inet                 host             bn-apps
#   eth0 198.51.100.9 ----- far0 198.51.100.1    up0 203.0.113.2  172.20.0.1/24
#                           eth0 203.0.113.1 --- published:       app1 to app4
#                                                8000 -> app3     172.20.0.11 ..
#                                                9000/udp -> app1
#                                                7000/udp -> app4
#
. "$(dirname "$0")/lib.sh"

FAR=198.51.100.9
BYTES=3000000

# A second router makes the internet one hop longer.
far_away() {
	ip netns add "$P-far"
	at far ip link set lo up
	inet ip link add far0 type veth peer name eth0 netns "$P-far"
	inet ip address add 198.51.100.1/24 dev far0
	inet ip link set far0 up
	at far ip address add "$FAR/24" dev eth0
	at far ip link set eth0 up
	at far ip route add default via 198.51.100.1
	inet sysctl -qw net.ipv4.ip_forward=1
	# Each error counts here, however many there are in a second.
	for name in inet host far; do
		at "$name" sysctl -qw net.ipv4.icmp_ratelimit=0
	done
}

hops() {
	at "$1" traceroute -n -q 1 -w "$ANSWER_SECONDS" "${@:2}" "$FAR" |
		awk 'NR > 1 { printf "%s ", $2 }'
}

# The container sends the file to a server far away.
uploads() {
	at far nc -l -p "$2" >"$TMP/received" &
	STARTED+=($!)
	await listening far "$2" || return 1
	at "$1" timeout 20 nc -N "$FAR" "$2" <"$TMP/file" || return 1
	await cmp "$TMP/file" "$TMP/received"
}

# Somebody far away gets the file from a published port of the container.
downloads() {
	at "$1" nc -N -l -p 8000 <"$TMP/file" >"$TMP/requests" &
	STARTED+=($!)
	await listening "$1" 8000 || return 1
	at far timeout 20 nc -d "$HOST" 8000 >"$TMP/received" || return 1
	cmp "$TMP/file" "$TMP/received"
}

path_mtu() {
	at "$1" ip route get "$FAR"
}

captured() {
	tcpdump -nr "$TMP/uplink.pcap" "$@" 2>/dev/null
}

world
far_away
must bn -q network add apps subnet 172.20.0.0/24
for n in 1 2 3 4; do
	container "app$n" apps "172.20.0.1$n"
done
must bn -q port publish 9000/udp app1
must bn -q port publish 8000 app3
start inet tcpdump -n -U --immediate-mode -Z root -i eth0 \
	-w "$TMP/uplink.pcap" "icmp or src net 172.16.0.0/12"
tcpdump_pid=${STARTED[-1]}
must await grep -q 'listening on' "$TMP/started.log"
head -c "$BYTES" /dev/urandom >"$TMP/file"

ok "traceroute by UDP shows every hop, the gateway first" \
	says "^172.20.0.1 $INET $FAR $" hops app1
ok "by ICMP, too" says "^172.20.0.1 $INET $FAR $" hops app1 -I
ok "and by TCP" says "^172.20.0.1 $INET $FAR $" hops app1 -T -p 80
ok "tracepath sees them, and the path's MTU" \
	says "pmtu 1500 hops 3 back 3" at app1 tracepath -n "$FAR"

ok "a UDP client hears that nobody listens: far away" \
	says "Connection refused" fails ask app1 echo "$FAR" 9 100
ok "in another container" \
	says "Connection refused" fails ask app1 echo 172.20.0.12 9 100
ok "on the host" says "Connection refused" fails ask app1 echo "$HOST" 9 100
ok "the internet hears that nobody listens behind a published port" \
	says "Connection refused" fails ask far echo "$HOST" 9000 100
ok "the host's own client as well" \
	says "Connection refused" fails host_app python3 "$SERVE" ask-echo \
	127.0.0.1 9000 100
ok "a container that asks its neighbour's published port, too" \
	says "Connection refused" fails ask app2 echo "$HOST" 9000 100
ok "and the host, about a server far away" \
	says "Connection refused" fails ask host echo "$FAR" 9 100

# Only the router knows: far itself still offers long segments.
inet ip route add "$FAR/32" dev far0 mtu 1280
ok "a connection out finds its way through a path of 1280 bytes" \
	uploads app2 5001
ok "having learnt it" says "mtu 1280" path_mtu app2
ok "a published server does as well" downloads app3
ok "and has learnt it" says "mtu 1280" path_mtu app3
ok "ping is told, if it must not be fragmented" \
	says "$INET .*mtu = 1280" fails at app1 ping -n -c 1 -W 1 -M "do" \
	-s 1400 "$FAR"
ok "and so is what runs in this container later" says "mtu 1280" path_mtu app1
ok "what may be fragmented, is" \
	at app4 ping -n -c 1 -W 1 -M dont -s 1400 "$FAR"
ok "tracepath tells where" \
	says "pmtu 1280 hops 3 back 3" at app4 tracepath -n "$FAR"

inet ip route del "$FAR/32" dev far0
inet ip link set eth0 mtu 1400
host ip link set up0 mtu 1400
for n in 1 2 3 4; do
	at "app$n" ip route flush cache
done
ok "an uplink that is narrower than the container: the gateway tells" \
	says "172.20.0.1 .*mtu = 1400" fails at app1 ping -n -c 1 -W 1 -M "do" \
	-s 1450 "$FAR"
ok "as much as fits is sent" \
	at app1 ping -n -c 1 -W 1 -M "do" -s 1372 "$FAR"
# app4 has not been told, and none of its packets asks: the host fragments.
serve far echo 7000
serve app4 echo 7000
must bn -q port publish 7000/udp app4
ok "what may be fragmented, is" \
	at app4 ping -n -c 1 -W 1 -M dont -s 1450 "$FAR"
ok "also UDP" ask app4 echo "$FAR" 7000 1450
ok "and what is fragmented already" ask app4 echo "$FAR" 7000 8000
ok "also from a published port" ask far echo "$HOST" 7000 1450
ok "fragments, too" ask far echo "$HOST" 7000 8000
ok "app4 has not been told" fails says "mtu" path_mtu app4
ok "a connection out finds its way" uploads app2 5002
ok "having learnt it" says "mtu 1400" path_mtu app2
ok "a published server does as well" downloads app3
ok "and has learnt it" says "mtu 1400" path_mtu app3

kill "$tcpdump_pid"
await fails kill -0 "$tcpdump_pid"
ok "the capture saw errors" says "unreachable" captured icmp
ok "nothing ever left with a private source address" \
	fails grep -q . <(captured src net 172.16.0.0/12)
ok "nothing in an error that left tells a private address" \
	fails grep -q '172\.20\.' <(captured -v icmp and src host "$HOST")

finish
