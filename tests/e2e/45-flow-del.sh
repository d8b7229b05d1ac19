#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
# 45-flow-del - flows are ended by hand, and traffic goes on
#
#   inet                   host                    bn-apps 172.20.0.1/24
#   eth0 203.0.113.1   --- up0 203.0.113.2             fd00:20::1/64
#        2001:db8:1::1         2001:db8:1::2    app1 172.20.0.11 fd00:20::11
#                                               app2 172.20.0.12 fd00:20::12
#
. "$(dirname "$0")/lib.sh"

families dual

flows() {
	bn flow count "$@"
}

# deleted N FILTER...: it says so, and -j says the same.
deleted() {
	bn -j flow del "${@:2}" | json "d['deleted'] == $1" | grep -x True
}

counted() {
	bn -j policy list | json "d['rules'][0]['packets']"
}

# Counts what flows and what ended.
rule_counts_on() {
	local before after

	before=$(counted) || return 1
	bn flow del endpoint app1 || return 1
	after=$(counted) || return 1
	echo "$before packets before, $after after"
	[ "$after" -ge "$before" ] && [ "$before" -gt 0 ]
}

# A connection of app1's that is silent. What is on its way from outside while
# its flow ends would be the host's, which knows nothing of it and answers with
# a reset.
hold() {
	start app1 python3 "$SERVE" hold "$INET" 9000 "$TMP/held"
	must await test -e "$TMP/held"
}

goes_on() {
	rm "$TMP/held"
	await test -e "$TMP/held"
}

world
network apps 172.20.0.0/24 fd00:20::/64
container app1 apps 172.20.0.11 fd00:20::11
container app2 apps 172.20.0.12 fd00:20::12
must bn -q policy add name all from any to any allow
serve inet tcp 9000
serve inet http 80
serve app2 http 80

ok "without a filter it is a usage error" exits 2 bn flow del
ok "which says how to mean all" \
	eval 'bn flow del 2>&1 | grep -q "src 0.0.0.0/0"'
ok "a wrong endpoint is 'not found'" exits 3 bn flow del endpoint nobody
ok "no flow matches: that is no error" deleted 0 port 9

while next_version; do
	hold
	must get app1 "http://${url[app2]}/"
	must get app1 "http://${url[inet]}/"
	ok "-n tells which, and ends nothing" \
		says "^- flow tcp .*:9000$" bn -n flow del port 9000
	ok "as the count shows" says '^1$' flows port 9000
	ok "those to app2 end" deleted 1 endpoint app2
	ok "and only those" says '^0$' flows endpoint app2
	ok "the one to the internet's web server is still there" \
		says '^1$' flows port 80
	ok "the connection that stands is ended by its port" deleted 1 port 9000
	ok "its next packet begins it anew, under the same port" goes_on
	ok "rules keep what ended flows have counted" rule_counts_on
	ok "new connections work" says "^inet $HOST " get app1 "http://${url[inet]}/"
	must end_process "${STARTED[-1]}"
	rm "$TMP/held"
	must bn -q flow del src 0.0.0.0/0
	must bn -q flow del src ::/0
done

must get app1 "http://172.20.0.12/"
must at app1 curl -sS6 "http://[fd00:20::12]/"
ok "all of both families end by two filters" eval '
	deleted 1 src 0.0.0.0/0 && deleted 1 src ::/0 && says "^0$" flows'

finish
