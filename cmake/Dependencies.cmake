find_package(Threads REQUIRED)
find_package(OpenSSL 3.0 REQUIRED)
find_package(LibXml2 REQUIRED)
find_package(ZLIB REQUIRED)
find_package(SQLite3 REQUIRED)
find_package(spdlog REQUIRED)
find_package(Boost 1.81 REQUIRED)

# Debian's SOCI has no CMake package; its three libraries are found by name.
foreach(part core sqlite3 postgresql)
    find_library(SOCI_${part} soci_${part} REQUIRED)
    add_library(soci_${part} UNKNOWN IMPORTED)
    set_target_properties(soci_${part} PROPERTIES IMPORTED_LOCATION ${SOCI_${part}})
endforeach()
find_path(SOCI_INCLUDE_DIR soci/soci.h REQUIRED)
find_path(POSTGRESQL_INCLUDE_DIR libpq-fe.h PATH_SUFFIXES postgresql REQUIRED)
add_library(slipway_soci INTERFACE)
target_include_directories(slipway_soci SYSTEM INTERFACE ${SOCI_INCLUDE_DIR} ${POSTGRESQL_INCLUDE_DIR})
target_link_libraries(slipway_soci INTERFACE soci_core soci_sqlite3 soci_postgresql SQLite::SQLite3)

# MariaDB's client: only to read the database of a Glance that is taken over.
find_library(MARIADB_LIBRARY mariadb REQUIRED)
find_path(MARIADB_INCLUDE_DIR mysql.h PATH_SUFFIXES mariadb REQUIRED)
add_library(slipway_mariadb INTERFACE)
target_include_directories(slipway_mariadb SYSTEM INTERFACE ${MARIADB_INCLUDE_DIR})
target_link_libraries(slipway_mariadb INTERFACE ${MARIADB_LIBRARY})

# Debian's zstd has no CMake package either.
find_library(ZSTD_LIBRARY zstd REQUIRED)
find_path(ZSTD_INCLUDE_DIR zstd.h REQUIRED)
add_library(slipway_zstd INTERFACE)
target_include_directories(slipway_zstd SYSTEM INTERFACE ${ZSTD_INCLUDE_DIR})
target_link_libraries(slipway_zstd INTERFACE ${ZSTD_LIBRARY})

find_package(yaml-cpp REQUIRED)
# Debian's RE2 has no CMake package either.
find_library(RE2_LIBRARY re2 REQUIRED)
find_path(RE2_INCLUDE_DIR re2/re2.h REQUIRED)
add_library(slipway_re2 INTERFACE)
target_include_directories(slipway_re2 SYSTEM INTERFACE ${RE2_INCLUDE_DIR})
target_link_libraries(slipway_re2 INTERFACE ${RE2_LIBRARY})

# Boost's Asio and Beast are compiled once, in src/base/boost_impl.cc.
add_library(slipway_asio INTERFACE)
target_link_libraries(slipway_asio INTERFACE Boost::headers OpenSSL::SSL OpenSSL::Crypto Threads::Threads)
target_compile_definitions(slipway_asio INTERFACE
    BOOST_ASIO_SEPARATE_COMPILATION BOOST_BEAST_SEPARATE_COMPILATION BOOST_ASIO_NO_DEPRECATED)
