// The names and identities of a share as its client has seen them.
//
// A Node is a name in the tree that some fid stands on (or stands beneath); it remembers which file of
// the host it was found to be, so that a file that the host put in its place is noticed. Numbers gives
// files the numbers that the client sees, in the order of first sight, so that runs repeat whatever the
// host's inode numbers are. Invariants: an attached node is its parent's child of that name; a node
// without parent is the root or was removed, and then has its file in `removed`.
#pragma once

#include <map>
#include <memory>
#include <string>
#include <string_view>
#include <utility>

#include "emu/base/types.h"
#include "emu/devices/ninep/host_dir.h"
#include "emu/devices/ninep/host_fd.h"
#include "emu/devices/ninep/quota.h"

namespace quire::share {

/// What tells files of the host apart.
struct Identity {
  u64 device;
  u64 inode;
  u32 type;  ///< of st_mode: a new file with an old one's inode is most often of another type
  auto operator<=>(const Identity&) const = default;
};

inline Identity identity_of(const struct stat& status) {
  return {status.st_dev, status.st_ino, status.st_mode & S_IFMT};
}

class Numbers {
 public:
  u64 number(const Identity& identity);
  /// The file is gone; the host may give its inode to another one, which is then new.
  void forget(const Identity& identity) { numbers_.erase(identity); }
  void clear();

 private:
  std::map<Identity, u64> numbers_;
  u64 last_ = 0;
};

class Node;
using NodeRef = std::shared_ptr<Node>;

class Node {
 public:
  explicit Node(const Identity& found) : identity(found) {}
  Node(NodeRef parent, std::string_view name, const Identity& found)
      : identity(found), parent_(std::move(parent)), name_(name) {}
  ~Node();
  Node(const Node&) = delete;
  Node& operator=(const Node&) = delete;

  /// The child of that name, made or made anew when another file has the name now.
  static NodeRef child(const NodeRef& parent, std::string_view name, const Identity& found);
  /// Null when nobody stands there.
  NodeRef find(std::string_view name) const;

  /// Null for the root and for what was removed.
  const NodeRef& parent() const { return parent_; }
  const std::string& name() const { return name_; }
  /// `path` leads from `top`, which is the root or a removed file (and may be the node itself).
  struct Place {
    const Node* top;
    std::string path;
  };
  /// ENAMETOOLONG beyond PATH_MAX.
  HostResult<Place> place() const;
  /// Whether it is `other` or beneath it.
  bool is_within(const Node& other) const;

  /// The client gave it another name.
  static void move(const NodeRef& node, const NodeRef& parent, std::string_view name);
  /// The client removed it, or put another in its place; `file` still names it, and is counted by `slot`.
  void remove(Fd file, Quota::Holding slot);
  /// Of a removed file; null while the file has a name.
  const Fd& removed_file() const { return removed_; }

  const Identity identity;

 private:
  void detach();

  NodeRef parent_;
  std::string name_;
  std::map<std::string, std::weak_ptr<Node>, std::less<>> children_;
  Fd removed_;
  Quota::Holding slot_;
};

}  // namespace quire::share
