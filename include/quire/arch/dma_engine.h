// The DMA engine: copies guest RAM to guest RAM on its own, taking virtual time, and interrupts when done.
//
// Made for experiments with device mappings, cache of translations against DMA, and interrupts; see
// docs/dma-engine.md. The device tree's node is `quire,dma`. A driver writes SOURCE, DESTINATION and LENGTH,
// then START into CONTROL; the engine copies bursts in ascending order, each when its time has come.
#pragma once

#include "quire/arch/types.h"

namespace quire::arch {

inline constexpr const char* kDmaCompatible = "quire,dma";

/// Register offsets. All registers are 64 bits wide; each half may be accessed alone with 32 bits.
enum DmaRegister : u64 {
  kDmaRegId = 0x00,           ///< R: kDmaMagic
  kDmaRegSource = 0x08,       ///< RW: physical address, any alignment; fixed while busy
  kDmaRegDestination = 0x10,  ///< RW: likewise
  kDmaRegLength = 0x18,       ///< RW: bytes; likewise
  kDmaRegControl = 0x20,      ///< RW: DmaControlBit
  kDmaRegStatus = 0x28,       ///< R: DmaStatusBit; writing 1 to kDmaDone or kDmaError clears it
  kDmaRegCopied = 0x30,       ///< R: bytes of the transfer that are at their destination
  kDmaRegFault = 0x38,        ///< R: with kDmaError, the first address of the burst that is not all RAM
};

enum DmaControlBit : u64 {
  kDmaStart = 1,            ///< W: begins a transfer, clearing done, error and copied; ignored while busy
  kDmaAbort = 2,            ///< W: ends the transfer where it is: neither done nor error; ignored when idle
  kDmaInterruptEnable = 4,  ///< RW: the line follows "done or error"
};

enum DmaStatusBit : u64 {
  kDmaBusy = 1,
  kDmaDone = 2,
  kDmaError = 4,               ///< the transfer ended: a burst was not all RAM
  kDmaErrorAtDestination = 8,  ///< with kDmaError: there, not at the source
};

inline constexpr u64 kDmaMagic = 0x31'414d'4451;  // "QDMA1", little-endian
inline constexpr u64 kDmaRegistersBytes = 0x40;

// Virtual time: a transfer of n bytes is done kDmaSetupNs + n * kDmaNsPerByte after START.
inline constexpr u64 kDmaSetupNs = 1000;
inline constexpr u64 kDmaNsPerByte = 1;
/// Bytes copied at once. A burst whose source or destination is not all RAM moves nothing.
inline constexpr u64 kDmaBurstBytes = 4096;

}  // namespace quire::arch
