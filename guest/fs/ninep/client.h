// NinepClient: a 9P2000.L session with one share; a function a message.
//
// Everything the server says is checked before it is used: a malformed reply is EIO. Errnos of the server are
// passed on. Invariant: fid 0 is the share's root, and a fid is in use from the call that makes it to
// clunk(). Lock: `lock_` for the message buffers, inside every other lock.
#pragma once

#include "guest/drivers/ninep_channel.h"
#include "guest/fs/frame_ref.h"
#include "guest/fs/inode.h"
#include "quire/arch/ninep.h"

namespace kernel {

namespace ninep = quire::arch::ninep;

using NinepFid = u32;

/// What kSetattr changes; only fields named in `valid` (ninep::SetAttribute) count.
struct NinepChange {
  u32 valid = 0;
  u32 mode = 0;
  u32 uid = 0;
  u32 gid = 0;
  u64 size_bytes = 0;
  TimeSpec atime{};
  TimeSpec mtime{};
};

/// Takes entries of a directory; false stops.
class NinepEntrySink {
 public:
  virtual bool entry(const ninep::Qid& qid, u64 next, u8 type, StringView name) = 0;

 protected:
  ~NinepEntrySink() = default;
};

class NinepHeldFid;

class NinepClient : public RefCounted<NinepClient> {
 public:
  static constexpr NinepFid kRootFid = 0;

  /// Begins a session. ENODEV: no share has that tag; EPROTO: the server speaks something else.
  static KResult<RefPtr<NinepClient>> start(StringView tag);
  explicit NinepClient(NinepChannel& channel) : channel_(channel) {}

  StringView tag() const { return channel_.tag(); }

  struct Walked {
    NinepFid fid;
    ninep::Qid qid;  ///< of the last name; not set when there is none
  };
  /// A new fid for what the names lead to from `from`. ENOENT.
  KResult<Walked> walk(NinepFid from, Span<const StringView> names);
  KResult<Walked> walk(NinepFid from, StringView name) { return walk(from, {&name, 1}); }
  KResult<NinepFid> clone(NinepFid from) { return TRY(walk(from, Span<const StringView>())).fid; }
  void clunk(NinepFid fid);
  /// The fid for whoever needs it; takes it over, whatever comes of it. ENOMEM.
  KResult<RefPtr<NinepHeldFid>> hold(NinepFid fid);

  KResult<ninep::Attributes> get_attributes(NinepFid fid);
  KResult<void> set_attributes(NinepFid fid, const NinepChange& change);
  KResult<String> read_link(NinepFid fid);
  StatFs stat(NinepFid fid);

  /// `flags`: OpenFlag, as far as the protocol has them.
  KResult<void> open(NinepFid fid, u32 flags);
  /// `fid`, which named the directory, is then the new file, open.
  KResult<void> create(NinepFid fid, StringView name, u32 flags, u32 mode);
  /// The first `bytes` of the file from page `first` on, as far as it has them; the rest of the frames is
  /// zeroed.
  KResult<void> read_pages(NinepFid fid, u64 first, u64 bytes, Span<Frame* const> frames);
  KResult<usize> write(NinepFid fid, u64 offset, ConstByteSpan from);
  KResult<void> sync(NinepFid fid);
  /// Calls `sink` for entries from `offset` on, of which one reply holds; whether there were any.
  KResult<bool> read_directory(NinepFid fid, u64 offset, NinepEntrySink& sink);

  KResult<void> make_directory(NinepFid directory, StringView name, u32 mode);
  KResult<void> make_symlink(NinepFid directory, StringView name, StringView target);
  KResult<void> make_node(NinepFid directory, StringView name, u32 mode, u64 device);
  KResult<void> link(NinepFid directory, NinepFid target, StringView name);
  KResult<void> rename(NinepFid from, StringView name, NinepFid to, StringView to_name);
  /// `flags`: 0 or kAtRemoveDir.
  KResult<void> unlink(NinepFid directory, StringView name, u32 flags);

 private:
  class Request;
  class Reply;

  KResult<void> begin_session();
  /// Sends the request; the reply's fields, or the errno it carries. `in` takes what follows `reply_bytes`.
  KResult<Reply> exchange(const Request& request, ConstByteSpan out = {}, usize reply_bytes = kPageBytes,
                          Span<const ByteSpan> in = {});
  /// The count, 0 at the end. At most kMaxPagesAtOnce pieces, all in the linear map.
  KResult<usize> read(NinepFid fid, u64 offset, Span<const ByteSpan> to);
  KResult<NinepFid> take_fid();
  void give_fid(NinepFid fid);

  NinepChannel& channel_;
  Mutex lock_;
  FrameRef request_;
  FrameRef reply_;
  Vector<NinepFid> free_fids_;
  NinepFid next_fid_ = kRootFid + 1;
  usize pages_at_once_ = 1;  // that one message carries
};

/// A fid that is clunked when nobody needs it any more. Every exchange sleeps, so who uses a fid that others
/// may replace or close meanwhile keeps a reference until the answer is there. The last one to go sleeps.
class NinepHeldFid : public RefCounted<NinepHeldFid> {
 public:
  NinepHeldFid(RefPtr<NinepClient> client, NinepFid fid) : client_(std::move(client)), fid_(fid) {}
  ~NinepHeldFid() { client_->clunk(fid_); }
  NinepFid fid() const { return fid_; }

 private:
  const RefPtr<NinepClient> client_;
  const NinepFid fid_;
};

}  // namespace kernel
