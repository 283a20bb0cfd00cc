# How everything is compiled. One place, so that a flag is never set twice.
set(CMAKE_CXX_STANDARD 20)
set(CMAKE_CXX_STANDARD_REQUIRED ON)
set(CMAKE_CXX_EXTENSIONS OFF)
set(CMAKE_C_STANDARD 11)
set(CMAKE_POSITION_INDEPENDENT_CODE ON)
set(CMAKE_RUNTIME_OUTPUT_DIRECTORY "${CMAKE_BINARY_DIR}/bin")
set(CMAKE_LIBRARY_OUTPUT_DIRECTORY "${CMAKE_BINARY_DIR}/lib")
set(CMAKE_ARCHIVE_OUTPUT_DIRECTORY "${CMAKE_BINARY_DIR}/lib")

find_program(EVENTD_CCACHE ccache)
if(EVENTD_CCACHE)
  set(CMAKE_C_COMPILER_LAUNCHER "${EVENTD_CCACHE}")
  set(CMAKE_CXX_COMPILER_LAUNCHER "${EVENTD_CCACHE}")
endif()
find_program(EVENTD_MOLD mold)
if(EVENTD_MOLD)
  add_link_options(-fuse-ld=mold)
endif()

set(EVENTD_SANITIZE "" CACHE STRING "Value for -fsanitize=, empty for none")
if(EVENTD_SANITIZE)
  add_compile_options(-fsanitize=${EVENTD_SANITIZE} -fno-omit-frame-pointer)
  if(EVENTD_SANITIZE MATCHES "undefined")
    add_compile_options(-fno-sanitize-recover=undefined)
  endif()
  add_link_options(-fsanitize=${EVENTD_SANITIZE})
endif()

set(EVENTD_WARNINGS -Wall -Wextra -Wpedantic -Wshadow -Wconversion -Wno-sign-conversion -Werror)
# GCC 12 reports these falsely through inlined std::string and std::optional.
set(EVENTD_CXX_WARNINGS -Wnon-virtual-dtor -Wno-maybe-uninitialized -Wno-restrict
    -Wno-array-bounds -Wno-stringop-overflow -Wno-stringop-overread
    -Wno-free-nonheap-object)

# Compiling eight files of a library as one halves the time of a whole build (headers are read once);
# single files are quicker for the edit-build-test cycle. Names in anonymous namespaces then have to
# differ within a library; files that stand alone for good reasons are named in src/CMakeLists.txt.
option(EVENTD_UNITY "Compile files of a library together" OFF)
if(EVENTD_UNITY)
  list(APPEND EVENTD_CXX_WARNINGS -Wno-shadow)  # one file's alias may shadow another's; dev checks
endif()

# One static library for a folder: every .cpp and .c in it (not in folders below).
#   eventd_library(NAME FOLDER LINKS…)
function(eventd_library name folder)
  file(GLOB sources CONFIGURE_DEPENDS "${folder}/*.cpp" "${folder}/*.c")
  list(FILTER sources EXCLUDE REGEX "/main\\.cpp$")
  if(sources)
    add_library(${name} STATIC ${sources})
    target_compile_options(${name} PRIVATE ${EVENTD_WARNINGS}
        $<$<COMPILE_LANGUAGE:CXX>:${EVENTD_CXX_WARNINGS}>)
    target_include_directories(${name} PUBLIC "${CMAKE_SOURCE_DIR}/src" "${CMAKE_SOURCE_DIR}")
    target_link_libraries(${name} PUBLIC ${ARGN})
    set_target_properties(${name} PROPERTIES UNITY_BUILD ${EVENTD_UNITY} UNITY_BUILD_BATCH_SIZE 8)
  else()
    add_library(${name} INTERFACE)
    target_include_directories(${name} INTERFACE "${CMAKE_SOURCE_DIR}/src" "${CMAKE_SOURCE_DIR}")
    target_link_libraries(${name} INTERFACE ${ARGN})
  endif()
endfunction()

# One program from the listed sources.   eventd_program(NAME SOURCES… LINKS LIBRARIES…)
function(eventd_program name)
  cmake_parse_arguments(P "" "" "LINKS" ${ARGN})
  add_executable(${name} ${P_UNPARSED_ARGUMENTS})
  target_compile_options(${name} PRIVATE ${EVENTD_WARNINGS}
      $<$<COMPILE_LANGUAGE:CXX>:${EVENTD_CXX_WARNINGS}>)
  target_include_directories(${name} PRIVATE "${CMAKE_SOURCE_DIR}/src" "${CMAKE_SOURCE_DIR}")
  target_link_libraries(${name} PRIVATE ${P_LINKS})
endfunction()
