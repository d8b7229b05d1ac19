# shellcheck shell=bash
# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
# lib.sh - what every story needs: a world of its own, checks, clean-up
#
# A story is an executable file that sources this one, builds its world, makes
# its checks and ends with `finish`. The names of all that it creates start
# with $P, so stories run beside each other and beside a bpfnet in use:
#
#   namespace $P-inet         namespace $P-host            namespaces $P-NAME
#   "the internet"            "the host", runs bpfnet      the containers
#   eth0 203.0.113.1/24 ----- up0 203.0.113.2/24
#        2001:db8:1::1/64         2001:db8:1::2/64
#   and 203.0.113.9, 2001:db8:1::9   default routes to the internet
#
# Which IP versions there are is the story's FAMILY: 4 unless it says more. The
# instance is $P, its socket hooks are at the cgroup directory $CG. The
# machine's own network is never touched.
#
# What leaves by an uplink is captured on its far side. `finish` checks that
# nothing had a source address that only the host and its containers know; and
# that after `purge` the host is as it was before the first command.

set -u

ROOT=$(cd "$(dirname "${BASH_SOURCE[0]}")/../.." && pwd)
BPFNET=${BPFNET:-$ROOT/build/bpfnet}
SERVE=$ROOT/tests/e2e/serve.py
# shellcheck disable=SC2034 # for the stories
BPFTOOL=$(PATH=$PATH:/usr/sbin:/usr/local/sbin command -v bpftool)

STORY=$(basename "$0" .sh)
P=bn-e${STORY%%-*}-$$
NS=$P-			# what the names of its namespaces begin with
INSTANCE=$P
AWAIT_SECONDS=15
AWAIT_STEP=0.05
ANSWER_SECONDS=1	# how long a client waits before it gives up
REFUSED_SECONDS=0.5	# and where the counter of drops tells the rest

FAILED=0
CHECKS=0
STARTED=()		# processes of ours, the latest last
CG=
TMP=

FAMILY_WANTED=${FAMILY:-}
FAMILY=4		# or 6, or dual
VERSION=4		# the IP version that the addresses below are of
VERSIONS_DONE=		# of the loop that runs; empty: none runs
# "NAME VERSION" -> address
declare -A ADDRESS=(
	[inet 4]=203.0.113.1 [inet 6]=2001:db8:1::1
	[host 4]=203.0.113.2 [host 6]=2001:db8:1::2
	[other 4]=203.0.113.9 [other 6]=2001:db8:1::9
	[loopback 4]=127.0.0.1 [loopback 6]=::1
)
declare -A ip		# NAME -> address
declare -A url		# NAME -> address as it stands in a URL
# INET, HOST and OTHER, another host on the internet, are ip[inet] and so on.
BEATER=			# the process of the connection that stands

# Sources that must not be seen outside: RFC 1918, RFC 4193, loopback.
PRIVATE="src net 10.0.0.0/8 or src net 172.16.0.0/12 or src net 192.168.0.0/16"
PRIVATE+=" or src net 127.0.0.0/8 or src net fc00::/7 or src host ::1"
MAY_LEAVE=		# a filter for what the story has leave all the same
CAPTURE_ALSO=		# a filter for what the story wants to look at
CAPTURE_BYTES=256	# of each packet: short, so that many fit into the buffer
CAPTURE_END=0x88b5	# the last frame's type: free for experiments
declare -A CAPTURES	# device of the host -> tcpdump's process

skip() {
	echo "skipped: $*"
	exit 77
}

# ----------------------------------------------------------------- the world

netns_delete_all() {
	local name

	# Without a prefix it would be those of the machine.
	[ -n "$NS" ] || return
	for name in $(ip netns list | sed -n "s/^\(${NS}[^ ]*\).*/\1/p"); do
		ip netns pids "$name" 2>/dev/null | xargs -r kill -9 2>/dev/null
		ip netns delete "$name"
	done
}

# Also takes away what a bpfnet that failed may have left behind.
take_away() {
	if [ -e "/run/netns/$P-host" ]; then
		bn purge >/dev/null 2>&1
	fi
	netns_delete_all 2>/dev/null
	rm -rf "/run/$P" "/sys/fs/bpf/$P" "/etc/netns/$P"-*
}

