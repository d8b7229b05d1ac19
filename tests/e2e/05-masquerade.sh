#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
# 05-masquerade - containers reach the internet in the host's name (S5)
#
#   inet                 host                      bn-apps 172.20.0.1/24
#   eth0 203.0.113.1 --- up0 203.0.113.2 --------- app1 172.20.0.11
#   http, dns, udp                                 app2 172.20.0.12
#   www.example.test = 203.0.113.1
#
. "$(dirname "$0")/lib.sh"

resolves() {
	bn exec "$P-app1" -- getent ahostsv4 www.example.test
}

by_name() {
	bn exec "$P-app1" -- curl -sS4 -m 2 http://www.example.test/
}

# The port that a server on the internet sees when a container asks.
public_port() {
	get "$1" "http://$INET/" --local-port 40000 | awk '{ print $3 }'
}

distinct_ports() {
	local one two

	one=$(public_port app1) && two=$(public_port app2) || return 1
	echo "app1: $one, app2: $two"
	[ -n "$one" ] && [ "$one" != "$two" ]
}

flow_shown() {
	bn -j flow list | json "any(f['proto'] == 'tcp'
		and f['client'].startswith('172.20.0.11:')
		and f['nat'].startswith('$HOST:')
		for f in d['flows'])" | grep -x True
}

captured() {
	tcpdump -nr "$TMP/uplink.pcap" "$@" 2>/dev/null
}

world
must bn -q network add apps subnet 172.20.0.0/24
must bn -q netns add "$P-app1" dns "$INET"
container app1 apps 172.20.0.11
container app2 apps 172.20.0.12
serve inet http 80
serve inet udp 9000
serve inet dns 53 "$INET"
start inet tcpdump -n -U --immediate-mode -Z root -i eth0 -w "$TMP/uplink.pcap" ip
tcpdump_pid=${STARTED[-1]}
must await grep -q 'listening on' "$TMP/started.log"

ok "TCP: the server sees the host's address" \
	says "^inet $HOST " get app1 "http://$INET/"
ok "UDP: the server sees the host's address" \
	says "^inet $HOST .* from $INET:9000" ask app1 udp "$INET" 9000
ok "ping gets its replies" pings app1 "$INET"
ok "both containers ping at the same time" at app1 sh -c \
	"ping -n -c 20 -i 0.02 -W 1 $INET & nsenter --net=/run/netns/$P-app2 \
	ping -n -c 20 -i 0.02 -W 1 $INET && wait \$!"
ok "a name is asked for over UDP" says "$INET" resolves
ok "and its server is reached by that name" says "^inet $HOST " by_name
ok "two containers may use one local port: it differs outside" \
	distinct_ports
ok "replies come back to the one who asked" \
	says "^inet $HOST " get app2 "http://$INET/"
ok "'bpfnet flow list' shows client and translation" flow_shown
ok "the host's own traffic is untouched" \
	says "^inet $HOST " host_get "http://$INET/"
ok "the containers reach each other, untranslated" pings app1 172.20.0.12
ok "no netfilter rule was needed" fails grep -q . \
	<(host nft list ruleset; host iptables-legacy-save)

get app1 "http://$INET/last-request" >/dev/null
await grep -q last-request "$TMP/uplink.pcap"
kill "$tcpdump_pid"
await fails kill -0 "$tcpdump_pid"
ok "the capture saw the traffic" says "$HOST" captured src host "$HOST"
ok "no packet ever left with a private source address" \
	fails grep -q . <(captured src net 172.16.0.0/12)

finish
