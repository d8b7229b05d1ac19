#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
# 17-automatic-subnets - networks that name no subnet get one of each IP version
#
#   inet --- up0 host  bn-apps 10.90.1.1/24, fd90:0:0:1::1/64   app1  app2
#                      bn-more 10.90.2.1/24, fd90:0:0:2::1/64   app3
#
#   The first subnets of both pools are routed elsewhere. In a world of IPv4,
#   containers have IPv6 all the same; only the way out is missing.
#
. "$(dirname "$0")/lib.sh"

families 4 dual

subnets() {
	bn -j network show "$1" | json "' '.join(d['networks'][0]['subnets'])"
}

# ip_of ENDPOINT 4|6
ip_of() {
	bn -j endpoint show "$1" | json \
		"[i for i in d['endpoints'][0]['ips'] if (':' in i) == ($2 == 6)][0]"
}

# A client that knows both addresses of a server, and tries IPv6 first.
get_by_name() {
	at "$1" curl -sS -m "$ANSWER_SECONDS" \
		--resolve 'server:80:[2001:db8:1::1],203.0.113.1' http://server/
}

# Only who asks for it is told of such an error. ask_v6 NAMESPACE
ask_v6() {
	at "$1" python3 -c 'import socket, sys
s = socket.socket(socket.AF_INET6, socket.SOCK_DGRAM)
s.settimeout(float(sys.argv[1]))
s.setsockopt(socket.IPPROTO_IPV6, 25, 1)	# IPV6_RECVERR
s.connect(("2001:db8:1::1", 9))
s.send(b"hello")
print(s.recv(100))' "$ANSWER_SECONDS"
}

# What a client with IPv6 sees where IPv6 has no way out. told_at_once REASON
told_at_once() {
	ok "a ping by IPv6 is told at once" says 'From fd90:0:0:1::1 .*No route' \
		fails pings app1 2001:db8:1::1
	ok "a datagram as well" says 'Network is unreachable' \
		fails ask_v6 app1
	# By the second attempt: the answer to the first one comes while the
	# socket is still held by connect().
	ok "a connection fails, and not because nobody answered" \
		dropped_as "$1" fails exits 7 at app1 curl -sS6 -m 5 \
		'http://[2001:db8:1::1]/'
	ok "a client that knows both addresses goes on with IPv4" \
		says "^inet $HOST " get_by_name app1
}

world
before_first
must host ip route add 10.90.0.0/25 via "$INET"
must host ip -6 route add unreachable fd90::/80
must bn -q network add apps
must bn -q network add more
must bn -q endpoint attach "$P-app1" apps name app1
must bn -q endpoint attach "$P-app2" apps name app2
must bn -q endpoint attach "$P-app3" more name app3
for name in app1 app2 app3; do
	address "$name" "$(ip_of "$name" 4)" "$(ip_of "$name" 6)"
done
address apps 10.90.1.1 fd90:0:0:1::1
serve app2 http 80
serve inet http 80

ok "the first subnets that the host has no route to" \
	says '^10.90.1.0/24 fd90:0:0:1::/64$' subnets apps
ok "the next ones for the next network" \
	says '^10.90.2.0/24 fd90:0:0:2::/64$' subnets more
for VERSION in 4 6; do
	set_version "$VERSION"
	ok "IPv$VERSION: app1 pings its gateway" pings app1 "${ip[apps]}"
	ok "IPv$VERSION: app1 reaches app2" says "^app2 ${ip[app1]} " \
		get app1 "http://${url[app2]}/"
	ok "IPv$VERSION: but not another network" dropped_as policy-default \
		pings app1 "${ip[app3]}"
done
set_version 4
while next_version; do
	ok "app1 reaches the internet, as the host" says "^inet $HOST " \
		get app1 "http://${url[inet]}/"
done
ok "'export' is a file that 'apply' finds unchanged" eval '
	bn export >"$TMP/export" && bn diff -f "$TMP/export"'

if [ "$FAMILY" = 4 ]; then
	told_at_once no-route
	router=$(at inet ip -6 -o address show dev eth0 scope link |
		sed -E 's,.*inet6 ([^/]*)/.*,\1,')
	must host ip -6 route add default via "$router" dev up0
	# Its device has no address that could be sent from.
	told_at_once untranslated-egress
	must host ip -6 route del default via "$router" dev up0
fi

must host ip route del 10.90.0.0/25 via "$INET"
must host ip -6 route del unreachable fd90::/80
ok "subnets stay where they are" says '^10.90.1.0/24 fd90:0:0:1::/64$' \
	eval 'bn -q gc && subnets apps'
must host ip route add 10.0.0.0/8 via "$INET"
ok "where a route covers all of them, one has to be named" \
	says 'no free subnet in 10.90.0.0/16 (.*subnet CIDR)' \
	exits 4 bn network add last
must host ip route del 10.0.0.0/8 via "$INET"

finish
