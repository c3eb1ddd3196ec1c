// SPDX-License-Identifier: Apache-2.0
#include "compare/code_walk.h"

#include <algorithm>

namespace reven {

std::optional<uint32_t> CodeLabels::at(uint64_t address) const {
    const auto found = std::lower_bound(addresses.begin(), addresses.end(), address);
    if (found == addresses.end() || *found != address) return std::nullopt;
    return labels[static_cast<size_t>(found - addresses.begin())];
}

CodeWalk::CodeWalk(const TraceReader& trace, const CodeLabels& labels, const Stretch& stretch,
                   const Progress& progress)
    : trace_(trace),
      labels_(labels),
      stretch_{stretch.thread, stretch.start, std::min(stretch.stop, trace.transition_count())},
      progress_(progress),
      segment_(trace.store().segment_count()),
      by_template_(trace.store().template_count() + 1) {
    if (stretch_.start >= stretch_.stop) return;
    segment_ = trace.store().find_segment(stretch_.start);
    ahead_ = load(segment_);
}

std::future<CodeWalk::View> CodeWalk::load(size_t segment) const {
    const bool is_there = segment < trace_.store().segment_count() &&
                          trace_.store().segment(segment).first_transition < stretch_.stop;
    if (!is_there) return {};
    return std::async(std::launch::async, [&trace = trace_, segment] {
        return trace.load_view(segment, Parts::WithoutValues);
    });
}

bool CodeWalk::open_segment() {
    if (!ahead_.valid()) return false;
    if (progress_) progress_(segment_, trace_.store().segment_count());
    view_ = ahead_.get();
    ahead_ = load(++segment_);
    switches_.clear();
    switch_ = 0;
    execution_ = 0;
    const auto& records = view_->records();
    thread_ = view_->record(records[0]).header->thread;
    for (const RecordPoint& point : records) {
        const RecordView record = view_->record(point);
        if (record.header->type == REVEN_SWITCH)
            switches_.emplace_back(point.position, record.header->thread);
    }
    return true;
}

bool CodeWalk::fill() {
    for (;;) {
        if (!view_ || execution_ == view_->execution_count()) {
            if (!open_segment()) return false;
            continue;
        }
        for (; switch_ < switches_.size() && switches_[switch_].first <= execution_; ++switch_)
            thread_ = switches_[switch_].second;
        if (thread_ != stretch_.thread) {
            execution_ =
                switch_ < switches_.size() ? switches_[switch_].first : view_->execution_count();
            continue;
        }
        const uint32_t execution = execution_++;
        const auto& entries = entries_of(view_->segment().block(execution));
        if (entries.empty()) continue;
        base_ = view_->first_transition() + view_->start(execution);
        if (base_ >= stretch_.stop) {
            ahead_ = {};
            execution_ = view_->execution_count();
            return false;
        }
        take(entries, view_->retired(execution));
        if (!run_.empty()) return true;
    }
}

const std::vector<CodeWalk::Entry>& CodeWalk::entries_of(const Template& block) {
    if (block.id >= by_template_.size()) by_template_.resize(block.id + 1);
    auto& known = by_template_[block.id];
    if (!known) {
        known = std::make_unique<std::vector<Entry>>();
        for (uint32_t i = 0; i < block.instructions.size(); ++i)
            if (const auto label = labels_.at(block.instructions[i].address))
                known->push_back({i, *label});
    }
    return *known;
}

void CodeWalk::take(const std::vector<Entry>& entries, uint32_t retired) {
    run_.clear();
    at_ = 0;
    for (const Entry& entry : entries) {
        const uint64_t transition = base_ + entry.instruction;
        if (entry.instruction >= retired || transition >= stretch_.stop) break;
        if (transition < stretch_.start) continue;
        if (labels_.collapse && last_ == entry.label) continue;
        last_ = entry.label;
        run_.push_back(entry);
    }
}

CodeDifference first_code_difference(CodeWalk& a, CodeWalk& b) {
    CodeDifference found;
    for (;;) {
        const bool more_a = a.more();
        const bool more_b = b.more();
        if (more_a) found.next_a = a.transition();
        if (more_b) found.next_b = b.transition();
        if (!more_a || !more_b || a.label() != b.label()) {
            if (!more_a) found.next_a.reset();
            if (!more_b) found.next_b.reset();
            return found;
        }
        found.last_a = found.next_a;
        found.last_b = found.next_b;
        if (found.common % CHECKPOINT == 0) {
            found.checkpoints_a.push_back(*found.last_a);
            found.checkpoints_b.push_back(*found.last_b);
        }
        ++found.common;
        a.next();
        b.next();
    }
}

}  // namespace reven
