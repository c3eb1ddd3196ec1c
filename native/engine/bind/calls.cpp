// SPDX-License-Identifier: Apache-2.0
#include "calls/calls.h"

#include <nanobind/stl/optional.h>
#include <nanobind/stl/pair.h>
#include <nanobind/stl/string.h>
#include <nanobind/stl/vector.h>

#include "bind/columns.h"
#include "bind/trace.h"

namespace nb = nanobind;
using namespace nb::literals;

namespace reven {
namespace {

constexpr const char* KINDS[] = {"call", "tail", "signal", "start", "unknown"};
constexpr const char* FRAME_TYPES[] = {"Call", "Interrupt", "Manual", "Damaged", "Unknown"};

constexpr const char KIND_SIGNATURE[] =
    "def kind(self) -> typing.Literal['call', 'tail', 'signal', 'start', 'unknown']";
constexpr const char FRAME_TYPE_SIGNATURE[] =
    "def type(self) -> typing.Literal['Call', 'Interrupt', 'Manual', 'Damaged', 'Unknown']";

using Addresses = nb::ndarray<const uint64_t, nb::ndim<1>, nb::c_contig, nb::device::cpu>;
using Ranges = std::vector<std::pair<uint64_t, uint64_t>>;

std::optional<uint64_t> known(uint64_t value, uint64_t none) {
    return value == none ? std::nullopt : std::optional(value);
}

std::optional<uint64_t> creation(const CallRecord& call) {
    if (call.kind == CallKind::Unknown || call.first_context == 0) return std::nullopt;
    return call.first_context - 1;
}

FunctionStarts function_starts(const Addresses& addresses, const Addresses& stubs) {
    FunctionStarts starts;
    starts.addresses.assign(addresses.data(), addresses.data() + addresses.shape(0));
    starts.stub.resize(starts.addresses.size());
    for (size_t i = 0; i < stubs.shape(0); ++i) {
        const ptrdiff_t at = starts.at(stubs.data()[i]);
        if (at >= 0) starts.stub[static_cast<size_t>(at)] = true;
    }
    return starts;
}

template <typename Query>
CallPageResult page_of(Calls& calls, CallPageResult (Calls::*ask)(const Query&, const Progress&),
                       const Query& query, const ProgressCallback& progress) {
    nb::gil_scoped_release release;
    return (calls.*ask)(query, progress_of(progress));
}

}  // namespace

void bind_calls(nb::module_& module) {
    nb::class_<NumberedCall>(module, "Call", "One activation of a function.")
        .def_ro("id", &NumberedCall::id)
        .def_prop_ro("parent",
                     [](const NumberedCall& self) { return known(self.call.parent, NO_CALL); })
        .def_prop_ro(
            "kind",
            [](const NumberedCall& self) { return KINDS[static_cast<size_t>(self.call.kind)]; },
            nb::sig(KIND_SIGNATURE))
        .def_prop_ro("thread", [](const NumberedCall& self) { return self.call.thread; })
        .def_prop_ro("transition", [](const NumberedCall& self) { return creation(self.call); })
        .def_prop_ro("first_context",
                     [](const NumberedCall& self) { return self.call.first_context; })
        .def_prop_ro("end_transition",
                     [](const NumberedCall& self) { return known(self.call.end, NO_END); })
        .def_prop_ro("depth", [](const NumberedCall& self) { return self.call.depth; })
        .def_prop_ro("function", [](const NumberedCall& self) { return self.call.function; })
        .def_prop_ro("return_address",
                     [](const NumberedCall& self) { return known(self.call.return_address, 0); })
        .def_prop_ro("stack_pointer",
                     [](const NumberedCall& self) { return self.call.stack_pointer; });
    nb::class_<CallPageResult>(module, "CallPage", "Calls, and where to go on.")
        .def_ro("calls", &CallPageResult::calls)
        .def_ro("next", &CallPageResult::next);
    nb::class_<FrameInfo>(module, "Frame", "One frame of the active stack.")
        .def_prop_ro(
            "type",
            [](const FrameInfo& self) { return FRAME_TYPES[static_cast<size_t>(self.type)]; },
            nb::sig(FRAME_TYPE_SIGNATURE))
        .def_prop_ro(
            "call", [](const FrameInfo& self) { return known(self.id, NO_CALL); }, "Its id.")
        .def_prop_ro("first_context", [](const FrameInfo& self) { return self.call.first_context; })
        .def_prop_ro("creation_transition",
                     [](const FrameInfo& self) -> std::optional<uint64_t> {
                         if (self.type == FrameType::Damaged) return std::nullopt;
                         return creation(self.call);
                     })
        .def_ro("pc", &FrameInfo::pc)
        .def_prop_ro("function",
                     [](const FrameInfo& self) -> std::optional<uint64_t> {
                         if (self.call.kind == CallKind::Unknown) return std::nullopt;
                         return self.call.function;
                     })
        .def_prop_ro("stack_pointer",
                     [](const FrameInfo& self) { return self.call.stack_pointer; });
    nb::class_<CallTreeNode>(module, "CallTreeNode",
                             "Calls of one function by the same chain of callers.")
        .def_ro("parent", &CallTreeNode::parent, "Its index.")
        .def_ro("thread", &CallTreeNode::thread)
        .def_ro("function", &CallTreeNode::function)
        .def_prop_ro(
            "kind", [](const CallTreeNode& self) { return KINDS[static_cast<size_t>(self.kind)]; },
            nb::sig(KIND_SIGNATURE))
        .def_ro("first_call", &CallTreeNode::first_call)
        .def_ro("count", &CallTreeNode::count)
        .def_ro("total", &CallTreeNode::total)
        .def_prop_ro("own", [](const CallTreeNode& self) { return self.total - self.children; });

    nb::class_<Calls>(
        module, "Calls",
        "The calls of a trace, by an index of its own (calls.bin). Safe to use from several\n"
        "threads. Queries answer from what is built.")
        .def(nb::init<Queries&>(), "trace"_a, nb::keep_alive<1, 2>())
        .def_prop_ro("complete", &Calls::complete, nb::call_guard<nb::gil_scoped_release>(),
                     "Whether the index covers every segment.")
        .def_prop_ro("size_on_disk", &Calls::size_on_disk, nb::call_guard<nb::gil_scoped_release>(),
                     "In bytes.")
        .def("__len__", &Calls::count, nb::call_guard<nb::gil_scoped_release>())
        .def(
            "build",
            [](Calls& self, const Addresses& functions, const Addresses& stubs,
               const ProgressCallback& progress, uint32_t threads) {
                const FunctionStarts starts = function_starts(functions, stubs);
                nb::gil_scoped_release release;
                self.build(starts, progress_of(progress), threads);
            },
            "functions"_a, "stubs"_a, "progress"_a = nb::none(), "threads"_a = 2,
            "Build what is missing. `functions`: addresses where functions begin, ascending;\n"
            "`stubs`: those of PLT stubs among them.")
        .def("call", &Calls::call, "id"_a, nb::call_guard<nb::gil_scoped_release>(),
             "IndexError if there is none.")
        .def("call_at", &Calls::call_at, "context"_a, nb::call_guard<nb::gil_scoped_release>())
        .def("frames", &Calls::frames, "context"_a, nb::call_guard<nb::gil_scoped_release>(),
             "The active stack, top first; at least one.")
        .def("stack_change", &Calls::stack_change, "context"_a, "forward"_a,
             nb::call_guard<nb::gil_scoped_release>())
        .def(
            "calls",
            [](Calls& self, uint64_t start, uint64_t stop, std::optional<uint32_t> thread,
               uint64_t shortest, uint32_t deepest, std::optional<uint64_t> parent, uint64_t first,
               size_t limit, bool forward, const ProgressCallback& progress) {
                return page_of(
                    self, &Calls::calls,
                    {start, stop, thread, shortest, deepest, parent, first, limit, forward},
                    progress);
            },
            "start"_a, "stop"_a, nb::kw_only(), "thread"_a = nb::none(), "shortest"_a = 0,
            "deepest"_a = UINT32_MAX, "parent"_a = nb::none(), "first"_a = 0, "limit"_a = 1000,
            "forward"_a = true, "progress"_a = nb::none())
        .def(
            "calls_of",
            [](Calls& self, Ranges functions, uint64_t start, uint64_t stop, bool forward,
               size_t limit, const ProgressCallback& progress) {
                return page_of(self, &Calls::calls_of,
                               {std::move(functions), start, stop, forward, limit}, progress);
            },
            "functions"_a, "start"_a, "stop"_a, nb::kw_only(), "forward"_a = true, "limit"_a = 1000,
            "progress"_a = nb::none())
        .def(
            "tree",
            [](Calls& self, uint64_t start, uint64_t stop, std::optional<uint32_t> thread,
               uint32_t deepest, Ranges roots, size_t limit, const ProgressCallback& progress)
                -> nb::typed<nb::tuple, std::vector<CallTreeNode>, bool> {
                std::vector<CallTreeNode> nodes;
                bool is_cut = false;
                {
                    nb::gil_scoped_release release;
                    is_cut = self.tree({start, stop, thread, deepest, std::move(roots), limit},
                                       nodes, progress_of(progress));
                }
                return nb::make_tuple(std::move(nodes), is_cut);
            },
            "start"_a, "stop"_a, nb::kw_only(), "thread"_a = nb::none(), "deepest"_a = UINT32_MAX,
            "roots"_a = Ranges{}, "limit"_a = 100000, "progress"_a = nb::none())
        .def(
            "step",
            [](Calls& self, uint64_t transition, bool forward, bool over,
               const ProgressCallback& progress) {
                nb::gil_scoped_release release;
                return self.step(transition, forward, over, progress_of(progress));
            },
            "transition"_a, nb::kw_only(), "forward"_a, "over"_a, "progress"_a = nb::none())
        .def(
            "frame_end",
            [](Calls& self, uint64_t id, const ProgressCallback& progress) {
                nb::gil_scoped_release release;
                return self.frame_end(id, progress_of(progress));
            },
            "id"_a, "progress"_a = nb::none(),
            "The end of a call, or that of the last function that jumps replaced it by.")
        .def(
            "frame_start",
            [](Calls& self, uint64_t id, const ProgressCallback& progress) {
                nb::gil_scoped_release release;
                return self.frame_start(id, progress_of(progress));
            },
            "id"_a, "progress"_a = nb::none(),
            "The call itself, or the first of those that jumps replaced until it began.")
        .def("entered_by", &Calls::entered_by, "transition"_a,
             nb::call_guard<nb::gil_scoped_release>(),
             "The call whose function a transition goes to the beginning of.");
}

}  // namespace reven
