// SPDX-License-Identifier: Apache-2.0
// Writes the trace directory of one stream. Each segment is handed to the operating
// system before the next one begins, so that a reader sees it and a crash of this
// process loses nothing whole; the files are forced to the disk once, by finish().
#pragma once

#include <cstdint>
#include <filesystem>
#include <span>
#include <vector>

#include "store/file.h"
#include "store/segment_codec.h"
#include "stream/resolve.h"
#include "stream/template.h"
#include "stream/template_table.h"

namespace reven {

class StoreWriter {
   public:
    // Creates the files in an existing directory that has none of them.
    // `keeps_end`: drop_before may be called.
    StoreWriter(const std::filesystem::path& directory, bool keeps_end);

    // `head` is the next template: its id is template_count() + 1.
    void add_template(Template&& head, TemplateBody&& body);
    // Copies the first `count` templates of the trace in `parent`, which has them.
    // Requires that none was added yet.
    void share_templates(const std::filesystem::path& parent, uint32_t count);
    uint32_t template_count() const { return templates_.count(); }
    uint32_t templates_written() const {
        return templates_.count() - static_cast<uint32_t>(pending_heads_.size());
    }
    const TemplateTable& templates() const { return templates_; }

    // Writes the templates added so far: before the segment that needs them.
    void flush_templates();
    // Writes the batch that comes next. All failures to write throw TraceError and
    // leave every segment before whole.
    void append(EncodedSegment& segment);
    void finish();
    // Segments before this one, counted from the first written, are not needed any more:
    // gives their room back. The first that is left must need nothing of them.
    void drop_before(uint64_t segment);
    uint64_t segment_count() const { return dropped_segments_ + entries_.size(); }
    uint64_t segment_offset(uint64_t segment) const {
        return entries_.at(segment - dropped_segments_).offset;
    }
    uint64_t segment_bytes() const { return segments_.size(); }
    uint64_t dropped_transitions() const {
        return dropped_segments_ == 0 || entries_.empty() ? 0 : entries_.front().first_transition;
    }

    uint64_t execution_count() const { return executions_; }
    uint64_t transition_count() const { return transitions_; }
    uint64_t bytes_written() const;

   private:
    void write_directory();
    void compact();

    std::filesystem::path path_;
    std::vector<format::DirectoryEntry> entries_;  // of the segments that are left
    uint64_t dropped_segments_ = 0;
    bool keeps_end_;
    AppendFile segments_, templates_file_, bodies_, directory_;
    TemplateTable templates_;
    std::vector<Template> pending_heads_;
    std::vector<TemplateBody> pending_bodies_;
    Compressor template_compressor_;
    uint64_t executions_ = 0;
    uint64_t transitions_ = 0;
};

}  // namespace reven
