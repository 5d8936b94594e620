// Expressions as trees of objects with virtual functions, evaluated, simplified and shown, with the C++
// library's strings.
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "bench.h"

namespace {

class Node {
 public:
  virtual ~Node() = default;
  virtual u64 value(u64 x) const = 0;
  virtual void show(std::string& out) const = 0;
  virtual bool constant() const { return false; }
};
using Tree = std::unique_ptr<Node>;

class Number final : public Node {
 public:
  explicit Number(u64 number) : number_(number) {}
  u64 value(u64) const override { return number_; }
  void show(std::string& out) const override { out += std::to_string(number_); }
  bool constant() const override { return true; }

 private:
  u64 number_;
};

class Variable final : public Node {
 public:
  u64 value(u64 x) const override { return x; }
  void show(std::string& out) const override { out += 'x'; }
};

class Pair : public Node {
 public:
  Pair(Tree left, Tree right) : left_(std::move(left)), right_(std::move(right)) {}
  bool constant() const override { return left_->constant() && right_->constant(); }
  void show(std::string& out) const override {
    out += '(';
    left_->show(out);
    out += sign();
    right_->show(out);
    out += ')';
  }

 protected:
  virtual char sign() const = 0;
  Tree left_, right_;
};

class Sum final : public Pair {
 public:
  using Pair::Pair;
  u64 value(u64 x) const override { return left_->value(x) + right_->value(x); }
  char sign() const override { return '+'; }
};

class Product final : public Pair {
 public:
  using Pair::Pair;
  u64 value(u64 x) const override { return left_->value(x) * right_->value(x); }
  char sign() const override { return '*'; }
};

class Choice final : public Pair {
 public:
  using Pair::Pair;
  u64 value(u64 x) const override { return x % 3 == 0 ? left_->value(x) : right_->value(x); }
  char sign() const override { return '?'; }
};

Tree grow(u64& state, int depth) {
  const u64 draw = next_random(&state) >> 32;
  if (depth == 0 || draw % 8 == 0) {
    return draw % 3 == 0 ? Tree(std::make_unique<Number>(draw % 1000)) : Tree(std::make_unique<Variable>());
  }
  Tree left = grow(state, depth - 1), right = grow(state, depth - 1);
  switch (draw % 3) {
    case 0:
      return std::make_unique<Sum>(std::move(left), std::move(right));
    case 1:
      return std::make_unique<Product>(std::move(left), std::move(right));
    default:
      return std::make_unique<Choice>(std::move(left), std::move(right));
  }
}

}  // namespace

BENCH(objects) {
  u64 state = 17, sum = 0;
  begin();
  for (u64 i = 0; i < rounds; i++) {
    std::vector<Tree> trees;
    for (int k = 0; k < 8; k++) trees.push_back(grow(state, 7));
    for (const Tree& tree : trees) {
      for (u64 x = 0; x < 16; x++) sum = mix(sum, tree->value(x));
      std::string text;
      tree->show(text);
      sum = mix_bytes(sum, text.data(), text.size()) + tree->constant();
    }
  }
  return sum;
}
