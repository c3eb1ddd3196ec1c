// SPDX-License-Identifier: Apache-2.0
// What system calls do to taint: which carry the program's own data, written into a
// pipe, a socket pair or a file and read again, and which restore registers.
#pragma once

#include "query/queries.h"
#include "taint/records.h"

namespace reven {

// Needs the index.
SyscallEffects find_syscall_effects(Queries& queries, const Progress& progress);

}  // namespace reven
