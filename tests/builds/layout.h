/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* layout - a release whose tables are not those of this one */
#include <bpfnet/abi.h>

#undef BN_ABI_VERSION
#define BN_ABI_VERSION 1000
