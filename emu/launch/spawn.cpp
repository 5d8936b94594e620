// The host's side of the control port (quire/arch/bootinfo.h).
#include <fmt/format.h>
#include <sys/stat.h>

#include <cstring>
#include <map>
#include <optional>
#include <span>

#include "emu/launch/program_plan.h"
#include "quire/arch/bootinfo.h"
#include "quire/launch.h"

namespace quire {
namespace {

using arch::ControlHeader;
using arch::ControlPutFile;
using arch::ControlType;

// A refusal comes without an event, so the reply is looked for this often.
constexpr std::uint64_t kSliceInsns = 200'000;
// And when the guest waits, but devices have something scheduled.
constexpr std::uint64_t kSliceNs = 1'000'000'000;
// Far more than the supervisor needs for a file of 4 GiB.
constexpr std::uint64_t kPatienceInsns = 20'000'000'000;

class MessageWriter {
 public:
  explicit MessageWriter(Machine& machine) : machine_(machine) {}

  void put(const std::string& path, const GuestTree::Entry& entry, std::uint32_t token) {
    // The port knows no other types; st_mode carries a directory's, and a plain file's is left out.
    const std::uint32_t mode = S_ISDIR(entry.mode) ? entry.mode : entry.mode & 07777;
    const ControlPutFile head{mode, static_cast<arch::u32>(path.size())};
    begin(ControlType::kPutFile, token, sizeof head + path.size() + entry.data.size());
    append(&head, sizeof head);
    append(path.data(), path.size());
    append(entry.data.data(), entry.data.size());
    machine_.control_write(message_);
  }

  void spawn(const std::string& run_file, std::uint32_t token) {
    begin(ControlType::kSpawn, token, run_file.size());
    append(run_file.data(), run_file.size());
    machine_.control_write(message_);
  }

 private:
  void begin(ControlType type, std::uint32_t token, std::uint64_t length_bytes) {
    message_.clear();
    const ControlHeader header{arch::kControlMagic, static_cast<arch::u32>(type), token, 0, length_bytes};
    append(&header, sizeof header);
  }
  void append(const void* data, std::size_t size) {
    const auto* bytes = static_cast<const std::uint8_t*>(data);
    message_.insert(message_.end(), bytes, bytes + size);
  }

  Machine& machine_;
  std::vector<std::uint8_t> message_;
};

/// Stops the machine at the instruction that tells of our program.
class SpawnWatch final : public TraceSink {
 public:
  SpawnWatch(Machine& machine, std::uint32_t token) : machine_(machine), token_(token) {
    machine_.add_sink(this);
  }
  ~SpawnWatch() override { machine_.remove_sink(this); }
  SpawnWatch(const SpawnWatch&) = delete;
  SpawnWatch& operator=(const SpawnWatch&) = delete;

  void on_event(const TraceEvent& event) override {
    if (event.id == arch::TraceEventId::k_spawn && event.args[0] == token_) {
      pid_ = static_cast<int>(event.args[1]);
      machine_.request_stop();
    }
  }
  std::optional<int> pid() const { return pid_; }

 private:
  Machine& machine_;
  std::uint32_t token_;
  std::optional<int> pid_;
};

/// Takes replies off the port; those to earlier calls are passed over.
class ReplyReader {
 public:
  explicit ReplyReader(Machine& machine) : machine_(machine) {}

  struct Reply {
    std::uint32_t token;
    std::int32_t result;
  };

  std::vector<Reply> read() {
    const auto fresh = machine_.control_read();
    buffer_.insert(buffer_.end(), fresh.begin(), fresh.end());
    std::vector<Reply> replies;
    ControlHeader header;
    while (buffer_.size() >= sizeof header) {
      std::memcpy(&header, buffer_.data(), sizeof header);
      if (header.magic != arch::kControlMagic) {
        throw Error(ErrorKind::kInternal, "the supervisor's reply on the control port is malformed");
      }
      if (header.length_bytes > buffer_.size() - sizeof header) {
        break;
      }
      const auto whole = static_cast<std::ptrdiff_t>(sizeof header + header.length_bytes);
      buffer_.erase(buffer_.begin(), buffer_.begin() + whole);
      replies.push_back({header.token, header.result});
    }
    return replies;
  }

