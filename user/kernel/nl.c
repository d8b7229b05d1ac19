/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* nl - rtnetlink requests with the kernel's own error texts */
#include "kernel/nl.h"

#include <errno.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>

#include "kernel/attr.h"
#include "kernel/netns.h"

/*
 * DOC: how a request is answered
 *
 * Every request carries a sequence number and asks for an acknowledgement. The
 * kernel works on it inside our sendto(), so the answer waits in the socket
 * when sendto() returns and no time-out is needed. There are three shapes:
 *
 *   change   request ->   <- NLMSG_ERROR                  the ACK; 0 is success
 *   get      request ->   <- answer  <- NLMSG_ERROR       again the ACK ends it
 *   dump     request ->   <- answer ... <- NLMSG_DONE     many datagrams
 *
 * A dump that fails at its start has an NLMSG_ERROR instead, one that fails
 * later has a negative errno in its NLMSG_DONE. Whoever stops in the middle
 * must still read to the end: what stays in the socket would be taken for the
 * answer to the next request. Should anything be left all the same (after a
 * failed receive), its sequence number gives it away and it is skipped.
 *
 * An errno says little: ERANGE for a name that is too long, EINVAL for most of
 * the rest. With NETLINK_EXT_ACK the kernel adds a text as attributes behind
 * the error code and sets NLM_F_ACK_TLVS. Where they start depends: an error
 * repeats the whole request before them, unless NETLINK_CAP_ACK cut it down to
 * its header, which NLM_F_CAPPED then says; in NLMSG_DONE they follow the
 * errno. The text goes into struct err as it is, so that users read "Address
 * already assigned" and not "File exists". libmnl's own callback for
 * NLMSG_ERROR knows none of this and throws the text away, and mnl_cb_run()
 * returns in the middle of a datagram when a dump is torn; hence the loop here.
 *
 * A long dump is not atomic: the kernel drops its lock between datagrams. If
 * the table changed meanwhile, entries may be missing or come twice, and the
 * kernel marks the messages with NLM_F_DUMP_INTR. Such a dump is worthless for
 * deciding what to add or delete. It is read to its end and asked for again, a
 * bounded number of times. The visitor is told by a call without a message to
 * forget what it has seen.
 */

/* The kernel never makes a dump's datagram larger than this, and does make it
 * this large for those who can take it. */
#define RECEIVE_BYTES 32768
/* Requests are small: the largest is a veth pair, below 300 bytes. */
#define SEND_BYTES 2048
#define DUMP_TRIES 16

struct nl {
	struct mnl_socket *sock;
	__u32 seq;
	char send[SEND_BYTES] __attribute__((aligned(8)));
	char receive[RECEIVE_BYTES] __attribute__((aligned(8)));
};

/* One request's answer so far. Zero-initialise, then fill the first part. */
struct reply {
	__u32 seq;
	mnl_cb_t visit; /* NULL: answers other than the ACK are ignored */
	void *arg;
	struct err *err;

	int code; /* of the ACK, or what went wrong: 0 or -errno */
	bool is_done; /* nothing more will come */
	bool has_stopped; /* visit wants no more */
	bool is_torn; /* the kernel's table changed while it was dumped */
};

static void reply_fail(struct reply *reply, int code, const char *text)
{
	reply->code = err_set(reply->err, code, "%s", text);
	reply->is_done = true;
}

/* The extack text that starts offset bytes into the payload, or NULL. */
static const char *extack_text(const struct nlmsghdr *nlh, size_t offset)
{
	const struct nlattr *attrs[NLMSGERR_ATTR_MSG + 1];
	const struct nlattr *text;

	if (!(nlh->nlmsg_flags & NLM_F_ACK_TLVS))
		return NULL;
	attr_parse(nlh, offset, attrs, NLMSGERR_ATTR_MSG);
	text = attrs[NLMSGERR_ATTR_MSG];
	if (!text || mnl_attr_validate(text, MNL_TYPE_NUL_STRING) < 0)
		return NULL;
	return mnl_attr_get_str(text);
}

static void reply_end(struct reply *reply, int code, const char *text)
{
	/* What the visitor found wrong came first. */
	if (code && !reply->code)
		reply_fail(reply, code > 0 ? -EBADMSG : code,
			   text ? text : strerror(abs(code)));
	reply->is_done = true;
}

static void on_ack(struct reply *reply, const struct nlmsghdr *nlh)
{
	const struct nlmsgerr *ack = mnl_nlmsg_get_payload(nlh);
	size_t offset = sizeof(*ack);

	if (mnl_nlmsg_get_payload_len(nlh) < sizeof(*ack)) {
		reply_fail(reply, -EBADMSG, "acknowledgement cut short");
		return;
	}
	if (ack->error && !(nlh->nlmsg_flags & NLM_F_CAPPED) &&
	    ack->msg.nlmsg_len > sizeof(ack->msg))
		offset += (size_t)ack->msg.nlmsg_len - sizeof(ack->msg);
	reply_end(reply, ack->error, extack_text(nlh, offset));
}

static void on_done(struct reply *reply, const struct nlmsghdr *nlh)
{
	int code = 0;

	if (mnl_nlmsg_get_payload_len(nlh) >= sizeof(code))
		memcpy(&code, mnl_nlmsg_get_payload(nlh), sizeof(code));
	reply_end(reply, code, extack_text(nlh, sizeof(code)));
}

