/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* agent - the background process of one instance: one event loop */
#include "agent/agent.h"

#include <errno.h>
#include <signal.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/signalfd.h>
#include <sys/socket.h>
#include <sys/timerfd.h>
#include <sys/un.h>
#include <time.h>
#include <unistd.h>

#include "agent/notify.h"
#include "agent/pace.h"
#include "agent/tell.h"
#include "agent/watch.h"
#include "control/host.h"
#include "control/pending.h"
#include "lib/cleanup.h"
#include "lib/log.h"

/*
 * The datapath forwards without this process. The agent makes it faster (with
 * its heartbeat, cached next hops are trusted) and keeps it true: it tells the
 * programs when routes, neighbours or addresses change, follows the default
 * route, ends idle flows, and logs what rules say is to be logged. It holds the instance's lock only while it
 * changes something, so commands never wait for it long.
 */

#define FILL_WARN_PERCENT 90 /* of the flow table */
#define FILL_CALM_PERCENT 80

/* The part of the host that refresh follows. */
struct view {
	struct host host;
	int defaults[2];
};

struct agent {
	const struct instance *instance;
	struct datapath *dp; /* NULL until somebody loads one */
	struct events *events; /* of dp */
	struct control *names; /* for the events that are being read, or NULL */
	bool names_asked; /* for them: a command may hold the lock */
	struct watch *watch;
	struct nl *nl;
	int epoll;
	int timer;
	int signals;
	unsigned int gc_in; /* seconds, until idle flows are ended */
	struct view view; /* what the tables follow from, at the last refresh */
	__u32 generation; /* of the tables, since then */
	bool looked; /* at the host, in this tick */
	bool told_fill; /* that the flow table is nearly full */
	bool told_build; /* that the programs are not those of this build */
	bool stop;
	char warned[512]; /* the last warning: the same one is not repeated */
};

/* What lasts is tried again on every tick, and told once. */
static void warn_once(struct agent *agent, const char *what,
		      const struct err *err)
{
	char text[sizeof(agent->warned)];

	snprintf(text, sizeof(text), "%s: %s", what, err->text);
	if (!strcmp(text, agent->warned))
		return;
	memcpy(agent->warned, text, sizeof(text));
	log_warn("%s", text);
}

static int fd_add(struct agent *agent, int fd, struct err *err)
{
	struct epoll_event event = { .events = EPOLLIN, .data.fd = fd };

	if (epoll_ctl(agent->epoll, EPOLL_CTL_ADD, fd, &event))
		return err_set(err, -errno, "epoll_ctl: %s", strerror(errno));
	return 0;
}

static int agent_open(struct agent *agent, struct err *err)
{
	const struct itimerspec second = { .it_value.tv_nsec = 1,
					   .it_interval.tv_sec = 1 };
	sigset_t set;
	int rc;

	sigemptyset(&set);
	sigaddset(&set, SIGTERM);
	sigaddset(&set, SIGINT);
	sigprocmask(SIG_BLOCK, &set, NULL);
	agent->signals = signalfd(-1, &set, SFD_CLOEXEC | SFD_NONBLOCK);
	agent->timer =
		timerfd_create(CLOCK_MONOTONIC, TFD_CLOEXEC | TFD_NONBLOCK);
	agent->epoll = epoll_create1(EPOLL_CLOEXEC);
	if (agent->signals < 0 || agent->timer < 0 || agent->epoll < 0 ||
	    timerfd_settime(agent->timer, 0, &second, NULL))
		return err_set(err, -errno, "start the event loop: %s",
			       strerror(errno));

	rc = watch_open(&agent->watch, err);
	rc = rc ? rc : nl_open(-1, &agent->nl, err);
	rc = rc ? rc : fd_add(agent, agent->signals, err);
	rc = rc ? rc : fd_add(agent, agent->timer, err);
	return rc ? rc : fd_add(agent, watch_fd(agent->watch), err);
}

