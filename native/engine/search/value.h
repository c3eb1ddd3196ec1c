// SPDX-License-Identifier: Apache-2.0
// Where a value comes into a register, or passes between the program and memory.
#pragma once

#include <array>
#include <cstdint>
#include <vector>

#include "query/queries.h"

namespace reven {

struct ValueQuery {
    std::array<uint8_t, 32> value{};  // little endian, zero extended
    uint64_t start = 0;               // transitions [start, stop)
    uint64_t stop = 0;
    uint32_t general_width = 8;  // low bytes of a general register that are compared; 0: none
    uint32_t vector_width = 16;  // the same of vector registers
    uint32_t access_size = 0;    // bytes of an access; 0: any
    size_t limit = 1000;
};

// Columns; the hits of one transition stay together. An access has register 0xff.
struct ValueHits {
    std::vector<uint64_t> transition;
    std::vector<uint8_t> register_number;  // general ones in encoding order, then vectors
    std::vector<uint64_t> address;
    std::vector<uint32_t> size;
    std::vector<uint8_t> is_write;
};

ValueHits find_value(Queries& queries, const ValueQuery& query, const Progress& progress);

}  // namespace reven
