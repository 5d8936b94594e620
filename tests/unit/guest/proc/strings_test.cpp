// Script lines, the strings of a new program, and the run file.
#include <string>

#include "gtest/gtest.h"
#include "guest/init/run_request.h"
#include "guest/proc/exec_args.h"
#include "guest/proc/script.h"

namespace kernel {
namespace {

TEST(Script, BlanksBehindThePathShowThatItIsWhole) {
  std::string head = "#!/bin/sh";
  head.resize(kExecHeadBytes, ' ');
  const auto script = parse_script(head);
  ASSERT_TRUE(script);
  EXPECT_EQ(script->interpreter, "/bin/sh");
  EXPECT_EQ(script->option, "");
  head.back() = 'x';
  EXPECT_EQ(parse_script(head)->option, "x");
  EXPECT_FALSE(parse_script(std::string("#!") + std::string(kExecHeadBytes - 2, ' ')));
}

TEST(Script, InterpreterAndOneOption) {
  const auto script = parse_script("#! /bin/sh  -e x \nrest");
  ASSERT_TRUE(script);
  EXPECT_EQ(script->interpreter, "/bin/sh");
  EXPECT_EQ(script->option, "-e x");
}

TEST(Script, NoOption) {
  const auto script = parse_script("#!/bin/sh");
  ASSERT_TRUE(script);
  EXPECT_EQ(script->interpreter, "/bin/sh");
  EXPECT_EQ(script->option, "");
}

TEST(Script, WhatIsNoScript) {
  EXPECT_FALSE(parse_script(""));
  EXPECT_FALSE(parse_script("#"));
  EXPECT_FALSE(parse_script("#!"));
  EXPECT_FALSE(parse_script("#! \t\nx"));
  EXPECT_FALSE(
      parse_script("\x7f"
                   "ELF"));
}

TEST(Script, APathThatMayBeCutOffIsRefused) {
  EXPECT_FALSE(parse_script("#!/" + std::string(kExecHeadBytes - 3, 'a')));
  EXPECT_TRUE(parse_script("#!/a " + std::string(kExecHeadBytes - 5, 'b')));
}

std::string all_pieces(const ExecArgs& args) {
  std::string text;
  EXPECT_TRUE(args.for_each_piece([&text](ConstByteSpan piece) {
                    text += as_text(piece);
                    return KResult<void>();
                  })
                  .ok());
  return text;
}

TEST(ExecArgs, InterpreterReplacesTheFirstArgument) {
  ExecArgs args(100'000);
  for (const char* text : {"script", "a", "b"}) {
    ASSERT_TRUE(args.add_arg(text).ok());
  }
  ASSERT_TRUE(args.add_env("K=V").ok());
  ASSERT_TRUE(args.insert_interpreter("/bin/sh", "-e", "/tmp/script").ok());
  EXPECT_EQ(args.arg_count(), 5U);
  EXPECT_EQ(args.env_count(), 1U);
  using namespace std::string_literals;
  EXPECT_EQ(all_pieces(args), "/bin/sh\0-e\0/tmp/script\0a\0b\0K=V\0"s);
  EXPECT_EQ(args.total_bytes(), all_pieces(args).size());
  EXPECT_EQ(args.arg_bytes(), args.total_bytes() - 4);
}

TEST(ExecArgs, NestedScriptsStackUp) {
  ExecArgs args(100'000);
  ASSERT_TRUE(args.add_arg("outer").ok());
  ASSERT_TRUE(args.insert_interpreter("/inner", "", "/outer").ok());
  ASSERT_TRUE(args.insert_interpreter("/bin/sh", "-x", "/inner").ok());
  using namespace std::string_literals;
  EXPECT_EQ(all_pieces(args), "/bin/sh\0-x\0/inner\0/outer\0"s);
  EXPECT_EQ(args.arg_count(), 4U);
}

TEST(ExecArgs, TooMuchIsE2big) {
  ExecArgs args(1000);
  const auto result = args.add_arg(std::string(1000, 'x'));
  ASSERT_FALSE(result.ok());
  EXPECT_EQ(result.error(), Errno::kE2BIG);
}

ConstByteSpan bytes_of(const std::string& text) { return as_bytes(text); }

TEST(RunRequest, ReadsEveryKey) {
  using namespace std::string_literals;
  const std::string text = "quire-run 1\0exe=/bin/p\0arg=p\0arg=x=y\0env=A=1\0cwd=/tmp\0"s;
  const auto request = RunRequest::parse(bytes_of(text));
  ASSERT_TRUE(request.ok());
  EXPECT_EQ(request.value().executable, "/bin/p");
  EXPECT_EQ(request.value().cwd, "/tmp");
  ASSERT_EQ(request.value().args.size(), 2U);
  EXPECT_EQ(request.value().args[1], "x=y");
  ASSERT_EQ(request.value().env.size(), 1U);
}

TEST(RunRequest, RefusesWhatItDoesNotKnow) {
  using namespace std::string_literals;
  for (const std::string& text : {""s, "quire-run 1\0"s, "quire-run 2\0exe=/p\0"s, "quire-run 1\0exe=/p"s,
                                  "quire-run 1\0exe=/p\0other=1\0"s}) {
    EXPECT_FALSE(RunRequest::parse(bytes_of(text)).ok()) << text;
  }
}

}  // namespace
}  // namespace kernel
