#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
# 16-large-segments - what the sender does not cut is not cut on the way
#
#   inet                   host                    bn-apps 172.20.0.1/24
#   eth0 203.0.113.1   --- up0 203.0.113.2             fd00:20::1/64
#        2001:db8:1::1         2001:db8:1::2    app1 172.20.0.11 fd00:20::11
#                          8000 -> app1         app2 172.20.0.12 fd00:20::12
#
. "$(dirname "$0")/lib.sh"

families dual

BYTES=20000000
LARGE=15000		# ten times what the wire takes

# received_large NAMESPACE CMD...: while CMD runs, most bytes that arrive at its
# eth0 come in segments that are still as large as GSO has made them.
received_large() {
	local pid

	rm -f "$TMP/segments.log"
	start_to "$TMP/segments.log" "$1" tcpdump -n --immediate-mode -Z root \
		-s 100 -Q in -i eth0 -w "$TMP/segments.pcap" tcp
	pid=${STARTED[-1]}
	await grep -q 'listening on' "$TMP/segments.log" || return 1
	"${@:2}" || return 1
	end_process "$pid" || return 1
	tcpdump -nqtr "$TMP/segments.pcap" 2>/dev/null |
		awk -v large="$LARGE" '{
			sub(/.* tcp /, "")
			all += $1
			if ($1 > large) { bytes += $1; count++ }
		}
		END {
			print count + 0, "large segments,", bytes + 0, "of", all
			exit !(bytes > all / 2)
		}'
}

# The client sends to the server. up CLIENT SERVER ADDRESS
up() {
	at "$2" nc "-$VERSION" -l -p 8000 >"$TMP/received" &
	STARTED+=($!)
	await listening "$2" 8000 || return 1
	at "$1" timeout 20 nc -N "$3" 8000 <"$TMP/file" || return 1
	await cmp "$TMP/file" "$TMP/received"
}

# The server sends to the client. down CLIENT SERVER ADDRESS
down() {
	at "$2" nc "-$VERSION" -N -l -p 8000 <"$TMP/file" >"$TMP/request" &
	STARTED+=($!)
	await listening "$2" 8000 || return 1
	at "$1" timeout 20 nc -d "$3" 8000 >"$TMP/received" || return 1
	cmp "$TMP/file" "$TMP/received"
}

world
network apps 172.20.0.0/24 fd00:20::/64
container app1 apps 172.20.0.11 fd00:20::11
container app2 apps 172.20.0.12 fd00:20::12
must bn -q port publish 8000 app1
head -c "$BYTES" /dev/urandom >"$TMP/file"

while next_version; do
	ok "masquerade: app1 sends to the internet" \
		received_large inet up app1 inet "$INET"
	ok "masquerade: the internet answers app1" \
		received_large app1 down app1 inet "$INET"
	ok "published port: the internet sends to app1" \
		received_large app1 up inet app1 "$HOST"
	ok "published port: app1 answers the internet" \
		received_large inet down inet app1 "$HOST"
	ok "on the bridge: app1 sends to app2" \
		received_large app2 up app1 app2 "${ip[app2]}"
	ok "from the host: it sends to app1" \
		received_large app1 up host app1 "${ip[app1]}"
done

finish
