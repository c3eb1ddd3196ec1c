// SPDX-License-Identifier: Apache-2.0
// The strings of a trace, kept in a file of their own (docs/string-index-format.md).
#pragma once

#include <cstdint>
#include <memory>
#include <mutex>
#include <string>
#include <vector>

#include "query/queries.h"
#include "store/derived_file.h"
#include "strings/scan.h"

namespace reven {

// Columns, by ascending number.
struct FoundStrings {
    std::vector<uint64_t> id;
    std::vector<uint64_t> address;
    std::vector<uint32_t> size;
    std::vector<uint8_t> is_utf16;
    std::vector<uint64_t> first_access;
    std::vector<uint64_t> last_access;
    std::vector<std::string> text;  // UTF-8
};

class StringIndex {
   public:
    // Making the index keeps about `most_pages` pages of memory: with what goes with them,
    // 20 KB each.
    explicit StringIndex(Queries& queries, size_t most_pages = 16384);

    // Strings whose text contains `pattern`, by ascending number from `first` on. Makes
    // the index if need be.
    FoundStrings find(const std::string& pattern, uint64_t first, size_t limit,
                      const Progress& progress);
    uint64_t count(const Progress& progress);
    // Whether what stands in the file is this trace's, and undamaged; so is nothing at all.
    bool is_whole();

   private:
    // A part of the file: a zstd frame and its CRC-32C.
    struct Part {
        uint64_t offset;
        uint32_t packed;
        uint32_t size;
        uint32_t crc;
        uint32_t reserved;
    };
    // Strings first … first + count - 1.
    struct Block {
        uint64_t first;
        uint64_t count;
        Part text;     // each followed by a zero byte
        Part columns;
    };
    struct Footer {
        char magic[8];
        uint32_t version;
        uint32_t segments;
        uint64_t transitions;
        uint64_t strings;
        uint64_t blocks;  // offset of the blocks
        uint64_t block_count;
        uint32_t blocks_crc;
        uint32_t crc;  // of the footer before it
    };
    static_assert(sizeof(Part) == 24 && sizeof(Block) == 64 && sizeof(Footer) == 56);

    class Writer;

    // What a made index has. Searches keep theirs, while a longer trace gets another.
    struct Directory {
        Footer footer{};
        std::vector<Block> blocks;
    };

    std::shared_ptr<const Directory> need(const Progress& progress);
    bool load();
    void build(const Progress& progress);
    FoundStrings find_in(const std::vector<Block>& blocks, const std::string& pattern,
                         uint64_t first, size_t limit, const Progress& progress) const;
    std::vector<uint8_t> read_part(const Part& part) const;
    std::vector<StringEntry> read_entries(const Block& block) const;

    Queries& queries_;
    MemoryReader memory_;
    size_t most_pages_;
    DerivedFile file_;
    std::mutex mutex_;  // while the index is looked for and made
    std::shared_ptr<const Directory> loaded_;
};

}  // namespace reven
