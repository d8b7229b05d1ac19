#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
# forward.sh - forwarded packets per second, path by path, side by side
#
#   internet (i)             host (h)                  container (c)
#   up0 ------------------- up0     hostside ---------------- eth0
#   198.51.100.2   198.51.100.1     10.77.0.1        10.77.0.10
#
# Each path has three namespaces of its own, all of them exist during the whole
# run, and only the load moves from one to the next. README.md says the rules.
#
# The paths' functions are called by their names; the constants are words.
# shellcheck disable=SC2317,SC2086,SC2206

set -u -o pipefail
cd "$(dirname "$0")/.." || exit 1

usage() {
	cat <<-END
	usage: bench/forward.sh [OPTION]...
	  --paths A,B,..     bpfnet iptables-legacy iptables-nft nft-map routing
	                     floor generator (default: all of them)
	  --before FILE      one more path, before: another build of bpfnet
	  --direction D      dnat, snat or both (both)
	  --flows N          distinct flows, 1..1000000 (1)
	  --rounds N         interleaved rounds, of which the median is taken (5)
	  --seconds S        length of one measurement (2)
	  --cpu N            CPU for the generator and every softirq (the last)
	  --no-bridge        the baselines' container has a veth pair alone; else
	                     it hangs on a bridge, as bpfnet's own does
	  --gro              receive offload on both ends of every veth; without
	                     it, only where the generator needs it
	  --cost             bpfnet's programs alone, by test run
	  --stream           one TCP connection with iperf3 instead of the
	                     generator's packets: Gb/s, of bpfnet,
	                     iptables-legacy and routing
	  --csv FILE         every single measurement
	  --quick            bpfnet and iptables-legacy, 15 rounds of 0.2 s: the speed of
	                     a shared machine changes from second to second
	END
}

# What each letter of the drawing is called. TEST-NET addresses.
UPLINK_HOST=198.51.100.1
UPLINK_INET=198.51.100.2
CLIENT=192.0.2.1	# counted up when there are many flows
SERVER=203.0.113.1	# this one too
SUBNET=10.77.0.0/24
GATEWAY=10.77.0.1
CONTAINER=10.77.0.10
PUBLISHED=5000		# the host's port, in front of CONTAINER:SERVICE
SERVICE=5001
REMOTE=6000		# SERVER's port

PATHS=bpfnet,iptables-legacy,iptables-nft,nft-map,routing,floor,generator
DIRECTIONS='dnat snat'
FLOWS=1
ROUNDS=5
SECONDS_EACH=2
CPU=$(($(nproc) - 1))
BRIDGE=1
GRO=
COST=
CSV=
STREAM=
PROTO=udp
GEN=${GEN:-build/bench/gen}
BPFNET=${BPFNET:-build/bpfnet}
BEFORE=
PREFIX=bnb$$
AGENTS=()
CGROUPS=
FAILED=0

die() {
	echo "forward.sh: $*" >&2
	exit 1
}

