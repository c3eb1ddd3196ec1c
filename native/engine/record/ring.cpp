// SPDX-License-Identifier: Apache-2.0
#include "record/ring.h"

#include <fcntl.h>
#include <poll.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <unistd.h>

#include <algorithm>
#include <atomic>
#include <cerrno>
#include <cstring>
#include <string>

#include "base/error.h"
#include "stream/limits.h"

namespace reven {

namespace {

// The recorder keeps room for REVEN_KEY_INTERVAL of its largest records so far; a
// slot's pages are only used as far as they are filled.
constexpr uint32_t SLOT_COUNT = 6;
constexpr uint64_t ALIGNMENT = 64u << 10;
constexpr uint64_t VALUES_SIZE = uint64_t{REVEN_KEY_INTERVAL} * REVEN_MAX_VALUES + (4u << 20);
constexpr uint64_t CONTROL_SIZE = 4u << 20;
constexpr uint64_t VALUES_OFFSET = REVEN_SLOT_EXECUTIONS * sizeof(uint32_t) + ALIGNMENT;
constexpr uint64_t CONTROL_OFFSET = VALUES_OFFSET + VALUES_SIZE + ALIGNMENT;
constexpr uint64_t SLOT_SIZE = CONTROL_OFFSET + CONTROL_SIZE + ALIGNMENT;
constexpr uint64_t RING_SIZE = ALIGNMENT + SLOT_COUNT * SLOT_SIZE;
static_assert(VALUES_SIZE <= limits::MAX_VALUES && CONTROL_SIZE <= limits::MAX_CONTROL);
static_assert(SLOT_SIZE % ALIGNMENT == 0);
static_assert(limits::MAX_EXECUTIONS * sizeof(uint32_t) <= VALUES_OFFSET);

// What a slot usually needs; the pages of more are given back.
constexpr size_t KEPT_SIZE = 2u << 20;

// How long to sleep before looking again, should a wake-up be lost.
constexpr int RECHECK_MS = 100;

template <typename T>
std::atomic_ref<T> shared(T& field) {
    return std::atomic_ref<T>(field);
}

[[noreturn]] void fail(const char* what) {
    throw TraceError(std::string(what) + " failed: " + std::strerror(errno));
}

}  // namespace

Ring::Ring(int connection)
    : connection_(::fcntl(connection, F_DUPFD_CLOEXEC, 0)),
      memory_(::memfd_create("reven-ring", MFD_CLOEXEC)) {
    if (connection_.get() < 0) fail("Using the recorder's connection");
    if (memory_.get() < 0 || ::ftruncate(memory_.get(), RING_SIZE) < 0)
        fail("Creating the memory shared with the recorder");
    void* mapped = ::mmap(nullptr, RING_SIZE, PROT_READ | PROT_WRITE, MAP_SHARED, memory_.get(), 0);
    if (mapped == MAP_FAILED) fail("Mapping the memory shared with the recorder");
    header_ = static_cast<reven_ring_header*>(mapped);
    header_->first_slot = ALIGNMENT;
    header_->slot_size = SLOT_SIZE;
    header_->values_offset = VALUES_OFFSET;
    header_->values_size = VALUES_SIZE;
    header_->control_offset = CONTROL_OFFSET;
    header_->control_size = CONTROL_SIZE;
    header_->slot_count = SLOT_COUNT;
}

void Ring::welcome() {
    reven_welcome welcome{REVEN_HELLO_MAGIC, 1, static_cast<uint32_t>(::getpid()),
                          static_cast<uint32_t>(memory_.get()), RING_SIZE};
    // With the memory's descriptor: a recorder in another namespace, or of another user,
    // cannot open it in /proc.
    iovec bytes{&welcome, sizeof welcome};
    alignas(cmsghdr) char passed[CMSG_SPACE(sizeof(int))] = {};
    msghdr message{};
    message.msg_iov = &bytes;
    message.msg_iovlen = 1;
    message.msg_control = passed;
    message.msg_controllen = sizeof passed;
    cmsghdr* header = CMSG_FIRSTHDR(&message);
    header->cmsg_level = SOL_SOCKET;
    header->cmsg_type = SCM_RIGHTS;
    header->cmsg_len = CMSG_LEN(sizeof(int));
    const int descriptor = memory_.get();
    std::memcpy(CMSG_DATA(header), &descriptor, sizeof descriptor);
    // A recorder that has gone already is met as such in next().
    (void)::sendmsg(connection_.get(), &message, MSG_NOSIGNAL);
}

Ring::~Ring() {
    if (header_) ::munmap(header_, RING_SIZE);
}

bool Ring::wait_after(uint64_t taken) {
    shared(header_->writer_waits).store(1);
    if (shared(header_->produced).load() != taken) return true;
    pollfd readable{connection_.get(), POLLIN, 0};
    if (::poll(&readable, 1, RECHECK_MS) <= 0) return true;
    char bytes[64];
    ssize_t count = ::recv(connection_.get(), bytes, sizeof bytes, MSG_DONTWAIT);
    return count > 0 || (count < 0 && (errno == EAGAIN || errno == EINTR));
}

Ring::Slot Ring::slot(uint64_t number, uint32_t executions, uint32_t values_size,
                      uint32_t control_size) const {
    if (executions > limits::MAX_EXECUTIONS || values_size > VALUES_SIZE ||
        control_size > CONTROL_SIZE)
        return {};
    const auto* base =
        reinterpret_cast<const uint8_t*>(header_) + ALIGNMENT + number % SLOT_COUNT * SLOT_SIZE;
    return {true,
            header_->slot[number % SLOT_COUNT].first_execution,
            reinterpret_cast<const uint32_t*>(base),
            executions,
            {base + VALUES_OFFSET, values_size},
            {base + CONTROL_OFFSET, control_size}};
}

std::optional<Ring::Slot> Ring::next(size_t ahead, bool wait) {
    const uint64_t number = released_ + ahead;
    while (shared(header_->produced).load() == number) {
        if (gone_ || !wait) return {};
        gone_ = !wait_after(number);
    }
    const auto& filled = header_->slot[number % SLOT_COUNT];
    return slot(number, filled.executions, filled.values_size, filled.control_size);
}

Ring::Slot Ring::salvage() const {
    const auto& filled = header_->slot[released_ % SLOT_COUNT];
    return slot(released_, filled.salvage_executions, filled.salvage_values_size,
                filled.salvage_control_size);
}

void Ring::forget(const void* from, size_t size) {
    if (size > KEPT_SIZE)
        ::madvise(const_cast<char*>(static_cast<const char*>(from)) + KEPT_SIZE,
                  (size - KEPT_SIZE + 4095) & ~size_t{4095}, MADV_REMOVE);
}

void Ring::release() {
    auto& filled = header_->slot[released_ % SLOT_COUNT];
    Slot freed = slot(released_, 0, 0, 0);
    forget(freed.values.data(), std::min<uint64_t>(filled.values_size, VALUES_SIZE));
    forget(freed.control.data(), std::min<uint64_t>(filled.control_size, CONTROL_SIZE));
    filled = {};
    shared(header_->consumed).store(++released_);
    if (shared(header_->recorder_waits).exchange(0)) {
        char byte = 0;
        // Should the socket be full, the recorder has bytes to wake it already.
        (void)::send(connection_.get(), &byte, 1, MSG_NOSIGNAL | MSG_DONTWAIT);
    }
}

void Ring::stop() { shared(header_->stop).store(1); }

void Ring::pause(bool paused) { shared(header_->pause).store(paused); }

void Ring::renew() { shared(header_->renew).store(1); }

void Ring::disconnect() { ::shutdown(connection_.get(), SHUT_RDWR); }

}  // namespace reven