clean_up() {
	local running

	trap - EXIT INT TERM
	# Not those of STARTED that ended: their numbers may be others' by now.
	running=$(jobs -pr)
	# Or bash tells of each that it was killed.
	disown -a
	# shellcheck disable=SC2086 # one word a process
	[ -z "$running" ] || kill -9 $running 2>/dev/null
	take_away
	rm -rf "$TMP"
	if [ -n "$CG" ]; then
		# Processes leave a cgroup a moment after their end.
		await rmdir "$CG"
	fi
}

# families FAMILY...: what the story is told for, in its first line after this
# file's. More than one: it is told as often, each time in a process of its own.
# The environment's FAMILY selects one.
families() {
	local family status worst=0

	for family in "$@"; do
		[ "$family" = "${FAMILY_WANTED:-$family}" ] || continue
		if [ $# = 1 ] || [ -n "$FAMILY_WANTED" ]; then
			FAMILY=$family
			set_version "${family/dual/4}"
			return
		fi
		echo "  FAMILY=$family"
		FAMILY=$family "$0"
		status=$?
		# Skipped, unless something failed.
		[ "$status" = 0 ] || [ "$worst" = 1 ] || worst=$status
	done
	[ -z "$FAMILY_WANTED" ] || skip "not told for FAMILY=$FAMILY_WANTED"
	exit "$worst"
}

# Of an address or a subnet.
version_of() {
	case $1 in
	*:*) echo 6 ;;
	*) echo 4 ;;
	esac
}

# has_version 4|6: the world has it.
has_version() {
	[ "$FAMILY" = dual ] || [ "$FAMILY" = "$1" ]
}

# address NAME ADDRESS...: whose they are, for ${ip[NAME]} and ${url[NAME]}.
address() {
	local one

	for one in "${@:2}"; do
		ADDRESS["$1 $(version_of "$one")"]=$one
	done
	set_version "$VERSION"
}

# shellcheck disable=SC2034 # the stories use them
set_version() {
	local key name

	VERSION=$1
	for key in "${!ADDRESS[@]}"; do
		[ "${key##* }" = "$VERSION" ] || continue
		name=${key% *}
		ip[$name]=${ADDRESS[$key]}
		url[$name]=${ip[$name]}
		[ "$VERSION" = 4 ] || url[$name]="[${ip[$name]}]"
	done
	INET=${ip[inet]} HOST=${ip[host]} OTHER=${ip[other]}
}

# `while next_version; do CHECKS; done`: once for each IP version of the world,
# with its number in $VERSION, its addresses in ip, url, INET, HOST and OTHER.
next_version() {
	local version

	for version in 4 6; do
		if has_version "$version" &&
			[[ $VERSIONS_DONE != *$version* ]]; then
			VERSIONS_DONE+=$version
			set_version "$version"
			return
		fi
	done
	set_version "${VERSIONS_DONE:0:1}"
	VERSIONS_DONE=
	return 1
}

# Creates the internet and the host, as drawn above.
world() {
	local cgroup2

	[ "$(id -u)" = 0 ] || skip "needs root"
	[ -x "$BPFNET" ] || skip "no $BPFNET: make it first"
	cgroup2=$(awk '$3 == "cgroup2" { print $2; exit }' /proc/self/mounts)
	[ -n "$cgroup2" ] || skip "no cgroup2 is mounted"

	trap clean_up EXIT
	trap 'exit 1' INT TERM
	TMP=$(mktemp -d "/tmp/$P.XXXXXX")
	CG=$cgroup2/$P
	mkdir "$CG" || exit 1

	ip netns add "${NS}inet" && ip netns add "${NS}host" || exit 1
	inet ip link set lo up
	host ip link set lo up
	cable up0 "203.0.113.2/24 2001:db8:1::2/64" \
		inet eth0 "203.0.113.1/24 2001:db8:1::1/64"
	while next_version; do
		# Known to the internet as its own, but never what it sends from.
		inet ip address add "$OTHER" dev eth0 preferred_lft 0
		host ip "-$VERSION" route add default via "$INET"
	done
}

# cable HOST_IF HOST_CIDRS FAR_NAMESPACE FAR_IF FAR_CIDRS: one more uplink. Only
# addresses of the world's IP versions are given to it.
cable() {
	# No waiting for duplicate addresses: the host is still when it is up.
	at "$3" sysctl -qw net.ipv6.conf.default.accept_dad=0
	host sysctl -qw net.ipv6.conf.default.accept_dad=0
	host ip link add "$1" type veth peer name "$4" netns "$NS$3" || exit 1
	give_addresses host "$1" "$2"
	host ip link set "$1" up
	give_addresses "$3" "$4" "$5"
	at "$3" ip link set "$4" up
	must await has_link_local "$1"
	capture "$1" "$3" "$4"
}

