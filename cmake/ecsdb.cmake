# The one place for compiler flags, and the two helpers every folder uses.

add_library(ecsdb_flags INTERFACE)
target_compile_options(ecsdb_flags INTERFACE
  -Wall -Wextra -Wconversion -Wshadow -ffp-contract=off -fno-fast-math
  $<$<CXX_COMPILER_ID:Clang>:-Wno-sign-conversion>)  # as in g++'s -Wconversion
if(ECSDB_WERROR)
  target_compile_options(ecsdb_flags INTERFACE -Werror)
endif()
if(ECSDB_SANITIZE)
  target_compile_options(ecsdb_flags INTERFACE
    -fsanitize=${ECSDB_SANITIZE} -fno-sanitize-recover=all -fno-omit-frame-pointer)
  target_link_options(ecsdb_flags INTERFACE -fsanitize=${ECSDB_SANITIZE})
endif()
if(ECSDB_FUZZ)
  target_compile_options(ecsdb_flags INTERFACE -fsanitize=fuzzer-no-link)
  target_compile_definitions(ecsdb_flags INTERFACE
    ECSDB_FUZZ=1 FUZZING_BUILD_MODE_UNSAFE_FOR_PRODUCTION=1)
endif()
if(CMAKE_CXX_FLAGS MATCHES "ECSDB_FUZZ|FUZZING_BUILD_MODE")
  message(FATAL_ERROR "checksums do not count in builds for fuzzing: ask for one with -DECSDB_FUZZ=ON")
endif()
if(ECSDB_MUTANTS)
  target_compile_definitions(ecsdb_flags INTERFACE ECSDB_MUTANTS=1)
endif()
find_program(ECSDB_MOLD mold)
if(ECSDB_MOLD AND NOT ECSDB_CLIENT_ONLY)
  target_link_options(ecsdb_flags INTERFACE -fuse-ld=mold)
endif()

# ecsdb_library(NAME ROOT <include root> FOLDERS <folder...> [PUBLIC <header...>] [DEPENDS <lib...>]
#               [CORE] [INSTALL]): a static library ecsdb_NAME, alias ecsdb::NAME, of all sources of
# the folders that are not tests. PUBLIC headers are what installs, if INSTALL says so. CORE marks
# deterministic code.
function(ecsdb_library NAME)
  cmake_parse_arguments(ARG "CORE;INSTALL" "ROOT" "FOLDERS;PUBLIC;DEPENDS" ${ARGN})
  set(sources)
  foreach(folder IN LISTS ARG_FOLDERS)
    file(GLOB found CONFIGURE_DEPENDS ${ARG_ROOT}/${folder}/*.cpp)
    list(APPEND sources ${found})
  endforeach()
  list(FILTER sources EXCLUDE REGEX "_test\\.cpp$")
  add_library(ecsdb_${NAME} STATIC ${sources})
  add_library(ecsdb::${NAME} ALIAS ecsdb_${NAME})
  set(headers ${ARG_PUBLIC})
  list(TRANSFORM headers PREPEND ${ARG_ROOT}/)
  target_sources(ecsdb_${NAME} PUBLIC FILE_SET HEADERS BASE_DIRS ${ARG_ROOT} FILES ${headers})
  target_link_libraries(ecsdb_${NAME} PUBLIC ${ARG_DEPENDS} PRIVATE $<BUILD_INTERFACE:ecsdb_flags>)
  target_compile_features(ecsdb_${NAME} PUBLIC cxx_std_20)
  set_target_properties(ecsdb_${NAME} PROPERTIES
    EXPORT_NAME ${NAME} VERIFY_INTERFACE_HEADER_SETS ON)
  if(ARG_INSTALL AND NOT ECSDB_FUZZ)
    install(TARGETS ecsdb_${NAME} EXPORT ecsdbTargets FILE_SET HEADERS)
  endif()
  if(ARG_CORE AND ECSDB_NO_EXCEPTIONS)
    target_compile_options(ecsdb_${NAME} PRIVATE -fno-exceptions -fno-rtti)
  endif()
endfunction()

# ecsdb_program(NAME SOURCES <file...> DEPENDS <lib...>): an executable in bin/.
function(ecsdb_program NAME)
  cmake_parse_arguments(ARG "" "" "SOURCES;DEPENDS" ${ARGN})
  add_executable(${NAME} ${ARG_SOURCES})
  target_link_libraries(${NAME} PRIVATE ecsdb_flags ${ARG_DEPENDS})
endfunction()

# ecsdb_tests(NAME ROOT <root> FOLDERS <folder...> DEPENDS <lib...>): one test program NAME of all
# *_test.cpp of the folders, run by ctest as one test.
function(ecsdb_tests NAME)
  if(NOT ECSDB_TESTS OR ECSDB_CLIENT_ONLY)
    return()
  endif()
  cmake_parse_arguments(ARG "" "ROOT" "FOLDERS;DEPENDS" ${ARGN})
  set(sources)
  foreach(folder IN LISTS ARG_FOLDERS)
    file(GLOB found CONFIGURE_DEPENDS ${ARG_ROOT}/${folder}/*_test.cpp)
    list(APPEND sources ${found})
  endforeach()
  if(NOT sources)
    return()
  endif()
  add_executable(${NAME} ${sources})
  target_link_libraries(${NAME} PRIVATE ecsdb_flags ${ARG_DEPENDS} GTest::gtest_main)
  add_test(NAME ${NAME} COMMAND ${NAME} --gtest_brief=1)
endfunction()
