# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
# Targets that test and demonstrate. `make check` is what CI runs.
