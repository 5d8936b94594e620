#include "emu/devices/user_network.h"

#include <arpa/inet.h>
#include <pthread.h>
#include <signal.h>
#include <slirp/libslirp.h>

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <ctime>

#include "quire/error.h"

namespace quire {

namespace {

constexpr u64 kNsPerMs = 1'000'000;

in_addr network_address(const char* text) {
  in_addr address{};
  inet_pton(AF_INET, text, &address);
  return address;
}

in_addr parse_address(const std::string& text, in_addr otherwise) {
  in_addr address = otherwise;
  if (!text.empty() && inet_pton(AF_INET, text.c_str(), &address) != 1) {
    throw Error(ErrorKind::kUsage, "'" + text + "' is not an IPv4 address in numbers, as in 127.0.0.1");
  }
  return address;
}

/// libslirp writes to sockets whose peers may be gone. The signal for that must not end the process, nor may
/// a library change what signals do: it is held back for this thread and then taken away.
class PipeSignalBlocked {
 public:
  PipeSignalBlocked() {
    sigemptyset(&pipe_);
    sigaddset(&pipe_, SIGPIPE);
    sigset_t pending;
    sigpending(&pending);
    was_pending_ = sigismember(&pending, SIGPIPE) == 1;
    pthread_sigmask(SIG_BLOCK, &pipe_, &before_);
  }
  ~PipeSignalBlocked() {
    if (!was_pending_) {
      const timespec now{};
      while (sigtimedwait(&pipe_, nullptr, &now) < 0 && errno == EINTR) {
      }
    }
    pthread_sigmask(SIG_SETMASK, &before_, nullptr);
  }
  PipeSignalBlocked(const PipeSignalBlocked&) = delete;
  PipeSignalBlocked& operator=(const PipeSignalBlocked&) = delete;

 private:
  sigset_t pipe_;
  sigset_t before_;
  bool was_pending_ = false;
};

constexpr struct {
  int slirp;
  short host;
} kPollBits[] = {{SLIRP_POLL_IN, POLLIN},
                 {SLIRP_POLL_OUT, POLLOUT},
                 {SLIRP_POLL_PRI, POLLPRI},
                 {SLIRP_POLL_ERR, POLLERR},
                 {SLIRP_POLL_HUP, POLLHUP}};

}  // namespace

/// One of libslirp's timers, in the machine's event queue. libslirp 4.7 makes one for IPv6's router
/// advertisements alone, so that there is none today: TCP's timeouts are counted by clock_get_ns whenever
/// slirp_pollfds_poll is called.
struct UserNetwork::Timer {
  UserNetwork& network;
  SlirpTimerId id;
  void* opaque;
  Clock::EventId event = 0;  ///< 0: not set
};

/// What libslirp calls; `opaque` is the UserNetwork.
struct UserNetwork::Callbacks {
  static UserNetwork& self(void* opaque) { return *static_cast<UserNetwork*>(opaque); }

  static ssize_t send_packet(const void* frame, size_t len_bytes, void* opaque) {
    if (self(opaque).receiver_) {
      self(opaque).receiver_({static_cast<const u8*>(frame), len_bytes});
    }
    return static_cast<ssize_t>(len_bytes);
  }
  static void guest_error(const char*, void*) {}
  static int64_t clock_get_ns(void* opaque) { return static_cast<int64_t>(self(opaque).clock_.now_ns()); }
  static void* timer_new(SlirpTimerId id, void* timer_opaque, void* opaque) {
    return new Timer{self(opaque), id, timer_opaque};
  }
  static void timer_free(void* timer, void*) {
    auto* const freed = static_cast<Timer*>(timer);
    freed->network.clock_.cancel(freed->event);
    delete freed;
  }
  static void timer_mod(void* timer, int64_t expire_ms, void*) {
    auto* const set = static_cast<Timer*>(timer);
    Clock& clock = set->network.clock_;
    clock.cancel(set->event);
    set->event = clock.schedule(static_cast<u64>(std::max<int64_t>(expire_ms, 0)) * kNsPerMs, [set] {
      set->event = 0;
      slirp_handle_timer(set->network.slirp_, set->id, set->opaque);
    });
  }
  // Those that connect or send; what the guest opens is known before the next look.
  static void register_poll_fd(int, void* opaque) { ++self(opaque).open_sockets_; }
  static void unregister_poll_fd(int, void*) {}
  static void notify(void*) {}

