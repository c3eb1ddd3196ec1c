// SPDX-License-Identifier: Apache-2.0
#include "query/queries.h"

#include <algorithm>
#include <bitset>
#include <chrono>
#include <map>
#include <set>
#include <stdexcept>
#include <thread>

#include "base/bytes.h"

namespace reven {
namespace {

// Wider ranges touch most segments anyway.
constexpr uint64_t MAX_INDEXED_PAGES = 256;
constexpr size_t MAX_INDEXED_BLOCKS = 512;
// Shorter traces are scanned faster than an index is built.
constexpr size_t UNINDEXED_SEGMENTS = 2;
// How long to wait at a time for somebody else who builds an index.
constexpr std::chrono::milliseconds PATIENCE{5};

// Segments that a read of memory looks back through before it waits for the index.
constexpr uint32_t LOOKED_BACK = 48;

// Bytes of memory that are looked for from the newest change to the oldest.
class MissingBytes {
   public:
    MissingBytes(uint64_t address, std::span<uint8_t> data, std::span<uint8_t> known)
        : address_(address), data_(data), known_(known), decided_(data.size()) {}

    bool none() const { return count_ == data_.size(); }
    // False: where contents moved from is for the index to say.
    bool look(const WriteLog& log, uint32_t context) {
        for (size_t i = log.entries().size(); i-- > 0 && !none();) {
            const WriteLog::Entry& entry = log.entries()[i];
            if (entry.context > context) continue;
            if (entry.size > 0) {
                const auto bytes = log.bytes_of(entry);
                decide(entry.address, entry.size, [&](uint64_t at) { return bytes.data() + at; });
                continue;
            }
            const RangeChange& change = log.range(entry.data);
            static constexpr uint8_t ZERO = 0;
            if (change.kind == RangeKind::Image || !touches(change.address, change.size)) continue;
            if (change.kind == RangeKind::Moved) return false;
            const uint8_t* value = change.kind == RangeKind::Zero ? &ZERO : nullptr;
            decide(change.address, change.size, [&](uint64_t) { return value; });
        }
        return true;
    }

   private:
    bool touches(uint64_t address, uint64_t size) const {
        return address - address_ < data_.size() || address_ - address < size;
    }
    template <typename Value>
    void decide(uint64_t address, uint64_t size, Value value) {
        if (!touches(address, size)) return;
        const uint64_t first = address_ > address ? address_ - address : 0;
        for (uint64_t at = first; at < size && address + at - address_ < data_.size(); ++at) {
            const uint64_t i = address + at - address_;
            if (decided_[i]) continue;
            const uint8_t* byte = value(at);
            decided_[i] = true;
            known_[i] = byte != nullptr;
            data_[i] = byte ? *byte : 0;
            ++count_;
        }
    }

    uint64_t address_;
    std::span<uint8_t> data_, known_;
    std::vector<bool> decided_;
    size_t count_ = 0;
};

void check_range(uint64_t start, uint64_t stop, uint64_t count) {
    if (start > stop || stop > count) throw std::out_of_range("no such transitions");
}

// Accesses of a segment that a query asks for, in order.
struct AccessCollector {
    static constexpr uint64_t MAX_OPERAND = 64;

    const AccessQuery& query;
    uint64_t first_transition;
    std::vector<Access> found;
    uint64_t translated_in = UINT64_MAX;
    uint64_t translated_physical = 0;
    uint64_t translated_linear = 0;

    void add(uint64_t transition, uint64_t address, uint64_t size, bool is_write,
             uint32_t cause = 0) {
        if (size == 0 || transition < query.start || transition >= query.stop) return;
        if (address > query.last_address || address + (size - 1) < query.first_address) return;
        // What was said of this transition's accesses next to it; a block's end forgets nothing.
        const uint64_t distance = address - translated_physical;
        const bool translated = transition == translated_in && distance < MAX_OPERAND;
        found.push_back({transition, address, translated ? translated_linear + distance : address,
                         static_cast<uint32_t>(size), is_write, cause});
    }
    void translate(uint32_t transition, uint64_t physical, uint64_t linear) {
        translated_in = first_transition + transition;
        translated_physical = physical;
        translated_linear = linear;
    }
    void load(uint32_t transition, uint64_t address, uint32_t size, const uint8_t*) {
        if (query.reads) add(first_transition + transition, address, size, false);
    }
    void store(uint32_t transition, uint64_t address, uint32_t size, const uint8_t*) {
        if (query.writes) add(first_transition + transition, address, size, true);
    }
    void record(const RecordPoint& point, const RecordView& record) {
        const uint64_t context = first_transition + point.context;
        if (context == 0) return;
        if (query.reads && record.header->type == REVEN_KERNEL_READ) {
            translated_in = UINT64_MAX;
            for (const reven_range& range : ranges_of(record))
                add(context - 1, range.address, range.size, false, REVEN_CAUSE_SYSCALL);
        }
        if (!query.writes || record.header->type != REVEN_MEMORY) return;
        const auto& memory = record.as<reven_memory>();
        if (memory.cause == REVEN_CAUSE_IMAGE) return;
        translated_in = UINT64_MAX;
        add(context - 1, memory.address, record.header->size - sizeof memory, true, memory.cause);
    }
    bool done(uint32_t transition) const { return first_transition + transition > query.stop; }
};

struct DeviceCollector {
    uint64_t start;
    uint64_t stop;
    size_t limit;
    uint64_t first_transition;
    std::vector<DeviceAccess>& found;
    bool full = false;

