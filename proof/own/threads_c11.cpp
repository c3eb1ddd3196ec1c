// SPDX-License-Identifier: Apache-2.0
// flags: -O1 -pthread -std=c++20
// quick: yes
#include <atomic>
#include <condition_variable>
#include <cstdio>
#include <future>
#include <latch>
#include <mutex>
#include <queue>
#include <thread>
int main() {
    std::mutex m; std::condition_variable c; std::queue<int> q; long sum = 0; std::latch done(3);
    std::jthread consumer([&] { for (int i = 0; i < 300; i++) { std::unique_lock l(m); c.wait(l, [&] { return !q.empty(); }); sum += q.front(); q.pop(); } });
    std::vector<std::jthread> p; for (int t = 0; t < 3; t++) p.emplace_back([&, t] { for (int i = 0; i < 100; i++) { { std::lock_guard l(m); q.push(i * t); } c.notify_one(); } done.count_down(); });
    done.wait(); consumer.join(); auto f = std::async(std::launch::async, [] { return 42; }); std::atomic<int> a{0}; std::jthread w([&] { a = 1; a.notify_all(); }); a.wait(0);
    std::printf("%ld %d\n", sum, f.get()); return 0;
}
