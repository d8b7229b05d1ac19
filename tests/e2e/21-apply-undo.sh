#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
# 21-apply-undo - an apply that fails half way leaves things as they were
#
#   inet --- up0 host --- bn-apps 172.20.0.1/24: old 172.20.0.5 (runs already)
#                         what the file adds: a network, endpoints web and api;
#                         something foreign is in the way of one of them
#
. "$(dirname "$0")/lib.sh"

file() {
	cat <<END
version: 1
networks:
  apps:  {subnets: [172.20.0.0/24]}
  extra: {subnets: [172.30.0.0/24]}
endpoints:
  old: {network: apps, ip: [172.20.0.5], netns: $P-old}
  api: {network: extra, ip: [172.30.0.7], netns: $P-api}
  web: {network: apps, ip: [172.20.0.6], netns: $P-web}
publish:
  - "8081 -> api:80"
  - "8082 -> web:80"
policy:
  - {from: net:apps, to: net:extra, allow: true}
END
}

state() {
	bn export
	host "$ROOT/tools/listing" namespace
	find "/run/$P" "/sys/fs/bpf/$P" | sort
	ip netns list | sed 's/ .*//' | grep "^$P-" | sort
	at old ip -o -4 address
}

# undone PATTERN: the apply fails, says why in one line, nothing has changed.
undone() {
	state >"$TMP/state.before"
	if bn apply -f "$TMP/file.yaml" 2>"$TMP/apply.err"; then
		echo "it succeeds"
		return 1
	fi
	cat "$TMP/apply.err"
	[ "$(wc -l <"$TMP/apply.err")" = 1 ] || return 1
	grep -qE "^bpfnet: .*($1)" "$TMP/apply.err" || return 1
	state >"$TMP/state.after"
	same "$TMP/state.before" "$TMP/state.after"
}

world
must bn -q network add apps subnet 172.20.0.0/24
container old apps 172.20.0.5
must bn -q port publish 8080 old:80
serve old http 80
serve old tcp 9000
serve inet http 80
file >"$TMP/file.yaml"
beat host 172.20.0.5 9000

must host ip link add bne-web type bridge
ok "a foreign device has the name that web's would get" undone bne-web
ok "the foreign device is still there" host ip link show bne-web
ok "what ran before still runs" says ^old get inet "http://$HOST:8080/"
ok "its connections stand" beats_on
must host ip link delete bne-web

must ip netns add "$P-web"
must at web ip link add eth0 type bridge
ok "web's namespace has an eth0 already" undone 'eth0|web'
ok "the namespace and its eth0 are still there" at web ip link show eth0
must at web ip link delete eth0
must ip netns delete "$P-web"

must host ip link add bn-extra type bridge
ok "a foreign bridge has the new network's name" undone bn-extra
ok "the foreign bridge is still there" host ip link show bn-extra
must host ip link delete bn-extra

ok "with nothing in the way the same file is applied" \
	bn apply -f "$TMP/file.yaml"
serve web http 80
ok "and works" says "^web $INET " get inet "http://$HOST:8082/"
ok "the connection from before all this still stands" beats_on

finish
