#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
# control.sh - how long the commands take, beside Debian's CNI plugins
#
#   PREFIX-inet            PREFIX-host        PREFIX-e1, e2, ... PREFIX-x
#   up0 ------------------ up0, runs bpfnet   its endpoints
#   198.51.100.2           198.51.100.1
#
#   PREFIX-cni             PREFIX-c1, c2, ... PREFIX-y
#   runs the plugins       their containers
#
# Both hosts exist all the time, and the rounds go from one to the other.
# README.md says what is measured and how.
#
# Functions are called by their names; the constants are words.
# shellcheck disable=SC2317,SC2086

set -u -o pipefail
cd "$(dirname "$0")/.." || exit 1

usage() {
	cat <<-END
	usage: bench/control.sh [OPTION]...     BPFNET=FILE measures another build
	  --rounds N     interleaved rounds, of which the median is taken (5)
	  --endpoints N  the largest host: N endpoints, 10 N ports (1000)
	  --rules N      the most rules, 10000; a tenth of them is there before
	  --full         the plugins at the largest host, too: 20 minutes more
	  --backend B    what the plugins' iptables is: legacy or nft (as installed)
	  --profile      where the time of the last attach goes, by strace and perf
	  --csv FILE     every single measurement (build/bench/control.csv)
	  --quick        3 rounds, 100 endpoints: to see that it works
	END
}

HOST_IP=198.51.100.1
INET_IP=198.51.100.2
SUBNET=10.77.0.0/16
FIRST_IP=10.77.1.1	# of e1
SECOND_IP=10.77.1.2	# of e2
PORT_FIRST=20000	# of e1; each endpoint has PORTS_EACH
PORTS_EACH=10
PORT_MEASURED=40000	# of the endpoint that comes and goes
SERVICE=5001		# of e1, behind PORT_FIRST/udp
CNI_SUBNET=10.78.0.0/16
CNI_DIR=/usr/lib/cni
FLOWS=100000
FLOWS_PART=10000	# of one address
REST_SECONDS=20		# the agent is watched for so long

ROUNDS=5
ENDPOINTS=1000
RULES=10000
FULL=
BACKEND=
PROFILE=
CSV=build/bench/control.csv
BPFNET=${BPFNET:-build/bpfnet}
CLOCK=build/bench/clock
GEN=build/bench/gen
PREFIX=bnc$$
CGROUP=
TMP=
CNI=1			# empty: not installed
RUNNING=		# the process that is waited for
AGENT=
AGENT_CPU=
FAILED=0

die() {
	echo "control.sh: $*" >&2
	exit 1
}

# What cannot be measured spoils the exit status, and nothing else.
fail() {
	FAILED=1
	echo "control.sh: $*" >&2
}

number() { # OPTION VALUE
	[[ $2 =~ ^[1-9][0-9]*$ ]] || die "$1 wants a number, not '$2'"
}

options_parse() {
	while [ $# -gt 0 ]; do
		case $1 in
		--full) FULL=1; shift; continue ;;
		--profile) PROFILE=1; shift; continue ;;
		--quick) ROUNDS=3 ENDPOINTS=100 RULES=1000; shift; continue ;;
		-h | --help) usage; exit 0 ;;
		esac
		[ $# -ge 2 ] || { usage >&2; exit 2; }
		case $1 in
		--rounds) number "$1" "$2"; ROUNDS=$2 ;;
		--endpoints) number "$1" "$2"; ENDPOINTS=$2 ;;
		--rules) number "$1" "$2"; RULES=$2 ;;
		--backend) BACKEND=$2 ;;
		--csv) CSV=$2 ;;
		*) usage >&2; exit 2 ;;
		esac
		shift 2
	done
	# A bridge has 1023 ports, the programs room for 10240 rules.
	((ENDPOINTS >= 20 && ENDPOINTS <= 1000)) ||
		die "--endpoints is from 20 to 1000"
	((RULES >= 20 && RULES <= 10000)) || die "--rules is from 20 to 10000"
	case $BACKEND in
	'' | legacy | nft) ;;
	*) die "--backend is legacy or nft" ;;
	esac
}

