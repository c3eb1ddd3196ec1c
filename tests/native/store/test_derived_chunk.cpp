// SPDX-License-Identifier: Apache-2.0
#include <doctest/doctest.h>
#include <sys/stat.h>

#include <filesystem>
#include <fstream>

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

// What stands in the file once the chunk is written alone.
std::vector<uint8_t> written(DerivedFile& file, const std::vector<uint8_t>& chunk) {
    const DerivedFile::Lock lock(file);
    file.truncate(0);
    write_chunk(file, 0, chunk);
    std::vector<uint8_t> bytes(chunk.size());
    REQUIRE(file.read(0, bytes));
    return bytes;
}

}  // namespace

TEST_CASE("chunks follow each other, each with its head and body") {
    testing::Random random(10);
    const Folder folder;
    DerivedFile file(folder.path, "index.bin");
    REQUIRE(file.prepare(0));
    const auto head = random.bytes(500), body = random.bytes(1000);
    auto bytes = written(file, make_chunk(7, 2, head, body));
    const size_t first = bytes.size();
    const auto second = written(file, make_chunk(7, 2, {}, {}));
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
    const auto chunk = written(file, make_chunk(7, 2, random.bytes(50), random.bytes(20)));
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

TEST_CASE("a chunk of another trace is not there") {
    testing::Random random(12);
    const Folder one, other;
    for (const Folder* folder : {&one, &other}) {
        std::ofstream out(folder->path + "/segments.bin", std::ios::binary);
        const auto bytes = random.bytes(64);
        out.write(reinterpret_cast<const char*>(bytes.data()), 64);
    }
    DerivedFile file(one.path, "index.bin");
    REQUIRE(file.prepare(0));
    written(file, make_chunk(7, 2, random.bytes(50), {}));
    CHECK(read_chunk(file, 0, 7, 2));
    std::filesystem::copy(one.path + "/index.bin", other.path + "/index.bin");
    CHECK_FALSE(read_chunk(DerivedFile(other.path, "index.bin"), 0, 7, 2));
}

TEST_CASE("nothing is written through a link, nor read from a pipe") {
    const Folder folder;
    std::ofstream(folder.path + "/victim") << "precious";
    std::filesystem::create_symlink(folder.path + "/victim", folder.path + "/index.bin");
    DerivedFile file(folder.path, "index.bin");
    CHECK(file.size() == 0);
    // It says that it is another file, which takes its place.
    (void)file.prepare(0);
    file.write(0, std::vector<uint8_t>(5));
    CHECK(file.size() == 5);
    CHECK(std::filesystem::file_size(folder.path + "/victim") == 8);
    REQUIRE(mkfifo((folder.path + "/calls.bin").c_str(), 0600) == 0);
    CHECK(DerivedFile(folder.path, "calls.bin").size() == 0);
}

TEST_CASE("what is damaged is dropped, and only that") {
    testing::Random random(13);
    const Folder folder;
    {
        DerivedFile file(folder.path, "index.bin");
        REQUIRE(file.prepare(0));
        write(file, random.bytes(100));
    }
    const auto whole = [](uint64_t size) { return [size](const DerivedFile&) { return size; }; };
    CHECK_FALSE(DerivedFile::drop_damaged(folder.path, "index.bin", whole(100)));
    CHECK(DerivedFile::drop_damaged(folder.path, "index.bin", whole(40)));
    CHECK(std::filesystem::file_size(folder.path + "/index.bin") == 40);
    CHECK_FALSE(DerivedFile::drop_damaged(folder.path, "absent.bin", whole(0)));
}