static void on_answer(struct reply *reply, const struct nlmsghdr *nlh)
{
	int verdict;

	if (!reply->visit || reply->has_stopped)
		return;
	errno = 0;
	verdict = reply->visit(nlh, reply->arg);
	if (verdict > MNL_CB_STOP)
		return;

	reply->has_stopped = true;
	if (verdict == MNL_CB_ERROR) {
		reply->code = errno ? -errno : -EBADMSG;
		err_set(reply->err, reply->code, "%s", strerror(-reply->code));
	}
}

/* Takes one datagram. */
static void reply_read(struct reply *reply, const void *buf, size_t len)
{
	const struct nlmsghdr *nlh = buf;
	int rest = len;

	for (; mnl_nlmsg_ok(nlh, rest); nlh = mnl_nlmsg_next(nlh, &rest)) {
		if (nlh->nlmsg_seq != reply->seq)
			continue;
		if (nlh->nlmsg_flags & NLM_F_DUMP_INTR)
			reply->is_torn = true;
		if (nlh->nlmsg_type == NLMSG_ERROR)
			on_ack(reply, nlh);
		else if (nlh->nlmsg_type == NLMSG_DONE)
			on_done(reply, nlh);
		else if (nlh->nlmsg_type >= NLMSG_MIN_TYPE)
			on_answer(reply, nlh);
	}
	if (rest > 0 && !reply->is_done)
		reply_fail(reply, -EBADMSG, "message cut short");
}

static int set_up(void *arg, struct err *err)
{
	struct nl *nl = arg;
	int on = 1;

	nl->sock = mnl_socket_open2(NETLINK_ROUTE, SOCK_CLOEXEC);
	if (!nl->sock || mnl_socket_bind(nl->sock, 0, MNL_SOCKET_AUTOPID) < 0)
		return err_set(err, -errno, "open a netlink socket: %s",
			       strerror(errno));
	if (mnl_socket_setsockopt(nl->sock, NETLINK_EXT_ACK, &on, sizeof(on)) ||
	    mnl_socket_setsockopt(nl->sock, NETLINK_CAP_ACK, &on, sizeof(on)))
		return err_set(err, -errno, "set up a netlink socket: %s",
			       strerror(errno));
	return 0;
}

int nl_open(int netns_fd, struct nl **ret, struct err *err)
{
	struct nl *nl = calloc(1, sizeof(*nl));
	int rc;

	if (!nl)
		return err_set(err, -ENOMEM, "%s", strerror(ENOMEM));
	rc = netns_fd < 0 ? set_up(nl, err) :
			    netns_run(netns_fd, set_up, nl, err);
	if (rc) {
		nl_close(nl);
		return rc;
	}
	*ret = nl;
	return 0;
}

void nl_close(struct nl *nl)
{
	if (!nl)
		return;
	if (nl->sock)
		mnl_socket_close(nl->sock);
	free(nl);
}

struct nlmsghdr *nl_request(struct nl *nl, __u16 type, __u16 flags)
{
	struct nlmsghdr *nlh;

	/* libmnl clears headers but not the padding of attributes. */
	memset(nl->send, 0, sizeof(nl->send));
	nlh = mnl_nlmsg_put_header(nl->send);
	nlh->nlmsg_type = type;
	nlh->nlmsg_flags = NLM_F_REQUEST | flags;
	return nlh;
}

/* Sends req and reads until its answer is complete. */
static int exchange(struct nl *nl, struct nlmsghdr *req, struct reply *reply)
{
	ssize_t len;

	req->nlmsg_seq = ++nl->seq;
	reply->seq = nl->seq;
	do
		len = mnl_socket_sendto(nl->sock, req, req->nlmsg_len);
	while (len < 0 && errno == EINTR);
	if (len < 0)
		return err_set(reply->err, -errno, "send to the kernel: %s",
			       strerror(errno));

	while (!reply->is_done) {
		len = mnl_socket_recvfrom(nl->sock, nl->receive,
					  sizeof(nl->receive));
		if (len < 0 && errno == EINTR)
			continue;
		if (len < 0)
			return err_set(reply->err, -errno,
				       "receive from the kernel: %s",
				       strerror(errno));
		reply_read(reply, nl->receive, len);
	}
	return reply->code;
}

int nl_talk(struct nl *nl, struct nlmsghdr *req, struct err *err)
{
	struct reply reply = { .err = err };

	req->nlmsg_flags |= NLM_F_ACK;
	return exchange(nl, req, &reply);
}

int nl_dump(struct nl *nl, struct nlmsghdr *req, mnl_cb_t visit, void *arg,
	    struct err *err)
{
	bool is_dump = (req->nlmsg_flags & NLM_F_DUMP) == NLM_F_DUMP;

	/* A get ends with its ACK, a dump with NLMSG_DONE. */
	if (!is_dump)
		req->nlmsg_flags |= NLM_F_ACK;
	for (int i = 0; i < DUMP_TRIES; i++) {
		struct reply reply = { .visit = visit, .arg = arg, .err = err };
		int rc = exchange(nl, req, &reply);

		if (rc || reply.has_stopped || !reply.is_torn)
			return rc;
		visit(NULL, arg);
	}
	return err_set(err, -EAGAIN,
		       "the kernel's table changed during each of %d reads",
		       DUMP_TRIES);
}
