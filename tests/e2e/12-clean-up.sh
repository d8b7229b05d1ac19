#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
# 12-clean-up - after 'purge' the host is as it was before the first command (S12)
#
#   inet --- up0 host --- bn-apps 172.20.0.1/24: app1, mine (a namespace that
#                     \                          was there before)
#                      -- bn-guard 10.10.0.1/24, internal: database
#
# Every story ends with that. This one shows that it would be seen if something
# stayed, and what else there is to purge.
#
. "$(dirname "$0")/lib.sh"

list_mine() {
	at mine "$ROOT/tools/listing" namespace
}

world
must ip netns add "$P-mine"
at mine ip link set lo up
serve inet http 80
list_mine >"$TMP/mine.before"

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
list_objects >"$TMP/objects.during"
for kind in prog map link; do
	ok "a $kind is found" grep -q "^$kind [0-9]" "$TMP/objects.during"
done
ok "they are not gone" fails objects_gone "$TMP/objects.during"
list_all "$TMP/during"
for trace in '^bn-apps: ' 'tc bne-app1' bn-apps/forwarding:1 "/run/netns/$P-app1" \
	"/etc/netns/$P-app1" "/run/$P" "/sys/fs/bpf/$P" bn_connect4; do
	ok "the listing shows '$trace'" grep -q "$trace" "$TMP/during"
	ok "as it did not before" fails grep -q "$trace" "$TMP/listing.first"
done

ok "purge" purge_leaves_nothing
ok "the adopted namespace is as before" \
	same "$TMP/mine.before" <(list_mine)
ok "the kernel has freed all that was found" objects_gone "$TMP/objects.during"
ok "a second purge finds nothing and is no error" bn purge

must bn -q network add apps subnet 172.20.0.0/24
container app1 apps 172.20.0.11
ip netns delete "$P-app1"
ok "purge copes with a namespace that somebody else deleted" \
	purge_leaves_nothing

finish
