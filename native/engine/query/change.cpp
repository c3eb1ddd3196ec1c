// SPDX-License-Identifier: Apache-2.0
// When did a register or a piece of memory last hold, or next get, another value?
#include <algorithm>
#include <array>
#include <cstring>
#include <unordered_map>

#include "base/bytes.h"
#include "query/queries.h"

namespace reven {
namespace {

// A masked field of the register view.
struct Field {
    uint32_t offset;
    uint32_t size;
    uint64_t mask;
    bool of_machine;
    using Value = std::array<uint8_t, 32>;

    bool is_flags() const { return offset == REVEN_RFLAGS; }

    Value of(const uint8_t* registers) const {
        Value value{};
        if (is_flags()) {
            const uint64_t flags = rflags(registers, of_machine) & mask;
            std::memcpy(value.data(), &flags, sizeof flags);
            return value;
        }
        std::memcpy(value.data(), registers + offset, size);
        if (size <= 8) {
            uint64_t low;
            std::memcpy(&low, value.data(), sizeof low);
            low &= mask;
            std::memcpy(value.data(), &low, sizeof low);
        }
        return value;
    }
    bool overlaps(uint32_t first, uint32_t count) const {
        if (is_flags() && of_machine && first < REVEN_RFLAGS + 8 && first + count > REVEN_RFLAGS)
            return true;
        const uint32_t begin = is_flags() ? uint32_t{REVEN_CC_OP} : offset;
        const uint32_t end = is_flags() ? uint32_t{REVEN_FS_BASE} : offset + size;
        return first < end && first + count > begin;
    }
};

// Which instructions of which blocks write a field.
class FieldWriters {
   public:
    FieldWriters(const Field& field, BlockCache& blocks) : field_(field), blocks_(blocks) {}

    const Field& field() const { return field_; }

    // Indexes of the block's instructions, ascending.
    const std::vector<uint16_t>& of(uint32_t id) {
        const auto [at, is_new] = writers_.try_emplace(id);
        if (!is_new) return at->second;
        for (const reven_event& event : blocks_.get(id).body->events) {
            const bool indexed = event.kind == REVEN_EVENT_SET_INDEXED;
            if (!indexed && event.kind != REVEN_EVENT_SET_REGISTER) continue;
            const uint32_t count = indexed ? event.size * event.x1 : event.size;
            if (!field_.overlaps(event.offset, count)) continue;
            if (at->second.empty() || at->second.back() != event.instruction)
                at->second.push_back(event.instruction);
        }
        return at->second;
    }

    // May the field change in a segment? Its values need not be decoded.
    bool occur_in(const SegmentView& view) {
        const auto changes = [&](const RecordPoint& point) {
            const RecordView record = view.record(point);
            switch (record.header->type) {
                case REVEN_SWITCH:
                case REVEN_REGISTERS:
                    return true;
                case REVEN_REGISTER_PATCH:
                    return patch_overlaps(record);
                default:
                    return false;
            }
        };
        if (std::any_of(view.records().begin(), view.records().end(), changes)) return true;
        const auto& blocks = view.segment().templates;
        return std::any_of(blocks.begin(), blocks.end(), [&](const SegmentTemplate& used) {
            return !of(used.block->id).empty();
        });
    }

   private:
    bool patch_overlaps(const RecordView& record) const {
        for (size_t at = 0; at + 8 <= record.header->size;) {
            const auto offset = read_as<uint16_t>(record.payload + at);
            const auto size = read_as<uint16_t>(record.payload + at + 2);
            if (field_.overlaps(offset, size)) return true;
            at += 8 + ((size + 7u) & ~size_t{7});
        }
        return false;
    }

    const Field& field_;
    BlockCache& blocks_;
    std::unordered_map<uint32_t, std::vector<uint16_t>> writers_;
};

// Follows a field through a segment. Calls `seen(context, value)` (local contexts)
// at the start and wherever the value may have changed, in order; it returns
// false to stop.
template <typename Seen>
class FieldScan {
   public:
    FieldScan(const SegmentView& view, BlockCache& blocks, FieldWriters& writers, Seen& seen)
        : view_(view), writers_(writers), seen_(seen), replayer_(view, blocks) {}

    void run(uint32_t from) {
        const auto& records = view_.records();
        size_t next = view_.key_frame_before(from);
        replayer_.start_at(next);
        if (!report(records[next].context)) return;
        NoVisitor none;
        for (uint32_t execution = records[next++].position;; ++execution) {
            while (next < records.size() && records[next].position <= execution) {
                const RecordView record = view_.record(records[next]);
                replayer_.apply(record);
                const uint32_t context = records[next].context + is_transition(record);
                ++next;
                const bool more =
                    next < records.size() && records[next].position <= execution &&
                    records[next].context + is_transition(view_.record(records[next])) == context;
                if (!more && !report(context)) return;
            }
            if (execution == view_.execution_count()) return;
            if (!report(view_.start(execution))) return;
            const uint32_t id = view_.segment().headers[execution] >> REVEN_EXIT_BITS;
            const auto& writers = writers_.of(id);
            if (!writers.empty() && !step(execution, writers)) return;
            replayer_.template run_execution<Effects::Registers>(execution, none);
        }
    }

   private:
    bool report(uint32_t context) {
        return seen_(context, writers_.field().of(replayer_.registers()));
    }

