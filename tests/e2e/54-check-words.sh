#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
# 54-check-words - what check says to who has to do something about it
#
#   inet                   host                    bn-apps 172.20.0.1/24
#   eth0 203.0.113.1   --- up0 203.0.113.2         app1 172.20.0.11 :80
#                          8080 -> app1:80
#
. "$(dirname "$0")/lib.sh"

PIN=/sys/fs/bpf/$P
XDP=$TMP/xdp.o

# tells SEVERITY CHECK OBJECT WORDS: check has such a line.
tells() {
	bn check >"$TMP/check"
	grep -E "^$1 +$2 +$3 .*$4" "$TMP/check" || {
		cat "$TMP/check"
		return 1
	}
}

sound() {
	bn check >"$TMP/check" && return
	cat "$TMP/check"
	return 1
}

works() {
	says "^app1 $INET " get inet "http://$HOST:8080/" &&
		says "^app1 " get host "http://172.20.0.11/"
}

# broken TEXT SEVERITY CHECK OBJECT WORDS CMD...: found, repaired, and all works.
broken() {
	ok "$1" must "${@:6}"
	ok "  check says: $5" tells "$2" "$3" "$4" "$5"
	ok "  --fix repairs it" bn check --fix
	ok "  nothing is wrong any more, and traffic flows" eval 'sound &&
		await works'
}

# The published port, out of the table.
forget_port() {
	local key

	key=$("$BPFTOOL" -j map dump pinned "$PIN/maps/bn_publish" |
		json '" ".join(d[0]["key"])')
	# shellcheck disable=SC2086 # one word a byte
	"$BPFTOOL" map delete pinned "$PIN/maps/bn_publish" key $key
}

# A program that lets everything pass.
compile_xdp() {
	printf '%s\n' '__attribute__((section("xdp"), used))' \
		'int passes(void *frame) { return frame ? 2 : 1; }' \
		'__attribute__((section("license"), used)) char l[] = "GPL";' |
		clang -O2 -g -target bpf -x c -c -o "$XDP" -
}

world
# What was there before bpfnet: its tables stay loaded with the namespace.
must host iptables-legacy -t nat -A POSTROUTING -s 192.0.2.0/24 -j MASQUERADE
network apps 172.20.0.0/24 fd00:20::/64
container app1 apps 172.20.0.11
must bn -q port publish 8080 app1:80
serve inet http 80
serve app1 http 80
ok "all is well" eval 'sound && works'

OTHER=02:00:00:00:00:77
broken "ip link set address, a bridge" warning network "network apps" \
	"bn-apps has MAC $OTHER instead of" \
	host ip link set bn-apps address $OTHER
broken "ip link set address, in a container" warning endpoint "endpoint app1" \
	"eth0 in its namespace has MAC $OTHER instead of" \
	at app1 ip link set eth0 address $OTHER
broken "a port out of its table" error table bn_publish \
	"port 8080/tcp is missing in the table of published ports" forget_port

must compile_xdp
ok "an XDP program of somebody else, at the uplink" \
	must host ip link set dev up0 xdpgeneric obj "$XDP" sec xdp
ok "check names it and its place" tells warning foreign-program "uplink up0" \
	"xdp program 'passes' of somebody else at up0 ingress"
ok "--fix does not touch it, and fails" exits 1 bn check --fix
ok "it is there" eval 'host ip link show up0 | grep -q xdpgeneric'
ok "and traffic flows" works
must host ip link set dev up0 xdpgeneric off
ok "when it is gone, nothing is wrong" sound

must host nft 'add table inet guard; add chain inet guard f {
	type filter hook forward priority 0; policy drop; }'
ok "rules of nftables that drop what is forwarded are a note" \
	tells note firewall guard "also for what is forwarded"
ok "and those of older iptables" tells note firewall iptables-legacy \
	"tables are loaded \(.*nat.*\)"
ok "which is nothing wrong, and traffic flows" eval 'sound && works'
must host nft delete table inet guard

finish
