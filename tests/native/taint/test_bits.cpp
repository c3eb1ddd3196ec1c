// SPDX-License-Identifier: Apache-2.0
#include <doctest/doctest.h>

#include "random_bytes.h"
#include "taint/bits.h"

using namespace reven;

namespace {

Mask random_mask(testing::Random& random, uint32_t size) {
    Mask mask;
    const auto bytes = random.bytes(size);
    std::memcpy(mask.bytes(), bytes.data(), size);
    return mask;
}

bool bit(const Mask& mask, uint64_t at) { return mask.bytes()[at / 8] >> (at % 8) & 1; }

}  // namespace

TEST_CASE("a whole value, cut, and joined") {
    Mask mask = Mask::all(32);
    mask.cut(5);
    CHECK(mask.word[0] == 0xff'ffff'ffff);
    CHECK((mask.word[1] | mask.word[2] | mask.word[3]) == 0);
    CHECK(Mask::all(0).any());
    CHECK_FALSE(Mask::all_if(false, 8).any());
    Mask other;
    other.word[3] = 1;
    mask |= other;
    CHECK(mask.word[3] == 1);
    CHECK(mask.word[0] == 0xff'ffff'ffff);
}

TEST_CASE("a shifted mask has each bit where the shift takes it") {
    testing::Random random(12);
    for (uint32_t size : {1u, 2u, 4u, 8u, 16u, 32u})
        for (uint64_t count : {uint64_t{0}, uint64_t{1}, uint64_t{7}, uint64_t{64}, uint64_t{300}})
            for (bool left : {false, true}) {
                const Mask mask = random_mask(random, size);
                const Mask result = shifted(mask, size, count, left);
                for (uint64_t at = 0; at < size * 8; ++at) {
                    const uint64_t from = left ? at - count : at + count;
                    CHECK(bit(result, at) == (from < size * 8 && bit(mask, from)));
                }
            }
}

TEST_CASE("elements count as a whole") {
    Mask mask;
    mask.bytes()[5] = 0x10;
    const Mask result = by_elements(mask, 4, 16);
    CHECK(result.word[0] == 0xffff'ffff'0000'0000);
    CHECK(result.word[1] == 0);
    CHECK(any_in(mask, 4, 2));
    CHECK_FALSE(any_in(mask, 0, 5));
    CHECK(part(mask, 5, 1).word[0] == 0x10);
}

TEST_CASE("interleaving goes there and back") {
    testing::Random random(13);
    for (uint32_t element : {1u, 2u, 4u, 8u}) {
        const Mask a = random_mask(random, 16), b = random_mask(random, 16);
        Mask back_a, back_b;
        for (bool high : {false, true})
            interleaved_back(interleaved(a, b, element, 16, high), element, 16, high, back_a,
                             back_b);
        CHECK(back_a.word == a.word);
        CHECK(back_b.word == b.word);
    }
    Mask low;
    low.bytes()[0] = 1;
    CHECK(interleaved(Mask{}, low, 1, 16, false).bytes()[0] == 1);
    CHECK(interleaved(low, Mask{}, 1, 16, false).bytes()[1] == 1);
}

TEST_CASE("shifted lanes keep to themselves") {
    Mask mask;
    mask.bytes()[1] = 0x80;
    CHECK(lanes_shifted(mask, 2, 16, 1, REVEN_OP_LANES_SHL).word[0] == 0);
    CHECK(lanes_shifted(mask, 2, 16, 1, REVEN_OP_LANES_SHR).word[0] == 0x4000);
    CHECK(lanes_shifted(mask, 2, 16, 3, REVEN_OP_LANES_SAR).word[0] == 0xf000);
    CHECK(lanes_shifted(mask, 8, 16, 99, REVEN_OP_LANES_SHR).word[0] == 0);
}
