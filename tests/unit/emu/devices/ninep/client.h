// A small 9P2000.L client: builds requests field by field and takes replies apart. Its encoding is its own.
#pragma once

#include <cstring>
#include <functional>
#include <span>
#include <stdexcept>
#include <string>
#include <string_view>
#include <vector>

#include "emu/base/types.h"
#include "quire/arch/ninep.h"

namespace quire::testing {

namespace p9 = arch::ninep;

/// Fields of a message, in order.
class Fields {
 public:
  Fields& u8_(u64 value) { return number(value, 1); }
  Fields& u16_(u64 value) { return number(value, 2); }
  Fields& u32_(u64 value) { return number(value, 4); }
  Fields& u64_(u64 value) { return number(value, 8); }
  Fields& text(std::string_view value) {
    u16_(value.size());
    return raw(value);
  }
  Fields& raw(std::string_view value) {
    bytes_.insert(bytes_.end(), value.begin(), value.end());
    return *this;
  }
  const std::vector<u8>& bytes() const { return bytes_; }

 private:
  Fields& number(u64 value, unsigned size) {
    for (unsigned i = 0; i < size; ++i) {
      bytes_.push_back(static_cast<u8>(value >> (8 * i)));
    }
    return *this;
  }
  std::vector<u8> bytes_;
};

/// Takes a reply apart; throws when it is shorter than what is asked of it.
class Reply {
 public:
  u8 type = 0;
  u16 tag = 0;
  int error = 0;  ///< of an Rlerror
  std::vector<u8> body;

  u64 number(unsigned size) {
    u64 value = 0;
    for (unsigned i = 0; i < size; ++i) {
      value |= u64{body.at(at_++)} << (8 * i);
    }
    return value;
  }
  std::string raw(std::size_t count) {
    std::string text;
    while (text.size() < count) {
      text.push_back(static_cast<char>(body.at(at_++)));
    }
    return text;
  }
  std::string text() { return raw(number(2)); }
  p9::Qid qid() {
    p9::Qid qid;
    qid.type = static_cast<u8>(number(1));
    qid.version = static_cast<u32>(number(4));
    qid.path = number(8);
    return qid;
  }
  bool at_end() const { return at_ == body.size(); }

 private:
  std::size_t at_ = 0;
};

class NinepClient {
 public:
  /// Sends the bytes of a request and gives those of the reply; empty when there is none.
  using Transport = std::function<std::vector<u8>(std::span<const u8>)>;
  static constexpr u32 kMessageBytes = 64 << 10;
  static constexpr u32 kRoot = 0;

  explicit NinepClient(Transport transport) : transport_(std::move(transport)) {}

  static std::vector<u8> encode(p9::Type type, const Fields& fields, u16 tag = 1) {
    Fields whole;
    whole.u32_(7 + fields.bytes().size()).u8_(static_cast<u8>(type)).u16_(tag);
    std::vector<u8> message = whole.bytes();
    message.insert(message.end(), fields.bytes().begin(), fields.bytes().end());
    return message;
  }
  Reply exchange(std::span<const u8> message) {
    const std::vector<u8> bytes = transport_(message);
    Reply reply;
    reply.body = bytes;
    if (reply.number(4) != bytes.size()) {
      throw std::runtime_error("the size of a reply is not its length");
    }
    reply.type = static_cast<u8>(reply.number(1));
    reply.tag = static_cast<u16>(reply.number(2));
    if (reply.type == static_cast<u8>(p9::Type::kRlerror)) {
      reply.error = static_cast<int>(reply.number(4));
    }
    return reply;
  }
  Reply call(p9::Type type, const Fields& fields) {
    Reply reply = exchange(encode(type, fields));
    if (reply.error == 0 && reply.type != static_cast<u8>(type) + 1) {
      throw std::runtime_error("the reply is of another type");
    }
    return reply;
  }

