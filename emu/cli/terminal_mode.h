// The settings of the terminal on standard input, changed for a while.
//
// Invariant: whenever the process ends, by whatever signal it can catch, the terminal is as it was found.
#pragma once

#include <termios.h>

namespace quire::cli {

/// In force during its life, of which there is one at a time.
class TerminalMode {
 public:
  /// Standard input is a terminal, and this process not in its background: from there, a change would stop
  /// it.
  static bool possible() noexcept;
  /// As the terminal is now: what to change before handing it to the constructor. Throws Error(kFile).
  static termios current();

  /// Throws Error(kFile) when the terminal does not take it.
  explicit TerminalMode(const termios& wanted);
  ~TerminalMode();
  TerminalMode(const TerminalMode&) = delete;
  TerminalMode& operator=(const TerminalMode&) = delete;

  /// Puts the terminal back if it was changed. May be called in signal handlers.
  static void restore() noexcept;
};

}  // namespace quire::cli
