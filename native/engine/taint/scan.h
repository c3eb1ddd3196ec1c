// SPDX-License-Identifier: Apache-2.0
// Taint through a segment, either way. Blocks that cannot touch it are replayed at the
// speed of the replay; the others are walked.
#pragma once

#include <cstdint>
#include <vector>

#include "taint/records.h"
#include "taint/walk.h"

namespace reven {

class TaintScan {
   public:
    // `sinks`: where those of a forward taint are noted; may be null.
    TaintScan(TaintBlocks& blocks, TaintState& state, const SyscallEffects& effects,
              const TaintFollow& follow, TaintSinks* sinks = nullptr)
        : state_(state),
          blocks_(blocks),
          follow_(follow),
          journal(state),
          records(state, journal, effects, follow.sinks ? sinks : nullptr),
          walk_(blocks, state, journal, follow, sinks) {}

    // From one context of the segment to a later one (both local). `starts`: the state is
    // the one in force in `from`, so what stands there has happened.
    void forward(const SegmentView& view, uint32_t from, uint32_t to, bool starts);
    // From context `from` to the earlier one `to`. `ends`: the taint ends there; else what
    // stands in the segment's first context is undone as well.
    void backward(const SegmentView& view, uint32_t from, uint32_t to, bool ends);

   private:
    TaintState& state_;
    TaintBlocks& blocks_;
    const TaintFollow& follow_;

   public:
    TaintJournal journal;
    TaintRecords records;
    bool quiet = true;  // nothing touched the state since this was set

   private:
    struct Touch {
        RegisterWords touched;
        RegisterWords written;
        bool known = false;
    };
    struct Piece;

    const Touch& touch(uint32_t id);
    void run_whole(const SegmentView& view, Replayer& replayer, uint32_t execution);
    void walk_part(const SegmentView& view, Replayer& replayer, uint32_t execution, uint32_t from,
                   uint32_t to);
    void backward_piece(const SegmentView& view, size_t key_frame, uint32_t from, uint32_t to,
                        bool ends);

    TaintWalk walk_;
    std::vector<Touch> touches_;
};

}  // namespace reven
