/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* test_nl - requests against canned answers */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <errno.h>
#include <linux/rtnetlink.h>
#include <stdbool.h>
#include <string.h>

#include "kernel/attr.h"
#include "kernel/nl.h"

#define DATAGRAMS_MAX 24
#define DATAGRAM_BYTES 512
#define OTHER_SEQ 0xdead

/*
 * The kernel's part: these stand in for libmnl's functions, which the linker
 * looks for here first. What recvfrom hands out was put there by the test;
 * messages with sequence number 0 get that of the request.
 */
static struct kernel {
	struct nlmsghdr request;
	int requests;
	int len[DATAGRAMS_MAX]; /* negative: receiving fails with -errno */
	char data[DATAGRAMS_MAX][DATAGRAM_BYTES] __attribute__((aligned(8)));
	int count, next;
} kernel;

ssize_t mnl_socket_sendto(const struct mnl_socket *sock, const void *req,
			  size_t size)
{
	(void)sock;
	memcpy(&kernel.request, req, sizeof(kernel.request));
	assert_int_equal(kernel.request.nlmsg_len, size);
	kernel.requests++;
	return size;
}

ssize_t mnl_socket_recvfrom(const struct mnl_socket *sock, void *buf,
			    size_t size)
{
	struct nlmsghdr *nlh = buf;
	int len, rest;

	(void)sock;
	/* A real socket would wait for ever here. */
	assert_true(kernel.next < kernel.count);
	len = kernel.len[kernel.next];
	if (len < 0) {
		kernel.next++;
		errno = -len;
		return -1;
	}
	assert_true((size_t)len <= size);
	memcpy(buf, kernel.data[kernel.next++], len);
	for (rest = len; mnl_nlmsg_ok(nlh, rest);
	     nlh = mnl_nlmsg_next(nlh, &rest))
		if (!nlh->nlmsg_seq)
			nlh->nlmsg_seq = kernel.request.nlmsg_seq;
	return len;
}

/* A message in a new datagram. */
static struct nlmsghdr *answer(__u16 type, __u16 flags)
{
	struct nlmsghdr *nlh;

	assert_true(kernel.count < DATAGRAMS_MAX);
	nlh = mnl_nlmsg_put_header(kernel.data[kernel.count]);
	nlh->nlmsg_type = type;
	nlh->nlmsg_flags = flags;
	return nlh;
}

static void post(const struct nlmsghdr *nlh)
{
	kernel.len[kernel.count++] = nlh->nlmsg_len;
}

static struct nlmsghdr *ack(int code, __u16 flags)
{
	struct nlmsghdr *nlh = answer(NLMSG_ERROR, flags);
	struct nlmsgerr *error =
		mnl_nlmsg_put_extra_header(nlh, sizeof(*error));

	error->error = code;
	/* The header keeps the length that the request had. */
	error->msg.nlmsg_len = sizeof(error->msg);
	if (flags & NLM_F_CAPPED)
		error->msg.nlmsg_len += 28;
	return nlh;
}

static struct nlmsghdr *done(int code, __u16 flags)
{
	struct nlmsghdr *nlh = answer(NLMSG_DONE, NLM_F_MULTI | flags);

	memcpy(mnl_nlmsg_put_extra_header(nlh, sizeof(code)), &code,
	       sizeof(code));
	return nlh;
}

static void post_number(__u32 number, __u16 flags)
{
	struct nlmsghdr *nlh = answer(RTM_NEWLINK, NLM_F_MULTI | flags);

	memcpy(mnl_nlmsg_put_extra_header(nlh, sizeof(number)), &number,
	       sizeof(number));
	post(nlh);
}

static int open_nl(void **state)
{
	memset(&kernel, 0, sizeof(kernel));
	return nl_open(-1, (struct nl **)state, NULL);
}

static int close_nl(void **state)
{
	nl_close(*state);
	return 0;
}

static int talk(struct nl *nl, struct err *err)
{
	return nl_talk(nl, nl_request(nl, RTM_NEWLINK, 0), err);
}

