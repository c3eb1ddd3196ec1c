// SPDX-License-Identifier: Apache-2.0
// reven-demangler: reads linker names, a line each, and answers each with a line: the C++
// declaration, or nothing for what is none. A name can be made so that demangling it takes any
// memory and time, or breaks the demangler; then this process ends, and nothing else.
#include <cxxabi.h>
#include <sys/resource.h>
#include <sys/time.h>
#include <unistd.h>

#include <cstdio>
#include <cstdlib>
#include <cstring>

namespace {

constexpr rlim_t MEMORY = 256u << 20;         // bytes of address space
constexpr suseconds_t MICROSECONDS = 250000;  // of the processor, for a name
constexpr size_t LONGEST = 32768;             // characters of a declaration

void limit(__rlimit_resource_t what, rlim_t most) {
    const rlimit both{most, most};
    setrlimit(what, &both);
}

}  // namespace

int main() {
    limit(RLIMIT_AS, MEMORY);
    limit(RLIMIT_CORE, 0);
    char* line = nullptr;
    size_t room = 0;
    for (ssize_t size; (size = getline(&line, &room, stdin)) > 0;) {
        if (line[size - 1] == '\n') line[size - 1] = 0;
        // Its signal ends the process.
        const itimerval time{{0, 0}, {0, MICROSECONDS}};
        setitimer(ITIMER_VIRTUAL, &time, nullptr);
        int status = 0;
        char* found = abi::__cxa_demangle(line, nullptr, nullptr, &status);
        const itimerval never{};
        setitimer(ITIMER_VIRTUAL, &never, nullptr);
        if (status == -1 || (found && std::strlen(found) > LONGEST)) _exit(1);
        if (found) std::fputs(found, stdout);
        std::free(found);
        std::putchar('\n');
        std::fflush(stdout);
    }
    return 0;
}
