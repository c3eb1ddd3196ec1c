// SPDX-License-Identifier: Apache-2.0
// What a thread ran of the code that counts, as a sequence of labels: two traces of a program
// are compared by these, wherever it was loaded, whatever libraries did in between.
#pragma once

#include <cstdint>
#include <future>
#include <memory>
#include <optional>
#include <vector>

#include "replay/trace.h"

namespace reven {

// Instructions that count, by ascending address, and what each is called. Instructions of
// different traces that are the same have the same label.
struct CodeLabels {
    std::vector<uint64_t> addresses;
    std::vector<uint32_t> labels;
    bool collapse = false;  // a label that follows itself counts once: labels are source lines

    std::optional<uint32_t> at(uint64_t address) const;
};

struct Stretch {
    uint32_t thread = 0;
    uint64_t start = 0;  // transitions [start, stop)
    uint64_t stop = 0;
};

// Goes through a stretch of a trace, label by label. Segments are decoded ahead.
class CodeWalk {
   public:
    CodeWalk(const TraceReader& trace, const CodeLabels& labels, const Stretch& stretch,
             const Progress& progress);

    // Ensures that there is a label; false at the end.
    bool more() { return at_ < run_.size() || fill(); }
    uint32_t label() const { return run_[at_].label; }
    uint64_t transition() const { return base_ + run_[at_].instruction; }
    void next() { ++at_; }

   private:
    struct Entry {
        uint32_t instruction;  // index in the block
        uint32_t label;
    };
    using View = std::shared_ptr<const SegmentView>;

    bool fill();
    bool open_segment();
    const std::vector<Entry>& entries_of(const Template& block);
    void take(const std::vector<Entry>& entries, uint32_t retired);
    std::future<View> load(size_t segment) const;

    const TraceReader& trace_;
    const CodeLabels& labels_;
    const Stretch stretch_;
    const Progress& progress_;
    size_t segment_;
    View view_;
    std::future<View> ahead_;
    uint32_t execution_ = 0;
    std::vector<std::pair<uint32_t, uint32_t>> switches_;  // first execution, thread
    size_t switch_ = 0;
    uint32_t thread_ = 0;
    std::vector<std::unique_ptr<std::vector<Entry>>> by_template_;
    std::vector<Entry> run_;
    size_t at_ = 0;
    uint64_t base_ = 0;
    std::optional<uint32_t> last_;
};

struct CodeDifference {
    uint64_t common = 0;  // labels that both have first
    // Transitions of the last common label, and of the first that is not; none: there is none.
    std::optional<uint64_t> last_a, last_b, next_a, next_b;
    // Of each CHECKPOINT-th common label, from the first on.
    std::vector<uint64_t> checkpoints_a, checkpoints_b;
};

inline constexpr uint64_t CHECKPOINT = uint64_t{1} << 18;

CodeDifference first_code_difference(CodeWalk& a, CodeWalk& b);

}  // namespace reven
