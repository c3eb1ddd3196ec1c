// SPDX-License-Identifier: Apache-2.0
// Replays a segment: registers and memory accesses at every moment of it.
//
// Contexts and transitions are local here: counted from the segment's first.
// A control record belongs to a context: the number of transitions before it.
// What it says is in force from that context on.
#pragma once

#include <algorithm>
#include <cstdint>
#include <cstring>
#include <memory>
#include <span>
#include <vector>

#include "replay/program.h"
#include "replay/run.h"
#include "stream/segment.h"

namespace reven {

struct RecordPoint {
    uint32_t offset;    // in Segment::control
    uint32_t position;  // executions of the segment before it
    uint32_t context;
};

// A segment with its transitions numbered.
class SegmentView {
   public:
    explicit SegmentView(std::shared_ptr<const Segment> segment);

    const Segment& segment() const { return *segment_; }
    uint64_t first_transition() const { return segment_->info.first_transition; }
    uint32_t execution_count() const { return segment_->execution_count(); }
    // Bytes of every register file in it.
    size_t register_file_size() const { return reven::register_file(record(records_[0])).size(); }
    uint32_t transition_count() const { return starts_.back(); }
    // Transition at which an execution starts; for the number of executions, the end.
    uint32_t start(uint32_t execution) const { return starts_[execution]; }
    uint32_t retired(uint32_t execution) const { return segment_->retired[execution]; }
    // The execution that holds the moment `context`: the last one starting at or before it.
    uint32_t execution_at(uint32_t context) const;
    const std::vector<RecordPoint>& records() const { return records_; }
    RecordView record(const RecordPoint& point) const {
        const uint8_t* at = segment_->control.data() + point.offset;
        return {reinterpret_cast<const reven_record*>(at), at + sizeof(reven_record)};
    }
    // Index of the first record that follows the executions before `execution`.
    size_t record_at(uint32_t execution) const;
    // Index of the last key frame that a replay towards `context` may start from.
    size_t key_frame_before(uint32_t context) const;
    // The thread that runs before the record with this index.
    uint32_t thread_before(size_t record_index) const;
    // The record of transition `transition` if it is no instruction, else nullptr.
    const RecordPoint* event_at(uint32_t transition) const;
    size_t bytes() const;

   private:
    std::shared_ptr<const Segment> segment_;
    std::vector<uint32_t> starts_;
    std::vector<RecordPoint> records_;
    std::vector<uint32_t> key_frames_;  // indexes into records_
    std::vector<uint32_t> events_;      // indexes into records_
    std::vector<uint32_t> switches_;    // indexes into records_
};

// Visitors of `run_accesses` get accesses with their local transition, and also
// `record(point, view)`, before what it says of registers is applied; those that have
// `execute(execution)` are told of every execution first.
class Replayer {
   public:
    Replayer(const SegmentView& view, BlockCache& blocks)
        : view_(view), blocks_(blocks), scratch_(scratch_of_this_thread()) {}

    // Replays to the segment's end, from the last key frame before context `from`,
    // with every access and record. `visit.done(transition)` is asked before each
    // execution and may end it.
    template <Effects effects = Effects::Accesses, typename Visitor>
    void run_accesses(Visitor& visit, uint32_t from = 0) {
        const auto& records = view_.records();
        const size_t first = from == 0 ? 0 : view_.key_frame_before(from);
        size_t next = first;
        start_at(first);
        const uint32_t count = view_.execution_count();
        for (uint32_t execution = records[first].position; execution <= count; ++execution) {
            for (; next < records.size() && records[next].position <= execution; ++next) {
                const RecordView record = view_.record(records[next]);
                visit.record(records[next], record);
                if (record.header->type != REVEN_KEY_FRAME) apply(record);
            }
            if (execution == count || visit.done(view_.start(execution))) return;
            if constexpr (requires { visit.execute(execution); }) visit.execute(execution);
            Shifted<Visitor> shifted{visit, view_.start(execution)};
            run_execution<effects>(execution, shifted);
        }
    }

    void restore(std::span<const uint8_t> registers) {
        std::memcpy(registers_, registers.data(), registers.size());
    }
    const uint8_t* registers() const { return registers_; }
    std::span<const uint8_t> register_file() const {
        return {registers_, view_.register_file_size()};
    }
    uint32_t thread() const { return thread_; }

    // Replays a whole execution on the current state.
    template <Effects effects, typename Visitor>
    void run_execution(uint32_t execution, Visitor& visit) {
        const uint32_t header = view_.segment().headers[execution];
        const uint32_t exit = header & ((1u << REVEN_EXIT_BITS) - 1);
        if (exit == 0) [[likely]] {
            const CompiledBlock& block = blocks_.get(header >> REVEN_EXIT_BITS);
            run(block.program<effects>(), view_.segment().values_of(execution), registers_,
                scratch_, visit);
        } else if (exit != REVEN_NOTHING) {
            step(execution, view_.retired(execution), visit);
        }
    }

    // Replays one execution's first `retired` instructions on the current state.
    template <typename Visitor>
    void step(uint32_t execution, uint32_t retired, Visitor& visit) {
        const uint32_t header = view_.segment().headers[execution];
        const uint32_t exit = header & ((1u << REVEN_EXIT_BITS) - 1);
        run_partly(blocks_.get(header >> REVEN_EXIT_BITS), retired, exit >= REVEN_CUT ? 0 : exit,
                   view_.segment().values_of(execution), registers_, scratch_, visit);
    }
    void apply(const RecordView& record);
    void start_at(size_t key_frame_record);

   private:
    static uint64_t* scratch_of_this_thread();

    template <typename Visitor>
    struct Shifted {
        Visitor& visit;
        uint32_t start;
        void load(uint32_t instruction, uint64_t address, uint32_t size, const uint8_t* value) {
            visit.load(start + instruction, address, size, value);
        }
        void store(uint32_t instruction, uint64_t address, uint32_t size, const uint8_t* value) {
            visit.store(start + instruction, address, size, value);
        }
        void translate(uint32_t instruction, uint64_t physical, uint64_t linear)
            requires Translates<Visitor>
        {
            visit.translate(start + instruction, physical, linear);
        }
        void device(uint32_t instruction, const DeviceTransfer& transfer)
            requires SeesDevices<Visitor>
        {
            visit.device(start + instruction, transfer);
        }
    };

    const SegmentView& view_;
    BlockCache& blocks_;
    uint64_t* scratch_;
    alignas(32) uint8_t registers_[REVEN_MACHINE_FILE_SIZE + 64] = {};
    uint32_t thread_ = 0;
};

// The registers at any context of a segment; going forward costs only what lies between.
class RegisterCursor {
   public:
    RegisterCursor(const SegmentView& view, BlockCache& blocks)
        : view_(view), replayer_(view, blocks) {}

    // Copies the register file in force at a context; returns the thread that runs.
    uint32_t read(uint32_t context, uint8_t* registers);

   private:
    void go_to(uint32_t context);

    const SegmentView& view_;
    Replayer replayer_;
    bool started_ = false;
    uint32_t execution_ = 0;     // the replayer's state is the one before it …
    size_t next_record_ = 0;     // … and before this record
    uint32_t context_ = 0;
};

}  // namespace reven
