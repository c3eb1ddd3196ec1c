// SPDX-License-Identifier: Apache-2.0
#include "replay/program.h"
#include "store/reader.h"

namespace reven {

BlockCache::BlockCache(const StoreReader& store) : store_(store) {}

const CompiledBlock& BlockCache::get(uint32_t id) {
    const size_t chunk = id / CHUNK;
    if (chunk < CHUNKS) {
        if (const auto* entries = chunks_[chunk].load(std::memory_order_acquire))
            if (const auto* block = (*entries)[id % CHUNK].load(std::memory_order_acquire))
                return *block;
    }
    return compile_now(id);
}

const CompiledBlock& BlockCache::compile_now(uint32_t id) {
    const Template& head = store_.find_template(id);
    auto compiled = compile(head, store_.load_body(id));
    std::lock_guard lock(mutex_);
    auto& chunk = chunks_[id / CHUNK];
    if (!chunk.load()) {
        owned_chunks_.push_back(std::make_unique<Chunk>());
        chunk.store(owned_chunks_.back().get(), std::memory_order_release);
    }
    auto& entry = (*chunk.load())[id % CHUNK];
    if (!entry.load()) {
        owned_.push_back(std::move(compiled));
        entry.store(owned_.back().get(), std::memory_order_release);
    }
    return *entry.load();
}

}  // namespace reven