/* What a visitor saw since the last call without a message. */
struct seen {
	__u32 numbers[16];
	int count;
	int resets;
	int stop_at; /* the visitor returns verdict at this count, 0: never */
	int verdict;
};

static int on_number(const struct nlmsghdr *nlh, void *arg)
{
	struct seen *seen = arg;

	if (!nlh) {
		seen->count = 0;
		seen->resets++;
		return MNL_CB_OK;
	}
	assert_int_equal(mnl_nlmsg_get_payload_len(nlh), sizeof(__u32));
	memcpy(&seen->numbers[seen->count++], mnl_nlmsg_get_payload(nlh),
	       sizeof(__u32));
	if (seen->count != seen->stop_at)
		return MNL_CB_OK;
	errno = ENOMEM;
	return seen->verdict;
}

static int dump(struct nl *nl, struct seen *seen, struct err *err)
{
	return nl_dump(nl, nl_request(nl, RTM_GETLINK, NLM_F_DUMP), on_number,
		       seen, err);
}

static void change_asks_for_an_acknowledgement(void **state)
{
	struct err err = { 0 };

	post(ack(0, NLM_F_CAPPED));

	assert_int_equal(talk(*state, &err), 0);
	assert_int_equal(kernel.request.nlmsg_flags, NLM_F_REQUEST | NLM_F_ACK);
	assert_string_equal(err.text, "");
}

static void extack_text_becomes_the_error(void **state)
{
	struct nlmsghdr *nlh = ack(-EEXIST, NLM_F_CAPPED | NLM_F_ACK_TLVS);
	struct err err = { 0 };

	mnl_attr_put_u32(nlh, NLMSGERR_ATTR_OFFS, 16);
	mnl_attr_put_strz(nlh, NLMSGERR_ATTR_MSG, "Address already assigned");
	mnl_attr_put_u32(nlh, NLMSGERR_ATTR_MISS_NEST, 1);
	post(nlh);

	assert_int_equal(talk(*state, &err), -EEXIST);
	assert_string_equal(err.text, "Address already assigned");
	assert_int_equal(err.exit, EXIT_CONFLICT);
}

static void extack_text_is_found_behind_a_repeated_request(void **state)
{
	struct nlmsghdr *nlh = ack(-EINVAL, NLM_F_ACK_TLVS);
	struct nlmsgerr *error = mnl_nlmsg_get_payload(nlh);
	struct err err = { 0 };

	/* Its own attribute has the number of the text. */
	mnl_attr_put_strz(nlh, NLMSGERR_ATTR_MSG, "of the request");
	error->msg.nlmsg_len += nlh->nlmsg_len - NLMSG_LENGTH(sizeof(*error));
	mnl_attr_put_strz(nlh, NLMSGERR_ATTR_MSG, "of the kernel");
	post(nlh);

	assert_int_equal(talk(*state, &err), -EINVAL);
	assert_string_equal(err.text, "of the kernel");
}

static void error_without_a_text_gets_the_errno_s(void **state)
{
	struct err err = { 0 };

	post(ack(-EEXIST, NLM_F_CAPPED));

	assert_int_equal(talk(*state, &err), -EEXIST);
	assert_string_equal(err.text, "File exists");
}

static void attributes_without_the_flag_are_no_text(void **state)
{
	struct nlmsghdr *nlh = ack(-EEXIST, NLM_F_CAPPED);
	struct err err = { 0 };

	mnl_attr_put_strz(nlh, NLMSGERR_ATTR_MSG, "no text");
	post(nlh);

	assert_int_equal(talk(*state, &err), -EEXIST);
	assert_string_equal(err.text, "File exists");
}

static void unterminated_text_is_ignored(void **state)
{
	struct nlmsghdr *nlh = ack(-EEXIST, NLM_F_CAPPED | NLM_F_ACK_TLVS);
	struct err err = { 0 };

	mnl_attr_put(nlh, NLMSGERR_ATTR_MSG, 4, "text");
	post(nlh);

	assert_int_equal(talk(*state, &err), -EEXIST);
	assert_string_equal(err.text, "File exists");
}

