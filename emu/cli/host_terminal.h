// The terminal quire was started on, lent to the guest for a run.
//
// While it is lent, every key goes to the guest as it is typed: the guest's line discipline edits, echoes and
// makes signals of control characters. Ctrl-C alone passes through the host's driver, so that a second one
// within a second can end the run whatever the guest does.
#pragma once

#include <csignal>
#include <memory>
#include <optional>
#include <string>

#include "emu/cli/terminal_mode.h"
#include "quire/streams.h"

namespace quire::cli {

enum class Lend { kNo, kYes };

class HostTerminal {
 public:
  /// Looks at the standard streams. Standard input must be a terminal whose foreground this process is;
  /// otherwise nothing is lent and active() is false.
  explicit HostTerminal(Lend lend);
  ~HostTerminal();
  HostTerminal(const HostTerminal&) = delete;
  HostTerminal& operator=(const HostTerminal&) = delete;

  bool active() const { return mode_.has_value(); }
  /// For the supervisor's command line: which streams are the terminal, and how large it is.
  std::string kernel_options() const;
  /// Standard input, with a Ctrl-C where one was typed, and the window when it changes.
  std::shared_ptr<ByteSource> source() const { return source_; }

  /// For the SIGINT handler. False: there is no terminal, or this is the second one within a second.
  static bool pass_interrupt_on();

 private:
  bool is_terminal_[3] = {};
  std::optional<TerminalMode> mode_;
  std::shared_ptr<ByteSource> source_;
  struct sigaction before_ = {};  // of SIGWINCH
};

}  // namespace quire::cli
