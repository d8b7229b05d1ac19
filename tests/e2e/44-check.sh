#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
# 44-check - strangers break things one by one; check names each, --fix repairs
#
#   inet                   host                    bn-apps 172.20.0.1/24
#   eth0 203.0.113.1   --- up0 203.0.113.2         app1 172.20.0.11 :80 :9000
#                          8080 -> app1:80         app2 172.20.0.12 :80
#                          9000 -> app1:9000       rule: app2 not to app1
#
. "$(dirname "$0")/lib.sh"

PIN=/sys/fs/bpf/$P

# sees NAME SEVERITY OBJECT: check exits with 1 and has such a line.
sees() {
	exits 1 bn -j check >"$TMP/check.json" || return 1
	json "[c for c in d[\"checks\"] if c[\"name\"] == \"$1\" and
		c[\"severity\"] == \"$2\" and c[\"object\"] == \"$3\"][0]" \
		<"$TMP/check.json"
}

sound() {
	bn -j check >"$TMP/check.json" && return
	json '[c for c in d["checks"] if c["severity"] in ("warning", "error")]' \
		<"$TMP/check.json"
	return 1
}

# Everything of the instance and its devices, as far as it stands still.
everything() {
	find "/run/$P" "$PIN" -printf '%p %T@ %s %i\n' 2>/dev/null | sort
	find "/run/$P" -type f -exec sha256sum {} +
	host ip -o link | sed 's/<[^>]*>//; s/state [A-Z]*//; s/qdisc [a-z]*//'
	host ip -o addr | sed 's/ tentative//; /fe80:/d'
	host ip route | sed 's/ linkdown//'
	host tc filter show dev up0 ingress
	host sysctl net.ipv4.conf.up0.rp_filter net.ipv4.ip_forward
}

works() {
	says "^app1 $INET " get inet "http://$HOST:8080/" &&
		says "^app1 " host_get http://localhost:8080/ &&
		says "^app1 " get host "http://172.20.0.11/" &&
		says "^inet $HOST " get app2 "http://$INET/" &&
		dropped_as policy-deny get app2 "http://172.20.0.11/"
}

goes_on() {
	kill -0 "$BEATER" && beats_on
}

# broken TEXT NAME SEVERITY OBJECT CMD...: a stranger's deed. Then it is found,
# looked at without a change, and repaired.
broken() {
	ok "$1" must "${@:5}"
	everything >"$TMP/before"
	ok "  check names it: $2, $3, '$4'" sees "$2" "$3" "$4"
	everything >"$TMP/after"
	ok "  and changes nothing" same "$TMP/before" "$TMP/after"
	ok "  --fix repairs it" bn check --fix
	ok "  nothing is wrong any more" sound
	ok "  and traffic flows" await works
}

link_detach() {
	"$BPFTOOL" -j link show pinned "$PIN/links/$1" | json 'd["id"]' |
		xargs "$BPFTOOL" link detach id
}

# From a hook, however the program is attached there. unhook DEVICE DIRECTION PIN
unhook() {
	local pin

	pin=$PIN/links/$3_$(host ip -o link show "$1" | cut -d: -f1)
	if [ -e "$pin" ]; then
		link_detach "$(basename "$pin")"
	else
		host tc filter del dev "$1" "$2"
	fi
}

# The first element of a table, away. forget TABLE
forget() {
	local key

	key=$("$BPFTOOL" -j map dump pinned "$PIN/maps/$1" |
		json '" ".join(d[0]["key"])')
	# shellcheck disable=SC2086 # one word a byte
	"$BPFTOOL" map delete pinned "$PIN/maps/$1" key $key
}

# The lines that begin so, of the journal.
damage_record() {
	grep -q "^$1 " "/run/$P/journal" && sed -i "s|^$1 |&x|" "/run/$P/journal"
}

world
cable up1 198.51.100.2/24 inet eth1 198.51.100.1/24
network apps 172.20.0.0/24 fd00:20::/64
container app1 apps 172.20.0.11
container app2 apps 172.20.0.12
must bn -q port publish 8080 app1:80
must bn -q port publish 9000 app1:9000
must bn -q policy add name keep-out from app2 to app1 deny
serve inet http 80
serve app1 http 80
serve app1 tcp 9000
ok "all is well: nothing is wrong" sound
ok "and exit status 0, with a line for each check" \
	says '^ok *hook *all programs run' bn check
ok "as JSON" eval '[ "$(bn -j check | json "d[\"schema\"]")" = bpfnet/1 ]'
ok "--fix changes nothing then" eval '
	everything >"$TMP/before"; bn check --fix
	everything | sed "s/lock .*/lock/" >"$TMP/after"
	sed -i "s/lock .*/lock/" "$TMP/before"; same "$TMP/before" "$TMP/after"'
beat inet "$HOST" 9000

broken "ip link set down" network error "network apps" \
	host ip link set bn-apps down
broken "ip link set MTU" network warning "network apps" \
	host ip link set bn-apps mtu 1300
broken "ip addr del" network error "network apps" \
	host ip addr del 172.20.0.1/24 dev bn-apps
broken "ip link del, a bridge" network error "network apps" \
	host ip link del bn-apps
broken "nomaster" endpoint error "endpoint app1" \
	host ip link set bne-app1 nomaster
broken "ip_forward, on and off again" network error "network apps" \
	host sysctl -qw net.ipv4.ip_forward=1 net.ipv4.ip_forward=0
broken "ip route del, in a container" endpoint warning "endpoint app2" \
	at app2 ip route del default
broken "the uplink's program taken away, egress" hook error "uplink up0" \
	unhook up0 egress to_uplink
broken "a container's program taken away" hook error "endpoint app2" \
	unhook bne-app2 ingress from_container
broken "bpftool link detach, a socket's hook" hook error sockets \
	link_detach cgroup_bn_connect4
broken "rm of a link's pin" hook error sockets \
	rm "$PIN/links/cgroup_bn_getpeer4"
broken "rm of a map's pin" pin error maps/bn_addrs rm "$PIN/maps/bn_addrs"
broken "rm of all of them" pin error maps/bn_config rm -r "$PIN/maps"
broken "rm of a program's pin" pin error progs/bn_to_container \
	rm "$PIN/progs/bn_to_container"
broken "an address out of a table" table error bn_addrs forget bn_addrs
broken "a port out of a table" table error bn_publish forget bn_publish
broken "the policy" table error bn_policy \
	"$BPFTOOL" map delete pinned "$PIN/maps/bn_policy" key 0 0 0 0
for record in "network apps" "endpoint app1" "publish 1" "uplink up0" \
	"netns $P-app2"; do
	broken "a damaged record, $record" record error "" \
		damage_record "+ $record"
done
ok "the connection that was there before all that goes on" goes_on

# What ends connections, or is not ours
end_process "$BEATER"
BEATER=
broken "ip link del, a container's device" endpoint error "endpoint app1" \
	host ip link del bne-app1
# The host's stack answers what it sees then with a reset.
broken "the uplink's program taken away, ingress" hook error "uplink up0" \
	unhook up0 ingress from_uplink
broken "rm of all pins" pin error "" rm -r "$PIN"

ok "a tcx program of somebody else, in front" eval '
	host python3 "$ROOT/tests/e2e/tcx.py" lo ingress first ||
		[ $? = 77 ]'
start host python3 "$ROOT/tests/e2e/tcx.py" up0 ingress first "$TMP/tcx"
foreign=${STARTED[-1]}
if await test -s "$TMP/tcx"; then
	ok "check names it" sees foreign-program warning "uplink up0"
	ok "--fix does not touch it, and fails" exits 1 bn check --fix
	ok "it is there" kill -0 "$foreign"
	ok "and traffic flows" works
	end_process "$foreign"
	ok "when it is gone, nothing is wrong" sound
else
	skip_check "a tcx program" "this kernel has no tcx"
fi

rp_filter_is() {
	bn -j check | json '[c["severity"] for c in d["checks"]
		if c["name"] == "rp-filter"][0]' | grep -qx "$1"
}
must host sysctl -qw net.ipv4.conf.up0.rp_filter=1
ok "rp_filter: a note, with one uplink" rp_filter_is note
ok "which is nothing wrong" sound
must bn -q uplink add up0
must bn -q uplink add up1
ok "a warning, with two" sees rp-filter warning "uplink up0"
ok "--fix does not touch it" eval 'exits 1 bn check --fix &&
	[ "$(host sysctl -n net.ipv4.conf.up0.rp_filter)" = 1 ]'
must host sysctl -qw net.ipv4.conf.up0.rp_filter=0

must bn -q purge
ok "a namespace whose record was damaged is taken for somebody else's" \
	ip netns delete "$P-app2"

finish
