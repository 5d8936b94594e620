// Exceptions through frames and threads, templates, and the library's containers.
#include <cstdio>
#include <exception>
#include <map>
#include <memory>
#include <mutex>
#include <stdexcept>
#include <string>
#include <thread>
#include <vector>

struct Noted {
  explicit Noted(int& ended) : ended_(ended) {}
  ~Noted() { ended_++; }
  int& ended_;
};

struct Base {
  virtual ~Base() = default;
  virtual std::string name() const { return "base"; }
};
struct Derived final : Base {
  std::string name() const override { return "derived"; }
};

static int ended = 0;
static thread_local int mine = 0;

static void deep(int n) {
  Noted noted(ended);
  if (n == 0) throw std::out_of_range("at the bottom");
  deep(n - 1);
}

int main() {
  try {
    deep(20);
  } catch (const std::logic_error& error) {
    std::printf("%s after %d ends\n", error.what(), ended);
  }
  std::unique_ptr<Base> base = std::make_unique<Derived>();
  std::printf("%s %d\n", base->name().c_str(), dynamic_cast<Derived*>(base.get()) != nullptr);

  std::mutex mutex;
  std::map<std::string, int> seen;
  std::vector<std::thread> threads;
  for (int n = 0; n < 4; n++) {
    threads.emplace_back([&, n] {
      for (int i = 0; i < 100; i++) {
        mine += n;
        try {
          if (i % 10 == n) throw std::runtime_error("thread " + std::to_string(n));
        } catch (const std::exception& error) {
          std::lock_guard guard(mutex);
          seen[error.what()] += mine;
        }
      }
    });
  }
  for (std::thread& thread : threads) thread.join();
  for (const auto& [what, sum] : seen) std::printf("%s: %d\n", what.c_str(), sum);
  std::printf("mine %d\n", mine);

  std::exception_ptr carried;
  std::thread([&] {
    try {
      throw 7;
    } catch (...) {
      carried = std::current_exception();
    }
  }).join();
  try {
    std::rethrow_exception(carried);
  } catch (int thrown) {
    std::printf("caught %d of another thread\n", thrown);
  }
  std::fflush(stdout);
  throw std::runtime_error("nobody catches this");
}
