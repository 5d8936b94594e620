// Parsing of settings; see quire/settings.h.
#include "quire/settings.h"

#include <fmt/format.h>

#include <charconv>
#include <filesystem>
#include <optional>

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

}  // namespace quire
