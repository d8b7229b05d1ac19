#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
# 05-masquerade - containers reach the internet in the host's name (S5)
#
#   inet                   host                    bn-apps 172.20.0.1/24
#   eth0 203.0.113.1   --- up0 203.0.113.2             fd00:20::1/64
#        2001:db8:1::1         2001:db8:1::2    app1 172.20.0.11 fd00:20::11
#   http, dns, udp                              app2 172.20.0.12 fd00:20::12
#   www.example.test is inet                    dns4, dns6: ask inet for names
#                                               over IPv4 and over IPv6
#
. "$(dirname "$0")/lib.sh"

families 4 6 dual

resolves() {
	bn exec "$P-dns$VERSION" -- getent "ahostsv$VERSION" www.example.test
}

by_name() {
	bn exec "$P-dns$VERSION" -- \
		curl "-sS$VERSION" -m 2 http://www.example.test/
}

# The port that a server on the internet sees when a container asks.
public_port() {
	get "$1" "http://${url[inet]}/" --local-port "4000$VERSION" | awk '{ print $3 }'
}

distinct_ports() {
	local one two

	one=$(public_port app1) && two=$(public_port app2) || return 1
	echo "app1: $one, app2: $two"
	[ -n "$one" ] && [ "$one" != "$two" ]
}

flow_shown() {
	bn -j flow list | json "any(f['proto'] == 'tcp'
		and f['client'].startswith('${url[app1]}:')
		and f['nat'].startswith('${url[host]}:')
		for f in d['flows'])" | grep -x True
}

world
network apps 172.20.0.0/24 fd00:20::/64
container app1 apps 172.20.0.11 fd00:20::11
container app2 apps 172.20.0.12 fd00:20::12
while next_version; do
	must bn -q netns add "$P-dns$VERSION" dns "$INET"
	container "dns$VERSION" apps
done
serve inet http 80
serve inet udp 9000
serve inet dns 53 203.0.113.1 2001:db8:1::1

while next_version; do
	ok "TCP: the server sees the host's address" \
		says "^inet $HOST " get app1 "http://${url[inet]}/"
	ok "UDP: the server sees the host's address" \
		says "^inet $HOST .* from $INET:9000" ask app1 udp "$INET" 9000
	ok "ping gets its replies" pings app1 "$INET"
	ok "both containers ping at the same time" at app1 sh -c \
		"ping -n -c 20 -i 0.02 -W 1 $INET &
		nsenter --net=/run/netns/$P-app2 \
		ping -n -c 20 -i 0.02 -W 1 $INET && wait \$!"
	ok "a name is asked for over UDP" says "$INET" resolves
	ok "and its server is reached by that name" \
		says "^inet $HOST " by_name
	ok "two containers may use one local port: it differs outside" \
		distinct_ports
	ok "replies come back to the one who asked" \
		says "^inet $HOST " get app2 "http://${url[inet]}/"
	ok "'bpfnet flow list' shows client and translation" flow_shown
	ok "the host's own traffic is untouched" \
		says "^inet $HOST " host_get "http://${url[inet]}/"
	ok "the containers reach each other, untranslated" \
		pings app1 "${ip[app2]}"
done
ok "no netfilter rule was needed" fails grep -q . \
	<(host nft list ruleset; host iptables-legacy-save)

finish
