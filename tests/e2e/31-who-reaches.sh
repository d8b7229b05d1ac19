#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
# 31-who-reaches - which client reaches which published port, as one table
#
#   outside: inet 203.0.113.1 ------ up0 203.0.113.2   one     apps 172.20.0.1/24
#                 2001:db8:1::1          203.0.113.3   other   +-- self  .11
#                                        2001:db8:1::2, ::3    +-- mate  .12
#                                            host           more 172.21.0.1/24
#   site 198.51.100.9, 2001:db8:2::9 --- lan0 (the host is     +-- far   .11
#        a machine behind the host       its router)        old 172.22.0.1/24
#                                                              +-- four  .11
#
# self has the servers. apps is fd00:20::/64, more is fd00:21::/64 as well; old
# has IPv4 only.
. "$(dirname "$0")/lib.sh"

families dual

REACH=$ROOT/tests/e2e/reach.py
HOST2=203.0.113.3
HOST6=2001:db8:1::2
SITE=198.51.100.9
SITE6=2001:db8:2::9

# --------------------------------------------------------- what is expected
#
# The columns are ports of self, published on
#   any    every address of the host, and localhost
#   one    one of its two LAN addresses
#   lo     127.0.0.1 or ::1
#   one*, lo*  the same of the other IP version: nobody gets there by this one
# A row is a client and the address that it asks: the host's two addresses on
# the LAN, the gateway of apps, and 127.0.0.1 or ::1, wherever the client is.
# A cell is whom the server sees: the client's own address, the gateway's, or
# nobody.
cat_table() {
	cat <<-END
		client   asks   any   one   lo    one*  lo*
		self     one    gate  gate  -     -     -
		self     other  gate  -     -     -     -
		self     gate   gate  -     -     -     -
		self     lo     -     -     -     -     -
		mate     one    own   own   -     -     -
		mate     other  own   -     -     -     -
		mate     gate   own   -     -     -     -
		mate     lo     -     -     -     -     -
		far      one    own   own   -     -     -
		far      other  own   -     -     -     -
		far      gate   own   -     -     -     -
		far      lo     -     -     -     -     -
		host     one    gate  gate  -     -     -
		host     other  gate  -     -     -     -
		host     gate   gate  -     -     -     -
		host     lo     gate  -     gate  -     -
		outside  one    own   own   -     -     -
		outside  other  own   -     -     -     -
		outside  gate   -     -     -     -     -
		outside  lo     -     -     -     -     -
	END
}

cat_places() {
	cat <<-END
		port any      8001            8001
		port one      8002            8012
		port lo       8003            8013
		port one*     8012            8002
		port lo*      8013            8003
		at   one      $HOST     $HOST6
		at   other    $HOST2     2001:db8:1::3
		at   lo       127.0.0.1       ::1
		at   gate     172.20.0.1      fd00:20::1
		at   self     172.20.0.11     fd00:20::11
		at   mate     172.20.0.12     fd00:20::12
		at   far      172.21.0.11     fd00:21::11
		at   host     172.20.0.1      fd00:20::1
		at   outside  $INET     2001:db8:1::1
	END
}

# ------------------------------------------------------------------- helpers

# as CLIENT CMD...: the host's own clients are seen by the socket hooks.
as() {
	case $1 in
	host) host_app "${@:2}" ;;
	outside) inet "${@:2}" ;;
	*) at "$1" "${@:2}" ;;
	esac
}

# once CLIENT KIND ADDRESS PORT [SOURCE]
once() {
	as "$1" "$REACH" once "${@:2:3}" "$*" "${@:5}"
}

# The answer fails to come: less patience than for one that should.
unheard() {
	PATIENCE_SECONDS=$ANSWER_SECONDS fails "$@"
}

# Nobody answers, and this is what the client hears: ECONNREFUSED or silence.
# refused WHAT CLIENT KIND ADDRESS PORT [SOURCE]
refused() {
	says "^-$1\$" unheard once "${@:2}"
}

