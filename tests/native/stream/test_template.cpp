// SPDX-License-Identifier: Apache-2.0
#include <doctest/doctest.h>

#include "stream_parts.h"

using namespace reven;
using testing::TemplateParts;

namespace {

std::string parse(const TemplateParts& parts) {
    Template head;
    TemplateBody body;
    return parse_template(parts.payload(), head, body);
}

}  // namespace

TEST_CASE("a template is parsed into its parts, its columns cover its record") {
    TemplateParts parts = testing::loading(7, 8);
    parts.head.values_size = 23;
    parts.nodes.push_back(testing::slot(9, 4));
    Template head;
    TemplateBody body;
    REQUIRE(parse_template(parts.payload(), head, body) == "");
    CHECK(head.id == 7);
    CHECK(body.nodes.size() == 3);
    CHECK(body.events.size() == 1);
    CHECK(head.find_instruction(0x1070) == 0);
    CHECK(head.find_instruction(0x1071) == -1);
    uint32_t end = 0;
    for (const Column& column : head.columns) {
        CHECK(column.offset == end);
        end += column.width;
    }
    CHECK(end == 23);
}

TEST_CASE("a template that is cut off anywhere is refused") {
    const auto payload = testing::loading(1, 8).payload();
    for (size_t size = 0; size < payload.size(); ++size) {
        Template head;
        TemplateBody body;
        CHECK(parse_template({payload.data(), size}, head, body) != "");
    }
}

TEST_CASE("what a template may not refer to is refused") {
    const TemplateParts good = testing::loading(1, 8);
    REQUIRE(parse(good) == "");
    const auto spoilt = [&](auto spoil) {
        TemplateParts parts = good;
        spoil(parts);
        return parse(parts);
    };
    CHECK(spoilt([](auto& parts) { parts.head.id = 0; }) != "");
    CHECK(spoilt([](auto& parts) { parts.head.values_size = REVEN_MAX_VALUES + 1; }) != "");
    CHECK(spoilt([](auto& parts) { parts.head.values_size = 7; }) != "");
    CHECK(spoilt([](auto& parts) { parts.instructions.clear(); }) != "");
    CHECK(spoilt([](auto& parts) { parts.instructions[0].size = 16; }) != "");
    CHECK(spoilt([](auto& parts) { parts.nodes[1].size = 3; }) != "");
    CHECK(spoilt([](auto& parts) { parts.nodes[1].b = 1; }) != "");
    CHECK(spoilt([](auto& parts) { parts.nodes[1].kind = 77; }) != "");
    CHECK(spoilt([](auto& parts) { parts.events[0].value = 2; }) != "");
    CHECK(spoilt([](auto& parts) { parts.events[0].address = REVEN_NO_NODE; }) != "");
    CHECK(spoilt([](auto& parts) { parts.events[0].size = 16; }) != "");
    CHECK(spoilt([](auto& parts) { parts.events[0].instruction = 1; }) != "");
    CHECK(spoilt([](auto& parts) {
              parts.events[0] =
                  testing::effect(REVEN_EVENT_SET_REGISTER, REVEN_MACHINE_FILE_SIZE - 4, 8, 0, 1);
          }) != "");
}
