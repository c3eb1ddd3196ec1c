// SPDX-License-Identifier: Apache-2.0
#include "taint/syscalls.h"

#include <algorithm>
#include <cstring>
#include <memory>
#include <string>
#include <utility>

#include "base/bytes.h"

namespace reven {
namespace {

// Numbers and flags of the Linux system call interface on x86-64.
enum Number : uint64_t {
    READ = 0,
    WRITE = 1,
    OPEN = 2,
    CLOSE = 3,
    LSEEK = 8,
    PREAD64 = 17,
    PWRITE64 = 18,
    READV = 19,
    WRITEV = 20,
    PIPE = 22,
    DUP = 32,
    DUP2 = 33,
    SENDTO = 44,
    RECVFROM = 45,
    SENDMSG = 46,
    RECVMSG = 47,
    SOCKETPAIR = 53,
    FCNTL = 72,
    CREAT = 85,
    OPENAT = 257,
    DUP3 = 292,
    PIPE2 = 293
};
constexpr uint64_t WRITE_ONLY = 1, READ_WRITE = 2, CREATE = 0x40, TRUNCATE = 0x200, APPEND = 0x400;
constexpr uint64_t PEEK = 2;
constexpr uint64_t DUPLICATE = 0, DUPLICATE_CLOSE_ON_EXEC = 1030;
constexpr uint64_t MOST_VECTORS = 1024;
constexpr size_t MOST_PATH = 4096;
constexpr uint32_t STREAM_BITS = 40;

struct Call {
    uint64_t number;
    uint64_t arguments[6];
    uint64_t enter;  // contexts
    uint64_t exit;
    uint32_t thread;
    int64_t result;
};

// Bytes on their way: those written lie at the addresses from `base` on.
struct Stream {
    uint64_t base;
    uint64_t written = 0;
    uint64_t taken = 0;
};

// What a descriptor stands for. `position`: in a file.
struct Open {
    std::shared_ptr<Stream> in, out;
    bool is_file = false;
    bool appends = false;
    uint64_t position = 0;
};

class Simulation {
   public:
    Simulation(Queries& queries, const Progress& progress)
        : queries_(queries), progress_(progress) {}

    SyscallEffects run(std::vector<Call> calls) {
        const auto creates_file = [](const Call& call) {
            return (call.number == OPEN && (call.arguments[1] & (WRITE_ONLY | READ_WRITE))) ||
                   (call.number == OPENAT && (call.arguments[2] & (WRITE_ONLY | READ_WRITE))) ||
                   call.number == CREAT;
        };
        follows_files_ = std::any_of(calls.begin(), calls.end(), creates_file);
        for (const Call& call : calls) {
            if (progress_) progress_(0, 1);
            if (call.number == RT_SIGRETURN)
                effects_.restores.insert({call.enter, call.thread});
            else
                carry_out(call);
        }
        return std::move(effects_);
    }

   private:
    using Pieces = std::vector<std::pair<uint64_t, uint64_t>>;  // address, size

    bool read(uint64_t context, uint64_t address, void* to, size_t size) {
        std::vector<uint8_t> known(size);
        queries_.read_memory(context, address, {static_cast<uint8_t*>(to), size}, known, {});
        return std::all_of(known.begin(), known.end(), [](uint8_t byte) { return byte; });
    }

    std::string read_path(uint64_t context, uint64_t address) {
        std::string path;
        char piece[64];
        while (path.size() < MOST_PATH && read(context, address + path.size(), piece, 64)) {
            const size_t length = strnlen(piece, sizeof piece);
            path.append(piece, length);
            if (length < sizeof piece) return path;
        }
        return "";
    }

    Open* find(uint64_t descriptor) {
        const auto at = open_.find(static_cast<int32_t>(descriptor));
        return at == open_.end() ? nullptr : at->second.get();
    }

    std::shared_ptr<Stream> new_stream() {
        return std::make_shared<Stream>(Stream{KERNEL_STREAMS | ++streams_ << STREAM_BITS, 0, 0});
    }

