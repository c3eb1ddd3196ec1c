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
nb::typed<nb::tuple, ColumnArray<A>, ColumnArray<B>> columns(std::vector<A>&& first,
                                                             std::vector<B>&& second) {
    return nb::make_tuple(column(std::move(first)), column(std::move(second)));
}

template <NumberedPoints (*find)(Queries&, const Progress&)>
auto points(Queries& queries, const ProgressCallback& progress) {
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
        [](Queries& queries, const ProgressCallback& progress) {
            ExecutionCounts counts;
            {
                nb::gil_scoped_release release;
                counts = count_executions(queries.trace(), progress_of(progress));
            }
            return columns(std::move(counts.address), std::move(counts.count));
        },
        "trace"_a, "progress"_a = nb::none(),
        "Executed addresses, ascending, and how many transitions execute the instruction there.");
    module.def("thread_switches", &points<thread_switches>, "trace"_a, "progress"_a = nb::none(),
               "First contexts, ascending, in which another thread runs, and which.");
    module.def("syscall_points", &points<syscall_points>, "trace"_a, "progress"_a = nb::none(),
               "Transitions that are system calls, ascending, and their numbers.");
    module.def("signal_points", &points<signal_points>, "trace"_a, "progress"_a = nb::none(),
               "Transitions at which signals are delivered, ascending, and their numbers.");
}

}  // namespace reven
