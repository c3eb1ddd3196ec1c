// SPDX-License-Identifier: Apache-2.0
// Writing and reading of little-endian fields and LEB128 variable-length integers.
#pragma once

#include <cstdint>
#include <cstring>
#include <span>
#include <vector>

#include "base/error.h"

namespace reven {

template <typename T>
T read_as(const uint8_t* from) {
    T value;
    std::memcpy(&value, from, sizeof value);
    return value;
}

template <typename T>
void write_as(uint8_t* to, T value) {
    std::memcpy(to, &value, sizeof value);
}

inline uint64_t zigzag(int64_t value) {
    return (static_cast<uint64_t>(value) << 1) ^ static_cast<uint64_t>(value >> 63);
}

inline uint64_t unzigzag(uint64_t value) { return (value >> 1) ^ (0 - (value & 1)); }

inline void put_varint(std::vector<uint8_t>& out, uint64_t value) {
    for (; value >= 0x80; value >>= 7) out.push_back(static_cast<uint8_t>(value | 0x80));
    out.push_back(static_cast<uint8_t>(value));
}

inline void put_bytes(std::vector<uint8_t>& out, const void* bytes, size_t size) {
    const auto* first = static_cast<const uint8_t*>(bytes);
    out.insert(out.end(), first, first + size);
}

// Throws TraceError when the bytes end too early.
class ByteReader {
   public:
    explicit ByteReader(std::span<const uint8_t> bytes)
        : at_(bytes.data()), end_(at_ + bytes.size()) {}

    bool done() const { return at_ == end_; }
    size_t left() const { return static_cast<size_t>(end_ - at_); }

    const uint8_t* take(size_t size) {
        if (size > left()) throw TraceError("its data end too early");
        at_ += size;
        return at_ - size;
    }
    uint8_t byte() { return *take(1); }
    uint64_t varint() {
        uint64_t value = 0;
        for (unsigned shift = 0; shift < 64; shift += 7) {
            uint8_t next = byte();
            value |= static_cast<uint64_t>(next & 0x7f) << shift;
            if (next < 0x80) return value;
        }
        throw TraceError("a number in it is too long");
    }
    // A count or size that must not exceed `limit`.
    uint32_t count(uint64_t limit) {
        uint64_t value = varint();
        if (value > limit) throw TraceError("a number in it is out of range");
        return static_cast<uint32_t>(value);
    }

   private:
    const uint8_t* at_;
    const uint8_t* end_;
};

}  // namespace reven
