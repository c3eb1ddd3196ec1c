// SPDX-License-Identifier: Apache-2.0
// quick: yes
#include <cstdio>
#include <exception>
#include <memory>
#include <stdexcept>
#include <string>
struct Guard { int n; ~Guard() { std::printf("~%d ", n); } };
static int deep(int n) { Guard guard{n}; if (n == 0) throw std::runtime_error("bottom"); return deep(n - 1) + 1; }
int main() {
    for (int i = 0; i < 4; i++) try { deep(i); } catch (const std::logic_error &) { std::puts("no"); } catch (const std::exception &e) { std::puts(e.what()); }
    try { try { throw 5; } catch (int) { std::throw_with_nested(std::runtime_error("outer")); } } catch (const std::exception &e) { try { std::rethrow_if_nested(e); } catch (int n) { std::printf("%s %d\n", e.what(), n); } }
    try { std::string("abc").at(7); } catch (const std::out_of_range &) { std::puts("range"); }
    return 0;
}
