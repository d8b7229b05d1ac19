#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
# 07-block-pair - two on one bridge may not talk, the third may (S7)
#
#               host: bridge bn-apps 172.20.0.1/24
#              /              |              \
#   app1 172.20.0.11 ✗ app2 172.20.0.12   app3 172.20.0.13
#
. "$(dirname "$0")/lib.sh"

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
		! pings app1 172.20.0.12 || return 1
		now=$(cat "$TMP/beat")
	done
}

world
must bn -q network add apps subnet 172.20.0.0/24
for n in 1 2 3; do
	container "app$n" apps "172.20.0.1$n"
	serve "app$n" http 8000
done
serve app2 tcp 9000

ok "first, app1 reaches app2" says ^app2 get app1 http://172.20.0.12:8000/
beat app1 172.20.0.12 9000
ok "a connection stands between them" beats_on

ok "deny app1 -> app2" bn policy add name one-way from app1 to app2 deny
ok "deny app2 -> app1" bn policy add name back from app2 to app1 deny
ok "app1 -> app2 fails, counted as policy-deny" \
	dropped_as policy-deny get app1 http://172.20.0.12:8000/
ok "app2 -> app1 fails, counted as policy-deny" \
	dropped_as policy-deny get app2 http://172.20.0.11:8000/
ok "ping fails as well" dropped_as policy-deny pings app1 172.20.0.12
ok "the standing connection is cut at once" beat_stops
ok "app1 -> app3 works" says ^app3 get app1 http://172.20.0.13:8000/
ok "app2 -> app3 works" says ^app3 get app2 http://172.20.0.13:8000/
ok "app3 -> app1 and app2 work" says ^app2 get app3 http://172.20.0.12:8000/
ok "the rule counts what it denied" rule_hits one-way
ok "no br_netfilter has a part in it" no_bridge_filter
ok "del the rules" bn policy del one-way
ok "and the other one" bn policy del back
ok "app1 -> app2 works again" says ^app2 get app1 http://172.20.0.12:8000/

finish
