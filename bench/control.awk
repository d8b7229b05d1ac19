# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
# control.awk - the report of control.sh, from its raw data
#
# Steps of one measurement add up; medians over the rounds; a ratio is the
# median of the rounds' own ratios. Variables: rounds, all (endpoints), rules,
# each (ports of an endpoint).
function median(list, n,    i, j, t) {
	for (i = 2; i <= n; i++)
		for (j = i; j > 1 && list[j - 1] + 0 > list[j] + 0; j--) {
			t = list[j]; list[j] = list[j - 1]; list[j - 1] = t
		}
	return n % 2 ? list[(n + 1) / 2] : (list[n / 2] + list[n / 2 + 1]) / 2
}
function of(table, key,    r, n, list) {
	for (r = 1; r <= rounds; r++)
		if ((key, r) in table && !((key, r) in bad))
			list[++n] = table[key, r]
	found = n + 0
	return n ? median(list, n) : -1
}
function ratio(ours, theirs,    r, n, list) {
	for (r = 1; r <= rounds; r++)
		if ((theirs, r) in wall && (ours, r) in wall &&
		    !((theirs, r) in bad) && !((ours, r) in bad))
			list[++n] = wall[theirs, r] / wall[ours, r]
	return n ? sprintf("%.1fx", median(list, n)) : "-"
}
function ms(x) {
	return x < 0 ? "-" : sprintf("%.1f", x)
}
function cells(what, ports, others, rules,    ours, theirs) {
	theirs = "cni" SUBSEP what SUBSEP others SUBSEP ports SUBSEP 0
	ours = "bpfnet" SUBSEP what SUBSEP others SUBSEP ports SUBSEP rules
	return sprintf(" %8s %7s %8s %7s |", ms(of(wall, ours)),
		ms(of(cpu, ours)), ms(of(wall, theirs)), ratio(ours, theirs))
}
function row(text, what, ports) {
	printf "%-26s|%s%s%s\n", text, cells(what, ports, 0, 0),
		cells(what, ports, few - 1, 0), cells(what, ports, all - 1, less)
}
function line(text, what, others, ports, rules,    key, x) {
	key = "bpfnet" SUBSEP what SUBSEP others SUBSEP ports SUBSEP rules
	x = of(wall, key)
	if (!found) {
		printf "%-44s not measured\n", text
		return
	}
	printf "%-44s %9.1f ms, CPU %.1f, peak %.1f MiB, n %d%s\n", text, x,
		of(cpu, key), of(peak, key) / 1024, found,
		(x = of(denied, key)) < 0 ? "" : sprintf(", in force %.1f ms", x)
}
{
	key = $1 SUBSEP $2 SUBSEP $4 SUBSEP $5 SUBSEP $6 SUBSEP $7
	wall[key] += $8
	cpu[key] += $9 + $10
	if ($11 > peak[key])
		peak[key] = $11
	if ($12)
		bad[key] = 1
	if ($13 != "")
		denied[key] = $13
	if ($1 == "cni" && $11 > cnipeak)
		cnipeak = $11
}
END {
	less = int(rules / 10)
	few = int(all / 10)
	printf "%-26s|%s%s%s\n", "", title("number 1"), title("number " few),
		title("number " all ", " less " rules")
	printf "%-26s|", ""
	for (i = 0; i < 3; i++)
		printf " %8s %7s %8s %7s |", "bpfnet", "of CPU", "CNI", "ratio"
	print ""
	row("attach, no port", "attach", 0)
	row("attach, 1 port", "attach", 1)
	row("attach, 10 ports", "attach", 10)
	row("  by attach and publish", "attach+publish", 10)
	row("attach, 200 ports", "attach", 200)
	row("detach, no port", "detach", 0)
	row("detach, 1 port", "detach", 1)
	row("detach, 10 ports", "detach", 10)
	row("detach, 200 ports", "detach", 200)
	print ""
	line("first command of all, loads the programs", "load", 0, 0, 0)
	line("purge of that", "purge-empty", 0, 0, 0)
	host = all " endpoints, " all * each " ports, "
	line("attach number " all ", 10 ports, " rules " rules", "attach",
		all - 1, 10, rules)
	line("detach of that", "detach", all - 1, 10, rules)
	print "\n" host "and more or less rules:"
	line("  apply from nothing, " less " rules", "from-nothing", all,
		all * each, less)
	line("  the same again", "no-op", all, all * each, less)
	line("  apply of " rules " rules instead", "more-rules", all,
		all * each, rules)
	line("  the same again", "no-op", all, all * each, rules)
	line("  one deny more", "rule-add", all, 0, rules)
	line("  one rule less", "rule-del", all, 0, rules)
	line("  purge of everything", "purge", all, 0, rules)
	if (cnipeak)
		printf "\npeak memory of a plugin: %.1f MiB\n", cnipeak / 1024
}
function title(text) {
	return sprintf(" %-33s |", text)
}
