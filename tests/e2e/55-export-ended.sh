#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
# 55-export-ended - a container ends; what is exported then changes nothing
#
#   inet --- up0 host 203.0.113.2       bn-apps 172.20.0.1/24
#            8080 -> app1:80            app1 172.20.0.11 :80
#            8081 -> app2:80            app2 172.20.0.12, which ends
#                                       rule: app2 not to app1
#
. "$(dirname "$0")/lib.sh"

unchanged() {
	bn apply -f "$1" "${@:2}" >"$TMP/applied" 2>&1
	cat "$TMP/applied"
	grep -qx unchanged "$TMP/applied"
}

no_app2() {
	! bn -j endpoint list | grep -q '"app2"' &&
		! ip netns list | grep -q "^$P-app2\b"
}

rule_is_there() {
	bn -j policy list | json "[r['action'] for r in d['rules']]" |
		grep -qx "\['deny'\]"
}

world
network apps 172.20.0.0/24 fd00:20::/64
container app1 apps 172.20.0.11
container app2 apps 172.20.0.12
must bn -q port publish 8080 app1:80
must bn -q port publish 8081 app2:80
must bn -q policy add name keep-out from app2 to app1 deny
serve app1 http 80
must bn export >"$TMP/all.yaml"
ok "all of it can be exported and applied" unchanged "$TMP/all.yaml"

# No command notices before the export does.
must ip netns delete "$P-app2"
must bn export >"$TMP/first.yaml"
ok "the export has no container that has ended, and none of its ports" eval '
	! grep -E "^  app2:|8081" "$TMP/first.yaml"'
ok "its rule is there, dormant" \
	grep 'keep-out.*dormant: true' "$TMP/first.yaml"
ok "it differs from nothing" bn diff -f "$TMP/first.yaml"
ok "to apply it changes nothing" unchanged "$TMP/first.yaml"
ok "nothing brought the container back" no_app2

must bn export >"$TMP/second.yaml"
ok "the next one says the same" same "$TMP/first.yaml" "$TMP/second.yaml"
ok "to apply it, and nothing else, changes nothing either" \
	unchanged "$TMP/second.yaml" --prune
ok "the rule is kept" rule_is_there

container app2 apps 172.20.0.12
ok "and holds when a container of that name is there again" \
	dropped_as policy-deny get app2 http://172.20.0.11/
ok "then it is exported as it was" eval '
	bn export | grep keep-out >"$TMP/rule" && ! grep dormant "$TMP/rule"'

finish
