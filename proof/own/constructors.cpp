// SPDX-License-Identifier: Apache-2.0
// quick: yes
#include <cstdio>
#include <string>
#include <vector>
struct Noisy { std::string name; Noisy(const char *n) : name(n) { std::printf("+%s\n", n); } ~Noisy() { std::printf("-%s\n", name.c_str()); } };
static Noisy one("static");
thread_local Noisy two("thread");
int main() { std::printf("%zu\n", two.name.size()); static Noisy three("local"); std::vector<Noisy> v; v.reserve(2); v.emplace_back("a"); v.emplace_back("b"); return 0; }
