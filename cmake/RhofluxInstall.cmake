# Installs the libraries, their headers and what find_package(rhoflux) needs.
include(CMakePackageConfigHelpers)

set(package_dir ${CMAKE_INSTALL_LIBDIR}/cmake/rhoflux)
get_property(libraries GLOBAL PROPERTY RHOFLUX_LIBRARIES)
install(TARGETS ${libraries} EXPORT rhoflux-targets)
install(EXPORT rhoflux-targets NAMESPACE rhoflux:: DESTINATION ${package_dir})

get_property(folders GLOBAL PROPERTY RHOFLUX_FOLDERS)
foreach(folder IN LISTS folders)
  if(IS_DIRECTORY ${PROJECT_SOURCE_DIR}/include/rhoflux/${folder})
    install(DIRECTORY ${PROJECT_SOURCE_DIR}/include/rhoflux/${folder}
            DESTINATION ${CMAKE_INSTALL_INCLUDEDIR}/rhoflux)
  endif()
endforeach()
install(FILES ${RHOFLUX_GENERATED_DIR}/rhoflux/version.hpp DESTINATION ${CMAKE_INSTALL_INCLUDEDIR}/rhoflux)

configure_package_config_file(${PROJECT_SOURCE_DIR}/cmake/rhoflux-config.cmake.in
                              ${PROJECT_BINARY_DIR}/rhoflux-config.cmake INSTALL_DESTINATION ${package_dir})
write_basic_package_version_file(${PROJECT_BINARY_DIR}/rhoflux-config-version.cmake
                                 COMPATIBILITY SameMinorVersion)
install(FILES ${PROJECT_BINARY_DIR}/rhoflux-config.cmake ${PROJECT_BINARY_DIR}/rhoflux-config-version.cmake
              ${PROJECT_SOURCE_DIR}/cmake/RhofluxDependencies.cmake DESTINATION ${package_dir})

if(RHOFLUX_CORE_ONLY)
  return()
endif()

# Decks, job scripts and tools, in the order of folders that they have in the source, and a module file.
set(share ${CMAKE_INSTALL_DATADIR}/rhoflux)
install(DIRECTORY ${PROJECT_SOURCE_DIR}/inputs DESTINATION ${share})
install(DIRECTORY ${PROJECT_SOURCE_DIR}/jobs DESTINATION ${share} USE_SOURCE_PERMISSIONS
        PATTERN install_dependencies.sh EXCLUDE)
install(DIRECTORY ${PROJECT_SOURCE_DIR}/tools DESTINATION ${share} USE_SOURCE_PERMISSIONS
        PATTERN __pycache__ EXCLUDE PATTERN build EXCLUDE PATTERN *.egg-info EXCLUDE)
# The prefix is known when it is installed.
install(CODE "
  set(RHOFLUX_PREFIX \"\${CMAKE_INSTALL_PREFIX}\")
  set(RHOFLUX_SHARE \"\${CMAKE_INSTALL_PREFIX}/${share}\")
  set(RHOFLUX_LIBDIR ${CMAKE_INSTALL_LIBDIR})
  set(PROJECT_VERSION ${PROJECT_VERSION})
  configure_file(${PROJECT_SOURCE_DIR}/packaging/modulefiles/rhoflux.in
                 \"\$ENV{DESTDIR}\${RHOFLUX_SHARE}/modulefiles/rhoflux/${PROJECT_VERSION}\" @ONLY)
")
