// SPDX-License-Identifier: Apache-2.0
// Recordings: each receives one recorder's stream and appends it to a trace.
#pragma once

#include <condition_variable>
#include <cstdint>
#include <deque>
#include <exception>
#include <filesystem>
#include <memory>
#include <mutex>
#include <set>
#include <string>
#include <thread>
#include <vector>

#include "index/outline_writer.h"
#include "record/encoding_lane.h"
#include "record/ring.h"
#include "store/writer.h"
#include "stream/resolve.h"

namespace reven {

struct MappedFile {
    std::string path;
    uint64_t address = 0;
    bool executable = false;
};

// What the program met that the recorder does otherwise: reven_notice.
struct Notice {
    uint32_t kind = 0;
    uint32_t detail = 0;
    uint64_t ip = 0;
    uint64_t value = 0;
    std::string text;
};

// What the program marked with a text.
struct Mark {
    uint64_t transition = 0;
    std::string text;
};

struct RecordingStatus {
    uint64_t transitions = 0;
    uint64_t executions = 0;
    uint64_t bytes_written = 0;
    uint64_t dropped_transitions = 0;  // before the first that is kept
    uint32_t threads = 0;
    bool finished = false;
    uint32_t end_reason = 0;  // REVEN_END_…; 0: running, or the recorder died
    int32_t end_code = 0;
    reven_signal_info end_signal{};  // of the signal that ended it; number 0: not known
    std::string error;  // why writing failed, or ""
};

class Recording {
   public:
    // `directory` exists and is empty. `connection` is the recorder's socket, after
    // its reven_hello. `max_transitions`: 0 = no limit. A forked recorder shares the
    // first `template_count` templates of `parent`. `keep_bytes`: of the segments, the last
    // so many are kept, and some more; 0: all. Throws TraceError.
    Recording(std::filesystem::path directory, int connection, uint64_t max_transitions,
              const Recording* parent, uint32_t template_count, uint64_t keep_bytes);
    // Gives up what has not been written.
    ~Recording();
    Recording(const Recording&) = delete;
    Recording& operator=(const Recording&) = delete;

    RecordingStatus status() const;
    std::vector<MappedFile> mapped_files();  // since the last call
    std::vector<Notice> notices();           // since the last call
    std::vector<Mark> marks();               // since the last call
    void stop();
    // Asks the recorder to leave out what runs, or no longer.
    void pause(bool paused);
    bool wait(double seconds);  // true once everything is written and closed

   private:
    // What others may see of a recording, and its forks after it is gone.
    struct Progress {
        std::filesystem::path directory;
        mutable std::mutex mutex;
        mutable std::condition_variable changed;
        RecordingStatus status;
        uint32_t templates_written = 0;
        bool writing = true;
        bool abandoned = false;
        std::vector<MappedFile> mapped;
        std::vector<Notice> notices;
        std::vector<Mark> marks;
    };

    // A slot that has been read and not been released.
    struct Taken {
        EncodingLane* lane = nullptr;  // null: nothing of it is written
        std::exception_ptr failure;    // reading it threw this
        std::vector<Mark> marks;       // by transitions of the slot
    };

    void run();
    void share_templates();
    void take(const Ring::Slot& slot);
    void append(Taken taken);
    bool read(const Ring::Slot& slot, Batch& batch);
    void limit(Batch& batch);
    void read_control(std::span<const uint8_t> control, Batch& batch);
    std::vector<Mark> locate_marks(const Batch& batch);
    void note(const RecordView& record);
    void keep_end(const Batch& batch);
    void publish(const std::string& error);

    std::shared_ptr<Progress> progress_ = std::make_shared<Progress>();
    std::shared_ptr<const Progress> parent_;
    uint32_t shared_templates_;
    uint64_t max_transitions_;
    uint64_t keep_bytes_;
    // Segments that need nothing of what came before; the recorder was asked for another.
    struct Beginning {
        uint64_t segment;
        uint64_t image_end;  // bytes written when its image of memory was whole; 0: not yet
    };
    std::deque<Beginning> beginnings_;
    uint64_t image_bytes_ = 0;  // that the last one's image takes
    bool renewing_ = false;
    Ring ring_;
    StoreWriter writer_;
    std::unique_ptr<OutlineWriter> outline_;  // null where segments are dropped
    Resolver resolver_;
    std::deque<EncodingLane> lanes_;
    std::vector<EncodingLane*> idle_lanes_;
    std::deque<Taken> taken_;        // in order
    uint64_t next_execution_ = 0;    // after those of the slots taken
    std::set<uint32_t> threads_;
    std::vector<MappedFile> mapped_;
    std::vector<Notice> notices_;
    std::vector<Mark> marks_;
    // Of the slot being read: its control records and executions before the mark.
    struct PlacedMark {
        size_t control_size;
        size_t executions;
        std::string text;
    };
    std::vector<PlacedMark> placed_marks_;
    reven_signal_info last_signal_{};
    uint32_t end_reason_ = 0;
    int32_t end_code_ = 0;
    bool dropping_ = false;  // what comes is no longer read
    bool failed_ = false;    // … and what has been read no longer written
    std::thread thread_;
};

}  // namespace reven
