#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
# 01-isolated-namespace - a namespace that reaches nobody, and nobody it (S1)
#
#   host                         $P-prod
#   up0 203.0.113.2   (nothing)  lo 127.0.0.1
#
. "$(dirname "$0")/lib.sh"

only_lo() {
	[ "$(at prod ip -o link show | wc -l)" = 1 ] &&
		at prod ip -o link show dev lo | grep -q '<LOOPBACK,UP'
}

named() {
	ip netns list | grep -qw "$P-prod"
}

listed() {
	bn -j netns list | json "'$P-prod' in [n['name'] for n in d['netns']]" |
		grep -x True
}


world

ok "bpfnet makes the namespace" bn netns add "$P-prod"
ok "'ip netns list' shows it" named
ok "'bpfnet netns list' shows it" listed
ok "it has nothing but lo, which is up" only_lo
ok "ping 127.0.0.1 works inside" pings prod 127.0.0.1
ok "the host cannot be reached" fails pings prod "$HOST"
ok "the internet cannot be reached" fails pings prod "$INET"
ok "the host's devices cannot be seen" fails at prod ip link show up0
ok "'bpfnet exec' runs a command inside" \
	says lo bn exec "$P-prod" -- ip -br link
ok "'bpfnet exec' hands the exit status on" \
	exits 42 bn exec "$P-prod" -- sh -c 'exit 42'
ok "a second 'add' changes nothing and is no error" \
	says unchanged bn netns add "$P-prod"
ok "'dns' gives it a resolv.conf of its own" \
	bn netns add "$P-dns" dns 192.0.2.53
ok "which programs inside see" \
	says '^nameserver 192.0.2.53$' bn exec "$P-dns" -- cat /etc/resolv.conf
ok "'del' removes it" bn netns del "$P-prod"
ok "its name is gone" fails named
ok "deleting what is not there is 'not found'" \
	exits 3 bn netns del "$P-prod"

finish
