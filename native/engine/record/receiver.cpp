// SPDX-License-Identifier: Apache-2.0
#include "record/receiver.h"

#include <algorithm>
#include <chrono>
#include <exception>

#include "base/bytes.h"
#include "stream/control.h"

namespace reven {

namespace {

// Slots that are encoded at once: encoding costs more than recording.
constexpr size_t LANES = 3;

}  // namespace

Recording::Recording(std::filesystem::path directory, int connection, uint64_t max_transitions,
                     const Recording* parent, uint32_t template_count, uint64_t keep_bytes)
    : parent_(parent ? parent->progress_ : nullptr),
      shared_templates_(parent ? template_count : 0),
      max_transitions_(max_transitions),
      keep_bytes_(keep_bytes),
      ring_(connection),
      writer_(directory, keep_bytes > 0),
      outline_(keep_bytes ? nullptr : std::make_unique<OutlineWriter>(directory.string())),
      resolver_(writer_.templates()) {
    progress_->directory = std::move(directory);
    ring_.welcome();
    thread_ = std::thread(&Recording::run, this);
}

Recording::~Recording() {
    {
        std::lock_guard lock(progress_->mutex);
        progress_->abandoned = true;
    }
    ring_.stop();
    ring_.disconnect();
    thread_.join();
}

RecordingStatus Recording::status() const {
    std::lock_guard lock(progress_->mutex);
    return progress_->status;
}

std::vector<MappedFile> Recording::mapped_files() {
    std::lock_guard lock(progress_->mutex);
    return std::exchange(progress_->mapped, {});
}

std::vector<Notice> Recording::notices() {
    std::lock_guard lock(progress_->mutex);
    return std::exchange(progress_->notices, {});
}

std::vector<Mark> Recording::marks() {
    std::lock_guard lock(progress_->mutex);
    return std::exchange(progress_->marks, {});
}

void Recording::stop() { ring_.stop(); }

void Recording::pause(bool paused) { ring_.pause(paused); }

bool Recording::wait(double seconds) {
    std::unique_lock lock(progress_->mutex);
    return progress_->changed.wait_for(lock, std::chrono::duration<double>(seconds),
                                       [&] { return progress_->status.finished; });
}

// Nothing may escape from the thread: a failure ends the writing, and the recorder
// is let go on without it. Slots are read and written in order, and encoded at once.
void Recording::run() {
    std::string error;
    auto attempt = [&](auto step) {
        try {
            step();
        } catch (const std::exception& caught) {
            if (error.empty()) error = caught.what();
            dropping_ = failed_ = true;
            ring_.stop();
            publish(error);
        }
    };
    // A limit is only known to be reached once everything before is written.
    const size_t most = max_transitions_ ? 1 : LANES;
    attempt([&] { share_templates(); });
    while (true) {
        if (taken_.size() < most) {
            if (auto slot = ring_.next(taken_.size(), taken_.empty())) {
                take(*slot);
                continue;
            }
        }
        if (taken_.empty()) break;
        Taken oldest = std::exchange(taken_.front(), {});
        attempt([&] { append(oldest); });
        taken_.pop_front();
        ring_.release();
        publish(error);
    }
    if (!dropping_ && end_reason_ == 0) {
        // The recorder died. It may have done so while it noted how far it was: then
        // there is nothing to salvage.
        try {
            Ring::Slot slot = ring_.salvage();
            if (slot.possible && slot.first_execution == next_execution_) {
                take(slot);
                append(taken_.front());
            }
        } catch (const std::exception&) {
        }
    }
    attempt([&] { writer_.finish(); });
    attempt([&] {
        if (outline_) outline_->flush();
    });
    publish(error);
    std::lock_guard lock(progress_->mutex);
    progress_->writing = false;
    progress_->status.finished = true;
    progress_->changed.notify_all();
}

// The parent's recorder handed over everything before it forked, so what is shared
// arrives without the child's doing. A parent that is no longer written is not waited
// for: it may itself wait for the child.
void Recording::share_templates() {
    if (shared_templates_ == 0) return;
    std::unique_lock lock(parent_->mutex);
    auto arrived = [&] {
        return parent_->templates_written >= shared_templates_ || !parent_->writing;
    };
    while (!parent_->changed.wait_for(lock, std::chrono::milliseconds(100), arrived)) {
        std::lock_guard own(progress_->mutex);
        if (progress_->abandoned) return;
    }
    if (parent_->templates_written < shared_templates_)
        throw TraceError("the program's parent was not recorded completely, so its fork cannot be");
    lock.unlock();
    writer_.share_templates(parent_->directory, shared_templates_);
}

void Recording::take(const Ring::Slot& slot) {
    Taken& taken = taken_.emplace_back();
    if (dropping_) return;
    if (idle_lanes_.empty()) idle_lanes_.push_back(&lanes_.emplace_back(writer_.templates()));
    EncodingLane& lane = *idle_lanes_.back();
    try {
        if (!read(slot, lane.batch)) return;
        taken.marks = locate_marks(lane.batch);
    } catch (const std::exception&) {
        // It ends the trace, after what came before.
        taken.failure = std::current_exception();
        dropping_ = true;
        return;
    }
    idle_lanes_.pop_back();
    taken.lane = &lane;
    lane.start(writer_.template_count());
}

void Recording::append(Taken taken) {
    if (taken.failure && !failed_) std::rethrow_exception(taken.failure);
    if (!taken.lane) return;
    idle_lanes_.push_back(taken.lane);
    EncodedSegment& encoded = taken.lane->finish();
    if (failed_) return;
    for (Mark& mark : taken.marks) {
        mark.transition += writer_.transition_count();
        // It stands at the instruction that sets it.
        if (mark.transition > 0) --mark.transition;
        marks_.push_back(std::move(mark));
    }
    const uint64_t first_transition = writer_.transition_count();
    writer_.append(encoded);
    if (outline_)
        outline_->add(taken.lane->batch, encoded.blocks, first_transition, writer_.templates());
    for (RecordCursor at(taken.lane->batch.control); !at.done(); at.next()) note(at.view());
    if (keep_bytes_) keep_end(taken.lane->batch);
}

// Drops what is older than the bytes to keep. A trace can begin where the recorder began
// again: it is asked to, so often that the images of memory are the smaller part.
void Recording::keep_end(const Batch& batch) {
    const uint64_t segment = writer_.segment_count() - 1;
    const uint64_t end = writer_.segment_bytes();
    for (RecordCursor at(batch.control); !at.done(); at.next()) {
        const RecordView record = at.view();
        if (record.header->type == REVEN_SWITCH && record.as<reven_switch>().previous_thread == 0) {
            beginnings_.push_back({segment, 0});
        } else if (record.header->type == REVEN_SNAPSHOT_END && !beginnings_.empty()) {
            beginnings_.back().image_end = end;
            image_bytes_ = end - writer_.segment_offset(beginnings_.back().segment);
            renewing_ = false;
        }
    }
    const auto since = [&](const Beginning& beginning) {
        return beginning.image_end == 0 ? 0 : end - beginning.image_end;
    };
    if (!renewing_ && !beginnings_.empty() &&
        since(beginnings_.back()) > std::max(keep_bytes_ / 4, 2 * image_bytes_)) {
        renewing_ = true;
        ring_.renew();
    }
    while (beginnings_.size() > 1 && since(beginnings_[1]) >= keep_bytes_) {
        beginnings_.pop_front();
        writer_.drop_before(beginnings_.front().segment);
    }
}

// False: there is nothing in it to write.
bool Recording::read(const Ring::Slot& slot, Batch& batch) {
    if (!slot.possible) throw TraceError("the recorder handed over a slot with impossible sizes");
    if (slot.first_execution != next_execution_)
        throw TraceError("the recorder's stream is out of step");
    batch.first_execution = slot.first_execution;
    batch.headers.assign(slot.headers, slot.headers + slot.executions);
    batch.values = slot.values;
    batch.control.clear();
    read_control(slot.control, batch);
    writer_.flush_templates();
    if (batch.headers.empty() && batch.control.empty()) return false;
    if (std::string wrong = check_control(batch.control, batch.first_execution, slot.executions);
        !wrong.empty())
        throw TraceError("the recorder's stream is wrong: " + wrong);
    resolver_.resolve(batch);
    if (max_transitions_) limit(batch);
    next_execution_ += batch.headers.size();
    return true;
}

// By transitions of the slot before each.
std::vector<Mark> Recording::locate_marks(const Batch& batch) {
    std::vector<Mark> located;
    for (PlacedMark& mark : std::exchange(placed_marks_, {})) {
        // What the slot would be if it ended there.
        Segment before = outline(batch, writer_.templates());
        before.headers.resize(std::min(mark.executions, before.headers.size()));
        before.control.resize(std::min(mark.control_size, before.control.size()));
        number_transitions(before);
        located.push_back({before.info.transition_count, std::move(mark.text)});
    }
    return located;
}

void Recording::limit(Batch& batch) {
    Segment segment = outline(batch, writer_.templates());
    number_transitions(segment);
    if (!cut_at_limit(batch, segment, max_transitions_ - writer_.transition_count())) return;
    dropping_ = true;
    ring_.stop();
}

// Takes the templates out of a slot's control records and the others over.
void Recording::read_control(std::span<const uint8_t> control, Batch& batch) {
    batch.control.reserve(control.size());
    while (!control.empty()) {
        if (control.size() < sizeof(reven_record))
            throw TraceError("the recorder's stream is wrong: a control record is cut off");
        auto header = read_as<reven_record>(control.data());
        size_t left = control.size() - sizeof header;
        if (header.size > left || ((header.size + 7) & ~uint64_t{7}) > left)
            throw TraceError("the recorder's stream is wrong: a control record is cut off");
        size_t size = sizeof header + ((header.size + 7) & ~uint64_t{7});
        if (header.type == REVEN_TEMPLATE) {
            Template head;
            TemplateBody body;
            std::string wrong =
                parse_template(control.subspan(sizeof header, header.size), head, body);
            if (wrong.empty() && head.id != writer_.template_count() + 1)
                wrong = "it is out of order";
            if (!wrong.empty())
                throw TraceError("the recorder's stream is wrong: of template " +
                                 std::to_string(head.id) + ", " + wrong);
            writer_.add_template(std::move(head), std::move(body));
        } else if (header.type == REVEN_MARK) {
            if (header.position < next_execution_)
                throw TraceError("the recorder's stream is wrong: a mark is out of order");
            const auto* text = reinterpret_cast<const char*>(control.data() + sizeof header);
            placed_marks_.push_back({batch.control.size(), header.position - next_execution_,
                                     std::string(text, header.size)});
        } else {
            put_bytes(batch.control, &header, sizeof header);
            put_bytes(batch.control, control.data() + sizeof header, size - sizeof header);
        }
        control = control.subspan(size);
    }
}

void Recording::note(const RecordView& record) {
    switch (record.header->type) {
        case REVEN_KEY_FRAME:
        case REVEN_SWITCH:
            threads_.insert(record.header->thread);
            break;
        case REVEN_NOTICE: {
            const auto& notice = record.as<reven_notice>();
            auto text = record.rest(sizeof notice);
            notices_.push_back({notice.kind, notice.detail, notice.ip, notice.value,
                                std::string(text.begin(), text.end())});
            break;
        }
        case REVEN_SIGNAL_INFO:
            last_signal_ = record.as<reven_signal_info>();
            break;
        case REVEN_END:
            end_reason_ = record.as<reven_end>().reason;
            end_code_ = record.as<reven_end>().code;
            break;
        case REVEN_MAP: {
            const auto& map = record.as<reven_map>();
            auto path = record.rest(sizeof map);
            if (!path.empty() && path[0] == '/')
                mapped_.push_back(
                    {std::string(path.begin(), std::find(path.begin(), path.end(), 0)), map.address,
                     (map.protection & 4) != 0});
            break;
        }
        default:
            break;
    }
}

void Recording::publish(const std::string& error) {
    std::lock_guard lock(progress_->mutex);
    RecordingStatus& status = progress_->status;
    status.dropped_transitions = writer_.dropped_transitions();
    status.transitions = writer_.transition_count() - status.dropped_transitions;
    status.executions = writer_.execution_count();
    status.bytes_written = writer_.bytes_written();
    status.threads = static_cast<uint32_t>(threads_.size());
    status.end_reason = end_reason_;
    status.end_code = end_code_;
    if (end_reason_ == REVEN_END_SIGNAL && last_signal_.number == static_cast<uint32_t>(end_code_))
        status.end_signal = last_signal_;
    status.error = error;
    progress_->writing = !dropping_;
    progress_->templates_written = writer_.templates_written();
    progress_->mapped.insert(progress_->mapped.end(), mapped_.begin(), mapped_.end());
    mapped_.clear();
    progress_->notices.insert(progress_->notices.end(), notices_.begin(), notices_.end());
    notices_.clear();
    progress_->marks.insert(progress_->marks.end(), marks_.begin(), marks_.end());
    marks_.clear();
    progress_->changed.notify_all();
}

}  // namespace reven
