#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
# 48-addresses - one that was given back is the last to be handed out again,
#                and is not while a connection of its former holder stands
#
#   inet                   host                    bn-apps 172.20.0.1/24
#   eth0 203.0.113.1   --- up0 203.0.113.2             fd00:20::1/64
#        2001:db8:1::1         2001:db8:1::2    two addresses: .2 and .3
#
. "$(dirname "$0")/lib.sh"

families 4 6

attach() {
	bn -q endpoint attach "$P-$1" apps name "$1" "${@:2}"
}

detach() {
	bn -q endpoint detach "$1"
}

address_of() {
	bn -j endpoint show "$1" | json "d['endpoints'][0]['ips'][0]"
}

# gets NAME ADDRESS: attached, it has that one.
gets() {
	attach "$1" && says "^$2\$" address_of "$1"
}

# plans NAME ADDRESS: a dry run says the same.
plans() {
	says "+ endpoint $1 .*$2" bn -n endpoint attach "$P-$1" apps name "$1"
}

# A connection of NAME's. The flows of an endpoint end when it is detached; but
# its address is known a moment longer, so that packets that come just then
# leave flows behind. These are put there by hand.
connect() {
	start "$1" python3 "$SERVE" hold "$INET" 9000 "$TMP/held"
	must await test -e "$TMP/held"
	"$BPFTOOL" -j map dump pinned "$FLOWS" | json "'\n'.join(
		' '.join(['key', *e['key'], 'value', *e['value']]) for e in d)" \
		>"$TMP/flows"
	must test -s "$TMP/flows"
}

leave_flows() {
	local line

	while read -ra line; do
		must "$BPFTOOL" map update pinned "$FLOWS" "${line[@]}"
	done <"$TMP/flows"
	must says established bn flow list src "$B"
}

refused_for_flows() {
	exits 4 attach "$@" 2>&1 | tee "$TMP/refusal"
	grep -q "flows.*bpfnet flow del src $B" "$TMP/refusal"
}

remembers() {
	grep -q "\"$1\"" "/run/$P/addresses.json"
}

# It may have flows, as far as is known.
remembers_unchecked() {
	grep "\"unchecked\": \"$1\"" "/run/$P/addresses.json"
}

applies() {
	bn -q apply -f - <"$1"
}

world
case $FAMILY in
4) SUBNET=172.20.0.0/24 A=172.20.0.2 B=172.20.0.3 NAMED=172.21.0.9 SIDE=172.21.0.0/24
	OTHERS=172.22.0.0/24 ;;
6) SUBNET=fd00:20::/64 A=fd00:20::2 B=fd00:20::3 NAMED=fd00:21::9 SIDE=fd00:21::/64
	OTHERS=fd00:22::/64 ;;
esac
FLOWS=/sys/fs/bpf/$P/maps/bn_flows
must bn -q network add apps subnet "$SUBNET" range "$A-$B"
serve inet tcp 9000
serve inet udp 9001

ok "the first one gets the first address" gets one "$A"
detach one
ok "it is not the next one again" plans two "$B"
ok "a dry run has taken nothing" plans two "$B"
ok "so the same is taken then" gets two "$B"
connect two
# The next ones must not have two's number, or its flows end with theirs.
must bn -q network add side subnet "$SIDE"
must bn -q endpoint attach "$P-anchor" side name anchor
detach two
leave_flows
ok "the range begins anew" gets three "$A"
detach three
ok "with flows at the other one, the same comes again" gets three "$A"
ok "when that is taken, none is left, and it says why" refused_for_flows four
ok "nor does a dry run find one" \
	exits 4 bn -n endpoint attach "$P-four" apps name four
ok "who names it gets it" attach four ip "$B"
detach four
ok "afterwards it is kept back as before" refused_for_flows four
bn -q flow del src "$B"
ok "without flows it is free" gets four "$B"

must bn -q endpoint attach "$P-gone" side name gone ip "$NAMED"
must ip netns delete "$P-gone"
detach four
ok "who vanishes gives back the address" remembers_unchecked "$NAMED"
leave_flows
ok "flows that are about to expire count" refused_for_flows five
must bn -q apply -f - <<<'{"version": 1, "flows": {"tcp_established": "1s"}}'
ok "they expire, although nobody runs an agent" await attach five
ok "the address is that one" says "^$B\$" address_of five

detach three
detach five
cat >"$TMP/reserved.yaml" <<-END
	version: 1
	networks:
	  apps: {subnets: ["$SUBNET"], range: "$A-$B"}
	endpoints:
	  open: {network: apps, netns: $P-open}
	  named: {network: apps, netns: $P-named, ip: ["$A"]}
END
ok "what somebody names in the same file is kept for him" eval '
	applies "$TMP/reserved.yaml" && says "^$B\$" address_of open &&
	says "^$A\$" address_of named'
cat >"$TMP/fails.yaml" <<-END
	version: 1
	networks:
	  others: {subnets: ["$OTHERS"]}
	endpoints:
	  first: {network: others, netns: $P-first}
	  second: {network: others, netns: /nonexistent}
END
ok "an apply that fails leaves no memory of its network" eval '
	! applies "$TMP/fails.yaml" && ! remembers "$OTHERS" &&
	remembers "$SUBNET"'

detach open
detach named
echo '[{"subnet": 1' >"/run/$P/addresses.json"
ok "a damaged memory is told, and costs nothing" \
	says 'addresses.json.*left out' \
	bn endpoint attach "$P-six" apps name six
ok "it is written anew" remembers "$SUBNET"
detach six
ok "it goes with the network" eval '
	bn -q network del apps && [ ! -e "/run/$P/addresses.json" ]'

finish
