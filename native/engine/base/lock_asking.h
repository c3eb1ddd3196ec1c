// SPDX-License-Identifier: Apache-2.0
// Waiting for what others hold for long, in a way that can be stopped.
#pragma once

#include <chrono>
#include <mutex>
#include <thread>

#include "base/progress.h"

namespace reven {

// Locks the mutex. Asks `progress` now and then while it waits, which throws to stop.
inline std::unique_lock<std::mutex> lock_asking(std::mutex& mutex, const Progress& progress) {
    constexpr std::chrono::milliseconds PAUSE{5};
    std::unique_lock lock(mutex, std::try_to_lock);
    while (!lock.owns_lock()) {
        if (progress) progress(0, 0);
        std::this_thread::sleep_for(PAUSE);
        lock.try_lock();
    }
    return lock;
}

}  // namespace reven