# give_addresses NAMESPACE DEVICE CIDRS
give_addresses() {
	local cidr

	for cidr in $3; do
		! has_version "$(version_of "$cidr")" ||
			at "$1" ip address add "$cidr" dev "$2" || exit 1
	done
}

has_link_local() {
	host ip -6 route show table local dev "$1" | grep -q '^local fe80:'
}

# What the instance has on record: the last line about each object.
recorded() {
	[ -e "/run/$INSTANCE/journal" ] || return 0
	awk '/^[?+-]/ { last[$2 " " $3] = $0 }
		END { for (object in last) print last[object] }' \
		"/run/$INSTANCE/journal" | grep -v '^-'
}

# `ip netns exec` would hide /sys/fs/bpf. at NAMESPACE CMD...
at() {
	nsenter --net="/run/netns/$NS$1" "${@:2}"
}

inet() {
	at inet "$@"
}

host() {
	at host "$@"
}

# A process of the host that the socket hooks see.
host_app() {
	(
		echo "$BASHPID" >"$CG/cgroup.procs"
		exec nsenter --net="/run/netns/${NS}host" "$@"
	)
}

# The command under test, as a user of the host would type it.
bn() {
	before_first
	host "$BPFNET" --instance "$INSTANCE" --cgroup "$CG" "$@"
}

# The parts of a story's set-up that must work, or nothing else makes sense.
must() {
	"$@" && return
	echo "set-up failed: $*"
	exit 1
}

# network NAME SUBNET4 SUBNET6 [MORE]...: a bridge with the world's IP versions.
# Its address is that of its gateway.
network() {
	local cidr args=()

	for cidr in "$2" "$3"; do
		! has_version "$(version_of "$cidr")" || args+=(subnet "$cidr")
	done
	must bn -q network add "$1" "${args[@]}" "${@:4}"
	address "$1" "${2%.*}.1" "${3%/*}1"
}

# container NAME NETWORK [IPV4] [IPV6] [MORE]...: an endpoint NAME in namespace
# $P-NAME. An address of a version that the world has not is left out.
container() {
	local name=$1 network=$2 args=()

	shift 2
	while [[ ${1:-} == [0-9a-f]*[.:]* ]]; do
		address "$name" "$1"
		! has_version "$(version_of "$1")" || args+=(ip "$1")
		shift
	done
	must bn -q endpoint attach "$NS$name" "$network" name "$name" \
		"${args[@]}" "$@"
}

# In the background, until the story ends. start_to FILE NAMESPACE CMD...
start_to() {
	# Replaces the subshell, so that $! is the process itself.
	(exec nsenter --net="/run/netns/$NS$2" "${@:3}") >>"$1" 2>&1 &
	STARTED+=($!)
}

start() {
	start_to "$TMP/started.log" "$@"
}

listening() {
	at "$1" ss -Hln "${3:---tcp}" "sport = :$2" | grep -q .
}

# serve NAMESPACE KIND PORT [NAME]...: a server of serve.py, ready for clients.
serve() {
	local kind=--tcp name=("${@:4}")

	case $2 in udp | dns | echo) kind=--udp ;; esac
	start "$1" python3 "$SERVE" "$2" "$3" "${name[@]:-$1}"
	must await listening "$1" "$3" "$kind"
}

# ------------------------------------------------------------------- clients

# get NAMESPACE URL [CURL OPTION]...
get() {
	at "$1" curl "-sS$VERSION" -m "$ANSWER_SECONDS" "${@:3}" "$2"
}

# As host_app, for the host's own clients.
host_get() {
	host_app curl "-sS$VERSION" -m "$ANSWER_SECONDS" "$@"
}

pings() {
	at "$1" ping -n -c 1 -W "$ANSWER_SECONDS" "$2"
}

# ask NAMESPACE tcp|udp HOST PORT [LOCALPORT]; ask NAMESPACE echo HOST PORT SIZE
ask() {
	at "$1" python3 "$SERVE" "ask-$2" "${@:3}"
}

# A connection that stands: a line and its echo all the time, counted in a file.
# One at a time. beat NAMESPACE HOST PORT, where a tcp server listens.
beat() {
	[ -z "$BEATER" ] || end_process "$BEATER"
	rm -f "$TMP/beat"
	start "$1" python3 "$SERVE" beat "$2" "$3" "$TMP/beat"
	BEATER=${STARTED[-1]}
	must await test -s "$TMP/beat"
}

