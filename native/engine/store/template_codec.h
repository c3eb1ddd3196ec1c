// SPDX-License-Identifier: Apache-2.0
// Templates on disk: groups of consecutive templates, their heads and their bodies
// apart. docs/trace-format.md specifies both encodings.
#pragma once

#include <cstdint>
#include <span>
#include <vector>

#include "store/format.h"
#include "stream/template.h"

namespace reven {

// Both encodings are of consecutive templates, before compression.
std::vector<uint8_t> encode_heads(std::span<const Template> heads);
std::vector<uint8_t> encode_bodies(std::span<const Template> heads,
                                   std::span<const TemplateBody> bodies);

// Decodes the `count` heads of the templates from `first_id` on. Throws TraceError.
std::vector<Template> decode_heads(std::span<const uint8_t> bytes, uint32_t first_id,
                                   uint32_t count);

// Decodes and validates the bodies that belong to `heads`. Throws TraceError.
std::vector<TemplateBody> decode_bodies(std::span<const uint8_t> bytes,
                                        std::span<const Template* const> heads);

// The payloads of the frames of a group.
struct TemplateGroup {
    format::TemplateGroupHeader header;
    std::vector<Template> heads;
};
TemplateGroup parse_group(std::span<const uint8_t> payload);
std::vector<TemplateBody> parse_bodies(std::span<const uint8_t> payload,
                                       std::span<const Template* const> heads);

}  // namespace reven
