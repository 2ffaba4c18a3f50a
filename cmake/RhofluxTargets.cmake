# One target per folder: rhoflux_add_folder(network SOURCES a.cpp LINK rhoflux::device) makes rhoflux_network and
# rhoflux::network. Warnings and the choice of the processor are the project's own and do not reach what links to it.

if(CMAKE_BUILD_TYPE STREQUAL "Release")
  set(CMAKE_CXX_FLAGS_RELEASE "-O3 -DNDEBUG")
endif()

set(RHOFLUX_COMPILE_OPTIONS -Wall -Wextra)
if(RHOFLUX_WARNINGS_AS_ERRORS)
  list(APPEND RHOFLUX_COMPILE_OPTIONS -Werror)
endif()
if(CMAKE_CXX_COMPILER_ID MATCHES "GNU|Clang")
  # SIMD loops are marked by hand; no flag here changes the value of any arithmetic expression.
  list(APPEND RHOFLUX_COMPILE_OPTIONS -fopenmp-simd -fno-math-errno -fno-trapping-math)
  if(RHOFLUX_NATIVE)
    list(APPEND RHOFLUX_COMPILE_OPTIONS -march=native)
  endif()
endif()

# What tests, benchmarks and the executable are compiled with; never exported.
add_library(rhoflux_flags INTERFACE)
target_include_directories(rhoflux_flags INTERFACE ${PROJECT_SOURCE_DIR}/include)
target_compile_options(rhoflux_flags INTERFACE ${RHOFLUX_COMPILE_OPTIONS})

# Compilers for devices read a source twice, for the host and for the device, and take no precompiled headers.
set(RHOFLUX_PRECOMPILES ON)
if("CUDA" IN_LIST Kokkos_DEVICES OR "HIP" IN_LIST Kokkos_DEVICES)
  set(RHOFLUX_PRECOMPILES OFF)
endif()

# For code that runs once a command, not once a row or a step: -O1 compiles it in two thirds of the time.
set(RHOFLUX_SELDOM_RUN $<$<CONFIG:Release>:-O1>)

# SELDOM_RUN: its code is such.
function(rhoflux_add_folder name)
  cmake_parse_arguments(ARG "SELDOM_RUN" "" "SOURCES;LINK" ${ARGN})
  if(ARG_SOURCES)
    add_library(rhoflux_${name} STATIC ${ARG_SOURCES})
    set(scope PUBLIC)
    target_compile_options(rhoflux_${name} PRIVATE ${RHOFLUX_COMPILE_OPTIONS})
    if(ARG_SELDOM_RUN)
      target_compile_options(rhoflux_${name} PRIVATE ${RHOFLUX_SELDOM_RUN})
    endif()
    set_target_properties(rhoflux_${name} PROPERTIES POSITION_INDEPENDENT_CODE ON)
  else()
    add_library(rhoflux_${name} INTERFACE)
    set(scope INTERFACE)
  endif()
  target_include_directories(rhoflux_${name} ${scope} $<BUILD_INTERFACE:${PROJECT_SOURCE_DIR}/include>
                                                      $<INSTALL_INTERFACE:${CMAKE_INSTALL_INCLUDEDIR}>)
  target_link_libraries(rhoflux_${name} ${scope} ${ARG_LINK})
  set_target_properties(rhoflux_${name} PROPERTIES EXPORT_NAME ${name})
  add_library(rhoflux::${name} ALIAS rhoflux_${name})
  set_property(GLOBAL APPEND PROPERTY RHOFLUX_LIBRARIES rhoflux_${name})
endfunction()