# --------------------------------------------------------------- namespaces
# Without ip-netns-exec's private mounts, in which the pins would be missing.
at() { # NAME COMMAND...
	nsenter --net="/run/netns/$PREFIX-$1" "${@:2}"
}

# A shell handles a signal only after the command that it waits for, but the
# builtin's waiting ends at once. And exec: the process ended is the one meant.
await() { # COMMAND...
	local status
	(exec "$@") <&0 &
	RUNNING=$!
	wait "$RUNNING"
	status=$?
	RUNNING=
	return $status
}

netns_add() { # NAME
	ip netns add "$PREFIX-$1" && ip -n "$PREFIX-$1" link set lo up
}

worlds_add() {
	netns_add inet && netns_add host && netns_add cni || return 1
	ip link add up0 netns "$PREFIX-inet" type veth \
		peer name up0 netns "$PREFIX-host" || return 1
	ip -n "$PREFIX-inet" addr add $INET_IP/24 dev up0
	ip -n "$PREFIX-host" addr add $HOST_IP/24 dev up0
	ip -n "$PREFIX-inet" link set up0 up
	ip -n "$PREFIX-host" link set up0 up
	ip -n "$PREFIX-host" route add default via $INET_IP
}

# ------------------------------------------------------------------- bpfnet
IN_HOST=(nsenter "--net=/run/netns/$PREFIX-host")
IN_INET=(nsenter "--net=/run/netns/$PREFIX-inet")

bpfnet() { # ARGS...
	await "${IN_HOST[@]}" "${BPFNET_WORDS[@]}" "$@"
}

# file_print ENDPOINTS RULES: the host as a file for apply. The first port of
# the first endpoint is for the generator's datagrams. No rule has to do with
# the datagrams from e1 to e2, nor with the last endpoint, which shall go.
# shellcheck disable=SC2016 # awk's dollars
file_print() {
	awk -v n="$1" -v rules="$2" -v each=$PORTS_EACH -v port=$PORT_FIRST \
		-v subnet=$SUBNET -v prefix="$PREFIX" -v service=$SERVICE \
		-v first=$FIRST_IP -v second=$SECOND_IP -v flows=$FLOWS '
	BEGIN {
		print "version: 1"
		print "flows: {per_endpoint: " 2 * flows ", udp: 1h, udp_stream: 1h}"
		print "networks: {apps: {subnets: [" subnet "]}}"
		if (n)
			print "endpoints:"
		for (i = 1; i <= n; i++) {
			ip = i == 1 ? first : i == 2 ? second : ""
			printf "  e%d: {network: apps, netns: %s-e%d%s}\n", i,
				prefix, i, ip ? ", ip: " ip : ""
		}
		if (n)
			print "publish:"
		for (i = 0; i < n * each; i++)
			if (i)
				printf "  - \"%d -> e%d:%d\"\n", port + i,
					i / each + 1, 8000 + i % each
			else
				printf "  - \"%d/udp -> e1:%d\"\n", port, service
		if (rules)
			print "policy:"
		for (i = 0; i < rules; i++) {
			from = "e" i % (n - 1) + 1
			to = "e" (i * 7 + 3) % (n - 1) + 1
			if (i % 10 == 8)
				from = sprintf("203.0.113.%d", i % 256)
			if (i % 10 == 9)
				to = sprintf("192.0.2.%d", i % 256)
			printf "  - {name: r%d, from: %s, to: %s, proto: tcp, " \
				"ports: [%d], action: %s}\n", i, from, to,
				1000 + i, i % 3 ? "allow" : "deny"
		}
	}'
}

# The endpoint that comes and goes, with its ports, as a file.
measured_print() { # PORTS
	local i
	echo "version: 1"
	echo "networks: {apps: {subnets: [$SUBNET]}}"
	echo "endpoints: {x: {network: apps, netns: $PREFIX-x}}"
	[ "$1" = 0 ] || echo "publish:"
	for ((i = 0; i < $1; i++)); do
		echo "  - \"$((PORT_MEASURED + i)) -> x:$((8000 + i))\""
	done
}