# A path that cannot be measured spoils the exit status, not the other paths.
# It is said once, however many rounds find the same.
declare -A SAID
fail() {
	FAILED=1
	[ -n "${SAID[${*%%(*}]:-}" ] || echo "forward.sh: $*" >&2
	SAID[${*%%(*}]=1
}

decimal() { # OPTION VALUE
	[[ $2 =~ ^[0-9]+(\.[0-9]+)?$ && $2 =~ [1-9] ]] ||
		die "$1 wants a number of seconds, not '$2'"
}

number() {
	[[ $2 =~ ^[0-9]+$ && $2 -gt 0 ]] || die "$1 wants a number, not '$2'"
}

options_parse() {
	while [ $# -gt 0 ]; do
		case $1 in
		--no-bridge) BRIDGE=; shift; continue ;;
		--cost) COST=1; shift; continue ;;
		--gro) GRO=1; shift; continue ;;
		--stream)
			STREAM=1 PROTO=tcp SECONDS_EACH=1
			PATHS=bpfnet,iptables-legacy,routing
			shift; continue ;;
		--quick)
			PATHS=iptables-legacy,bpfnet ROUNDS=15 SECONDS_EACH=0.2
			shift; continue ;;
		-h | --help) usage; exit 0 ;;
		esac
		[ $# -ge 2 ] || { usage >&2; exit 2; }
		case $1 in
		--paths) PATHS=$2 ;;
		--before) BEFORE=$2 ;;
		--direction)
			case $2 in
			both) ;;
			dnat | snat) DIRECTIONS=$2 ;;
			*) usage >&2; exit 2 ;;
			esac ;;
		--flows) number "$1" "$2"; FLOWS=$2 ;;
		--rounds) number "$1" "$2"; ROUNDS=$2 ;;
		--seconds) decimal "$1" "$2"; SECONDS_EACH=$2 ;;
		--cpu) CPU=$2 ;;
		--csv) CSV=$2 ;;
		*) usage >&2; exit 2 ;;
		esac
		shift 2
	done
	LOAD=generate LOAD_TEXT="60-byte UDP frames, $FLOWS flow(s)"
	[ -z "$STREAM" ] || LOAD=stream LOAD_TEXT="one TCP connection"
	[ -z "$BEFORE" ] || PATHS=${PATHS/bpfnet/bpfnet,before}
}

# ------------------------------------------------------------- namespaces
ns() { # PATH END: name of the namespace
	echo "$PREFIX-$1-$2"
}

# Without ip-netns-exec's private mounts, in which the pins would be missing.
exec_in_ns() { # PATH END COMMAND...: for the background, takes the shell's place
	local name
	name=$(ns "$1" "$2")
	shift 2
	exec nsenter --net="/run/netns/$name" "$@"
}

in_ns() { # PATH END COMMAND...
	local name
	name=$(ns "$1" "$2")
	shift 2
	nsenter --net="/run/netns/$name" "$@"
}

set_sysctl() { # PATH END KEY VALUE
	in_ns "$1" "$2" sh -c "echo $4 > /proc/sys/net/ipv4/$3"
}

uplink_add() { # PATH
	local end
	for end in i h; do
		ip netns add "$(ns "$1" $end)"
		ip -n "$(ns "$1" $end)" link set lo up
		set_sysctl "$1" $end conf/all/rp_filter 0
		set_sysctl "$1" $end conf/default/rp_filter 0
	done
	ip link add up0 netns "$(ns "$1" i)" type veth \
		peer name up0 netns "$(ns "$1" h)"
	ip -n "$(ns "$1" i)" addr add $UPLINK_INET/24 dev up0
	ip -n "$(ns "$1" h)" addr add $UPLINK_HOST/24 dev up0
	ip -n "$(ns "$1" i)" link set up0 up
	ip -n "$(ns "$1" h)" link set up0 up
	ip -n "$(ns "$1" h)" route add default via $UPLINK_INET
	ip -n "$(ns "$1" i)" route add $SUBNET via $UPLINK_HOST
	set_sysctl "$1" h ip_forward 1
}

# Where the host has the container's gateway address.
container_side() {
	if [ -n "$BRIDGE" ]; then
		echo br0
	else
		echo veth0
	fi
}

# The ordinary container of every baseline; bpfnet makes its own.
container_add() { # PATH
	local host container side
	host=$(ns "$1" h)
	container=$(ns "$1" c)
	side=$(container_side)
	ip netns add "$container"
	ip -n "$container" link set lo up
	ip link add eth0 netns "$container" type veth \
		peer name veth0 netns "$host"
	if [ -n "$BRIDGE" ]; then
		ip -n "$host" link add br0 type bridge
		ip -n "$host" link set veth0 master br0
		ip -n "$host" link set br0 up
	fi
	ip -n "$host" addr add $GATEWAY/24 dev $side
	ip -n "$container" addr add $CONTAINER/24 dev eth0
	ip -n "$host" link set veth0 up
	ip -n "$container" link set eth0 up
	ip -n "$container" route add default via $GATEWAY
}

