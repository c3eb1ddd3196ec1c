// SPDX-License-Identifier: Apache-2.0
#include <doctest/doctest.h>

#include "../stream/stream_parts.h"
#include "random_bytes.h"
#include "store/template_codec.h"

using namespace reven;

namespace {

struct Made {
    std::vector<Template> heads;
    std::vector<TemplateBody> bodies;
};

// Templates of several instructions, with exits, from an id on.
Made make(uint32_t first, uint32_t count) {
    testing::Random random(6);
    Made made;
    for (uint32_t id = first; id < first + count; ++id) {
        const uint8_t sizes[] = {1, 2, 4, 8, 16, 32};
        auto parts = testing::loading(id, sizes[random.below(6)]);
        for (uint64_t more = random.below(5); more > 0; --more)
            parts.instructions.push_back({random.number(), 2, {0x31, 0xc0}});
        parts.head.jump_kind = static_cast<uint32_t>(random.below(REVEN_JUMP_OTHER + 1));
        parts.head.exit_count = static_cast<uint32_t>(random.below(3));
        for (uint32_t k = 1; k <= parts.head.exit_count; ++k) {
            reven_event exit = testing::effect(REVEN_EVENT_EXIT, 0, 0, REVEN_NO_NODE, 0);
            exit.instruction = static_cast<uint16_t>(parts.instructions.size() - 1);
            exit.x1 = k;
            exit.x2 = REVEN_EXIT_NOT_RETIRED;
            parts.events.push_back(exit);
        }
        Template head;
        TemplateBody body;
        REQUIRE(parse_template(parts.payload(), head, body) == "");
        made.heads.push_back(std::move(head));
        made.bodies.push_back(std::move(body));
    }
    return made;
}

}  // namespace

TEST_CASE("heads come back as they were") {
    const Made made = make(41, 30);
    const auto back = decode_heads(encode_heads(made.heads), 41, 30);
    REQUIRE(back.size() == 30);
    for (size_t i = 0; i < back.size(); ++i) {
        const Template &was = made.heads[i], &is = back[i];
        CHECK(is.id == was.id);
        CHECK(is.values_size == was.values_size);
        CHECK(is.jump_kind == was.jump_kind);
        CHECK(is.node_count == was.node_count);
        CHECK(is.event_count == was.event_count);
        REQUIRE(is.instructions.size() == was.instructions.size());
        for (size_t at = 0; at < is.instructions.size(); ++at) {
            CHECK(is.instructions[at].address == was.instructions[at].address);
            CHECK(is.instructions[at].size == was.instructions[at].size);
            CHECK(std::memcmp(is.instructions[at].bytes, was.instructions[at].bytes,
                              was.instructions[at].size) == 0);
        }
        REQUIRE(is.exits.size() == was.exits.size());
        for (size_t at = 0; at < is.exits.size(); ++at) {
            CHECK(is.exits[at].instruction == was.exits[at].instruction);
            CHECK(is.exits[at].retired == was.exits[at].retired);
        }
        REQUIRE(is.columns.size() == was.columns.size());
    }
}

TEST_CASE("bodies come back as they were") {
    const Made made = make(1, 30);
    std::vector<const Template*> heads;
    for (const Template& head : made.heads) heads.push_back(&head);
    const auto back = decode_bodies(encode_bodies(made.heads, made.bodies), heads);
    REQUIRE(back.size() == 30);
    for (size_t i = 0; i < back.size(); ++i) {
        REQUIRE(back[i].nodes.size() == made.bodies[i].nodes.size());
        for (size_t at = 0; at < back[i].nodes.size(); ++at) {
            CHECK(back[i].nodes[at].kind == made.bodies[i].nodes[at].kind);
            CHECK(back[i].nodes[at].size == made.bodies[i].nodes[at].size);
        }
        REQUIRE(back[i].events.size() == made.bodies[i].events.size());
        for (size_t at = 0; at < back[i].events.size(); ++at) {
            CHECK(back[i].events[at].kind == made.bodies[i].events[at].kind);
            CHECK(back[i].events[at].instruction == made.bodies[i].events[at].instruction);
            CHECK(back[i].events[at].value == made.bodies[i].events[at].value);
        }
    }
}

TEST_CASE("damaged templates are refused or decoded, never more") {
    const Made made = make(1, 8);
    std::vector<const Template*> pointers;
    for (const Template& head : made.heads) pointers.push_back(&head);
    const auto heads = encode_heads(made.heads);
    const auto bodies = encode_bodies(made.heads, made.bodies);
    testing::Random random(7);
    size_t refused = 0;
    const auto attempt = [&](auto decode) {
        try {
            decode();
        } catch (const TraceError&) {
            ++refused;
        }
    };
    for (size_t size = 0; size < heads.size(); ++size)
        attempt([&] { decode_heads({heads.data(), size}, 1, 8); });
    CHECK(refused == heads.size());
    for (int i = 0; i < 2000; ++i) {
        auto damaged = i % 2 ? heads : bodies;
        damaged[random.below(damaged.size())] ^= static_cast<uint8_t>(1 + random.below(255));
        attempt([&] {
            if (i % 2)
                decode_heads(damaged, 1, 8);
            else
                decode_bodies(damaged, pointers);
        });
    }
}
