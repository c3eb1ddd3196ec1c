// SPDX-License-Identifier: Apache-2.0
#include <doctest/doctest.h>

#include "base/bytes.h"
#include "random_bytes.h"

using namespace reven;

TEST_CASE("a varint is read as it was written, and takes as few bytes as it can") {
    testing::Random random(1);
    std::vector<uint64_t> values{0, 1, 0x7f, 0x80, 0x3fff, 0x4000, UINT64_MAX, uint64_t{1} << 63};
    for (int i = 0; i < 1000; ++i) values.push_back(random.number());
    for (uint64_t value : values) {
        std::vector<uint8_t> out;
        put_varint(out, value);
        size_t bits = 1;
        while (bits < 64 && value >> bits) ++bits;
        CHECK(out.size() == (bits + 6) / 7);
        ByteReader reader(out);
        CHECK(reader.varint() == value);
        CHECK(reader.done());
    }
}

TEST_CASE("a varint that is cut off or never ends is refused") {
    for (size_t size = 0; size < 12; ++size) {
        std::vector<uint8_t> endless(size, 0x80);
        ByteReader reader(endless);
        CHECK_THROWS_AS(reader.varint(), TraceError);
    }
}

TEST_CASE("zigzag keeps small numbers of either sign small") {
    testing::Random random(2);
    CHECK(zigzag(0) == 0);
    CHECK(zigzag(-1) == 1);
    CHECK(zigzag(1) == 2);
    CHECK(zigzag(INT64_MIN) == UINT64_MAX);
    for (int i = 0; i < 1000; ++i) {
        uint64_t value = random.number();
        CHECK(unzigzag(zigzag(static_cast<int64_t>(value))) == value);
    }
}

TEST_CASE("nothing is read beyond the end") {
    std::vector<uint8_t> bytes{1, 2, 3};
    ByteReader reader(bytes);
    CHECK_THROWS_AS(reader.take(4), TraceError);
    CHECK(*reader.take(2) == 1);
    CHECK(reader.left() == 1);
    CHECK_THROWS_AS(reader.take(SIZE_MAX), TraceError);
    CHECK(reader.byte() == 3);
    CHECK_THROWS_AS(reader.byte(), TraceError);
}

TEST_CASE("a count over its limit is refused") {
    std::vector<uint8_t> out;
    put_varint(out, 300);
    CHECK(ByteReader(out).count(300) == 300);
    CHECK_THROWS_AS(ByteReader(out).count(299), TraceError);
}