# unadmitted CLIENT KIND ADDRESS PORT [SOURCE]
unadmitted() {
	PATIENCE_SECONDS=$ANSWER_SECONDS dropped_as publish-from once "$@"
}

# each "KIND..." CMD...: the command with every kind in the place of KIND.
each() {
	local kind kinds=$1

	shift
	for kind in $kinds; do
		"${@/KIND/$kind}" || return 1
	done
}

reach_server() { # NAMESPACE PORT...
	mkdir "$TMP/$1"
	start "$1" "$REACH" serve "$TMP/$1" "${@:2}"
	for port in "${@:2}"; do
		: >"$TMP/$1/$port"
		must await listening "$1" "$port" --tcp
		must await listening "$1" "$port" --udp
	done
}

# heard NAMESPACE PORT TEXT: a server's port was asked this. As a basic regexp.
heard() {
	grep -qx "$3" "$TMP/$1/$2"
}

# The other IP version has another address. host_of KIND
host_of() {
	case $1 in
	*4) echo "$HOST" ;;
	*6) echo "$HOST6" ;;
	esac
}

# in_range CLIENT KIND PORT TARGET
in_range() {
	local to

	to=$(host_of "$2")
	once "$1" "$2" "$to" "$3" && heard self "$4" "$1 $2 $to $3"
}

# Their targets listen. no_range CLIENT KIND
no_range() {
	fails once "$1" "$2" "$HOST" 8099 && fails once "$1" "$2" "$HOST" 8105 &&
		fails heard self 9099 "$1 .*" && fails heard self 9105 "$1 .*"
}

publish_both() {
	must bn -q port publish "$1/tcp" "$2" "${@:3}"
	must bn -q port publish "$1/udp" "$2" "${@:3}"
}

# No refusal is held back by a rate. no_limits NAMESPACE...
no_limits() {
	for name in "$@"; do
		at "$name" sysctl -qw net.ipv4.icmp_ratelimit=0 \
			net.ipv6.icmp.ratelimit=0
	done
}

world
must host ip address add "$HOST2/24" dev up0
must host ip address add 2001:db8:1::3/64 dev up0
must ip netns add "$P-site"
must at site ip link set lo up
cable lan0 "198.51.100.1/24 2001:db8:2::1/64" site eth0 "$SITE/24 $SITE6/64"
must at site ip route add default via 198.51.100.1
must at site ip -6 route add default via 2001:db8:2::1
must host sysctl -qw net.ipv4.ip_forward=1 net.ipv6.conf.all.forwarding=1
no_limits inet host site

must bn -q network add apps subnet 172.20.0.0/24 subnet fd00:20::/64
must bn -q network add more subnet 172.21.0.0/24 subnet fd00:21::/64
must bn -q network add old subnet 172.22.0.0/24
container self apps 172.20.0.11 ip fd00:20::11
container mate apps 172.20.0.12 ip fd00:20::12
container four old 172.22.0.11
container far more 172.21.0.11 ip fd00:21::11
no_limits self mate far four
must inet ip route add 172.20.0.0/24 via "$HOST"
must inet ip -6 route add fd00:20::/64 via "$HOST6"
reach_server self 80 9099 9100 9104 9105
publish_both 8001 self:80
publish_both "$HOST:8002" self:80
publish_both 127.0.0.1:8003 self:80
publish_both "[$HOST6]:8012" self:80
publish_both '[::1]:8013' self:80

# ----------------------------------------------------------------- the table

cat_table >"$TMP/table"
cat_places >"$TMP/places"
for client in self mate far host outside; do
	must as "$client" "$REACH" ask "$TMP/table" "$TMP/places" "$client" \
		tcp4 udp4 tcp6 udp6 >>"$TMP/answers"
