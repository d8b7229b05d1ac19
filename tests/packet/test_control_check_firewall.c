/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* test_control_check_firewall - rules of netfilter are noted, and no defect */
#include "checks.h"

static void assert_noted(struct world *world, const char *object,
			 const char *begins, const char *hint)
{
	struct report report = check(world);
	const struct finding *finding =
		find(&report, "firewall", SEVERITY_NOTE, object);

	if (!finding)
		fail_msg("'%s' is not found", object);
	if (strncmp(finding->message, begins, strlen(begins)) != 0)
		fail_msg("%s", finding->message);
	assert_non_null(strstr(finding->hint, hint));
	assert_int_equal(report.wrong, 0);
	report_free(&report);
}

static bool is_silent(struct world *world)
{
	struct report report = check(world);
	bool silent = find(&report, "firewall", SEVERITY_OK, "");

	report_free(&report);
	return silent;
}

static void without_tables_there_are_no_rules(void **state)
{
	struct world *world = *state;

	want_web(world);
	must_apply(world);

	assert_true(is_silent(world));
}

static void tables_are_named_once(void **state)
{
	struct world *world = *state;

	must("nft 'add table ip mine2; add table ip mine; add table ip6 mine'");

	assert_noted(world, "mine2, mine", "3 tables of nftables or iptables: ",
		     "'nft list ruleset'");
	must("nft flush ruleset");
	assert_true(is_silent(world));
}

static void chains_for_what_is_forwarded_are_told(void **state)
{
	static const char *const chains[] = {
		"type filter hook forward priority 0; policy drop;",
		"type nat hook postrouting priority 100;",
	};
	struct world *world = *state;

	for (size_t i = 0; i < sizeof(chains) / sizeof(*chains); i++) {
		char command[160];

		snprintf(command, sizeof(command),
			 "nft 'add table inet mine; add chain inet mine c "
			 "{ %s }'",
			 chains[i]);
		must(command);
		assert_noted(world, "mine",
			     "1 table of nftables or iptables, also for what "
			     "is forwarded: ",
			     "'nft list ruleset'");
		must("nft flush ruleset");
	}
}

static void other_chains_are_not(void **state)
{
	struct world *world = *state;

	must("nft 'add table inet mine; add chain inet mine in { type filter "
	     "hook input priority 0; }; add chain inet mine out { type filter "
	     "hook postrouting priority 0; }; add table netdev dev; add chain "
	     "inet mine plain'");

	assert_noted(world, "mine, dev", "2 tables of nftables or iptables: ",
		     "'nft list ruleset'");
	must("nft flush ruleset");
}

static void tables_of_older_iptables_are_told(void **state)
{
	struct world *world = *state;

	must("iptables-legacy -t nat -L >/dev/null && "
	     "ip6tables-legacy -t filter -L >/dev/null");

	assert_noted(world, "iptables-legacy",
		     "tables are loaded (nat): ", "'iptables-legacy-save'");
	assert_noted(world, "ip6tables-legacy",
		     "tables are loaded (filter): ", "'ip6tables-legacy-save'");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		WORLD_TEST(without_tables_there_are_no_rules),
		WORLD_TEST(tables_are_named_once),
		WORLD_TEST(chains_for_what_is_forwarded_are_told),
		WORLD_TEST(other_chains_are_not),
		WORLD_TEST(tables_of_older_iptables_are_told),
	};

	return world_main("control_check_firewall", tests,
			  sizeof(tests) / sizeof(*tests));
}
