#include "guest/hal/isa.h"

#include <algorithm>
#include <iterator>

#include "guest/lib/span.h"

namespace kernel {

namespace {

constexpr i8 kNotProbed = -1;

struct Known {
  StringView name;
  i8 probe_bit = kNotProbed;
};

/// In the order in which Linux shows them.
constexpr Known kKnown[] = {
    {"i"},
    {"m"},
    {"a"},
    {"f"},
    {"d", 0},
    {"c", 1},
    {"zicbom"},
    {"zicboz", 6},
    {"zicntr"},
    {"zicond", 35},
    {"zicsr"},
    {"zifencei"},
    {"zihintntl", 29},
    {"zihintpause", 36},
    {"zihpm"},
    {"zimop", 42},
    {"zacas", 34},
    {"zawrs", 48},
    {"zfa", 32},
    {"zfh", 27},
    {"zfhmin", 28},
    {"zca", 43},
    {"zcb", 44},
    {"zcd", 45},
    {"zcmop", 47},
    {"zba", 3},
    {"zbb", 4},
    {"zbc", 7},
    {"zbkb", 8},
    {"zbkc", 9},
    {"zbkx", 10},
    {"zbs", 5},
    {"sstc"},
    {"svinval"},
    {"svnapot"},
    {"svpbmt"},
};
static_assert(std::size(kKnown) <= 64);

/// What an extension consists of, where its parts have names of their own.
struct Implied {
  StringView whole, with, part;  // `with`: both are needed for the part; empty where one is enough
};
constexpr Implied kImplied[] = {{"c", "", "zca"}, {"c", "d", "zcd"}, {"zfh", "", "zfhmin"}};

/// The row of a name, or the number of rows.
usize row_of(StringView name) {
  usize row = 0;
  while (row < std::size(kKnown) && kKnown[row].name != name) {
    row++;
  }
  return row;
}

u64 bit_of(StringView name) {
  const usize row = row_of(name);
  return row < std::size(kKnown) ? u64{1} << row : 0;
}

}  // namespace

IsaExtensions IsaExtensions::parse(StringView isa) {
  IsaExtensions result;
  const StringView prefix = "rv64";
  if (isa.substr(0, prefix.size()) != prefix) {
    return result;
  }
  isa.remove_prefix(prefix.size());
  for (bool letters = true; !isa.empty(); letters = false) {
    const usize end = std::min(isa.find("_"), isa.size());
    const StringView word = isa.substr(0, end);
    for (usize i = 0; letters && i < word.size(); i++) {
      result.present_ |= bit_of(word.substr(i, 1));
    }
    result.present_ |= bit_of(word);
    isa.remove_prefix(std::min(end + 1, isa.size()));
  }
  for (const Implied& implied : kImplied) {
    if (result.has(implied.whole) && (implied.with.empty() || result.has(implied.with))) {
      result.present_ |= bit_of(implied.part);
    }
  }
  return result;
}

bool IsaExtensions::has(StringView name) const { return (present_ & bit_of(name)) != 0; }

void IsaExtensions::remove(StringView name) { present_ &= ~bit_of(name); }

u64 IsaExtensions::hwcap() const {
  u64 bits = 0;
  for (usize row = 0; row < std::size(kKnown) && kKnown[row].name.size() == 1; row++) {
    bits |= (present_ >> row & 1) << (kKnown[row].name[0] - 'a');
  }
  return bits;
}

u64 IsaExtensions::probe_bits() const {
  u64 bits = 0;
  for (usize row = 0; row < std::size(kKnown); row++) {
    if ((present_ >> row & 1) != 0 && kKnown[row].probe_bit != kNotProbed) {
      bits |= u64{1} << kKnown[row].probe_bit;
    }
  }
  return bits;
}

void IsaExtensions::show(FormatSink& out) const {
  out.put("rv64");
  for (usize row = 0; row < std::size(kKnown); row++) {
    if ((present_ >> row & 1) != 0) {
      out.put(kKnown[row].name.size() > 1 ? "_" : "");
      out.put(kKnown[row].name);
    }
  }
}

}  // namespace kernel