static void agent_close(struct agent *agent)
{
	if (agent->dp) {
		/* Nobody watches the neighbours from now on. */
		__atomic_store_n(&datapath_config(agent->dp)->heartbeat, 0,
				 __ATOMIC_RELEASE);
		datapath_close(agent->dp);
	}
	events_close(agent->events);
	host_free(&agent->view.host);
	watch_close(agent->watch);
	if (agent->nl)
		nl_close(agent->nl);
	close(agent->epoll);
	close(agent->timer);
	close(agent->signals);
}

static void on_policy_event(const struct event *event, void *arg)
{
	struct agent *agent = arg;
	char text[EVENT_TEXT_MAX];

	if (!agent->names_asked)
		control_open(agent->instance, CONTROL_TRY_READ, &agent->names,
			     NULL);
	agent->names_asked = true;
	if (event->lost)
		log_info("policy: %u packets were not logged: too many",
			 event->lost);
	log_info("policy: %s",
		 event_print(event,
			     agent->names ? control_model(agent->names) : NULL,
			     text));
}

/* The names are those of now: nothing is held between two readings. */
static void read_events(struct agent *agent)
{
	struct err err;

	if (events_read(agent->events, &err))
		log_warn("policy: %s", err.text);
	if (agent->names)
		control_close(agent->names);
	agent->names = NULL;
	agent->names_asked = false;
}

/* The ring buffer is that of the datapath which is there. */
static int follow_events(struct agent *agent, struct err *err)
{
	int rc;

	if (agent->events &&
	    (!agent->dp || !events_are_of(agent->events, agent->dp))) {
		events_close(agent->events);
		agent->events = NULL;
	}
	if (!agent->dp || agent->events)
		return 0;
	rc = events_open(agent->dp, on_policy_event, agent, &agent->events,
			 err);
	return rc ? rc : fd_add(agent, events_fd(agent->events), err);
}

/*
 * The programs that came with this bpfnet, from the start: after a package's
 * upgrade its agent is what is started again. An agent that still runs leaves
 * those of a newer build alone.
 */
static void bring_programs(struct agent *agent)
{
	struct control *control;
	struct err err;

	if (!control_open(agent->instance, CONTROL_WRITE, &control, &err))
		control_close(control);
	else
		log_warn("%s%s%s%s", err.text, err.hint[0] ? " (" : "",
			 err.hint, err.hint[0] ? ")" : "");
}

/* Told once: somebody runs another bpfnet beside this one. */
static void watch_build(struct agent *agent)
{
	bool current = !agent->dp || datapath_is_current(agent->dp);

	if (!current && !agent->told_build)
		log_warn("the programs that run are of another build: "
			 "start the agent of that one");
	agent->told_build = !current;
}

/* A purge and a new apply give the instance other maps: the pins decide. */
static void follow_pins(struct agent *agent)
{
	struct datapath *now = NULL;
	struct err err;
	int rc = datapath_open(agent->instance->name, &now, &err);

	if (rc && rc != -ENOENT)
		warn_once(agent, "open the datapath", &err);
	if (agent->dp)
		datapath_close(agent->dp);
	agent->dp = now;
	watch_build(agent);
	rc = follow_events(agent, &err);
	if (rc)
		warn_once(agent, "policy", &err);
}

static __u32 generation_of(const struct agent *agent)
{
	return __atomic_load_n(&datapath_config(agent->dp)->generation,
			       __ATOMIC_ACQUIRE);
}

/* Devices, addresses or the default route changed: plan and apply, with the
 * same model, whatever follows from them. */
static int refresh(struct agent *agent, struct err *err)
{
	struct control *control;
	struct model desired;
	int rc =
		control_open(agent->instance, CONTROL_TRY_WRITE, &control, err);

	if (rc)
		return rc;
	if (model_copy(control_model(control), &desired)) {
		rc = err_set(err, -ENOMEM, "out of memory");
	} else {
		rc = control_reconcile(control, &desired, false, NULL, NULL,
				       err);
		rc = rc ? rc : control_refresh(control, err);
		model_free(&desired);
	}
	/* While no command can count it up. */
	if (!rc)
		agent->generation = generation_of(agent);
	control_close(control);
	return rc;
}

