// SPDX-License-Identifier: Apache-2.0
#include "strings/index.h"

#include <algorithm>
#include <cstddef>
#include <cstring>

#include "base/bytes.h"
#include "base/crc32c.h"
#include "base/lock_asking.h"
#include "base/zstd.h"

namespace reven {
namespace {

constexpr char MAGIC[8] = {'r', 'e', 'v', 's', 't', 'r', 'n', 'g'};
constexpr uint32_t VERSION = 1;
constexpr size_t BLOCK_STRINGS = 8192;
constexpr size_t BLOCK_TEXT = 256 << 10;
constexpr int LEVEL = 6;

[[noreturn]] void damaged() {
    throw DamagedIndex("strings.bin is damaged. Delete it: it is made again.");
}

void encode(const StringEntry& entry, const StringEntry& before, std::vector<uint8_t>& out) {
    put_varint(out, zigzag(static_cast<int64_t>(entry.address - before.address)));
    put_varint(out, zigzag(static_cast<int64_t>(entry.first_access - before.first_access)));
    put_varint(out, entry.last_access - entry.first_access);
    put_varint(out, uint64_t{entry.size} << 1 | static_cast<uint8_t>(entry.encoding));
}

StringEntry decode(ByteReader& in, const StringEntry& before) {
    StringEntry entry;
    entry.address = before.address + static_cast<uint64_t>(unzigzag(in.varint()));
    entry.first_access = before.first_access + static_cast<uint64_t>(unzigzag(in.varint()));
    entry.last_access = entry.first_access + in.varint();
    const uint32_t size = in.count(2 * 4 * LONGEST_STRING + 1);
    entry.size = size >> 1;
    entry.encoding = static_cast<TextEncoding>(size & 1);
    return entry;
}

}  // namespace

// Appends the blocks while the strings are being found, and what is known of them at the end.
class StringIndex::Writer {
   public:
    explicit Writer(DerivedFile& file) : file_(file), compressor_(LEVEL) {}

    void add(std::span<const uint8_t> text) {
        text_.insert(text_.end(), text.begin(), text.end());
        text_.push_back(0);
        if (++strings_ - first_ == BLOCK_STRINGS || text_.size() >= BLOCK_TEXT) flush();
    }
    void finish(const std::vector<StringEntry>& entries, Footer footer) {
        flush();
        std::vector<uint8_t> columns;
        for (Block& block : blocks_) {
            columns.clear();
            StringEntry before{};
            for (uint64_t i = block.first; i < block.first + block.count; ++i) {
                encode(entries[i], before, columns);
                before = entries[i];
            }
            block.columns = append(columns);
        }
        const std::span directory(reinterpret_cast<const uint8_t*>(blocks_.data()),
                                  blocks_.size() * sizeof(Block));
        std::memcpy(footer.magic, MAGIC, sizeof MAGIC);
        footer.version = VERSION;
        footer.strings = strings_;
        footer.blocks = size_;
        footer.block_count = blocks_.size();
        footer.blocks_crc = crc32c(directory.data(), directory.size());
        footer.crc = crc32c(&footer, offsetof(Footer, crc), file_.trace_identity());
        write(directory);
        write({reinterpret_cast<const uint8_t*>(&footer), sizeof footer});
    }

   private:
    void flush() {
        if (strings_ == first_) return;
        blocks_.push_back({first_, strings_ - first_, append(text_), {}});
        first_ = strings_;
        text_.clear();
    }
    Part append(const std::vector<uint8_t>& bytes) {
        packed_.clear();
        compressor_.append(bytes, packed_);
        const Part part{size_, static_cast<uint32_t>(packed_.size()),
                        static_cast<uint32_t>(bytes.size()), crc32c(packed_.data(), packed_.size()),
                        0};
        write(packed_);
        return part;
    }
    void write(std::span<const uint8_t> bytes) {
        file_.write(size_, bytes);
        size_ += bytes.size();
    }

