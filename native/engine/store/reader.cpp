// SPDX-License-Identifier: Apache-2.0
#include "store/reader.h"

#include <algorithm>
#include <list>
#include <mutex>
#include <shared_mutex>

#include "base/bytes.h"
#include "base/crc32c.h"
#include "store/file.h"
#include "store/segment_codec.h"
#include "store/template_codec.h"
#include "stream/limits.h"
#include "stream/template_table.h"

namespace reven {

namespace {

constexpr size_t CACHED_GROUPS = 256;
constexpr uint64_t READ_SIZE = 8u << 20;

struct Group {
    uint32_t first_id;
    uint32_t count;
    uint64_t body_offset;
    uint32_t body_length;
};

struct Location {
    SegmentInfo info;
    uint64_t offset;  // of the frame in the segment file
    uint32_t length;  // with its header
};

using Bodies = std::vector<TemplateBody>;

}  // namespace

struct StoreReader::State {
    explicit State(const std::filesystem::path& directory)
        : directory_file(directory, format::DIRECTORY_FILE, format::DIRECTORY),
          segment_file(directory, format::SEGMENT_FILE, format::SEGMENTS),
          template_file(directory, format::TEMPLATE_FILE, format::TEMPLATES),
          body_file(directory, format::BODY_FILE, format::BODIES) {}

    void read_templates();
    bool read_group(std::span<const uint8_t> payload);
    void read_directory(uint64_t directory_size, uint64_t data_size);
    void scan_segments(uint64_t data_size);
    bool add(const Location& location, uint32_t template_count);
    std::vector<uint8_t> read_segment(size_t index, const Location& location) const;
    std::shared_ptr<const Bodies> load_bodies(const Group& group) const;

    ReadFile directory_file, segment_file, template_file, body_file;
    TemplateTable templates;

    mutable std::shared_mutex mutex;  // guards the members below
    std::vector<Group> groups;
    uint64_t templates_end = sizeof(format::FileHeader);
    std::vector<Location> segments;
    uint64_t directory_end = sizeof(format::FileHeader);
    uint64_t segments_end = sizeof(format::FileHeader);
    uint64_t executions = 0;   // … and those that were dropped before the first segment
    uint64_t transitions = 0;  // counted from the first segment
    uint64_t dropped_executions = 0;
    uint64_t dropped_transitions = 0;
    std::string problem;