static void repeated_request_cannot_reach_beyond_the_message(void **state)
{
	static const __u32 lengths[] = { 17, 100, 0x7fffffff, 0xffffffff };

	for (size_t i = 0; i < sizeof(lengths) / sizeof(*lengths); i++) {
		struct nlmsghdr *nlh = ack(-EEXIST, NLM_F_ACK_TLVS);
		struct nlmsgerr *error = mnl_nlmsg_get_payload(nlh);
		struct err err = { 0 };

		error->msg.nlmsg_len = lengths[i];
		post(nlh);

		assert_int_equal(talk(*state, &err), -EEXIST);
		assert_string_equal(err.text, "File exists");
	}
}

static void short_acknowledgement_is_a_bad_message(void **state)
{
	struct nlmsghdr *nlh = answer(NLMSG_ERROR, 0);
	struct err err = { 0 };

	mnl_nlmsg_put_extra_header(nlh, sizeof(int));
	post(nlh);

	assert_int_equal(talk(*state, &err), -EBADMSG);
	assert_string_equal(err.text, "acknowledgement cut short");
}

static void message_longer_than_its_datagram_is_bad(void **state)
{
	struct nlmsghdr *nlh = ack(0, 0);
	struct err err = { 0 };

	post(nlh);
	nlh->nlmsg_len += 4;

	assert_int_equal(talk(*state, &err), -EBADMSG);
	assert_string_equal(err.text, "message cut short");
}

static void positive_error_code_is_a_bad_message(void **state)
{
	post(ack(17, NLM_F_CAPPED));

	assert_int_equal(talk(*state, NULL), -EBADMSG);
}

static void answer_to_an_older_request_is_skipped(void **state)
{
	struct nlmsghdr *nlh = ack(-EPERM, NLM_F_CAPPED);
	struct err err = { 0 };

	nlh->nlmsg_seq = OTHER_SEQ;
	post(nlh);
	post(ack(-EEXIST, NLM_F_CAPPED));

	assert_int_equal(talk(*state, &err), -EEXIST);
	assert_string_equal(err.text, "File exists");
}

static void interrupted_receive_is_repeated(void **state)
{
	kernel.len[kernel.count++] = -EINTR;
	post(ack(0, NLM_F_CAPPED));

	assert_int_equal(talk(*state, NULL), 0);
	assert_int_equal(kernel.requests, 1);
}

static void failed_receive_is_an_error(void **state)
{
	struct err err = { 0 };

	kernel.len[kernel.count++] = -ENOBUFS;

	assert_int_equal(talk(*state, &err), -ENOBUFS);
	assert_string_equal(
		err.text, "receive from the kernel: No buffer space available");
}

static void get_ends_with_its_acknowledgement(void **state)
{
	struct seen seen = { 0 };

	post_number(7, 0);
	post(ack(0, NLM_F_CAPPED));

	assert_int_equal(nl_dump(*state, nl_request(*state, RTM_GETLINK, 0),
				 on_number, &seen, NULL),
			 0);
	assert_true(kernel.request.nlmsg_flags & NLM_F_ACK);
	assert_int_equal(seen.count, 1);
	assert_int_equal(seen.numbers[0], 7);
}

static void dump_visits_every_answer(void **state)
{
	struct seen seen = { 0 };

	post_number(1, 0);
	post_number(2, 0);
	post_number(3, 0);
	post(done(0, 0));

	assert_int_equal(dump(*state, &seen, NULL), 0);
	assert_int_equal(seen.count, 3);
	assert_int_equal(seen.numbers[2], 3);
	assert_int_equal(seen.resets, 0);
}

static void dump_that_fails_late_has_its_text(void **state)
{
	struct seen seen = { 0 };
	struct err err = { 0 };
	struct nlmsghdr *nlh;

	post_number(1, 0);
	nlh = done(-EMSGSIZE, NLM_F_ACK_TLVS);
	mnl_attr_put_strz(nlh, NLMSGERR_ATTR_MSG, "Too many ports");
	post(nlh);

	assert_int_equal(dump(*state, &seen, &err), -EMSGSIZE);
	assert_string_equal(err.text, "Too many ports");
}