done
for client in self mate far host outside; do
	for kind in tcp4 udp4 tcp6 udp6; do
		ok "$client over $kind reaches what it should, and no more" \
			"$REACH" compare "$TMP/table" "$TMP/places" \
			"$TMP/answers" "$TMP/self/80" "$client" "$kind"
	done
done

# ------------------------------------------------ 127.0.0.1 is nobody else's

# What comes to the host's device with a foreign sender, whatever routes say.
forge() { # KIND ADDRESS PORT
	local source=$INET

	[ "${1#???}" = 4 ] || source=2001:db8:1::1
	inet "$REACH" forge "$1" eth0 "$MAC" "$source" "$2" "$3"
}

# Flows that forged packets have begun.
forged_flows_are() {
	[ "$(bn -j flow list | json "sum(f['client'].endswith(':1111')
		for f in d['flows'])")" = "$1" ]
}

MAC=$(host ip -j link show up0 | json "d[0]['address']")
# As other programs of the host set it; so what its own stack answers leaves.
must host sysctl -qw net.ipv4.conf.all.route_localnet=1
may_leave 127.0.0.0/8
for port in 8001 8003 8013; do
	must each "tcp4 udp4" forge KIND 127.0.0.1 "$port"
	must each "tcp6 udp6" forge KIND ::1 "$port"
done
ok "forged packets to an address of the host" \
	each "tcp4 udp4" forge KIND "$HOST" 8001
ok "are heard" await heard self 80 "forged udp4 $HOST 8001"
ok "and begin flows; those to 127.0.0.1 and ::1 before them did not" \
	forged_flows_are 2
ok "nor were they heard" fails heard self 80 "forged udp. [1:].*"

must inet ip address del 127.0.0.1/8 dev lo
must inet sysctl -qw net.ipv4.conf.all.route_localnet=1
must inet ip route add 127.0.0.1 via "$HOST" src "$INET"
ok "a client whose way to 127.0.0.1 is the host gets no answer" \
	each "tcp4 udp4" unheard once outside KIND 127.0.0.1 8003
ok "nor is it heard" fails heard self 80 "outside .... 127.0.0.1 8003"
must inet ip route del 127.0.0.1
must inet ip address add 127.0.0.1/8 dev lo

ok "0.0.0.0 is 127.0.0.1 to the host's clients" \
	each "tcp4 udp4" says "^172.20.0.1 as 127.0.0.1:8003$" \
	once host KIND 0.0.0.0 8003
ok ":: is ::1" each "tcp6 udp6" says "^fd00:20::1 as ::1:8013$" \
	once host KIND :: 8013

reach_server host 8003
ok "the host's own server has the port of the other addresses" \
	each "tcp4 udp4" once outside KIND "$HOST" 8003
ok "and serves whom the container does not" \
	heard host 8003 "outside tcp4 $HOST 8003"
ok "while 127.0.0.1 leads the host to the container" \
	each "tcp4 udp4" says "^172.20.0.1$" once host KIND 127.0.0.1 8003

# ------------------------------------------------ what the application is told

for place in "4 127.0.0.1" "4 127.0.0.2" "4 $HOST" "mapped 127.0.0.1" \
	"mapped $HOST"; do
	# shellcheck disable=SC2086 # two words
	ok "sockets ($place) are told the address that they asked" \
		host_app "$REACH" sockets $place 8001 172.20.0.1
done
for place in ::1 "$HOST6"; do
	ok "sockets (6 $place) are told the address that they asked" \
		host_app "$REACH" sockets 6 "$place" 8001 fd00:20::1
done

# In the cgroup of the hooks, but not in the host's network namespace.
container_app() { # NAME CMD...
	(
		echo "$BASHPID" >"$CG/cgroup.procs"
		exec nsenter --net="/run/netns/$P-$1" "${@:2}"
	)
}

