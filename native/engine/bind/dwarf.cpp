// SPDX-License-Identifier: Apache-2.0
// Python's view of debug information (src/reven/_engine/).
#include <nanobind/stl/optional.h>
#include <nanobind/stl/string.h>
#include <nanobind/stl/string_view.h>
#include <nanobind/stl/vector.h>

#include "bind/columns.h"
#include "bind/trace.h"
#include "dwarf/index.h"

namespace nb = nanobind;
using namespace nb::literals;

namespace reven {
namespace {

Section section_of(const nb::bytes& data) {
    return {static_cast<const uint8_t*>(data.data()), data.size()};
}

}  // namespace

void bind_debug_index(nb::module_& m) {
    nb::class_<DebugPlace>(m, "DebugPlace")
        .def_ro("offset", &DebugPlace::offset)
        .def_ro("unit", &DebugPlace::unit)
        .def_ro("tag", &DebugPlace::tag)
        .def_ro("is_declaration", &DebugPlace::is_declaration);

    nb::class_<DebugScope>(m, "DebugScope")
        .def_ro("begin", &DebugScope::begin)
        .def_ro("end", &DebugScope::end)
        .def_ro("name", &DebugScope::name);

    nb::class_<DebugIndex>(m, "DebugIndex")
        .def(
            "__init__",
            [](DebugIndex* self, const nb::bytes& info, const nb::bytes& abbrev,
               const nb::bytes& str, const nb::bytes& line_str, const nb::bytes& str_offsets,
               const nb::bytes& addr, const nb::bytes& ranges, const nb::bytes& rnglists,
               const nb::bytes& common_str, const nb::object& progress) {
                const DebugSections sections{
                    section_of(info),     section_of(abbrev),      section_of(str),
                    section_of(line_str), section_of(str_offsets), section_of(addr),
                    section_of(ranges),   section_of(rnglists),    section_of(common_str)};
                const Progress tell = progress_of(progress);
                nb::gil_scoped_release release;
                new (self) DebugIndex(sections, tell);
            },
            nb::kw_only(), "info"_a, "abbrev"_a, "str"_a, "line_str"_a, "str_offsets"_a, "addr"_a,
            "ranges"_a, "rnglists"_a, "common_str"_a, "progress"_a = nb::none(),
            nb::keep_alive<1, 2>(), nb::keep_alive<1, 3>(), nb::keep_alive<1, 4>(),
            nb::keep_alive<1, 5>(), nb::keep_alive<1, 6>(), nb::keep_alive<1, 7>(),
            nb::keep_alive<1, 8>(), nb::keep_alive<1, 9>(), nb::keep_alive<1, 10>())
        .def("types", &DebugIndex::types, "name"_a)
        .def("functions", &DebugIndex::functions, "name"_a)
        .def("variables", &DebugIndex::variables, "name"_a)
        .def("unit_variables", &DebugIndex::unit_variables, "unit"_a)
        .def("scopes", &DebugIndex::scopes, "unit"_a)
        .def("function_at", &DebugIndex::function_at, "address"_a)
        .def_prop_ro("unit_count", &DebugIndex::unit_count)
        .def_prop_ro("damaged_unit_count", &DebugIndex::damaged_unit_count);
}

}  // namespace reven