    void carry_out(const Call& call) {
        const auto& arguments = call.arguments;
        const auto size = static_cast<uint64_t>(call.result);
        switch (call.number) {
            case READ:
                take(call, arguments[0], {{arguments[1], size}});
                break;
            case WRITE:
                give(call, arguments[0], {{arguments[1], size}});
                break;
            case PREAD64:
            case PWRITE64: {
                Open* file = find(arguments[0]);
                if (!file || !file->is_file) break;
                const uint64_t kept = std::exchange(file->position, arguments[3]);
                const bool appends = std::exchange(file->appends, false);
                if (call.number == PREAD64)
                    take(call, arguments[0], {{arguments[1], size}});
                else
                    give(call, arguments[0], {{arguments[1], size}});
                file->position = kept;
                file->appends = appends;
                break;
            }
            case READV:
                take(call, arguments[0], vectors(call, arguments[1], arguments[2]));
                break;
            case WRITEV:
                give(call, arguments[0], vectors(call, arguments[1], arguments[2]));
                break;
            case SENDTO:
                give(call, arguments[0], {{arguments[1], size}});
                break;
            case RECVFROM:
                take(call, arguments[0], {{arguments[1], size}}, arguments[3] & PEEK);
                break;
            case SENDMSG:
            case RECVMSG: {
                uint64_t header[4];  // struct msghdr: name, its length, vectors, their number
                if (!find(arguments[0]) || !read(call.exit, arguments[1], header, sizeof header))
                    break;
                const Pieces pieces = vectors(call, header[2], header[3]);
                if (call.number == SENDMSG)
                    give(call, arguments[0], pieces);
                else
                    take(call, arguments[0], pieces, arguments[2] & PEEK);
                break;
            }
            case PIPE:
            case PIPE2: {
                int32_t ends[2];
                if (call.result != 0 || !read(call.exit, arguments[0], ends, sizeof ends)) break;
                const auto stream = new_stream();
                open_[ends[0]] = std::make_shared<Open>(Open{stream, nullptr});
                open_[ends[1]] = std::make_shared<Open>(Open{nullptr, stream});
                break;
            }
            case SOCKETPAIR: {
                int32_t ends[2];
                if (call.result != 0 || !read(call.exit, arguments[3], ends, sizeof ends)) break;
                const auto there = new_stream(), back = new_stream();
                open_[ends[0]] = std::make_shared<Open>(Open{back, there});
                open_[ends[1]] = std::make_shared<Open>(Open{there, back});
                break;
            }
            case DUP:
            case DUP2:
            case DUP3:
                duplicate(call);
                break;
            case FCNTL:
                if (arguments[1] == DUPLICATE || arguments[1] == DUPLICATE_CLOSE_ON_EXEC)
                    duplicate(call);
                break;
            case CLOSE:
                open_.erase(static_cast<int32_t>(arguments[0]));
                break;
            case LSEEK:
                if (Open* file = find(arguments[0]); file && call.result >= 0)
                    file->position = size;
                break;
            case OPEN:
                open(call, arguments[0], arguments[1]);
                break;
            case CREAT:
                open(call, arguments[0], WRITE_ONLY | CREATE | TRUNCATE);
                break;
            case OPENAT:
                open(call, arguments[1], arguments[2]);
                break;
            default:
                break;
        }
    }

    void duplicate(const Call& call) {
        if (call.result < 0) return;
        const auto at = open_.find(static_cast<int32_t>(call.arguments[0]));
        if (at == open_.end())
            open_.erase(static_cast<int32_t>(call.result));
        else
            open_[static_cast<int32_t>(call.result)] = at->second;
    }

    // Files are told apart by the names they are opened by.
    void open(const Call& call, uint64_t path_address, uint64_t flags) {
        if (!follows_files_ || call.result < 0) return;
        open_.erase(static_cast<int32_t>(call.result));
        const std::string path = read_path(call.enter, path_address);
        const bool writes = flags & (WRITE_ONLY | READ_WRITE);
        if (path.empty() || (!writes && !files_.count(path))) return;
        auto& stream = files_[path];
        if (!stream || (flags & TRUNCATE)) stream = new_stream();
        open_[static_cast<int32_t>(call.result)] =
            std::make_shared<Open>(Open{stream, stream, true, (flags & APPEND) != 0, 0});
    }

    Pieces vectors(const Call& call, uint64_t address, uint64_t count) {
        Pieces pieces;
        auto left = static_cast<uint64_t>(std::max<int64_t>(call.result, 0));
        if (!find(call.arguments[0])) return pieces;
        for (uint64_t i = 0; i < std::min(count, MOST_VECTORS) && left > 0; ++i) {
            uint64_t vector[2];
            if (!read(call.exit, address + 16 * i, vector, sizeof vector)) break;
            pieces.emplace_back(vector[0], std::min(vector[1], left));
            left -= pieces.back().second;
        }
        return pieces;
    }

