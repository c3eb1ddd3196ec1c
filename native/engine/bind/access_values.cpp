// SPDX-License-Identifier: Apache-2.0
#include "query/access_values.h"

#include "bind/columns.h"
#include "bind/trace.h"

namespace nb = nanobind;
using namespace nb::literals;

namespace reven {

void bind_access_values(nb::module_& module) {
    module.def(
        "access_values",
        [](Queries& queries, uint64_t start,
           uint64_t stop) -> nb::typed<nb::tuple, ColumnArray<uint64_t>, ColumnArray<uint64_t>,
                                       ColumnArray<uint32_t>, ColumnArray<uint8_t>, nb::bytes> {
            AccessValues found;
            {
                nb::gil_scoped_release release;
                found = access_values(queries.trace(), start, stop);
            }
            return nb::make_tuple(column(std::move(found.transition)),
                                  column(std::move(found.address)), column(std::move(found.size)),
                                  column(std::move(found.is_write)),
                                  nb::bytes(found.data.data(), found.data.size()));
        },
        "trace"_a, "start"_a, "stop"_a,
        "Accesses of transitions [start, stop) in program order with what they read or wrote:\n"
        "transition, address, size, whether it is a write, and the bytes of all one after the\n"
        "other. Memory changed by the kernel is a write, as in `Trace.accesses`.");
}

}  // namespace reven
