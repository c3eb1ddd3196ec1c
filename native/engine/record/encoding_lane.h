// SPDX-License-Identifier: Apache-2.0
// A thread that encodes one batch at a time.
#pragma once

#include <condition_variable>
#include <cstdint>
#include <exception>
#include <mutex>
#include <thread>

#include "store/segment_codec.h"

namespace reven {

class EncodingLane {
   public:
    explicit EncodingLane(const TemplateTable& templates);
    // Waits for what it is encoding.
    ~EncodingLane();
    EncodingLane(const EncodingLane&) = delete;
    EncodingLane& operator=(const EncodingLane&) = delete;

    // What is encoded next; left alone between start() and finish().
    Batch batch;

    // See SegmentEncoder::encode. Each start is followed by one finish.
    void start(uint32_t template_count);
    // Waits; valid until the next start. Throws what encoding threw.
    EncodedSegment& finish();

   private:
    enum class State { Idle, Started, Stopping };

    void run();
    void go_to(State state);

    SegmentEncoder encoder_;
    uint32_t template_count_ = 0;
    EncodedSegment* encoded_ = nullptr;
    std::exception_ptr failure_;
    State state_ = State::Idle;
    std::mutex mutex_;
    std::condition_variable changed_;
    std::thread thread_;
};

}  // namespace reven
