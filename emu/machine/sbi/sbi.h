// The built-in firmware: RISC-V SBI v2.0, as far as a supervisor sees it.
//
// A call is a value in and a value out; everything it does goes through SbiPlatform, so that each extension
// can be read beside its chapter and tested without a machine. One file an extension; kExtensions (sbi.cpp)
// is the only list of them, and what probe_extension answers from.
#pragma once

#include <array>
#include <cstdint>
#include <optional>
#include <span>

namespace quire::sbi {

/// Table 1 of the specification.
enum class Status : std::int64_t {
  kSuccess = 0,
  kFailed = -1,
  kNotSupported = -2,
  kInvalidParam = -3,
  kDenied = -4,
  kInvalidAddress = -5,
  kAlreadyAvailable = -6,
  kAlreadyStarted = -7,
  kAlreadyStopped = -8,
};

struct Return {
  Status error = Status::kSuccess;
  std::uint64_t value = 0;
};

struct Call {
  unsigned hart;                      ///< the caller
  std::uint64_t extension;            ///< a7
  std::uint64_t function;             ///< a6
  std::array<std::uint64_t, 6> args;  ///< a0..a5
};

/// Chapter 9.1.
enum class HartStatus : std::uint8_t { kStarted = 0, kStopped = 1, kStartPending = 2, kSuspended = 4 };

enum class ResetKind : std::uint8_t { kShutdown, kReboot };

/// What the firmware asks of the machine. Hart numbers are below hart_count(). Physical ranges that are not
/// wholly RAM: false, and nothing happened.
class SbiPlatform {
 public:
  virtual ~SbiPlatform() = default;
  virtual unsigned hart_count() const = 0;
  virtual std::uint64_t machine_id_csr(unsigned number) const = 0;  ///< mvendorid, marchid, mimpid

  /// Makes STIP pending when `time` reaches `ticks`, and clears it until then.
  virtual void set_timer(unsigned hart, std::uint64_t ticks) = 0;
  virtual void raise_software_interrupt(unsigned hart) = 0;
  virtual void fence_i(unsigned hart) = 0;
  /// `size` UINT64_MAX: every address.
  virtual void sfence_vma(unsigned hart, std::uint64_t start, std::uint64_t size,
                          std::optional<std::uint64_t> asid) = 0;

  virtual HartStatus hart_status(unsigned hart) const = 0;
  virtual void start_hart(unsigned hart, std::uint64_t address, std::uint64_t opaque) = 0;
  virtual void stop_hart(unsigned hart) = 0;
  virtual void suspend_hart(unsigned hart) = 0;  ///< until an interrupt is pending; keeps all state
  virtual void suspend_hart_and_resume_at(unsigned hart, std::uint64_t address, std::uint64_t opaque) = 0;

  virtual void reset(ResetKind kind, int exit_status) = 0;

  virtual bool read_memory(std::uint64_t address, std::span<std::uint8_t> out) = 0;
  virtual bool write_memory(std::uint64_t address, std::span<const std::uint8_t> data) = 0;
  virtual void console_write(std::span<const std::uint8_t> data) = 0;
  /// How many bytes there were, at most out.size(); never waits.
  virtual std::size_t console_read(std::span<std::uint8_t> out) = 0;
};

/// Answers one call.
Return handle(SbiPlatform& platform, const Call& call);

/// True for the extensions of chapter 5, which return their value in a0 and leave a1 alone.
constexpr bool is_legacy(std::uint64_t extension) { return extension <= 0x0f; }

/// Calls `action(hart)` for each hart of a (hart_mask, hart_mask_base) pair (chapter 3.1). kInvalidParam, and
/// no call, when one does not exist.
template <class Action>
Status for_each_hart(SbiPlatform& platform, std::uint64_t mask, std::uint64_t base, Action action) {
  const unsigned count = platform.hart_count();
  if (base == UINT64_MAX) {  // every hart
    for (unsigned hart = 0; hart < count; ++hart) {
      action(hart);
    }
    return Status::kSuccess;
  }
  for (unsigned bit = 0; bit < 64; ++bit) {
    if ((mask >> bit & 1) != 0 && (base >= count || bit >= count - base)) {
      return Status::kInvalidParam;
    }
  }
  for (unsigned bit = 0; bit < 64; ++bit) {
    if ((mask >> bit & 1) != 0) {
      action(static_cast<unsigned>(base) + bit);
    }
  }
  return Status::kSuccess;
}

// The extensions, each in its file.
Return base_extension(SbiPlatform& platform, const Call& call);
Return time_extension(SbiPlatform& platform, const Call& call);
Return ipi_extension(SbiPlatform& platform, const Call& call);
Return rfence_extension(SbiPlatform& platform, const Call& call);
Return hsm_extension(SbiPlatform& platform, const Call& call);
Return srst_extension(SbiPlatform& platform, const Call& call);
Return dbcn_extension(SbiPlatform& platform, const Call& call);
Return legacy_extension(SbiPlatform& platform, const Call& call);

/// True when some extension has this id.
bool has_extension(std::uint64_t id);

}  // namespace quire::sbi
