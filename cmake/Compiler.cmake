# One compiler family is supported on purpose (docs/decisions/0002-clang-16.md).
if(CMAKE_CXX_COMPILER_ID STREQUAL "GNU" AND CMAKE_CXX_COMPILER_VERSION VERSION_LESS 13)
    message(FATAL_ERROR
        "g++ ${CMAKE_CXX_COMPILER_VERSION} destroys coroutine temporaries twice and cannot build slipway. "
        "Use clang 16 (./dev build does), or g++ 13 or later.")
endif()

set(CMAKE_CXX_STANDARD 20)
set(CMAKE_CXX_STANDARD_REQUIRED ON)
set(CMAKE_CXX_EXTENSIONS OFF)
# What takes time in the server is a network, a disk, zlib or a digest; -O3 lengthens the build.
set(CMAKE_CXX_FLAGS_RELEASE "-O2 -DNDEBUG")

set(SLIPWAY_SANITIZE "" CACHE STRING "Sanitizers for every target, as in -fsanitize=")
option(SLIPWAY_WERROR "Treat warnings as errors" OFF)

# What every target of ours is compiled with.
add_library(slipway_options INTERFACE)
target_compile_options(slipway_options INTERFACE
    -Wall -Wextra -Wpedantic -Wshadow -Wnon-virtual-dtor -Woverloaded-virtual -Wold-style-cast
    -fstack-protector-strong
    $<$<BOOL:${SLIPWAY_WERROR}>:-Werror>
    $<$<CONFIG:Debug>:-O1 -g1 -fno-omit-frame-pointer>)
target_compile_definitions(slipway_options INTERFACE
    $<$<CONFIG:Debug>:_GLIBCXX_ASSERTIONS>)
if(CMAKE_CXX_COMPILER_ID STREQUAL "Clang")
    target_link_options(slipway_options INTERFACE -fuse-ld=lld-16)
endif()
if(SLIPWAY_SANITIZE)
    target_compile_options(slipway_options INTERFACE
        -fsanitize=${SLIPWAY_SANITIZE} -fno-sanitize-recover=all
        -fsanitize-ignorelist=${PROJECT_SOURCE_DIR}/cmake/sanitizer.ignore)
    target_link_options(slipway_options INTERFACE -fsanitize=${SLIPWAY_SANITIZE})
endif()