static void dump_that_fails_at_once_has_its_text(void **state)
{
	struct nlmsghdr *nlh = ack(-EINVAL, NLM_F_CAPPED | NLM_F_ACK_TLVS);
	struct seen seen = { 0 };
	struct err err = { 0 };

	mnl_attr_put_strz(nlh, NLMSGERR_ATTR_MSG, "Invalid header");
	post(nlh);

	assert_int_equal(dump(*state, &seen, &err), -EINVAL);
	assert_string_equal(err.text, "Invalid header");
}

static void torn_dump_is_asked_for_again(void **state)
{
	struct seen seen = { 0 };

	post_number(1, 0);
	post_number(2, NLM_F_DUMP_INTR);
	post(done(0, 0));
	post_number(1, 0);
	post(done(0, NLM_F_DUMP_INTR));
	post_number(4, 0);
	post_number(5, 0);
	post(done(0, 0));

	assert_int_equal(dump(*state, &seen, NULL), 0);
	assert_int_equal(kernel.requests, 3);
	assert_int_equal(seen.resets, 2);
	assert_int_equal(seen.count, 2);
	assert_int_equal(seen.numbers[0], 4);
	assert_int_equal(seen.numbers[1], 5);
}

static void dump_that_is_always_torn_gives_up(void **state)
{
	struct seen seen = { 0 };
	struct err err = { 0 };

	while (kernel.count < DATAGRAMS_MAX)
		post(done(0, NLM_F_DUMP_INTR));

	assert_int_equal(dump(*state, &seen, &err), -EAGAIN);
	assert_int_equal(err.exit, EXIT_LOCKED);
	assert_int_equal(kernel.requests, 16);
}

static void stopped_visitor_sees_no_more_but_all_is_read(void **state)
{
	struct seen seen = { .stop_at = 1, .verdict = MNL_CB_STOP };

	post_number(1, 0);
	post_number(2, NLM_F_DUMP_INTR);
	post(done(0, 0));

	assert_int_equal(dump(*state, &seen, NULL), 0);
	assert_int_equal(seen.count, 1);
	assert_int_equal(kernel.next, kernel.count);
	assert_int_equal(kernel.requests, 1);
}

static void error_of_the_visitor_is_returned(void **state)
{
	struct seen seen = { .stop_at = 1, .verdict = MNL_CB_ERROR };
	struct err err = { 0 };

	post_number(1, 0);
	post_number(2, 0);
	post(done(-EMSGSIZE, 0));

	assert_int_equal(dump(*state, &seen, &err), -ENOMEM);
	assert_string_equal(err.text, "Cannot allocate memory");
	assert_int_equal(seen.count, 1);
	assert_int_equal(kernel.next, kernel.count);
}

static void requests_have_growing_numbers(void **state)
{
	__u32 first;

	post(ack(0, NLM_F_CAPPED));
	post(ack(0, NLM_F_CAPPED));

	assert_int_equal(talk(*state, NULL), 0);
	first = kernel.request.nlmsg_seq;
	assert_int_equal(talk(*state, NULL), 0);
	assert_int_equal(kernel.request.nlmsg_seq, first + 1);
}

static void name_that_is_too_long_stays_too_long(void **state)
{
	struct nlmsghdr *nlh = nl_request(*state, RTM_NEWLINK, 0);
	const struct nlattr *attrs[IFLA_IFNAME + 1];
	char name[4096];

	memset(name, 'x', sizeof(name) - 1);
	name[sizeof(name) - 1] = '\0';
	attr_put_name(nlh, IFLA_IFNAME, name);
	attr_parse(nlh, 0, attrs, IFLA_IFNAME);

	assert_non_null(attrs[IFLA_IFNAME]);
	assert_int_equal(strlen(mnl_attr_get_str(attrs[IFLA_IFNAME])), 17);
}

