// SPDX-License-Identifier: Apache-2.0
#include "store/derived_chunk.h"

#include <cstddef>

#include "base/bytes.h"
#include "base/crc32c.h"
#include "base/zstd.h"

namespace reven {
namespace {

constexpr int LEVEL = 3;
constexpr uint32_t LARGEST_HEAD = 1u << 30;

struct Header {
    uint32_t magic;
    uint32_t version;
    uint64_t length;       // of the chunk, header included
    uint32_t head_packed;  // zstd frame that follows the header
    uint32_t head_size;
    uint32_t head_crc;  // CRC-32C of that frame
    uint32_t crc;       // CRC-32C of the fields before, begun with the trace's identity
};
static_assert(sizeof(Header) == 32);

}  // namespace

std::optional<ChunkHead> read_chunk(const DerivedFile& file, uint64_t offset, uint32_t magic,
                                    uint32_t version) {
    const uint64_t size = file.size();
    Header header;
    if (offset > size || size - offset < sizeof header ||
        !file.read(offset, {reinterpret_cast<uint8_t*>(&header), sizeof header}))
        return std::nullopt;
    if (header.magic != magic || header.version != version ||
        header.crc != crc32c(&header, offsetof(Header, crc), file.trace_identity()) ||
        header.length > size - offset || header.length < sizeof header ||
        header.head_packed > header.length - sizeof header || header.head_size > LARGEST_HEAD)
        return std::nullopt;
    std::vector<uint8_t> packed(header.head_packed);
    if (!file.read(offset + sizeof header, packed) ||
        crc32c(packed.data(), packed.size()) != header.head_crc)
        return std::nullopt;
    auto head = unpack(packed, header.head_size);
    if (!head) return std::nullopt;
    return ChunkHead{std::move(*head), offset + sizeof header + header.head_packed,
                     offset + header.length};
}

void write_chunk(DerivedFile& file, uint64_t offset, std::vector<uint8_t> chunk) {
    auto header = read_as<Header>(chunk.data());
    header.crc = crc32c(&header, offsetof(Header, crc), file.trace_identity());
    std::memcpy(chunk.data(), &header, sizeof header);
    file.write(offset, chunk);
}

std::vector<uint8_t> make_chunk(uint32_t magic, uint32_t version, std::span<const uint8_t> head,
                                std::span<const uint8_t> body) {
    Compressor compressor(LEVEL);
    std::vector<uint8_t> out(sizeof(Header));
    const size_t packed = compressor.append(head, out);
    Header header{magic,
                  version,
                  sizeof header + packed + body.size(),
                  static_cast<uint32_t>(packed),
                  static_cast<uint32_t>(head.size()),
                  crc32c(out.data() + sizeof header, packed),
                  0};
    std::memcpy(out.data(), &header, sizeof header);
    put_bytes(out, body.data(), body.size());
    return out;
}

}  // namespace reven
