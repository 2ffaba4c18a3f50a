# cpack makes a Debian package of what is installed:
#   cmake --preset package && cmake --build build/package && cpack --config build/package/CPackConfig.cmake -B build/package
set(RHOFLUX_PACKAGE_CONTACT "The rhoflux developers <rhoflux@localhost>" CACHE STRING
    "Who answers for the package, as name and address")
set(CPACK_GENERATOR DEB)
set(CPACK_PACKAGE_NAME rhoflux)
set(CPACK_PACKAGE_VERSION ${PROJECT_VERSION})
set(CPACK_PACKAGE_CONTACT ${RHOFLUX_PACKAGE_CONTACT})
set(CPACK_PACKAGE_DESCRIPTION_SUMMARY "density and drift of a population as one model")
set(CPACK_DEBIAN_PACKAGE_DESCRIPTION
"Given snapshots of a population (cells, events, particles) or a control
problem, rhoflux trains a model of a density and of the drift of a diffusion
that generates it. Both are one parameterisation in which the Fokker-Planck
equation, positivity and unit mass hold exactly. It runs on one processor, on
a workstation under mpirun, and on clusters under SLURM.")
set(CPACK_DEBIAN_FILE_NAME DEB-DEFAULT)
set(CPACK_DEBIAN_PACKAGE_SECTION science)
set(CPACK_DEBIAN_PACKAGE_SHLIBDEPS ON)  # the libraries that it links
set(CPACK_DEBIAN_PACKAGE_DEPENDS openmpi-bin)
set(CPACK_DEBIAN_PACKAGE_RECOMMENDS "python3-h5py, python3-matplotlib, python3-pil")
set(CPACK_DEBIAN_PACKAGE_SUGGESTS "python3-scipy")
set(CPACK_STRIP_FILES ON)
set(CPACK_PACKAGING_INSTALL_PREFIX ${CMAKE_INSTALL_PREFIX})
include(CPack)
