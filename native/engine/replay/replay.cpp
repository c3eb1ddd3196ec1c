// SPDX-License-Identifier: Apache-2.0
#include "replay/replay.h"

#include "base/error.h"

namespace reven {

SegmentView::SegmentView(std::shared_ptr<const Segment> segment) : segment_(std::move(segment)) {
    const auto& headers = segment_->headers;
    for (RecordCursor cursor(segment_->control); !cursor.done(); cursor.next()) {
        const RecordView view = cursor.view();
        const uint64_t position = view.header->position - segment_->info.first_execution;
        if (view.header->position < segment_->info.first_execution || position > headers.size() ||
            (!records_.empty() && position < records_.back().position))
            throw TraceError("the control records of a segment are out of order");
        const auto offset = static_cast<uint32_t>(reinterpret_cast<const uint8_t*>(view.header) -
                                                  segment_->control.data());
        records_.push_back({offset, static_cast<uint32_t>(position), 0});
    }
    if (records_.empty() || record(records_[0]).header->type != REVEN_KEY_FRAME)
        throw TraceError("a segment does not start with a key frame");

    starts_.resize(headers.size() + 1);
    uint32_t transition = 0;
    size_t next = 0;
    for (uint32_t execution = 0; execution <= headers.size(); ++execution) {
        for (; next < records_.size() && records_[next].position <= execution; ++next) {
            records_[next].context = transition;
            const RecordView view = record(records_[next]);
            if (view.header->type == REVEN_KEY_FRAME)
                key_frames_.push_back(static_cast<uint32_t>(next));
            if (view.header->type == REVEN_SWITCH) switches_.push_back(static_cast<uint32_t>(next));
            if (!is_transition(view)) continue;
            events_.push_back(static_cast<uint32_t>(next));
            ++transition;
        }
        starts_[execution] = transition;
        if (execution == headers.size()) break;
        transition += segment_->retired[execution];
    }
}

uint32_t SegmentView::execution_at(uint32_t context) const {
    const auto after = std::upper_bound(starts_.begin(), starts_.end(), context);
    return after == starts_.begin() ? 0 : static_cast<uint32_t>(after - starts_.begin() - 1);
}

size_t SegmentView::record_at(uint32_t execution) const {
    const auto at = std::lower_bound(
        records_.begin(), records_.end(), execution,
        [](const RecordPoint& point, uint32_t value) { return point.position < value; });
    return static_cast<size_t>(at - records_.begin());
}

uint32_t SegmentView::thread_before(size_t record_index) const {
    const auto after = std::lower_bound(switches_.begin(), switches_.end(), record_index);
    return record(records_[after == switches_.begin() ? 0 : *(after - 1)]).header->thread;
}

size_t SegmentView::key_frame_before(uint32_t context) const {
    const auto after = std::upper_bound(
        key_frames_.begin(), key_frames_.end(), context,
        [&](uint32_t value, uint32_t index) { return value < records_[index].context; });
    return after == key_frames_.begin() ? 0 : *(after - 1);
}

const RecordPoint* SegmentView::event_at(uint32_t transition) const {
    const auto at = std::lower_bound(
        events_.begin(), events_.end(), transition,
        [&](uint32_t index, uint32_t value) { return records_[index].context < value; });
    return at != events_.end() && records_[*at].context == transition ? &records_[*at] : nullptr;
}

size_t SegmentView::bytes() const {
    return segment_->memory_size() + starts_.size() * 4 + records_.size() * 16;
}

uint64_t* Replayer::scratch_of_this_thread() {
    thread_local const std::unique_ptr<uint64_t[]> scratch{new uint64_t[SCRATCH_WORDS]};
    return scratch.get();
}

void Replayer::apply(const RecordView& record) {
    switch (record.header->type) {
        case REVEN_SWITCH:
            thread_ = record.header->thread;
            [[fallthrough]];
        case REVEN_KEY_FRAME:
        case REVEN_REGISTERS:
            restore(reven::register_file(record));
            break;
        case REVEN_REGISTER_PATCH:
            for (size_t at = 0; at + 8 <= record.header->size;) {
                const auto offset = read_as<uint16_t>(record.payload + at);
                const auto size = read_as<uint16_t>(record.payload + at + 2);
                const size_t padded = (size + 7u) & ~size_t{7};
                if (offset + size > REVEN_MACHINE_FILE_SIZE || at + 8 + size > record.header->size)
                    throw TraceError("a register patch reaches beyond the register file");
                std::memcpy(registers_ + offset, record.payload + at + 8, size);
                at += 8 + padded;
            }
            break;
        default:
            break;
    }
}

void Replayer::start_at(size_t key_frame_record) {
    const RecordView frame = view_.record(view_.records()[key_frame_record]);
    restore(reven::register_file(frame));
    thread_ = frame.header->thread;
}

void RegisterCursor::go_to(uint32_t context) {
    const auto& records = view_.records();
    const size_t key_frame = view_.key_frame_before(context);
    if (!started_ || context < context_ || key_frame >= next_record_) {
        replayer_.start_at(key_frame);
        execution_ = records[key_frame].position;
        next_record_ = key_frame + 1;
        started_ = true;
    }
    context_ = context;
    NoVisitor none;
    for (;;) {
        for (; next_record_ < records.size() && records[next_record_].position <= execution_;
             ++next_record_) {
            const RecordView record = view_.record(records[next_record_]);
            if (records[next_record_].context + is_transition(record) > context) return;
            replayer_.apply(record);
        }
        if (execution_ == view_.execution_count() || view_.start(execution_) > context) return;
        if (context - view_.start(execution_) < view_.retired(execution_)) return;
        replayer_.run_execution<Effects::Registers>(execution_++, none);
    }
}

uint32_t RegisterCursor::read(uint32_t context, uint8_t* registers) {
    go_to(context);
    const size_t size = view_.register_file_size();
    std::memcpy(registers, replayer_.registers(), size);
    const bool inside = execution_ < view_.execution_count() && view_.start(execution_) < context &&
                        context - view_.start(execution_) < view_.retired(execution_);
    if (inside) {
        NoVisitor none;
        uint8_t before[REVEN_MACHINE_FILE_SIZE];
        std::memcpy(before, registers, size);
        replayer_.step(execution_, context - view_.start(execution_), none);
        std::memcpy(registers, replayer_.registers(), size);
        replayer_.restore({before, size});
    }
    return replayer_.thread();
}

}  // namespace reven