  static constexpr SlirpCb kTable = {.send_packet = send_packet,
                                     .guest_error = guest_error,
                                     .clock_get_ns = clock_get_ns,
                                     .timer_new = nullptr,
                                     .timer_free = timer_free,
                                     .timer_mod = timer_mod,
                                     .register_poll_fd = register_poll_fd,
                                     .unregister_poll_fd = unregister_poll_fd,
                                     .notify = notify,
                                     .init_completed = nullptr,
                                     .timer_new_opaque = timer_new};

  static int add_poll(int fd, int events, void* opaque) {
    pollfd entry{.fd = fd, .events = 0, .revents = 0};
    for (const auto& bit : kPollBits) {
      entry.events = static_cast<short>(entry.events | ((events & bit.slirp) != 0 ? bit.host : 0));
    }
    self(opaque).polled_.push_back(entry);
    return static_cast<int>(self(opaque).polled_.size()) - 1;
  }
  static int get_revents(int index, void* opaque) {
    int events = 0;
    const short found = self(opaque).polled_.at(static_cast<std::size_t>(index)).revents;
    for (const auto& bit : kPollBits) {
      events |= (found & bit.host) != 0 ? bit.slirp : 0;
    }
    return events;
  }
};

UserNetwork::UserNetwork(Clock& clock, const std::vector<HostForward>& forwards) : clock_(clock) {
  SlirpConfig config{};
  config.version = 4;
  config.in_enabled = true;
  config.vnetwork = network_address("10.0.2.0");
  config.vnetmask = network_address("255.255.255.0");
  config.vhost = network_address("10.0.2.2");
  config.vnameserver = network_address("10.0.2.3");
  config.vdhcp_start = network_address("10.0.2.15");
  config.vhostname = "quire";
  slirp_ = slirp_new(&config, &Callbacks::kTable, this);
  if (slirp_ == nullptr) {
    throw Error(ErrorKind::kInternal, "libslirp cannot make a network");
  }
  try {
    for (const HostForward& wanted : forwards) {
      forward(wanted);
    }
    int no_wait_ms = 0;
    collect_sockets(no_wait_ms);
  } catch (...) {
    slirp_cleanup(slirp_);
    throw;
  }
}

UserNetwork::~UserNetwork() { slirp_cleanup(slirp_); }

void UserNetwork::forward(const HostForward& wanted) {
  const in_addr host = parse_address(wanted.host_address, in_addr{INADDR_ANY});
  const in_addr guest = parse_address(wanted.guest_address, network_address("10.0.2.15"));
  const bool udp = wanted.protocol == HostForward::Protocol::kUdp;
  errno = 0;
  if (slirp_add_hostfwd(slirp_, udp ? 1 : 0, host, wanted.host_port, guest, wanted.guest_port) != 0) {
    throw Error(ErrorKind::kFile, std::string(udp ? "udp:" : "tcp:") + wanted.host_address + ":" +
                                      std::to_string(wanted.host_port) +
                                      ": the host does not give this port to a forward: " +
                                      (errno != 0 ? std::strerror(errno) : "it is taken"));
  }
}

void UserNetwork::send(std::span<const u8> frame) {
  const PipeSignalBlocked guard;
  slirp_input(slirp_, frame.data(), static_cast<int>(frame.size()));
}

/// Fills polled_; cuts `timeout_ms` to what libslirp's own timers leave.
void UserNetwork::collect_sockets(int& timeout_ms) {
  polled_.clear();
  u32 limit_ms = static_cast<u32>(std::max(timeout_ms, 0));
  slirp_pollfds_fill(slirp_, &limit_ms, Callbacks::add_poll, this);
  timeout_ms = static_cast<int>(std::min<u32>(limit_ms, static_cast<u32>(std::max(timeout_ms, 0))));
  open_sockets_ = polled_.size();
}

void UserNetwork::wait(int timeout_ms) {
  const PipeSignalBlocked guard;
  collect_sockets(timeout_ms);
  const int found = ::poll(polled_.data(), polled_.size(), timeout_ms);
  if (found < 0) {  // Ctrl-C: what it means is the run loop's to say
    for (pollfd& entry : polled_) {
      entry.revents = 0;
    }
  }
  slirp_pollfds_poll(slirp_, found < 0 ? 1 : 0, Callbacks::get_revents, this);
}

}  // namespace quire
