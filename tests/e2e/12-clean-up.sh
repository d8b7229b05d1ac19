#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
# 12-clean-up - after 'purge' the host is as it was before the first command (S12)
#
#   inet --- up0 host --- bn-apps 172.20.0.1/24: app1, mine (a namespace that
#                     \                          was there before)
#                      -- bn-guard 10.10.0.1/24, internal: database
#
. "$(dirname "$0")/lib.sh"

# "KIND ID" of every program, map and link that is pinned. Ids are not used
# again, so they tell ours from those of other instances.
objects() {
	local dir kind pin

	for dir in prog:progs map:maps link:links; do
		kind=${dir%%:*}
		for pin in "/sys/fs/bpf/$P/${dir##*:}"/*; do
			[ -e "$pin" ] || continue
			"$BPFTOOL" "$kind" show pinned "$pin" |
				sed -n "1s/^\([0-9]*\):.*/$kind \1/p"
		done
	done
}

# The kernel frees them a moment after the last reference has gone.
all_gone() {
	local kind id

	while read -r kind id; do
		! "$BPFTOOL" "$kind" show id "$id" >/dev/null 2>&1 || return 1
	done <"$TMP/objects"
}

traces() {
	{
		ip netns list | sed 's/ .*//' | grep "^$P-"
		ls -d /etc/netns/"$P"-* "/run/$P" "/sys/fs/bpf/$P"
		"$BPFTOOL" cgroup show "$CG"
		at mine ip -o link
	} 2>/dev/null | sort
}

world
must ip netns add "$P-mine"
at mine ip link set lo up
serve inet http 80
list_host "$TMP/host.before"
traces >"$TMP/traces.before"

ok "everything is made: namespaces, networks, endpoints" eval '
	bn netns add "$P-app1" dns "$INET" &&
	bn network add apps subnet 172.20.0.0/24 &&
	bn network add guard subnet 10.10.0.0/24 internal &&
	bn endpoint attach "$P-app1" apps name app1 &&
	bn endpoint attach "$P-mine" apps name mine &&
	bn endpoint attach "$P-database" guard name database &&
	bn port publish 8080 app1:80 &&
	bn policy add from app1 to database allow &&
	bn policy default intra allow inter deny'
ok "it carries traffic" says "^inet $HOST " get app1 "http://$INET/"
objects >"$TMP/objects"
ok "programs, maps and attachments are there" \
	eval 'grep -q ^prog "$TMP/objects" && grep -q ^map "$TMP/objects" &&
	"$BPFTOOL" cgroup show "$CG" | grep -q bn_'
list_host "$TMP/host.during"
ok "the listing shows what was made" fails same "$TMP/host.before" "$TMP/host.during"

ok "purge" bn purge
list_host "$TMP/host.after"
ok "links, routes, rules, tc and sysctls of the host are as before" \
	same "$TMP/host.before" "$TMP/host.after"
traces >"$TMP/traces.after"
ok "so are namespaces, files, pins, socket hooks and the adopted namespace" \
	same "$TMP/traces.before" "$TMP/traces.after"
ok "the kernel has freed every program, map and link" await all_gone
ok "a second purge finds nothing and is no error" bn purge

must bn -q network add apps subnet 172.20.0.0/24
container app1 apps 172.20.0.11
ip netns delete "$P-app1"
ok "purge copes with a namespace that somebody else deleted" bn purge
list_host "$TMP/host.after"
ok "and leaves nothing either" same "$TMP/host.before" "$TMP/host.after"

finish
