// SPDX-License-Identifier: Apache-2.0
#include "store/writer.h"

#include "base/bytes.h"
#include "base/crc32c.h"
#include "store/template_codec.h"

namespace reven {

namespace {

// Templates are few and stay: worth a slower compression than segments.
constexpr int TEMPLATE_LEVEL = 6;

template <typename T>
std::span<const uint8_t> bytes_of(const T& value) {
    return {reinterpret_cast<const uint8_t*>(&value), sizeof value};
}

}  // namespace

StoreWriter::StoreWriter(const std::filesystem::path& directory, bool keeps_end)
    : path_(directory),
      keeps_end_(keeps_end),
      segments_(directory, format::SEGMENT_FILE, format::SEGMENTS),
      templates_file_(directory, format::TEMPLATE_FILE, format::TEMPLATES),
      bodies_(directory, format::BODY_FILE, format::BODIES),
      directory_(directory, format::DIRECTORY_FILE, format::DIRECTORY),
      template_compressor_(TEMPLATE_LEVEL) {}

void StoreWriter::add_template(Template&& head, TemplateBody&& body) {
    pending_heads_.push_back(head);
    pending_bodies_.push_back(std::move(body));
    templates_.add(std::move(head));
    if (pending_heads_.size() == format::GROUP_TEMPLATES) flush_templates();
}

void StoreWriter::flush_templates() {
    if (pending_heads_.empty()) return;
    std::vector<uint8_t> raw = encode_bodies(pending_heads_, pending_bodies_);
    auto size = static_cast<uint32_t>(raw.size());
    std::vector<uint8_t> packed;
    template_compressor_.append(raw, packed);
    format::TemplateGroupHeader group{};
    group.first_id = pending_heads_.front().id;
    group.count = static_cast<uint32_t>(pending_heads_.size());
    group.body_offset = bodies_.size();
    group.body_length = bodies_.append_frame(bytes_of(size), packed);

    raw = encode_heads(pending_heads_);
    group.size = static_cast<uint32_t>(raw.size());
    packed.clear();
    template_compressor_.append(raw, packed);
    templates_file_.append_frame(bytes_of(group), packed);
    pending_heads_.clear();
    pending_bodies_.clear();
}

void StoreWriter::share_templates(const std::filesystem::path& parent, uint32_t count) {
    ReadFile heads(parent, format::TEMPLATE_FILE, format::TEMPLATES);
    ReadFile bodies(parent, format::BODY_FILE, format::BODIES);
    uint64_t at = sizeof(format::FileHeader);
    auto read_frame = [&](const ReadFile& file, uint64_t offset, format::FileKind kind) {
        auto start = file.read(offset, sizeof(format::FrameHeader));
        if (start.size() == sizeof(format::FrameHeader)) {
            auto length = read_as<format::FrameHeader>(start.data()).length;
            if (length <= format::MAX_FRAME) start = file.read(offset, start.size() + length);
        }
        if (check_frame(start, kind).empty())
            throw TraceError(file.path().string() + " is damaged: its templates cannot be shared");
        return start;
    };
    while (templates_.count() < count) {
        std::vector<uint8_t> frame = read_frame(heads, at, format::TEMPLATES);
        TemplateGroup group = parse_group(std::span(frame).subspan(sizeof(format::FrameHeader)));
        if (group.header.first_id != templates_.count() + 1)
            throw TraceError(heads.path().string() + " is damaged: its templates cannot be shared");
        std::vector<uint8_t> body_frame =
            read_frame(bodies, group.header.body_offset, format::BODIES);
        at += frame.size();
        if (templates_.count() + group.header.count <= count) {
            // Offsets stay what they are as long as all groups are copied whole.
            bodies_.append({body_frame});
            templates_file_.append({frame});
            for (Template& head : group.heads) templates_.add(std::move(head));
            continue;
        }
        std::vector<const Template*> members;
        for (const Template& head : group.heads) members.push_back(&head);
        std::vector<TemplateBody> parsed =
            parse_bodies(std::span(body_frame).subspan(sizeof(format::FrameHeader)), members);
        for (size_t i = 0; templates_.count() < count; i++)
            add_template(std::move(group.heads[i]), std::move(parsed[i]));
    }
}

void StoreWriter::append(EncodedSegment& segment) {
    segment.header.first_transition = transitions_;
    format::DirectoryEntry entry{};
    entry.first_execution = segment.header.first_execution;
    entry.first_transition = transitions_;
    entry.offset = segments_.size();
    entry.execution_count = segment.header.execution_count;
    entry.transition_count = segment.header.transition_count;
    entry.length = segments_.append_frame(bytes_of(segment.header), segment.sections);
    entry.template_count = segment.header.template_count;
    entry.crc = crc32c(&entry, offsetof(format::DirectoryEntry, crc));
    directory_.append({bytes_of(entry)});
    if (keeps_end_) entries_.push_back(entry);
    executions_ = entry.first_execution + entry.execution_count;
    transitions_ += entry.transition_count;
}

void StoreWriter::drop_before(uint64_t segment) {
    if (segment <= dropped_segments_) return;
    entries_.erase(entries_.begin(),
                   entries_.begin() + static_cast<ptrdiff_t>(segment - dropped_segments_));
    dropped_segments_ = segment;
    // A reader finds the first that is left by the directory, which never names what is gone.
    write_directory();
    segments_.free_before(entries_.front().offset);
}

void StoreWriter::write_directory() {
    AppendFile fresh(path_, format::DIRECTORY_FILE, format::DIRECTORY, ".new");
    for (format::DirectoryEntry& entry : entries_) {
        entry.crc = crc32c(&entry, offsetof(format::DirectoryEntry, crc));
        fresh.append({bytes_of(entry)});
    }
    fresh.replace(path_, format::DIRECTORY_FILE);
    directory_ = std::move(fresh);
}

// The file has a hole where the dropped segments were: not all that copies files keeps those.
void StoreWriter::compact() {
    if (dropped_segments_ == 0) return;
    ReadFile from(path_, format::SEGMENT_FILE, format::SEGMENTS);
    AppendFile fresh(path_, format::SEGMENT_FILE, format::SEGMENTS, ".new");
    for (format::DirectoryEntry& entry : entries_) {
        const std::vector<uint8_t> frame = from.read(entry.offset, entry.length);
        entry.offset = fresh.size();
        fresh.append({frame});
    }
    fresh.replace(path_, format::SEGMENT_FILE);
    segments_ = std::move(fresh);
    write_directory();
}

void StoreWriter::finish() {
    flush_templates();
    compact();
    for (AppendFile* file : {&bodies_, &templates_file_, &segments_, &directory_}) file->sync();
}

uint64_t StoreWriter::bytes_written() const {
    const uint64_t dropped =
        dropped_segments_ == 0 || entries_.empty() ? 0 : entries_.front().offset;
    return segments_.size() - dropped + templates_file_.size() + bodies_.size() + directory_.size();
}

}  // namespace reven