# The host's end of the container's veth, by the index that eth0 names.
host_side() { # PATH: prints NAME
	local index
	index=$(ip -n "$(ns "$1" c)" -o link show dev eth0 |
		sed -n 's/.*eth0@if\([0-9]*\):.*/\1/p')
	ip -n "$(ns "$1" h)" -o link |
		sed -n "s/^$index: \([^@:]*\).*/\1/p"
}

mac_of() { # PATH END DEVICE
	ip -n "$(ns "$1" "$2")" -o link show dev "$3" |
		sed -n 's/.*link\/ether \([^ ]*\).*/\1/p'
}

# Asks as a container would: a packet to the address, then the answer's MAC.
gateway_mac() { # PATH
	local mac tries
	for tries in 1 2 3 4 5 6 7 8 9 10; do
		in_ns "$1" c bash -c "echo > /dev/udp/$GATEWAY/9" 2> /dev/null
		mac=$(ip -n "$(ns "$1" c)" neigh show $GATEWAY |
			sed -n 's/.*lladdr \([^ ]*\).*/\1/p')
		[ -n "$mac" ] && break
		read -r -t "0.$tries" < <(sleep 1)
	done
	echo "$mac"
}

# ------------------------------------------------------------------ paths
# The rules of the baseline, printed with the result as they stand here.
iptables_rules() {
	cat <<-END
	-t nat -A PREROUTING -d $UPLINK_HOST -p $PROTO --dport $PUBLISHED -j DNAT --to-destination $CONTAINER:$SERVICE
	-t nat -A POSTROUTING -s $SUBNET -o up0 -j MASQUERADE
	-t filter -A FORWARD -m conntrack --ctstate RELATED,ESTABLISHED -j ACCEPT
	-t filter -A FORWARD -d $CONTAINER -i up0 -p $PROTO --dport $SERVICE -j ACCEPT
	-t filter -A FORWARD -s $SUBNET -o up0 -j ACCEPT
	END
}

iptables_add() { # PATH, which is also the command
	local rule
	uplink_add "$1"
	container_add "$1"
	while read -r rule; do
		# shellcheck disable=SC2086 # the rule is a list of words
		in_ns "$1" h "$1" -w $rule
	done < <(iptables_rules)
	in_ns "$1" h "$1" -w -P FORWARD DROP
}

path_add_iptables-legacy() {
	iptables_add iptables-legacy
}

path_add_iptables-nft() {
	iptables_add iptables-nft
}

nft_rules() { # DEVICE of the container
	cat <<-END
	table ip bench {
	  map published {
	    type ipv4_addr . inet_proto . inet_service : ipv4_addr . inet_service
	    elements = { $UPLINK_HOST . $PROTO . $PUBLISHED : $CONTAINER . $SERVICE }
	  }
	  map way {
	    type ifname . ifname : verdict
	    elements = { "up0" . "$1" : jump in, "$1" . "up0" : accept }
	  }
	  chain in {
	    ct status dnat accept
	  }
	  chain prerouting {
	    type nat hook prerouting priority dstnat;
	    dnat to ip daddr . ip protocol . th dport map @published
	  }
	  chain postrouting {
	    type nat hook postrouting priority srcnat;
	    ip saddr $SUBNET oifname "up0" masquerade
	  }
	  chain forward {
	    type filter hook forward priority filter; policy drop;
	    ct state vmap { established : accept, related : accept, invalid : drop }
	    iifname . oifname vmap @way
	  }
	}
	END
}

path_add_nft-map() {
	uplink_add nft-map
	container_add nft-map
	nft_rules "$(container_side)" | in_ns nft-map h nft -f -
}

path_add_routing() {
	uplink_add routing
	container_add routing
}

