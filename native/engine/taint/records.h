// SPDX-License-Identifier: Apache-2.0
// Taint through what happens between instructions: the kernel's doings, signals, threads.
#pragma once

#include <array>
#include <cstdint>
#include <map>
#include <set>
#include <tuple>
#include <utility>
#include <vector>

#include "replay/replay.h"
#include "taint/journal.h"
#include "taint/sinks.h"

namespace reven {

// Data that a system call carries from one place to another. One end may lie in
// KERNEL_STREAMS: on its way through a pipe, a socket or a file.
struct KernelMove {
    uint64_t from;
    uint64_t to;
    uint64_t size;
};
// What the system calls of a trace do that no record of a segment tells alone.
struct SyscallEffects {
    // By the context of the call's record, the thread, and whether that is its return.
    std::map<std::tuple<uint64_t, uint32_t, bool>, std::vector<KernelMove>> moves;
    // Contexts and threads of returns from signal handlers: all registers are restored.
    std::set<std::pair<uint64_t, uint32_t>> restores;
};

struct TaintWarning {
    enum Kind : uint8_t { KernelWrite = 1, SignalFrame = 2, Outside = 3, NotRecorded = 4 };
    uint64_t transition;
    uint64_t address;
    uint64_t size;
    Kind kind;
};

inline constexpr uint64_t RT_SIGRETURN = 15;

// What a signal handler finds in registers is the interrupted code's, but for these.
inline constexpr std::array<uint32_t, 5> HANDLER_ARGUMENTS{REVEN_RDI, REVEN_RSI, REVEN_RDX,
                                                           REVEN_RSP, REVEN_RAX};

class TaintRecords {
   public:
    // `sinks`: where it is noted what the kernel takes; may be null.
    TaintRecords(TaintState& state, TaintJournal& journal, const SyscallEffects& effects,
                 TaintSinks* sinks = nullptr)
        : state_(state), journal_(journal), effects_(effects), sinks_(sinks) {}

    // Each returns whether the record may have changed the state.
    bool forward(const SegmentView& view, size_t record);
    bool backward(const SegmentView& view, size_t record);

    std::vector<TaintWarning> warnings;

   private:
    void begin(const SegmentView& view, const RecordPoint& point);
    bool is_same_page(const RecordView& record, bool forward);
    bool is_restore(const SegmentView& view, const RecordPoint& point,
                    const RecordView& record) const;
    void forget_memory(uint64_t address, uint64_t size);
    void note_reads(const SegmentView& view, const RecordPoint& point, const RecordView& record);
    void note_arguments(const SegmentView& view, const RecordPoint& point);
    uint16_t tags_of(uint64_t address) const;
    void overwritten(const SegmentView& view, const RecordPoint& point, const RecordView& record);
    void clear_registers(const RecordView& patch);
    void move(uint64_t from, uint64_t to, uint64_t size, bool forward);
    void moves_of(const SegmentView& view, const RecordPoint& point, const RecordView& record,
                  bool forward);

    TaintState& state_;
    TaintJournal& journal_;
    const SyscallEffects& effects_;
    TaintSinks* sinks_;
};

}  // namespace reven
