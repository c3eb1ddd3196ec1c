// SPDX-License-Identifier: Apache-2.0
#include "query/overview.h"

#include "bind/columns.h"
#include "bind/trace.h"

namespace nb = nanobind;
using namespace nb::literals;

namespace reven {
namespace {

// Pairs of columns as a tuple of two arrays.
template <typename A, typename B>
nb::tuple columns(std::vector<A>&& first, std::vector<B>&& second) {
    return nb::make_tuple(column(std::move(first)), column(std::move(second)));
}

template <NumberedPoints (*find)(Queries&, const Progress&)>
nb::tuple points(Queries& queries, const nb::object& progress) {
    NumberedPoints found;
    {
        nb::gil_scoped_release release;
        found = find(queries, progress_of(progress));
    }
    return columns(std::move(found.position), std::move(found.number));
}

}  // namespace

void bind_overview(nb::module_& module) {
    module.def(
        "execution_counts",
        [](Queries& queries, const nb::object& progress) {
            ExecutionCounts counts;
            {
                nb::gil_scoped_release release;
                counts = count_executions(queries.trace(), progress_of(progress));
            }
            return columns(std::move(counts.address), std::move(counts.count));
        },
        "trace"_a, "progress"_a = nb::none());
    module.def("thread_switches", &points<thread_switches>, "trace"_a, "progress"_a = nb::none());
    module.def("syscall_points", &points<syscall_points>, "trace"_a, "progress"_a = nb::none());
    module.def("signal_points", &points<signal_points>, "trace"_a, "progress"_a = nb::none());
}

}  // namespace reven