path_add_floor() {
	local host side
	uplink_add floor
	container_add floor
	host=$(ns floor h)
	side=$(ip -n "$host" -o link show veth0 | sed 's/:.*//')
	in_ns floor h "$GEN" floor up0 port $SERVICE out "$side" peer 1 \
		to-mac "$(mac_of floor c eth0)" \
		from-mac "$(mac_of floor h veth0)"
	side=$(ip -n "$host" -o link show up0 | sed 's/:.*//')
	in_ns floor h "$GEN" floor veth0 port $REMOTE out "$side" peer 0 \
		to-mac "$(mac_of floor i up0)" \
		from-mac "$(mac_of floor h up0)"
}

# Only as far as the host: what the generator can reach at all.
path_add_generator() {
	uplink_add generator
	in_ns generator h ethtool -K up0 gro on
}

bpfnet_file() { # PATH
	cat <<-END
	version: 1
	$([ "$FLOWS" -gt 60000 ] &&
		echo "flows: {max: $((FLOWS * 3)), per_endpoint: $((FLOWS * 3))}")
	networks:
	  bench: {subnets: [$SUBNET]}
	endpoints:
	  web: {network: bench, ip: [$CONTAINER], netns: $(ns "$1" c)}
	publish:
	  - {listen: "$UPLINK_HOST:$PUBLISHED/$PROTO", to: "web:$SERVICE"}
	END
}

# Each build has an instance of its own, named after its path.
bpfnet_command() { # PATH: into COMMAND
	local build=$BPFNET
	[ "$1" = before ] && build=$BEFORE
	COMMAND=("$build" --instance "$PREFIX$1" --cgroup "$CGROUPS/$1")
}

bpfnet_run() { # PATH ARGS...
	bpfnet_command "$1"
	in_ns "$1" h "${COMMAND[@]}" "${@:2}"
}

path_add_bpfnet() { # [PATH]
	local path=${1:-bpfnet}
	bpfnet_command "$path"
	[ -x "${COMMAND[0]}" ] || { echo "no ${COMMAND[0]}" >&2; return 1; }
	mkdir -p "$CGROUPS/$path"
	uplink_add "$path"
	bpfnet_file "$path" | bpfnet_run "$path" -q apply -f - > /dev/null
}

path_add_before() {
	path_add_bpfnet before
}

# Cached next hops are trusted only while an agent lives (see bpfnet-agent).
agent_start() { # PATH
	local tries agent
	bpfnet_command "$1"
	# exec: what is ended later must be the agent, not a shell around it.
	exec_in_ns "$1" h "${COMMAND[@]}" agent run > "$TMP/agent.log" 2>&1 &
	agent=$!
	AGENTS+=($agent)
	for tries in 1 2 3 4 5 6; do
		kill -0 $agent 2> /dev/null || break
		bpfnet_run "$1" agent status > /dev/null 2>&1 && return
		read -r -t "0.$tries" < <(sleep 1)
	done
	echo "note: no agent runs, bpfnet resolves the next hop per packet" >&2
}

# The generator transmits into a veth, whose receiving end must poll for it:
# generic receive offload makes it do so. The same on every path.
receive_polled() { # PATH
	local side
	side=$(host_side "$1")
	in_ns "$1" h ethtool -K up0 gro on
	in_ns "$1" h ethtool -K "$side" gro on
	if [ -n "$GRO" ]; then
		in_ns "$1" i ethtool -K up0 gro on
		in_ns "$1" c ethtool -K eth0 gro on
	fi
}

declare -A UP SIDE_MAC
path_add() { # PATH
	declare -F "path_add_$1" > /dev/null || die "no path '$1'"
	# In a condition, set -e would not work.
	(set -e; "path_add_$1")
	# shellcheck disable=SC2181
	[ $? = 0 ] || return 1
	UP[$1]=$(mac_of "$1" h up0)
	[ "$1" = generator ] && return
	(set -e; receive_polled "$1")
	# shellcheck disable=SC2181
	[ $? = 0 ] || return 1
	SIDE_MAC[$1]=$(gateway_mac "$1")
	[ -n "${UP[$1]}" ] && [ -n "${SIDE_MAC[$1]}" ]
}

