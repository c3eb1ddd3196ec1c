// SPDX-License-Identifier: Apache-2.0
#include <nanobind/stl/vector.h>

#include "bind/columns.h"
#include "bind/trace.h"
#include "search/code.h"
#include "search/memory.h"
#include "search/value.h"

namespace nb = nanobind;
using namespace nb::literals;

namespace reven {
namespace {

std::span<const uint8_t> bytes_of(const nb::bytes& pattern) {
    if (pattern.size() == 0) throw nb::value_error("a pattern has at least one byte");
    return {static_cast<const uint8_t*>(pattern.data()), pattern.size()};
}

void bind_memory_search(nb::module_& module) {
    auto created =
        nb::class_<CreatedMatches>(module, "CreatedMatches",
                                   "Columns of occurrences, by ascending transition.")
            .def("__len__", [](const CreatedMatches& self) { return self.transition.size(); });
    bind_column(created, "transition", &CreatedMatches::transition);
    bind_column(created, "address", &CreatedMatches::address);
    bind_column(created, "is_mapping", &CreatedMatches::is_mapping,
                "Contents of a new mapping, which is no access.");

    nb::class_<MemorySearch>(module, "MemorySearch",
                             "Byte patterns in memory. Safe to use from several threads.")
        .def(nb::init<Queries&>(), "trace"_a, nb::keep_alive<1, 2>())
        .def(
            "find",
            [](MemorySearch& self, const nb::bytes& pattern, uint64_t context, uint64_t address,
               uint64_t size, size_t limit, const ProgressCallback& progress) {
                const auto bytes = bytes_of(pattern);
                std::vector<uint64_t> found;
                {
                    nb::gil_scoped_release release;
                    found = self.find(bytes, context, address, size, limit, progress_of(progress));
                }
                return column(std::move(found));
            },
            "pattern"_a, "context"_a, "address"_a, "size"_a, "limit"_a = 1000,
            "progress"_a = nb::none(),
            "Occurrences inside [address, address+size) at a context, of known bytes.")
        .def(
            "standing",
            [](MemorySearch& self, const nb::bytes& pattern, uint64_t context, uint64_t stop,
               uint64_t first, size_t limit, const ProgressCallback& progress) {
                const auto bytes = bytes_of(pattern);
                std::vector<uint64_t> found;
                {
                    nb::gil_scoped_release release;
                    found =
                        self.standing(bytes, context, stop, first, limit, progress_of(progress));
                }
                return column(std::move(found));
            },
            "pattern"_a, "context"_a, "stop"_a, "first"_a = 0, "limit"_a = 1000,
            "progress"_a = nb::none(),
            "Occurrences from address `first` on at a context, where the segments of transitions\n"
            "[context, stop) access memory nearby (to 8 bytes).")
        .def(
            "created",
            [](MemorySearch& self, const nb::bytes& pattern, uint64_t start, uint64_t stop,
               size_t limit, const ProgressCallback& progress) {
                const auto bytes = bytes_of(pattern);
                nb::gil_scoped_release release;
                return self.created(bytes, start, stop, limit, progress_of(progress));
            },
            "pattern"_a, "start"_a, "stop"_a, "limit"_a = 1000, "progress"_a = nb::none(),
            "Occurrences that transitions of [start, stop) bring about.");
}

void bind_code_search(nb::module_& module) {
    nb::class_<CodeSearch>(module, "CodeSearch",
                           "The different instructions that the trace has now.")
        .def(nb::init<Queries&>(), "trace"_a, nb::keep_alive<1, 2>())
        .def_prop_ro(
            "instructions",
            [](const CodeSearch& self)
                -> nb::typed<nb::list, nb::typed<nb::tuple, uint64_t, nb::bytes>> {
                nb::list all;
                for (const auto& [address, code] : self.instructions())
                    all.append(nb::make_tuple(address, nb::bytes(code.data(), code.size())));
                return all;
            },
            "Address and code, ascending.")
        .def(
            "find",
            [](CodeSearch& self, const std::vector<uint32_t>& numbers, uint64_t start,
               uint64_t stop, bool forward, size_t limit, const ProgressCallback& progress) {
                std::vector<uint64_t> found;
                {
                    nb::gil_scoped_release release;
                    found = self.find(numbers, start, stop, forward, limit, progress_of(progress));
                }
                return column(std::move(found));
            },
            "numbers"_a, "start"_a, "stop"_a, nb::kw_only(), "forward"_a = true, "limit"_a = 1000,
            "progress"_a = nb::none(),
            "Transitions of [start, stop) that execute one of these instructions.");
}

ValueHits search_value(Queries& queries, const nb::bytes& value, uint64_t start, uint64_t stop,
                       uint32_t general_width, uint32_t vector_width, uint32_t access_size,
                       size_t limit, const ProgressCallback& progress) {
    ValueQuery query{{}, start, stop, general_width, vector_width, access_size, limit};
    if (value.size() > query.value.size() || general_width > 8 || vector_width > 32 ||
        access_size > 32)
        throw nb::value_error("a value has at most 32 bytes");
    std::memcpy(query.value.data(), value.data(), value.size());
    nb::gil_scoped_release release;
    return find_value(queries, query, progress_of(progress));
}

void bind_value_search(nb::module_& module) {
    auto hits = nb::class_<ValueHits>(module, "ValueHits",
                                      "Columns of where a value occurs, by ascending transition.")
                    .def("__len__", [](const ValueHits& self) { return self.transition.size(); });
    bind_column(hits, "transition", &ValueHits::transition);
    bind_column(hits, "register", &ValueHits::register_number,
                "General ones in encoding order, then vectors; 255: a memory access.");
    bind_column(hits, "address", &ValueHits::address);
    bind_column(hits, "size", &ValueHits::size);
    bind_column(hits, "is_write", &ValueHits::is_write);
    module.def("find_value", &search_value, "trace"_a, "value"_a, "start"_a, "stop"_a,
               nb::kw_only(), "general_width"_a, "vector_width"_a, "access_size"_a,
               "limit"_a = 1000, "progress"_a = nb::none(),
               "Where a value (little endian, zero extended) comes into a register, of which the "
               "low bytes\n"
               "of that width count (0: none), or passes in an access of that size (0: any).");
}

}  // namespace

void bind_search(nb::module_& module) {
    bind_memory_search(module);
    bind_code_search(module);
    bind_value_search(module);
}

}  // namespace reven
