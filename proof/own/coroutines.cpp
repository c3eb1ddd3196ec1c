// SPDX-License-Identifier: Apache-2.0
// flags: -std=c++20 -O1
#include <coroutine>
#include <cstdio>
struct Generator {
    struct promise_type { int value; Generator get_return_object() { return {std::coroutine_handle<promise_type>::from_promise(*this)}; } std::suspend_always initial_suspend() { return {}; } std::suspend_always final_suspend() noexcept { return {}; } std::suspend_always yield_value(int v) { value = v; return {}; } void return_void() {} void unhandled_exception() {} };
    std::coroutine_handle<promise_type> handle;
};
static Generator fibonacci(int n) { int a = 0, b = 1; for (int i = 0; i < n; i++) { co_yield a; int c = a + b; a = b; b = c; } }
int main() { auto g = fibonacci(20); long sum = 0; while (g.handle.resume(), !g.handle.done()) sum += g.handle.promise().value; g.handle.destroy(); std::printf("%ld\n", sum); return 0; }
