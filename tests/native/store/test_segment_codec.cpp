// SPDX-License-Identifier: Apache-2.0
#include <doctest/doctest.h>

#include "../stream/stream_parts.h"
#include "base/bytes.h"
#include "random_bytes.h"
#include "store/segment_codec.h"

using namespace reven;

namespace {

const uint8_t SIZES[] = {1, 2, 4, 8, 16, 32};

// Six templates whose records have 1 … 32 bytes.
void describe(TemplateTable& table) {
    for (uint32_t id = 1; id <= 6; ++id) {
        Template head;
        TemplateBody body;
        REQUIRE(parse_template(testing::loading(id, SIZES[id - 1]).payload(), head, body) == "");
        table.add(std::move(head));
    }
}

// What a value looks like in a program: the same, counting, or anything.
uint64_t value(testing::Random& random, uint32_t id, uint32_t execution) {
    switch (id % 3) {
        case 0:
            return 42;
        case 1:
            return execution * 8;
        default:
            return random.number();
    }
}

struct Made {
    Batch batch;
    std::vector<uint8_t> values;
};

void make(Made& made, uint32_t executions, uint32_t seed) {
    testing::Random random(seed);
    made.batch.first_execution = 1000;
    for (uint32_t i = 0; i < executions; ++i) {
        // Loops, with something else now and then.
        const auto id = static_cast<uint32_t>(random.below(10) ? 1 + i % 3 : 1 + random.below(6));
        made.batch.headers.push_back(id << REVEN_EXIT_BITS);
        for (uint32_t left = SIZES[id - 1]; left > 0;) {
            const uint64_t bits = value(random, id, i);
            const uint32_t part = std::min(left, 8u);
            put_bytes(made.values, &bits, part);
            left -= part;
        }
    }
    made.batch.values = made.values;
    testing::put_key_frame(made.batch.control, 1000, 3);
    if (executions > 1) testing::put_key_frame(made.batch.control, 1000 + executions / 2, 4);
}

std::vector<uint8_t> payload_of(EncodedSegment& encoded) {
    std::vector<uint8_t> payload;
    put_bytes(payload, &encoded.header, sizeof encoded.header);
    put_bytes(payload, encoded.sections.data(), encoded.sections.size());
    return payload;
}

}  // namespace

TEST_CASE("a segment comes back as it was") {
    TemplateTable table;
    describe(table);
    SegmentEncoder encoder(table);
    for (uint32_t executions : {0u, 1u, 2u, 63u, 5000u, REVEN_SLOT_EXECUTIONS}) {
        Made made;
        make(made, executions, executions);
        const auto control = made.batch.control;
        const auto payload = payload_of(encoder.encode(made.batch, 6));
        const Segment segment = decode_segment(payload, table, true);
        CHECK(segment.headers == made.batch.headers);
        CHECK(segment.control == control);
        CHECK(segment.info.first_execution == 1000);
        CHECK(segment.info.transition_count == executions);
        size_t at = 0;
        bool equal = true;
        for (uint32_t i = 0; i < executions; ++i) {
            const uint32_t size = segment.block(i).values_size;
            equal &= std::memcmp(segment.values_of(i), made.values.data() + at, size) == 0;
            at += size;
        }
        CHECK(equal);
        CHECK(at == made.values.size());
    }
}

TEST_CASE("a batch that contradicts its templates is refused") {
    TemplateTable table;
    describe(table);
    SegmentEncoder encoder(table);
    Made made;
    make(made, 100, 1);
    CHECK_THROWS_AS(encoder.encode(made.batch, 1), TraceError);
    made.batch.values = std::span(made.values).first(made.values.size() - 1);
    CHECK_THROWS_AS(encoder.encode(made.batch, 6), TraceError);
}

TEST_CASE("a segment that is cut off anywhere is refused") {
    TemplateTable table;
    describe(table);
    SegmentEncoder encoder(table);
    Made made;
    make(made, 200, 2);
    const auto payload = payload_of(encoder.encode(made.batch, 6));
    size_t refused = 0;
    for (size_t size = 0; size < payload.size(); ++size) try {
            decode_segment({payload.data(), size}, table, true);
        } catch (const TraceError&) {
            ++refused;
        }
    CHECK(refused == payload.size());
}

TEST_CASE("a damaged segment is refused or decoded, never more") {
    TemplateTable table;
    describe(table);
    SegmentEncoder encoder(table);
    Made made;
    make(made, 200, 3);
    const auto payload = payload_of(encoder.encode(made.batch, 6));
    testing::Random random(8);
    size_t refused = 0;
    for (int i = 0; i < 2000; ++i) {
        auto damaged = payload;
        damaged[random.below(damaged.size())] ^= static_cast<uint8_t>(1 + random.below(255));
        try {
            decode_segment(damaged, table, true);
        } catch (const TraceError&) {
            ++refused;
        }
    }
    CHECK(refused > 0);
}

TEST_CASE("headers and columns that are any bytes are refused or decoded, never more") {
    TemplateTable table;
    describe(table);
    testing::Random random(9);
    for (int i = 0; i < 2000; ++i) {
        Segment segment;
        segment.info.execution_count = static_cast<uint32_t>(random.below(50));
        const auto bytes = random.bytes(random.below(60));
        try {
            decode_headers(bytes, table, 6, segment);
            segment.values.resize(lay_out_records(segment) + 64);
            decode_columns(random.bytes(random.below(200)), segment);
        } catch (const TraceError&) {
        }
    }
}