# Where we are: OTHERS endpoints and HAVE rules are there, and ROUND it is.
OTHERS=0 HAVE=0 ROUND=0

# bpfnet_timed WHAT STEP PORTS ARGS...
bpfnet_timed() {
	await "${IN_HOST[@]}" "$CLOCK" run "$TMP/raw.csv" \
		"bpfnet,$1,$2,$OTHERS,$3,$HAVE,$ROUND" "${BPFNET_WORDS[@]}" "${@:4}" ||
		fail "bpfnet $1 $2 with $OTHERS endpoints: no measurement"
}

# One command, without ports; one command with; and what two commands take.
bpfnet_round() { # PORTS
	if [ "$1" = 0 ]; then
		bpfnet_timed attach attach 0 endpoint attach "$PREFIX-x" apps \
			name x
	else
		measured_print "$1" > "$TMP/measured.yaml"
		bpfnet_timed attach apply "$1" apply -f "$TMP/measured.yaml"
	fi
	bpfnet_timed detach detach "$1" endpoint detach x
	[ "$1" = 10 ] || return 0
	bpfnet_timed attach+publish attach "$1" endpoint attach "$PREFIX-x" \
		apps name x
	bpfnet_timed attach+publish publish "$1" port publish \
		"$PORT_MEASURED-$((PORT_MEASURED + $1 - 1))" x:8000
	bpfnet endpoint detach x
}

# --------------------------------------------------------------------- CNI
# What a container runtime does: a namespace, then one plugin after the other,
# each with what the one before has printed. Only the processes are timed, not
# who starts them.
CNI_CHAIN=(bridge portmap firewall)

cni_conf() { # PLUGIN PORT PORTS PREVIOUS
	local i mappings=
	echo '{"cniVersion":"1.0.0","name":"bench","type":"'"$1"'"'
	case $1 in
	bridge)
		echo ',"bridge":"cni0","isGateway":true,"ipMasq":true,'
		echo '"hairpinMode":true,"ipam":{"type":"host-local",'
		echo '"dataDir":"'"$TMP/ipam"'","ranges":[[{"subnet":"'$CNI_SUBNET'"}]],'
		echo '"routes":[{"dst":"0.0.0.0/0"}]}' ;;
	portmap)
		for ((i = 0; i < $3; i++)); do
			mappings+="${mappings:+,}{\"hostPort\":$(($2 + i)),"
			mappings+="\"containerPort\":$((8000 + i)),"
			mappings+='"protocol":"tcp"}'
		done
		echo ',"snat":true,"capabilities":{"portMappings":true},'
		echo '"runtimeConfig":{"portMappings":['"$mappings"']}' ;;
	firewall)
		echo ',"backend":"iptables"' ;;
	esac
	if [ -n "$4" ]; then
		echo ',"prevResult":'
		cat "$4"
	fi
	echo '}'
}

cni_step() { # LOG WHAT STEP PORTS COMMAND...
	await nsenter --net="/run/netns/$PREFIX-cni" "$CLOCK" run "$1" \
		"cni,$2,$3,$OTHERS,$4,0,$ROUND" "${@:5}" < "$TMP/cni.in" \
		> "$TMP/cni.out" 2> "$TMP/cni.err" && return
	fail "CNI $2 $3 with $OTHERS containers: $(cat "$TMP/cni.out" "$TMP/cni.err")"
	return 1
}

cni_add() { # LOG NAME PORT PORTS
	local plugin previous=
	local -x CNI_COMMAND=ADD CNI_CONTAINERID=$PREFIX-$2 CNI_IFNAME=eth0
	local -x CNI_NETNS=/run/netns/$PREFIX-$2 CNI_PATH=$CNI_DIR
	local -x PATH=$TMP/bin:$PATH XTABLES_LOCKFILE=$TMP/xtables.lock
	: > "$TMP/cni.in"
	cni_step "$1" attach netns "$4" ip netns add "$PREFIX-$2" || return
	for plugin in "${CNI_CHAIN[@]}"; do
		cni_conf $plugin "$3" "$4" "$previous" > "$TMP/cni.in"
		cni_step "$1" attach $plugin "$4" "$CNI_DIR/$plugin" || return
		previous=$TMP/$2.result
		mv "$TMP/cni.out" "$previous"
	done
}

