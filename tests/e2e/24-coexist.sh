#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
# 24-coexist - other people's firewalls and programs
#
#   inet                   host                    bn-apps 172.20.0.1/24
#   eth0 203.0.113.1   --- up0 203.0.113.2             fd00:20::1/64
#        2001:db8:1::1         2001:db8:1::2    app1 172.20.0.11 fd00:20::11
#                          8080 -> app1:80      app2 172.20.0.12 fd00:20::12
#                          iptables FORWARD DROP, with br_netfilter,
#                          nft rules, tc filters, tcx programs
#
. "$(dirname "$0")/lib.sh"

families dual

TCX=$ROOT/tests/e2e/tcx.py

# app2 does not know app1's MAC any more. The bridge carries the question; with
# br_netfilter, ip6tables would drop that of IPv6.
forget_neighbour() {
	at app2 ip "-$VERSION" neighbour flush dev eth0
}

all_works() {
	forget_neighbour
	says "^inet $HOST " get app1 "http://${url[inet]}/" &&
		says "^app1 $INET " get inet "http://${url[host]}:8080/" &&
		says "^app1 ${ip[app2]} " get app2 "http://${url[app1]}/" &&
		says "^app1 " host_get http://localhost:8080/ &&
		pings app1 "${ip[apps]}" &&
		pings inet "$HOST"
}

# all_work TEXT: one check for each IP version.
all_work() {
	while next_version; do
		ok "$1" all_works
	done
}

# A filter of somebody else: a classic BPF program that looks and lets pass.
foreign_filter() {
	host tc filter add dev up0 ingress prio "$1" protocol all \
		bpf bytecode '1,6 0 0 0'
}

foreign_filters() {
	host tc filter show dev up0 ingress | grep bytecode
}

has_tcx() {
	! exits 77 host python3 "$TCX" lo ingress first >"$TMP/has-tcx"
}

# A tcx program of somebody else. foreign_program DEVICE HOOK first|last
foreign_program() {
	[ "$tcx" = yes ] || return
	start host python3 "$TCX" "$@" "$TMP/tcx-$1-$2-$3"
	must await test -s "$TMP/tcx-$1-$2-$3"
	foreign+=("$1-$2-$3")
}

packets_of() {
	"$BPFTOOL" -j map lookup id "$(cat "$TMP/tcx-$1")" key 0 0 0 0 |
		json "int.from_bytes([int(b, 16) for b in d['value']], 'little')"
}

# foreign_programs_see CMD...: all of them count packets while it runs.
foreign_programs_see() {
	local name blind=0
	local -A before

	for name in "${foreign[@]}"; do
		before[$name]=$(packets_of "$name") || return 1
	done
	"$@" || return 1
	for name in "${foreign[@]}"; do
		[ "$(packets_of "$name")" -gt "${before[$name]}" ] && continue
		echo "$name: still ${before[$name]}"
		blind=1
	done
	return "$blind"
}

world
# This makes the tables, which stay as long as the namespace.
must host iptables-legacy -P FORWARD ACCEPT
must host ip6tables-legacy -P FORWARD ACCEPT
must host tc qdisc add dev up0 clsact
must foreign_filter 7
foreign_filters >"$TMP/filters.before"
foreign=()
tcx=yes
if ! has_tcx; then
	tcx=no
	skip_check "foreign tcx programs" "this kernel has no tcx"
fi
foreign_program up0 ingress first
foreign_program up0 egress first
network apps 172.20.0.0/24 fd00:20::/64
container app1 apps 172.20.0.11 fd00:20::11
container app2 apps 172.20.0.12 fd00:20::12
serve app1 http 80
serve inet http 80
must bn -q port publish 8080 app1:80

all_work "beside a tc filter and tcx programs that were there before"
must foreign_filter 9
foreign_program up0 ingress last
foreign_program up0 egress last
for place in first last; do
	foreign_program bne-app1 ingress "$place"
	foreign_program bne-app1 egress "$place"
done
all_work "and those that came after"
while [ "$tcx" = yes ] && next_version; do
	ok "the tcx programs see packets, before and after ours" \
		foreign_programs_see all_works
done
foreign_filters >"$TMP/filters.during"

must host iptables-legacy -P FORWARD DROP
must host ip6tables-legacy -P FORWARD DROP
if host test -e /proc/sys/net/bridge; then
	for br_netfilter in 0 1; do
		for name in iptables ip6tables arptables; do
			host sysctl -qw "net.bridge.bridge-nf-call-$name=$br_netfilter"
		done
		all_work "iptables drops what the host forwards: not ours (br_netfilter: $br_netfilter)"
	done
else
	all_work "iptables drops what the host forwards: not ours"
	skip_check "the same with br_netfilter" "this kernel has none"
fi
must host iptables-legacy -P FORWARD ACCEPT
must host ip6tables-legacy -P FORWARD ACCEPT
must host nft add table inet theirs
must host nft add chain inet theirs forward \
	'{ type filter hook forward priority 0; policy drop; }'
all_work "so does nft: not ours"
must host nft flush ruleset
all_work "'nft flush ruleset' takes nothing away from us"

ok "bpfnet did not touch the foreign filters" \
	grep -qF -f "$TMP/filters.before" "$TMP/filters.during"
ok "purge" bn purge
foreign_filters >"$TMP/filters.after"
ok "and purge leaves them there" \
	same "$TMP/filters.during" "$TMP/filters.after"
# Those of the containers' devices have gone with them.
foreign=(up0-ingress-first up0-ingress-last up0-egress-first up0-egress-last)
while [ "$tcx" = yes ] && next_version; do
	ok "the tcx programs on the uplink still see packets" \
		foreign_programs_see pings inet "$HOST"
done
must host tc filter del dev up0 ingress prio 9

finish
