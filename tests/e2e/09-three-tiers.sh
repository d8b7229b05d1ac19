#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
# 09-three-tiers - one file makes three tiers (S9)
#
#   inet                 host                  examples/three-tier.yaml
#   eth0 203.0.113.1 --- up0 203.0.113.2 :80 -> web:80
#                        frontend 192.168.10.1/24  web 192.168.10.10
#                        backend  192.168.20.1/24  api 192.168.20.10
#                        database 192.168.30.1/24  db  192.168.30.10
#
. "$(dirname "$0")/lib.sh"

# The example with namespaces whose names collide with nobody's.
with_own_namespaces() {
	sed -E "s/^  (web|api|db): *\{/&netns: $P-\1, /" \
		"$ROOT/examples/three-tier.yaml"
}

no_process() {
	! pgrep -f "instance $P" && ! host ss -xlp | grep -q bpfnet
}

web=192.168.10.10
api=192.168.20.10
db=192.168.30.10

world
with_own_namespaces >"$TMP/tiers.yaml"
inet ip route add 192.168.0.0/16 via "$HOST"
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

ok "internet -> host:80 reaches web, which sees the client" \
	says "^web $INET " get inet "http://$HOST/"
ok "localhost:80 on the host reaches web" \
	says "^web " host_get http://localhost/
ok "web -> api works" says "^api $web " get web "http://$api:8080/"
ok "api -> db:3306 works" says "^db $api " ask api tcp "$db" 3306
ok "web -> internet works, in the host's name" \
	says "^inet $HOST " get web "http://$INET/"
ok "web -> db is dropped" dropped_as policy-deny ask web tcp "$db" 3306
ok "web cannot ping db" dropped_as policy-deny pings web "$db"
ok "db -> web is dropped" fails get db "http://$web/"
ok "api -> internet is dropped" fails get api "http://$INET/"
ok "db -> internet is dropped" \
	dropped_as internal-network get db "http://$INET/"
ok "internet -> api is dropped" \
	dropped_as unpublished get inet "http://$api:8080/"
ok "internet -> db is dropped" \
	dropped_as unpublished ask inet tcp "$db" 3306
ok "'export' is a file that 'apply' finds unchanged" \
	eval 'bn export >"$TMP/export.yaml" && bn diff -f "$TMP/export.yaml"'

finish
