// SPDX-License-Identifier: Apache-2.0
// Debug information of any bytes.
#include "dwarf/index.h"
#include "input.h"

using namespace reven;

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
    fuzz::Input input(data, size);
    DebugSections sections;
    for (Section* section : {&sections.info, &sections.abbrev, &sections.str, &sections.line_str,
                             &sections.str_offsets, &sections.addr, &sections.ranges,
                             &sections.rnglists, &sections.common_str})
        *section = input.part();
    std::vector<uint64_t> units;
    const DebugIndex index(sections, [&](uint64_t position, uint64_t) {
        if (units.size() < 64) units.push_back(position);
    });
    for (const uint64_t unit : units) {
        index.scopes(unit);
        index.unit_variables(unit);
    }
    for (const char* name : {"main", "number", "space::Point", "call"}) {
        index.types(name);
        index.functions(name);
        index.variables(name);
    }
    for (const uint64_t address : {uint64_t{0}, uint64_t{0x1139}, uint64_t{0x401136}})
        index.function_at(address);
    return 0;
}
