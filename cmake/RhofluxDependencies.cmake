# Finds what rhoflux builds on, and says for each one missing what it is for and how to get it. The installed
# configuration (rhoflux-config.cmake) includes this file too, so that a program that uses rhoflux finds the same.
# Targets made here, imported ones so that they are not exported: rhoflux_kokkos, rhoflux_random123 and, unless
# RHOFLUX_CORE_ONLY is on, rhoflux_hdf5, rhoflux_lemon, rhoflux_openssl, rhoflux_json, rhoflux_zlib,
# rhoflux_libzip, rhoflux_nanoflann.

# Ends the file with an error: of the build, or (RHOFLUX_IN_CONFIG_FILE) of find_package(rhoflux).
macro(rhoflux_require found name purpose debian cluster)
  if(NOT ${found})
    set(rhoflux_message "rhoflux needs ${name} (${purpose}), which was not found.\n  Debian or Ubuntu: apt-get install ${debian}\n  Cluster: ${cluster}")
    if(NOT RHOFLUX_IN_CONFIG_FILE)
      message(FATAL_ERROR "${rhoflux_message}")
    endif()
    set(rhoflux_FOUND FALSE)
    set(rhoflux_NOT_FOUND_MESSAGE "${rhoflux_message}")
    return()
  endif()
endmacro()

# rhoflux_add_imported(name include_directories library ..)
function(rhoflux_add_imported name include_directories)
  if(NOT TARGET ${name})
    add_library(${name} INTERFACE IMPORTED)
    target_include_directories(${name} SYSTEM INTERFACE ${include_directories})
    target_link_libraries(${name} INTERFACE ${ARGN})
  endif()
endfunction()

# Debian's Kokkos is the one inside Trilinos (3.4, prefix /usr); clusters bring 4 or 5 with -DKokkos_ROOT=.
find_package(Kokkos QUIET)
rhoflux_require(Kokkos_FOUND "Kokkos 3.4 or later" "portable kernels" "libtrilinos-kokkos-dev"
                "give -DKokkos_ROOT=/path/to/kokkos")
set(rhoflux_has_serial TRUE)
if(DEFINED Kokkos_DEVICES AND NOT "SERIAL" IN_LIST Kokkos_DEVICES)
  set(rhoflux_has_serial FALSE)
endif()
rhoflux_require(rhoflux_has_serial "the backend Serial of Kokkos" "each thread of a rank works with it on a CPU" "libtrilinos-kokkos-dev"
                "build Kokkos with -DKokkos_ENABLE_SERIAL=ON beside its other backends; the one found is in ${Kokkos_DIR}")
find_package(KokkosKernels QUIET)
rhoflux_require(KokkosKernels_FOUND "KokkosKernels" "matrix products through BLAS" "libtrilinos-kokkos-kernels-dev"
                "give -DKokkosKernels_ROOT=/path/to/kokkos-kernels")
set(rhoflux_vendor_blas "")
if("CUDA" IN_LIST Kokkos_DEVICES)
  find_package(CUDAToolkit QUIET)
  rhoflux_require(CUDAToolkit_FOUND "the CUDA toolkit" "matrix products through cuBLAS" "nvidia-cuda-toolkit"
                  "load the CUDA module that Kokkos was built with")
  set(rhoflux_vendor_blas CUDA::cublas)
endif()
if(TARGET Kokkos::kokkoskernels)
  rhoflux_add_imported(rhoflux_kokkos "" Kokkos::kokkoskernels Kokkos::kokkos ${rhoflux_vendor_blas} ${CMAKE_DL_LIBS})
else()
  rhoflux_add_imported(rhoflux_kokkos "${KokkosKernels_INCLUDE_DIRS}"
                       ${KokkosKernels_LIBRARIES} ${KokkosKernels_TPL_LIBRARIES} ${rhoflux_vendor_blas} ${CMAKE_DL_LIBS})
endif()

find_path(RANDOM123_INCLUDE_DIR Random123/philox.h)
rhoflux_require(RANDOM123_INCLUDE_DIR "Random123" "counter-based random numbers" "librandom123-dev"
                "header-only: give -DRANDOM123_INCLUDE_DIR=")
rhoflux_add_imported(rhoflux_random123 "${RANDOM123_INCLUDE_DIR}")

