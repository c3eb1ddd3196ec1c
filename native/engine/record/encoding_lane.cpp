// SPDX-License-Identifier: Apache-2.0
#include "record/encoding_lane.h"

#include <utility>

namespace reven {

EncodingLane::EncodingLane(const TemplateTable& templates)
    : encoder_(templates), thread_(&EncodingLane::run, this) {}

EncodingLane::~EncodingLane() {
    go_to(State::Stopping);
    thread_.join();
}

void EncodingLane::start(uint32_t template_count) {
    template_count_ = template_count;
    go_to(State::Started);
}

EncodedSegment& EncodingLane::finish() {
    std::unique_lock lock(mutex_);
    changed_.wait(lock, [this] { return state_ == State::Idle; });
    if (failure_) std::rethrow_exception(std::exchange(failure_, nullptr));
    return *encoded_;
}

void EncodingLane::go_to(State state) {
    {
        std::lock_guard lock(mutex_);
        state_ = state;
    }
    changed_.notify_all();
}

void EncodingLane::run() {
    while (true) {
        {
            std::unique_lock lock(mutex_);
            changed_.wait(lock, [this] { return state_ != State::Idle; });
            if (state_ == State::Stopping) return;
        }
        try {
            encoded_ = &encoder_.encode(batch, template_count_);
        } catch (...) {
            failure_ = std::current_exception();
        }
        std::unique_lock lock(mutex_);
        if (state_ == State::Stopping) return;
        state_ = State::Idle;
        lock.unlock();
        changed_.notify_all();
    }
}

}  // namespace reven
