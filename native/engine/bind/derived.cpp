// SPDX-License-Identifier: Apache-2.0
#include <nanobind/stl/filesystem.h>
#include <nanobind/stl/string.h>
#include <nanobind/stl/vector.h>

#include "bind/trace.h"
#include "calls/chunk.h"
#include "index/chunk.h"
#include "strings/index.h"

namespace nb = nanobind;
using namespace nb::literals;

namespace reven {
namespace {

std::vector<std::string> drop_damaged(const std::filesystem::path& directory) {
    std::vector<std::string> dropped;
    const auto look = [&](const char* name, const DerivedFile::Whole& whole) {
        if (DerivedFile::drop_damaged(directory, name, whole)) dropped.emplace_back(name);
    };
    look("index.bin", whole_index);
    look("outline.bin", whole_index);
    look("calls.bin", whole_calls);
    Queries queries(directory, 1 << 20);
    StringIndex strings(queries);
    look("strings.bin",
         [&](const DerivedFile& file) { return strings.is_whole() ? file.size() : 0; });
    return dropped;
}

}  // namespace

void bind_derived(nb::module_& module) {
    module.def(
        "drop_damaged_indexes",
        [](const std::filesystem::path& directory) {
            nb::gil_scoped_release release;
            return drop_damaged(directory);
        },
        "directory"_a,
        "Verify every checksum of the indexes beside a trace, and drop what is damaged or another\n"
        "trace's: it is made anew when it is needed. Gives the names of these files. Raises\n"
        "TraceError, naming it, if one cannot be written.");
}

}  // namespace reven
