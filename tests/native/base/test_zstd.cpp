// SPDX-License-Identifier: Apache-2.0
#include <doctest/doctest.h>

#include "base/zstd.h"
#include "random_bytes.h"

using namespace reven;

TEST_CASE("frames give back what they hold, and only that") {
    testing::Random random(4);
    Compressor compressor(3);
    for (size_t size : {0, 1, 100, 100'000}) {
        const auto bytes = random.bytes(size);
        std::vector<uint8_t> out{7, 7};
        const size_t packed = compressor.append(bytes, out);
        REQUIRE(out.size() == 2 + packed);
        const std::span<const uint8_t> frame(out.data() + 2, packed);
        std::vector<uint8_t> back(size + 1);
        CHECK(decompress(frame, back.data(), size));
        back.resize(size);
        CHECK(back == bytes);
        back.resize(size + 1);
        CHECK_FALSE(decompress(frame, back.data(), size + 1));
        if (size > 0) CHECK_FALSE(decompress(frame, back.data(), size - 1));
        CHECK_FALSE(decompress(frame.first(packed - 1), back.data(), size));
    }
}
