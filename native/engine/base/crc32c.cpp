// SPDX-License-Identifier: Apache-2.0
#include "base/crc32c.h"

#include <nmmintrin.h>

#include <cstring>

namespace reven {

uint32_t crc32c(const void* bytes, size_t size, uint32_t previous) {
    const auto* at = static_cast<const uint8_t*>(bytes);
    uint64_t crc = ~previous;
    for (; size >= 8; size -= 8, at += 8) {
        uint64_t word;
        std::memcpy(&word, at, 8);
        crc = _mm_crc32_u64(crc, word);
    }
    auto narrow = static_cast<uint32_t>(crc);
    for (; size; size--) narrow = _mm_crc32_u8(narrow, *at++);
    return ~narrow;
}

}  // namespace reven
