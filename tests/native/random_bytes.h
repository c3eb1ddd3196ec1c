// SPDX-License-Identifier: Apache-2.0
// Inputs that look random and are the same each time.
#pragma once

#include <cstdint>
#include <random>
#include <vector>

namespace reven::testing {

class Random {
   public:
    explicit Random(uint32_t seed) : engine_(seed) {}

    uint64_t below(uint64_t limit) { return engine_() % limit; }
    // Most are small, some of all 64 bits, as in traces.
    uint64_t number() { return engine_() >> below(64); }
    std::vector<uint8_t> bytes(size_t size) {
        std::vector<uint8_t> made(size);
        for (uint8_t& byte : made) byte = static_cast<uint8_t>(engine_());
        return made;
    }

   private:
    std::mt19937_64 engine_;
};

}  // namespace reven::testing
