// SPDX-License-Identifier: Apache-2.0
// The templates of a trace by id. One thread adds, any number look up.
#pragma once

#include <array>
#include <atomic>
#include <memory>

#include "stream/limits.h"
#include "stream/template.h"

namespace reven {

class TemplateTable {
   public:
    TemplateTable() = default;
    TemplateTable(const TemplateTable&) = delete;
    TemplateTable& operator=(const TemplateTable&) = delete;
    ~TemplateTable() {
        for (auto& chunk : chunks_) delete[] chunk.load();
    }

    uint32_t count() const { return count_.load(std::memory_order_acquire); }

    // nullptr if there is none. References stay valid as long as the table.
    const Template* find(uint32_t id) const {
        if (id == 0 || id > count()) return nullptr;
        return &chunks_[id / CHUNK].load(std::memory_order_relaxed)[id % CHUNK];
    }

    // Requires head.id == count() + 1 ≤ limits::MAX_TEMPLATE_ID.
    void add(Template&& head) {
        uint32_t id = head.id;
        auto& chunk = chunks_[id / CHUNK];
        if (!chunk.load()) chunk.store(new Template[CHUNK]);
        chunk.load()[id % CHUNK] = std::move(head);
        count_.store(id, std::memory_order_release);
    }

   private:
    static constexpr uint32_t CHUNK = 4096;
    std::array<std::atomic<Template*>, (limits::MAX_TEMPLATE_ID + 1) / CHUNK> chunks_{};
    std::atomic<uint32_t> count_ = 0;
};

}  // namespace reven
