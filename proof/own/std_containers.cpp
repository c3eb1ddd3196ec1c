// SPDX-License-Identifier: Apache-2.0
// flags: -O2 -std=c++20
#include <algorithm>
#include <cstdio>
#include <map>
#include <random>
#include <regex>
#include <sstream>
#include <unordered_map>
int main() {
    std::mt19937 r(7); std::map<int, int> m; std::unordered_map<std::string, int> u;
    for (int i = 0; i < 5000; i++) { int v = r() % 997; m[v]++; u[std::to_string(v)] += i; }
    long s = 0; for (auto &[k, v] : m) s = s * 31 + k * v; for (int i = 0; i < 997; i++) s ^= u[std::to_string(i)];
    std::regex e("([a-z]+)-([0-9]+)"); std::smatch f; std::string t = "abc-123 xyz-9"; int n = 0;
    while (std::regex_search(t, f, e)) { n += f[2].length(); t = f.suffix(); }
    std::ostringstream o; o << s << ' ' << n << ' ' << 3.25; std::puts(o.str().c_str()); return 0;
}
