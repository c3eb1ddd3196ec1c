// SPDX-License-Identifier: Apache-2.0
// Which system calls of a trace carry the program's own data: what is written into a
// pipe, a socket pair or a file, and read again.
#pragma once

#include "queries.h"
#include "taint_records.h"

namespace reven {

// Needs the index.
KernelMoves find_kernel_moves(Queries& queries, const Progress& progress);

}  // namespace reven
