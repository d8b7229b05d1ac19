#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
# 09-three-tiers - one file makes three tiers (S9)
#
#   inet                   host
#   eth0 203.0.113.1   --- up0 203.0.113.2       :80 -> web:80
#        2001:db8:1::1         2001:db8:1::2
#                          frontend 192.168.10.1/24  web 192.168.10.10
#                                   fd00:10::1/64        fd00:10::10
#                          backend  192.168.20.1/24  api 192.168.20.10
#                                   fd00:20::1/64        fd00:20::10
#                          database 192.168.30.1/24  db  192.168.30.10
#                                   fd00:30::1/64        fd00:30::10
#
. "$(dirname "$0")/lib.sh"

families 4 6 dual

# The example with namespaces whose names collide with nobody's.
file() {
	case $FAMILY in
	4) cat "$ROOT/examples/three-tier.yaml" ;;
	6) sed -E 's/[0-9.]+(\/24)?, "fd/"fd/' "$ROOT/examples/dual-stack.yaml" ;;
	dual) cat "$ROOT/examples/dual-stack.yaml" ;;
	esac | sed -E "s/^  (web|api|db): *\{/&netns: $P-\1, /"
}

no_process() {
	! pgrep -f "instance $P" && ! host ss -xlp | grep -q bpfnet
}

world
address web 192.168.10.10 fd00:10::10
address api 192.168.20.10 fd00:20::10
address db 192.168.30.10 fd00:30::10
file >"$TMP/tiers.yaml"
serve inet http 80

ok "'apply -n' prints the plan" \
	says "+ network backend" bn -n apply -f "$TMP/tiers.yaml"
ok "and changes nothing" fails ip netns exec "$P-web" true
ok "one 'apply' makes it all" bn apply -f "$TMP/tiers.yaml"
ok "a second one changes nothing" says unchanged bn apply -f "$TMP/tiers.yaml"
ok "'diff' sees no difference" bn diff -f "$TMP/tiers.yaml"
ok "no process of bpfnet is left: the programs do the work" no_process

serve web http 80
serve api http 8080
serve db tcp 3306

while next_version; do
	# The internet knows the way in.
	for name in web api db; do
		inet ip route add "${ip[$name]}" via "$HOST"
	done

	ok "internet -> host:80 reaches web, which sees the client" \
		says "^web $INET " get inet "http://${url[host]}/"
	ok "localhost:80 on the host reaches web" \
		says "^web " host_get http://localhost/
	ok "web -> api works" \
		says "^api ${ip[web]} " get web "http://${url[api]}:8080/"
	ok "api -> db:3306 works" \
		says "^db ${ip[api]} " ask api tcp "${ip[db]}" 3306
	ok "web -> internet works, in the host's name" \
		says "^inet $HOST " get web "http://${url[inet]}/"
	ok "web -> db is dropped" \
		dropped_as policy-deny ask web tcp "${ip[db]}" 3306
	ok "web cannot ping db" \
		dropped_as policy-deny pings web "${ip[db]}"
	ok "db -> web is dropped" \
		dropped_as policy-default get db "http://${url[web]}/"
	ok "db -> api is dropped" \
		dropped_as policy-default get db "http://${url[api]}:8080/"
	ok "api -> internet is dropped" \
		dropped_as untranslated-egress get api "http://${url[inet]}/"
	ok "db -> internet is dropped" \
		dropped_as internal-network get db "http://${url[inet]}/"
	ok "internet -> web is dropped, by its own address" \
		dropped_as unpublished get inet "http://${url[web]}/"
	ok "internet -> api is dropped" \
		dropped_as unpublished get inet "http://${url[api]}:8080/"
	ok "internet -> db is dropped" \
		dropped_as unpublished ask inet tcp "${ip[db]}" 3306
done
ok "'export' is a file that 'apply' finds unchanged" \
	eval 'bn export >"$TMP/export.yaml" && bn diff -f "$TMP/export.yaml"'

finish
