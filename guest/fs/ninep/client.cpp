#include "guest/fs/ninep/client.h"

#include <algorithm>
#include <cstring>

#include "guest/lib/byte_reader.h"

namespace kernel {

using ninep::Type;

namespace {

/// Of data, in one message, besides a page for the rest of it.
constexpr usize kMaxPagesAtOnce = 16;
constexpr u32 message_bytes_for(usize pages) { return static_cast<u32>((1 + pages) * kPageBytes); }
constexpr u16 kTag = 0;  // one message at a time

}  // namespace

/// A request under construction in the client's buffer; what does not fit fails it.
class NinepClient::Request {
 public:
  Request(NinepClient& client, Type type) : bytes_(client.request_.data(), kPageBytes), type_(type) {
    put(u32{0}).put(type).put(type == Type::kVersion ? ninep::kNoTag : kTag);
  }
  template <class T>
  Request& put(T value) {
    return raw({reinterpret_cast<const u8*>(&value), sizeof value});
  }
  Request& text(StringView value) { return put(static_cast<u16>(value.size())).raw(as_bytes(value)); }
  Request& raw(ConstByteSpan data) {
    if (data.size() > bytes_.size() - size_) {
      failed_ = true;
      return *this;
    }
    memcpy(bytes_.data() + size_, data.data(), data.size());
    size_ += data.size();
    return *this;
  }
  Type type() const { return type_; }
  bool failed() const { return failed_; }
  /// The message, when `further_bytes` follow it.
  ConstByteSpan finish(usize further_bytes) const {
    const u32 size = static_cast<u32>(size_ + further_bytes);
    memcpy(bytes_.data(), &size, sizeof size);
    return bytes_.first(size_);
  }

 private:
  ByteSpan bytes_;
  Type type_;
  usize size_ = 0;
  bool failed_ = false;
};

/// The fields of a reply; each is EIO beyond the end.
class NinepClient::Reply {
 public:
  explicit Reply(ConstByteSpan fields) : reader_(fields) {}
  template <class T>
  KResult<T> get() {
    auto value = reader_.read<T>();
    return value.ok() ? KResult<T>(value.value()) : Err(Errno::kEIO);
  }
  KResult<StringView> text() {
    const u16 size = TRY(get<u16>());
    auto bytes = reader_.take(size);
    return bytes.ok() ? KResult<StringView>(as_text(bytes.value())) : Err(Errno::kEIO);
  }
  KResult<ninep::Qid> qid() {
    ninep::Qid qid;
    qid.type = TRY(get<u8>());
    qid.version = TRY(get<u32>());
    qid.path = TRY(get<u64>());
    return qid;
  }
  bool at_end() const { return reader_.at_end(); }

