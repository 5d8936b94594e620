#include "guest/init/run_request.h"

#include "guest/lib/byte_reader.h"
#include "quire/arch/bootinfo.h"

namespace kernel {

namespace {

bool take_prefix(StringView& text, StringView prefix) {
  if (text.substr(0, prefix.size()) != prefix) {
    return false;
  }
  text.remove_prefix(prefix.size());
  return true;
}

}  // namespace

KResult<RunRequest> RunRequest::parse(ConstByteSpan bytes) {
  ByteReader reader(bytes);
  const StringView magic = TRY(reader.read_c_string());
  if (magic != StringView(kRunFileMagic)) {
    return Err(Errno::kEINVAL);
  }
  RunRequest request;
  while (!reader.at_end()) {
    StringView line = TRY(reader.read_c_string());
    if (take_prefix(line, "exe=")) {
      request.executable = line;
    } else if (take_prefix(line, "cwd=")) {
      request.cwd = line;
    } else if (take_prefix(line, "arg=")) {
      TRY(request.args.push(line));
    } else if (take_prefix(line, "env=")) {
      TRY(request.env.push(line));
    } else {
      return Err(Errno::kEINVAL);
    }
  }
  if (request.executable.empty()) {
    return Err(Errno::kEINVAL);
  }
  return request;
}

}  // namespace kernel
