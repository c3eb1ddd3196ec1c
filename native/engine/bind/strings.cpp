// SPDX-License-Identifier: Apache-2.0
#include <nanobind/stl/string.h>
#include <nanobind/stl/vector.h>

#include "bind/columns.h"
#include "bind/trace.h"
#include "strings/index.h"

namespace nb = nanobind;
using namespace nb::literals;

namespace reven {

void bind_strings(nb::module_& module) {
    auto found = nb::class_<FoundStrings>(module, "FoundStrings")
                     .def("__len__", [](const FoundStrings& self) { return self.id.size(); })
                     .def_ro("text", &FoundStrings::text);
    bind_column(found, "id", &FoundStrings::id);
    bind_column(found, "address", &FoundStrings::address);
    bind_column(found, "size", &FoundStrings::size);
    bind_column(found, "is_utf16", &FoundStrings::is_utf16);
    bind_column(found, "first_access", &FoundStrings::first_access);
    bind_column(found, "last_access", &FoundStrings::last_access);

    nb::class_<StringIndex>(module, "Strings")
        .def(nb::init<Queries&, size_t>(), "trace"_a, "most_pages"_a = 16384,
             nb::keep_alive<1, 2>())
        .def(
            "find",
            [](StringIndex& self, const std::string& pattern, uint64_t first, size_t limit,
               const nb::object& progress) {
                nb::gil_scoped_release release;
                return self.find(pattern, first, limit, progress_of(progress));
            },
            "pattern"_a, "first"_a = 0, "limit"_a = 1000, "progress"_a = nb::none())
        .def(
            "count",
            [](StringIndex& self, const nb::object& progress) {
                nb::gil_scoped_release release;
                return self.count(progress_of(progress));
            },
            "progress"_a = nb::none());
}

}  // namespace reven
