#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
# 04-bridge-three-apps - everyone on one bridge talks to everyone (S4)
#
#                 host: bridge bn-apps 172.20.0.1/24
#                /              |              \
#   app1 172.20.0.11    app2 172.20.0.12    app3 172.20.0.13
#
. "$(dirname "$0")/lib.sh"

all_drops() {
	bn -j stats drops |
		json "{why: n for why, n in d['drops'].items() if n}"
}

world
must bn -q network add apps subnet 172.20.0.0/24
for n in 1 2 3; do
	container "app$n" apps "172.20.0.1$n"
	serve "app$n" http 8000
done

for from in 1 2 3; do
	for to in 1 2 3; do
		[ "$from" = "$to" ] && continue
		ok "app$from pings app$to" pings "app$from" "172.20.0.1$to"
		ok "app$from speaks HTTP to app$to, which sees who asks" \
			says "^app$to 172.20.0.1$from " \
			get "app$from" "http://172.20.0.1$to:8000/"
	done
done
ok "the host speaks HTTP to app1" \
	says "^app1 172.20.0.1 " get host http://172.20.0.11:8000/
ok "app1 pings its gateway" pings app1 172.20.0.1
ok "no drop was counted" says '^{}$' all_drops
ok "a taken address is refused, naming its owner" \
	exits 4 bn endpoint attach "$P-app4" apps ip 172.20.0.11
ok "an endpoint that goes takes its device along" \
	bn endpoint detach app3
ok "nobody answers there any more" fails pings app1 172.20.0.13
ok "the others still talk" pings app1 172.20.0.12

finish
