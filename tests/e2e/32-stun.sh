#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
# 32-stun - one socket has one public address and port, whomever it asks
#
#   inet  203.0.113.1, 2001:db8:1::1  :3478 :3479     host 203.0.113.2 --+-- app1
#         203.0.113.9, 2001:db8:1::9  :3478                2001:db8:1::2 +-- app2
#         203.0.113.8, 2001:db8:1::8  a stranger
#
# RFC 4787: endpoint-independent mapping (REQ-1), address and port-dependent
# filtering (REQ-8). Masquerade takes ports 1024 to 32767 here: a local port may
# lie inside or outside of that.
. "$(dirname "$0")/lib.sh"

families dual

STUN=$ROOT/tests/e2e/stun.py
STRANGER=203.0.113.8
HOST6=2001:db8:1::2
INSIDE=4000	# local ports
OUTSIDE=40000
NAT_FIRST=1024
NAT_LAST=32767

# The servers, by IP version.
servers() {
	case $1 in
	4) echo "$INET:3478 $INET:3479 $OTHER:3478" ;;
	6) echo "[2001:db8:1::1]:3478 [2001:db8:1::1]:3479 [2001:db8:1::9]:3478" ;;
	esac
}

# What servers see of a socket, a line each. ask_stun CONTAINER PORT SERVER...
ask_stun() {
	at "$1" "$STUN" ask "${@:2}"
}

# The one mapping that all servers see. mapping CONTAINER VERSION PORT
mapping() {
	local seen

	# shellcheck disable=SC2046 # several servers
	seen=$(ask_stun "$1" "$3" $(servers "$2")) || return 1
	if [ "$(sort -u <<<"$seen" | wc -l)" != 1 ]; then
		echo "not the same for all: $seen"
		return 1
	fi
	sed 1q <<<"$seen"
}

# It is an address of the host and a port of the range.
maps() { # CONTAINER VERSION PORT
	local seen port

	seen=$(mapping "$@") || { echo "$seen"; return 1; }
	echo "$seen"
	port=${seen##*:}
	case $2 in
	4) [ "$seen" = "$HOST:$port" ] ;;
	6) [ "$seen" = "[$HOST6]:$port" ] ;;
	esac && [ "$port" -ge "$NAT_FIRST" ] && [ "$port" -le "$NAT_LAST" ] &&
		echo "$seen" >"$TMP/$1-$2-$3"
}

# The same as the first time.
maps_still() { # CONTAINER VERSION PORT
	[ "$(mapping "$@")" = "$(cat "$TMP/$1-$2-$3")" ]
}

differ() {
	tail -n 2 "$@"
	fails cmp -s "$@"
}

configure() { # TIME-OUT
	cat >"$TMP/stun.yaml" <<-END
		version: 1
		defaults: {nat_ports: $NAT_FIRST-$NAT_LAST}
		flows: {udp: $1, udp_stream: $1}
		networks:
		  apps: {subnets: [172.20.0.0/24, "fd00:20::/64"]}
		endpoints:
		  app1: {network: apps, netns: $P-app1, ip: [172.20.0.11, "fd00:20::11"]}
		  app2: {network: apps, netns: $P-app2, ip: [172.20.0.12, "fd00:20::12"]}
	END
	must bn -q apply -f "$TMP/stun.yaml"
}

world
must inet ip address add "$STRANGER" dev eth0
must inet ip address add 2001:db8:1::8 dev eth0 preferred_lft 0
# No refusal is held back by a rate.
must host sysctl -qw net.ipv4.icmp_ratelimit=0 net.ipv6.icmp.ratelimit=0
configure 300s
# shellcheck disable=SC2046 # several servers
start inet "$STUN" serve $(servers 4) $(servers 6)
must await listening inet 3479 --udp

ok "a network with addresses of the uplink's is refused" \
	says overlaps exits 4 bn network add clash subnet 203.0.113.128/25

# ------------------------------------------------------------------- mapping

for v in 4 6; do
	for port in $INSIDE $OUTSIDE; do
		ok "IPv$v: app1's socket at $port has one mapping" \
			maps app1 "$v" "$port"
		ok "app2's at the same port as well" maps app2 "$v" "$port"
		ok "which is another one" \
			differ "$TMP/app1-$v-$port" "$TMP/app2-$v-$port"
	done
	ok "a port in the range is kept" \
		grep -q ":$INSIDE$" "$TMP/app1-$v-$INSIDE"
	for name in app1 app2; do
		for port in $INSIDE $OUTSIDE; do
			ok "$name's mapping of $port stays" \
				maps_still "$name" "$v" "$port"
		done
	done
done

# ----------------------------------------------------------------- filtering

# tell SERVER TO TEXT: the server sends it, from its own address and port.
tell() {
	inet "$STUN" send "$INET:0" "$1" "tell $2 $3"
}

came() {
	grep -qx "$1" "$TMP/app1"
}

# refused FROM TO: the sender hears from the host that nobody listens.
refused() {
	says "Connection refused" fails inet "$STUN" send "$1" "$2" filtered
}

: >"$TMP/app1"
start app1 "$STUN" listen $INSIDE "$TMP/app1"
must await listening app1 $INSIDE --udp
TO4=$(cat "$TMP/app1-4-$INSIDE")
TO6=$(cat "$TMP/app1-6-$INSIDE")
ok "a stranger's datagram to the mapping is the host's, who refuses it" \
	refused "$STRANGER:3478" "$TO4"
ok "so is one from another port of a server" refused "$INET:3480" "$TO4"
ok "and by IPv6" refused "[2001:db8:1::8]:3478" "$TO6"
ok "from another port as well" refused "[2001:db8:1::1]:3480" "$TO6"
for server in $(servers 4); do
	tell "$server" "$TO4" "$server"
	ok "what $server sends arrives" await came "$server"
done
ok "and nothing else came" fails came filtered

# -------------------------------------------------------------------- expiry

# One server goes on to talk until the other's flow is over.
only_one_is_left() { # CONTAINER VERSION PORT
	local kept lost

	read -r lost _ kept <<<"$(servers "$2")"
	ask_stun "$1" "$3" "$kept"
	bn -q gc
	[ "$(bn -j flow list | json "sorted(f['service'] for f in d['flows']
		if f['client'] == '$(client "$1" "$2" "$3")'
		and f['service'] in ('$lost', '$kept'))")" = "['$kept']" ]
}

client() { # CONTAINER VERSION PORT
	case $2 in
	4) echo "172.20.0.1${1#app}:$3" ;;
	6) echo "[fd00:20::1${1#app}]:$3" ;;
	esac
}

kill "${STARTED[-1]}"
await fails kill -0 "${STARTED[-1]}"
configure 2s
for v in 4 6; do
	for socket in "app1 $v $INSIDE" "app1 $v $OUTSIDE" "app2 $v $OUTSIDE"; do
		# shellcheck disable=SC2086 # three words
		ok "$socket: one flow ends, another goes on" \
			await only_one_is_left $socket
		# shellcheck disable=SC2086
		ok "and the mapping is the same for all" maps_still $socket
	done
done

finish
