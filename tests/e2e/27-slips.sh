#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
# 27-slips - what an operator gets to read who mistypes, and that it helps
#
#   inet --- up0 host --- bn-frontend 172.20.0.1/24: web 172.20.0.10
#                     --- bn-dual     172.21.0.1/24, fd00:21::1/64
#
. "$(dirname "$0")/lib.sh"

# told STATUS TEXT CMD...: CMD exits with STATUS and tells just that, one line.
told() {
	local status text=$TMP/told

	"${@:3}" >"$text" 2>&1
	status=$?
	cat "$text"
	[ "$status" = "$1" ] && [ "$(cat "$text")" = "bpfnet: $2" ]
}

# prints EXPRESSION TEXT CMD...: that is what it is in the JSON of CMD.
prints() {
	"${@:3}" | says "^$2\$" json "$1"
}

# told_json MESSAGE CMD...: the error object says so.
told_json() {
	"${@:2}" 2>&1 >/dev/null | tail -n 1 |
		says "^$1\$" json "d['error']['message']"
}

json_range() {
	bn -j port list | json "any((p['port'], p['port_last']) == (9000, 9010)
		for p in d['ports'])"
}

world
must bn -q network add frontend subnet 172.20.0.0/24
must bn -q network add dual subnet 172.21.0.0/24 subnet fd00:21::/64
container web frontend 172.20.0.10
must bn -q port publish 8080 web:80
must bn -q policy add name web-out from web to world allow

# Names that are not there, beside one that is
ok "a network" told 3 \
	"network del: no network 'frontent' (did you mean 'frontend'?)" \
	bn network del frontent
ok "an endpoint's network" told 3 "endpoint attach: endpoint '$P-x': \
no network 'frontned' (did you mean 'frontend'?)" \
	bn endpoint attach "$P-x" frontned
ok "an endpoint" told 3 \
	"endpoint detach: no endpoint 'wbe' (did you mean 'web'?)" \
	bn endpoint detach wbe
ok "a port's endpoint" told 3 \
	"port publish: port 81/tcp: no endpoint 'webb' (did you mean 'web'?)" \
	bn port publish 81 webb
ok "a rule" told 3 \
	"policy del: no rule 'webout' (did you mean 'web-out'?)" \
	bn policy del webout
ok "an uplink" told 3 "uplink del: no uplink 'up1' (did you mean 'up0'?)" \
	bn uplink del up1
ok "a flow's endpoint" told 3 \
	"flow list: no endpoint 'wep' (did you mean 'web'?)" \
	bn flow list endpoint wep
ok "a name that nothing resembles" told 3 "network show: no network 'lan'" \
	bn network show lan

# What Linux would refuse without a reason, or do without a word
ok "an MTU that IPv6 cannot live with" told 2 \
	"network set: network 'dual': mtu 1000 \
(1280 to 65535 with an IPv6 subnet)" \
	bn network set dual mtu 1000
ok "names that are no device's" told 2 "endpoint attach: ifname: 'all' is not \
a device name (at most 15 bytes, no '/', ':', '%' or blank, not 'all' or \
'default')" \
	bn endpoint attach "$P-x" frontend ifname all
# As of a variable that was never set
ok "a namespace without a name" told 2 \
	"endpoint attach: NETNS is empty (see 'bpfnet endpoint help')" \
	bn endpoint attach "" frontend name x
# Somebody else's namespace, which has a device of that name
must ip netns add "$P-full"
must ip -n "$P-full" link add eth0 type veth peer name eth1
ok "a device that is there" told 4 "endpoint attach: + endpoint full frontend \
172.20.0.2: cable bne-full to eth0: add veth 'bne-full': File exists (the \
namespace has an 'eth0': 'ifname NAME')" \
	bn endpoint attach "/run/netns/$P-full" frontend name full
ok "... with another name, it works" \
	bn endpoint attach "/run/netns/$P-full" frontend name full ifname net0
must bn -q endpoint detach full
must ip netns delete "$P-full"
ok "the root that is the root already" says '^web$' \
	bn exec "$P-web" --root / -- echo web

ok "neither on nor off" told 2 "network add: unknown keyword 'maybe' \
('icc' takes 'on', 'off' or nothing)" bn network add x icc maybe
ok "an escape sequence does not get to the terminal" told 2 \
	"netns add: 'a [31mb' is not a name (letters, digits, '_', '.', '-'; \
at most 63)" bn netns add $'a\x1b[31mb'

# Columns
ok "a column that JSON has not either" told_json \
	"netns list: unknown column 'nme'" bn -j -o nme netns list
ok "columns of no table in particular" told 2 \
	"stats: the tables have other columns each (one of network, endpoint, \
port, policy, drops, flows, maps)" bn -o name stats

# Published ports
must bn -q port publish 9000-9010 web
must bn -q port publish 127.0.0.1:9100 web

# The host's own server, which the port is taken from
serve host tcp 9200
serve host udp 9201
warned() {
	says "^port $1: a process of the host listens at ${2:-92..}, new \
clients get to 'web' instead\$" "${@:3}"
}
# It works, and there is nothing to say.
silent() {
	"$@" >"$TMP/silent" 2>&1 && cat "$TMP/silent" &&
		fails grep "a process of the host" "$TMP/silent"
}
ok "a port that a process of the host listens at" \
	warned 9200/tcp 9200 bn -n port publish 9200 web
ok "... as one of a range" \
	warned 9199-9210/udp 9201 bn port publish 9199-9210/udp web
ok "... at an address of the host" \
	warned 203.0.113.2:9200/tcp 9200 bn port publish 203.0.113.2:9200 web
ok "of another protocol, it is none" \
	silent bn -n port publish 9201 web
ok "nor of another address" eval \
	'start host python3 -m http.server --bind 127.0.0.1 9300 &&
	await listening host 9300 &&
	silent bn -n port publish 203.0.113.2:9300 web &&
	warned 127.0.0.1:9300/tcp 9300 bn -n port publish 127.0.0.1:9300 web'
ok "a range is shown as one" says '^tcp .* 9000-9010 web ' bn port list
ok "... and beside the counters" says '^tcp .* 9000-9010 web ' bn stats port
ok "who names the columns gets the two ends" says '^9000 *9010$' \
	bn -o port,port_last port list
ok "in JSON, both ends are numbers" says '^True$' json_range
ok "one port of a range" told 3 "port unpublish: port 9005/tcp is not \
published (9000-9010/tcp is, as a whole)" bn port unpublish 9005
ok "a port of one address" told 3 "port unpublish: port 9100/tcp is not \
published (127.0.0.1:9100/tcp is)" bn port unpublish 9100

# JSON of a change says what there is now, also when it was there before
for changes in 1 0; do
	ok "a namespace, $changes changes" prints \
		"d['netns'][0]['dns'], d['changes']" "(\['192.0.2.53'], $changes)" \
		bn -j netns add "$P-n" dns 192.0.2.53
	ok "the policy's defaults, $changes changes" prints \
		"d['default']['inter'], d['changes']" "('allow', $changes)" \
		bn -j policy default inter allow
done

finish