 private:
  ByteReader reader_;
};

KResult<NinepClient::Reply> NinepClient::exchange(const Request& request, ConstByteSpan out,
                                                  usize reply_bytes, Span<const ByteSpan> in) {
  ASSERT(lock_.held_by_me());
  if (request.failed()) {
    return Err(Errno::kENAMETOOLONG);
  }
  const ByteSpan reply(reply_.data(), reply_bytes);
  const usize got = TRY(channel_.exchange(request.finish(out.size()), out, reply, in));
  ByteReader reader(ConstByteSpan(reply).first(std::min(got, reply.size())));
  const auto size = reader.read<u32>();
  const auto type = reader.read<u8>();
  const auto tag = reader.read<u16>();
  if (!size.ok() || !type.ok() || !tag.ok() || size.value() != got) {
    return Err(Errno::kEIO);
  }
  if (type.value() == static_cast<u8>(Type::kRlerror)) {
    const auto error = reader.read<u32>();
    const bool known = error.ok() && error.value() > 0 && error.value() < 4096;
    return Err(known ? static_cast<Errno>(error.value()) : Errno::kEIO);
  }
  if (type.value() != ninep::reply_to(request.type())) {
    return Err(Errno::kEIO);
  }
  return Reply(
      ConstByteSpan(reply).subspan(ninep::kHeaderBytes, std::min(got, reply.size()) - ninep::kHeaderBytes));
}

// --- session ---

KResult<RefPtr<NinepClient>> NinepClient::start(StringView tag) {
  NinepChannel* const channel = find_ninep_channel(tag);
  if (channel == nullptr) {
    return Err(Errno::kENODEV);
  }
  auto client = TRY(try_make_ref<NinepClient>(*channel));
  TRY(client->begin_session());
  return client;
}

KResult<void> NinepClient::begin_session() {
  request_ = FrameRef::adopt(TRY(alloc_frame(ZeroIt::kNo, FrameUse::kKernel)));
  reply_ = FrameRef::adopt(TRY(alloc_frame(ZeroIt::kNo, FrameUse::kKernel)));
  const MutexGuard guard(lock_);
  Request version(*this, Type::kVersion);
  version.put(message_bytes_for(kMaxPagesAtOnce)).text(ninep::kVersionName);
  Reply agreed = TRY(exchange(version));
  const u32 message_bytes = TRY(agreed.get<u32>());
  if (TRY(agreed.text()) != ninep::kVersionName || message_bytes < message_bytes_for(1)) {
    return Err(Errno::kEPROTO);
  }
  pages_at_once_ = std::min<usize>({kMaxPagesAtOnce, channel_.max_pieces(), message_bytes / kPageBytes - 1});
  Request attach(*this, Type::kAttach);
  attach.put(kRootFid).put(ninep::kNoFid).text("root").text("").put(u32{0});
  TRY(exchange(attach));
  return {};
}

KResult<NinepFid> NinepClient::take_fid() {
  if (free_fids_.empty()) {
    if (free_fids_.capacity() <= next_fid_) {  // so that giving back cannot fail
      TRY(free_fids_.reserve(2 * usize{next_fid_} + 16));
    }
    return next_fid_++;
  }
  const NinepFid fid = free_fids_.back();
  free_fids_.pop();
  return fid;
}

void NinepClient::give_fid(NinepFid fid) {
  const auto kept = free_fids_.push(fid);
  ASSERT(kept.ok());
}

KResult<NinepClient::Walked> NinepClient::walk(NinepFid from, Span<const StringView> names) {
  ASSERT(names.size() <= ninep::kMaxWalkNames);
  const MutexGuard guard(lock_);
  const NinepFid fid = TRY(take_fid());
  ScopeExit undo([&] { give_fid(fid); });
  Request request(*this, Type::kWalk);
  request.put(from).put(fid).put(static_cast<u16>(names.size()));
  for (const StringView name : names) {
    request.text(name);
  }
  Reply reply = TRY(exchange(request));
  const u16 count = TRY(reply.get<u16>());
  if (count < names.size()) {
    return Err(Errno::kENOENT);
  }
  Walked walked{fid, {}};
  for (u16 i = 0; i < count; i++) {
    walked.qid = TRY(reply.qid());
  }
  undo.dismiss();
  return walked;
}

void NinepClient::clunk(NinepFid fid) {
  const MutexGuard guard(lock_);
  Request request(*this, Type::kClunk);
  (void)exchange(request.put(fid));  // the fid is gone whatever comes back (clunk(5))
  give_fid(fid);
}

KResult<RefPtr<NinepHeldFid>> NinepClient::hold(NinepFid fid) {
  auto held = try_make_ref<NinepHeldFid>(RefPtr<NinepClient>(this), fid);
  if (!held.ok()) {
    clunk(fid);
  }
  return held;
}

// --- attributes ---

KResult<ninep::Attributes> NinepClient::get_attributes(NinepFid fid) {
  const MutexGuard guard(lock_);
  Request request(*this, Type::kGetattr);
  Reply reply = TRY(exchange(request.put(fid).put(ninep::kAttributesBasic)));
  ninep::Attributes found{};
  found.valid = TRY(reply.get<u64>());
  found.qid = TRY(reply.qid());
  for (u32* field : {&found.mode, &found.uid, &found.gid}) {
    *field = TRY(reply.get<u32>());
  }
  for (u64* field :
       {&found.links, &found.rdev, &found.size_bytes, &found.block_bytes, &found.blocks, &found.atime_s,
        &found.atime_ns, &found.mtime_s, &found.mtime_ns, &found.ctime_s, &found.ctime_ns}) {
    *field = TRY(reply.get<u64>());
  }
  if (found.size_bytes > kMaxFileBytes) {
    return Err(Errno::kEOVERFLOW);
  }
  return found;
}

KResult<void> NinepClient::set_attributes(NinepFid fid, const NinepChange& change) {
  const MutexGuard guard(lock_);
  Request request(*this, Type::kSetattr);
  request.put(fid).put(change.valid).put(change.mode).put(change.uid).put(change.gid).put(change.size_bytes);
  request.put(change.atime).put(change.mtime);
  TRY(exchange(request));
  return {};
}

KResult<String> NinepClient::read_link(NinepFid fid) {
  const MutexGuard guard(lock_);
  Request request(*this, Type::kReadlink);
  Reply reply = TRY(exchange(request.put(fid)));
  return String::from(TRY(reply.text()));
}

StatFs NinepClient::stat(NinepFid fid) {
  StatFs stat{};
  stat.type = ninep::kFileSystemMagic;
  const MutexGuard guard(lock_);
  Request request(*this, Type::kStatfs);
  auto reply = exchange(request.put(fid));
  if (!reply.ok()) {
    return stat;
  }
  Reply& fields = reply.value();
  (void)fields.get<u32>();
  stat.bsize = stat.frsize = fields.get<u32>().value_or(0);
  for (u64* field : {&stat.blocks, &stat.bfree, &stat.bavail, &stat.files, &stat.ffree}) {
    *field = fields.get<u64>().value_or(0);
  }
  (void)fields.get<u64>();
  stat.namelen = fields.get<u32>().value_or(0);
  return stat;
}

// --- contents ---

KResult<void> NinepClient::open(NinepFid fid, u32 flags) {
  const MutexGuard guard(lock_);
  Request request(*this, Type::kLopen);
  TRY(exchange(request.put(fid).put(flags)));
  return {};
}

KResult<void> NinepClient::create(NinepFid fid, StringView name, u32 flags, u32 mode) {
  const MutexGuard guard(lock_);
  Request request(*this, Type::kLcreate);
  TRY(exchange(request.put(fid).text(name).put(flags).put(mode).put(u32{0})));
  return {};
}

// The reply's header and count come into the buffer, the data to where it belongs. An error is as long as
// those.
KResult<usize> NinepClient::read(NinepFid fid, u64 offset, Span<const ByteSpan> to) {
  static_assert(ninep::kReadHeaderBytes == ninep::kErrorBytes);
  usize bytes = 0;
  for (const ByteSpan piece : to) {
    bytes += piece.size();
  }
  const MutexGuard guard(lock_);
  Request request(*this, Type::kRead);
  request.put(fid).put(offset).put(static_cast<u32>(bytes));
  Reply reply = TRY(exchange(request, {}, ninep::kReadHeaderBytes, to));
  const u32 count = TRY(reply.get<u32>());
  return count <= bytes ? KResult<usize>(count) : Err(Errno::kEIO);
}

// An answer may be shorter than what was asked for; only an empty one says that there is no more.
KResult<void> NinepClient::read_pages(NinepFid fid, u64 first, u64 bytes, Span<Frame* const> frames) {
  ASSERT(bytes <= frames.size() << kPageShift);
  // From byte `from` of the frames on: the rest of one frame, of which `limit` bytes may be meant.
  const auto rest_of_frame = [&](u64 from, u64 limit) {
    const u64 in_frame = from & (kPageBytes - 1);
    return ByteSpan(frame_data(frames[from >> kPageShift]) + in_frame,
                    std::min(kPageBytes - in_frame, limit));
  };
  u64 done = 0;
  while (done < bytes) {
    ByteSpan pieces[kMaxPagesAtOnce];
    usize count = 0;
    for (u64 at = done; at < bytes && count < pages_at_once_; at += pieces[count++].size()) {
      pieces[count] = rest_of_frame(at, bytes - at);
    }
    const usize got = TRY(read(fid, (first << kPageShift) + done, {pieces, count}));
    if (got == 0) {
      break;
    }
    done += got;
  }
  for (const u64 end = frames.size() << kPageShift; done < end;) {
    const ByteSpan rest = rest_of_frame(done, end - done);
    std::fill(rest.begin(), rest.end(), u8{0});
    done += rest.size();
  }
  return {};
}

KResult<usize> NinepClient::write(NinepFid fid, u64 offset, ConstByteSpan from) {
  ASSERT(from.size() <= kPageBytes);
  const MutexGuard guard(lock_);
  Request request(*this, Type::kWrite);
  request.put(fid).put(offset).put(static_cast<u32>(from.size()));
  Reply reply = TRY(exchange(request, from));
  const u32 count = TRY(reply.get<u32>());
  return count <= from.size() ? KResult<usize>(count) : Err(Errno::kEIO);
}

KResult<void> NinepClient::sync(NinepFid fid) {
  const MutexGuard guard(lock_);
  Request request(*this, Type::kFsync);
  TRY(exchange(request.put(fid).put(u32{0})));
  return {};
}

KResult<bool> NinepClient::read_directory(NinepFid fid, u64 offset, NinepEntrySink& sink) {
  const MutexGuard guard(lock_);
  Request request(*this, Type::kReaddir);
  request.put(fid).put(offset).put(static_cast<u32>(kPageBytes - ninep::kReadHeaderBytes));
  Reply reply = TRY(exchange(request));
  TRY(reply.get<u32>());
  bool any = false;
  while (!reply.at_end()) {
    const ninep::Qid qid = TRY(reply.qid());
    const u64 next = TRY(reply.get<u64>());
    const u8 type = TRY(reply.get<u8>());
    const StringView name = TRY(reply.text());
    any = true;
    if (name.empty() || name.size() > kNameMax || name.find('/') != StringView::npos) {
      return Err(Errno::kEIO);
    }
    if (!sink.entry(qid, next, type, name)) {
      return false;
    }
  }
  return any;
}

// --- names ---

KResult<void> NinepClient::make_directory(NinepFid directory, StringView name, u32 mode) {
  const MutexGuard guard(lock_);
  Request request(*this, Type::kMkdir);
  TRY(exchange(request.put(directory).text(name).put(mode).put(u32{0})));
  return {};
}

KResult<void> NinepClient::make_symlink(NinepFid directory, StringView name, StringView target) {
  const MutexGuard guard(lock_);
  Request request(*this, Type::kSymlink);
  TRY(exchange(request.put(directory).text(name).text(target).put(u32{0})));
  return {};
}

KResult<void> NinepClient::make_node(NinepFid directory, StringView name, u32 mode, u64 device) {
  const MutexGuard guard(lock_);
  Request request(*this, Type::kMknod);
  request.put(directory).text(name).put(mode).put(device_major(device)).put(device_minor(device)).put(u32{0});
  TRY(exchange(request));
  return {};
}

KResult<void> NinepClient::link(NinepFid directory, NinepFid target, StringView name) {
  const MutexGuard guard(lock_);
  Request request(*this, Type::kLink);
  TRY(exchange(request.put(directory).put(target).text(name)));
  return {};
}

KResult<void> NinepClient::rename(NinepFid from, StringView name, NinepFid to, StringView to_name) {
  const MutexGuard guard(lock_);
  Request request(*this, Type::kRenameat);
  TRY(exchange(request.put(from).text(name).put(to).text(to_name)));
  return {};
}

KResult<void> NinepClient::unlink(NinepFid directory, StringView name, u32 flags) {
  const MutexGuard guard(lock_);
  Request request(*this, Type::kUnlinkat);
  TRY(exchange(request.put(directory).text(name).put(flags)));
  return {};
}

}  // namespace kernel