# end_process PID, of one that was started.
end_process() {
	kill "$1" && await fails kill -0 "$1"
}

beats_more_than() {
	[ "$(cat "$TMP/beat")" -gt "$1" ]
}

# More echoes come than those that may have been on their way.
beats_on() {
	await beats_more_than $(($(cat "$TMP/beat") + 20))
}

# ------------------------------------------------- what leaves by an uplink

# capture HOST_IF FAR_NAMESPACE FAR_IF: until the story ends.
capture() {
	local filter="$PRIVATE or ether proto $CAPTURE_END"

	rm -f "$TMP/capture-$1.log"
	[ -z "$CAPTURE_ALSO" ] || filter+=" or ($CAPTURE_ALSO)"
	start_to "$TMP/capture-$1.log" "$2" tcpdump -n -U --immediate-mode \
		-s "$CAPTURE_BYTES" -Q in -Z root -i "$3" -w "$TMP/capture-$1.pcap" "$filter"
	CAPTURES[$1]=${STARTED[-1]}
	must await grep -q 'listening on' "$TMP/capture-$1.log"
}

# captured HOST_IF [TCPDUMP OPTION]... FILTER: what it has seen up to now.
captured() {
	tcpdump -nr "$TMP/capture-$1.pcap" "${@:2}" 2>/dev/null
}

capture_has() {
	captured "$@" | grep -q .
}

# A capture proves that nothing came only if it ran until the end, and missed
# nothing: so a last frame has to go the same way. It is no IP packet, so it is
# nobody's business. capture_ends HOST_IF
capture_ends() {
	local pid=${CAPTURES[$1]}

	unset "CAPTURES[$1]"
	if ! kill -0 "$pid"; then
		echo "the capture of $1 did not run to the end"
		return 1
	fi
	host python3 -c 'import socket, sys
with socket.socket(socket.AF_PACKET, socket.SOCK_RAW) as s:
    s.bind((sys.argv[1], 0))
    s.send(b"\xff" * 6 + b"\x02" + bytes(5)
           + int(sys.argv[2], 16).to_bytes(2, "big") + bytes(46))' \
		"$1" "$CAPTURE_END" || return 1
	if ! await capture_has "$1" ether proto "$CAPTURE_END"; then
		echo "the capture of $1 did not see the last frame"
		return 1
	fi
	end_process "$pid" || return 1
	grep -q '^0 packets dropped by kernel' "$TMP/capture-$1.log" && return
	cat "$TMP/capture-$1.log"
	return 1
}

# may_leave RANGE: the story has packets from there leave as they are.
may_leave() {
	MAY_LEAVE+=" and not src net $1"
}

# All captures end here.
nothing_leaked() {
	local device leaks failed=0

	for device in "${!CAPTURES[@]}"; do
		capture_ends "$device" || failed=1
		leaks=$(captured "$device" "($PRIVATE)$MAY_LEAVE") || failed=1
		[ -z "$leaks" ] || failed=1
		echo "$leaks"
	done
	return "$failed"
}

# -------------------------------------------------------------------- checks

# Succeeds when CMD does, at the latest with the first try after AWAIT_SECONDS,
# which is the one that is heard. await CMD...
await() {
	local deadline=$((SECONDS + AWAIT_SECONDS))

	until "$@" >/dev/null 2>&1; do
		if [ "$SECONDS" -ge "$deadline" ]; then
			"$@"
			return
		fi
		sleep "$AWAIT_STEP"
	done
}

fails() {
	! "$@"
}

# exits STATUS CMD...
exits() {
	local status

	"${@:2}"
	status=$?
	[ "$status" = "$1" ] && return
	echo "exit status $status instead of $1"
	return 1
}

# says TEXT CMD...: the command succeeds and prints TEXT, a basic regexp.
says() {
	local out

	out=$("${@:2}" 2>&1) || {
		echo "$out"
		return 1
	}
	echo "$out"
	grep -qe "$1" <<<"$out"
}

# json EXPRESSION, with the document on standard input as d.
json() {
	python3 -c 'import json, sys
d = json.load(sys.stdin)
print(eval(sys.argv[1]))' "$1"
}

# How many packets were dropped for a reason.
drops() {
	bn -j stats drops | json "d['drops'].get('$1', 0)"
}