    void device(uint32_t transition, const DeviceTransfer& transfer) {
        const uint64_t id = first_transition + transition;
        full = full || (found.size() >= limit && id != found.back().transition);
        if (!full && id >= start && id < stop) found.push_back({id, transfer});
    }
    void load(uint32_t, uint64_t, uint32_t, const uint8_t*) {}
    void store(uint32_t, uint64_t, uint32_t, const uint8_t*) {}
    void record(const RecordPoint&, const RecordView&) {}
    bool done(uint32_t transition) const { return full || first_transition + transition >= stop; }
};

}  // namespace

Queries::Queries(const std::string& path, size_t cache_bytes)
    : trace_(path, cache_bytes / 2),
      whole_(trace_, Index::Kind::Whole),
      outline_(trace_, Index::Kind::Outline),
      memory_(trace_, whole_.index, cache_bytes / 2) {}

uint32_t Queries::covered() {
    const std::shared_lock reading(whole_.readers);
    return whole_.index.covered();
}

bool Queries::indexed() { return covered() >= trace_.store().segment_count(); }

std::shared_lock<std::shared_mutex> Queries::need(Built& built, const Progress& progress,
                                                  uint32_t threads, uint32_t wanted) {
    // What a trace that grows gets meanwhile is not waited for.
    const auto count = static_cast<uint32_t>(trace_.store().segment_count());
    wanted = std::min(wanted, count);
    for (;;) {
        std::shared_lock reading(built.readers);
        const uint32_t covered = built.index.covered();
        if (covered >= wanted) return reading;
        reading.unlock();
        // Another thread builds: what it has done may be enough before it ends.
        const std::unique_lock building(built.building, std::try_to_lock);
        if (building) {
            built.index.build(progress, threads, wanted, built.readers);
        } else {
            if (progress) progress(covered, wanted);
            std::this_thread::sleep_for(PATIENCE);
        }
    }
}

std::shared_lock<std::shared_mutex> Queries::need_index(const Progress& progress, uint32_t threads,
                                                        uint32_t wanted) {
    return need(whole_, progress, threads, wanted);
}

std::shared_lock<std::shared_mutex> Queries::need_outline(const Progress& progress) {
    return need(outline_, progress, 2, UINT32_MAX);
}

void Queries::read_memory(uint64_t context, uint64_t address, std::span<uint8_t> data,
                          std::span<uint8_t> known, const Progress& progress) {
    if (context > trace_.transition_count()) throw std::out_of_range("no such context");
    const auto segment = static_cast<uint32_t>(trace_.segment_of_context(context));
    const uint32_t known_segments = covered();
    if (known_segments < segment) {
        // What was written not long before needs no index; where contents were never recorded,
        // only that knows.
        const auto lock = need_outline(progress);
        MissingBytes missing(address, data, known);
        auto until =
            static_cast<uint32_t>(context - trace_.store().segment(segment).first_transition);
        bool possible = outline().unknown().count() == 0;
        for (uint32_t back = 0; possible && back < LOOKED_BACK && back <= segment; ++back) {
            possible = missing.look(*memory_.log(segment - back), until);
            until = UINT32_MAX;
            if (missing.none()) return;
        }
    }
    const auto lock = need_index(progress, 2, segment);
    memory_.read(context, address, data, known);
}

std::vector<uint32_t> Queries::segments_accessing(const AccessQuery& query, uint32_t first,
                                                  uint32_t last) {
    std::vector<uint32_t> segments;
    const uint64_t first_page = query.first_address / PAGE_SIZE;
    const uint64_t last_page = query.last_address / PAGE_SIZE;
    const bool indexed =
        last - first >= UNINDEXED_SEGMENTS && last_page - first_page < MAX_INDEXED_PAGES;
    uint32_t uncovered = first;
    if (indexed) {
        const std::shared_lock reading(whole_.readers);
        uncovered = std::max(first, whole_.index.covered());
        std::set<uint32_t> found;
        for (const auto& chunk : whole_.index.chunks()) {
            if (chunk->end_segment() <= first || chunk->first_segment() > last) continue;
            for (uint64_t page = first_page; page <= last_page; ++page) {
                const uint64_t low =
                    std::max(query.first_address, page * PAGE_SIZE) % PAGE_SIZE / GRANULE;
                const uint64_t high =
                    (page == last_page ? query.last_address % PAGE_SIZE : PAGE_SIZE - 1) / GRANULE;
                const auto begin = static_cast<uint32_t>(low);
                const auto count = static_cast<uint32_t>(high - low + 1);
                for (const PageVisit& visit : chunk->visits(page, whole_.index.file())) {
                    if (visit.segment < first || visit.segment > last) continue;
                    if ((query.reads && any_bit(visit.reads, begin, count)) ||
                        (query.writes && any_bit(visit.writes, begin, count)))
                        found.insert(visit.segment);
                }
            }
        }
        if (query.reads)
            for (const auto& [segment, range] : whole_.index.large_reads())
                if (segment >= first && segment <= last && range.address <= query.last_address &&
                    range.address + (range.size - 1) >= query.first_address)
                    found.insert(segment);
        segments.assign(found.begin(), found.end());
    }
    for (uint32_t segment = uncovered; segment <= last; ++segment) segments.push_back(segment);
    if (!query.forward) std::reverse(segments.begin(), segments.end());
    return segments;
}

std::vector<uint32_t> Queries::segments_changing(uint64_t first_address, uint64_t last_address,
                                                 uint32_t first, uint32_t last) {
    std::set<uint32_t> found;
    const auto add = [&](uint32_t segment) {
        if (segment >= first && segment <= last) found.insert(segment);
    };
    const uint64_t first_page = first_address / PAGE_SIZE;
    const uint64_t last_page = last_address / PAGE_SIZE;
    for (const auto& chunk : index().chunks()) {
        if (chunk->end_segment() <= first || chunk->first_segment() > last) continue;
        const auto& pages = chunk->pages();
        for (auto page = std::lower_bound(pages.begin(), pages.end(), first_page);
             page != pages.end() && *page <= last_page; ++page)
            for (const PageVisit& visit : chunk->visits(*page, index().file()))
                if (visit.leaves_bytes || visit.writes != GranuleSet{}) add(visit.segment);
    }
    for (const PlacedRange& range : index().ranges())
        if (range.change.address <= last_address &&
            range.change.address + (range.change.size - 1) >= first_address)
            add(range.segment);
    return {found.begin(), found.end()};
}

std::vector<Access> Queries::accesses(const AccessQuery& query, const Progress& progress) {
    check_range(query.start, query.stop, trace_.transition_count());
    std::vector<Access> result;
    if (query.start == query.stop || query.first_address > query.last_address) return result;
    const auto first = static_cast<uint32_t>(trace_.segment_of_context(query.start));
    // The kernel's writes during transition stop - 1 may stand at the next segment's start.
    const auto last = static_cast<uint32_t>(trace_.segment_of_context(query.stop));
    // Segments that the index does not cover are looked through, which takes no longer than to
    // index them; as soon as it does cover them, it says which of them matter.
    for (uint32_t low = first, high = last; low <= high;) {
        const uint32_t known = covered();
        bool again = false;
        for (const uint32_t segment : segments_accessing(query, low, high)) {
            if (segment >= known && covered() > segment) {
                (query.forward ? low : high) = segment;
                again = true;
                break;
            }
            if (progress)
                progress(query.forward ? segment - first : last - segment, last - first + 1);
            const auto view = trace_.view(segment);
            AccessCollector collector{query, view->first_transition(), {}};
            const uint64_t from =
                std::max(query.start, view->first_transition()) - view->first_transition();
            Replayer(*view, trace_.blocks()).run_accesses(collector, static_cast<uint32_t>(from));
            if (!query.forward) std::reverse(collector.found.begin(), collector.found.end());
            for (const Access& access : collector.found) {
                if (result.size() >= query.limit && access.transition != result.back().transition)
                    return result;
                result.push_back(access);
            }
        }
        if (!again) break;
    }
    return result;
}

std::vector<DeviceAccess> Queries::device_accesses(uint64_t start, uint64_t stop, size_t limit,
                                                   const Progress& progress) {
    check_range(start, stop, trace_.transition_count());
    std::vector<DeviceAccess> found;
    if (start == stop) return found;
    const size_t first = trace_.segment_of_context(start);
    const size_t last = trace_.segment_of_context(stop - 1);
    for (size_t segment = first; segment <= last; ++segment) {
        if (progress) progress(segment - first, last - first + 1);
        const auto view = trace_.view(segment);
        // Programs reach no devices: most segments need no replay.
        const auto& blocks = view->segment().templates;
        if (std::none_of(blocks.begin(), blocks.end(), [&](const SegmentTemplate& used) {
                return trace_.blocks().get(used.block->id).reaches_devices;
            }))
            continue;
        DeviceCollector collector{start, stop, limit, view->first_transition(), found};
        const uint64_t from = std::max(start, view->first_transition()) - view->first_transition();
        Replayer(*view, trace_.blocks()).run_accesses(collector, static_cast<uint32_t>(from));
        if (collector.full) break;
    }
    return found;
}

std::vector<uint32_t> Queries::segments_executing(const std::vector<uint32_t>& blocks,
                                                  uint32_t first, uint32_t last,
                                                  const Progress& progress) {
    std::vector<uint32_t> segments;
    if (blocks.size() > MAX_INDEXED_BLOCKS || last - first < UNINDEXED_SEGMENTS) {
        for (uint32_t segment = first; segment <= last; ++segment) segments.push_back(segment);
        return segments;
    }
    const auto lock = need_outline(progress);
    std::set<uint32_t> found;
    for (const auto& chunk : outline().chunks()) {
        if (chunk->end_segment() <= first || chunk->first_segment() > last) continue;
        for (const uint32_t id : blocks)
            for (const uint32_t segment : chunk->segments_of_block(id, outline().file()))
                if (segment >= first && segment <= last) found.insert(segment);
    }
    return {found.begin(), found.end()};
}

std::vector<uint64_t> Queries::find_pcs(const PcQuery& query, const Progress& progress) {
    check_range(query.start, query.stop, trace_.transition_count());
    std::vector<uint64_t> result;
    if (query.start == query.stop) return result;
    const auto matches = [&](uint64_t address) {
        return std::any_of(query.ranges.begin(), query.ranges.end(), [&](const auto& range) {
            return address >= range.first && address < range.second;
        });
    };
    std::vector<uint32_t> blocks;
    std::vector<bool> wanted(trace_.store().template_count() + 1);
    for (uint32_t id = 1; id < wanted.size(); ++id) {
        const auto& instructions = trace_.store().find_template(id).instructions;
        wanted[id] = std::any_of(
            instructions.begin(), instructions.end(),
            [&](const reven_instruction& instruction) { return matches(instruction.address); });
        if (wanted[id]) blocks.push_back(id);
    }
    if (blocks.empty()) return result;
    const auto first = static_cast<uint32_t>(trace_.segment_of_context(query.start));
    const auto last = static_cast<uint32_t>(trace_.segment_of_context(query.stop - 1));
    auto segments = segments_executing(blocks, first, last, progress);
    if (!query.forward) std::reverse(segments.begin(), segments.end());
    std::vector<uint64_t> found;
    for (size_t i = 0; i < segments.size(); ++i) {
        if (progress) progress(i, segments.size());
        const auto view = trace_.load_view(segments[i], Parts::WithoutValues);
        const Segment& segment = view->segment();
        found.clear();
        for (uint32_t execution = 0; execution < view->execution_count(); ++execution) {
            const Template& block = segment.block(execution);
            if (!wanted[block.id]) continue;
            const auto& instructions = block.instructions;
            const uint64_t start = view->first_transition() + view->start(execution);
            for (uint32_t at = 0; at < view->retired(execution); ++at)
                if (start + at >= query.start && start + at < query.stop &&
                    matches(instructions[at].address))
                    found.push_back(start + at);
        }
        if (!query.forward) std::reverse(found.begin(), found.end());
        for (const uint64_t transition : found) {
            result.push_back(transition);
            if (result.size() == query.limit) return result;
        }
    }
    return result;
}

std::optional<RegisterView> Queries::thread_registers(uint32_t thread, uint64_t context) {
    RegisterView view;
    if (trace_.registers(context, view) == thread) return view;
    const auto lock = need_outline({});
    const auto& switches = outline().switches();
    auto at = std::upper_bound(
        switches.begin(), switches.end(), context,
        [](uint64_t value, const ThreadSwitch& change) { return value < change.context; });
    while (at != switches.begin()) {
        --at;
        if (at->previous_thread != thread) continue;
        trace_.registers(at->context - 1, view);
        return view;
    }
    return std::nullopt;
}

std::vector<std::pair<uint64_t, uint64_t>> Queries::executed_ranges() {
    std::vector<std::pair<uint64_t, uint64_t>> pieces;
    for (uint32_t id = 1; id <= trace_.store().template_count(); ++id)
        for (const auto& instruction : trace_.store().find_template(id).instructions)
            pieces.emplace_back(instruction.address, instruction.address + instruction.size);
    std::sort(pieces.begin(), pieces.end());
    std::vector<std::pair<uint64_t, uint64_t>> merged;
    for (const auto& [low, high] : pieces) {
        if (!merged.empty() && low <= merged.back().second)
            merged.back().second = std::max(merged.back().second, high);
        else
            merged.emplace_back(low, high);
    }
    return merged;
}

}  // namespace reven
