// SPDX-License-Identifier: Apache-2.0
// Reads a trace directory (docs/trace-format.md), also while it is being written.
#pragma once

#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <memory>
#include <string>

#include "stream/segment.h"
#include "stream/template.h"

namespace reven {

enum class Parts {
    WithoutValues,  // all but `values`, in a fraction of the time
    All
};

// All members may be called from several threads at once.
class StoreReader {
   public:
    // Throws TraceError when there is no trace or it is of another version. A trace
    // whose tail is torn or damaged opens up to its last whole segment.
    explicit StoreReader(const std::filesystem::path& directory);
    ~StoreReader();
    StoreReader(const StoreReader&) = delete;
    StoreReader& operator=(const StoreReader&) = delete;

    // Takes in what was appended since. True if there are more segments.
    bool refresh();

    size_t segment_count() const;
    SegmentInfo segment(size_t index) const;
    uint64_t execution_count() const;
    uint64_t transition_count() const;
    // The segment that holds a transition. Requires transition < transition_count().
    size_t find_segment(uint64_t transition) const;

    // Decodes a segment. Throws TraceError naming it when its bytes are damaged.
    // Nothing is cached.
    std::shared_ptr<const Segment> load(size_t index, Parts parts = Parts::All) const;

    // Templates have the ids 1 … template_count(). References stay valid as long as
    // the reader. find_template throws TraceError for other ids.
    uint32_t template_count() const;
    const Template& find_template(uint32_t id) const;
    // Nodes and events; recently used groups of templates are cached. Throws
    // TraceError when they are damaged.
    std::shared_ptr<const TemplateBody> load_body(uint32_t id) const;

    uint64_t size_on_disk() const;  // bytes of the files the reader uses
    // What was left out because it is torn or damaged: "" or a sentence.
    std::string problem() const;

   private:
    struct State;
    std::unique_ptr<State> state_;
};

}  // namespace reven