# -------------------------------------------------------------- measuring
translates() { # PATH
	case $1 in
	routing | floor | generator) return 1 ;;
	esac
}

# Both of the generator's modes walk over the same flows.
walk_set() { # PATH DIRECTION: sets WALK
	local to=$UPLINK_HOST port=$PUBLISHED from=$UPLINK_HOST
	translates "$1" || { to=$CONTAINER; port=$SERVICE; from=$CONTAINER; }
	WALK=(flows "$FLOWS" cpu "$CPU")
	if [ "$2" = dnat ]; then
		WALK+=(to-mac "${UP[$1]}" from $CLIENT to $to port $port
			sink-port $SERVICE expect-to $CONTAINER)
	else
		WALK+=(to-mac "${SIDE_MAC[$1]}" from $CONTAINER to $SERVER
			port $REMOTE vary to expect-from $from)
	fi
}

generate() { # PATH DIRECTION SECONDS: prints the generator's line
	local path=$1 direction=$2 prime=1 here=i there=c device=up0 sink=eth0
	if [ "$path" = generator ]; then
		direction=dnat there=h sink=up0
	elif [ "$2" = snat ]; then
		here=c there=i device=eth0 sink=up0
	fi
	walk_set "$path" $direction
	[ "$path" = floor ] || [ "$path" = generator ] && prime=0
	in_ns "$path" $here "$GEN" run $device "${WALK[@]}" seconds "$3" \
		sink "/run/netns/$(ns "$path" $there),$sink" prime $prime
}

# One TCP connection, the data going from the first to the second end: prints a
# line like the generator's, with bits in the place of packets.
stream() { # PATH DIRECTION SECONDS
	local here=i there=c to=$UPLINK_HOST port=$PUBLISHED listen=$SERVICE
	local server bits
	translates "$1" || { to=$CONTAINER; port=$SERVICE; }
	[ "$2" = dnat ] ||
		here=c there=i to=$UPLINK_INET port=$REMOTE listen=$REMOTE
	exec 3< <(exec_in_ns "$1" $there taskset -c "$CPU" iperf3 -s -1 \
		-p $listen --forceflush 2>&1)
	server=$!
	# It says so when it listens.
	while read -r -t 5 -u 3 && [[ $REPLY != *listening* ]]; do :; done
	bits=$(in_ns "$1" $here taskset -c "$CPU" iperf3 -c "$to" -p "$port" \
		-t "$3" -J | sed -n '/"sum_received"/,/}/s/.*"bits_per_second":[^0-9]*\([0-9]*\).*/\1/p')
	kill $server 2> /dev/null
	exec 3<&-
	[ -n "$bits" ] || return 1
	echo "\"seconds\":$3 \"sent\":0 \"received\":$bits \"wrong\":0" \
		"\"replies\":1 \"sent_pps\":0 \"received_pps\":$bits" \
		"\"on_cpu\":1 \"others_idle\":1"
}

# What bpfnet's program alone costs: the flows are there from the last round,
# or are made anew.
cost_print() { # DIRECTION
	local program=bn_from_uplink device=up0 here=i end=up0 line
	if [ "$1" = snat ]; then
		program=bn_from_container here=c end=eth0
		device=$(host_side bpfnet)
	fi
	generate bpfnet "$1" 0.1 > /dev/null
	walk_set bpfnet "$1"
	if ! line=$(in_ns bpfnet h "$GEN" cost "$device" "${WALK[@]}" \
		from-mac "$(mac_of bpfnet $here $end)" \
		program "/sys/fs/bpf/${PREFIX}bpfnet/progs/$program"); then
		fail "bpfnet $1: no cost of $program"
		return
	fi
	echo "$program: $(field "$line" net_ns) ns a packet" \
		"($(field "$line" ns) ns with the $(field "$line" empty_ns) ns" \
		"of an empty program), $FLOWS flow(s)"
}

field() { # LINE NAME
	sed -n "s/.*\"$2\":\([0-9.]*\).*/\1/p" <<< "$1"
}

