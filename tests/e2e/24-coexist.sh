#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
# 24-coexist - other people's firewalls and programs
#
#   inet                 host                      bn-apps 172.20.0.1/24
#   eth0 203.0.113.1 --- up0 203.0.113.2 --------- app1 172.20.0.11 :80
#                        iptables FORWARD DROP     app2 172.20.0.12
#                        nft rules, tc filters
#
. "$(dirname "$0")/lib.sh"

all_works() {
	says "^inet $HOST " get app1 "http://$INET/" &&
		says "^app1 $INET " get inet "http://$HOST:8080/" &&
		says "^app1 172.20.0.12 " get app2 http://172.20.0.11/ &&
		says "^app1 " host_get http://localhost:8080/
}

# A filter of somebody else: a classic BPF program that looks and lets pass.
foreign_filter() {
	host tc filter add dev up0 ingress prio "$1" protocol all \
		bpf bytecode '1,6 0 0 0'
}

foreign_filters() {
	host tc filter show dev up0 ingress | grep bytecode
}

world
must host tc qdisc add dev up0 clsact
must foreign_filter 7
foreign_filters >"$TMP/filters.before"
must bn -q network add apps subnet 172.20.0.0/24
container app1 apps 172.20.0.11
container app2 apps 172.20.0.12
serve app1 http 80
serve inet http 80
must bn -q port publish 8080 app1:80

ok "beside a foreign tc filter that was there before" all_works
must foreign_filter 9
ok "and one that came after" all_works
foreign_filters >"$TMP/filters.during"

must host iptables-legacy -P FORWARD DROP
ok "iptables drops what the host forwards: not ours" all_works
must host iptables-legacy -P FORWARD ACCEPT
must host nft add table inet theirs
must host nft add chain inet theirs forward \
	'{ type filter hook forward priority 0; policy drop; }'
ok "so does nft: not ours" all_works
must host nft flush ruleset
ok "'nft flush ruleset' takes nothing away from us" all_works

ok "bpfnet did not touch the foreign filters" \
	grep -qF -f "$TMP/filters.before" "$TMP/filters.during"
ok "purge" bn purge
foreign_filters >"$TMP/filters.after"
ok "and purge leaves them there" \
	same "$TMP/filters.during" "$TMP/filters.after"

finish
