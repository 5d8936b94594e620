// Which pages of the host's memory were ever touched: reading the others to learn that they are zero would
// cost more than what is done with them.
#pragma once

#include <span>

#include "emu/base/types.h"

namespace quire {

class TouchedPages {
 public:
  TouchedPages();
  ~TouchedPages();
  TouchedPages(const TouchedPages&) = delete;
  TouchedPages& operator=(const TouchedPages&) = delete;

  /// Sets flags[i] to 1 or 0 for the page i after `start`, which is in an anonymous mapping; all of them to 1
  /// where the host does not tell (proc(5), /proc/pid/pagemap).
  void find(const u8* start, std::span<u8> flags) const;

 private:
  int fd_;
};

bool is_zero_page(const u8* page);

}  // namespace quire
