// SPDX-License-Identifier: Apache-2.0
// A segment on disk, under right checksums and compression: what stands inside is the fuzzer's.
#include "../../native/stream/stream_parts.h"
#include "input.h"
#include "replay/replay.h"
#include "store/segment_codec.h"
#include "stream/control.h"

using namespace reven;

namespace {

const TemplateTable& templates() {
    static TemplateTable table;
    if (table.count() == 0) {
        const uint8_t sizes[] = {1, 2, 4, 8, 16, 32};
        for (uint32_t id = 1; id <= 6; ++id) {
            Template head;
            TemplateBody body;
            if (!parse_template(testing::loading(id, sizes[id - 1]).payload(), head, body).empty())
                std::abort();
            table.add(std::move(head));
        }
    }
    return table;
}

uint32_t pack(std::span<const uint8_t> section, std::vector<uint8_t>& out) {
    static Compressor compressor(1);
    return static_cast<uint32_t>(compressor.append(section, out));
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
    fuzz::Input input(data, size);
    format::SegmentHeader header{};
    header.first_execution = input.number();
    header.execution_count = input.number();
    header.transition_count = input.number();
    header.values_size = input.number();
    header.template_count = input.number() % 8;
    const auto headers = input.part(), control = input.part(), columns = input.part();
    std::vector<uint8_t> sections;
    header.headers_size = static_cast<uint32_t>(headers.size());
    header.headers_packed = pack(headers, sections);
    header.control_size = static_cast<uint32_t>(control.size());
    header.control_packed = pack(control, sections);
    header.columns_size = static_cast<uint32_t>(columns.size());
    header.columns_packed = pack(columns, sections);
    std::vector<uint8_t> payload;
    put_bytes(payload, &header, sizeof header);
    put_bytes(payload, sections.data(), sections.size());
    for (const bool with_values : {false, true}) try {
            const auto segment =
                std::make_shared<const Segment>(decode_segment(payload, templates(), with_values));
            const SegmentView view(segment);
            for (uint32_t context = 0; context <= view.transition_count(); ++context) {
                view.execution_at(context);
                view.key_frame_before(context);
                view.event_at(context);
            }
            for (size_t i = 0; i < view.records().size(); ++i) view.thread_before(i);
        } catch (const TraceError&) {
        }
    return 0;
}
