# Finds what rhoflux builds on, and says for each one missing what it is for and how to get it.

function(rhoflux_require found name purpose debian cluster)
  if(NOT ${found})
    message(FATAL_ERROR "rhoflux needs ${name} (${purpose}), which was not found.\n"
                        "  Debian or Ubuntu: apt-get install ${debian}\n"
                        "  Cluster: ${cluster}")
  endif()
endfunction()

# Debian's Kokkos is the one inside Trilinos (3.4, prefix /usr); clusters bring 4 or 5 with -DKokkos_ROOT=.
find_package(Kokkos QUIET)
rhoflux_require(Kokkos_FOUND "Kokkos 3.4 or later" "portable kernels" "libtrilinos-kokkos-dev"
                "give -DKokkos_ROOT=/path/to/kokkos")
find_package(KokkosKernels QUIET)
rhoflux_require(KokkosKernels_FOUND "KokkosKernels" "matrix products through BLAS" "libtrilinos-kokkos-kernels-dev"
                "give -DKokkosKernels_ROOT=/path/to/kokkos-kernels")
add_library(rhoflux_kokkos INTERFACE)
if(TARGET Kokkos::kokkoskernels)
  target_link_libraries(rhoflux_kokkos INTERFACE Kokkos::kokkoskernels Kokkos::kokkos)
else()
  target_include_directories(rhoflux_kokkos SYSTEM INTERFACE ${KokkosKernels_INCLUDE_DIRS})
  target_link_libraries(rhoflux_kokkos INTERFACE ${KokkosKernels_LIBRARIES} ${KokkosKernels_TPL_LIBRARIES})
endif()
target_link_libraries(rhoflux_kokkos INTERFACE ${CMAKE_DL_LIBS})

find_path(RANDOM123_INCLUDE_DIR Random123/philox.h)
rhoflux_require(RANDOM123_INCLUDE_DIR "Random123" "counter-based random numbers" "librandom123-dev"
                "header-only: give -DRANDOM123_INCLUDE_DIR=")
add_library(rhoflux_random123 INTERFACE)
target_include_directories(rhoflux_random123 SYSTEM INTERFACE ${RANDOM123_INCLUDE_DIR})

if(NOT RHOFLUX_CORE_ONLY)
  find_package(MPI COMPONENTS CXX QUIET)
  rhoflux_require(MPI_CXX_FOUND "MPI" "parallel runs" "libopenmpi-dev openmpi-bin"
                  "load the MPI module, or give -DMPI_CXX_COMPILER=/path/to/mpicxx")

  set(HDF5_PREFER_PARALLEL ON)
  find_package(HDF5 COMPONENTS C QUIET)
  rhoflux_require(HDF5_FOUND "HDF5" "data files and checkpoints" "libhdf5-openmpi-dev" "load the parallel HDF5 module, or give -DHDF5_ROOT=")
  rhoflux_require(HDF5_IS_PARALLEL "a parallel HDF5 (the one found was built without MPI)" "ranks reading one file together"
                  "libhdf5-openmpi-dev" "load the parallel HDF5 module, or give -DHDF5_ROOT=")
  target_compile_definitions(MPI::MPI_CXX INTERFACE OMPI_SKIP_MPICXX MPICH_SKIP_MPICXX)  # the C interface alone
  add_library(rhoflux_hdf5 INTERFACE)
  target_include_directories(rhoflux_hdf5 SYSTEM INTERFACE ${HDF5_C_INCLUDE_DIRS})
  target_compile_definitions(rhoflux_hdf5 INTERFACE ${HDF5_C_DEFINITIONS})
  target_link_libraries(rhoflux_hdf5 INTERFACE ${HDF5_C_LIBRARIES} MPI::MPI_CXX)

  find_package(Boost 1.71 COMPONENTS program_options QUIET)
  rhoflux_require(Boost_FOUND "Boost.Program_options" "command line and decks" "libboost-program-options-dev" "give -DBoost_ROOT=")

  find_path(LEMON_INCLUDE_DIR lemon/network_simplex.h)
  find_library(LEMON_LIBRARY NAMES lemon emon)
  rhoflux_require(LEMON_INCLUDE_DIR "LEMON" "exact optimal transport in 'evaluate'" "liblemon-dev" "give -DLEMON_INCLUDE_DIR= and -DLEMON_LIBRARY=")
  rhoflux_require(LEMON_LIBRARY "LEMON's library" "exact optimal transport in 'evaluate'" "liblemon-dev" "give -DLEMON_LIBRARY=")
  add_library(rhoflux_lemon INTERFACE)
  target_include_directories(rhoflux_lemon SYSTEM INTERFACE ${LEMON_INCLUDE_DIR})
  target_link_libraries(rhoflux_lemon INTERFACE ${LEMON_LIBRARY})

  find_package(OpenSSL COMPONENTS Crypto QUIET)
  rhoflux_require(OPENSSL_FOUND "OpenSSL's libcrypto" "SHA-256 of input files" "libssl-dev" "load its module, or give -DOPENSSL_ROOT_DIR=")
  add_library(rhoflux_openssl INTERFACE)
  target_link_libraries(rhoflux_openssl INTERFACE OpenSSL::Crypto)

  find_package(nlohmann_json QUIET)
  rhoflux_require(nlohmann_json_FOUND "nlohmann-json" "figures as JSON" "nlohmann-json3-dev" "header-only: give -Dnlohmann_json_ROOT=")
  add_library(rhoflux_json INTERFACE)
  target_link_libraries(rhoflux_json INTERFACE nlohmann_json::nlohmann_json)
endif()

if(RHOFLUX_TESTS)
  find_package(GTest QUIET)
  rhoflux_require(GTest_FOUND "GoogleTest" "the tests; -DRHOFLUX_TESTS=OFF builds without" "libgtest-dev" "give -DGTest_ROOT=")
endif()
