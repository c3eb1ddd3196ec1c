// SPDX-License-Identifier: Apache-2.0
#include <doctest/doctest.h>

#include "search/pages.h"

using namespace reven;

namespace {

struct Page {
    uint64_t number = 0;
    uint32_t last_use = 0;
    int value = 0;

    void fill(const PageBytes& bytes) { value = bytes.data[0]; }
    void clear(bool is_known) { value = is_known ? 0 : -1; }
    void copy(const Page& other) { value = other.value; }
};

// Fetched pages hold their number and the segment.
MovingMemory<Page> memory_from(uint32_t segment) {
    const auto fetch = [](uint64_t page, uint32_t of) {
        PageBytes bytes{};
        bytes.data[0] = static_cast<uint8_t>(page * 10 + of);
        return bytes;
    };
    return {fetch, segment};
}

}  // namespace

TEST_CASE("a range is cut at the ends of pages") {
    std::vector<std::array<uint64_t, 4>> pieces;
    for_page_pieces(PAGE_SIZE - 2, PAGE_SIZE + 5,
                    [&](uint64_t page, uint32_t offset, uint32_t count, uint64_t before) {
                        pieces.push_back({page, offset, count, before});
                    });
    const std::vector<std::array<uint64_t, 4>> expected{
        {0, PAGE_SIZE - 2, 2, 0}, {1, 0, PAGE_SIZE, 2}, {2, 0, 3, PAGE_SIZE + 2}};
    CHECK(pieces == expected);
    for_page_pieces(5, 0, [](auto...) { CHECK(false); });
}

TEST_CASE("pages are fetched as they were when the pass began") {
    auto memory = memory_from(3);
    CHECK(memory.page(4).value == 43);
    memory.page(4).value = 99;
    CHECK(memory.page(4).value == 99);
    REQUIRE(memory.find(5));
    CHECK(memory.find(5)->value == 53);
}

TEST_CASE("from the start of the trace there is nothing to fetch") {
    auto memory = memory_from(0);
    CHECK(memory.find(4) == nullptr);
    CHECK(memory.page(4).value == 0);
    CHECK(memory.find(4) != nullptr);
}

TEST_CASE("what is let go comes back as it was then") {
    auto memory = memory_from(1);
    memory.page(4).value = 99;
    memory.begin(2);
    memory.page(5);
    std::vector<uint64_t> left;
    memory.trim(0, 3, [&](const Page& page) { left.push_back(page.number); });
    CHECK(left == std::vector<uint64_t>{4});
    memory.begin(3);
    CHECK(memory.page(4).value == 43);
    CHECK(memory.page(5).value == 51);
}

TEST_CASE("cleared and moved pages") {
    auto memory = memory_from(1);
    memory.page(4).value = 7;
    memory.copy(10, 4, 2);
    CHECK(memory.page(10).value == 7);
    CHECK(memory.page(11).value == 51);
    memory.clear(4, 100, false);
    CHECK(memory.page(4).value == -1);
    CHECK(memory.page(50).value == -1);
    memory.clear(50, 1, true);
    CHECK(memory.page(50).value == 0);
    CHECK(memory.find(60) == nullptr);
    CHECK(memory.page(104).value == 1041 % 256);
}
