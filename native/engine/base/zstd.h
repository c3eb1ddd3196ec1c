// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <span>
#include <vector>

namespace reven {

// Reusable zstd compression context; not for several threads at once.
class Compressor {
   public:
    explicit Compressor(int level);
    ~Compressor();
    Compressor(const Compressor&) = delete;
    Compressor& operator=(const Compressor&) = delete;

    // Appends one zstd frame holding `bytes` to `out`; returns its size.
    size_t append(std::span<const uint8_t> bytes, std::vector<uint8_t>& out);

   private:
    void* context_;
    int level_;
    std::vector<uint8_t> frame_;
};

// Decompresses one zstd frame that holds exactly `size` bytes to `out`. False if
// it does not. Each thread reuses a context.
bool decompress(std::span<const uint8_t> frame, uint8_t* out, size_t size);

// The `size` bytes that one zstd frame holds; nothing if it does not. Memory is taken only once
// the frame itself says so much.
std::optional<std::vector<uint8_t>> unpack(std::span<const uint8_t> frame, size_t size);

}  // namespace reven