cni_del() { # LOG NAME PORT PORTS
	local i plugin
	local -x CNI_COMMAND=DEL CNI_CONTAINERID=$PREFIX-$2 CNI_IFNAME=eth0
	local -x CNI_NETNS=/run/netns/$PREFIX-$2 CNI_PATH=$CNI_DIR
	local -x PATH=$TMP/bin:$PATH XTABLES_LOCKFILE=$TMP/xtables.lock
	for ((i = ${#CNI_CHAIN[@]} - 1; i >= 0; i--)); do
		plugin=${CNI_CHAIN[i]}
		cni_conf "$plugin" "$3" "$4" "$TMP/$2.result" > "$TMP/cni.in"
		cni_step "$1" detach "$plugin" "$4" "$CNI_DIR/$plugin" || return
	done
	cni_step "$1" detach netns "$4" ip netns del "$PREFIX-$2"
}

cni_round() { # PORTS
	cni_add "$TMP/raw.csv" y $PORT_MEASURED "$1" &&
		cni_del "$TMP/raw.csv" y $PORT_MEASURED "$1"
}

CNI_HAVE=0
cni_fill() { # CONTAINERS
	while [ "$CNI_HAVE" -lt "$1" ]; do
		cni_add /dev/null "c$((CNI_HAVE + 1))" \
			$((PORT_FIRST + CNI_HAVE * PORTS_EACH)) $PORTS_EACH || return
		CNI_HAVE=$((CNI_HAVE + 1))
	done
}

# Which iptables the plugins find is what they use: they ask for no other.
cni_prepare() {
	local plugin command
	for plugin in "${CNI_CHAIN[@]}" host-local; do
		[ -x $CNI_DIR/$plugin ] || CNI=
	done
	mkdir "$TMP/bin" "$TMP/ipam"
	if [ -n "$BACKEND" ]; then
		for command in iptables ip6tables; do
			ln -s "$(command -v "$command-$BACKEND")" \
				"$TMP/bin/$command" || CNI=
		done
	fi
	[ -n "$CNI" ] || CNI_HAVE=-1
}

# ------------------------------------------------------------------- phases
phase() { # TEXT
	printf '%4d s  %s\n' $SECONDS "$*" >&2
}

round_all() { # PORTS... with OTHERS and HAVE as they are
	local ports
	for ((ROUND = 1; ROUND <= ROUNDS; ROUND++)); do
		for ports in "$@"; do
			bpfnet_round "$ports"
			[ "$OTHERS" != "$CNI_HAVE" ] || cni_round "$ports"
		done
	done
}

again() { # COMMAND...: in ROUNDS rounds
	for ((ROUND = 1; ROUND <= ROUNDS; ROUND++)); do
		"$@"
	done
}

apply_timed() { # WHAT FILE
	bpfnet_timed "$1" apply $((OTHERS * PORTS_EACH)) apply -f "$2"
}

load_and_purge() { # FILE
	apply_timed load "$1"
	bpfnet_timed purge-empty purge 0 purge
}

# Nothing at all, one network, and a tenth of the endpoints.
phases_small() {
	local few=$((ENDPOINTS / 10))
	file_print 0 0 > "$TMP/empty.yaml"
	file_print $((few - 1)) 0 > "$TMP/few.yaml"
	phase "the first command, which loads the programs"
	again load_and_purge "$TMP/empty.yaml"
	phase "attach and detach: the first endpoint"
	bpfnet apply -f "$TMP/empty.yaml" || die "no network"
	round_all 0 1 10 200
	phase "attach and detach: number $few"
	bpfnet apply -f "$TMP/few.yaml" || fail "no $few endpoints"
	[ -z "$CNI" ] || cni_fill $((few - 1)) || fail "no $few containers"
	OTHERS=$((few - 1))
	round_all 0 1 10 200
	bpfnet purge > /dev/null
}

# All endpoints, with a tenth of the rules. One of them makes room for the one
# that is measured.
phases_large() {
	local less=$((RULES / 10))
	file_print "$ENDPOINTS" $less > "$TMP/less.yaml"
	phase "apply from nothing: $ENDPOINTS endpoints"
	OTHERS=$ENDPOINTS HAVE=$less ROUND=1
	apply_timed from-nothing "$TMP/less.yaml"
	again apply_timed no-op "$TMP/less.yaml"
	OTHERS=$((ENDPOINTS - 1))
	bpfnet endpoint detach "e$ENDPOINTS"
	if [ -n "$CNI" ] && [ -n "$FULL" ]; then
		phase "containers of the plugins: $OTHERS"
		cni_fill $OTHERS || fail "no $OTHERS containers"
	fi
	phase "attach and detach: number $ENDPOINTS"
	round_all 0 1 10 200
}

rule_change() {
	await "${IN_HOST[@]}" "$CLOCK" deny "$TMP/raw.csv" \
		"bpfnet,rule-add,add,$OTHERS,0,$HAVE,$ROUND" \
		"/run/netns/$PREFIX-e1" "/run/netns/$PREFIX-e2" $SECOND_IP \
		"${BPFNET_WORDS[@]}" \
		policy add name bench from e1 to e2 proto udp deny ||
		fail "one-rule change: no measurement"
	bpfnet_timed rule-del del 0 policy del bench
}

phases_rules() {
	file_print "$ENDPOINTS" "$RULES" > "$TMP/all.yaml"
	phase "apply: $RULES rules"
	OTHERS=$ENDPOINTS HAVE=$RULES ROUND=1
	apply_timed more-rules "$TMP/all.yaml"
	again apply_timed no-op "$TMP/all.yaml"
	phase "one rule more, one rule less"
	again rule_change
	OTHERS=$((ENDPOINTS - 1))
	bpfnet endpoint detach "e$ENDPOINTS"
	phase "attach and detach: number $ENDPOINTS, with $RULES rules"
	# The plugins know no rules: their turn has been.
	CNI_HAVE=-1
	round_all 10
	[ -z "$PROFILE" ] || profile
	bpfnet apply -f "$TMP/all.yaml"
}

# ---------------------------------------------------------- agent and memory
agent_start() {
	local tries
	(exec "${IN_HOST[@]}" "${BPFNET_WORDS[@]}" agent run) \
		> "$TMP/agent.log" 2>&1 &
	AGENT=$!
	for ((tries = 0; tries < 100; tries++)); do
		kill -0 $AGENT 2> /dev/null || return
		bpfnet agent status > /dev/null 2>&1 && return
		await sleep 0.1
	done
	return 1
}

agent_cpu_ms() { # user and system
	awk -v tick="$(getconf CLK_TCK)" '{
		print $14 * 1000 / tick, $15 * 1000 / tick
	}' "/proc/$AGENT/stat"
}

proc_kib() { # FILE FIELD
	awk -v name="$2:" '$1 == name { print $2 }' "/proc/$AGENT/$1"
}

# Every flow is answered, so that it stays for long. In parts: there is less
# room for flows that wait for their first answer.
flows_make() {
	local mac part
	at host ethtool -K up0 gro on
	mac=$(ip -n "$PREFIX-host" -o link show up0 |
		sed 's/.*link.ether \([^ ]*\).*/\1/')
	for ((part = 0; part < FLOWS; part += FLOWS_PART)); do
		await "${IN_INET[@]}" "$GEN" run up0 flows $FLOWS_PART \
			to-mac "$mac" from 192.0.2.$((part / FLOWS_PART + 1)) \
			to $HOST_IP port $PORT_FIRST sink-port $SERVICE \
			expect-to $FIRST_IP prime 1 seconds 0.1 \
			sink "/run/netns/$PREFIX-e1,eth0" \
			> "$TMP/gen.out" 2>&1 || return
	done
}

maps_bytes() {
	bpfnet stats maps | awk 'NR > 1 { sum += $4 } END { printf "%d", sum }'
}

memory_measure() {
	MAPS_BYTES=$(maps_bytes)
	STATE_KIB=$(du -sk "/run/$PREFIX" | cut -f 1)
}

agent_measure() {
	local before after
	phase "the agent, with $FLOWS flows, $REST_SECONDS s"
	agent_start || { fail "no agent: $(cat "$TMP/agent.log")"; return; }
	flows_make || { fail "no flows: $(cat "$TMP/gen.out")"; return; }
	FLOWS_THERE=$(bpfnet flow count)
	# There are also those of the datagrams.
	[ "$FLOWS_THERE" -ge $FLOWS ] ||
		fail "$FLOWS_THERE flows instead of $FLOWS"
	await sleep 5
	before=$(agent_cpu_ms)
	await sleep $REST_SECONDS
	after=$(agent_cpu_ms)
	AGENT_CPU=$(awk -v s=$REST_SECONDS '{
		printf "%.2f %% (user %.2f, system %.2f)",
			($3 + $4 - $1 - $2) / s / 10, ($3 - $1) / s / 10,
			($4 - $2) / s / 10
	}' <<< "$before $after")
	AGENT_RSS=$(proc_kib status VmRSS)
	AGENT_PRIVATE=$(proc_kib smaps_rollup Private_Dirty)
	AGENT_PEAK=$(proc_kib status VmHWM)
}

agent_end() {
	[ -n "$AGENT" ] || return
	kill "$AGENT" 2> /dev/null
	wait "$AGENT"
	AGENT=
}

# ------------------------------------------------------------------ profile
# Where one attach spends its time; under strace it takes longer than it does.
# What bpf() and netlink are asked for is part of their names here.
# shellcheck disable=SC2016 # awk's dollars
SYSCALLS='
match($0, /<[0-9.]+>$/) {
	ms = substr($0, RSTART + 1, RLENGTH - 2) * 1000
	sub(/^[0-9]+ +[0-9.]+ /, "")
	name = $0
	sub(/\(.*/, "", name)
	if (name ~ /^<[.]/)
		name = $2
	if (match($0, /(BPF|RTM)_[A-Z_0-9]+/))
		name = name " " substr($0, RSTART, RLENGTH)
	count[name]++
	sum[name] += ms
	total += ms
	printf "%10.3f ms  %s\n", ms, substr($0, 1, 96) > single
}
END {
	printf "%10.3f ms  in all system calls\n", total
	for (name in sum)
		printf "%10.3f ms %6d x %s\n", sum[name], count[name], name
}'

profile_strace() { # WORDS...
	await "${IN_HOST[@]}" strace -f -ttt -T -s 64 -o "$TMP/strace.out" "$@" ||
		{ fail "no profile by strace"; return; }
	echo "system calls, by the time spent in them:"
	awk -v single="$TMP/single" "$SYSCALLS" "$TMP/strace.out" |
		sort -rn | head -n 16
	echo "the longest ones:"
	sort -rn "$TMP/single" | head -n 16
}

profile_perf() { # WORDS...
	await "${IN_HOST[@]}" perf record -q -e cpu-clock -F 20000 \
		-o "$TMP/perf.data" -- "$@" > /dev/null 2>&1 ||
		{ echo "no profile by perf"; return; }
	echo "CPU time, by function:"
	perf report -i "$TMP/perf.data" --stdio -F overhead,dso,symbol \
		2> /dev/null | sed '/^#/d; /^$/d; s/ *- *- *$//' | head -n 30
}

profile() {
	local words=("${BPFNET_WORDS[@]}" endpoint attach "$PREFIX-x" apps name x)
	phase "profile"
	{
		echo "profile of an attach, $OTHERS endpoints, $HAVE rules"
		if command -v strace > /dev/null; then
			profile_strace "${words[@]}"
			bpfnet endpoint detach x
		else
			echo "no strace"
		fi
		if command -v perf > /dev/null; then
			profile_perf "${words[@]}"
			bpfnet endpoint detach x
		else
			echo "no perf"
		fi
	} > "$TMP/profile.txt"
}

# ------------------------------------------------------------------- report
header_print() {
	local cpu backend
	cpu=$(sed -n 's/^model name.*: //p' /proc/cpuinfo | head -n 1)
	backend=$(PATH=$TMP/bin:$PATH iptables --version 2>&1)
	echo "kernel     $(uname -r), $cpu, $(nproc) CPUs online"
	echo "load       $(cut -d ' ' -f 1-3 /proc/loadavg) before;" \
		"$(ip netns list | wc -l) network namespaces were there"
	echo "bpfnet     $("$BPFNET" --version), $BPFNET;" \
		"/run is $(stat -f -c %T /run)"
	if [ -n "$CNI" ]; then
		echo "baseline   containernetworking-plugins" \
			"$(dpkg-query -W -f '${Version}' \
				containernetworking-plugins 2> /dev/null ||
				echo "of unknown version"):" \
			"ip netns, ${CNI_CHAIN[*]}"
		echo "           bridge with ipMasq, firewall by iptables: $backend"
	else
		echo "baseline   not measured: no CNI plugins in $CNI_DIR," \
			"or no iptables"
	fi
	echo "rounds     $ROUNDS, interleaved; medians, wall time in ms"
	echo
}

csv_write() {
	mkdir -p "$(dirname "$CSV")"
	{
		echo "side,what,step,others,ports,rules,round,wall_ms,user_ms,system_ms,peak_kib,status,in_force_ms"
		cat "$TMP/raw.csv"
	} > "$CSV"
}

report() {
	csv_write
	cat "$TMP/header.txt"
	awk -F, -v rounds="$ROUNDS" -v all="$ENDPOINTS" -v rules="$RULES" \
		-v each=$PORTS_EACH -f bench/control.awk "$TMP/raw.csv"
	echo "tables in the kernel: $((MAPS_BYTES / 1048576)) MiB;" \
		"/run: $STATE_KIB KiB"
	if [ -n "$AGENT_CPU" ]; then
		echo "agent at rest, $FLOWS_THERE flows: $AGENT_CPU of a CPU," \
			"$((AGENT_RSS / 1024)) MiB resident" \
			"($((AGENT_PRIVATE / 1024)) private," \
			"$((AGENT_PEAK / 1024)) at most)"
	else
		echo "agent: not measured"
	fi
	[ ! -s "$TMP/profile.txt" ] || { echo; cat "$TMP/profile.txt"; }
	echo
	echo "every measurement: $CSV; load now $(cut -d ' ' -f 1-3 /proc/loadavg)"
}

# ----------------------------------------------------------------- the run
# Only what carries this run's prefix.
cleanup() {
	trap '' INT TERM
	if [ -n "$RUNNING" ]; then
		kill "$RUNNING" 2> /dev/null
		wait "$RUNNING"
	fi
	agent_end
	[ ! -e "/run/netns/$PREFIX-host" ] || bpfnet purge > /dev/null 2>&1
	ip netns list | sed -n "s/^\($PREFIX-[^ ]*\).*/\1/p" |
		xargs -r -n 1 ip netns del
	rm -rf "/run/$PREFIX" "/sys/fs/bpf/$PREFIX"
	[ ! -d "$CGROUP" ] || rmdir "$CGROUP"
	rm -rf "${TMP:?}"
}

main() {
	options_parse "$@"
	[ "$(id -u)" = 0 ] || die "needs root"
	[[ -x $CLOCK && -x $GEN && -x $BPFNET ]] ||
		die "no $CLOCK, $GEN or $BPFNET: run make bench-control"
	TMP=$(mktemp -d) || exit 1
	: > "$TMP/raw.csv"
	trap cleanup EXIT
	trap 'exit 130' INT TERM
	CGROUP=$(awk '$3 == "cgroup2" { print $2; exit }' /proc/mounts)/$PREFIX
	mkdir "$CGROUP" || die "needs a mounted cgroup2"
	BPFNET_WORDS=("$BPFNET" --instance "$PREFIX" --cgroup "$CGROUP" -q)
	cni_prepare
	header_print > "$TMP/header.txt"
	worlds_add || die "no namespaces"
	phases_small
	phases_large
	phases_rules
	agent_measure
	memory_measure
	agent_end
	OTHERS=$ENDPOINTS ROUND=1
	phase "purge"
	bpfnet_timed purge purge 0 purge
	phase "report"
	report
	exit $FAILED
}

main "$@"