    mutable std::mutex cache_mutex;  // guards the members below
    mutable std::list<std::pair<uint32_t, std::shared_ptr<const Bodies>>> cache;  // by first id
};

bool StoreReader::State::read_group(std::span<const uint8_t> payload) {
    try {
        TemplateGroup group = parse_group(payload);
        const auto& header = group.header;
        if (header.first_id != templates.count() + 1) return false;
        for (Template& head : group.heads) templates.add(std::move(head));
        groups.push_back({header.first_id, header.count, header.body_offset, header.body_length});
        return true;
    } catch (const TraceError&) {
        return false;
    }
}

void StoreReader::State::read_templates() {
    while (true) {
        uint64_t size = std::max(template_file.size(), templates_end);
        std::vector<uint8_t> bytes =
            template_file.read(templates_end, std::min(READ_SIZE, size - templates_end));
        std::span<const uint8_t> left = bytes;
        while (true) {
            auto payload = check_frame(left, format::TEMPLATES);
            if (payload.empty() || !read_group(payload)) break;
            left = left.subspan(sizeof(format::FrameHeader) + payload.size());
        }
        if (left.size() == bytes.size()) break;
        templates_end += bytes.size() - left.size();
    }
}

bool StoreReader::State::add(const Location& location, uint32_t template_count) {
    SegmentInfo info = location.info;
    // Of a trace that keeps its end, the beginning was dropped.
    if (segments.empty() && location.offset >= segments_end) {
        executions = dropped_executions = info.first_execution;
        dropped_transitions = info.first_transition;
        segments_end = location.offset;
    }
    info.first_transition -= dropped_transitions;
    if (info.first_execution != executions || info.first_transition != transitions ||
        location.offset != segments_end || info.execution_count > limits::MAX_EXECUTIONS)
        return false;
    if (template_count > templates.count()) {
        problem = "the trace is cut at transition " + std::to_string(transitions) +
                  ": the templates that go on from there are torn or damaged in " +
                  template_file.path().string();
        return false;
    }
    segments.push_back({info, location.offset, location.length});
    segments_end += location.length;
    executions += info.execution_count;
    transitions += info.transition_count;
    return true;
}

void StoreReader::State::read_directory(uint64_t directory_size, uint64_t data_size) {
    if (directory_size <= directory_end) return;
    std::vector<uint8_t> bytes = directory_file.read(directory_end, directory_size - directory_end);
    for (size_t at = 0; bytes.size() - at >= sizeof(format::DirectoryEntry);
         at += sizeof(format::DirectoryEntry)) {
        auto entry = read_as<format::DirectoryEntry>(bytes.data() + at);
        if (crc32c(&entry, offsetof(format::DirectoryEntry, crc)) != entry.crc) return;
        bool inside = entry.length > sizeof(format::FrameHeader) &&
                      entry.length <= sizeof(format::FrameHeader) + format::MAX_FRAME &&
                      entry.offset <= data_size && entry.length <= data_size - entry.offset;
        Location location{{entry.first_execution, entry.first_transition, entry.execution_count,
                           entry.transition_count},
                          entry.offset,
                          entry.length};
        if (!inside || !add(location, entry.template_count)) return;
        directory_end += sizeof entry;
    }
}

// Whole segments that the directory does not have: its entries come after the data,
// and may be lost or damaged.
void StoreReader::State::scan_segments(uint64_t data_size) {
    while (segments_end + sizeof(format::FrameHeader) < data_size) {
        std::vector<uint8_t> start = segment_file.read(segments_end, sizeof(format::FrameHeader));
        if (start.size() < sizeof(format::FrameHeader)) return;
        auto frame = read_as<format::FrameHeader>(start.data());
        if (frame.magic != format::FRAME_MAGIC || frame.length > format::MAX_FRAME ||
            frame.length > data_size - segments_end - sizeof frame)
            return;
        auto length = static_cast<uint32_t>(sizeof frame + frame.length);
        std::vector<uint8_t> bytes = segment_file.read(segments_end, length);
        auto payload = check_frame(bytes, format::SEGMENTS);
        if (payload.empty()) return;
        try {
            auto header = segment_header(payload);
            Location location{{header.first_execution, header.first_transition,
                               header.execution_count, header.transition_count},
                              segments_end,
                              length};
            if (!add(location, header.template_count)) return;
        } catch (const TraceError&) {
            return;
        }
        directory_end += sizeof(format::DirectoryEntry);
    }
}

std::vector<uint8_t> StoreReader::State::read_segment(size_t index,
                                                      const Location& location) const {
    std::vector<uint8_t> bytes = segment_file.read(location.offset, location.length);
    auto payload = check_frame(bytes, format::SEGMENTS);
    if (payload.empty() || sizeof(format::FrameHeader) + payload.size() != location.length)
        throw TraceError("Segment " + std::to_string(index) + " of " +
                         segment_file.path().string() + " is damaged: its checksum is wrong");
    return bytes;
}

std::shared_ptr<const Bodies> StoreReader::State::load_bodies(const Group& group) const {
    {
        std::lock_guard lock(cache_mutex);
        auto found = std::find_if(cache.begin(), cache.end(),
                                  [&](const auto& entry) { return entry.first == group.first_id; });
        if (found != cache.end()) {
            cache.splice(cache.begin(), cache, found);
            return found->second;
        }
    }
    std::shared_ptr<const Bodies> bodies;
    try {
        if (group.body_length > sizeof(format::FrameHeader) + format::MAX_FRAME ||
            group.body_offset + group.body_length > body_file.size())
            throw TraceError("its data end too early");
        std::vector<uint8_t> bytes = body_file.read(group.body_offset, group.body_length);
        auto payload = check_frame(bytes, format::BODIES);
        if (payload.empty()) throw TraceError("its checksum is wrong");
        std::vector<const Template*> heads;
        for (uint32_t i = 0; i < group.count; i++)
            heads.push_back(templates.find(group.first_id + i));
        bodies = std::make_shared<const Bodies>(parse_bodies(payload, heads));
    } catch (const TraceError& error) {
        throw TraceError("The group of template " + std::to_string(group.first_id) + " in " +
                         body_file.path().string() + " is damaged: " + error.what());
    }
    std::lock_guard lock(cache_mutex);
    cache.emplace_front(group.first_id, bodies);
    if (cache.size() > CACHED_GROUPS) cache.pop_back();
    return bodies;
}

StoreReader::StoreReader(const std::filesystem::path& directory)
    : state_(std::make_unique<State>(directory)) {
    refresh();
}

StoreReader::~StoreReader() = default;

bool StoreReader::refresh() {
    std::unique_lock lock(state_->mutex);
    size_t before = state_->segments.size();
    state_->problem.clear();
    // The writer appends templates, then the segment that needs them, then its entry:
    // taking the sizes in the other order, no segment lacks templates.
    uint64_t directory_size = state_->directory_file.size();
    uint64_t data_size = state_->segment_file.size();
    state_->read_templates();
    state_->read_directory(directory_size, data_size);
    state_->scan_segments(data_size);
    if (state_->problem.empty() && state_->segments_end < data_size)
        state_->problem = "the trace is cut at transition " + std::to_string(state_->transitions) +
                          ": the segment that goes on from there is torn or damaged in " +
                          state_->segment_file.path().string();
    return state_->segments.size() > before;
}

size_t StoreReader::segment_count() const {
    std::shared_lock lock(state_->mutex);
    return state_->segments.size();
}

SegmentInfo StoreReader::segment(size_t index) const {
    std::shared_lock lock(state_->mutex);
    return state_->segments.at(index).info;
}

uint64_t StoreReader::execution_count() const {
    std::shared_lock lock(state_->mutex);
    return state_->executions - state_->dropped_executions;
}

uint64_t StoreReader::transition_count() const {
    std::shared_lock lock(state_->mutex);
    return state_->transitions;
}

size_t StoreReader::find_segment(uint64_t transition) const {
    std::shared_lock lock(state_->mutex);
    auto after = std::upper_bound(state_->segments.begin(), state_->segments.end(), transition,
                                  [](uint64_t wanted, const Location& location) {
                                      return wanted < location.info.first_transition;
                                  });
    return static_cast<size_t>(after - state_->segments.begin()) - 1;
}

std::shared_ptr<const Segment> StoreReader::load(size_t index, Parts parts) const {
    Location location;
    uint64_t dropped;
    {
        std::shared_lock lock(state_->mutex);
        location = state_->segments.at(index);
        dropped = state_->dropped_transitions;
    }
    std::vector<uint8_t> bytes = state_->read_segment(index, location);
    try {
        Segment segment = decode_segment(std::span(bytes).subspan(sizeof(format::FrameHeader)),
                                         state_->templates, parts == Parts::All);
        const SegmentInfo& info = location.info;
        segment.info.first_transition -= dropped;
        if (segment.info.first_execution != info.first_execution ||
            segment.info.first_transition != info.first_transition ||
            segment.info.execution_count != info.execution_count ||
            segment.info.transition_count != info.transition_count)
            throw TraceError("it is not the one that the directory says");
        return std::make_shared<const Segment>(std::move(segment));
    } catch (const TraceError& error) {
        throw TraceError("Segment " + std::to_string(index) + " of " +
                         state_->segment_file.path().string() + " is damaged: " + error.what());
    }
}

uint32_t StoreReader::template_count() const { return state_->templates.count(); }

const Template& StoreReader::find_template(uint32_t id) const {
    const Template* found = state_->templates.find(id);
    if (!found) throw TraceError("the trace has no template " + std::to_string(id));
    return *found;
}

std::shared_ptr<const TemplateBody> StoreReader::load_body(uint32_t id) const {
    find_template(id);
    Group group;
    {
        std::shared_lock lock(state_->mutex);
        auto after =
            std::upper_bound(state_->groups.begin(), state_->groups.end(), id,
                             [](uint32_t wanted, const Group& at) { return wanted < at.first_id; });
        group = *(after - 1);
    }
    auto bodies = state_->load_bodies(group);
    return {bodies, &(*bodies)[id - group.first_id]};
}

uint64_t StoreReader::size_on_disk() const {
    return state_->directory_file.size() + state_->segment_file.size() +
           state_->template_file.size() + state_->body_file.size();
}

std::string StoreReader::problem() const {
    std::shared_lock lock(state_->mutex);
    return state_->problem;
}

}  // namespace reven
