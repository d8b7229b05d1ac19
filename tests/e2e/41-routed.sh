#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
# 41-routed - networks whose addresses the world knows, and no-masq
#
#   inet 203.0.113.1 ------ up0 203.0.113.2      bn-known 10.7.0.1/24, fd00:7::1
#        2001:db8:1::1          2001:db8:1::2      app 10.7.0.11, fd00:7::11
#   knows 10.7.0.0/24, 10.8.0.0/24 and         bn-half 10.8.0.1/24
#   fd00:7::/64 behind the host                    half 10.8.0.11
#
. "$(dirname "$0")/lib.sh"
families dual

# refused CMD...: curl says that the other side has refused the connection.
refused() {
	exits 7 "$@" && ! "$@" 2>&1 | grep -i 'timed out'
}

hops() {
	at "$1" traceroute -n -q 1 -w "$ANSWER_SECONDS" "${@:3}" "$2" |
		awk 'NR > 1 { printf "%s ", $2 }'
}

world
may_leave 10.7.0.0/24
may_leave 10.8.0.0/24
may_leave fd00:7::/64
inet ip route add 10.7.0.0/24 via "$HOST"
inet ip route add 10.8.0.0/24 via "$HOST"
inet ip -6 route add fd00:7::/64 via 2001:db8:1::2
get6() {
	at "$1" curl -sS6 -m "$ANSWER_SECONDS" "$2"
}

must bn -q network add known subnet 10.7.0.0/24 subnet fd00:7::/64 mode routed
must bn -q network add half subnet 10.8.0.0/24 no-masq 203.0.113.9/32 \
	no-masq ::/0
must bn -q network add third subnet 10.9.0.0/24
container app known 10.7.0.11 ip fd00:7::11
container half half 10.8.0.11
container third third 10.9.0.11
serve inet http 80
serve app http 80
serve app http 81
serve half http 80

ok "a routed container is seen as itself" \
	says "^inet 10.7.0.11 " get app "http://$INET/"
ok "by IPv6, too" says "^inet fd00:7::11 " get6 app 'http://[2001:db8:1::1]/'
ok "it pings" pings app "$INET"
ok "traceroute shows every hop" says "^10.7.0.1 $INET $" hops app "$INET"
ok "the world does not reach it unasked" \
	dropped_as unpublished get inet http://10.7.0.11/
ok "nor by IPv6" dropped_as unpublished get6 inet 'http://[fd00:7::11]/'

must bn -q port publish 8080 app:80
ok "its published port is open at its own address" \
	says "^app $INET " get inet http://10.7.0.11/
ok "by IPv6" says "^app 2001:db8:1::1 " get6 inet 'http://[fd00:7::11]/'
ok "and at the host's" says "^app $INET " get inet "http://$HOST:8080/"
ok "other ports are not" dropped_as unpublished get inet http://10.7.0.11:81/
ok "nor is it for other networks" \
	dropped_as policy-default get third http://10.7.0.11/
must bn -q policy add name world-81 from world to app proto tcp port 81 allow
ok "a rule opens one more" says "^app $INET " get inet http://10.7.0.11:81/
must bn -q policy del world-81
ok "and closes it" dropped_as unpublished get inet http://10.7.0.11:81/
must bn -q policy add name no from world to app proto tcp port 82 reject
ok "a rule that rejects tells the world so" refused get inet http://10.7.0.11:82/
ok "by IPv6, too" refused get6 inet 'http://[fd00:7::11]:82/'
must bn -q policy del no
ok "traceroute shows the world that there is a router" \
	says "^10.7.0.11 10.7.0.11 $" hops inet 10.7.0.11 -T -p 80

must bn -q port publish 127.0.0.1:8081 app:81
ok "what is published to the host alone is not open to the world" \
	dropped_as unpublished get inet http://10.7.0.11:81/
ok "but to the host" says "^app " host_get http://127.0.0.1:8081/
must bn -q port unpublish 127.0.0.1:8081
must bn -q port unpublish 8080
ok "unpublished, the port is closed" \
	dropped_as unpublished get inet http://10.7.0.11/

ok "no-masq: a destination sees the container" \
	says "^inet 10.8.0.11 " get half "http://$OTHER/"
ok "the others see the host" says "^inet $HOST " get half "http://$INET/"
ok "the way in stays closed" dropped_as unpublished \
	inet curl -sS4 -m 1 --interface "$OTHER" http://10.8.0.11/

ok "'network set' makes it routed" bn network set half mode routed
ok "at once" says "^inet 10.8.0.11 " get half "http://$INET/"
ok "and back, without exceptions" bn network set half mode nat no-masq none
ok "at once" says "^inet $HOST " get half "http://$OTHER/"
ok "'network show' says what is" \
	says '"mode": "routed"' bn -j -p network show known
ok "'export' is a file that 'apply' finds unchanged" eval '
	bn export >"$TMP/export" && bn diff -f "$TMP/export"'
ok "snat and routed contradict each other" \
	says "mode routed" exits 2 bn network set known snat to 203.0.113.7

finish
