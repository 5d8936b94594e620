// An interpreter of byte code for a stack machine: one indirect jump for each of its instructions.
#include "bench.h"

enum op { kPush, kLoad, kStore, kAdd, kSubtract, kMultiply, kAnd, kShift, kLess, kJumpIfZero, kJump, kHalt };

struct instruction {
  u8 op;
  int32_t operand;
};

// s = 0; for (i = 0; i < n; i++) { x = i; while (x > 1) { x = x & 1 ? 3 * x + 1 : x >> 1; s += 1; } }
enum variable { kN, kI, kX, kS };
// clang-format off
static const struct instruction program[] = {
    {kPush, 0},       {kStore, kS},     {kPush, 0},  {kStore, kI},                                          // 0
    {kLoad, kI},      {kLoad, kN},      {kLess, 0},  {kJumpIfZero, 39},                                     // 4
    {kLoad, kI},      {kStore, kX},                                                                         // 8
    {kPush, 1},       {kLoad, kX},      {kLess, 0},  {kJumpIfZero, 34},                                     // 10
    {kLoad, kX},      {kPush, 1},       {kAnd, 0},   {kJumpIfZero, 25},                                     // 14
    {kLoad, kX},      {kPush, 3},       {kMultiply, 0}, {kPush, 1}, {kAdd, 0}, {kStore, kX}, {kJump, 29},   // 18
    {kLoad, kX},      {kPush, 1},       {kShift, 0}, {kStore, kX},                                          // 25
    {kLoad, kS},      {kPush, 1},       {kAdd, 0},   {kStore, kS}, {kJump, 10},                             // 29
    {kLoad, kI},      {kPush, 1},       {kAdd, 0},   {kStore, kI}, {kJump, 4},                              // 34
    {kHalt, 0},                                                                                             // 39
};
// clang-format on

static int64_t execute(const struct instruction* code, int64_t* variables) {
  int64_t stack[16], *top = stack;
  for (const struct instruction* at = code;; at++) {
    switch ((enum op)at->op) {
      case kPush:
        *top++ = at->operand;
        break;
      case kLoad:
        *top++ = variables[at->operand];
        break;
      case kStore:
        variables[at->operand] = *--top;
        break;
      case kAdd:
        top--;
        top[-1] += top[0];
        break;
      case kSubtract:
        top--;
        top[-1] -= top[0];
        break;
      case kMultiply:
        top--;
        top[-1] *= top[0];
        break;
      case kAnd:
        top--;
        top[-1] &= top[0];
        break;
      case kShift:
        top--;
        top[-1] >>= top[0];
        break;
      case kLess:
        top--;
        top[-1] = top[-1] < top[0];
        break;
      case kJumpIfZero:
        if (*--top == 0) at = code + at->operand - 1;
        break;
      case kJump:
        at = code + at->operand - 1;
        break;
      case kHalt:
        return variables[kS];
    }
  }
}

BENCH(bytecode) {
  u64 sum = 0;
  begin();
  for (u64 i = 0; i < rounds; i++) {
    int64_t variables[4] = {(int64_t)(1000 + i % 16), 0, 0, 0};
    sum = mix(sum, (u64)execute(program, variables));
  }
  return sum;
}
