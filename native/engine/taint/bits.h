// SPDX-License-Identifier: Apache-2.0
// Moving the bits of masks around; the two directions of taint share it.
#pragma once

#include <algorithm>
#include <cstring>

#include "base/bytes.h"
#include "event_stream.h"
#include "replay/program.h"
#include "taint/mask.h"

namespace reven {

inline Mask scalar(uint64_t bits) {
    Mask mask;
    mask.word[0] = bits;
    return mask;
}

inline bool any_in(const Mask& mask, uint32_t at, uint32_t size) {
    return std::any_of(mask.bytes() + at, mask.bytes() + at + size,
                       [](uint8_t byte) { return byte != 0; });
}

// Element i of the result, whole, if any bit of element i is set.
inline Mask by_elements(const Mask& mask, uint32_t from, uint32_t from_size, uint32_t to,
                        uint32_t to_size, uint32_t count) {
    Mask result;
    for (uint32_t i = 0; i < count; ++i)
        if (any_in(mask, from + i * from_size, from_size))
            std::memset(result.bytes() + to + i * to_size, 0xff, to_size);
    return result;
}

inline Mask by_elements(const Mask& mask, uint32_t element, uint32_t size) {
    return by_elements(mask, 0, element, 0, element, size / element);
}

inline Mask part(const Mask& mask, uint32_t at, uint32_t size, uint32_t to = 0) {
    Mask result;
    std::memcpy(result.bytes() + to, mask.bytes() + at, size);
    return result;
}

// The whole mask as one number, shifted by bits.
inline Mask shifted(const Mask& mask, uint32_t size, uint64_t count, bool left) {
    Mask result;
    for (uint64_t bit = 0; bit < size * 8; ++bit) {
        if (!(mask.bytes()[bit / 8] >> (bit % 8) & 1)) continue;
        const uint64_t to = left ? bit + count : bit - count;
        if (to < size * 8) result.bytes()[to / 8] |= static_cast<uint8_t>(1 << (to % 8));
    }
    return result;
}

// Elements of a mask, each shifted by bits.
inline Mask lanes_shifted(const Mask& mask, uint32_t element, uint32_t size, uint64_t count,
                          uint32_t op) {
    Mask result;
    for (uint32_t at = 0; at < size; at += element) {
        uint64_t bits = 0;
        std::memcpy(&bits, mask.bytes() + at, element);
        if (op == REVEN_OP_LANES_SHL)
            bits = count > 63 ? 0 : bits << count;
        else if (op == REVEN_OP_LANES_SHR)
            bits = count > 63 ? 0 : bits >> count;
        else
            bits = static_cast<uint64_t>(sign_extended(bits, element) >>
                                         std::min<uint64_t>(count, 63));
        std::memcpy(result.bytes() + at, &bits, element);
    }
    return result;
}

// Calls `pair(element of the result, of_a, its element there)`.
template <typename Pair>
inline void interleave(uint32_t element, uint32_t size, bool high, Pair pair) {
    const uint32_t count = size / element;
    for (uint32_t i = 0; i < count; ++i) pair(i, i % 2 == 1, i / 2 + (high ? count / 2 : 0));
}

inline Mask interleaved(const Mask& a, const Mask& b, uint32_t element, uint32_t size, bool high) {
    Mask result;
    interleave(element, size, high, [&](uint32_t to, bool of_a, uint32_t from) {
        std::memcpy(result.bytes() + to * element, (of_a ? a : b).bytes() + from * element,
                    element);
    });
    return result;
}

inline void interleaved_back(const Mask& result, uint32_t element, uint32_t size, bool high,
                             Mask& a, Mask& b) {
    interleave(element, size, high, [&](uint32_t to, bool of_a, uint32_t from) {
        uint8_t* target = (of_a ? a : b).bytes() + from * element;
        for (uint32_t i = 0; i < element; ++i) target[i] |= result.bytes()[to * element + i];
    });
}

}  // namespace reven