measure() { # ROUND PATH DIRECTION: appends to the raw data
	local line name row="$3,$2,$1,$FLOWS"
	line=$(${LOAD} "$2" "$3" "$SECONDS_EACH") || { fail "$2 $3: no measurement"; return; }
	for name in "${FIELDS[@]}"; do
		row+=,$(field "$line" "$name")
	done
	echo "$row" >> "$TMP/raw.csv"
	judge "$2 $3" "$line"
	translates "$2" && [ "$(field "$line" replies)" = 0 ] &&
		fail "$2 $3: no answer came back translated"
}

# Zero packets are a finding, never a divisor.
judge() { # WHAT LINE
	local sent received wrong
	sent=$(field "$2" sent)
	received=$(field "$2" received)
	wrong=$(field "$2" wrong)
	if [ "$received" = 0 ]; then
		fail "$1: forwarded nothing (sent $sent, not as expected $wrong)"
	elif [ "$wrong" != 0 ]; then
		fail "$1: $wrong packets arrived other than expected"
	fi
}

FIELDS=(seconds sent received wrong replies sent_pps received_pps on_cpu
	others_idle)

# ---------------------------------------------------------------- report
header_print() {
	local most cpu
	cpu=$(sed -n 's/^model name.*: //p' /proc/cpuinfo | head -n 1)
	most=$(cat /proc/sys/net/netfilter/nf_conntrack_max 2> /dev/null)
	echo "kernel     $(uname -r), $cpu, $(nproc) CPUs"
	echo "load       $LOAD_TEXT, all work on CPU" \
		"$CPU, $ROUNDS interleaved rounds of $SECONDS_EACH s"
	echo "baselines  container on ${BRIDGE:+a bridge and }a veth pair," \
		"receive offload $([ -n "$GRO" ] && echo on ||
		echo "as the kernel sets it"), conntrack on (maximum ${most:-?})"
	[ "$FLOWS" -gt "${most:-$FLOWS}" ] &&
		echo "           more flows than that: netfilter drops the rest"
	case $PATHS in
	*iptables*)
		echo "iptables   -P FORWARD DROP"
		iptables_rules | sed 's/^/           /' ;;
	esac
	case $PATHS in
	*nft-map*)
		echo "nft-map"
		nft_rules "$(container_side)" | sed 's/^/           /' ;;
	esac
	echo
}

