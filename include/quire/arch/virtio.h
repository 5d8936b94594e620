// virtio 1.2: the MMIO transport (version 2), the split virtqueue, and the devices both sides know.
//
// Section numbers are those of "Virtual I/O Device (VIRTIO) Version 1.2" (OASIS, 2022). All fields
// are little-endian, as both the guest and every supported host are. Structures have exactly the
// layout they have in guest memory.
#pragma once

#include "quire/arch/types.h"

namespace quire::arch::virtio {

// --- 4.2.2 MMIO device register layout: 32-bit registers, 32-bit aligned accesses -----------------

enum MmioRegister : u32 {
  kRegMagicValue = 0x000,         ///< R: kMagicValue
  kRegVersion = 0x004,            ///< R: kVersion
  kRegDeviceId = 0x008,           ///< R: DeviceId; kNone for an empty slot
  kRegVendorId = 0x00c,           ///< R
  kRegDeviceFeatures = 0x010,     ///< R: 32 bits, chosen by DeviceFeaturesSel
  kRegDeviceFeaturesSel = 0x014,  ///< W
  kRegDriverFeatures = 0x020,     ///< W: 32 bits, chosen by DriverFeaturesSel
  kRegDriverFeaturesSel = 0x024,  ///< W
  kRegQueueSel = 0x030,           ///< W: the queue that the Queue* registers mean
  kRegQueueNumMax = 0x034,        ///< R: largest size; 0 when there is no such queue
  kRegQueueNum = 0x038,           ///< W: size in use, a power of two
  kRegQueueReady = 0x044,         ///< RW
  kRegQueueNotify = 0x050,        ///< W: queue index
  kRegInterruptStatus = 0x060,    ///< R: InterruptBit
  kRegInterruptAck = 0x064,       ///< W: InterruptBit
  kRegStatus = 0x070,             ///< RW: StatusBit; 0 resets
  kRegQueueDescLow = 0x080,       ///< W: physical address of the descriptor table
  kRegQueueDescHigh = 0x084,
  kRegQueueDriverLow = 0x090,  ///< W: ... of the available ring
  kRegQueueDriverHigh = 0x094,
  kRegQueueDeviceLow = 0x0a0,  ///< W: ... of the used ring
  kRegQueueDeviceHigh = 0x0a4,
  kRegShmSel = 0x0ac,     ///< W
  kRegShmLenLow = 0x0b0,  ///< R: all ones when the region does not exist
  kRegShmLenHigh = 0x0b4,
  kRegShmBaseLow = 0x0b8,
  kRegShmBaseHigh = 0x0bc,
  kRegQueueReset = 0x0c0,        ///< RW, with VIRTIO_F_RING_RESET
  kRegConfigGeneration = 0x0fc,  ///< R: changes with every change of the configuration space
  kRegConfig = 0x100,            ///< the device's configuration space, byte-accessible
};

inline constexpr u32 kMagicValue = 0x7472'6976;  // "virt"
inline constexpr u32 kVersion = 2;

enum class DeviceId : u32 { kNone = 0, kNet = 1, kBlock = 2, kConsole = 3, kEntropy = 4, k9p = 9 };

/// 4.2.2: InterruptStatus and InterruptACK.
enum InterruptBit : u32 { kInterruptUsedBuffer = 1U << 0, kInterruptConfigChange = 1U << 1 };

/// 2.1: device status.
enum StatusBit : u32 {
  kStatusAcknowledge = 1,
  kStatusDriver = 2,
  kStatusDriverOk = 4,
  kStatusFeaturesOk = 8,
  kStatusDeviceNeedsReset = 64,
  kStatusFailed = 128,
};

/// 6: feature bits of every device.
inline constexpr u64 kFeatureIndirectDesc = u64{1} << 28;
inline constexpr u64 kFeatureEventIdx = u64{1} << 29;
inline constexpr u64 kFeatureVersion1 = u64{1} << 32;
inline constexpr u64 kFeatureAccessPlatform = u64{1} << 33;
inline constexpr u64 kFeatureRingPacked = u64{1} << 34;
inline constexpr u64 kFeatureRingReset = u64{1} << 40;

// --- 2.7 Split virtqueues ------------------------------------------------------------------------

inline constexpr u32 kQueueSizeLimit = 32768;  ///< 2.7: no queue is larger
inline constexpr u64 kDescTableAlign = 16;     ///< 2.7: alignment of the three parts
inline constexpr u64 kAvailRingAlign = 2;
inline constexpr u64 kUsedRingAlign = 4;

enum DescFlag : u16 {
  kDescNext = 1,      ///< `next` continues the chain
  kDescWrite = 2,     ///< the device writes this buffer (else reads it)
  kDescIndirect = 4,  ///< the buffer is a table of descriptors
};

struct Desc {
  u64 addr;
  u32 len;
  u16 flags;
  u16 next;
};
static_assert(sizeof(Desc) == 16 && offsetof(Desc, len) == 8 && offsetof(Desc, flags) == 12 &&
              offsetof(Desc, next) == 14);

inline constexpr u16 kAvailNoInterrupt = 1;  ///< AvailHeader::flags
/// The ring of u16 descriptor heads follows, then u16 used_event.
struct AvailHeader {
  u16 flags;
  u16 idx;
};
static_assert(sizeof(AvailHeader) == 4);

inline constexpr u16 kUsedNoNotify = 1;  ///< UsedHeader::flags
/// The ring of UsedElem follows, then u16 avail_event.
struct UsedHeader {
  u16 flags;
  u16 idx;
};
static_assert(sizeof(UsedHeader) == 4);

struct UsedElem {
  u32 id;   ///< head of the chain
  u32 len;  ///< bytes the device wrote into it
};
static_assert(sizeof(UsedElem) == 8);

/// Bytes of each part for a queue of `size` entries, the event fields included.
constexpr u64 desc_table_bytes(u32 size) { return u64{size} * sizeof(Desc); }
constexpr u64 avail_ring_bytes(u32 size) {
  return sizeof(AvailHeader) + u64{size} * sizeof(u16) + sizeof(u16);
}
constexpr u64 used_ring_bytes(u32 size) {
  return sizeof(UsedHeader) + u64{size} * sizeof(UsedElem) + sizeof(u16);
}

/// 2.7.10: whether moving the index from `old_index` to `new_index` passes `event`.
constexpr bool event_reached(u16 event, u16 new_index, u16 old_index) {
  return static_cast<u16>(new_index - event - 1) < static_cast<u16>(new_index - old_index);
}

// --- 5.1 Network device --------------------------------------------------------------------------

inline constexpr u32 kNetQueueReceive = 0;
inline constexpr u32 kNetQueueTransmit = 1;

inline constexpr u64 kNetFeatureMtu = u64{1} << 3;
inline constexpr u64 kNetFeatureMac = u64{1} << 5;
inline constexpr u64 kNetFeatureMergeRxBuffers = u64{1} << 15;
inline constexpr u64 kNetFeatureStatus = u64{1} << 16;

inline constexpr u16 kNetStatusLinkUp = 1;

struct NetConfig {
  u8 mac[6];
  u16 status;  ///< kNetStatusLinkUp
  u16 max_virtqueue_pairs;
  u16 mtu;
};
static_assert(sizeof(NetConfig) == 12 && offsetof(NetConfig, mtu) == 10);

/// Before every frame, either way (5.1.6). Without offloads all but num_buffers is 0.
struct NetHeader {
  u8 flags;
  u8 gso_type;
  u16 hdr_len;
  u16 gso_size;
  u16 csum_start;
  u16 csum_offset;
  u16 num_buffers;  ///< receive: chains that hold the frame, 1 unless merged
};
static_assert(sizeof(NetHeader) == 12 && offsetof(NetHeader, num_buffers) == 10);

// --- 5.2 Block device ----------------------------------------------------------------------------

inline constexpr u32 kBlkQueueRequest = 0;
inline constexpr u32 kBlkSectorBytes = 512;  ///< unit of `capacity` and `sector`, whatever blk_size says

inline constexpr u64 kBlkFeatureSizeMax = u64{1} << 1;
inline constexpr u64 kBlkFeatureSegMax = u64{1} << 2;
inline constexpr u64 kBlkFeatureGeometry = u64{1} << 4;
inline constexpr u64 kBlkFeatureReadOnly = u64{1} << 5;
inline constexpr u64 kBlkFeatureBlkSize = u64{1} << 6;
inline constexpr u64 kBlkFeatureFlush = u64{1} << 9;
inline constexpr u64 kBlkFeatureTopology = u64{1} << 10;
inline constexpr u64 kBlkFeatureDiscard = u64{1} << 13;
inline constexpr u64 kBlkFeatureWriteZeroes = u64{1} << 14;

struct BlkConfig {
  u64 capacity;  ///< in kBlkSectorBytes
  u32 size_max;
  u32 seg_max;
  u16 cylinders;
  u8 heads;
  u8 sectors;
  u32 blk_size;
  u8 physical_block_exp;
  u8 alignment_offset;
  u16 min_io_size;
  u32 opt_io_size;
  u8 writeback;
  u8 unused0;
  u16 num_queues;
  u32 max_discard_sectors;
  u32 max_discard_seg;
  u32 discard_sector_alignment;
  u32 max_write_zeroes_sectors;
  u32 max_write_zeroes_seg;
  u8 write_zeroes_may_unmap;
  u8 unused1[3];
};
static_assert(sizeof(BlkConfig) == 64 && offsetof(BlkConfig, seg_max) == 12 &&
              offsetof(BlkConfig, blk_size) == 20 && offsetof(BlkConfig, writeback) == 32 &&
              offsetof(BlkConfig, max_discard_sectors) == 36 &&
              offsetof(BlkConfig, write_zeroes_may_unmap) == 56);

enum class BlkRequest : u32 {
  kIn = 0,   ///< disk -> guest
  kOut = 1,  ///< guest -> disk
  kFlush = 4,
  kGetId = 8,  ///< kBlkIdBytes, NUL-padded
  kDiscard = 11,
  kWriteZeroes = 13,
};

/// Opens every request; data follow, and one writable status byte closes it.
struct BlkHeader {
  BlkRequest type;
  u32 reserved;
  u64 sector;
};
static_assert(sizeof(BlkHeader) == 16 && offsetof(BlkHeader, sector) == 8);

/// One of the segments that are the data of kDiscard and kWriteZeroes.
struct BlkSegment {
  u64 sector;
  u32 count;  ///< in kBlkSectorBytes
  u32 flags;  ///< BlkSegmentFlag; the rest is reserved
};
static_assert(sizeof(BlkSegment) == 16 && offsetof(BlkSegment, flags) == 12);

enum BlkSegmentFlag : u32 { kBlkSegmentUnmap = 1 };

enum class BlkStatus : u8 { kOk = 0, kIoError = 1, kUnsupported = 2 };
inline constexpr u32 kBlkIdBytes = 20;

// --- 5.3 Console device --------------------------------------------------------------------------

inline constexpr u64 kConsoleFeatureSize = u64{1} << 0;
inline constexpr u64 kConsoleFeatureMultiport = u64{1} << 1;
inline constexpr u64 kConsoleFeatureEmergWrite = u64{1} << 2;

/// 5.3.2: receive and transmit queues of a port; port 0 precedes the control queues.
constexpr u32 console_rx_queue(u32 port) { return port == 0 ? 0 : 2 * port + 2; }
constexpr u32 console_tx_queue(u32 port) { return console_rx_queue(port) + 1; }
inline constexpr u32 kConsoleQueueControlRx = 2;  ///< device -> driver
inline constexpr u32 kConsoleQueueControlTx = 3;  ///< driver -> device

struct ConsoleConfig {
  u16 cols;
  u16 rows;
  u32 max_nr_ports;
  u32 emerg_wr;
};
static_assert(sizeof(ConsoleConfig) == 12 && offsetof(ConsoleConfig, max_nr_ports) == 4);

enum class ConsoleEvent : u16 {
  kDeviceReady = 0,  ///< driver: 1, the device may announce its ports
  kPortAdd = 1,      ///< device
  kPortRemove = 2,   ///< device
  kPortReady = 3,    ///< driver: 1, the port may be used
  kConsolePort = 4,  ///< device: the port is a console
  kResize = 5,       ///< device: ConsoleResize follows
  kPortOpen = 6,     ///< either: 1 open, 0 closed
  kPortName = 7,     ///< device: the name follows, without NUL
};

struct ConsoleControl {
  u32 id;  ///< port
  ConsoleEvent event;
  u16 value;
};
static_assert(sizeof(ConsoleControl) == 8 && offsetof(ConsoleControl, value) == 6);

struct ConsoleResize {
  u16 cols;
  u16 rows;
};
static_assert(sizeof(ConsoleResize) == 4);

// --- 5.4 Entropy device --------------------------------------------------------------------------

inline constexpr u32 kRngQueueRequest = 0;

// --- 5.11 9P transport ---------------------------------------------------------------------------

inline constexpr u32 k9pQueueRequest = 0;
inline constexpr u64 k9pFeatureMountTag = u64{1} << 0;

/// The tag follows, without NUL.
struct Config9p {
  u16 tag_len;
};
static_assert(sizeof(Config9p) == 2);

}  // namespace quire::arch::virtio
