# One static library a layer, and one GoogleTest program for its tests.

add_library(quire_options INTERFACE)
target_include_directories(quire_options INTERFACE ${PROJECT_SOURCE_DIR}/include ${PROJECT_SOURCE_DIR})
target_compile_options(quire_options INTERFACE -Wall -Wextra -Werror -Wshadow -fno-strict-aliasing
                                               $<$<CXX_COMPILER_ID:Clang>:-Wno-gnu-statement-expression>
                                               # GCC 12 sees overlaps in std::string's own concatenation (its bug 105329).
                                               $<$<CXX_COMPILER_ID:GNU>:-Wno-restrict>)
if(QUIRE_SANITIZE)
  target_compile_options(quire_options INTERFACE -fsanitize=${QUIRE_SANITIZE} -fno-omit-frame-pointer
                                                 -fno-sanitize-recover=all)
  target_link_options(quire_options INTERFACE -fsanitize=${QUIRE_SANITIZE})
endif()

# quire_layer(NAME [layers and libraries it builds on...])
#   emu/NAME/**.cpp -> library quire_NAME; a layer that is headers only becomes an INTERFACE library.
#   tests/unit/emu/NAME/*_test.cpp -> program unit_NAME, registered with CTest.
function(quire_layer name)
  set(dir ${PROJECT_SOURCE_DIR}/emu/${name})
  file(GLOB_RECURSE sources CONFIGURE_DEPENDS ${dir}/*.cpp)
  list(FILTER sources EXCLUDE REGEX "/main\\.cpp$")
  if(sources)
    add_library(quire_${name} STATIC ${sources})
    target_link_libraries(quire_${name} PUBLIC quire_options ${ARGN})
  else()
    add_library(quire_${name} INTERFACE)
    target_link_libraries(quire_${name} INTERFACE quire_options ${ARGN})
  endif()
  quire_unit_test(${name} ${PROJECT_SOURCE_DIR}/tests/unit/emu/${name} quire_${name})
endfunction()

# quire_unit_test(NAME DIR libraries...): DIR/*_test.cpp -> program unit_NAME, where there are any.
function(quire_unit_test name dir)
  if(NOT QUIRE_TESTS)
    return()
  endif()
  file(GLOB_RECURSE tests CONFIGURE_DEPENDS ${dir}/*.cpp)
  if(NOT tests)
    return()
  endif()
  add_executable(unit_${name} ${tests})
  target_link_libraries(unit_${name} PRIVATE ${ARGN} GTest::gtest GTest::gtest_main)
  add_test(NAME unit_${name} COMMAND unit_${name})
  set_tests_properties(unit_${name} PROPERTIES LABELS unit)
endfunction()