static int view_read(struct nl *nl, struct view *ret, struct err *err)
{
	struct view view;
	int rc = host_read_defaults(nl, view.defaults, err);

	rc = rc ? rc : host_read(nl, &view.host, err);
	if (!rc)
		*ret = view;
	return rc;
}

static bool view_equal(const struct view *a, const struct view *b)
{
	return host_equal(&a->host, &b->host) &&
	       !memcmp(a->defaults, b->defaults, sizeof(a->defaults));
}

/*
 * A refresh makes every flow be decided again, and most notifications tell
 * nothing new: so one look first. The host may look as it did although an
 * endpoint's device has gone: a container that came and ended since then. The
 * command that connected it has counted the generation up. What could not be
 * done, because a command held the lock, is tried again on the next tick.
 */
static void follow_host(struct agent *agent)
{
	struct view now;
	struct err err;
	int rc = view_read(agent->nl, &now, &err);

	if (!rc && view_equal(&now, &agent->view) &&
	    generation_of(agent) == agent->generation) {
		host_free(&now.host);
		return;
	}
	if (!rc) {
		log_info("devices or addresses changed");
		rc = refresh(agent, &err);
		if (!rc) {
			/* As it was before: refresh may have changed it. */
			host_free(&agent->view.host);
			agent->view = now;
			agent->warned[0] = '\0';
			return;
		}
		host_free(&now.host);
	}
	if (rc != -EAGAIN)
		warn_once(agent, "refresh", &err);
	watch_again(agent->watch);
}

static uint64_t now_ns(void)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return now.tv_sec * 1000000000ull + now.tv_nsec;
}

static void expire(struct agent *agent)
{
	uint64_t start = now_ns();
	struct gc_args args = { 0 };
	struct err err;

	if (datapath_gc(agent->dp, &args, &err))
		log_warn("gc: %s", err.text);
	else if (args.expired)
		log_debug("gc: %llu flows expired",
			  (unsigned long long)args.expired);
	agent->gc_in = pace_seconds(now_ns() - start, agent->told_fill) - 1;
}

/* Told once, before new flows are dropped, and again only after the table has
 * been emptier in between. */
static void watch_fill(struct agent *agent)
{
	const struct datapath_config *config = datapath_config(agent->dp);
	__u64 max = config->flows_max, flows;
	__u32 all = 0;

	if (table_get(agent->dp, MAP_EP_FLOWS, &all, &flows))
		return;
	if (flows * 100 >= max * FILL_WARN_PERCENT && !agent->told_fill)
		log_warn(
			"%llu of %llu flows are in use: when all are, new ones are dropped (raise flows.max)",
			(unsigned long long)flows, (unsigned long long)max);
	if (flows * 100 >= max * FILL_WARN_PERCENT)
		agent->told_fill = true;
	else if (flows * 100 < max * FILL_CALM_PERCENT)
		agent->told_fill = false;
}

static bool is_uplink(struct datapath *dp, int ifindex)
{
	struct uplink_val uplink;

	for (__u32 i = 0; i < UPLINKS_MAX; i++)
		if (!table_get(dp, MAP_UPLINKS, &i, &uplink) &&
		    (int)uplink.ifindex == ifindex)
			return true;
	return false;
}

/*
 * Packets that follow a cached next hop pass the kernel's neighbour table by,
 * so it would never verify an entry that they use. A gateway that another
 * machine takes over without a word is noticed this way.
 */
static void keep_neighbours(struct agent *agent)
{
	struct ipaddr ip;
	struct err err;
	int ifindex;

	while (watch_take_stale(agent->watch, &ifindex, &ip))
		if (is_uplink(agent->dp, ifindex) &&
		    neigh_use(agent->nl, ifindex, &ip, &err))
			log_debug("%s", err.text);
}

/* The first change of a tick is followed at once, the others together. */
static void follow_changes(struct agent *agent)
{
	if (!agent->dp)
		return;
	if (watch_take_routes(agent->watch)) {
		log_debug("routes or neighbours changed");
		datapath_bump_routes(agent->dp);
	}
	keep_neighbours(agent);
	if (!agent->looked && watch_take_host(agent->watch)) {
		agent->looked = true;
		follow_host(agent);
	}
}

