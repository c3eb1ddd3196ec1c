// SPDX-License-Identifier: Apache-2.0
// Chunks, of which files of derived data consist (docs/index-format.md): a head
// that is read when the trace is opened, and a body of which pieces are read.
#pragma once

#include <cstdint>
#include <optional>
#include <span>
#include <vector>

#include "store/derived_file.h"

namespace reven {

struct ChunkHead {
    std::vector<uint8_t> bytes;
    uint64_t body;  // where the body begins in the file
    uint64_t end;   // where the next chunk begins
};

// The chunk at an offset of the file; nothing if it is torn, damaged or of another
// version.
std::optional<ChunkHead> read_chunk(const DerivedFile& file, uint64_t offset, uint32_t magic,
                                    uint32_t version);

// Appends a chunk to the file of a trace: it is no other trace's. Needs the lock.
void write_chunk(DerivedFile& file, uint64_t offset, std::vector<uint8_t> chunk);

// The bytes of a chunk, for `write_chunk`.
std::vector<uint8_t> make_chunk(uint32_t magic, uint32_t version, std::span<const uint8_t> head,
                                std::span<const uint8_t> body);

}  // namespace reven
