/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* audit_firewall - netfilter's rules, which see little of what bpfnet does */
#include <arpa/inet.h>
#include <linux/netfilter.h>
#include <linux/netfilter/nf_tables.h>
#include <linux/netfilter/nfnetlink.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>

#include <libmnl/libmnl.h>

#include "control/audit.h"
#include "lib/cleanup.h"
#include "lib/file.h"

#define SEE                                                                 \
	"they see the host's own connections, not those of containers and " \
	"published ports"
#define HINT \
	"'%s' shows them; what containers may do is said by 'bpfnet policy'"

/* ---------------------------------------------------------------- nftables */

/* iptables of today uses them as well. */
struct tables {
	char names[70];
	size_t count;
	bool forwards; /* a chain sees what the host forwards, or masquerades */
};

struct answer {
	const struct nlattr *table; /* of a table, or of a chain */
	const struct nlattr *hook;
	const struct nlattr *type;
};

/* NFTA_TABLE_NAME and NFTA_CHAIN_TABLE have one number. */
_Static_assert((int)NFTA_TABLE_NAME == (int)NFTA_CHAIN_TABLE, "see on_attr");

static int on_attr(const struct nlattr *attr, void *arg)
{
	struct answer *answer = arg;
	__u16 number = mnl_attr_get_type(attr);

	if (number == NFTA_CHAIN_TABLE &&
	    !mnl_attr_validate(attr, MNL_TYPE_STRING))
		answer->table = attr;
	if (number == NFTA_CHAIN_HOOK &&
	    !mnl_attr_validate(attr, MNL_TYPE_NESTED))
		answer->hook = attr;
	if (number == NFTA_CHAIN_TYPE &&
	    !mnl_attr_validate(attr, MNL_TYPE_STRING))
		answer->type = attr;
	return MNL_CB_OK;
}

/* A table of each family may have that name. */
static bool is_named(const struct tables *tables, const char *name)
{
	size_t len = strlen(name);

	for (const char *at = tables->names; *at; at += strcspn(at, ", ")) {
		at += strspn(at, ", ");
		if (strcspn(at, ", ") == len && !strncmp(at, name, len))
			return true;
	}
	return false;
}

static int on_table(const struct nlmsghdr *nlh, void *arg)
{
	struct tables *tables = arg;
	size_t len = strlen(tables->names);
	struct answer answer = { 0 };
	const char *name;

	mnl_attr_parse(nlh, sizeof(struct nfgenmsg), on_attr, &answer);
	name = answer.table ? mnl_attr_get_str(answer.table) : "?";
	if (!is_named(tables, name))
		snprintf(tables->names + len, sizeof(tables->names) - len,
			 "%s%s", len ? ", " : "", name);
	tables->count++;
	return MNL_CB_OK;
}

static int on_hook_attr(const struct nlattr *attr, void *arg)
{
	if (mnl_attr_get_type(attr) == NFTA_HOOK_HOOKNUM &&
	    !mnl_attr_validate(attr, MNL_TYPE_U32))
		*(__u32 *)arg = ntohl(mnl_attr_get_u32(attr));
	return MNL_CB_OK;
}

/* Hooks have these numbers where packets have addresses. */
static bool has_addresses(const struct nlmsghdr *nlh)
{
	const struct nfgenmsg *nfg = mnl_nlmsg_get_payload(nlh);

	return nfg->nfgen_family == NFPROTO_IPV4 ||
	       nfg->nfgen_family == NFPROTO_IPV6 ||
	       nfg->nfgen_family == NFPROTO_INET;
}

static int on_chain(const struct nlmsghdr *nlh, void *arg)
{
	struct tables *tables = arg;
	struct answer answer = { 0 };
	__u32 hook = NF_INET_NUMHOOKS;

	mnl_attr_parse(nlh, sizeof(struct nfgenmsg), on_attr, &answer);
	if (!answer.hook || !answer.type || !has_addresses(nlh))
		return MNL_CB_OK;
	mnl_attr_parse_nested(answer.hook, on_hook_attr, &hook);
	tables->forwards |= hook == NF_INET_FORWARD ||
			    (hook == NF_INET_POST_ROUTING &&
			     !strcmp(mnl_attr_get_str(answer.type), "nat"));
	return MNL_CB_OK;
}

static void list(struct mnl_socket *sock, __u16 what, mnl_cb_t visit,
		 struct tables *tables)
{
	char buf[MNL_SOCKET_BUFFER_SIZE];
	struct nlmsghdr *nlh = mnl_nlmsg_put_header(buf);
	struct nfgenmsg *nfg = mnl_nlmsg_put_extra_header(nlh, sizeof(*nfg));
	ssize_t len;

	nlh->nlmsg_type = NFNL_SUBSYS_NFTABLES << 8 | what;
	nlh->nlmsg_flags = NLM_F_REQUEST | NLM_F_DUMP;
	nlh->nlmsg_seq = 1;
	nfg->nfgen_family = NFPROTO_UNSPEC;
	nfg->version = NFNETLINK_V0;
	if (mnl_socket_sendto(sock, nlh, nlh->nlmsg_len) < 0)
		return;
	do {
		len = mnl_socket_recvfrom(sock, buf, sizeof(buf));
	} while (len > 0 &&
		 mnl_cb_run(buf, len, 1, 0, visit, tables) > MNL_CB_STOP);
}

static void audit_nftables(struct audit *audit)
{
	struct mnl_socket *sock =
		mnl_socket_open2(NETLINK_NETFILTER, SOCK_CLOEXEC);
	struct tables tables = { .names = "" };
	struct finding *finding;

	if (sock && !mnl_socket_bind(sock, 0, MNL_SOCKET_AUTOPID)) {
		list(sock, NFT_MSG_GETTABLE, on_table, &tables);
		list(sock, NFT_MSG_GETCHAIN, on_chain, &tables);
	}
	if (sock)
		mnl_socket_close(sock);
	if (!tables.count)
		return;
	finding = report_add(
		audit->report, "firewall", SEVERITY_NOTE, tables.names,
		"%zu table%s of nftables or iptables%s: " SEE, tables.count,
		tables.count > 1 ? "s" : "",
		tables.forwards ? ", also for what is forwarded" : "");
	finding_hint(finding, HINT, "nft list ruleset");
}

/* ---------------------------------------------------------- older iptables */

/* Tables that are there, one in a line; whether there is a rule in them is not
 * told. */
static void audit_legacy(struct audit *audit, const char *path,
			 const char *command)
{
	_cleanup_free_ char *names = NULL;
	struct finding *finding;
	char save[40];
	size_t len;

	if (file_read(path, &names, &len, NULL) || !len)
		return;
	names[len - 1] = '\0';
	for (char *c = names; *c; c++)
		if (*c == '\n')
			*c = ' ';
	finding = report_add(audit->report, "firewall", SEVERITY_NOTE, command,
			     "tables are loaded (%.60s): " SEE, names);
	snprintf(save, sizeof(save), "%s-save", command);
	finding_hint(finding, HINT, save);
}

void audit_firewall(struct audit *audit)
{
	report_begin(audit->report);
	audit_nftables(audit);
	audit_legacy(audit, "/proc/self/net/ip_tables_names",
		     "iptables-legacy");
	audit_legacy(audit, "/proc/self/net/ip6_tables_names",
		     "ip6tables-legacy");
	report_end(audit->report, "firewall", "no rules");
}
