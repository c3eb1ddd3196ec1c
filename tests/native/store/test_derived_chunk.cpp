// SPDX-License-Identifier: Apache-2.0
#include <doctest/doctest.h>

#include <filesystem>

#include "random_bytes.h"
#include "store/derived_chunk.h"

using namespace reven;

namespace {

// A folder that goes away with the test.
struct Folder {
    std::string path;

    Folder() {
        std::string pattern = std::filesystem::temp_directory_path() / "reven-XXXXXX";
        REQUIRE(mkdtemp(pattern.data()) != nullptr);
        path = pattern;
    }
    ~Folder() { std::filesystem::remove_all(path); }
};

void write(DerivedFile& file, const std::vector<uint8_t>& bytes) {
    const DerivedFile::Lock lock(file);
    file.truncate(0);
    file.write(0, bytes);
}

}  // namespace

TEST_CASE("chunks follow each other, each with its head and body") {
    testing::Random random(10);
    const Folder folder;
    DerivedFile file(folder.path, "index.bin");
    REQUIRE(file.prepare(0));
    const auto head = random.bytes(500), body = random.bytes(1000);
    auto bytes = make_chunk(7, 2, head, body);
    const size_t first = bytes.size();
    const auto second = make_chunk(7, 2, {}, {});
    bytes.insert(bytes.end(), second.begin(), second.end());
    write(file, bytes);

    const auto found = read_chunk(file, 0, 7, 2);
    REQUIRE(found);
    CHECK(found->bytes == head);
    CHECK(found->end == first);
    std::vector<uint8_t> read(body.size());
    REQUIRE(file.read(found->body, read));
    CHECK(read == body);
    const auto next = read_chunk(file, first, 7, 2);
    REQUIRE(next);
    CHECK(next->bytes.empty());
    CHECK(next->end == bytes.size());

    CHECK_FALSE(read_chunk(file, bytes.size(), 7, 2));
    CHECK_FALSE(read_chunk(file, 0, 8, 2));
    CHECK_FALSE(read_chunk(file, 0, 7, 3));
    CHECK_FALSE(read_chunk(file, UINT64_MAX, 7, 2));
}

TEST_CASE("a chunk whose head is torn or damaged is not there") {
    testing::Random random(11);
    const Folder folder;
    DerivedFile file(folder.path, "index.bin");
    REQUIRE(file.prepare(0));
    const auto chunk = make_chunk(7, 2, random.bytes(50), random.bytes(20));
    for (size_t size = 0; size < chunk.size(); size += 3) {
        write(file, {chunk.begin(), chunk.begin() + static_cast<ptrdiff_t>(size)});
        CHECK_FALSE(read_chunk(file, 0, 7, 2));
    }
    for (size_t at = 0; at < chunk.size() - 20; ++at) {
        auto damaged = chunk;
        damaged[at] ^= 1;
        write(file, damaged);
        CHECK_FALSE(read_chunk(file, 0, 7, 2));
    }
}
