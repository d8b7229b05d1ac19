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
#   eth0 203.0.113.1/24 ----- up0 203.0.113.2/24, default
#        203.0.113.9          route via 203.0.113.1
#
# The instance is $P, its socket hooks are at the cgroup directory $CG. The
# machine's own network is never touched.

set -u

ROOT=$(cd "$(dirname "${BASH_SOURCE[0]}")/../.." && pwd)
BPFNET=${BPFNET:-$ROOT/build/bpfnet}
SERVE=$ROOT/tests/e2e/serve.py
# shellcheck disable=SC2034 # for the stories
BPFTOOL=$(PATH=$PATH:/usr/sbin:/usr/local/sbin command -v bpftool)

STORY=$(basename "$0" .sh)
P=bn-e${STORY%%-*}-$$
INET=203.0.113.1
HOST=203.0.113.2
OTHER=203.0.113.9	# another host on the internet
AWAIT_SECONDS=15
AWAIT_STEP=0.05
ANSWER_SECONDS=1	# how long a client waits before it gives up

FAILED=0
CHECKS=0
STARTED=()		# processes of ours that may still run
CG=
TMP=

skip() {
	echo "skipped: $*"
	exit 77
}

# ----------------------------------------------------------------- the world

netns_delete_all() {
	local name

	for name in $(ip netns list | sed -n "s/^\($P-[^ ]*\).*/\1/p"); do
		ip netns pids "$name" 2>/dev/null | xargs -r kill -9 2>/dev/null
		ip netns delete "$name"
	done
}

# Also takes away what a bpfnet that failed may have left behind.
clean_up() {
	local pid

	trap - EXIT INT TERM
	for pid in "${STARTED[@]}"; do
		kill -9 "$pid" 2>/dev/null
	done
	if [ -e "/run/netns/$P-host" ]; then
		bn purge >/dev/null 2>&1
	fi
	netns_delete_all 2>/dev/null
	rm -rf "/run/$P" "/sys/fs/bpf/$P" "/etc/netns/$P"-* "$TMP"
	if [ -n "$CG" ]; then
		# Processes leave a cgroup a moment after their end.
		await rmdir "$CG"
	fi
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

	ip netns add "$P-inet" && ip netns add "$P-host" || exit 1
	inet ip link set lo up
	host ip link set lo up
	cable up0 "$HOST/24" inet eth0 "$INET/24"
	inet ip address add "$OTHER/24" dev eth0
	host ip route add default via "$INET"
}

# cable HOST_IF HOST_CIDR FAR_NAMESPACE FAR_IF FAR_CIDR: one more uplink.
cable() {
	# No waiting for duplicate addresses: the host is still when it is up.
	at "$3" sysctl -qw net.ipv6.conf.default.accept_dad=0
	host sysctl -qw net.ipv6.conf.default.accept_dad=0
	host ip link add "$1" type veth peer name "$4" netns "$P-$3" || exit 1
	host ip address add "$2" dev "$1"
	host ip link set "$1" up
	at "$3" ip address add "$5" dev "$4"
	at "$3" ip link set "$4" up
	must await has_link_local "$1"
}

has_link_local() {
	host ip -6 route show table local dev "$1" | grep -q '^local fe80:'
}

# `ip netns exec` would hide /sys/fs/bpf. at NAMESPACE CMD...
at() {
	nsenter --net="/run/netns/$P-$1" "${@:2}"
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
		exec nsenter --net="/run/netns/$P-host" "$@"
	)
}

# The command under test, as a user of the host would type it.
bn() {
	host "$BPFNET" --instance "$P" --cgroup "$CG" "$@"
}

# The parts of a story's set-up that must work, or nothing else makes sense.
must() {
	"$@" && return
	echo "set-up failed: $*"
	exit 1
}

# container NAME NETWORK IP [MORE]...: an endpoint NAME in namespace $P-NAME.
container() {
	must bn -q endpoint attach "$P-$1" "$2" name "$1" ip "$3" "${@:4}"
}

# In the background, until the story ends. start_to FILE NAMESPACE CMD...
start_to() {
	# Replaces the subshell, so that $! is the process itself.
	(exec nsenter --net="/run/netns/$P-$2" "${@:3}") >>"$1" 2>&1 &
	STARTED+=($!)
}

start() {
	start_to "$TMP/started.log" "$@"
}

listening() {
	at "$1" ss -Hln "${3:---tcp}" "sport = :$2" | grep -q .
}

# serve NAMESPACE KIND PORT [NAME]: a server of serve.py, ready for clients.
serve() {
	local kind=--tcp

	case $2 in udp | dns | echo) kind=--udp ;; esac
	start "$1" python3 "$SERVE" "$2" "$3" "${4:-$1}"
	must await listening "$1" "$3" "$kind"
}

# ------------------------------------------------------------------- clients

# get NAMESPACE URL [CURL OPTION]...
get() {
	at "$1" curl -sS4 -m "$ANSWER_SECONDS" "${@:3}" "$2"
}

# As host_app, for the host's own clients.
host_get() {
	host_app curl -sS4 -m "$ANSWER_SECONDS" "$@"
}

pings() {
	at "$1" ping -n -c 1 -W "$ANSWER_SECONDS" "$2"
}

# ask NAMESPACE tcp|udp HOST PORT [LOCALPORT]; ask NAMESPACE echo HOST PORT SIZE
ask() {
	at "$1" python3 "$SERVE" "ask-$2" "${@:3}"
}

# A connection that stands: a line and its echo all the time, counted in a file.
# beat NAMESPACE HOST PORT, where a tcp server listens.
beat() {
	start "$1" python3 "$SERVE" beat "$2" "$3" "$TMP/beat"
	must await test -s "$TMP/beat"
}

beats_more_than() {
	[ "$(cat "$TMP/beat")" -gt "$1" ]
}

# More echoes come than those that may have been on their way.
beats_on() {
	await beats_more_than $(($(cat "$TMP/beat") + 20))
}

# -------------------------------------------------------------------- checks

# Succeeds when CMD does, at the latest after AWAIT_SECONDS. await CMD...
await() {
	local deadline=$((SECONDS + AWAIT_SECONDS))

	until "$@" >/dev/null 2>&1; do
		[ "$SECONDS" -lt "$deadline" ] || return 1
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
	[ -e "/run/netns/$P-host" ] || return
	echo "      -- bpfnet stats drops"
	bn stats drops 2>&1 | sed 's/^/      /'
	echo "      -- bpfnet flow list"
	bn flow list 2>&1 | tail -n 20 | sed 's/^/      /'
}

# ok TEXT CMD...: one check.
ok() {
	local text=$1 out=$TMP/check.out

	shift
	CHECKS=$((CHECKS + 1))
	if "$@" >"$out" 2>&1; then
		echo "  ✓ $text"
		return
	fi
	echo "  ✗ $text"
	echo "      -- $*"
	sed 's/^/      /' "$out"
	diagnose
	FAILED=$((FAILED + 1))
}

same() {
	diff -u "$1" "$2"
}

# What bpfnet could have changed in the host's namespace, into FILE.
list_host() {
	host "$ROOT/tools/listing" namespace >"$1"
}

finish() {
	if [ "$CHECKS" = 0 ]; then
		echo "no check was made"
		exit 1
	fi
	[ "$FAILED" = 0 ] || echo "$FAILED of $CHECKS checks failed"
	exit $((FAILED > 0))
}
