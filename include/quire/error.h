// The one exception of the public API. Inside, functions return Result; a guest's fault is never an
// exception.
#pragma once

#include <stdexcept>
#include <string>

namespace quire {

/// Who must act: decides the command's exit status (2 for usage, 3 for the rest) and Python's class.
enum class ErrorKind {
  kUsage,     ///< an impossible setting: ValueError
  kFile,      ///< a file that is missing, unreadable or malformed; the message names it: quire.FileError
  kState,     ///< a call that the machine's state forbids (running from a callback: quire.Busy)
  kInternal,  ///< the emulator or its host failed
};

/// One clear line: what was wrong, by name, and what to do.
class Error : public std::runtime_error {
 public:
  Error(ErrorKind kind, const std::string& message) : std::runtime_error(message), kind_(kind) {}
  ErrorKind kind() const { return kind_; }

 private:
  ErrorKind kind_;
};

}  // namespace quire
