// SPDX-License-Identifier: Apache-2.0
// Templates: as a recorder sends them, and as they stand on disk.
#include <cstdlib>

#include "input.h"
#include "store/template_codec.h"
#include "stream/template.h"

using namespace reven;

namespace {

void from_a_recorder(std::span<const uint8_t> payload) {
    Template head;
    TemplateBody body;
    if (!parse_template(payload, head, body).empty()) return;
    // What is accepted is written, and must come back.
    const std::span heads(&head, 1);
    const std::span bodies(&body, 1);
    const auto read = decode_heads(encode_heads(heads), head.id, 1);
    const Template* members[] = {&read[0]};
    const auto again = decode_bodies(encode_bodies(heads, bodies), members);
    if (read[0].instructions.size() != head.instructions.size() ||
        again[0].nodes.size() != body.nodes.size() || again[0].events.size() != body.events.size())
        std::abort();
}

void from_disk(std::span<const uint8_t> heads, std::span<const uint8_t> bodies, uint32_t count) {
    const auto read = decode_heads(heads, 1, count % (format::GROUP_TEMPLATES + 1));
    std::vector<const Template*> members;
    for (const Template& head : read) members.push_back(&head);
    decode_bodies(bodies, members);
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
    fuzz::Input input(data, size);
    try {
        from_a_recorder(input.part());
    } catch (const TraceError&) {
    }
    try {
        const auto heads = input.part(), bodies = input.part();
        from_disk(heads, bodies, input.number());
    } catch (const TraceError&) {
    }
    return 0;
}
