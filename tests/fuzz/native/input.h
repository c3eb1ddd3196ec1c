// SPDX-License-Identifier: Apache-2.0
// What a fuzzer made, taken apart: parts with a length before each, as corpora.py writes them.
#pragma once

#include <algorithm>
#include <cstdint>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <span>
#include <string>
#include <vector>

#include "base/bytes.h"

namespace reven::fuzz {

class Input {
   public:
    Input(const uint8_t* data, size_t size) : left_(data, size) {}

    bool done() const { return left_.empty(); }
    // The next part: a length of four bytes, then as much of it as there is.
    std::span<const uint8_t> part() {
        const size_t size = static_cast<size_t>(number());
        const auto found = left_.first(std::min(size, left_.size()));
        left_ = left_.subspan(found.size());
        return found;
    }
    uint32_t number() {
        uint32_t value = 0;
        const size_t size = std::min(sizeof value, left_.size());
        if (size != 0) std::memcpy(&value, left_.data(), size);
        left_ = left_.subspan(size);
        return value;
    }

   private:
    std::span<const uint8_t> left_;
};

// A folder of this process, in memory where the system has such a place.
inline const std::filesystem::path& folder() {
    static const struct Folder {
        std::filesystem::path path;
        Folder() {
            const char* base = std::filesystem::exists("/dev/shm") ? "/dev/shm" : "/tmp";
            std::string pattern = std::string(base) + "/reven-fuzz-XXXXXX";
            if (mkdtemp(pattern.data()) == nullptr) std::abort();
            path = pattern;
        }
        ~Folder() { std::filesystem::remove_all(path); }
    } made;
    return made.path;
}

inline void write_file(const std::filesystem::path& path, std::span<const uint8_t> bytes) {
    std::ofstream out(path, std::ios::binary | std::ios::trunc);
    out.write(reinterpret_cast<const char*>(bytes.data()),
              static_cast<std::streamsize>(bytes.size()));
}

}  // namespace reven::fuzz