  // The errno of a call, or 0.
  int start() {
    const int error = call(p9::Type::kVersion, Fields().u32_(kMessageBytes).text("9P2000.L")).error;
    return error != 0 ? error : attach(kRoot, "");
  }
  int attach(u32 fid, std::string_view path) {
    return call(p9::Type::kAttach, Fields().u32_(fid).u32_(p9::kNoFid).text("root").text(path).u32_(0)).error;
  }
  Reply walk(u32 fid, u32 new_fid, const std::vector<std::string>& names) {
    Fields fields;
    fields.u32_(fid).u32_(new_fid).u16_(names.size());
    for (const std::string& name : names) {
      fields.text(name);
    }
    return call(p9::Type::kWalk, fields);
  }
  /// 0 only when every name was walked.
  int walk_to(u32 new_fid, const std::vector<std::string>& names) {
    Reply reply = walk(kRoot, new_fid, names);
    if (reply.error != 0) {
      return reply.error;
    }
    return reply.number(2) == names.size() ? 0 : -1;
  }
  int clunk(u32 fid) { return call(p9::Type::kClunk, Fields().u32_(fid)).error; }
  int open(u32 fid, u32 flags) { return call(p9::Type::kLopen, Fields().u32_(fid).u32_(flags)).error; }
  int create(u32 fid, std::string_view name, u32 flags, u32 mode) {
    return call(p9::Type::kLcreate, Fields().u32_(fid).text(name).u32_(flags).u32_(mode).u32_(0)).error;
  }
  Reply read(u32 fid, u64 offset, u32 count) {
    return call(p9::Type::kRead, Fields().u32_(fid).u64_(offset).u32_(count));
  }
  std::string read_text(u32 fid, u64 offset, u32 count) {
    Reply reply = read(fid, offset, count);
    return reply.error != 0 ? "error " + std::to_string(reply.error) : reply.raw(reply.number(4));
  }
  int write(u32 fid, u64 offset, std::string_view data) {
    return call(p9::Type::kWrite, Fields().u32_(fid).u64_(offset).u32_(data.size()).raw(data)).error;
  }
  int mkdir(u32 fid, std::string_view name, u32 mode = 0755) {
    return call(p9::Type::kMkdir, Fields().u32_(fid).text(name).u32_(mode).u32_(0)).error;
  }
  int symlink(u32 fid, std::string_view name, std::string_view target) {
    return call(p9::Type::kSymlink, Fields().u32_(fid).text(name).text(target).u32_(0)).error;
  }
  int mknod(u32 fid, std::string_view name, u32 mode) {
    return call(p9::Type::kMknod, Fields().u32_(fid).text(name).u32_(mode).u32_(1).u32_(3).u32_(0)).error;
  }
  int link(u32 directory, u32 fid, std::string_view name) {
    return call(p9::Type::kLink, Fields().u32_(directory).u32_(fid).text(name)).error;
  }
  int rename(u32 fid, u32 directory, std::string_view name) {
    return call(p9::Type::kRename, Fields().u32_(fid).u32_(directory).text(name)).error;
  }
  int renameat(u32 from, std::string_view name, u32 to, std::string_view to_name) {
    return call(p9::Type::kRenameat, Fields().u32_(from).text(name).u32_(to).text(to_name)).error;
  }
  int unlink(u32 fid, std::string_view name, u32 flags = 0) {
    return call(p9::Type::kUnlinkat, Fields().u32_(fid).text(name).u32_(flags)).error;
  }
  int remove(u32 fid) { return call(p9::Type::kRemove, Fields().u32_(fid)).error; }
  std::string readlink(u32 fid) {
    Reply reply = call(p9::Type::kReadlink, Fields().u32_(fid));
    return reply.error != 0 ? "error " + std::to_string(reply.error) : reply.text();
  }
  struct Attributes {
    int error = 0;
    p9::Qid qid{};
    u64 mode = 0, uid = 0, gid = 0, links = 0, rdev = 0, size = 0;
    u64 mtime_s = 0, mtime_ns = 0;
  };
  Attributes getattr(u32 fid) {
    Reply reply = call(p9::Type::kGetattr, Fields().u32_(fid).u64_(p9::kAttributesBasic));
    Attributes result;
    result.error = reply.error;
    if (reply.error == 0) {
      reply.number(8);
      result.qid = reply.qid();
      result.mode = reply.number(4);
      result.uid = reply.number(4);
      result.gid = reply.number(4);
      result.links = reply.number(8);
      result.rdev = reply.number(8);
      result.size = reply.number(8);
      reply.number(8), reply.number(8);  // block size, blocks
      reply.number(8), reply.number(8);  // atime
      result.mtime_s = reply.number(8);
      result.mtime_ns = reply.number(8);
    }
    return result;
  }
  int setattr(u32 fid, u32 valid, u32 mode, u32 uid, u32 gid, u64 size, u64 mtime_s = 0, u64 mtime_ns = 0) {
    return call(p9::Type::kSetattr, Fields()
                                        .u32_(fid)
                                        .u32_(valid)
                                        .u32_(mode)
                                        .u32_(uid)
                                        .u32_(gid)
                                        .u64_(size)
                                        .u64_(0)
                                        .u64_(0)
                                        .u64_(mtime_s)
                                        .u64_(mtime_ns))
        .error;
  }
  struct Entry {
    p9::Qid qid;
    u64 next;
    u8 type;
    std::string name;
  };
  /// One reply's entries.
  std::vector<Entry> readdir(u32 fid, u64 offset, u32 count = 32 << 10) {
    Reply reply = call(p9::Type::kReaddir, Fields().u32_(fid).u64_(offset).u32_(count));
    std::vector<Entry> entries;
    if (reply.error == 0) {
      reply.number(4);
      while (!reply.at_end()) {
        Entry entry;
        entry.qid = reply.qid();
        entry.next = reply.number(8);
        entry.type = static_cast<u8>(reply.number(1));
        entry.name = reply.text();
        entries.push_back(entry);
      }
    }
    return entries;
  }
  /// The names of a whole directory, as they come.
  std::vector<std::string> names(u32 fid, u32 count = 32 << 10) {
    std::vector<std::string> names;
    u64 offset = 0;
    for (auto entries = readdir(fid, 0, count); !entries.empty(); entries = readdir(fid, offset, count)) {
      for (const Entry& entry : entries) {
        names.push_back(entry.name);
        offset = entry.next;
      }
    }
    return names;
  }
  /// The status of a lock request, or minus the errno.
  int lock(u32 fid, p9::LockType type, u64 start, u64 length, u32 process,
           std::string_view client = "guest") {
    Reply reply = call(p9::Type::kLock, Fields()
                                            .u32_(fid)
                                            .u8_(static_cast<u8>(type))
                                            .u32_(0)
                                            .u64_(start)
                                            .u64_(length)
                                            .u32_(process)
                                            .text(client));
    return reply.error != 0 ? -reply.error : static_cast<int>(reply.number(1));
  }

 private:
  Transport transport_;
};

}  // namespace quire::testing
