// Messages over sockets: send and recv in all their forms, with control messages (cmsg(3)).
#include "guest/syscall/messages.h"

#include "guest/proc/process_table.h"
#include "guest/proc/signal.h"

namespace kernel {

namespace {

constexpr usize kControlAlignment = 8;
constexpr usize kMaxControlBytes = 65536;

/// The segments of a message, and the buffer over them.
struct MessageSegments {
  Vector<IoSegment> list;
  KResult<IoBuffer> read(const MessageHeader& header) {
    if (header.segment_count > kMaxIoSegments) {
      return Err(Errno::kEMSGSIZE);
    }
    TRY(list.resize(header.segment_count));
    TRY(copy_from_user(list.data(), VirtAddr(header.segments), header.segment_count * sizeof(IoSegment)));
    IoBuffer buffer = TRY(IoBuffer::vector(list.span()));
    buffer.limit(kMaxIoBytes);
    return buffer;
  }
};

// --- control messages of a program ---

KResult<void> take_rights(ConstByteSpan data, SocketMessage& message) {
  if (message.files.size() + data.size() / sizeof(i32) > kMaxPassedFiles) {
    return Err(Errno::kEINVAL);
  }
  for (usize at = 0; at + sizeof(i32) <= data.size(); at += sizeof(i32)) {
    i32 fd = -1;
    memcpy(&fd, data.data() + at, sizeof(fd));
    auto file = TRY(any_file_of(fd));
    TRY(message.files.push(std::move(file)));
  }
  return {};
}

KResult<void> take_credentials(ConstByteSpan data, SocketMessage& message) {
  if (data.size() != sizeof(SocketCredentials)) {
    return Err(Errno::kEINVAL);
  }
  memcpy(&message.credentials, data.data(), sizeof(message.credentials));
  const Process& self = current_process();
  const IdSet& user = self.identity.user;
  const SocketCredentials& claimed = message.credentials;
  const auto is_own = [](const IdSet& ids, u32 id) {
    return id == ids.real || id == ids.effective || id == ids.saved;
  };
  if (!self.identity.privileged() &&
      (claimed.pid != static_cast<i32>(self.pid()) || !is_own(user, claimed.uid) ||
       !is_own(self.identity.group, claimed.gid))) {
    return Err(Errno::kEPERM);
  }
  message.has_credentials = true;
  return {};
}

KResult<void> read_control(const MessageHeader& header, SocketMessage& message) {
  if (header.control_bytes == 0 || header.control == 0) {
    return {};
  }
  if (header.control_bytes > kMaxControlBytes) {
    return Err(Errno::kENOBUFS);
  }
  Vector<u8> control;
  TRY(control.resize(header.control_bytes));
  TRY(copy_from_user(control.data(), VirtAddr(header.control), control.size()));
  for (usize at = 0; at + sizeof(ControlMessageHeader) <= control.size();) {
    ControlMessageHeader head;
    memcpy(&head, control.data() + at, sizeof(head));
    if (head.bytes < sizeof(head) || head.bytes > control.size() - at) {
      return Err(Errno::kEINVAL);
    }
    const ConstByteSpan data(control.data() + at + sizeof(head), head.bytes - sizeof(head));
    if (head.level == kLevelSocket) {
      switch (head.type) {
        case kControlRights:
          TRY(take_rights(data, message));
          break;
        case kControlCredentials:
          TRY(take_credentials(data, message));
          break;
        default:
          return Err(Errno::kEINVAL);
      }
    }
    at += align_up(head.bytes, kControlAlignment);
  }
  return {};
}

// --- control messages for a program ---

class ControlWriter {
 public:
  explicit ControlWriter(const MessageHeader& header) : at_(header.control), room_(header.control_bytes) {
    room_ = at_ == 0 ? 0 : room_;
  }
  bool truncated() const { return truncated_; }
  u64 used() const { return used_; }
  /// Room for data of one more message.
  usize room() const {
    return room_ < sizeof(ControlMessageHeader) ? 0 : room_ - sizeof(ControlMessageHeader);
  }
  void set_truncated() { truncated_ = true; }

  KResult<void> put(i32 type, ConstByteSpan data) {
    if (room_ < sizeof(ControlMessageHeader)) {
      truncated_ = true;
      return {};
    }
    const usize bytes = std::min<usize>(data.size(), room());
    truncated_ |= bytes < data.size();
    const ControlMessageHeader head{sizeof(ControlMessageHeader) + bytes, kLevelSocket, type};
    TRY(put_user(VirtAddr(at_ + used_), head));
    TRY(copy_to_user(VirtAddr(at_ + used_ + sizeof(head)), data.data(), bytes));
    const u64 step = std::min<u64>(align_up(head.bytes, kControlAlignment), room_);
    used_ += step;
    room_ -= step;
    return {};
  }

