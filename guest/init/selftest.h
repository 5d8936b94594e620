// The supervisor's check of its lower layers on the running board, behind the boot option `quire.selftest`.
//
// `quire.selftest=panic`, `overflow`, `write-text`, `null` and `jump-data` die on purpose.
#pragma once

namespace kernel {

/// Logs one line a check; returns whether all passed. Uses trap hooks of its own: run it before user
/// programs.
bool run_selftest();

}  // namespace kernel
