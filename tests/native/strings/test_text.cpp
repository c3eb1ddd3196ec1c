// SPDX-License-Identifier: Apache-2.0
#include <doctest/doctest.h>

#include <string>

#include "strings/text.h"

using namespace reven;

namespace {

constexpr uint64_t BASE = 0x1000;

std::optional<TextRun> find(const std::string& memory, uint64_t at) {
    TextFinder finder([&](uint64_t address) -> uint8_t {
        const uint64_t offset = address - BASE;
        return offset < memory.size() ? static_cast<uint8_t>(memory[offset]) : 0;
    });
    return finder.at(BASE + at);
}

}  // namespace

TEST_CASE("every byte of a string finds the whole of it") {
    const std::string text = "h\xc3\xa9llo w\xf0\x9f\x98\x80rld\t!";
    const std::string memory = std::string(3, 0) + text + std::string(3, 0);
    for (size_t at = 0; at < memory.size(); ++at) {
        const auto found = find(memory, at);
        const bool inside = at >= 3 && at < 3 + text.size();
        REQUIRE(found.has_value() == inside);
        if (!inside) continue;
        CHECK(found->address == BASE + 3);
        CHECK(found->size == text.size());
        CHECK(found->characters == 13);
        CHECK(found->encoding == TextEncoding::Utf8);
    }
}

TEST_CASE("UTF-16 is told from UTF-8") {
    const std::string memory("\0\0w\0i\0d\0e\0r\0\0\0", 14);
    const auto found = find(memory, 4);
    REQUIRE(found);
    CHECK(found->encoding == TextEncoding::Utf16);
    CHECK(found->address == BASE + 2);
    CHECK(found->size == 10);
    CHECK(found->characters == 5);
}

TEST_CASE("what is no character ends a string") {
    for (const char* wrong : {"\x01", "\x7f", "\xc0\x80", "\xff", "\xed\xa0\x80",
                              "\xf5\x80\x80\x80", "\xe2\x80\xa8", "\x80", "\xc3"}) {
        const std::string memory = "before" + std::string(wrong) + "after!";
        const auto found = find(memory, 2);
        REQUIRE(found);
        CHECK(found->address == BASE);
        CHECK(found->size == 6);
    }
}

TEST_CASE("text that is too long is cut at blocks of addresses") {
    const std::string memory(1000, 'x');
    for (uint64_t at : {0, 127, 128, 500, 999}) {
        const auto found = find(memory, at);
        REQUIRE(found);
        CHECK(found->characters <= LONGEST_STRING);
        CHECK(found->address == std::max(BASE, (BASE + at) & ~(TEXT_BLOCK - 1)));
    }
    const auto whole = find(std::string(LONGEST_STRING, 'x'), 5);
    REQUIRE(whole);
    CHECK(whole->characters == LONGEST_STRING);
}