    void give(const Call& call, uint64_t descriptor, const Pieces& pieces) {
        Open* open = find(descriptor);
        if (!open || !open->out || call.result <= 0) return;
        Stream& stream = *open->out;
        if (open->appends) open->position = stream.written;
        for (const auto& [address, size] : pieces) {
            const uint64_t at = open->is_file ? open->position : stream.written;
            if (at + size >= uint64_t{1} << STREAM_BITS) return;
            effects_.moves[{call.enter, call.thread, false}].push_back(
                {address, stream.base + at, size});
            stream.written = std::max(stream.written, at + size);
            open->position = at + size;
        }
    }

    void take(const Call& call, uint64_t descriptor, const Pieces& pieces, bool peeks = false) {
        Open* open = find(descriptor);
        if (!open || !open->in || call.result <= 0) return;
        Stream& stream = *open->in;
        const uint64_t kept = stream.taken;
        for (const auto& [address, size] : pieces) {
            uint64_t& position = open->is_file ? open->position : stream.taken;
            // What another process wrote is not this one's data.
            const uint64_t own =
                stream.written > position ? std::min(size, stream.written - position) : 0;
            if (own > 0)
                effects_.moves[{call.exit, call.thread, true}].push_back(
                    {stream.base + position, address, own});
            position += size;
        }
        if (peeks) stream.taken = kept;
    }

    Queries& queries_;
    const Progress& progress_;
    bool follows_files_ = false;
    uint64_t streams_ = 0;
    std::map<int32_t, std::shared_ptr<Open>> open_;
    std::map<std::string, std::shared_ptr<Stream>> files_;
    SyscallEffects effects_;
};

bool matters(uint64_t number) {
    switch (number) {
        case PIPE:
        case PIPE2:
        case SOCKETPAIR:
        case OPEN:
        case OPENAT:
        case CREAT:
        case READ:
        case WRITE:
        case PREAD64:
        case PWRITE64:
        case READV:
        case WRITEV:
        case SENDTO:
        case RECVFROM:
        case SENDMSG:
        case RECVMSG:
        case DUP:
        case DUP2:
        case DUP3:
        case FCNTL:
        case CLOSE:
        case LSEEK:
            return true;
        default:
            return false;
    }
}

// Calls that returned. One that gives data is in its place where it began: who reads it
// may return before it does.
std::vector<Call> finished_calls(Queries& queries, const Progress& progress) {
    const auto lock = queries.need_outline(progress);
    std::map<uint32_t, Call> begun;  // by thread
    std::vector<std::pair<uint64_t, Call>> calls;
    for (const auto& chunk : queries.outline().chunks())
        for (const IndexedRecord& record : chunk->syscalls(queries.outline().file())) {
            const uint8_t* payload = record.payload.data();
            if (record.type == REVEN_SYSCALL_ENTER) {
                Call call{read_as<uint64_t>(payload), {}, record.context, 0, record.thread, 0};
                for (size_t i = 0; i < 6; ++i)
                    call.arguments[i] = read_as<uint64_t>(payload + 8 + 8 * i);
                begun[record.thread] = call;
                // It does not always return, as far as the recorder sees.
                if (call.number == RT_SIGRETURN) calls.emplace_back(call.enter, call);
                continue;
            }
            const auto at = begun.find(record.thread);
            if (at == begun.end()) continue;
            Call call = at->second;
            begun.erase(at);
            if (!matters(call.number)) continue;
            call.exit = record.context;
            call.result = read_as<int64_t>(payload + 8);
            const bool gives = call.number == WRITE || call.number == WRITEV ||
                               call.number == SENDTO || call.number == SENDMSG;
            calls.emplace_back(gives ? call.enter : call.exit, call);
        }
    std::stable_sort(calls.begin(), calls.end(),
                     [](const auto& a, const auto& b) { return a.first < b.first; });
    std::vector<Call> result;
    for (const auto& [_, call] : calls) result.push_back(call);
    return result;
}

}  // namespace

SyscallEffects find_syscall_effects(Queries& queries, const Progress& progress) {
    return Simulation(queries, progress).run(finished_calls(queries, progress));
}

}  // namespace reven
