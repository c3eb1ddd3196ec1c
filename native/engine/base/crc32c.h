// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstddef>
#include <cstdint>

namespace reven {

// CRC-32C (Castagnoli, as in RFC 3720) of `bytes`, going on from `previous`, the
// CRC of what comes before them.
uint32_t crc32c(const void* bytes, size_t size, uint32_t previous = 0);

}  // namespace reven
