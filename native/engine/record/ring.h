// SPDX-License-Identifier: Apache-2.0
// The writer's end of the live transport of event_stream.h: the shared slots, and
// the socket to the recorder.
#pragma once

#include <cstdint>
#include <optional>
#include <span>

#include "event_stream.h"
#include "store/file.h"

namespace reven {

class Ring {
   public:
    // A slot's contents, in memory that the recorder shares: what is read twice may
    // differ. `possible`: its sizes are; the other fields hold only then.
    struct Slot {
        bool possible;
        uint64_t first_execution;
        const uint32_t* headers;
        uint32_t executions;
        std::span<const uint8_t> values;
        std::span<const uint8_t> control;
    };

    // Creates the shared memory; keeps a duplicate of `connection`. Throws TraceError.
    explicit Ring(int connection);
    ~Ring();
    Ring(const Ring&) = delete;
    Ring& operator=(const Ring&) = delete;

    // Sends reven_welcome: the recorder begins.
    void welcome();
    // The slot that follows the first `ahead` not released, if it is filled. `wait`: until
    // it is; none then means that the recorder has gone.
    std::optional<Slot> next(size_t ahead, bool wait);
    // Frees the first slot that next() gave.
    void release();
    // What a recorder that died had filled of the slot after the last.
    Slot salvage() const;

    // Asks the recorder to record no more. From any thread.
    void stop();
    void pause(bool paused);
    void renew();
    // Makes next() see the recorder as gone. From any thread.
    void disconnect();

   private:
    bool wait_after(uint64_t taken);
    Slot slot(uint64_t number, uint32_t executions, uint32_t values_size,
              uint32_t control_size) const;
    void forget(const void* from, size_t size);

    Descriptor connection_, memory_;
    reven_ring_header* header_ = nullptr;
    uint64_t released_ = 0;
    bool gone_ = false;
};

}  // namespace reven
