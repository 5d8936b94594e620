#include "guest/fs/dentry.h"

namespace kernel {

KResult<RefPtr<Dentry>> try_make_dentry(RefPtr<Inode> inode, StringView name) {
  String owned = TRY(String::from(name));
  Dentry* const dentry = new (std::nothrow) Dentry(std::move(inode), std::move(owned));
  if (dentry == nullptr) {
    return Err(Errno::kENOMEM);
  }
  return RefPtr<Dentry>::adopt(dentry);
}

KResult<RefPtr<Dentry>> Dentry::make_root(RefPtr<Inode> inode) {
  return try_make_dentry(std::move(inode), {});
}

KResult<RefPtr<Dentry>> Dentry::make_nameless(StringView name, RefPtr<Inode> inode, bool deleted) {
  RefPtr<Dentry> dentry = TRY(try_make_dentry(std::move(inode), name));
  dentry->nameless_ = true;
  dentry->deleted_ = deleted;
  return dentry;
}

Dentry::~Dentry() {
  ASSERT(children_.empty() && mounts == 0);
  unhook();
  // A long chain of parents that only this child kept alive would recurse: take it apart in a loop.
  RefPtr<Dentry> up = std::move(parent_);
  while (up && up->references() == 1) {
    up->unhook();
    RefPtr<Dentry> next = std::move(up->parent_);
    up = std::move(next);
  }
}

void Dentry::unhook() {
  if (node_.is_linked()) {
    parent_->children_.erase(parent_->children_.iterator_to(*this));
  }
}

Dentry* Dentry::find_child(StringView name) {
  const auto at = children_.find(name, ByName());
  return at == children_.end() ? nullptr : &*at;
}

KResult<RefPtr<Dentry>> Dentry::lookup(StringView name) {
  Dentry* const live = find_child(name);
  if (live != nullptr) {
    if (live->inode().is_current() || live->mounts != 0) {
      return RefPtr<Dentry>(live);
    }
    live->mark_deleted();
  }
  RefPtr<Inode> inode = TRY(inode_->lookup(name));
  if (Dentry* const raced = find_child(name); raced != nullptr) {
    return RefPtr<Dentry>(raced);  // another thread was first while looking up slept
  }
  return add_child(name, std::move(inode));
}

KResult<RefPtr<Dentry>> Dentry::add_child(StringView name, RefPtr<Inode> inode) {
  RefPtr<Dentry> child = TRY(try_make_dentry(std::move(inode), name));
  child->parent_ = RefPtr<Dentry>(this);
  const bool inserted = children_.insert(*child).second;
  ASSERT(inserted);
  return child;
}

void Dentry::mark_deleted() {
  unhook();
  deleted_ = true;
}

void Dentry::move(Dentry& parent, String name) {
  unhook();
  name_ = std::move(name);
  parent_ = RefPtr<Dentry>(&parent);
  const bool inserted = parent.children_.insert(*this).second;
  ASSERT(inserted);
}

}  // namespace kernel
