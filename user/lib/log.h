/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* log - one line per event on stderr, for the agent and for -v */
#ifndef BPFNET_LOG_H
#define BPFNET_LOG_H

enum log_level {
	LOG_LEVEL_ERR,
	LOG_LEVEL_WARN,
	LOG_LEVEL_INFO,
	LOG_LEVEL_DEBUG
};

/* Messages above this level are not printed. Default: LOG_LEVEL_WARN. */
void log_set_level(enum log_level level);

/* Lower case, no trailing dot, names in single quotes, numbers with units.
 * Prefixed "<N>" for the journal when JOURNAL_STREAM is set. */
__attribute__((format(printf, 2, 3))) void log_print(enum log_level level,
						     const char *fmt, ...);

#define log_err(...) log_print(LOG_LEVEL_ERR, __VA_ARGS__)
#define log_warn(...) log_print(LOG_LEVEL_WARN, __VA_ARGS__)
#define log_info(...) log_print(LOG_LEVEL_INFO, __VA_ARGS__)
#define log_debug(...) log_print(LOG_LEVEL_DEBUG, __VA_ARGS__)

#endif