 private:
  Machine& machine_;
  std::vector<std::uint8_t> buffer_;
};

/// Tokens need to be unique among the requests of one machine only; its count of instructions grows with each
/// spawn.
std::uint32_t fresh_token(const Machine& machine) {
  return static_cast<std::uint32_t>(machine.icount()) | 0x8000'0000U;
}

/// A directory that the guest makes on the way to a file, or has already, keeps the permissions it has there.
bool comes_with_its_contents(const GuestTree& tree, const std::string& path, const GuestTree::Entry& entry) {
  if (!S_ISDIR(entry.mode)) {
    return false;
  }
  const auto inside = tree.entries().lower_bound(path + "/");
  return path == "/" || (inside != tree.entries().end() && inside->first.starts_with(path + "/")) ||
         base_tree().contains(path);
}

/// What was asked of the supervisor, by token, until it answers.
class Requests {
 public:
  Requests(Machine& machine, const SpawnProgress& progress)
      : machine_(machine), replies_(machine), progress_(progress) {
    replies_.read();  // what is left of earlier requests
  }

  void expect(std::uint32_t token, std::string what) { waiting_.emplace(token, std::move(what)); }

  /// Runs the machine until every answer has come, or `done` says that the rest needs none. Throws
  /// Error(kInternal) for a refusal, once the other answers are there.
  template <class Done>
  void await(const std::string& program, Done&& done) {
    const std::uint64_t end = machine_.icount() + kPatienceInsns;
    std::optional<std::string> refusal;
    while (!waiting_.empty() && !done()) {
      const Slice slice = run_slice(done);
      for (const ReplyReader::Reply& reply : replies_.read()) {
        if (const auto request = waiting_.find(reply.token); request != waiting_.end()) {
          if (reply.result < 0 && !refusal) {
            refusal =
                fmt::format("the supervisor refused {}: {}", request->second, std::strerror(-reply.result));
          }
          waiting_.erase(request);
        }
      }
      if (waiting_.empty() || done()) {
        break;
      }
      if (!slice.whole || machine_.icount() >= end) {
        const Stop& stop = slice.stop;
        throw Error(
            ErrorKind::kInternal,
            fmt::format("{}: the machine stopped before the program was started: {}", program,
                        stop.reason == StopReason::kLimit ? "the supervisor does not answer" : stop.detail));
      }
    }
    if (refusal) {
      throw Error(ErrorKind::kInternal, *refusal);
    }
  }

 private:
  struct Slice {
    Stop stop;
    bool whole;
  };

  /// What is written to the guest next must not depend on where somebody else stopped it, so a slice is run
  /// as a whole.
  template <class Done>
  Slice run_slice(Done&& done) {
    const std::uint64_t end = machine_.icount() + kSliceInsns;
    const std::uint64_t end_ns = machine_.time_ns() + kSliceNs;
    for (;;) {
      Stop stop = machine_.run({.max_insns = end - machine_.icount(), .max_ns = end_ns - machine_.time_ns()});
      const SpawnGoes goes = progress_ ? progress_(stop) : SpawnGoes::kNoFurther;
      if (stop.reason == StopReason::kLimit) return {std::move(stop), true};
      if (done() || goes != SpawnGoes::kOn) return {std::move(stop), false};
    }
  }

  Machine& machine_;
  ReplyReader replies_;
  const SpawnProgress& progress_;
  std::map<std::uint32_t, std::string> waiting_;
};

}  // namespace

int spawn(Machine& machine, const Program& program, const SpawnProgress& progress,
          const GuestMounts& mounts) {
  if (machine.config().mode != BootMode::kSupervisor) {
    throw Error(ErrorKind::kUsage, "a bare machine has no supervisor to spawn a program on");
  }
  const ProgramPlan plan =
      mounts.root ? plan_program_in_root(program) : plan_program(program, machine.config().ram_bytes, mounts);
  MessageWriter writer(machine);
  Requests requests(machine, progress);
  std::uint32_t token = fresh_token(machine);
  for (const auto& [path, entry] : plan.tree.entries()) {
    if (!comes_with_its_contents(plan.tree, path, entry)) {
      requests.expect(token, path);
      writer.put(path, entry, token++);
    }
  }
  requests.await(program.host_path, [] { return false; });

  const SpawnWatch watch(machine, token);
  requests.expect(token, program.host_path);
  writer.spawn(plan.run_file, token);
  requests.await(program.host_path, [&] { return watch.pid().has_value(); });
  if (!watch.pid()) {
    throw Error(ErrorKind::kInternal,
                fmt::format("{}: the supervisor tells of no process", program.host_path));
  }
  return *watch.pid();
}

}  // namespace quire
