# Compiling through ccache, where it is installed and nothing else was asked for.

# quire_use_ccache(ROOT [SETTING=VALUE...])
#   Paths below ROOT are made relative, so that builds of any checkout share what they have in common, of an unpacked
#   source distribution, too. (Their build folders stand directly in it.)
macro(quire_use_ccache root)
  find_program(CCACHE ccache)
  find_program(ENV_PROGRAM env)
  if(CCACHE AND ENV_PROGRAM AND NOT CMAKE_CXX_COMPILER_LAUNCHER)
    set(CMAKE_CXX_COMPILER_LAUNCHER ${ENV_PROGRAM} CCACHE_BASEDIR=${root} ${ARGN} ${CCACHE})
    set(CMAKE_C_COMPILER_LAUNCHER ${CMAKE_CXX_COMPILER_LAUNCHER})
  endif()
endmacro()
