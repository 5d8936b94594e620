// Names of the floating-point operations, for the bodies (emu/isa/sem) and the library (emu/hart/fp).
//
// Operands and results are whole f or x registers (64 bits); a half or single in an f register is NaN-boxed,
// and checking and making the box is part of the operation (Unprivileged ISA 20240411, 21.2).
#pragma once

#include "emu/base/types.h"

namespace quire {

enum class FpFmt : u8 { kHalf, kSingle, kDouble };

/// The FpFmt of an operation is that of its floating-point operands, and for kFrom* of its result.
enum class FpOp : u8 {
  kAdd,
  kSub,
  kMul,
  kDiv,
  kSqrt,  // rounded
  kMadd,
  kMsub,
  kNmsub,
  kNmadd,  // rounded once: a*b+c, a*b-c, -(a*b)+c, -(a*b)-c
  kToW,
  kToWu,
  kToL,
  kToLu,  // to an x register; W and WU results are sign-extended from bit 31
  kFromW,
  kFromWu,
  kFromL,
  kFromLu,  // from an x register
  kFromHalf,
  kFromSingle,
  kFromDouble,  // from another format (fcvt.s.d is <kFromDouble, kSingle>)
  kRound,
  kRoundnx,  // to an integer, in the format; kRoundnx raises inexact
  kSgnj,
  kSgnjn,
  kSgnjx,
  kMin,
  kMax,  // from kSgnj on the rounding mode does not matter
  kMinm,
  kMaxm,  // NaN where either operand is one
  kEq,
  kLt,
  kLe,
  kLtq,
  kLeq,     // quiet
  kToWMod,  // towards zero, modulo 2^32
  kClass,   // from kEq on to an x register
};

/// Whether the instruction has an rm field: then a reserved rounding mode makes it illegal.
constexpr bool has_rounding_mode(FpOp op) { return op < FpOp::kSgnj; }

/// Values of rm and frm (21.2, table "Rounding mode encoding").
enum class Rounding : u8 {
  kNearestEven = 0,
  kTowardZero = 1,
  kDown = 2,
  kUp = 3,
  kNearestMaxMagnitude = 4,
  kDynamic = 7,  ///< in rm only: use frm
};

/// Bits of fflags.
enum FpFlag : u8 {
  kFlagInexact = 1 << 0,
  kFlagUnderflow = 1 << 1,
  kFlagOverflow = 1 << 2,
  kFlagDivideByZero = 1 << 3,
  kFlagInvalid = 1 << 4,
};

}  // namespace quire
