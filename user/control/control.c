/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* control - one instance: its lock, its state, and the way to change it */
#include "control/control.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <sys/time.h>
#include <unistd.h>

#include "control/control_internal.h"
#include "control/unfinished.h"
#include "control/home.h"
#include "control/patience.h"
#include "lib/cleanup.h"
#include "lib/file.h"
#include "lib/log.h"

#define LOCK_WAIT_SECONDS 60

/* ----------------------------------------------------------------- lock */

/* Nothing has to be done: the signal ends the system call. */
static void on_alarm(int signal)
{
	(void)signal;
}

/*
 * The kernel gives the lock to those who wait for it in their order; whoever
 * asks again and again would stand behind all others each time. So this asks
 * once, and a timer ends the wait. It goes on ticking, since it may be early.
 */
static int lock_queue(int fd, int operation)
{
	const struct itimerval ticks = {
		.it_value = { .tv_sec = LOCK_WAIT_SECONDS },
		.it_interval = { .tv_usec = 100000 },
	};
	const struct sigaction handler = { .sa_handler = on_alarm };
	struct itimerval old_ticks;
	struct sigaction old_handler;
	struct patience patience;
	int rc;

	patience_begin(&patience, fd);
	sigaction(SIGALRM, &handler, &old_handler);
	setitimer(ITIMER_REAL, &ticks, &old_ticks);
	rc = flock(fd, operation) ? -errno : 0;
	setitimer(ITIMER_REAL, &old_ticks, NULL);
	sigaction(SIGALRM, &old_handler, NULL);
	patience_end(&patience);
	return rc;
}

static int lock_wait(int fd, int operation, bool wait, const char *path,
		     struct err *err)
{
	int rc = flock(fd, operation | LOCK_NB) ? -errno : 0;

	if (rc == -EWOULDBLOCK && wait)
		rc = lock_queue(fd, operation);
	if (rc && rc != -EWOULDBLOCK && rc != -EINTR)
		return err_set(err, rc, "lock %s: %s", path, strerror(-rc));
	if (!rc)
		return 0;
	err_set(err, -EAGAIN, "another bpfnet process holds %s", path);
	err_hint(err, "try again");
	return -EAGAIN;
}

/*
 * purge removes the directory, lock included, while others may wait for it: who
 * gets a lock makes sure that it is still the one that has the name.
 */
static bool lock_is_current(int fd, const char *path)
{
	struct stat open_file, named;

	return !fstat(fd, &open_file) && !stat(path, &named) &&
	       open_file.st_ino == named.st_ino &&
	       open_file.st_dev == named.st_dev;
}

static bool is_reader(enum control_mode mode)
{
	return mode == CONTROL_READ || mode == CONTROL_TRY_READ ||
	       mode == CONTROL_CHECK;
}

/* ret: -1 when there is nothing to lock yet. -ESTALE: look again. */
static int lock_try(const char *dir, enum control_mode mode, int *ret,
		    struct err *err)
{
	bool write = !is_reader(mode);
	_cleanup_close_ int fd = -1;
	char path[PATH_MAX + 8];
	int rc;

	*ret = -1;
	rc = write ? file_mkdir(dir, err) : 0;
	if (rc)
		return rc;
	snprintf(path, sizeof(path), "%s/lock", dir);
	fd = open(path, O_RDWR | O_CLOEXEC | (write ? O_CREAT : 0), 0600);
	if (fd < 0 && errno == ENOENT)
		return write ? -ESTALE : 0;
	if (fd < 0) {
		rc = err_set(err, -errno, "open %s: %s", path, strerror(errno));
		/* Nothing is in it, if it was made above. */
		if (write)
			rmdir(dir);
		return rc;
	}
	rc = lock_wait(fd, write ? LOCK_EX : LOCK_SH,
		       mode != CONTROL_TRY_WRITE && mode != CONTROL_TRY_READ,
		       path, err);
	if (rc)
		return rc;
	if (!lock_is_current(fd, path))
		return -ESTALE;
	*ret = take_fd(fd);
	return 0;
}

static int lock_open(const char *instance, enum control_mode mode, int *ret,
		     struct err *err)
{
	char dir[PATH_MAX];
	int rc;

