// SPDX-License-Identifier: Apache-2.0
// The index of strings beside a small trace: its blocks under right checksums.
#include <cstddef>

#include "../../native/stream/stream_parts.h"
#include "base/crc32c.h"
#include "made_trace.h"
#include "query/queries.h"
#include "strings/index.h"

using namespace reven;

namespace {

// docs/string-index-format.md
struct Part {
    uint64_t offset;
    uint32_t packed;
    uint32_t size;
    uint32_t crc;
    uint32_t reserved;
};
struct Block {
    uint64_t first;
    uint64_t count;
    Part text;
    Part columns;
};
struct Footer {
    char magic[8];
    uint32_t version;
    uint32_t segments;
    uint64_t transitions;
    uint64_t strings;
    uint64_t blocks;
    uint64_t block_count;
    uint32_t blocks_crc;
    uint32_t crc;
};

Part append(std::span<const uint8_t> bytes, std::vector<uint8_t>& file, uint32_t size_change) {
    static Compressor compressor(1);
    Part part{file.size(), 0, static_cast<uint32_t>(bytes.size()) + size_change, 0, 0};
    part.packed = static_cast<uint32_t>(compressor.append(bytes, file));
    part.crc = crc32c(file.data() + part.offset, part.packed);
    return part;
}

void write_index(fuzz::Input& input, const std::filesystem::path& path) {
    std::vector<uint8_t> file;
    std::vector<Block> blocks(input.number() % 4);
    for (Block& block : blocks) {
        block.first = input.number();
        block.count = input.number() % 10000;
        const uint32_t change = input.number() % 16 == 15;
        block.text = append(input.part(), file, change);
        block.columns = append(input.part(), file, 0);
    }
    Footer footer{{'r', 'e', 'v', 's', 't', 'r', 'n', 'g'},
                  1,
                  1,
                  1,
                  input.number(),
                  file.size(),
                  blocks.size(),
                  0,
                  0};
    footer.blocks_crc = crc32c(blocks.data(), blocks.size() * sizeof(Block));
    static const uint32_t identity = DerivedFile(fuzz::folder(), "none.bin").trace_identity();
    footer.crc = crc32c(&footer, offsetof(Footer, crc), identity);
    put_bytes(file, blocks.data(), blocks.size() * sizeof(Block));
    put_bytes(file, &footer, sizeof footer);
    fuzz::write_file(path, file);
}

Queries& small_trace() {
    static const bool made = [] {
        StoreWriter writer(fuzz::folder(), false);
        Template head;
        TemplateBody body;
        if (!parse_template(testing::loading(1, 8).payload(), head, body).empty()) std::abort();
        writer.add_template(std::move(head), std::move(body));
        writer.flush_templates();
        const std::vector<uint8_t> values(8, 'a');
        Batch batch;
        batch.headers = {1 << REVEN_EXIT_BITS};
        batch.values = values;
        testing::put_key_frame(batch.control, 0);
        SegmentEncoder encoder(writer.templates());
        writer.append(encoder.encode(batch, 1));
        return true;
    }();
    static Queries queries(fuzz::folder(), made ? 1 << 20 : 0);
    return queries;
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
    fuzz::Input input(data, size);
    Queries& queries = small_trace();
    const Progress go_on = [](uint64_t, uint64_t) {};
    write_index(input, fuzz::folder() / "strings.bin");
    try {
        StringIndex strings(queries, 64);
        for (const char* pattern : {"", "a", "password"}) strings.find(pattern, 0, 100, go_on);
        strings.find("a", 3, 1, go_on);
        strings.count(go_on);
        strings.is_whole();
    } catch (const TraceError&) {
    }
    return 0;
}
