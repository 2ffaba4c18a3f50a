# Writes rhoflux/version.hpp at every build: the git commit and whether the tree had changes.
set(RHOFLUX_GENERATED_DIR ${PROJECT_BINARY_DIR}/generated)
add_custom_target(rhoflux_version_header ALL
  COMMAND ${CMAKE_COMMAND} -DSOURCE_DIR=${PROJECT_SOURCE_DIR} -DOUTPUT=${RHOFLUX_GENERATED_DIR}/rhoflux/version.hpp
          -DVERSION=${PROJECT_VERSION}
          "-DCOMPILER=${CMAKE_CXX_COMPILER_ID} ${CMAKE_CXX_COMPILER_VERSION}, ${CMAKE_BUILD_TYPE}" -P ${PROJECT_SOURCE_DIR}/cmake/WriteVersion.cmake
  BYPRODUCTS ${RHOFLUX_GENERATED_DIR}/rhoflux/version.hpp
  VERBATIM)