    // The values after each instruction of an execution that writes the field.
    bool step(uint32_t execution, const std::vector<uint16_t>& writers) {
        NoVisitor none;
        std::vector<uint8_t> before(replayer_.registers(),
                                    replayer_.registers() + view_.register_file_size());
        for (const uint16_t writer : writers) {
            if (writer >= view_.retired(execution)) break;
            replayer_.step(execution, writer + 1u, none);
            if (!report(view_.start(execution) + writer + 1)) return false;
            replayer_.restore(before);
        }
        return true;
    }

    const SegmentView& view_;
    FieldWriters& writers_;
    Seen& seen_;
    Replayer replayer_;
};

}  // namespace

std::optional<uint64_t> Queries::find_register_change(uint64_t context, uint32_t offset,
                                                      uint32_t size, uint64_t mask, bool forward,
                                                      const Progress& progress) {
    // What the trace does not hold stays as it is.
    if (offset + size > trace_.register_view_size()) return std::nullopt;
    const Field field{offset, size, mask, trace_.register_file_size() > REVEN_REGISTER_FILE_SIZE};
    RegisterView view;
    trace_.registers(context, view);
    const uint64_t count = trace_.transition_count();
    if (field.overlaps(REVEN_RIP, 8) && !field.is_flags()) {
        const uint64_t pc = trace_.pc_at(context) & mask;
        for (uint64_t at = context; forward ? at < count : at > 0;) {
            at = forward ? at + 1 : at - 1;
            if ((trace_.pc_at(at) & mask) != pc) return at;
        }
        return std::nullopt;
    }
    const Field::Value original = field.of(view.data());
    FieldWriters writers(field, trace_.blocks());
    const size_t origin = trace_.segment_of_context(context);
    const size_t segments = trace_.store().segment_count();
    for (size_t step = 0; forward ? origin + step < segments : step <= origin; ++step) {
        if (progress) progress(step, forward ? segments - origin : origin + 1);
        const size_t segment = forward ? origin + step : origin - step;
        if (step > 0 && !writers.occur_in(*trace_.load_view(segment, Parts::WithoutValues)))
            continue;
        const auto replayed = trace_.view(segment);
        const uint64_t first = replayed->first_transition();
        std::optional<uint64_t> found;
        if (forward) {
            const auto seen = [&](uint32_t at, const Field::Value& value) {
                if (first + at <= context || value == original) return true;
                found = first + at;
                return false;
            };
            const auto from = static_cast<uint32_t>(std::max(context, first) - first);
            FieldScan(*replayed, trace_.blocks(), writers, seen).run(from);
        } else {
            // Contexts of this segment below `end` can answer.
            const uint64_t end =
                segment + 1 < segments
                    ? std::min(context, trace_.store().segment(segment + 1).first_transition)
                    : context;
            bool differs = false;
            const auto seen = [&](uint32_t at, const Field::Value& value) {
                if (differs && at > 0) found = std::min(first + at, end) - 1;
                differs = value != original;
                return first + at < end;
            };
            FieldScan(*replayed, trace_.blocks(), writers, seen).run(0);
            if (differs && end > first && (!found || *found < end - 1)) {
                // The scan ended inside the segment's last stretch with another value.
                RegisterView last;
                trace_.registers(end - 1, last);
                if (field.of(last.data()) != original) found = end - 1;
            }
        }
        if (found) return found;
    }
    return std::nullopt;
}

std::optional<uint64_t> Queries::find_memory_change(uint64_t context, uint64_t address,
                                                    uint64_t size, bool forward,
                                                    const Progress& progress) {
    if (size == 0) return std::nullopt;
    const auto lock = need_index(
        progress, 2,
        forward ? UINT32_MAX : static_cast<uint32_t>(trace_.segment_of_context(context)) + 1);
    struct Bytes {
        std::vector<uint8_t> data, known;
        bool operator==(const Bytes&) const = default;
    };
    const auto bytes_at = [&](uint64_t at) {
        Bytes bytes{std::vector<uint8_t>(size), std::vector<uint8_t>(size)};
        memory_.read(at, address, bytes.data, bytes.known);
        return bytes;
    };
    const Bytes original = bytes_at(context);
    const uint64_t last_address = address + (size - 1);
    const size_t origin = trace_.segment_of_context(context);
    const auto last_segment = static_cast<uint32_t>(trace_.store().segment_count() - 1);
    const auto candidates =
        segments_changing(address, last_address, forward ? static_cast<uint32_t>(origin) : 0,
                          forward ? last_segment : static_cast<uint32_t>(origin));
    const auto touches = [&](const WriteLog& log, const WriteLog::Entry& entry) {
        const uint64_t count = entry.size == 0 ? log.range(entry.data).size : entry.size;
        return entry.address <= last_address && entry.address + (count - 1) >= address;
    };
    for (size_t i = 0; i < candidates.size(); ++i) {
        if (progress) progress(i, candidates.size());
        const uint32_t segment = candidates[forward ? i : candidates.size() - 1 - i];
        const auto log = memory_.log(segment);
        const uint64_t first = trace_.store().segment(segment).first_transition;
        std::vector<uint64_t> moments;  // contexts that begin with a write to the range
        for (const WriteLog::Entry& entry : log->entries())
            if (touches(*log, entry) &&
                (moments.empty() || moments.back() != first + entry.context))
                moments.push_back(first + entry.context);
        if (forward) {
            for (const uint64_t moment : moments)
                if (moment > context && bytes_at(moment) != original) return moment;
        } else {
            for (auto moment = moments.rbegin(); moment != moments.rend(); ++moment)
                if (*moment <= context && *moment > 0 && bytes_at(*moment - 1) != original)
                    return *moment - 1;
        }
    }
    return std::nullopt;
}

}  // namespace reven
