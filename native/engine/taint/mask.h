// SPDX-License-Identifier: Apache-2.0
// Which bits of a value are tainted, and how operations pass that on.
#pragma once

#include <array>
#include <cstdint>
#include <cstring>

namespace reven {

// One bit for each bit of a value of up to 32 bytes; for the bytes of a helper's
// memory, whose number has no bound, `word[0]` is not zero if any is tainted.
struct Mask {
    std::array<uint64_t, 4> word{};

    bool any() const { return (word[0] | word[1] | word[2] | word[3]) != 0; }
    uint8_t* bytes() { return reinterpret_cast<uint8_t*>(word.data()); }
    const uint8_t* bytes() const { return reinterpret_cast<const uint8_t*>(word.data()); }
    Mask& operator|=(const Mask& other) {
        for (size_t i = 0; i < word.size(); ++i) word[i] |= other.word[i];
        return *this;
    }
    // Every bit of a value of `size` bytes.
    static Mask all(uint32_t size) {
        Mask mask;
        std::memset(mask.bytes(), 0xff, size == 0 ? 8 : size);
        return mask;
    }
    static Mask all_if(bool condition, uint32_t size) { return condition ? all(size) : Mask{}; }
    void cut(uint32_t size) {
        if (size > 0 && size < sizeof word) std::memset(bytes() + size, 0, sizeof word - size);
    }
};

}  // namespace reven
