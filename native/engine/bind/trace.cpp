// SPDX-License-Identifier: Apache-2.0
#include "bind/trace.h"

#include <nanobind/stl/filesystem.h>
#include <nanobind/stl/optional.h>
#include <nanobind/stl/pair.h>
#include <nanobind/stl/string.h>
#include <nanobind/stl/vector.h>

#include <optional>

#include "bind/columns.h"
#include "query/queries.h"

namespace nb = nanobind;
using namespace nb::literals;

namespace reven {
namespace {

struct UnknownMemory {
    uint64_t address;
};

struct Transitions {
    uint64_t first = 0;
    std::vector<uint64_t> pc;
    std::vector<uint8_t> kind;
    std::vector<uint32_t> thread;
    std::vector<uint8_t> size;
    std::vector<uint8_t> code;
};

struct Accesses {
    std::vector<uint64_t> transition;
    std::vector<uint64_t> address;
    std::vector<uint64_t> linear;
    std::vector<uint32_t> size;
    std::vector<uint8_t> is_write;
    std::vector<uint8_t> cause;
};

Transitions read_transitions(Queries& queries, uint64_t start, uint64_t stop) {
    nb::gil_scoped_release release;
    Transitions batch;
    batch.first = start;
    if (stop < start || stop > queries.trace().transition_count())
        throw std::out_of_range("no such transitions");
    const size_t count = stop - start;
    batch.pc.reserve(count);
    batch.kind.reserve(count);
    batch.thread.reserve(count);
    batch.size.reserve(count);
    batch.code.reserve(count * 15);
    queries.trace().for_transitions(start, stop, [&](const TransitionInfo& info) {
        batch.pc.push_back(info.pc);
        batch.kind.push_back(static_cast<uint8_t>(info.kind));
        batch.thread.push_back(info.thread);
        batch.size.push_back(info.size);
        batch.code.insert(batch.code.end(), info.code.begin(), info.code.end());
    });
    return batch;
}

std::optional<TransitionInfo> read_event(Queries& queries, uint64_t transition) {
    nb::gil_scoped_release release;
    const TransitionInfo info = queries.trace().transition(transition);
    if (info.kind == TransitionKind::Instruction) return std::nullopt;
    return info;
}

nb::bytes to_bytes(Queries& queries, const RegisterView& view) {
    return nb::bytes(view.data(), queries.trace().register_view_size());
}

nb::typed<nb::tuple, uint32_t, nb::bytes> read_registers(Queries& queries, uint64_t context) {
    RegisterView view;
    uint32_t thread;
    {
        nb::gil_scoped_release release;
        thread = queries.trace().registers(context, view);
    }
    return nb::make_tuple(thread, to_bytes(queries, view));
}

nb::typed<nb::tuple, ColumnArray<uint32_t>, TableArray> read_registers_at(
    Queries& queries,
    nb::ndarray<const uint64_t, nb::ndim<1>, nb::c_contig, nb::device::cpu> contexts) {
    const size_t count = contexts.shape(0);
    std::vector<uint32_t> threads(count);
    std::vector<uint8_t> views;
    size_t size = 0;
    {
        nb::gil_scoped_release release;
        size = queries.trace().register_view_size();
        views.resize(count * size);
        queries.trace().registers_at({contexts.data(), count},
                                     [&](size_t i, uint32_t thread, const RegisterView& view) {
                                         threads[i] = thread;
                                         std::memcpy(views.data() + i * size, view.data(), size);
                                     });
    }
    return nb::make_tuple(column(std::move(threads)), table(std::move(views), size));
}

// Largest piece of memory that one call reads.
constexpr uint64_t MAX_READ = 1u << 30;

void read_into(Queries& queries, uint64_t context, uint64_t address, uint64_t size,
               std::vector<uint8_t>& data, std::vector<uint8_t>& known) {
    nb::gil_scoped_release release;
    if (size > MAX_READ) throw nb::value_error("at most 1 GiB of memory can be read at once");
    data.resize(size);
    known.resize(size);
    queries.read_memory(context, address, data, known, handle_signals);
}

nb::bytes read_memory(Queries& queries, uint64_t context, uint64_t address, uint64_t size) {
    std::vector<uint8_t> data, known;
    read_into(queries, context, address, size, data, known);
    for (size_t i = 0; i < known.size(); ++i)
        if (!known[i]) throw UnknownMemory{address + i};
    return nb::bytes(data.data(), data.size());
}

nb::typed<nb::tuple, nb::bytes, nb::bytes> read_known_memory(Queries& queries, uint64_t context,
                                                             uint64_t address, uint64_t size) {
    std::vector<uint8_t> data, known;
    read_into(queries, context, address, size, data, known);
    return nb::make_tuple(nb::bytes(data.data(), data.size()),
                          nb::bytes(known.data(), known.size()));
}

Accesses find_accesses(Queries& queries, uint64_t start, uint64_t stop, uint64_t address,
                       nb::int_ size, bool reads, bool writes, bool forward, size_t limit,
                       const ProgressCallback& progress) {
    AccessQuery query{start, stop, address, UINT64_MAX, reads, writes, forward, limit};
    const nb::object last = nb::int_(address) + size - nb::int_(1);
    if (last < nb::int_(address)) throw nb::value_error("an address range needs at least one byte");
    if (!(last > nb::int_(UINT64_MAX))) query.last_address = nb::cast<uint64_t>(last);
    Accesses columns;
    nb::gil_scoped_release release;
    for (const Access& access : queries.accesses(query, progress_of(progress))) {
        columns.transition.push_back(access.transition);
        columns.address.push_back(access.address);
        columns.linear.push_back(access.linear);
        columns.size.push_back(access.size);
        columns.is_write.push_back(access.is_write);
        columns.cause.push_back(static_cast<uint8_t>(access.cause));
    }
    return columns;
}

void bind_results(nb::module_& module) {
    auto transitions =
        nb::class_<Transitions>(module, "Transitions", "Columns for consecutive transitions.")
            .def_ro("first", &Transitions::first, "The first one's number.")
            .def("__len__", [](const Transitions& self) { return self.pc.size(); })
            .def_prop_ro(
                "code",
                [](nb::handle_t<Transitions> self) {
                    auto& code = nb::cast<Transitions&>(self).code;
                    return TableArray(code.data(), {code.size() / 15, 15}, self);
                },
                "Of shape (n, 15): instruction bytes, as for `size`.");
    bind_column(transitions, "pc", &Transitions::pc);
    bind_column(transitions, "kind", &Transitions::kind, "KIND_…");
    bind_column(transitions, "thread", &Transitions::thread, "The thread before the transition.");
    bind_column(transitions, "size", &Transitions::size,
                "Bytes of the instruction; of the faulting one for a synchronous signal; 0: none.");

    auto accesses = nb::class_<Accesses>(module, "Accesses",
                                         "Columns of memory accesses, in the order asked for.")
                        .def("__len__", [](const Accesses& self) { return self.transition.size(); })
                        .def_prop_ro("is_write", [](nb::handle_t<Accesses> self) {
                            auto& flags = nb::cast<Accesses&>(self).is_write;
                            return ColumnArray<bool>(flags.data(), {flags.size()}, self);
                        });
    bind_column(accesses, "transition", &Accesses::transition);
    bind_column(accesses, "address", &Accesses::address, "Physical.");
    bind_column(accesses, "linear", &Accesses::linear, "Of a program the same as `address`.");
    bind_column(accesses, "size", &Accesses::size);
    bind_column(accesses, "cause", &Accesses::cause,
                "REVEN_CAUSE_… of event_stream.h; 0: an instruction.");

    nb::class_<DeviceAccess>(module, "DeviceAccess",
                             "What an instruction moved from or to a device.")
        .def_ro("transition", &DeviceAccess::transition)
        .def_prop_ro(
            "address", [](const DeviceAccess& self) { return self.transfer.address; },
            "Of the port, or physical.")
        .def_prop_ro("value", [](const DeviceAccess& self) { return self.transfer.value; })
        .def_prop_ro(
            "size", [](const DeviceAccess& self) { return self.transfer.size; }, "In bytes.")
        .def_prop_ro("is_memory_mapped",
                     [](const DeviceAccess& self) { return self.transfer.is_memory_mapped; })
        .def_prop_ro("is_write", [](const DeviceAccess& self) { return self.transfer.is_write; });

    nb::class_<TransitionInfo>(module, "Event", "A transition that is no instruction.")
        .def_prop_ro(
            "kind", [](const TransitionInfo& self) { return static_cast<int>(self.kind); },
            "KIND_SIGNAL: a signal is delivered to a handler; KIND_SWITCH: another thread runs;\n"
            "KIND_END_SIGNAL: a signal ends the process; KIND_INTERRUPT: a machine's interrupt or\n"
            "exception goes to its handler.")
        .def_ro("thread", &TransitionInfo::thread, "Before.")
        .def_ro("next_thread", &TransitionInfo::next_thread, "After.")
        .def_ro("signal", &TransitionInfo::signal, "0 for a switch; an interrupt's vector.")
        .def_ro("error_code", &TransitionInfo::error_code, "Of an interrupt.")
        .def_ro("handler", &TransitionInfo::handler, "Of an interrupt; 0 if unknown.")
        .def_ro("synchronous", &TransitionInfo::synchronous, "Caused by the instruction at `pc`.")
        .def_ro("pc", &TransitionInfo::pc);
    nb::class_<MappingInfo>(module, "Mapping",
                            "What is mapped at addresses, from a context to a context.")
        .def_ro("address", &MappingInfo::address)
        .def_ro("size", &MappingInfo::size)
        .def_ro("protection", &MappingInfo::protection, "1 read, 2 write, 4 execute.")
        .def_ro("file_offset", &MappingInfo::file_offset)
        .def_prop_ro(
            "path", [](const MappingInfo& self) { return text_of(self.path); },
            "A file, a name such as \"[stack]\", or empty.")
        .def_ro("first_context", &MappingInfo::first_context, "First context with this mapping.")
        .def_ro("last_context", &MappingInfo::last_context,
                "Last one (the trace's last while it still stands).");
    nb::class_<SyscallInfo>(module, "Syscall", "A system call.")
        .def_ro("transition", &SyscallInfo::transition, "The `syscall` instruction.")
        .def_ro("thread", &SyscallInfo::thread)
        .def_ro("number", &SyscallInfo::number)
        .def_prop_ro(
            "arguments",
            [](const SyscallInfo& self) -> nb::typed<nb::tuple, uint64_t, uint64_t, uint64_t,
                                                     uint64_t, uint64_t, uint64_t> {
                const auto& a = self.arguments;
                return nb::make_tuple(a[0], a[1], a[2], a[3], a[4], a[5]);
            })
        .def_ro("result", &SyscallInfo::result,
                "Negative errno on failure; None: had not returned.");
    nb::class_<ThreadInfo>(module, "Thread", "A thread that the trace holds transitions of.")
        .def_ro("id", &ThreadInfo::id, "The recorder's, from 1.")
        .def_ro("first_transition", &ThreadInfo::first_transition)
        .def_ro("last_transition", &ThreadInfo::last_transition);
    nb::class_<CheckOutcome>(module, "CheckResult",
                             "What the check of a trace looked at, and what it found wrong.")
        .def_ro("segments", &CheckOutcome::segments)
        .def_ro("executions", &CheckOutcome::executions)
        .def_ro("transitions", &CheckOutcome::transitions)
        .def_ro("loads", &CheckOutcome::loads)
        .def_ro("bad_loads", &CheckOutcome::bad_loads)
        .def_ro("key_frames", &CheckOutcome::key_frames)
        .def_ro("bad_key_frames", &CheckOutcome::bad_key_frames)
        .def_ro("blocks", &CheckOutcome::blocks)
        .def_ro("bad_blocks", &CheckOutcome::bad_blocks)
        .def_ro("alias_changes", &CheckOutcome::alias_changes,
                "Stores to the same page at another address.")
        .def_ro("outside_changes", &CheckOutcome::outside_changes,
                "Other processes' and the kernel's, dated when first seen.")
        .def_ro("file_changes", &CheckOutcome::file_changes, "Others' writes to mapped files.")
        .def_ro("unrecorded_changes", &CheckOutcome::unrecorded_changes,
                "By code that was left out of the record.")
        .def_ro("problems", &CheckOutcome::problems, "The first ones, a line each.");
}

}  // namespace

void bind_trace(nb::module_& module) {
    module.attr("KIND_INSTRUCTION") = static_cast<int>(TransitionKind::Instruction);
    module.attr("KIND_SIGNAL") = static_cast<int>(TransitionKind::Signal);
    module.attr("KIND_SWITCH") = static_cast<int>(TransitionKind::Switch);
    module.attr("KIND_END_SIGNAL") = static_cast<int>(TransitionKind::EndSignal);
    module.attr("KIND_INTERRUPT") = static_cast<int>(TransitionKind::Interrupt);
    nb::exception<Cancelled>(module, "Cancelled").attr("__doc__") =
        "A progress callback asked to stop.";
    static nb::object unknown_memory = nb::borrow(PyErr_NewExceptionWithDoc(
        "reven._engine.UnknownMemory",
        "Some byte of the range is not mapped or was never recorded: args (address,).",
        PyExc_Exception, nullptr));
    module.attr("UnknownMemory") = unknown_memory;
    nb::register_exception_translator([](const std::exception_ptr& pointer, void*) {
        try {
            std::rethrow_exception(pointer);
        } catch (const UnknownMemory& unknown) {
            const nb::object address = nb::int_(unknown.address);
            PyErr_SetObject(unknown_memory.ptr(), address.ptr());
        }
    });
    bind_results(module);

    nb::class_<Queries>(module, "Trace", "An open trace. Safe to use from several threads.")
        .def(nb::init<const std::filesystem::path&, size_t>(), "path"_a,
             "cache_bytes"_a = size_t{96} << 20, "Raises TraceError.")
        .def_prop_ro("transition_count",
                     [](Queries& self) { return self.trace().transition_count(); })
        .def_prop_ro("segment_count",
                     [](Queries& self) { return self.trace().store().segment_count(); })
        .def_prop_ro(
            "size_on_disk",
            [](Queries& self) {
                return self.trace().store().size_on_disk() + self.index().size_on_disk() +
                       self.outline().size_on_disk();
            },
            "In bytes, indexes included.")
        .def_prop_ro("indexed", &Queries::indexed, "Whether the index covers every segment.")
        .def_prop_ro(
            "problem", [](Queries& self) { return self.trace().store().problem(); },
            "What was left out at the end because it is torn or damaged, or empty.")
        .def(
            "refresh",
            [](Queries& self) {
                nb::gil_scoped_release release;
                self.refresh();
                return self.trace().transition_count();
            },
            "Take in what was appended since; returns the new transition count. Waits for no\n"
            "query and no index.")
        .def("transitions", &read_transitions, "start"_a, "stop"_a,
             "Transitions [start, stop). IndexError out of range.")
        .def("event", &read_event, "transition"_a,
             "None for an instruction. IndexError out of range.")
        .def("registers", &read_registers, "context"_a,
             "Current thread and the register view (native/event_stream/registers.toml).")
        .def("registers_at", &read_registers_at, "contexts"_a,
             "The same for many contexts: threads (n), views (n, size of one).")
        .def(
            "thread_registers",
            [](Queries& self, uint32_t thread, uint64_t context) -> std::optional<nb::bytes> {
                std::optional<RegisterView> view;
                {
                    nb::gil_scoped_release release;
                    view = self.thread_registers(thread, context);
                }
                if (!view) return std::nullopt;
                return to_bytes(self, *view);
            },
            "thread"_a, "context"_a,
            "Register view of `thread` at its own last moment not after `context`; None if it had\n"
            "not run yet.")
        .def("read_memory", &read_memory, "context"_a, "address"_a, "size"_a,
             "Raises UnknownMemory.")
        .def("read_known_memory", &read_known_memory, "context"_a, "address"_a, "size"_a,
             "Data, and a byte per byte: 1 known, 0 unknown (data 0).")
        .def(
            "accesses", &find_accesses, "start"_a, "stop"_a, "address"_a = 0,
            "size"_a = nb::steal<nb::int_>(PyNumber_Lshift(nb::int_(1).ptr(), nb::int_(64).ptr())),
            nb::kw_only(), "reads"_a = true, "writes"_a = true, "forward"_a = true,
            "limit"_a = 1000, "progress"_a = nb::none(),
            "Accesses of transitions [start, stop) that touch [address, address+size), the first\n"
            "`limit` in the direction, never splitting a transition's accesses (so a few more "
            "than\n"
            "`limit` may come). Within a transition: program order, both directions reversed as a\n"
            "whole. Memory changed by the kernel counts as a write of the transition during which\n"
            "it happened. Continue from the last transition + 1.")
        .def(
            "device_accesses",
            [](Queries& self, uint64_t start, uint64_t stop, size_t limit,
               const ProgressCallback& progress) {
                nb::gil_scoped_release release;
                return self.device_accesses(start, stop, limit, progress_of(progress));
            },
            "start"_a, "stop"_a, "limit"_a = 1000, "progress"_a = nb::none(),
            "What transitions [start, stop) moved from and to devices, in order; a few more than\n"
            "`limit`, for a transition's stay together.")
        .def_prop_ro(
            "register_file_size",
            [](Queries& self) {
                nb::gil_scoped_release release;
                return self.trace().register_file_size();
            },
            "In bytes: a program's, or a machine's.")
        .def(
            "find_pcs",
            [](Queries& self, std::vector<std::pair<uint64_t, uint64_t>> ranges, uint64_t start,
               uint64_t stop, bool forward, size_t limit, const ProgressCallback& progress) {
                std::vector<uint64_t> found;
                {
                    nb::gil_scoped_release release;
                    found = self.find_pcs({std::move(ranges), start, stop, forward, limit},
                                          progress_of(progress));
                }
                return column(std::move(found));
            },
            "ranges"_a, "start"_a, "stop"_a, nb::kw_only(), "forward"_a = true, "limit"_a = 1000,
            "progress"_a = nb::none(),
            "Transitions of [start, stop) that execute an instruction whose address lies in a "
            "range\n"
            "[low, high); the first `limit` in the direction.")
        .def(
            "find_register_change",
            [](Queries& self, uint64_t context, uint32_t offset, uint32_t size, uint64_t mask,
               bool forward, const ProgressCallback& progress) {
                if (size == 0 || size > 32 || offset + size > REVEN_MACHINE_FILE_SIZE)
                    throw nb::value_error("no such field of the register view");
                nb::gil_scoped_release release;
                return self.find_register_change(context, offset, size, mask, forward,
                                                 progress_of(progress));
            },
            "context"_a, "offset"_a, "size"_a, "mask"_a, "forward"_a, "progress"_a = nb::none(),
            "Nearest context (> or < `context`) in which (value & mask) of the register view's\n"
            "little-endian field [offset, offset+size) differs. Forward: first context holding\n"
            "another value. Backward: last context holding another value.")
        .def(
            "find_memory_change",
            [](Queries& self, uint64_t context, uint64_t address, uint64_t size, bool forward,
               const ProgressCallback& progress) {
                nb::gil_scoped_release release;
                return self.find_memory_change(context, address, size, forward,
                                               progress_of(progress));
            },
            "context"_a, "address"_a, "size"_a, "forward"_a, "progress"_a = nb::none(),
            "The same for the bytes of a memory range.")
        .def("executed_ranges", &Queries::executed_ranges,
             "Merged address ranges of all instructions translated in the trace, ascending.")
        .def("mappings", &Queries::mappings, nb::call_guard<nb::gil_scoped_release>())
        .def("syscall_of", &Queries::syscall_of, "transition"_a,
             nb::call_guard<nb::gil_scoped_release>(),
             "The system call that the kernel's accesses of a transition belong to: the one made "
             "there, or,\nwhere a thread goes on, the one that it waited in; None: there is none.")
        .def("syscalls", &Queries::syscalls, "start"_a, "stop"_a, "limit"_a = 1000,
             nb::call_guard<nb::gil_scoped_release>())
        .def("threads", &Queries::threads, nb::call_guard<nb::gil_scoped_release>())
        .def(
            "build_index",
            [](Queries& self, const ProgressCallback& progress, uint32_t threads) {
                nb::gil_scoped_release release;
                self.need_index(progress_of(progress), threads);
            },
            "progress"_a = nb::none(), "threads"_a = 2,
            "Build what is missing of the index; queries do so by themselves when they need it.")
        .def(
            "check",
            [](Queries& self, const ProgressCallback& progress) {
                nb::gil_scoped_release release;
                return check(self.trace(), progress_of(progress));
            },
            "progress"_a = nb::none());
}

}  // namespace reven
