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
    auto found =
        nb::class_<FoundStrings>(module, "FoundStrings", "Columns of strings, by ascending number.")
            .def("__len__", [](const FoundStrings& self) { return self.id.size(); })
            .def_prop_ro("text", [](const FoundStrings& self) {
                nb::typed<nb::list, nb::str> texts;
                for (const std::string& text : self.text) texts.append(text_of(text));
                return texts;
            });
    bind_column(found, "id", &FoundStrings::id);
    bind_column(found, "address", &FoundStrings::address);
    bind_column(found, "size", &FoundStrings::size, "Bytes in memory.");
    bind_column(found, "is_utf16", &FoundStrings::is_utf16);
    bind_column(found, "first_access", &FoundStrings::first_access, "A transition.");
    bind_column(found, "last_access", &FoundStrings::last_access, "A transition.");

    nb::class_<StringIndex>(
        module, "Strings",
        "The strings that a trace accesses. Makes its index (docs/string-index-format.md) when it\n"
        "is first asked. Safe to use from several threads.")
        .def(nb::init<Queries&, size_t>(), "trace"_a, "most_pages"_a = 16384,
             nb::keep_alive<1, 2>(),
             "`most_pages`: of memory that making the index keeps, some 20 KB each.")
        .def(
            "find",
            [](StringIndex& self, const std::string& pattern, uint64_t first, size_t limit,
               const ProgressCallback& progress) {
                nb::gil_scoped_release release;
                return self.find(pattern, first, limit, progress_of(progress));
            },
            "pattern"_a, "first"_a = 0, "limit"_a = 1000, "progress"_a = nb::none(),
            "Those that contain `pattern`, numbers from `first` on.")
        .def(
            "count",
            [](StringIndex& self, const ProgressCallback& progress) {
                nb::gil_scoped_release release;
                return self.count(progress_of(progress));
            },
            "progress"_a = nb::none());
}

}  // namespace reven
