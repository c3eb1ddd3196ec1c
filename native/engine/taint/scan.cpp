// SPDX-License-Identifier: Apache-2.0
#include "taint/scan.h"

#include <algorithm>
#include <cstring>

namespace reven {
namespace {

uint32_t exit_of(uint32_t header) { return header & ((1u << REVEN_EXIT_BITS) - 1); }

// When a record's effects are in force.
uint32_t in_force(const SegmentView& view, const RecordPoint& point) {
    return point.context + is_transition(view.record(point));
}

// Looks whether accesses touch taint, and acts on the first that does, while the
// registers are still those of the block's entry.
template <typename Act>
struct Scout {
    const TaintState& state;
    Act act;
    bool hit = false;

    void load(uint32_t, uint64_t address, uint32_t size, const uint8_t*) { look(address, size); }
    void store(uint32_t, uint64_t address, uint32_t size, const uint8_t*) { look(address, size); }
    void look(uint64_t address, uint32_t size) {
        if (!state.filter.may_hold(address, size)) [[likely]]
            return;
        if (hit || !state.any_memory(address, size)) return;
        hit = true;
        act();
    }
};
template <typename Act>
Scout(const TaintState&, Act) -> Scout<Act>;

}  // namespace

const TaintScan::Touch& TaintScan::touch(uint32_t id) {
    if (id >= touches_.size()) touches_.resize(id + 4096);
    Touch& result = touches_[id];
    if (result.known) return result;
    result.known = true;
    const TemplateBody& body = *blocks_.compiled().get(id).body;
    for (const reven_node& node : body.nodes) {
        if (node.kind == REVEN_NODE_REGISTER || node.kind == REVEN_NODE_REGISTER_THEN)
            result.touched.add(node.a, node.size);
        if (node.kind == REVEN_NODE_INDEXED_THEN)
            result.touched.add(node.a, static_cast<uint32_t>(node.immediate) * node.size);
    }
    for (const reven_event& event : body.events) {
        if (event.kind == REVEN_EVENT_SET_REGISTER) result.written.add(event.offset, event.size);
        if (event.kind == REVEN_EVENT_SET_INDEXED)
            result.written.add(event.offset, event.x1 * event.size);
        // Conditional jumps read flags.
        if (event.kind == REVEN_EVENT_EXIT)
            result.touched.add(REVEN_CC_DEP1, REVEN_DFLAG - REVEN_CC_DEP1);
    }
    result.touched.low |= result.written.low;
    result.touched.high |= result.written.high;
    return result;
}

void TaintScan::walk_part(const SegmentView& view, Replayer& replayer, uint32_t execution,
                          uint32_t from, uint32_t to) {
    const uint32_t start = view.start(execution);
    const uint32_t first = from > start ? from - start : 0;
    const uint32_t end = std::min<uint32_t>(view.retired(execution), to - start);
    quiet = false;
    walk_.forward(view, execution, replayer.registers(), first, end,
                  view.first_transition() + start);
    state_.find_live();
}

void TaintScan::run_whole(const SegmentView& view, Replayer& replayer, uint32_t execution) {
    NoVisitor none;
    const uint32_t header = view.segment().headers[execution];
    const uint32_t exit = exit_of(header);
    if (exit == REVEN_NOTHING) return;
    const auto walk = [&](const uint8_t* registers) {
        quiet = false;
        walk_.forward(view, execution, registers, 0, view.retired(execution),
                      view.first_transition() + view.start(execution));
        state_.find_live();
    };
    if (state_.live.any() && touch(header >> REVEN_EXIT_BITS).touched.meets(state_.live)) {
        walk(replayer.registers());
        replayer.run_execution<Effects::Registers>(execution, none);
    } else if (state_.memory_is_empty()) {
        replayer.run_execution<Effects::Registers>(execution, none);
    } else if (exit == 0) {
        Scout scout{state_, [&] { walk(replayer.registers()); }};
        replayer.run_execution<Effects::Accesses>(execution, scout);
    } else {
        // An execution that stops on the way changes registers as it goes.
        uint8_t before[REVEN_MACHINE_FILE_SIZE];
        std::memcpy(before, replayer.registers(), view.register_file_size());
        Scout scout{state_, [&] { walk(before); }};
        replayer.run_execution<Effects::Accesses>(execution, scout);
    }
}

void TaintScan::forward(const SegmentView& view, uint32_t from, uint32_t to, bool starts) {
    Replayer replayer(view, blocks_.compiled());
    const auto& points = view.records();
    size_t next = from == 0 ? 0 : view.key_frame_before(from);
    replayer.start_at(next);
    state_.make_filter();
    NoVisitor none;
    for (uint32_t execution = points[next].position;; ++execution) {
        for (; next < points.size() && points[next].position <= execution; ++next) {
            const uint32_t context = in_force(view, points[next]);
            if (context > to) return;
            if (context > from || (!starts && context == from))
                quiet = !records.forward(view, next) && quiet;
            const RecordView record = view.record(points[next]);
            if (record.header->type != REVEN_KEY_FRAME) replayer.apply(record);
        }
        if (execution == view.execution_count() || view.start(execution) >= to) return;
        const uint32_t start = view.start(execution), end = start + view.retired(execution);
        if (end <= from) {
            replayer.run_execution<Effects::Registers>(execution, none);
        } else if (start < from || end > to) {
            walk_part(view, replayer, execution, from, to);
            replayer.run_execution<Effects::Registers>(execution, none);
        } else {
            run_whole(view, replayer, execution);
        }
    }
}

// A stretch between two key frames, replayed and kept, so that it can be gone through
// from its end.
struct TaintScan::Piece {
    struct Write {
        uint32_t execution;
        uint32_t size;
        uint64_t address;
    };
    std::vector<uint8_t> registers;  // register files at each entry
    std::vector<Write> accesses;
    uint32_t execution = 0;

