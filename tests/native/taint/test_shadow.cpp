// SPDX-License-Identifier: Apache-2.0
#include <doctest/doctest.h>

#include "random_bytes.h"
#include "taint/shadow.h"

using namespace reven;

namespace {

constexpr uint64_t SPACE = 3 * MemoryTaint::PAGE;  // the addresses that the test uses

// What MemoryTaint must do, slowly.
using Model = std::vector<uint8_t>;

void compare(const MemoryTaint& memory, const Model& model) {
    Model found(SPACE);
    memory.for_tainted(0, SPACE, [&](uint64_t at, uint8_t mask) { found[at] = mask; });
    REQUIRE(found == model);
    bool any = false;
    for (uint8_t mask : model) any |= mask != 0;
    REQUIRE(memory.empty() == !any);
}

}  // namespace

TEST_CASE("the taint of memory is that of its bytes, one by one") {
    testing::Random random(14);
    MemoryTaint memory;
    Model model(SPACE);
    for (int i = 0; i < 600; ++i) {
        const uint64_t at = random.below(SPACE - 64), size = 1 + random.below(32);
        switch (random.below(4)) {
            case 0: {
                auto masks = random.bytes(size);
                for (uint8_t& mask : masks) mask &= random.below(2) ? 0xff : 0;
                memory.write(at, static_cast<uint32_t>(size), masks.data());
                std::copy(masks.begin(), masks.end(), model.begin() + static_cast<long>(at));
                break;
            }
            case 1: {
                const uint64_t length = random.below(4) ? size : SPACE - at;
                memory.clear(at, length);
                std::fill_n(model.begin() + static_cast<long>(at), length, uint8_t{0});
                break;
            }
            case 2: {
                std::vector<uint8_t> masks(size, 0xaa);
                memory.read(at, static_cast<uint32_t>(size), masks.data());
                REQUIRE(
                    std::equal(masks.begin(), masks.end(), model.begin() + static_cast<long>(at)));
                break;
            }
            default: {
                bool any = false;
                for (uint64_t j = at; j < at + size; ++j) any |= model[j] != 0;
                REQUIRE(memory.any(at, size) == any);
            }
        }
        compare(memory, model);
    }
}

TEST_CASE("a copy keeps what it has when the other changes") {
    MemoryTaint memory;
    const uint8_t mask = 0xff, none = 0;
    memory.write(10, 1, &mask);
    MemoryTaint copy = memory;
    memory.write(10, 1, &none);
    memory.write(11, 1, &mask);
    CHECK(copy.any(10, 1));
    CHECK_FALSE(copy.any(11, 1));
    CHECK_FALSE(memory.any(10, 1));
}

TEST_CASE("the filter never says that tainted memory is not") {
    testing::Random random(15);
    LineFilter filter;
    CHECK_FALSE(filter.may_hold(0, 64));
    for (int i = 0; i < 500; ++i) {
        const uint64_t at = random.number() >> 1, size = 1 + random.below(500);
        filter.add(at, size);
        CHECK(filter.may_hold(at, 1));
        CHECK(filter.may_hold(at + size - 1, 1));
        CHECK(filter.may_hold(at + size / 2, 8));
    }
    filter.clear();
    CHECK_FALSE(filter.may_hold(0, 64));
}
