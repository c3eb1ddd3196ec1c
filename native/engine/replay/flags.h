// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>

namespace reven {

// rflags of a register file (event_stream.h): the arithmetic flags follow from
// the condition-code thunk; IF and the fixed bit 1 are set, as in any user program.
uint64_t rflags(const uint8_t* registers);

}  // namespace reven
