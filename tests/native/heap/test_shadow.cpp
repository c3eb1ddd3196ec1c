// SPDX-License-Identifier: Apache-2.0
#include <doctest/doctest.h>

#include "heap/shadow.h"
#include "random_bytes.h"

using namespace reven;

namespace {

constexpr uint64_t BASE = 0x10'0000;

// Bit i: byte i of [address, address + size) was not written, asked byte by byte.
uint64_t one_by_one(HeapShadow& shadow, uint64_t address, uint32_t size) {
    uint64_t bits = 0;
    for (uint32_t i = 0; i < size; ++i) bits |= shadow.unwritten(address + i, 1) << i;
    return bits;
}

}  // namespace

TEST_CASE("what is written is known byte by byte") {
    testing::Random random(16);
    HeapShadow shadow;
    std::vector<bool> written(2 * PAGE_SIZE);
    shadow.set_owner(BASE, 2 * PAGE_SIZE, 1);
    shadow.clear_written(BASE, 2 * PAGE_SIZE);
    for (int i = 0; i < 400; ++i) {
        const uint64_t at = random.below(2 * PAGE_SIZE - 64), size = 1 + random.below(64);
        const bool is_write = random.below(2);
        if (is_write)
            shadow.set_written(BASE + at, size);
        else
            shadow.clear_written(BASE + at, size);
        std::fill_n(written.begin() + static_cast<long>(at), size, is_write);
        const auto asked = static_cast<uint32_t>(1 + random.below(64));
        const uint64_t from = random.below(2 * PAGE_SIZE - 64);
        uint64_t expected = 0;
        for (uint32_t j = 0; j < asked; ++j) expected |= uint64_t{!written[from + j]} << j;
        REQUIRE(shadow.unwritten(BASE + from, asked) == expected);
        REQUIRE(one_by_one(shadow, BASE + from, asked) == expected);
    }
}

TEST_CASE("owners, and pages that become something else") {
    HeapShadow shadow;
    CHECK(shadow.owner(BASE) == HeapShadow::NOBODY);
    CHECK_FALSE(shadow.is_heap(BASE));
    shadow.set_owner(BASE, 64, 5);
    shadow.set_owner(BASE + 64, 100 * PAGE_SIZE, 6);
    CHECK(shadow.owner(BASE) == 5);
    CHECK(shadow.owner(BASE + 63) == 5);
    CHECK(shadow.owner(BASE + 64) == 6);
    CHECK(shadow.owner(BASE + 50 * PAGE_SIZE) == 6);
    CHECK(shadow.is_heap(BASE + 50 * PAGE_SIZE));
    shadow.forget(BASE + 50 * PAGE_SIZE, PAGE_SIZE);
    CHECK(shadow.owner(BASE + 50 * PAGE_SIZE) == HeapShadow::NOBODY);
    CHECK(shadow.owner(BASE + 49 * PAGE_SIZE) == 6);
    CHECK(shadow.owner(BASE + 51 * PAGE_SIZE) == 6);
}

TEST_CASE("what a block was written with moves with it") {
    HeapShadow shadow;
    shadow.set_owner(BASE, 2 * PAGE_SIZE, 1);
    shadow.clear_written(BASE, 2 * PAGE_SIZE);
    shadow.set_written(BASE + 3, 2);
    shadow.copy_written(BASE, BASE + PAGE_SIZE + 1, 8);
    CHECK(shadow.unwritten(BASE + PAGE_SIZE + 1, 8) == 0b1110'0111);
}
