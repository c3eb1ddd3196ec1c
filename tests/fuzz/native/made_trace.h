// SPDX-License-Identifier: Apache-2.0
// A trace folder written of what a recorder could have said: what the writer accepts.
#pragma once

#include "input.h"
#include "store/segment_codec.h"
#include "store/writer.h"
#include "stream/control.h"
#include "stream/resolve.h"

namespace reven::fuzz {

constexpr uint32_t MOST_TEMPLATES = 8;
constexpr uint32_t MOST_SEGMENTS = 4;
constexpr size_t MOST_EXECUTIONS = 256;

inline void add_templates(Input& input, StoreWriter& writer) {
    const uint32_t count = input.number() % (MOST_TEMPLATES + 1);
    for (uint32_t i = 0; i < count; ++i) {
        const auto part = input.part();
        std::vector<uint8_t> payload(part.begin(), part.end());
        const uint32_t id = writer.template_count() + 1;
        if (payload.size() >= sizeof id) write_as(payload.data(), id);
        Template head;
        TemplateBody body;
        if (parse_template(payload, head, body).empty())
            writer.add_template(std::move(head), std::move(body));
    }
}

// The executions' values are as many as their templates take, of the part over and over.
inline std::vector<uint8_t> values_of(const Batch& batch, const TemplateTable& templates,
                                      std::span<const uint8_t> part) {
    size_t size = 0;
    for (const uint32_t header : batch.headers)
        if (const Template* found = templates.find(header >> REVEN_EXIT_BITS))
            size += found->values_size;
    std::vector<uint8_t> values(std::min<size_t>(size, 1 << 20));
    for (size_t i = 0; i < values.size() && !part.empty(); ++i) values[i] = part[i % part.size()];
    return values;
}

// Throws TraceError for what the writer refuses; what came before is a trace all the same.
inline void make_trace(Input& input, const std::filesystem::path& directory) {
    for (const auto& old : std::filesystem::directory_iterator(directory))
        std::filesystem::remove(old);
    StoreWriter writer(directory, false);
    add_templates(input, writer);
    writer.flush_templates();
    Resolver resolver(writer.templates());
    SegmentEncoder encoder(writer.templates());
    uint64_t executions = 0;
    for (uint32_t i = 0; i < MOST_SEGMENTS && !input.done(); ++i) {
        Batch batch;
        batch.first_execution = executions;
        const auto headers = input.part();
        for (size_t at = 0; at + 1 < std::min(headers.size(), 2 * MOST_EXECUTIONS); at += 2)
            batch.headers.push_back(uint32_t{headers[at]} << REVEN_EXIT_BITS |
                                    (headers[at + 1] & ((1u << REVEN_EXIT_BITS) - 1)));
        const auto values = values_of(batch, writer.templates(), input.part());
        batch.values = values;
        const auto control = input.part();
        batch.control.assign(control.begin(), control.end());
        const auto count = static_cast<uint32_t>(batch.headers.size());
        if (!check_control(batch.control, executions, count).empty()) return;
        resolver.resolve(batch);
        writer.append(encoder.encode(batch, writer.template_count()));
        executions += count;
    }
}

}  // namespace reven::fuzz