	snprintf(dir, sizeof(dir), STATE_ROOT "/%s", instance);
	do {
		rc = lock_try(dir, mode, ret, err);
	} while (rc == -ESTALE);
	return rc;
}

/* --------------------------------------------------------- open and close */

/*
 * Devices are looked up by name in the caller's namespace: in another one a
 * change would find nothing and destroy the record. Only when the instance's
 * own does not exist any more, purge may remove from here what is left.
 */
static int check_home(struct control *control, struct err *err)
{
	__u64 cookie = control->netns_cookie;
	bool is_here;
	int rc = home_is_here(cookie, &is_here, err);

	if (rc || is_here)
		return rc;
	if (control->mode == CONTROL_PURGE && !home_exists(cookie)) {
		log_warn("the network namespace of instance '%s' is gone",
			 control->instance.name);
		control->homeless = true;
		return 0;
	}
	err_set(err, -EBUSY,
		"instance '%s' belongs to another network namespace",
		control->instance.name);
	err_hint(err, "run bpfnet there, or use --instance NAME");
	return -EBUSY;
}

static bool replaces_programs(const struct control *control)
{
	return control->mode == CONTROL_WRITE ||
	       control->mode == CONTROL_MEND ||
	       control->mode == CONTROL_DROP_FLOWS;
}

/* What could not be pinned again is for the opening to fail on. */
static void restore_pins(const struct control *control)
{
	struct err err;

	if (pins_restore(control->instance.name, &err))
		log_warn("%s", err.text);
}

/* Where the pins are of another version, only their home is known. */
static int open_datapath(struct control *control, struct err *err)
{
	int rc = datapath_open(control->instance.name, &control->dp, err);
	struct build build;

	if (!rc)
		control->netns_cookie =
			datapath_config(control->dp)->netns_cookie;
	if (rc == -EPROTO &&
	    !datapath_compare(control->instance.name, &build, NULL))
		control->netns_cookie = build.netns_cookie;
	if (rc == -EPROTO && replaces_programs(control))
		return 0;
	if (rc && rc != -ENOENT && control->mode == CONTROL_CHECK) {
		control->datapath_error = *err;
		return 0;
	}
	return rc == -ENOENT ? 0 : rc;
}

/* What purge cannot read it does without: it removes the rest. */
static int tolerated(const struct control *control, int rc,
		     const struct err *err)
{
	if (!rc || control->mode != CONTROL_PURGE)
		return rc;
	log_warn("%s", err->text);
	return 0;
}

/* What is damaged is told, by who can do without it. */
static int read_record(struct control *control, struct state *ret,
		       struct err *err)
{
	const char *instance = control->instance.name;
	bool tells =
		control->mode == CONTROL_CHECK || control->mode == CONTROL_MEND;
	int rc = state_read(instance, control->mode == CONTROL_PURGE, ret, err);

	/* A process that died may have made it smaller, and says so. */
	if (!rc && control->mode != CONTROL_PURGE && control->lock >= 0 &&
	    !ret->unfinished) {
		rc = state_check_seal(instance, control->lock, err);
		if (rc) {
			model_free(&ret->model);
			model_free(&ret->leftovers);
		}
	}
	if (!rc || !tells || rc == -ENOMEM)
		return rc;
	control->record_error = *err;
	return state_read(instance, true, ret, err);
}

/* Everything that opening does to an instance. */
static int put_right(struct control *control, struct state *state,
		     struct err *err)
{
	int rc = 0;

	if (replaces_programs(control))
		rc = control_upgrade(control, err);
	if (!rc && control->record_error.code)
		rc = recover(control, err);
	if (!rc && !control->homeless && control->mode != CONTROL_PLAN)
		rc = tolerated(control, observe(control, state, err), err);
	return rc;
}

static bool is_writer(const struct control *control)
{
	return replaces_programs(control) || control->mode == CONTROL_TRY_WRITE;
}