ok "127.0.0.1 of a container in the cgroup is not the host's" \
	each "tcp4 udp4" says "^-ECONNREFUSED$" fails \
	container_app mate "$REACH" once KIND 127.0.0.1 8001 "from mate"
ok "nor is ::1" each "tcp6 udp6" says "^-ECONNREFUSED$" fails \
	container_app mate "$REACH" once KIND ::1 8001 "from mate"
reach_server mate 8001
ok "it is its own" each "tcp4 udp4" says "^127.0.0.1$" \
	container_app mate "$REACH" once KIND 127.0.0.1 8001 "from mate"
ok "also ::1" each "tcp6 udp6" says "^::1$" \
	container_app mate "$REACH" once KIND ::1 8001 "from mate"

# ------------------------------------------------------------- ports in a row

publish_both 8100-8104 self:9100-9104
for client in outside mate host; do
	for port in 0 4; do
		ok "$client reaches port 810$port of 8100-8104" \
			each "tcp4 udp4 tcp6 udp6" in_range "$client" KIND \
			"810$port" "910$port"
	done
	ok "$client reaches none of their neighbours" \
		each "tcp4 udp4" no_range "$client" KIND
done

# ------------------------------------------------- ports for some clients only

# Of the neighbours, mate is named; the host needs no leave, since it reaches the
# container anyway.
for proto in tcp udp; do
	must bn -q port publish "8020/$proto" self:80 from "$INET/32" \
		from 172.20.0.12/32 from 2001:db8:1::1/128 from fd00:20::12/128
done
for client in outside mate host; do
	ok "'from' admits $client" \
		each "tcp4 udp4" once "$client" KIND "$HOST" 8020
	ok "and by IPv6" each "tcp6 udp6" once "$client" KIND "$HOST6" 8020
done
for client in self far; do
	ok "it does not admit $client" each "tcp4 udp4" \
		unadmitted "$client" KIND "$HOST" 8020
	ok "nor by IPv6" each "tcp6 udp6" \
		unadmitted "$client" KIND "$HOST6" 8020
done
ok "nor outside by another address" each "tcp4 udp4" \
	unadmitted outside KIND "$HOST" 8020 "$OTHER"
ok "nor by another IPv6 address" each "tcp6 udp6" \
	unadmitted outside KIND "$HOST6" 8020 2001:db8:1::9
ok "none of them was heard" fails heard self 80 \
	"\(self\|far\) .* 8020\|.* \($OTHER\|2001:db8:1::9\)"

# ---------------------------------- a port of a container that has no IPv6

publish_both 8030 four:80
reach_server four 80
for client in outside mate host; do
	ok "$client reaches it by IPv4" \
		each "tcp4 udp4" once "$client" KIND "$HOST" 8030
	ok "and hears at once that there is nothing by IPv6" \
		each "tcp6 udp6" refused ECONNREFUSED "$client" KIND "$HOST6" 8030
done
ok "the host also at [::1]" \
	each "tcp6 udp6" refused ECONNREFUSED host KIND ::1 8030

# ------------------------------------------ what the host forwards is not its

must inet ip route add "$SITE" via "$HOST"
must inet ip -6 route add "$SITE6" via "$HOST6"
reach_server site 8001
reach_server inet 8001
ok "port 8001 of a machine behind the host is that machine's" \
	each "tcp4 udp4" says "^$INET$" once outside KIND "$SITE" 8001
ok "by IPv6 as well" \
	each "tcp6 udp6" says "^2001:db8:1::1$" once outside KIND "$SITE6" 8001
ok "and got there" heard site 8001 "outside udp6 $SITE6 8001"
ok "from there, port 8001 outside is no port of the host's" \
	each "tcp4 udp4" says "^$SITE$" once site KIND "$INET" 8001
ok "by IPv6 as well" \
	each "tcp6 udp6" says "^$SITE6$" once site KIND 2001:db8:1::1 8001
must host sysctl -qw net.ipv4.conf.all.route_localnet=0

finish
