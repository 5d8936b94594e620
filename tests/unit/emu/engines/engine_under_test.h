// The engine that a program of tests is about.
#pragma once

#include <memory>

#include "emu/hart/engine.h"
#include "emu/hart/hart.h"

namespace quire::test {

std::unique_ptr<HartEngine> make_engine_under_test(Hart& hart);

}  // namespace quire::test
