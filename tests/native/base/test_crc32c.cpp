// SPDX-License-Identifier: Apache-2.0
#include <doctest/doctest.h>

#include <string_view>

#include "base/crc32c.h"
#include "random_bytes.h"

using namespace reven;

TEST_CASE("the checksum is that of RFC 3720") {
    constexpr std::string_view DIGITS = "123456789";
    const std::vector<uint8_t> zeros(32, 0), ones(32, 0xff);
    CHECK(crc32c(DIGITS.data(), DIGITS.size()) == 0xe3069283);
    CHECK(crc32c(zeros.data(), zeros.size()) == 0x8a9136aa);
    CHECK(crc32c(ones.data(), ones.size()) == 0x62a8ab43);
    CHECK(crc32c(nullptr, 0) == 0);
}

TEST_CASE("it goes on from what comes before, wherever that ends") {
    const auto bytes = testing::Random(3).bytes(100);
    const uint32_t whole = crc32c(bytes.data(), bytes.size());
    for (size_t at = 0; at <= bytes.size(); ++at)
        CHECK(crc32c(bytes.data() + at, bytes.size() - at, crc32c(bytes.data(), at)) == whole);
}
