// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>

namespace reven {

// rflags of a register file: the arithmetic flags follow from the condition-code thunk, the others
// of a machine stand in it. Of a program IF and the fixed bit 1 are set, as in any.
uint64_t rflags(const uint8_t* registers, bool is_machine);

}  // namespace reven