/* Whoever waits for it may be dead: to open it is to roll back. */
static void roll_back_overdue(struct agent *agent)
{
	struct control *control;
	struct pending pending;
	struct err err;
	int rc;

	if (pending_read(agent->instance->name, &pending, NULL) ||
	    pending_left(&pending) > 0 || pending_is_hopeless(&pending))
		return;
	rc = control_open(agent->instance, CONTROL_TRY_WRITE, &control, &err);
	if (!rc)
		control_close(control);
	else if (rc != -EAGAIN)
		warn_once(agent, "roll back", &err);
}

static void on_tick(struct agent *agent)
{
	__u64 expirations;

	if (read(agent->timer, &expirations, sizeof(expirations)) < 0)
		return;
	notify_alive();
	roll_back_overdue(agent);
	follow_pins(agent);
	if (!agent->dp)
		return;
	__atomic_store_n(&datapath_config(agent->dp)->heartbeat, datapath_now(),
			 __ATOMIC_RELEASE);
	agent->looked = false;
	follow_changes(agent);
	watch_fill(agent);
	if (agent->gc_in)
		agent->gc_in--;
	else
		expire(agent);
}

static void on_change(struct agent *agent)
{
	struct err err;

	if (watch_read(agent->watch, &err))
		log_warn("watch: %s", err.text);
	follow_changes(agent);
}

/* A tick may close the events that epoll has told of before. */
static void on_ready(struct agent *agent, int fd)
{
	if (fd == agent->signals)
		agent->stop = true;
	else if (fd == agent->timer)
		on_tick(agent);
	else if (fd == watch_fd(agent->watch))
		on_change(agent);
	else if (agent->events && fd == events_fd(agent->events))
		read_events(agent);
}

static int agent_loop(struct agent *agent, struct err *err)
{
	while (!agent->stop) {
		struct epoll_event events[4];
		int n = epoll_wait(agent->epoll, events, 4, -1);

		if (n < 0 && errno != EINTR)
			return err_set(err, -errno, "epoll_wait: %s",
				       strerror(errno));
		for (int i = 0; i < n; i++)
			on_ready(agent, events[i].data.fd);
	}
	return 0;
}

/*
 * One agent for each instance: the name of an abstract socket (unix(7)), which
 * the kernel gives back however the process ends. It counts within the network
 * namespace, as the instance does.
 */
static int claim(const char *instance, int *ret_fd, struct err *err)
{
	struct sockaddr_un name = { .sun_family = AF_UNIX };
	_cleanup_close_ int fd = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0);
	int len = snprintf(name.sun_path + 1, sizeof(name.sun_path) - 1,
			   "bpfnet-agent-%s", instance);

	if (fd < 0)
		return err_set(err, -errno, "socket: %s", strerror(errno));
	if (bind(fd, (struct sockaddr *)&name,
		 offsetof(struct sockaddr_un, sun_path) + 1 + len)) {
		if (errno != EADDRINUSE)
			return err_set(err, -errno, "bind: %s",
				       strerror(errno));
		err_set(err, -EADDRINUSE, "an agent of instance '%s' runs",
			instance);
		err_hint(err, "'bpfnet agent status'");
		return -EADDRINUSE;
	}
	*ret_fd = take_fd(fd);
	return 0;
}

int agent_run(const struct instance *instance, struct err *err)
{
	_cleanup_close_ int claimed = -1;
	struct agent agent = {
		.instance = instance, .epoll = -1, .timer = -1, .signals = -1
	};
	int rc;

	if (geteuid()) {
		err_set(err, -EPERM, "not permitted");
		err_hint(err, "run it as root");
		return -EPERM;
	}
	rc = claim(instance->name, &claimed, err);
	if (rc)
		return rc;
	rc = agent_open(&agent, err);
	if (!rc) {
		bring_programs(&agent);
		log_info("agent of instance '%s' runs", instance->name);
		notify_ready();
		rc = agent_loop(&agent, err);
		notify_stopping();
	}
	agent_close(&agent);
	return rc;
}
