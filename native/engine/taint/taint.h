// SPDX-License-Identifier: Apache-2.0
// A taint of a range of contexts. One pass finds out how much each segment touches and
// keeps the state now and then; what is asked later is made again from there.
#pragma once

#include <atomic>
#include <cstdint>
#include <map>
#include <memory>
#include <mutex>
#include <optional>
#include <vector>

#include "query/queries.h"
#include "taint/scan.h"

namespace reven {

struct TaintSeed {
    uint64_t address;  // of memory; first bit in the register view otherwise
    uint64_t size;     // bytes, or bits
    uint32_t tag;
    bool is_memory;
};

struct TaintQuery {
    std::vector<TaintSeed> seeds;
    uint32_t tag_count = 1;
    uint64_t first = 0;  // contexts
    uint64_t last = 0;
    bool forward = true;
    TaintFollow follow;
};

struct TaintPage {
    TaintAccesses accesses;
    std::optional<uint64_t> next;  // transition to go on with, of what was reached
    uint64_t reached = 0;          // when the page was made
    bool finished = false;
};

class TaintRun {
   public:
    TaintRun(Queries& queries, TaintQuery query, const InstructionReads& reads);

    // The pass, to its end; `progress` may stop it by an exception. Only once.
    void run(const Progress& progress);

    const TaintQuery& query() const { return query_; }
    // The pass has been through everything up to this context, in its direction.
    uint64_t reached() const { return reached_; }
    bool finished() const { return finished_; }
    uint64_t access_count(bool changes_only) const {
        return changes_only ? change_count_ : access_count_;
    }
    std::vector<TaintWarning> warnings(size_t start, size_t limit) const;
    // What a forward taint decided or gave to the kernel, so far.
    const TaintSinks& sinks() const { return sinks_; }

    // Accesses of what was reached, in the direction, from a transition on.
    TaintPage accesses(uint64_t start, size_t limit, bool changes_only, const Progress& progress);
    // Registers and memory that are tainted in a context; memory from `address` on.
    // Throws std::out_of_range for a context that was not reached.
    std::vector<TaintItem> state(uint64_t context, uint64_t address, size_t limit,
                                 const Progress& progress);

   private:
    using Tags = std::vector<TagTaint>;
    struct Kept {
        Tags tags;
        size_t same_until;  // the state is this one before each segment up to here
    };
    struct Count {
        uint32_t accesses = 0;
        uint32_t changes = 0;
    };

    // Segments are counted in the direction of the taint.
    size_t segment(size_t number) const {
        return query_.forward ? first_segment_ + number : first_segment_ - number;
    }
    size_t number_of(uint64_t context) const;
    bool is_reached(uint64_t context) const {
        return query_.forward ? context <= reached_ : context >= reached_;
    }
    Tags seeded();
    // Runs a segment up to `stop` (or its own end).
    void pass(TaintScan& scan, const SegmentView& view, size_t number, uint64_t stop);
    void keep(size_t number, const TaintState& state);
    // The state before a segment, made again.
    TaintState before(size_t number, const Progress& progress);
    void load_accesses(size_t number, const Progress& progress);

    Queries& queries_;
    TaintQuery query_;
    size_t first_segment_;
    size_t segment_count_;
    SyscallEffects effects_;

    std::atomic<uint64_t> reached_;
    std::atomic<bool> finished_ = false;
    std::atomic<uint64_t> access_count_ = 0, change_count_ = 0;
    mutable std::mutex mutex_;  // what the pass leaves for queries
    std::map<size_t, Kept> kept_;
    size_t kept_bytes_ = 0;
    size_t spacing_ = 1;
    std::vector<Count> counts_;
    std::vector<TaintWarning> warnings_;
    TaintSinks sinks_;

    std::mutex query_mutex_;  // one query at a time
    TaintBlocks pass_blocks_, query_blocks_;
    size_t loaded_ = ~size_t{0};
    TaintAccesses loaded_accesses_;
};

}  // namespace reven
