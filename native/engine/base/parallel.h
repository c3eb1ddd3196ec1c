// SPDX-License-Identifier: Apache-2.0
// The same work for many items, by several threads.
#pragma once

#include <algorithm>
#include <atomic>
#include <cstdint>
#include <exception>
#include <mutex>
#include <thread>
#include <vector>

namespace reven {

// `make(i)` for each i of [0, count), in that order in the result. Throws the first error.
template <typename Result, typename Make>
std::vector<Result> in_parallel(uint32_t count, uint32_t threads, const Make& make) {
    std::vector<Result> results(count);
    std::atomic<uint32_t> next = 0;
    std::exception_ptr error;
    std::mutex error_mutex;
    const auto work = [&] {
        for (uint32_t i; (i = next.fetch_add(1)) < count;) {
            try {
                results[i] = make(i);
            } catch (...) {
                std::lock_guard lock(error_mutex);
                if (!error) error = std::current_exception();
                next = count;
            }
        }
    };
    std::vector<std::thread> others;
    for (uint32_t i = 1; i < std::min(threads, count); ++i) others.emplace_back(work);
    work();
    for (std::thread& thread : others) thread.join();
    if (error) std::rethrow_exception(error);
    return results;
}

}  // namespace reven
