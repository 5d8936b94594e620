// Parsing of settings; see quire/settings.h.
#include "quire/settings.h"

#include <arpa/inet.h>
#include <fmt/format.h>

#include <charconv>
#include <cstdlib>
#include <filesystem>
#include <optional>
#include <vector>

#include "emu/machine/isa_string.h"
#include "quire/error.h"

namespace quire {
namespace {

std::optional<std::uint64_t> parse_number(std::string_view text) {
  std::uint64_t value = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
  if (error != std::errc{} || end != text.data() + text.size()) {
    return std::nullopt;
  }
  return value;
}

std::optional<unsigned> suffix_shift(std::string_view suffix) {
  if (suffix.empty() || suffix == "B") {
    return 0;
  }
  const std::string_view rest = suffix.substr(1);
  if (!rest.empty() && rest != "B" && rest != "iB") {
    return std::nullopt;
  }
  switch (suffix[0]) {
    case 'k':
    case 'K':
      return 10;
    case 'M':
      return 20;
    case 'G':
      return 30;
    case 'T':
      return 40;
    default:
      return std::nullopt;
  }
}

constexpr struct {
  TlbPolicy policy;
  std::string_view name;
} kPolicies[] = {{TlbPolicy::kDefault, "default"},
                 {TlbPolicy::kLru, "lru"},
                 {TlbPolicy::kFifo, "fifo"},
                 {TlbPolicy::kRandom, "random"}};

void set_tlb_part(TlbConfig& tlb, std::string_view text, std::string_view part) {
  const std::size_t equals = part.find('=');
  const std::string_view key = part.substr(0, equals);
  const std::string_view value = equals == std::string_view::npos ? "" : part.substr(equals + 1);
  if (key == "policy") {
    for (const auto& row : kPolicies) {
      if (row.name == value) {
        tlb.policy = row.policy;
        return;
      }
    }
  } else if (key == "check" && (value == "fences" || value == "off")) {
    tlb.check = value == "off" ? FenceCheck::kOff : FenceCheck::kReport;
    return;
  } else if (key == "entries" || key == "ways") {
    const std::optional<std::uint64_t> number = parse_number(value);
    if (number && *number > 0 && *number <= 65536) {
      (key == "entries" ? tlb.entries : tlb.ways) = static_cast<std::uint32_t>(*number);
      return;
    }
  }
  throw Error(
      ErrorKind::kUsage,
      fmt::format("TLB '{}': '{}' is not entries=N, ways=N (1..65536), policy=default|lru|fifo|random or "
                  "check=fences|off",
                  text, part));
}

}  // namespace

std::uint64_t parse_size(std::string_view text) {
  const std::size_t digits = text.find_first_not_of("0123456789");
  const std::optional<std::uint64_t> number = parse_number(text.substr(0, digits));
  const std::optional<unsigned> shift =
      suffix_shift(digits == std::string_view::npos ? std::string_view{} : text.substr(digits));
  if (!number || !shift || (*number << *shift) >> *shift != *number) {
    throw Error(
        ErrorKind::kUsage,
        fmt::format("'{}' is not a size; write bytes or a number with K, M, G or T, as in 256M", text));
  }
  return *number << *shift;
}

std::string full_isa(std::string_view text) { return isa_string(parse_isa(text)); }

TlbConfig parse_tlb(std::string_view text, TlbConfig base) {
  std::size_t begin = 0;
  while (begin <= text.size()) {
    const std::size_t comma = std::min(text.find(',', begin), text.size());
    set_tlb_part(base, text, text.substr(begin, comma - begin));
    begin = comma + 1;
  }
  return base;
}

namespace {

void add_switches(EngineConfig& engine, std::string_view names) {
  for (bool more = true; more;) {
    const std::size_t plus = names.find('+');
    engine.off.emplace_back(names.substr(0, plus));
    more = plus != std::string_view::npos;
    if (more) names.remove_prefix(plus + 1);
  }
}

void set_engine_part(EngineConfig& engine, std::string_view text, std::string_view part) {
  const std::size_t equals = part.find('=');
  const std::string_view key = part.substr(0, equals);
  const std::string_view value = equals == std::string_view::npos ? "" : part.substr(equals + 1);
  if (key == "threshold") {
    if (const auto number = parse_number(value); number && *number < 255) {
      engine.threshold = static_cast<unsigned>(*number);
      return;
    }
  } else if (key == "hot") {
    if (const auto number = parse_number(value); number && *number <= 1000) {
      engine.hot = static_cast<unsigned>(*number);
      return;
    }
  } else if (key == "code") {
    engine.code_bytes = parse_size(value);
    return;
  }
  if (key == "off") {
    add_switches(engine, value);
    return;
  }
  if (part == "perf-map") {
    engine.perf_map = true;
    return;
  }
  throw Error(ErrorKind::kUsage,
              fmt::format("'{}' in the engine '{}' is none of threshold=N (0 to 254), hot=N (0 to 1000), "
                          "code=SIZE, perf-map, off=NAME[+NAME...]",
                          part, text));
}

EngineConfig engine_of(std::string_view text) {
  EngineConfig engine;
  const std::string_view name = text.substr(0, text.find(','));
  if (name != "auto" && name != "interp" && name != "jit") {
    throw Error(ErrorKind::kUsage,
                fmt::format("'{}' is no engine; there are 'auto', 'interp' and 'jit'", name));
  }
  engine.kind = name == "auto"  ? EngineKind::kAuto
                : name == "jit" ? EngineKind::kTranslator
                                : EngineKind::kInterpreter;
  if (engine.kind == EngineKind::kInterpreter && name.size() != text.size()) {
    throw Error(ErrorKind::kUsage,
                fmt::format("'{}' in the engine '{}' is the translator's; 'interp' has no settings",
                            text.substr(name.size() + 1), text));
  }
  for (std::size_t begin = name.size(); begin < text.size();) {
    const std::size_t comma = std::min(text.find(',', begin + 1), text.size());
    set_engine_part(engine, text, text.substr(begin + 1, comma - begin - 1));
    begin = comma;
  }
  return engine;
}

}  // namespace

EngineConfig parse_engine(std::string_view text) {
  const char* const from_environment = std::getenv("QUIRE_ENGINE");
  if (!text.empty() || from_environment == nullptr || *from_environment == '\0') {
    return engine_of(text.empty() ? "auto" : text);
  }
  try {
    return engine_of(from_environment);
  } catch (const Error& error) {
    throw Error(error.kind(), fmt::format("the environment variable QUIRE_ENGINE: {}", error.what()));
  }
}

std::string_view engine_name(EngineKind kind) {
  switch (kind) {
    case EngineKind::kAuto:
      return "auto";
    case EngineKind::kTranslator:
      return "jit";
    case EngineKind::kInterpreter:
      break;
  }
  return "interp";
}

ScreenSize parse_screen(std::string_view text) {
  const std::size_t by = text.find('x');
  const std::optional<std::uint64_t> width = parse_number(text.substr(0, by));
  const std::optional<std::uint64_t> height =
      by == std::string_view::npos ? std::nullopt : parse_number(text.substr(by + 1));
  if (!width || !height || *width > UINT32_MAX || *height > UINT32_MAX) {
    throw Error(ErrorKind::kUsage,
                fmt::format("'{}' is not a screen; write WIDTHxHEIGHT in pixels, as in 1024x768", text));
  }
  return {static_cast<std::uint32_t>(*width), static_cast<std::uint32_t>(*height)};
}

std::string_view tlb_policy_name(TlbPolicy policy) {
  for (const auto& row : kPolicies) {
    if (row.policy == policy) {
      return row.name;
    }
  }
  return "?";
}

namespace {

/// Takes ":rw" or ":ro" off the end; whether it was ":rw".
bool take_access(std::string_view& text) {
  const bool writable = text.ends_with(":rw");
  if (writable || text.ends_with(":ro")) {
    text.remove_suffix(3);
  }
  return writable;
}

}  // namespace

SharedPath parse_shared_path(std::string_view text) {
  std::string_view paths = text;
  SharedPath shared;
  shared.writable = take_access(paths);
  const std::size_t colon = paths.rfind(':');
  if (colon != std::string_view::npos) {
    shared.host_path = paths.substr(0, colon);
    shared.guest_path = paths.substr(colon + 1);
  }
  if (shared.host_path.empty() || shared.guest_path.empty() || shared.guest_path[0] != '/') {
    throw Error(ErrorKind::kUsage,
                fmt::format("'{}' is not HOST:GUEST[:rw] with an absolute path for the guest, as in "
                            "data:/mnt/data:rw",
                            text));
  }
  return shared;
}

SharedPath parse_root(std::string_view text) {
  SharedPath root;
  std::string_view path = text;
  root.writable = take_access(path);
  root.host_path = path;
  root.guest_path = "/";
  if (path.empty()) {
    throw Error(ErrorKind::kUsage, fmt::format("'{}' is not DIR[:rw]", text));
  }
  // A colon may be part of the directory's name, so what follows one is looked at only when there is none
  // such.
  std::error_code error;
  const std::size_t colon = path.rfind(':');
  if (colon != std::string_view::npos && !std::filesystem::exists(path, error) &&
      std::filesystem::is_directory(path.substr(0, colon), error)) {
    throw Error(ErrorKind::kUsage,
                fmt::format("'{}' is not DIR[:rw]: '{}' is no access; write {}:rw, or {} alone", text,
                            path.substr(colon), path.substr(0, colon), path.substr(0, colon)));
  }
  return root;
}

HostGuestPath parse_host_guest(std::string_view text) {
  const std::size_t colon = text.rfind(':');
  HostGuestPath paths;
  if (colon == std::string_view::npos) {
    paths.host = text;
    paths.guest = paths.host.empty() ? "" : std::filesystem::absolute(paths.host).lexically_normal().string();
  } else {
    paths.host = text.substr(0, colon);
    paths.guest = text.substr(colon + 1);
  }
  if (paths.host.empty() || paths.guest.empty() || paths.guest[0] != '/') {
    throw Error(
        ErrorKind::kUsage,
        fmt::format("'{}' is not HOST:GUEST with an absolute path for the guest, as in data.txt:/data.txt",
                    text));
  }
  return paths;
}

namespace {

/// The parts between commas; ",," is a comma of the part itself.
std::vector<std::string> split_at_commas(std::string_view text) {
  std::vector<std::string> parts(1);
  for (std::size_t at = 0; at < text.size(); ++at) {
    if (text[at] != ',') {
      parts.back() += text[at];
    } else if (at + 1 < text.size() && text[at + 1] == ',') {
      parts.back() += ',';
      ++at;
    } else {
      parts.emplace_back();
    }
  }
  return parts;
}

std::optional<std::uint16_t> parse_port(std::string_view text) {
  const std::optional<std::uint64_t> number = parse_number(text);
  return number && *number > 0 && *number <= 65535 ? std::optional(static_cast<std::uint16_t>(*number))
                                                   : std::nullopt;
}

bool is_ipv4(const std::string& text) {
  in_addr address;
  return ::inet_pton(AF_INET, text.c_str(), &address) == 1;
}

/// Takes the part of `rest` before `separator` off it, and the separator; nothing where there is none.
std::optional<std::string> take_field(std::string_view& rest, char separator) {
  const std::size_t at = rest.find(separator);
  if (at == std::string_view::npos) {
    return std::nullopt;
  }
  std::string field(rest.substr(0, at));
  rest.remove_prefix(at + 1);
  return field;
}

/// "PROTOCOL:[HOSTADDR]:HOSTPORT-[GUESTADDR]:GUESTPORT"
std::optional<HostForward> parse_forward(std::string_view rest) {
  const auto protocol = take_field(rest, ':');
  const auto host_address = take_field(rest, ':');
  const auto host_port_text = take_field(rest, '-');
  const auto guest_address = take_field(rest, ':');
  if (!protocol || !host_address || !host_port_text || !guest_address ||
      (*protocol != "tcp" && *protocol != "udp")) {
    return std::nullopt;
  }
  HostForward forward;
  forward.protocol = *protocol == "udp" ? HostForward::Protocol::kUdp : HostForward::Protocol::kTcp;
  if (!host_address->empty()) {
    forward.host_address = *host_address;
  }
  forward.guest_address = *guest_address;
  const auto host_port = parse_port(*host_port_text);
  const auto guest_port = parse_port(rest);
  if (!host_port || !guest_port || !is_ipv4(forward.host_address) ||
      (!forward.guest_address.empty() && !is_ipv4(forward.guest_address))) {
    return std::nullopt;
  }
  forward.host_port = *host_port;
  forward.guest_port = *guest_port;
  return forward;
}

template <class... Args>
[[noreturn]] void refuse(fmt::format_string<Args...> text, Args&&... args) {
  throw Error(ErrorKind::kUsage, fmt::format(text, std::forward<Args>(args)...));
}

}  // namespace

Drive parse_drive(std::string_view text) {
  const std::vector<std::string> parts = split_at_commas(text);
  Drive drive;
  drive.path = parts[0];
  for (std::size_t i = 1; i < parts.size(); ++i) {
    if (parts[i] == "ro") {
      drive.read_only = true;
    } else if (parts[i] == "snapshot") {
      drive.snapshot = true;
    } else {
      refuse("drive '{}': '{}' is neither ro nor snapshot (a comma in a file's name is written twice)", text,
             parts[i]);
    }
  }
  if (drive.path.empty()) {
    refuse("drive '{}' is not FILE[,ro][,snapshot]", text);
  }
  return drive;
}

Share parse_share(std::string_view text) {
  constexpr std::size_t kMaxTagBytes = 31;  // what Linux's 9P takes
  const std::vector<std::string> parts = split_at_commas(text);
  Share share;
  share.host_path = parts[0];
  for (std::size_t i = 1; i < parts.size(); ++i) {
    if (parts[i] == "rw") {
      share.writable = true;
    } else if (parts[i].starts_with("tag=")) {
      share.tag = parts[i].substr(4);
    } else {
      refuse("share '{}': '{}' is neither tag=NAME nor rw (a comma in a directory's name is written twice)",
             text, parts[i]);
    }
  }
  if (share.host_path.empty() || share.tag.empty() || share.tag.size() > kMaxTagBytes) {
    refuse("share '{}' is not DIR,tag=NAME[,rw] with a NAME of 1 to {} bytes", text, kMaxTagBytes);
  }
  return share;
}

NetConfig parse_net(std::string_view text) {
  const std::vector<std::string> parts = split_at_commas(text);
  NetConfig net;
  if (parts[0] == "user") {
    net.mode = NetMode::kUser;
  } else if (parts[0] != "none" || parts.size() > 1) {
    refuse("network '{}' is neither none nor user[,hostfwd=...]", text);
  }
  for (std::size_t i = 1; i < parts.size(); ++i) {
    const auto forward = parts[i].starts_with("hostfwd=") ? parse_forward(parts[i].substr(8)) : std::nullopt;
    if (!forward) {
      refuse("network '{}': '{}' is not hostfwd=tcp|udp:[HOSTADDR]:HOSTPORT-[GUESTADDR]:GUESTPORT", text,
             parts[i]);
    }
    net.forwards.push_back(*forward);
  }
  return net;
}

}  // namespace quire
