// SPDX-License-Identifier: Apache-2.0
#include "index/outline_writer.h"

#include <algorithm>

#include "base/error.h"
#include "index/index.h"
#include "store/derived_chunk.h"
#include "stream/control.h"

namespace reven {
namespace {

// A chunk of so many segments is some hundred kilobytes of memory, and a millisecond of work
// for each of them.
constexpr size_t CHUNK_SEGMENTS = 512;

}  // namespace

OutlineWriter::OutlineWriter(const std::string& directory)
    : file_(std::make_unique<DerivedFile>(directory, OUTLINE_FILE)) {}

void OutlineWriter::add(const Batch& batch, std::span<const uint32_t> blocks,
                        uint64_t first_transition, const TemplateTable& templates) {
    if (!file_) return;
    SegmentSummary summary;
    summary.segment = segments_++;
    summary.blocks.assign(blocks.begin(), blocks.end());
    std::sort(summary.blocks.begin(), summary.blocks.end());
    // Most segments have nothing to number: only key frames stand in them.
    if (has_indexed_records(batch.control)) {
        Segment segment = outline(batch, templates);
        number_transitions(segment);
        segment.info.first_transition = first_transition;
        const SegmentView view(std::make_shared<const Segment>(std::move(segment)));
        add_records(view, summary);
    }
    pending_.push_back(std::move(summary));
    if (pending_.size() == CHUNK_SEGMENTS) flush();
}

void OutlineWriter::flush() {
    if (!file_ || pending_.empty()) return;
    try {
        if (!file_->prepare(size_)) throw TraceError("another file took its place");
        const DerivedFile::Lock lock(*file_);
        // A reader was faster: it goes on with what is missing.
        if (file_->size() != size_) throw TraceError("somebody else extends it");
        const auto chunk = encode_chunk(pending_, [](uint64_t) { return PageBytes{}; });
        write_chunk(*file_, size_, chunk);
        size_ += chunk.size();
    } catch (const TraceError&) {
        file_.reset();
    }
    pending_.clear();
}

}  // namespace reven
