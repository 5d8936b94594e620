#include "emu/devices/ninep/tree.h"

#include <climits>

namespace quire::share {

u64 Numbers::number(const Identity& identity) {
  const auto [at, inserted] = numbers_.try_emplace(identity, last_ + 1);
  last_ += inserted ? 1 : 0;
  return at->second;
}

void Numbers::clear() {
  numbers_.clear();
  last_ = 0;
}

// By a loop: a chain of directories may be longer than the stack is deep.
Node::~Node() {
  detach();
  NodeRef above = std::move(parent_);
  while (above && above.use_count() == 1) {
    above->detach();
    NodeRef next = std::move(above->parent_);
    above = std::move(next);
  }
}

/// The parent's entry may be another node's by now.
void Node::detach() {
  if (!parent_) {
    return;
  }
  const auto at = parent_->children_.find(name_);
  if (at != parent_->children_.end()) {
    const NodeRef present = at->second.lock();
    if (!present || present.get() == this) {
      parent_->children_.erase(at);
    }
  }
}

NodeRef Node::find(std::string_view name) const {
  const auto at = children_.find(name);
  return at != children_.end() ? at->second.lock() : nullptr;
}

NodeRef Node::child(const NodeRef& parent, std::string_view name, const Identity& found) {
  NodeRef node = parent->find(name);
  if (!node || node->identity != found) {
    node = std::make_shared<Node>(parent, name, found);
    parent->children_[std::string(name)] = node;
  }
  return node;
}

HostResult<Node::Place> Node::place() const {
  Place place{this, name_};
  while (place.top->parent_) {
    place.top = place.top->parent_.get();
    if (place.top->parent_) {
      place.path = place.top->name_ + '/' + place.path;
    }
    if (place.path.size() >= PATH_MAX) {
      return arch::Err(ENAMETOOLONG);
    }
  }
  return place;
}

bool Node::is_within(const Node& other) const {
  const Node* node = this;
  while (node != nullptr && node != &other) {
    node = node->parent_.get();
  }
  return node != nullptr;
}

void Node::move(const NodeRef& node, const NodeRef& parent, std::string_view name) {
  node->detach();
  node->parent_ = parent;
  node->name_ = name;
  parent->children_[std::string(name)] = node;
}

void Node::remove(Fd file, Quota::Holding slot) {
  detach();
  parent_ = nullptr;
  name_.clear();
  removed_ = std::move(file);
  slot_ = std::move(slot);
}

}  // namespace quire::share
