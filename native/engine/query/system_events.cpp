// SPDX-License-Identifier: Apache-2.0
// Mappings, system calls and threads over time, from the index's records.
#include <algorithm>
#include <map>

#include "base/bytes.h"
#include "query/queries.h"

namespace reven {
namespace {

// Mappings by start address, as they stand while the records are walked.
class MappingTimeline {
   public:
    explicit MappingTimeline(uint64_t last_context) : last_context_(last_context) {}

    void map(const MappingInfo& mapping) {
        unmap(mapping.address, mapping.size, mapping.first_context);
        live_[mapping.address] = mapping;
    }
    void unmap(uint64_t address, uint64_t size, uint64_t context) {
        split(address, size, context, [](MappingInfo&) { return false; });
    }
    void protect(uint64_t address, uint64_t size, uint32_t protection, uint64_t context) {
        split(address, size, context, [&](MappingInfo& mapping) {
            mapping.protection = protection;
            return true;
        });
    }
    void move(uint64_t from, uint64_t to, uint64_t size, uint64_t context) {
        MappingInfo moved{to, size, 3, 0, "", context, last_context_};
        const auto at = live_.upper_bound(from);
        if (at != live_.begin()) {
            const MappingInfo& old = std::prev(at)->second;
            if (from - old.address < old.size) {
                moved.protection = old.protection;
                moved.path = old.path;
                moved.file_offset = old.file_offset + (from - old.address);
            }
        }
        unmap(from, size, context);
        map(moved);
    }
    std::vector<MappingInfo> finish() {
        for (auto& [_, mapping] : live_) ended_.push_back(mapping);
        std::sort(ended_.begin(), ended_.end(), [](const auto& a, const auto& b) {
            return std::tie(a.first_context, a.address) < std::tie(b.first_context, b.address);
        });
        return std::move(ended_);
    }

   private:
    // Cuts [address, address + size) out of the live mappings; what `change` accepts stays,
    // changed.
    template <typename Change>
    void split(uint64_t address, uint64_t size, uint64_t context, Change change) {
        const uint64_t end = address + size;
        auto at = live_.upper_bound(address);
        if (at != live_.begin()) --at;
        std::vector<MappingInfo> again;
        while (at != live_.end() && at->second.address < end) {
            MappingInfo mapping = at->second;
            const uint64_t mapping_end = mapping.address + mapping.size;
            if (mapping_end <= address) {
                ++at;
                continue;
            }
            at = live_.erase(at);
            if (mapping.first_context < context) {
                ended_.push_back(mapping);
                ended_.back().last_context = context - 1;
            }
            const auto piece = [&](uint64_t low, uint64_t high) {
                MappingInfo part = mapping;
                part.address = low;
                part.size = high - low;
                if (!part.path.empty() && part.path[0] == '/')
                    part.file_offset += low - mapping.address;
                part.first_context = context;
                return part;
            };
            if (mapping.address < address) again.push_back(piece(mapping.address, address));
            MappingInfo inside =
                piece(std::max(address, mapping.address), std::min(end, mapping_end));
            if (change(inside)) again.push_back(inside);
            if (mapping_end > end) again.push_back(piece(end, mapping_end));
        }
        for (const MappingInfo& mapping : again) live_[mapping.address] = mapping;
    }

