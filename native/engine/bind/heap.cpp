// SPDX-License-Identifier: Apache-2.0
#include <nanobind/stl/pair.h>
#include <nanobind/stl/vector.h>

#include "bind/columns.h"
#include "bind/trace.h"
#include "heap/allocator_calls.h"
#include "heap/check.h"

namespace nb = nanobind;
using namespace nb::literals;

namespace reven {
namespace {

struct AllocatorCalls {
    std::vector<uint32_t> function;
    std::vector<uint32_t> thread;
    std::vector<uint64_t> enter;
    std::vector<uint64_t> leave;
    std::vector<uint64_t> argument0;
    std::vector<uint64_t> argument1;
    std::vector<uint64_t> argument2;
    std::vector<uint64_t> result;
    std::vector<uint64_t> stack_pointer;
    std::vector<uint64_t> return_address;
};

AllocatorCalls find_allocator_calls(Queries& queries, const std::vector<uint64_t>& functions,
                                    const ProgressCallback& progress) {
    AllocatorCalls columns;
    nb::gil_scoped_release release;
    for (const AllocatorCall& call : allocator_calls(queries, functions, progress_of(progress))) {
        columns.function.push_back(call.function);
        columns.thread.push_back(call.thread);
        columns.enter.push_back(call.enter);
        columns.leave.push_back(call.leave);
        columns.argument0.push_back(call.arguments[0]);
        columns.argument1.push_back(call.arguments[1]);
        columns.argument2.push_back(call.arguments[2]);
        columns.result.push_back(call.result);
        columns.stack_pointer.push_back(call.stack_pointer);
        columns.return_address.push_back(call.return_address);
    }
    return columns;
}

struct HeapErrors {
    std::vector<uint8_t> kind;
    std::vector<uint8_t> is_write;
    std::vector<uint32_t> thread;
    std::vector<uint32_t> size;
    std::vector<uint32_t> block;
    std::vector<uint32_t> count;
    std::vector<uint64_t> transition;
    std::vector<uint64_t> pc;
    std::vector<uint64_t> address;
    std::vector<uint64_t> bytes;
};

template <typename T>
using Input = nb::ndarray<const T, nb::ndim<1>, nb::c_contig, nb::device::cpu>;

// Columns of a table that Python gives, of one length.
template <typename... T>
size_t length_of(const Input<uint64_t>& first, const Input<T>&... others) {
    if (((others.shape(0) != first.shape(0)) || ...))
        throw nb::value_error("the columns of a table are of one length");
    return first.shape(0);
}

HeapErrors find_heap_errors(Queries& queries, const Input<uint64_t>& address,
                            const Input<uint64_t>& size, const Input<uint64_t>& first,
                            const Input<uint64_t>& end, const Input<uint8_t>& contents,
                            const Input<uint32_t>& moved_from, const Input<uint32_t>& span_thread,
                            const Input<uint64_t>& span_enter, const Input<uint64_t>& span_leave,
                            const std::vector<std::pair<uint64_t, uint64_t>>& library_code,
                            bool from_the_beginning, bool find_unwritten, size_t limit,
                            const ProgressCallback& progress) {
    HeapCheckInput input;
    const size_t blocks = length_of(address, size, first, end, contents, moved_from);
    for (size_t i = 0; i < blocks; ++i)
        input.blocks.push_back({address.data()[i], size.data()[i], first.data()[i], end.data()[i],
                                static_cast<Contents>(contents.data()[i]), moved_from.data()[i]});
    const size_t spans = length_of(span_enter, span_leave, span_thread);
    for (size_t i = 0; i < spans; ++i)
        input.spans.push_back({span_thread.data()[i], span_enter.data()[i], span_leave.data()[i]});
    input.library_code = library_code;
    input.from_the_beginning = from_the_beginning;
    input.find_unwritten = find_unwritten;
    input.limit = limit;
    HeapErrors columns;
    nb::gil_scoped_release release;
    for (const HeapError& error : check_heap(queries, input, progress_of(progress))) {
        columns.kind.push_back(static_cast<uint8_t>(error.kind));
        columns.is_write.push_back(error.is_write);
        columns.thread.push_back(error.thread);
        columns.size.push_back(error.size);
        columns.block.push_back(error.block);
        columns.count.push_back(error.count);
        columns.transition.push_back(error.transition);
        columns.pc.push_back(error.pc);
        columns.address.push_back(error.address);
        columns.bytes.push_back(error.bytes);
    }
    return columns;
}

}  // namespace

void bind_heap(nb::module_& module) {
    auto calls = nb::class_<AllocatorCalls>(module, "AllocatorCalls",
                                            "Columns of calls of functions, by ascending `enter`.")
                     .def("__len__", [](const AllocatorCalls& self) { return self.enter.size(); });
    bind_column(calls, "function", &AllocatorCalls::function, "Index in the list of functions.");
    bind_column(calls, "thread", &AllocatorCalls::thread);
    bind_column(calls, "enter", &AllocatorCalls::enter, "First context in the function.");
    bind_column(calls, "leave", &AllocatorCalls::leave,
                "First context after it; 2^64 - 1: it never returned.");
    bind_column(calls, "argument0", &AllocatorCalls::argument0);
    bind_column(calls, "argument1", &AllocatorCalls::argument1);
    bind_column(calls, "argument2", &AllocatorCalls::argument2);
    bind_column(calls, "result", &AllocatorCalls::result);
    bind_column(calls, "stack_pointer", &AllocatorCalls::stack_pointer,
                "In `enter`: where the return address stands.");
    bind_column(calls, "return_address", &AllocatorCalls::return_address,
                "0 if it never returned.");
    module.def(
        "allocator_calls", &find_allocator_calls, "trace"_a, "functions"_a,
        "progress"_a = nb::none(),
        "Calls of the functions whose entries these are, the outermost of each thread: what one\n"
        "calls of the others is part of it.");

    auto errors = nb::class_<HeapErrors>(
                      module, "HeapErrors",
                      "Columns of accesses that no correct program makes, by ascending transition.")
                      .def("__len__", [](const HeapErrors& self) { return self.kind.size(); });
    bind_column(errors, "kind", &HeapErrors::kind,
                "0 beside every block, 1 in a freed block, 2 reads bytes that were never written.");
    bind_column(errors, "is_write", &HeapErrors::is_write);
    bind_column(errors, "thread", &HeapErrors::thread);
    bind_column(errors, "size", &HeapErrors::size);
    bind_column(errors, "block", &HeapErrors::block,
                "Index of the block beside which, or in which; 2^32 - 1: none.");
    bind_column(errors, "count", &HeapErrors::count,
                "How often the instruction did so to the block.");
    bind_column(errors, "transition", &HeapErrors::transition, "The first time.");
    bind_column(errors, "pc", &HeapErrors::pc);
    bind_column(errors, "address", &HeapErrors::address);
    bind_column(errors, "bytes", &HeapErrors::bytes,
                "Of kind 2: a bit for each byte of the access that was not written.");
    module.def(
        "check_heap", &find_heap_errors, "trace"_a, "address"_a, "size"_a, "first"_a, "end"_a,
        "contents"_a, "moved_from"_a, "span_thread"_a, "span_enter"_a, "span_leave"_a,
        nb::kw_only(), "library_code"_a, "from_the_beginning"_a, "find_unwritten"_a,
        "limit"_a = 100000, "progress"_a = nb::none(),
        "Examine all accesses. A table of blocks by ascending `first`, which exist in the "
        "contexts\n"
        "[first, end); `contents`: 0 nothing was written to it, 1 all was, 2 as to the block\n"
        "`moved_from`. A table of spans [enter, leave) by ascending `enter` in which a thread is "
        "in\n"
        "the allocator. `library_code`: code whose vector loads may reach beyond what they need.\n"
        "`from_the_beginning`: there was no heap before the trace. Kinds 0 and 1, or with\n"
        "`find_unwritten` kind 2.");
}

}  // namespace reven