# dropped_as REASON CMD...: the command fails, and that is why.
dropped_as() {
	local before after
	# The clients see it, as they are called from here.
	local -x ANSWER_SECONDS=$REFUSED_SECONDS

	before=$(drops "$1") || return 1
	if "${@:2}"; then
		echo "it works"
		return 1
	fi
	after=$(drops "$1") || return 1
	[ "$after" -gt "$before" ] && return
	echo "drops '$1': still $after"
	return 1
}

diagnose() {
	[ -e "/run/netns/${NS}host" ] || return
	echo "      -- bpfnet stats drops"
	bn stats drops 2>&1 | sed 's/^/      /'
	echo "      -- bpfnet flow list"
	bn flow list 2>&1 | tail -n 20 | sed 's/^/      /'
	echo "      -- bpfnet check"
	bn check 2>&1 | grep -v '^ok ' | sed 's/^/      /'
	echo "      -- who listens"
	listeners | sed 's/^/      /'
}

# A line for each namespace of the story: its servers' ports.
listeners() {
	local name

	for name in $(ip netns list | sed -n "s/^$P-\([^ ]*\).*/\1/p"); do
		echo "$name: $(at "$name" ss -Hltun |
			awk '{ print $1 "/" $5 }' | paste -sd' ')"
	done
}

# ok TEXT CMD...: one check.
ok() {
	local text=$1 out=$TMP/check.out

	shift
	CHECKS=$((CHECKS + 1))
	[ "$FAMILY" != dual ] || [ -z "$VERSIONS_DONE" ] ||
		text="IPv$VERSION: $text"
	if "$@" >"$out" 2>&1; then
		echo "  ✓ $text"
		return
	fi
	echo "  ✗ $text"
	echo "      -- $*"
	sed 's/^/      /' "$out"
	echo "      -- seen then"
	diagnose
	FAILED=$((FAILED + 1))
}

# skip_check TEXT WHY: one that cannot be made here. It does not count.
skip_check() {
	echo "  - $1 (skipped: $2)"
}

same() {
	diff -u "$1" "$2"
}

# -------------------------------------------------------- nothing is left

# What bpfnet could have changed in the host's namespace, into FILE.
list_host() {
	host "$ROOT/tools/listing" namespace >"$1"
}

# And in the machine: namespaces, files, pins and socket hooks of the story's
# name.
list_all() {
	{
		host "$ROOT/tools/listing" namespace
		find /run/netns -name "$P-*" | sort
		find /run /etc/netns /sys/fs/bpf -maxdepth 1 \
			\( -name "$P" -o -name "$P-*" \) 2>/dev/null | sort
		"$BPFTOOL" cgroup show "$CG" 2>/dev/null
	} >"$1"
}

# Before the first command: as the host is now, it has to be when the story ends.
# What the story itself changes later it has to undo. Only a story whose first
# command is not bn has to say it.
before_first() {
	[ -e "$TMP/listing.first" ] || list_all "$TMP/listing.first"
}

# "KIND ID" of every program, map and link that is pinned. Ids are not used
# again, so they tell ours from those of other instances.
list_objects() {
	local dir kind pin

	for dir in prog:progs map:maps link:links; do
		kind=${dir%%:*}
		for pin in "/sys/fs/bpf/$INSTANCE/${dir##*:}"/*; do
			[ -f "$pin" ] || continue
			"$BPFTOOL" "$kind" show pinned "$pin" |
				sed -n "1s/^\([0-9]*\):.*/$kind \1/p"
		done
	done
}

# The kernel frees them a moment after the last reference has gone. objects_gone
# FILE
objects_gone() {
	local kind id

	while read -r kind id; do
		! "$BPFTOOL" "$kind" show id "$id" >/dev/null 2>&1 || return 1
	done <"$1"
}

# Whatever the story has made, and wherever it has stopped.
purge_leaves_nothing() {
	list_objects >"$TMP/listing.objects"
	bn purge || return 1
	list_all "$TMP/listing.last"
	same "$TMP/listing.first" "$TMP/listing.last" || return 1
	await objects_gone "$TMP/listing.objects" && return
	echo "programs, maps or links are still there"
	return 1
}

finish() {
	if [ "$CHECKS" = 0 ]; then
		echo "no check was made"
		exit 1
	fi
	ok "after 'purge' the host is as it was before the first command" \
		purge_leaves_nothing
	[ ${#CAPTURES[@]} = 0 ] ||
		ok "nothing ever left with a private source address" nothing_leaked
	[ "$FAILED" = 0 ] || echo "$FAILED of $CHECKS checks failed"
	exit $((FAILED > 0))
}

set_version 4
