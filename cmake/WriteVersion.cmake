# Script: cmake -DSOURCE_DIR= -DOUTPUT= -DVERSION= -DCOMPILER= -P WriteVersion.cmake
execute_process(COMMAND git -C ${SOURCE_DIR} rev-parse --short=12 HEAD
                OUTPUT_VARIABLE hash OUTPUT_STRIP_TRAILING_WHITESPACE ERROR_QUIET RESULT_VARIABLE failed)
set(dirty false)
if(failed)
  set(hash "unknown")
else()
  execute_process(COMMAND git -C ${SOURCE_DIR} status --porcelain --untracked-files=no
                  OUTPUT_VARIABLE changes OUTPUT_STRIP_TRAILING_WHITESPACE ERROR_QUIET)
  if(changes)
    set(dirty true)
  endif()
endif()
set(content "#pragma once
// Written by cmake/WriteVersion.cmake at build time.
#define RHOFLUX_VERSION \"${VERSION}\"
#define RHOFLUX_COMPILER \"${COMPILER}\"
#define RHOFLUX_GIT_HASH \"${hash}\"
#define RHOFLUX_GIT_DIRTY ${dirty}
")
if(EXISTS ${OUTPUT})
  file(READ ${OUTPUT} old)
endif()
if(NOT "${old}" STREQUAL "${content}")
  file(WRITE ${OUTPUT} "${content}")
endif()
