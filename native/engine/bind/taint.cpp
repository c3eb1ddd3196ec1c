// SPDX-License-Identifier: Apache-2.0
#include "taint/taint.h"

#include <nanobind/stl/optional.h>
#include <nanobind/stl/pair.h>
#include <nanobind/stl/tuple.h>
#include <nanobind/stl/vector.h>

#include <memory>
#include <optional>
#include <tuple>

#include "bind/columns.h"
#include "bind/trace.h"
#include "taint/origin.h"

namespace nb = nanobind;
using namespace nb::literals;

namespace reven {
namespace {

struct ItemColumns {
    std::vector<uint8_t> is_memory;
    std::vector<uint64_t> address;
    std::vector<uint32_t> size;
    std::vector<uint16_t> before;
    std::vector<uint16_t> after;
};

struct AccessColumns {
    std::vector<uint64_t> transition;
    std::vector<uint8_t> changes;
    std::vector<uint32_t> item_count;
    ItemColumns items;
    std::optional<uint64_t> next;
    uint64_t reached;
    bool finished;
};

using Seeds = std::vector<std::tuple<uint32_t, bool, uint64_t, uint64_t>>;

ItemColumns columns_of(const std::vector<TaintItem>& items) {
    ItemColumns columns;
    for (const TaintItem& item : items) {
        columns.is_memory.push_back(item.is_memory);
        columns.address.push_back(item.address);
        columns.size.push_back(item.size);
        columns.before.push_back(item.before);
        columns.after.push_back(item.after);
    }
    return columns;
}

AccessColumns read_accesses(TaintRun& taint, uint64_t start, size_t limit, bool changes_only,
                            const ProgressCallback& progress) {
    nb::gil_scoped_release release;
    const TaintPage page = taint.accesses(start, limit, changes_only, progress_of(progress));
    AccessColumns columns;
    for (const TaintedTransition& one : page.accesses.transitions) {
        columns.transition.push_back(one.transition);
        columns.changes.push_back(one.changes);
        columns.item_count.push_back(static_cast<uint32_t>(one.item_count));
    }
    columns.items = columns_of(page.accesses.items);
    columns.next = page.next;
    columns.reached = page.reached;
    columns.finished = page.finished;
    return columns;
}

// A function of the address and encoding of an instruction, or None.
using ReadsCallback =
    nb::typed<nb::object, nb::typed<nb::callable, FileRanges(uint64_t, nb::bytes)>>;

// Asks Python which registers an instruction reads.
InstructionReads reads_of(const ReadsCallback& callback) {
    if (callback.is_none()) return {};
    // Copied and dropped by threads that do not hold the GIL.
    std::shared_ptr<nb::object> shared(new nb::object(callback), [](nb::object* held) {
        nb::gil_scoped_acquire acquire;
        delete held;
    });
    return [shared](const reven_instruction& instruction) {
        nb::gil_scoped_acquire acquire;
        const nb::object answer =
            (*shared)(instruction.address, nb::bytes(instruction.bytes, instruction.size));
        return nb::cast<FileRanges>(answer);
    };
}

using Place = std::tuple<bool, uint64_t, uint64_t>;

Place tuple_of(const TaintPlace& place) { return {place.is_memory, place.address, place.size}; }

void bind_origin(nb::module_& module) {
    nb::class_<OriginHop>(
        module, "OriginHop",
        "A step back towards where a value came from. Places: whether it is memory, address and\n"
        "size, as in TaintItems.")
        .def_prop_ro(
            "kind", [](const OriginHop& self) { return static_cast<int>(self.kind); },
            "HopKind of native/engine/taint/origin.h, from 1.")
        .def_ro("transition", &OriginHop::transition, "The one that gave `after` its value.")
        .def_ro("context", &OriginHop::context, "The one in which `before` is.")
        .def_prop_ro("after", [](const OriginHop& self) { return tuple_of(self.after); })
        .def_prop_ro(
            "before",
            [](const OriginHop& self) -> std::optional<Place> {
                if (!self.before) return std::nullopt;
                return tuple_of(*self.before);
            },
            "What it came from; None: it ends here.")
        .def_prop_ro("others", [](const OriginHop& self) {
            std::vector<Place> others;
            for (const TaintPlace& one : self.others) others.push_back(tuple_of(one));
            return others;
        });
    nb::class_<OriginFinder>(module, "OriginFinder",
                             "Where values came from. `reads`: as for Taint.")
        .def(
            "__init__",
            [](OriginFinder* self, Queries& trace, const ReadsCallback& reads) {
                new (self) OriginFinder(trace, reads_of(reads));
            },
            "trace"_a, "reads"_a = nb::none(), nb::keep_alive<1, 2>())
        .def(
            "find",
            [](OriginFinder& self, uint64_t context, const Place& place, size_t limit,
               const ProgressCallback& progress) {
                const auto& [is_memory, address, size] = place;
                nb::gil_scoped_release release;
                return self.find(context, {is_memory, address, size}, limit, progress_of(progress));
            },
            "context"_a, "place"_a, "limit"_a = 1000, "progress"_a = nb::none(),
            "The steps back from a place in a context; the last one may not be the end.");
}

}  // namespace

void bind_taint(nb::module_& module) {
    module.attr("MAX_TAINT_TAGS") = static_cast<int>(MAX_TAINT_TAGS);
    module.attr("TAINT_KERNEL_WRITE") = static_cast<int>(TaintWarning::KernelWrite);
    module.attr("TAINT_SIGNAL_FRAME") = static_cast<int>(TaintWarning::SignalFrame);
    module.attr("TAINT_OUTSIDE") = static_cast<int>(TaintWarning::Outside);
    module.attr("TAINT_NOT_RECORDED") = static_cast<int>(TaintWarning::NotRecorded);
    auto items = nb::class_<ItemColumns>(module, "TaintItems",
                                         "Columns of tainted data. Of memory, the first byte and a "
                                         "number of bytes; of registers,\n"
                                         "the first bit in the register view and a number of bits. "
                                         "`before` and `after`, in the\n"
                                         "taint's direction: a bit for each tag.")
                     .def("__len__", [](const ItemColumns& self) { return self.address.size(); });
    bind_column(items, "is_memory", &ItemColumns::is_memory);
    bind_column(items, "address", &ItemColumns::address);
    bind_column(items, "size", &ItemColumns::size);
    bind_column(items, "before", &ItemColumns::before);
    bind_column(items, "after", &ItemColumns::after);

    auto accesses =
        nb::class_<AccessColumns>(
            module, "TaintAccesses",
            "Columns of transitions that touch tainted data, with their items one after the other.")
            .def("__len__", [](const AccessColumns& self) { return self.transition.size(); })
            .def_ro("items", &AccessColumns::items)
            .def_ro("next", &AccessColumns::next, "Transition to go on with, of what was reached.")
            .def_ro("reached", &AccessColumns::reached, "Context, when this was made.")
            .def_ro("finished", &AccessColumns::finished);
    bind_column(accesses, "transition", &AccessColumns::transition);
    bind_column(accesses, "changes", &AccessColumns::changes);
    bind_column(accesses, "item_count", &AccessColumns::item_count);

    nb::class_<TaintWarning>(module, "TaintWarning", "Where a taint may be incomplete.")
        .def_ro("transition", &TaintWarning::transition)
        .def_ro("address", &TaintWarning::address)
        .def_ro("size", &TaintWarning::size)
        .def_prop_ro(
            "kind", [](const TaintWarning& self) { return static_cast<int>(self.kind); },
            "TAINT_…");

    module.attr("TAINT_SINK_KERNEL_READ") = static_cast<int>(TaintSink::KernelRead);
    module.attr("TAINT_SINK_ARGUMENT") = static_cast<int>(TaintSink::Argument);
    module.attr("TAINT_SINK_BRANCH") = static_cast<int>(TaintSink::Branch);
    module.attr("TAINT_SINK_JUMP") = static_cast<int>(TaintSink::Jump);
    module.attr("TAINT_SINK_LOAD_ADDRESS") = static_cast<int>(TaintSink::LoadAddress);
    module.attr("TAINT_SINK_STORE_ADDRESS") = static_cast<int>(TaintSink::StoreAddress);
    nb::class_<TaintSink>(module, "TaintSink",
                          "Where tainted data left the program, or decided what it did.")
        .def_prop_ro(
            "kind", [](const TaintSink& self) { return static_cast<int>(self.kind); },
            "TAINT_SINK_…")
        .def_ro("tags", &TaintSink::tags, "A bit for each tag.")
        .def_ro("transition", &TaintSink::transition,
                "The first one, of what an instruction decides more often.")
        .def_ro("address", &TaintSink::address,
                "Of the memory; of an argument, its register's offset in the register view.")
        .def_ro("size", &TaintSink::size, "Bytes.")
        .def_ro("count", &TaintSink::count, "How often the instruction decided it.");

    bind_origin(module);
    nb::class_<TaintRun>(
        module, "Taint",
        "A taint between two contexts: forward from `first`, backward from `last`.\n"
        "\n"
        "`seeds`: tag, whether it is memory, address, size (as in TaintItems). `reads`: ranges\n"
        "(offset, size) of the register file that the instruction with this address and encoding\n"
        "reads; asked where a block is entered or left on the way. `pointers`: what decides an\n"
        "address, or which of two values is taken, counts as a part of what it decides. `tables`:\n"
        "ranges (address, size), ascending, for whose loads the same holds. `sinks`: find them.\n"
        "`conditions`: transitions, ascending, whose branch's condition a backward taint asks "
        "for.")
        .def(
            "__init__",
            [](TaintRun* self, Queries& trace, const Seeds& seeds, uint32_t tag_count,
               uint64_t first, uint64_t last, bool forward, const ReadsCallback& reads,
               bool pointers, const std::vector<std::pair<uint64_t, uint64_t>>& tables, bool sinks,
               std::vector<uint64_t> conditions) {
                TaintQuery query{{}, tag_count, first, last, forward, {}};
                query.follow.pointers = pointers;
                for (const auto& [address, size] : tables)
                    query.follow.tables.push_back({address, size});
                query.follow.sinks = sinks;
                query.follow.conditions = std::move(conditions);
                for (const auto& [tag, is_memory, address, size] : seeds)
                    query.seeds.push_back({address, size, tag, is_memory});
                const InstructionReads reads_of_code = reads_of(reads);
                nb::gil_scoped_release release;
                new (self) TaintRun(trace, std::move(query), reads_of_code);
            },
            "trace"_a, "seeds"_a, "tag_count"_a, "first"_a, "last"_a, "forward"_a,
            "reads"_a = nb::none(), "pointers"_a = false,
            "tables"_a = std::vector<std::pair<uint64_t, uint64_t>>{}, "sinks"_a = false,
            "conditions"_a = std::vector<uint64_t>{}, nb::keep_alive<1, 2>(),
            "Raises ValueError for impossible seeds, IndexError for contexts out of range.")
        .def(
            "run",
            [](TaintRun& self, const ProgressCallback& progress) {
                nb::gil_scoped_release release;
                self.run(progress_of(progress));
            },
            "progress"_a = nb::none(),
            "Go through the trace; once. Others may ask for results meanwhile. Raises Cancelled.")
        .def_prop_ro("reached", &TaintRun::reached, "Context up to which results are there.")
        .def_prop_ro("finished", &TaintRun::finished)
        .def_prop_ro("access_count", [](const TaintRun& self) { return self.access_count(false); })
        .def_prop_ro("change_count", [](const TaintRun& self) { return self.access_count(true); })
        .def("accesses", &read_accesses, "start"_a, "limit"_a, "changes_only"_a,
             "progress"_a = nb::none(),
             "From transition `start` on in the direction, as far as was reached.")
        .def(
            "state",
            [](TaintRun& self, uint64_t context, uint64_t address, size_t limit,
               const ProgressCallback& progress) {
                nb::gil_scoped_release release;
                return columns_of(self.state(context, address, limit, progress_of(progress)));
            },
            "context"_a, "address"_a = 0, "limit"_a = 1000, "progress"_a = nb::none(),
            "What is tainted in a context: registers, and at most `limit` ranges of memory from\n"
            "`address` on; with another address than 0, memory only. IndexError if it was not\n"
            "reached.")
        .def("warnings", &TaintRun::warnings, "start"_a, "limit"_a)
        .def(
            "sinks",
            [](const TaintRun& self, size_t start, size_t limit) {
                return self.sinks().list(start, limit);
            },
            "start"_a, "limit"_a, "Those found so far, from number `start` on.")
        .def_prop_ro(
            "sinks_left_out", [](const TaintRun& self) { return self.sinks().dropped(); },
            "How many were more than are kept.");
}

}  // namespace reven
