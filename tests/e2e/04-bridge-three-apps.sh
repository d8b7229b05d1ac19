#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
# 04-bridge-three-apps - everyone on one bridge talks to everyone (S4)
#
#             host: bridge bn-apps 172.20.0.1/24, fd00:20::1/64
#            /                     |                     \
#   app1 172.20.0.11        app2 172.20.0.12        app3 172.20.0.13
#        fd00:20::11             fd00:20::12             fd00:20::13
#
. "$(dirname "$0")/lib.sh"

families 4 6 dual

all_drops() {
	bn -j stats drops |
		json "{why: n for why, n in d['drops'].items() if n}"
}

world
network apps 172.20.0.0/24 fd00:20::/64
for n in 1 2 3; do
	container "app$n" apps "172.20.0.1$n" "fd00:20::1$n"
	serve "app$n" http 8000
done

while next_version; do
	for from in app1 app2 app3; do
		for to in app1 app2 app3; do
			[ "$from" = "$to" ] && continue
			ok "$from pings $to" pings "$from" "${ip[$to]}"
			ok "$from speaks HTTP to $to, which sees who asks" \
				says "^$to ${ip[$from]} " \
				get "$from" "http://${url[$to]}:8000/"
		done
	done
	ok "the host speaks HTTP to app1" \
		says "^app1 ${ip[apps]} " get host "http://${url[app1]}:8000/"
	ok "app1 pings its gateway" pings app1 "${ip[apps]}"
done
ok "no drop was counted" says '^{}$' all_drops
ok "an endpoint that goes takes its device along" \
	bn endpoint detach app3
while next_version; do
	ok "a taken address is refused, naming its owner" says app2 \
		exits 4 bn endpoint attach "$P-app4" apps ip "${ip[app2]}"
	ok "nobody answers any more where app3 was" fails pings app1 "${ip[app3]}"
	ok "the others still talk" pings app1 "${ip[app2]}"
done

finish
