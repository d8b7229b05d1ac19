#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
# 07-block-pair - two on one bridge may not talk, the third may (S7)
#
#             host: bridge bn-apps 172.20.0.1/24, fd00:20::1/64
#            /                   |                    \
#   app1 172.20.0.11   ✗   app2 172.20.0.12      app3 172.20.0.13
#        fd00:20::11            fd00:20::12           fd00:20::13
#
. "$(dirname "$0")/lib.sh"

families 4 6 dual

no_bridge_filter() {
	! host test -e /proc/sys/net/bridge/bridge-nf-call-iptables ||
		[ "$(host cat /proc/sys/net/bridge/bridge-nf-call-iptables)" = 0 ] ||
		! host nft list ruleset | grep -q .
}

rule_hits() {
	bn -j policy list | json "[r for r in d['rules']
		if r['name'] == '$1'][0]['packets'] > 0" | grep -x True
}

beat_stops() {
	local before=0 now

	now=$(cat "$TMP/beat")
	while [ "$now" != "$before" ]; do
		before=$now
		! pings app1 "${ip[app2]}" || return 1
		now=$(cat "$TMP/beat")
	done
}

# at_8000 NAMESPACE CONTAINER
at_8000() {
	get "$1" "http://${url[$2]}:8000/"
}

world
network apps 172.20.0.0/24 fd00:20::/64
for n in 1 2 3; do
	container "app$n" apps "172.20.0.1$n" "fd00:20::1$n"
	serve "app$n" http 8000
done
serve app2 tcp 9000

while next_version; do
	ok "first, app1 reaches app2" says ^app2 at_8000 app1 app2
	beat app1 "${ip[app2]}" 9000
	ok "a connection stands between them" beats_on

	ok "deny app1 -> app2" \
		bn policy add name one-way from app1 to app2 deny
	ok "deny app2 -> app1" bn policy add name back from app2 to app1 deny
	ok "app1 -> app2 fails, counted as policy-deny" \
		dropped_as policy-deny at_8000 app1 app2
	ok "app2 -> app1 fails, counted as policy-deny" \
		dropped_as policy-deny at_8000 app2 app1
	ok "ping fails as well" \
		dropped_as policy-deny pings app1 "${ip[app2]}"
	ok "the standing connection is cut at once" beat_stops
	ok "app1 -> app3 works" says ^app3 at_8000 app1 app3
	ok "app2 -> app3 works" says ^app3 at_8000 app2 app3
	ok "app3 -> app2 works" says ^app2 at_8000 app3 app2
	ok "app3 -> app1 works" says ^app1 at_8000 app3 app1
	ok "the rule counts what it denied" rule_hits one-way
	ok "no br_netfilter has a part in it" no_bridge_filter
	ok "del the rules" bn policy del one-way
	ok "and the other one" bn policy del back
	ok "app1 -> app2 works again" says ^app2 at_8000 app1 app2
done

finish