static void address_goes_through_an_attribute(void **state)
{
	static const char *const texts[] = { "192.0.2.1", "2001:db8::1" };

	for (int i = 0; i < 2; i++) {
		struct nlmsghdr *nlh = nl_request(*state, RTM_NEWADDR, 0);
		const struct nlattr *attrs[2];
		struct ipaddr before, after;

		assert_int_equal(ip_parse(texts[i], &before), 0);
		attr_put_ip(nlh, 1, &before);
		attr_parse(nlh, 0, attrs, 1);

		assert_int_equal(mnl_attr_get_payload_len(attrs[1]),
				 i ? 16 : 4);
		assert_true(attr_ip(attrs[1], &after));
		assert_true(ip_equal(&before, &after));
	}
}

static void attribute_of_another_length_is_no_address(void **state)
{
	struct nlmsghdr *nlh = nl_request(*state, RTM_NEWADDR, 0);
	struct ipaddr addr = { { 1, 2, 3, 4 } };
	const struct nlattr *attrs[2];

	mnl_attr_put(nlh, 1, 6, "\2\0\0\0\0\1");
	attr_parse(nlh, 0, attrs, 1);

	assert_false(attr_ip(attrs[1], &addr));
	assert_false(attr_ip(NULL, &addr));
	assert_int_equal(addr.word[3], 4);
}

static void absent_and_unknown_attributes_are_no_number(void **state)
{
	struct nlmsghdr *nlh = nl_request(*state, RTM_NEWLINK, 0);
	const struct nlattr *attrs[3];

	mnl_attr_put_u8(nlh, 1, 9);
	mnl_attr_put_u32(nlh, 3, 9);
	attr_parse(nlh, 0, attrs, 2);

	assert_int_equal(attr_u32(attrs[1]), 0);
	assert_null(attrs[2]);
	assert_int_equal(attr_u32(attrs[2]), 0);
}

static void text_is_cut_to_its_buffer(void **state)
{
	struct nlmsghdr *nlh = nl_request(*state, RTM_NEWLINK, 0);
	const struct nlattr *attrs[2];
	char text[4] = "xyz";

	mnl_attr_put(nlh, 1, 8, "abcdefgh");
	attr_parse(nlh, 0, attrs, 1);

	attr_text(attrs[1], text, sizeof(text));
	assert_string_equal(text, "abc");
	attr_text(NULL, text, sizeof(text));
	assert_string_equal(text, "");
}

#define test(name) cmocka_unit_test_setup_teardown(name, open_nl, close_nl)

int main(void)
{
	const struct CMUnitTest tests[] = {
		test(change_asks_for_an_acknowledgement),
		test(extack_text_becomes_the_error),
		test(extack_text_is_found_behind_a_repeated_request),
		test(error_without_a_text_gets_the_errno_s),
		test(attributes_without_the_flag_are_no_text),
		test(unterminated_text_is_ignored),
		test(repeated_request_cannot_reach_beyond_the_message),
		test(short_acknowledgement_is_a_bad_message),
		test(message_longer_than_its_datagram_is_bad),
		test(positive_error_code_is_a_bad_message),
		test(answer_to_an_older_request_is_skipped),
		test(interrupted_receive_is_repeated),
		test(failed_receive_is_an_error),
		test(get_ends_with_its_acknowledgement),
		test(dump_visits_every_answer),
		test(dump_that_fails_late_has_its_text),
		test(dump_that_fails_at_once_has_its_text),
		test(torn_dump_is_asked_for_again),
		test(dump_that_is_always_torn_gives_up),
		test(stopped_visitor_sees_no_more_but_all_is_read),
		test(error_of_the_visitor_is_returned),
		test(requests_have_growing_numbers),
		test(name_that_is_too_long_stays_too_long),
		test(address_goes_through_an_attribute),
		test(attribute_of_another_length_is_no_address),
		test(absent_and_unknown_attributes_are_no_number),
		test(text_is_cut_to_its_buffer),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
