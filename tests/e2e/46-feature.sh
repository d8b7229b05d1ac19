#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
# 46-feature - what the kernel offers, and what bpfnet uses of it
#
#   host, of this kernel; of one without bpf(); without a BPF file system
#
. "$(dirname "$0")/lib.sh"

# of NAME KEY: what the JSON says.
of() {
	bn -j feature | json "[f['$2'] for f in d['features']
		if f['name'] == '$1'][0]"
}

is() {
	says "^$1\$" "${@:2}"
}

# As the tests find out, without bpfnet.
kernel_has_tcx() {
	! exits 77 host python3 "$ROOT/tests/e2e/tcx.py" lo ingress first
}

all_needed() {
	bn -j feature | json "(d['schema'] == 'bpfnet/1' and
		d['kernel'] == '$(uname -r)' and
		all(f['used'] and f['available'] is not False
			for f in d['features'] if f['needed']))" | grep -x True
}

without_bpf() {
	host python3 "$ROOT/tests/e2e/without_bpf.py" "$BPFNET" \
		--instance "$P" "$@"
}

# In a mount namespace of its own.
without_bpffs() {
	host unshare -m sh -c 'umount -l /sys/fs/bpf && exec "$@"' - \
		"$BPFNET" --instance "$P" "$@"
}

unpinned() {
	ls "/sys/fs/bpf/$P" 2>/dev/null
	"$BPFTOOL" prog show | grep -w bn_probe
}

world
list_host "$TMP/host.before"

ok "this kernel has all that is needed" bn feature
ok "the list says so, in JSON too" all_needed
ok "the columns can be chosen" says '^NAME *USED$' bn -o name,used feature
if kernel_has_tcx >"$TMP/tcx"; then
	ok "tcx is there, and used" \
		eval 'is True of tcx available && is True of tcx used'
	ok "not by an instance that is to attach by clsact" eval '
		export BPFNET_ATTACH=clsact
		is True of tcx available && is False of tcx used'
	export BPFNET_ATTACH=clsact
	must bn -q network add apps subnet 172.20.0.0/24
	unset BPFNET_ATTACH
	ok "nor by one that was loaded so" is False of tcx used
	must bn -q purge
else
	ok "tcx is not there" is False of tcx available
fi

ok "without bpf() it fails with 8" exits 8 without_bpf feature
ok "and names what is missing" \
	eval 'without_bpf feature 2>&1 | grep "^bpfnet: feature: tc-programs"'
ok "the list is printed all the same" \
	eval 'without_bpf feature 2>/dev/null | grep -E "^bpf_loop +5.17 +no "'
ok "without a BPF file system as well" exits 8 without_bpffs feature
ok "which is all that is missing then" eval '
	without_bpffs feature 2>&1 |
		grep "^bpfnet: feature: bpffs is missing"'
ok "another user is refused" \
	exits 7 host setpriv --reuid 65534 --clear-groups "$BPFNET" feature

list_host "$TMP/host.after"
ok "the host is as before" same "$TMP/host.before" "$TMP/host.after"
ok "and no program or pin has stayed" fails eval 'unpinned | grep .'

finish