 private:
  u64 at_;
  u64 room_;
  u64 used_ = 0;
  bool truncated_ = false;
};

/// Gives the receiver a descriptor for each file, as far as there is room for their numbers.
KResult<void> put_rights(SocketMessage& message, u32 flags, ControlWriter& control) {
  if (message.files.empty()) {
    return {};
  }
  const usize count = std::min(message.files.size(), control.room() / sizeof(i32));
  Vector<i32> numbers;
  for (usize i = 0; i < count; i++) {
    const auto fd =
        install_file(message.files[i], (flags & kMessageCloseOnExec) != 0 ? u32{kOpenCloseOnExec} : 0);
    if (!fd.ok()) {
      control.set_truncated();
      break;
    }
    TRY(numbers.push(static_cast<i32>(fd.value())));
  }
  if (count < message.files.size()) {
    control.set_truncated();
  }
  if (numbers.empty()) {
    return {};
  }
  return control.put(kControlRights, ConstByteSpan(reinterpret_cast<const u8*>(numbers.data()),
                                                   numbers.size() * sizeof(i32)));
}

// --- one message ---

SyscallResult finish_send(KResult<usize> sent, u32 flags) {
  if (sent.ok()) {
    return static_cast<i64>(sent.value());
  }
  if (sent.error() == Errno::kEPIPE && (flags & kMessageNoSignal) == 0) {
    (void)send_to_task(current_task(), signal_from_user(kSIGPIPE));
  }
  return Err(sent.error());
}

SyscallResult send_message(const SocketFile& at, const MessageHeader& header, u32 flags) {
  at.set_restart(at.socket->send_timeout_ns);
  MessageSegments segments;
  IoBuffer buffer = TRY(segments.read(header));
  const SocketCaller caller = socket_caller();
  SocketMessage message(buffer, flags);
  if (header.name != 0 && header.name_bytes != 0) {
    message.name = TRY(user_socket_name(VirtAddr(header.name), header.name_bytes));
  }
  TRY(read_control(header, message));
  return finish_send(at.socket->send(caller, message, at.wait(flags)), flags);
}

/// `header` is told what came; writing it back is the caller's.
SyscallResult receive_message(const SocketFile& at, MessageHeader& header, VirtAddr header_at, u32 flags) {
  at.set_restart(at.socket->receive_timeout_ns);
  MessageSegments segments;
  IoBuffer buffer = TRY(segments.read(header));
  SocketMessage message(buffer, flags);
  const usize count = TRY(at.socket->receive(message, at.wait(flags)));
  ControlWriter control(header);
  if (at.socket->pass_credentials && message.has_credentials) {
    TRY(control.put(kControlCredentials, object_bytes(message.credentials)));
  }
  TRY(put_rights(message, flags, control));
  if (header.name != 0) {
    TRY(put_socket_name(message.name, VirtAddr(header.name),
                        header_at + __builtin_offsetof(MessageHeader, name_bytes)));
  }
  header.flags = message.result_flags | (flags & kMessageCloseOnExec) |
                 (control.truncated() ? u32{kMessageControlTruncated} : 0);
  TRY(put_user(header_at + __builtin_offsetof(MessageHeader, flags), header.flags));
  TRY(put_user(header_at + __builtin_offsetof(MessageHeader, control_bytes), control.used()));
  const bool whole = (flags & kMessageTruncated) != 0 && (message.result_flags & kMessageTruncated) != 0;
  return static_cast<i64>(whole ? message.whole_bytes : count);
}

/// struct mmsghdr.
struct ManyMessage {
  MessageHeader header;
  u32 bytes;
  u32 pad;
};
constexpr u32 kMaxManyMessages = 1024;

}  // namespace

KResult<SocketFile> SocketFile::get(i32 fd) {
  SocketFile found{.file = TRY(file_of(fd))};
  found.socket = TRY(socket_of(*found.file));
  return found;
}

SocketCaller socket_caller() {
  const Process& self = current_process();
  return {current_fs(),
          {static_cast<i32>(self.pid()), self.identity.user.effective, self.identity.group.effective},
          self.identity.user.real,
          self.identity.privileged() ? ~u64{0} : open_files_limit()};
}

KResult<SocketName> user_socket_name(VirtAddr address, u32 bytes) {
  SocketName name;
  if (static_cast<i32>(bytes) < 0 || bytes > sizeof(name.address)) {
    return Err(Errno::kEINVAL);
  }
  TRY(copy_from_user(&name.address, address, bytes));
  name.bytes = bytes;
  return name;
}

KResult<void> put_socket_name(const SocketName& name, VirtAddr to, VirtAddr length_at) {
  const i32 room = TRY(get_user<i32>(length_at));
  if (room < 0) {
    return Err(Errno::kEINVAL);
  }
  TRY(copy_to_user(to, &name.address, std::min<usize>(static_cast<usize>(room), name.bytes)));
  return put_user(length_at, name.bytes);
}

SyscallResult sys_sendto(const SyscallArgs& args) {
  const SocketFile at = TRY(SocketFile::get(args.as_int(0)));
  at.set_restart(at.socket->send_timeout_ns);
  IoBuffer buffer = IoBuffer::user(args.as_address(1), std::min<u64>(args[2], kMaxIoBytes));
  SocketMessage message(buffer, args.as_uint(3));
  if (args[4] != 0) {
    message.name = TRY(user_socket_name(args.as_address(4), args.as_uint(5)));
  }
  return finish_send(at.socket->send(socket_caller(), message, at.wait(message.flags)), message.flags);
}

SyscallResult sys_recvfrom(const SyscallArgs& args) {
  const SocketFile at = TRY(SocketFile::get(args.as_int(0)));
  at.set_restart(at.socket->receive_timeout_ns);
  IoBuffer buffer = IoBuffer::user(args.as_address(1), std::min<u64>(args[2], kMaxIoBytes));
  SocketMessage message(buffer, args.as_uint(3));
  const usize count = TRY(at.socket->receive(message, at.wait(message.flags)));
  if (args[4] != 0) {
    TRY(put_socket_name(message.name, args.as_address(4), args.as_address(5)));
  }
  const bool whole =
      (message.flags & kMessageTruncated) != 0 && (message.result_flags & kMessageTruncated) != 0;
  return static_cast<i64>(whole ? message.whole_bytes : count);
}

SyscallResult sys_sendmsg(const SyscallArgs& args) {
  const SocketFile at = TRY(SocketFile::get(args.as_int(0)));
  const auto header = TRY(get_user<MessageHeader>(args.as_address(1)));
  return send_message(at, header, args.as_uint(2));
}

SyscallResult sys_recvmsg(const SyscallArgs& args) {
  const SocketFile at = TRY(SocketFile::get(args.as_int(0)));
  auto header = TRY(get_user<MessageHeader>(args.as_address(1)));
  return receive_message(at, header, args.as_address(1), args.as_uint(2));
}

SyscallResult sys_sendmmsg(const SyscallArgs& args) {
  const SocketFile at = TRY(SocketFile::get(args.as_int(0)));
  const u32 count = std::min(args.as_uint(2), kMaxManyMessages);
  for (u32 i = 0; i < count; i++) {
    const VirtAddr place = args.as_address(1) + i * sizeof(ManyMessage);
    const auto header = TRY(get_user<MessageHeader>(place));
    const auto sent = send_message(at, header, args.as_uint(3));
    if (!sent.ok()) {
      return i > 0 ? SyscallResult(i64{i}) : SyscallResult(Err(sent.error()));
    }
    TRY(put_user(place + sizeof(MessageHeader), static_cast<u32>(sent.value())));
  }
  return i64{count};
}

SyscallResult sys_recvmmsg(const SyscallArgs& args) {
  const SocketFile at = TRY(SocketFile::get(args.as_int(0)));
  const u32 count = std::min(args.as_uint(2), kMaxManyMessages);
  // recvmmsg(2), BUGS: the time-out is looked at after each message only.
  const u64 deadline = args[4] == 0 ? kNoDeadline : deadline_after(TRY(user_timespec_ns(args.as_address(4))));
  u32 flags = args.as_uint(3) & ~u32{kMessageWaitForOne};
  for (u32 i = 0; i < count; i++) {
    const VirtAddr place = args.as_address(1) + i * sizeof(ManyMessage);
    auto header = TRY(get_user<MessageHeader>(place));
    const auto got = receive_message(at, header, place, flags);
    if (!got.ok()) {
      return i > 0 ? SyscallResult(i64{i}) : SyscallResult(Err(got.error()));
    }
    TRY(put_user(place + sizeof(MessageHeader), static_cast<u32>(got.value())));
    if ((args.as_uint(3) & kMessageWaitForOne) != 0) {
      flags |= kMessageDontWait;
    }
    if (deadline <= deadline_after(0)) {
      return i64{i} + 1;
    }
  }
  return i64{count};
}

}  // namespace kernel
