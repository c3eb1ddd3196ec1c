// SPDX-License-Identifier: Apache-2.0
// Python's view of debug information.
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
    nb::class_<DebugPlace>(m, "DebugPlace", "A debugging information entry.")
        .def_ro("offset", &DebugPlace::offset, "In .debug_info.")
        .def_ro("unit", &DebugPlace::unit, "Offset of its unit's header.")
        .def_ro("tag", &DebugPlace::tag, "DW_TAG_…")
        .def_ro("is_declaration", &DebugPlace::is_declaration);

    nb::class_<DebugScope>(m, "DebugScope",
                           "A namespace or class, around the entries with offsets in [begin, end).")
        .def_ro("begin", &DebugScope::begin)
        .def_ro("end", &DebugScope::end)
        .def_prop_ro(
            "name", [](const DebugScope& self) { return text_of(self.name); }, "Qualified.");

    nb::class_<DebugIndex>(m, "DebugIndex",
                           "Where the named things of a binary's DWARF information are.\n"
                           "\n"
                           "Names of types and variables are qualified (`space::Type<int>`).")
        .def(
            "__init__",
            [](DebugIndex* self, const nb::bytes& info, const nb::bytes& abbrev,
               const nb::bytes& str, const nb::bytes& line_str, const nb::bytes& str_offsets,
               const nb::bytes& addr, const nb::bytes& ranges, const nb::bytes& rnglists,
               const nb::bytes& common_str, const ProgressCallback& progress) {
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
            nb::keep_alive<1, 8>(), nb::keep_alive<1, 9>(), nb::keep_alive<1, 10>(),
            "The arguments are the contents of the sections, uncompressed; empty where there is\n"
            "none. `common_str`: .debug_str of the file that dwz moved common parts to.")
        .def("types", &DebugIndex::types, "name"_a,
             "Definitions with that name; one of those that are the same in several units.")
        .def("functions", &DebugIndex::functions, "name"_a,
             "By linkage name (`_ZN5space4callEv`, `main`); those with code first.")
        .def("variables", &DebugIndex::variables, "name"_a, "Definitions outside of functions.")
        .def("unit_variables", &DebugIndex::unit_variables, "unit"_a)
        .def("scopes", &DebugIndex::scopes, "unit"_a,
             "By ascending `begin`; [] for a damaged unit.")
        .def("function_at", &DebugIndex::function_at, "address"_a,
             "The function, not inlined, whose code holds a virtual address of the file.")
        .def_prop_ro("unit_count", &DebugIndex::unit_count)
        .def_prop_ro("damaged_unit_count", &DebugIndex::damaged_unit_count,
                     "Those that were left out.");
}

}  // namespace reven