    DerivedFile& file_;
    Compressor compressor_;
    uint64_t size_ = 0;
    uint64_t first_ = 0;
    uint64_t strings_ = 0;
    std::vector<uint8_t> text_;
    std::vector<uint8_t> packed_;
    std::vector<Block> blocks_;
};

StringIndex::StringIndex(Queries& queries, size_t most_pages)
    : queries_(queries),
      memory_(queries.trace(), queries.index(), 16 << 20),
      most_pages_(most_pages),
      file_(queries.trace().path(), "strings.bin") {}

std::shared_ptr<const StringIndex::Directory> StringIndex::need(const Progress& progress) {
    const auto guard = lock_asking(mutex_, progress);
    const uint64_t transitions = queries_.trace().transition_count();
    if (loaded_ && loaded_->footer.transitions == transitions) return loaded_;
    if (load()) return loaded_;
    // What is there belongs to an older state of the trace, or is damaged: made anew.
    static_cast<void>(file_.prepare(0));
    const DerivedFile::Lock lock(file_);
    if (load()) return loaded_;
    file_.truncate(0);
    build(progress);
    if (!load()) throw TraceError("strings.bin could not be read back");
    return loaded_;
}

bool StringIndex::load() {
    loaded_ = nullptr;
    const uint64_t size = file_.size();
    Footer footer;
    if (size < sizeof footer ||
        !file_.read(size - sizeof footer, {reinterpret_cast<uint8_t*>(&footer), sizeof footer}))
        return false;
    if (std::memcmp(footer.magic, MAGIC, sizeof MAGIC) != 0 || footer.version != VERSION ||
        footer.crc != crc32c(&footer, offsetof(Footer, crc), file_.trace_identity()) ||
        footer.transitions != queries_.trace().transition_count() ||
        footer.segments != queries_.trace().store().segment_count() || footer.blocks > size ||
        footer.block_count > (size - footer.blocks) / sizeof(Block))
        return false;
    std::vector<Block> blocks(footer.block_count);
    const std::span bytes(reinterpret_cast<uint8_t*>(blocks.data()), blocks.size() * sizeof(Block));
    if (!file_.read(footer.blocks, bytes) ||
        crc32c(bytes.data(), bytes.size()) != footer.blocks_crc)
        return false;
    loaded_ = std::make_shared<const Directory>(Directory{footer, std::move(blocks)});
    return true;
}

void StringIndex::build(const Progress& progress) {
    const auto fetch = [&](uint64_t page, uint32_t segment) {
        const auto index = queries_.need_index(progress);
        return memory_.page_at_start(page, segment);
    };
    TraceReader& trace = queries_.trace();
    const auto segments = static_cast<uint32_t>(trace.store().segment_count());
    Footer footer{};
    footer.segments = segments;
    footer.transitions = trace.transition_count();
    Writer writer(file_);
    StringScan scan(fetch, [&](std::span<const uint8_t> text) { writer.add(text); }, most_pages_);
    SegmentStream stream(trace, 0, segments);
    for (uint32_t segment = 0; const auto view = stream.next(); ++segment) {
        if (progress) progress(segment, segments);
        scan.add(*view, segment, trace.blocks());
    }
    scan.finish();
    writer.finish(scan.entries(), footer);
    if (progress) progress(segments, segments);
}

std::vector<uint8_t> StringIndex::read_part(const Part& part) const {
    std::vector<uint8_t> packed(std::min<uint64_t>(part.packed, file_.size()));
    if (!file_.read(part.offset, packed) || crc32c(packed.data(), packed.size()) != part.crc)
        damaged();
    auto bytes = unpack(packed, part.size);
    if (!bytes) damaged();
    return std::move(*bytes);
}

std::vector<StringEntry> StringIndex::read_entries(const Block& block) const {
    const std::vector<uint8_t> columns = read_part(block.columns);
    ByteReader in(columns);
    std::vector<StringEntry> entries;
    StringEntry before{};
    for (uint64_t i = 0; i < block.count; ++i) entries.push_back(before = decode(in, before));
    return entries;
}

bool StringIndex::is_whole() {
    std::lock_guard guard(mutex_);
    if (file_.size() == 0) return true;
    if (!load()) return false;
    try {
        for (const Block& block : loaded_->blocks)
            if (const auto text = read_part(block.text);
                text.empty() || text.back() != 0 || read_entries(block).size() != block.count)
                return false;
    } catch (const TraceError&) {
        return false;
    }
    return true;
}

FoundStrings StringIndex::find(const std::string& pattern, uint64_t first, size_t limit,
                               const Progress& progress) {
    for (;;) {
        const auto directory = need(progress);
        try {
            return find_in(directory->blocks, pattern, first, limit, progress);
        } catch (const TraceError&) {
            // Meanwhile the trace may have grown, and its file been made anew.
            const auto guard = lock_asking(mutex_, progress);
            if (loaded_ == directory) throw;
        }
    }
}

FoundStrings StringIndex::find_in(const std::vector<Block>& blocks, const std::string& pattern,
                                  uint64_t first, size_t limit, const Progress& progress) const {
    FoundStrings found;
    if (pattern.find('\0') != std::string::npos) return found;
    for (size_t number = 0; number < blocks.size() && found.id.size() < limit; ++number) {
        const Block& block = blocks[number];
        if (block.first + block.count <= first) continue;
        if (progress) progress(number, blocks.size());
        const std::vector<uint8_t> text = read_part(block.text);
        if (text.empty() || text.back() != 0) damaged();
        const auto* at = reinterpret_cast<const char*>(text.data());
        const char* end = at + text.size();
        std::vector<StringEntry> entries;
        uint64_t id = block.first;
        while (at < end && found.id.size() < limit) {
            const auto* hit = static_cast<const char*>(
                memmem(at, static_cast<size_t>(end - at), pattern.data(), pattern.size()));
            if (!hit) break;
            const char* next;
            for (; (next = at + std::strlen(at) + 1) <= hit; at = next) ++id;
            if (id >= first) {
                if (entries.empty()) entries = read_entries(block);
                if (id - block.first >= entries.size()) damaged();
                const StringEntry& entry = entries[id - block.first];
                found.id.push_back(id);
                found.address.push_back(entry.address);
                found.size.push_back(entry.size);
                found.is_utf16.push_back(entry.encoding == TextEncoding::Utf16);
                found.first_access.push_back(entry.first_access);
                found.last_access.push_back(entry.last_access);
                found.text.emplace_back(at);
            }
            at = next;
            ++id;
        }
    }
    return found;
}

uint64_t StringIndex::count(const Progress& progress) { return need(progress)->footer.strings; }

}  // namespace reven