if(NOT RHOFLUX_CORE_ONLY)
  find_package(MPI COMPONENTS CXX QUIET)
  rhoflux_require(MPI_CXX_FOUND "MPI" "parallel runs" "libopenmpi-dev openmpi-bin"
                  "load the MPI module, or give -DMPI_CXX_COMPILER=/path/to/mpicxx")

  rhoflux_require(CMAKE_C_COMPILER "the language C" "CMake finds HDF5 with it: project(... LANGUAGES C CXX)" "gcc"
                  "load a compiler module")
  set(HDF5_PREFER_PARALLEL ON)
  find_package(HDF5 COMPONENTS C HL QUIET)
  rhoflux_require(HDF5_FOUND "HDF5" "data files and checkpoints" "libhdf5-openmpi-dev" "load the parallel HDF5 module, or give -DHDF5_ROOT=")
  rhoflux_require(HDF5_IS_PARALLEL "a parallel HDF5 (the one found was built without MPI)" "ranks reading one file together"
                  "libhdf5-openmpi-dev" "load the parallel HDF5 module, or give -DHDF5_ROOT=")
  target_compile_definitions(MPI::MPI_CXX INTERFACE OMPI_SKIP_MPICXX MPICH_SKIP_MPICXX)  # the C interface alone
  rhoflux_add_imported(rhoflux_hdf5 "${HDF5_C_INCLUDE_DIRS}" ${HDF5_C_HL_LIBRARIES} ${HDF5_C_LIBRARIES} MPI::MPI_CXX)
  target_compile_definitions(rhoflux_hdf5 INTERFACE ${HDF5_C_DEFINITIONS})

  find_package(Boost 1.71 COMPONENTS program_options QUIET)
  rhoflux_require(Boost_FOUND "Boost.Program_options" "command line and decks" "libboost-program-options-dev" "give -DBoost_ROOT=")

  find_path(LEMON_INCLUDE_DIR lemon/network_simplex.h)
  find_library(LEMON_LIBRARY NAMES lemon emon)
  rhoflux_require(LEMON_INCLUDE_DIR "LEMON" "exact optimal transport in 'evaluate'" "liblemon-dev" "give -DLEMON_INCLUDE_DIR= and -DLEMON_LIBRARY=")
  rhoflux_require(LEMON_LIBRARY "LEMON's library" "exact optimal transport in 'evaluate'" "liblemon-dev" "give -DLEMON_LIBRARY=")
  rhoflux_add_imported(rhoflux_lemon "${LEMON_INCLUDE_DIR}" ${LEMON_LIBRARY})

  find_path(NANOFLANN_INCLUDE_DIR nanoflann.hpp)
  rhoflux_require(NANOFLANN_INCLUDE_DIR "nanoflann" "nearest labelled rows in 'fate'" "libnanoflann-dev" "header-only: give -DNANOFLANN_INCLUDE_DIR=")
  rhoflux_add_imported(rhoflux_nanoflann "${NANOFLANN_INCLUDE_DIR}")

  find_package(OpenSSL COMPONENTS Crypto QUIET)
  rhoflux_require(OPENSSL_FOUND "OpenSSL's libcrypto" "SHA-256 of input files" "libssl-dev" "load its module, or give -DOPENSSL_ROOT_DIR=")
  rhoflux_add_imported(rhoflux_openssl "" OpenSSL::Crypto)

  find_package(ZLIB QUIET)
  rhoflux_require(ZLIB_FOUND "zlib" "compressed tables in 'import'" "zlib1g-dev" "load its module, or give -DZLIB_ROOT=")
  rhoflux_add_imported(rhoflux_zlib "" ZLIB::ZLIB)
  find_path(LIBZIP_INCLUDE_DIR zip.h)
  find_library(LIBZIP_LIBRARY NAMES zip)
  rhoflux_require(LIBZIP_INCLUDE_DIR "libzip" "files of NumPy (.npz) in 'import'" "libzip-dev" "give -DLIBZIP_INCLUDE_DIR= and -DLIBZIP_LIBRARY=")
  rhoflux_require(LIBZIP_LIBRARY "libzip's library" "files of NumPy (.npz) in 'import'" "libzip-dev" "give -DLIBZIP_LIBRARY=")
  rhoflux_add_imported(rhoflux_libzip "${LIBZIP_INCLUDE_DIR}" ${LIBZIP_LIBRARY})

  find_package(nlohmann_json QUIET)
  rhoflux_require(nlohmann_json_FOUND "nlohmann-json" "figures as JSON" "nlohmann-json3-dev" "header-only: give -Dnlohmann_json_ROOT=")
  rhoflux_add_imported(rhoflux_json "" nlohmann_json::nlohmann_json)
endif()
