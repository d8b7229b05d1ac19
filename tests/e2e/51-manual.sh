#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
# 51-manual - the manual pages can be read, and tell the truth about JSON
#
#   inet --- up0 host --- bn-front 172.20.0.1/24: web 172.20.0.10
#                         8080/tcp -> web:80
#
. "$(dirname "$0")/lib.sh"

PAGES=$ROOT/man

# explains ENTRY PATH CMD...: of what CMD prints as JSON, bpfnet(8) explains
# the members of PATH in ENTRY, all of them and no others.
explains() {
	"${@:3}" >"$TMP/printed.json" 2>&1
	"$ROOT/tests/e2e/manual_json.py" "$PAGES/bpfnet.8.scd" "$1" "$2" \
		<"$TMP/printed.json"
}

# The page as man(1) shows it, without a word of complaint.
can_be_read() {
	scdoc <"$PAGES/$1.scd" >"$TMP/$1" || return
	man --warnings -E UTF-8 -l "$TMP/$1" >"$TMP/$1.txt" 2>"$TMP/$1.err"
	cat "$TMP/$1.err"
	[ ! -s "$TMP/$1.err" ] && grep -q '^NAME' "$TMP/$1.txt" &&
		! grep -nE '^ *(\*|_)|\*\*' "$TMP/$1.txt" &&
		! grep -nF "\\" "$TMP/$1.txt"
}

# An error's JSON is the last line.
error_json() {
	bn -j network show nowhere 2>&1 >/dev/null | tail -n 1
}

world
must bn -q netns add "$P-box" dns 192.0.2.53
must bn -q network add front subnet 172.20.0.0/24
container web front 172.20.0.10
serve web http 80
must bn -q port publish 8080 web:80 from 203.0.113.0/24
must bn -q policy add name web-out from web to world log allow
must bn -q uplink add up0
must get inet "http://$HOST:8080/" >/dev/null

for page in "$PAGES"/*.scd; do
	page=$(basename "$page" .scd)
	if command -v man >/dev/null && command -v scdoc >/dev/null; then
		ok "$page" can_be_read "$page"
	else
		skip_check "$page" "no man or no scdoc"
	fi
done

ok "netns list" explains netns netns bn -j netns list
ok "network list" explains networks networks bn -j network list
ok "network show" explains networks networks bn -j network show front
ok "endpoint list" explains endpoints endpoints bn -j endpoint list
ok "port list" explains ports ports bn -j port list
ok "policy list" explains rules rules bn -j policy list
ok "its defaults" explains default default bn -j policy list
ok "uplink list" explains uplinks uplinks bn -j uplink list
ok "flow list" explains flows flows bn -j flow list
for part in endpoints flows snat maps; do
	ok "stats: $part" explains "stats: $part" "$part" bn -j stats
done
ok "stats: networks" explains "stats: networks" networks bn -j stats network
ok "check" explains checks checks bn -j check
ok "feature" explains features features+ bn -j feature
ok "gc" explains gc . bn -j gc
ok "agent status" explains "agent status" . bn -j agent status
cat >"$TMP/more.yaml" <<-END
	version: 1
	policy: [{from: host, to: any, allow: true}]
END
ok "apply --confirm" explains apply . bn -j apply -f "$TMP/more.yaml" --confirm 60s
ok "confirm" explains confirm . bn -j confirm
ok "rollback" explains rollback . bn -j rollback
ok "errors" explains error error error_json
ok "upgrade" explains upgrade . bn -j upgrade
ok "purge" explains purge . bn -j purge

finish