    uint64_t last_context_;
    std::map<uint64_t, MappingInfo> live_;
    std::vector<MappingInfo> ended_;
};

}  // namespace

std::vector<MappingInfo> Queries::mappings() {
    const auto lock = need_outline({});
    MappingTimeline timeline(trace_.transition_count());
    for (const auto& chunk : outline().chunks())
        for (const IndexedRecord& record : chunk->records()) {
            const uint8_t* payload = record.payload.data();
            const uint64_t context = record.context;
            switch (record.type) {
                case REVEN_MAP: {
                    const auto map = read_as<reven_map>(payload);
                    timeline.map({map.address, map.size, map.protection, map.file_offset,
                                  std::string(reinterpret_cast<const char*>(payload) + sizeof map,
                                              record.payload.size() - sizeof map),
                                  context, trace_.transition_count()});
                    break;
                }
                case REVEN_PROTECT: {
                    const auto map = read_as<reven_map>(payload);
                    timeline.protect(map.address, map.size, map.protection, context);
                    break;
                }
                case REVEN_UNMAP: {
                    const auto range = read_as<reven_range>(payload);
                    timeline.unmap(range.address, range.size, context);
                    break;
                }
                case REVEN_REMAP: {
                    const auto move = read_as<reven_remap>(payload);
                    timeline.move(move.from, move.to, move.size, context);
                    break;
                }
                default:
                    break;
            }
        }
    return timeline.finish();
}

std::vector<SyscallInfo> Queries::syscalls(uint64_t start, uint64_t stop, size_t limit) {
    const auto lock = need_outline({});
    std::vector<SyscallInfo> result;
    std::map<uint32_t, size_t> open;  // by thread: index of the call that has not returned
    for (const auto& chunk : outline().chunks()) {
        const uint64_t first = trace_.store().segment(chunk->first_segment()).first_transition;
        if (result.size() >= limit && open.empty()) break;
        if (first > stop && open.empty()) break;
        const uint64_t end = chunk->end_segment() < trace_.store().segment_count()
                                 ? trace_.store().segment(chunk->end_segment()).first_transition
                                 : trace_.transition_count();
        if (end < start) continue;
        for (const IndexedRecord& record : chunk->syscalls(outline().file())) {
            const uint8_t* payload = record.payload.data();
            if (record.type == REVEN_SYSCALL_EXIT) {
                const auto at = open.find(record.thread);
                if (at == open.end()) continue;
                result[at->second].result = read_as<int64_t>(payload + 8);
                open.erase(at);
                continue;
            }
            if (record.context == 0 || record.context - 1 < start || record.context - 1 >= stop)
                continue;
            if (result.size() >= limit) continue;
            SyscallInfo call{
                record.context - 1, record.thread, read_as<uint64_t>(payload), {}, std::nullopt};
            for (size_t i = 0; i < 6; ++i)
                call.arguments[i] = read_as<uint64_t>(payload + 8 + 8 * i);
            open[record.thread] = result.size();
            result.push_back(call);
        }
    }
    return result;
}

std::optional<SyscallInfo> Queries::syscall_of(uint64_t transition) {
    if (transition >= trace_.transition_count()) throw std::out_of_range("no such transition");
    const auto made = syscalls(transition, transition + 1, 1);
    if (!made.empty()) return made.front();
    const auto lock = need_outline({});
    const auto& switches = outline().switches();
    const auto at = std::lower_bound(
        switches.begin(), switches.end(), transition + 1,
        [](const ThreadSwitch& change, uint64_t context) { return change.context < context; });
    if (at == switches.end() || at->context != transition + 1) return std::nullopt;
    const auto& chunks = outline().chunks();
    for (auto chunk = chunks.rbegin(); chunk != chunks.rend(); ++chunk) {
        if (trace_.store().segment((*chunk)->first_segment()).first_transition > transition)
            continue;
        std::optional<SyscallInfo> last;
        for (const IndexedRecord& record : (*chunk)->syscalls(outline().file())) {
            if (record.thread != at->thread) continue;
            if (record.type == REVEN_SYSCALL_EXIT) {
                if (last && !last->result)
                    last->result = read_as<int64_t>(record.payload.data() + 8);
                continue;
            }
            if (record.context > transition) break;
            if (record.context == 0) continue;
            last = SyscallInfo{record.context - 1,
                               record.thread,
                               read_as<uint64_t>(record.payload.data()),
                               {},
                               std::nullopt};
            for (size_t i = 0; i < 6; ++i)
                last->arguments[i] = read_as<uint64_t>(record.payload.data() + 8 + 8 * i);
        }
        if (last) return last;
    }
    return std::nullopt;
}

std::vector<ThreadInfo> Queries::threads() {
    const auto lock = need_outline({});
    std::map<uint32_t, ThreadInfo> threads;
    const uint64_t count = trace_.transition_count();
    const auto& switches = outline().switches();
    for (size_t i = 0; i < switches.size(); ++i) {
        const uint64_t end = i + 1 < switches.size() ? switches[i + 1].context : count;
        auto [at, is_new] = threads.try_emplace(
            switches[i].thread, ThreadInfo{switches[i].thread, switches[i].context, 0});
        at->second.last_transition = end == 0 ? 0 : end - 1;
    }
    std::vector<ThreadInfo> result;
    for (const auto& [_, thread] : threads) result.push_back(thread);
    return result;
}

}  // namespace reven