# Medians over the rounds; a ratio is the median of each round's own ratio.
# shellcheck disable=SC2016 # awk's dollars
REPORT='
function median(list, n,    i, j, t) {
	for (i = 2; i <= n; i++)
		for (j = i; j > 1 && list[j - 1] + 0 > list[j] + 0; j--) {
			t = list[j]; list[j] = list[j - 1]; list[j - 1] = t
		}
	return n % 2 ? list[(n + 1) / 2] : (list[n / 2] + list[n / 2 + 1]) / 2
}
function rate(dir, path,    i, n, list) {
	for (i = 1; i <= rounds; i++)
		if ((dir, path, i) in pps)
			list[++n] = pps[dir, path, i]
	return n ? median(list, n) : -1
}
function ratio(dir, path, base,    i, n, list) {
	for (i = 1; i <= rounds; i++)
		if (pps[dir, path, i] > 0 && pps[dir, base, i] > 0)
			list[++n] = pps[dir, path, i] / pps[dir, base, i]
	return n ? median(list, n) : 0
}
function cell(dir, path,    r) {
	r = rate(dir, path)
	if (r < 0)
		return sprintf("%26s", "not measured")
	if (r == 0)
		return sprintf("%26s", "forwarded nothing")
	return sprintf("%9.3f %9s %5.0f%%", r / (stream ? 1e9 : 1e6),
		times(ratio(dir, path, "iptables-legacy")), idle[dir, path])
}
function times(r) {
	return r ? sprintf("%.2fx", r) : "-"
}
function versus(base, percent,    i, r, text) {
	for (i = 1; i <= ndirs; i++) {
		r = ratio(dirs[i], "bpfnet", base)
		text = text sprintf(" %s %s", toupper(dirs[i]), !r ? "n/a" : \
			percent ? sprintf("%.0f%%", r * 100) : times(r))
	}
	printf "bpfnet vs %s:%s\n", base, text
}
BEGIN {
	npaths = split(paths, path, ",")
	ndirs = split(directions, dirs, " ")
}
{
	pps[$1, $2, $3] = $11
	n = ++count[$1, $2]
	idle[$1, $2] += ($13 * 100 - idle[$1, $2]) / n
	if ($12 < 0.999 && $7 > 0)
		elsewhere = elsewhere " " $2
}
END {
	printf "%-16s", ""
	for (i = 1; i <= ndirs; i++)
		printf "  %9s %9s %6s", toupper(dirs[i]) (stream ? " Gb/s" : " Mpps"),
			"iptables", "idle"
	print ""
	for (p = 1; p <= npaths; p++) {
		printf "%-16s", path[p]
		for (i = 1; i <= ndirs; i++)
			printf "  %s", cell(dirs[i], path[p])
		print ""
		seen[path[p]] = 1
	}
	print ""
	if (elsewhere)
		print "warning: packets were handled on another CPU:" elsewhere
	if (!("bpfnet" in seen))
		exit
	if ("floor" in seen)
		versus("floor", 1)
	if ("routing" in seen)
		versus("routing", 0)
	if ("before" in seen)
		versus("before", 1)
	if ("iptables-legacy" in seen)
		versus("iptables-legacy", 0)
}'

report() {
	if [ -n "$CSV" ]; then
		local IFS=,
		{
			echo "direction,path,round,flows,${FIELDS[*]}"
			cat "$TMP/raw.csv"
		} > "$CSV"
	fi
	awk -F, -v paths="$PATHS" -v directions="$DIRECTIONS" \
		-v rounds="$ROUNDS" -v stream="$STREAM" "$REPORT" "$TMP/raw.csv"
}

# ----------------------------------------------------------------- the run
# Only what carries this run's prefix.
cleanup() {
	local name path agent
	trap '' INT TERM
	for agent in "${AGENTS[@]}"; do
		kill "$agent" 2> /dev/null
		wait "$agent"
	done
	for path in bpfnet before; do
		[ -e "/run/netns/$(ns $path h)" ] &&
			bpfnet_run $path purge > /dev/null 2>&1
	done
	for name in $(ip netns list | cut -d ' ' -f 1); do
		[[ $name == "$PREFIX"-* ]] && ip netns del "$name"
	done
	[ -d "$CGROUPS" ] && rmdir "$CGROUPS"/*/ "$CGROUPS"
	rm -rf "${TMP:?}"
}

main() {
	local round direction path ready=
	options_parse "$@"
	[ "$(id -u)" = 0 ] || die "needs root"
	[ -x "$GEN" ] || die "no $GEN: run make $GEN"
	TMP=$(mktemp -d) || exit 1
	: > "$TMP/raw.csv"
	trap cleanup EXIT
	trap 'exit 130' INT TERM
	CGROUPS=$(awk '$3 == "cgroup2" { print $2; exit }' /proc/mounts)/$PREFIX
	mkdir -p "$CGROUPS" || die "needs a mounted cgroup2"

	header_print
	for path in ${PATHS//,/ }; do
		if ! path_add "$path"; then
			fail "$path: could not be set up"
			continue
		fi
		ready+=" $path"
		[[ $path == bpfnet || $path == before ]] && agent_start "$path"
	done
	for ((round = 1; round <= ROUNDS; round++)); do
		for direction in $DIRECTIONS; do
			for path in $ready; do
				measure "$round" "$path" "$direction"
			done
		done
	done
	[[ -n $COST && $ready == *bpfnet* ]] && for direction in $DIRECTIONS; do
		cost_print "$direction"
	done
	report
	exit $FAILED
}

main "$@"