    void load(uint32_t, uint64_t address, uint32_t size, const uint8_t*) { add(address, size); }
    void store(uint32_t, uint64_t address, uint32_t size, const uint8_t*) { add(address, size); }
    void add(uint64_t address, uint32_t size) { accesses.push_back({execution, size, address}); }
};

void TaintScan::backward_piece(const SegmentView& view, size_t key_frame, uint32_t from,
                               uint32_t to, bool ends) {
    const auto& points = view.records();
    Replayer replayer(view, blocks_.compiled());
    replayer.start_at(key_frame);
    Piece piece;
    const uint32_t first = points[key_frame].position;
    size_t next = key_frame;
    uint32_t end = first;  // execution after the last one
    for (;; ++end) {
        for (; next < points.size() && points[next].position <= end; ++next) {
            const RecordView record = view.record(points[next]);
            if (record.header->type == REVEN_KEY_FRAME && next != key_frame) goto replayed;
            if (record.header->type != REVEN_KEY_FRAME) replayer.apply(record);
        }
        if (end == view.execution_count() || view.start(end) >= from) break;
        const auto file = replayer.register_file();
        piece.registers.insert(piece.registers.end(), file.begin(), file.end());
        piece.execution = end;
        replayer.run_execution<Effects::Accesses>(end, piece);
    }
replayed:
    // A block may name registers that the trace does not have.
    piece.registers.resize(piece.registers.size() + REVEN_MACHINE_FILE_SIZE);
    size_t access = piece.accesses.size();
    for (uint32_t execution = end;; --execution) {
        // What stands before the execution comes after what it did, going back.
        for (; next > key_frame && points[next - 1].position >= execution; --next) {
            const uint32_t context = in_force(view, points[next - 1]);
            if (context > from) continue;
            if (context <= to && (ends || to > 0)) return;
            quiet = !records.backward(view, next - 1) && quiet;
        }
        if (execution == first) return;
        const uint32_t before = execution - 1;
        const uint32_t start = view.start(before), stop = start + view.retired(before);
        bool hit = false;
        for (; access > 0 && piece.accesses[access - 1].execution == before; --access) {
            const Piece::Write& one = piece.accesses[access - 1];
            hit = hit || (state_.filter.may_hold(one.address, one.size) &&
                          state_.any_memory(one.address, one.size));
        }
        if (start == stop || start >= from) continue;
        if (stop <= to) return;
        const uint32_t header = view.segment().headers[before];
        const bool is_part = stop > from || start < to;
        if (!is_part && !hit && !touch(header >> REVEN_EXIT_BITS).touched.meets(state_.live) &&
            !follow_.asks_between(view.first_transition() + start, view.first_transition() + stop))
            continue;
        quiet = false;
        walk_.backward(view, before,
                       piece.registers.data() + (before - first) * view.register_file_size(),
                       to > start ? to - start : 0, std::min(stop, from) - start,
                       view.first_transition() + start);
        state_.find_live();
    }
}

void TaintScan::backward(const SegmentView& view, uint32_t from, uint32_t to, bool ends) {
    state_.make_filter();
    const auto& points = view.records();
    for (size_t i = points.size(); i-- > 0;) {
        if (view.record(points[i]).header->type != REVEN_KEY_FRAME) continue;
        if (points[i].context > from) continue;
        backward_piece(view, i, from, to, ends);
        if (points[i].context <= to && (ends || to > 0)) return;
    }
}

}  // namespace reven