static int control_read(struct control *control, struct err *err)
{
	struct state state;
	int rc = read_record(control, &state, err);

	if (rc)
		return rc;
	model_free(&control->model);
	control->readable = !control->record_error.code;
	if (is_writer(control) && control->readable) {
		state_break_seal(control->lock);
		control->seals = true;
		rc = state_clean(control->instance.name, &state, err);
	}
	control->model = state.model;
	control->is_interrupted =
		state.unfinished ||
		state.leftovers.nendpoints + state.leftovers.nnetworks;
	if (control->mode == CONTROL_MEND)
		restore_pins(control);
	rc = rc ? rc : tolerated(control, open_datapath(control, err), err);
	if (!rc && control->mode != CONTROL_READ &&
	    control->mode != CONTROL_TRY_READ) {
		rc = check_home(control, err);
		rc = rc ? rc : nl_open(-1, &control->nl, err);
	}
	if (!rc && !is_reader(control->mode))
		rc = put_right(control, &state, err);
	model_free(&state.leftovers);
	if (!rc && is_writer(control))
		rollback_overdue(control);
	return rc;
}

static int check_instance(const struct instance *instance, struct err *err)
{
	if (geteuid()) {
		err_set(err, -EPERM, "not permitted");
		err_hint(err, "run it as root");
		return -EPERM;
	}
	if (!name_is_valid(instance->name) || strchr(instance->name, '.'))
		return err_usage(err, "invalid instance name '%s'",
				 instance->name);
	return 0;
}

int control_compare(const struct instance *instance, struct build *ret,
		    struct err *err)
{
	int rc = check_instance(instance, err);

	return rc ? rc : datapath_compare(instance->name, ret, err);
}

int control_open(const struct instance *instance, enum control_mode mode,
		 struct control **ret, struct err *err)
{
	struct control *control;
	int rc = check_instance(instance, err);

	if (rc)
		return rc;
	control = calloc(1, sizeof(*control));
	if (!control)
		return err_set(err, -ENOMEM, "out of memory");
	control->instance = *instance;
	control->mode = mode;
	control->lock = -1;
	model_init(&control->model);

	rc = state_check_owner(instance->name, err);
	rc = rc ? rc : lock_open(instance->name, mode, &control->lock, err);
	rc = rc ? rc : control_read(control, err);
	if (rc) {
		control_close(control);
		return rc;
	}
	*ret = control;
	return 0;
}

bool control_needs_datapath(const struct control *control)
{
	const struct model *m = &control->model;

	return m->nnetworks + m->nendpoints + m->npublishes + m->nrules +
	       m->nuplinks;
}

void control_close(struct control *control)
{
	if (!control)
		return;
	if (control->seals && control->lock >= 0 &&
	    !unfinished_is_there(control->instance.name))
		state_seal(control->instance.name, control->lock);
	/* An instance that has nothing leaves no directory. */
	if (!is_reader(control->mode) && control->lock >= 0 &&
	    control->readable && !control->dp)
		state_tidy(control->instance.name);
	if (control->dp)
		datapath_close(control->dp);
	if (control->nl)
		nl_close(control->nl);
	if (control->lock >= 0)
		close(control->lock);
	if (control->has_seen)
		host_free(&control->seen);
	model_free(&control->model);
	free(control);
}

const struct model *control_model(const struct control *control)
{
	return &control->model;
}

struct datapath *control_datapath(const struct control *control)
{
	return control->dp;
}

/* --------------------------------------------------------------- actions */

int control_load(struct control *control, const struct settings *settings,
		 struct err *err)
{
	const struct datapath_options options = {
		.flows_max = settings->flows_max,
		.force_clsact = control->instance.force_clsact,
	};
	int rc;

	if (control->dp)
		return 0;
	rc = datapath_load(control->instance.name, &options, &control->dp, err);
	if (rc)
		return rc;
	rc = attach_sockets(control->dp, control->instance.cgroup, err);
	if (!rc)
		return 0;
	datapath_close(control->dp);
	control->dp = NULL;
	datapath_unload(control->instance.name, NULL);
	return rc;
}

int control_unload_unused(struct control *control, struct err *err)
{
	if (!control->dp || control_needs_datapath(control))
		return 0;
	datapath_close(control->dp);
	control->dp = NULL;
	return datapath_unload(control->instance.name, err);
}

int control_gc(struct control *control, struct gc_args *ret_args,
	       struct err *err)
{
	struct gc_args args = { 0 };
	int rc = 0;

	if (control->dp)
		rc = datapath_gc(control->dp, &args, err);
	if (!rc && ret_args)
		*ret_args = args;
	return rc;
}
