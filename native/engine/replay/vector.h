// SPDX-License-Identifier: Apache-2.0
// Operations on vectors of 16 and 32 bytes (event_stream.h).
#pragma once

#include <cstdint>

namespace reven {

// Operands and result are values as replay holds them: words, the lowest first.
using VectorFunction = void (*)(uint64_t* to, const uint64_t* a, const uint64_t* b);

// Computes REVEN_OP_… `op` on operands of `size` bytes with elements of `element` bytes
// (0 where the operation has none); nullptr if there is no such operation. A unary one
// does not look at b.
VectorFunction vector_function(uint16_t op, uint32_t size, uint64_t element);

}  // namespace reven
