# What `cmake --install` puts where, beyond the host (host/), the modules (modules/) and the public headers (plugins-api/).
# Everything finds its neighbours by relative paths, so `cmake --install build/release --prefix ANYWHERE` works.
include(CMakePackageConfigHelpers)

set(BACKPLANE_CMAKE_DIR ${CMAKE_INSTALL_LIBDIR}/cmake/backplane)
set(BACKPLANE_PC_DIR ${CMAKE_INSTALL_LIBDIR}/pkgconfig)
set(BACKPLANE_INSTALL_FILES ${CMAKE_BINARY_DIR}/install)
set(BACKPLANE_SANITIZE_OPTION "")
if(BACKPLANE_SANITIZE)
  set(BACKPLANE_SANITIZE_OPTION "-fsanitize=${BACKPLANE_SANITIZE}")
endif()

# ---- For authors ----
configure_package_config_file(${CMAKE_SOURCE_DIR}/cmake/backplane-config.cmake.in ${BACKPLANE_INSTALL_FILES}/backplane-config.cmake
  INSTALL_DESTINATION ${BACKPLANE_CMAKE_DIR} PATH_VARS BACKPLANE_SHARE BACKPLANE_MODULES CMAKE_INSTALL_INCLUDEDIR CMAKE_INSTALL_LIBDIR)
write_basic_package_version_file(${BACKPLANE_INSTALL_FILES}/backplane-config-version.cmake COMPATIBILITY SameMajorVersion)
install(FILES ${BACKPLANE_INSTALL_FILES}/backplane-config.cmake ${BACKPLANE_INSTALL_FILES}/backplane-config-version.cmake
              ${CMAKE_SOURCE_DIR}/cmake/BackplanePlugin.cmake DESTINATION ${BACKPLANE_CMAKE_DIR})

file(RELATIVE_PATH BACKPLANE_PC_TO_PREFIX /${BACKPLANE_PC_DIR} /)
string(REGEX REPLACE "/$" "" BACKPLANE_PC_TO_PREFIX "${BACKPLANE_PC_TO_PREFIX}")
configure_file(${CMAKE_SOURCE_DIR}/cmake/backplane.pc.in ${BACKPLANE_INSTALL_FILES}/backplane.pc @ONLY)
install(FILES ${BACKPLANE_INSTALL_FILES}/backplane.pc DESTINATION ${BACKPLANE_PC_DIR})

install(FILES plugins-api/plugin.map DESTINATION ${BACKPLANE_SHARE})
install(DIRECTORY plugins-api/template plugins-api/examples DESTINATION ${BACKPLANE_SHARE} PATTERN CMakeLists.txt EXCLUDE)
install(FILES plugins-api/template/CMakeLists.txt DESTINATION ${BACKPLANE_SHARE}/template)
install(FILES README.md DESTINATION ${CMAKE_INSTALL_DOCDIR})

# ---- For operators: the configuration, the rules with their tests, the user unit ----
install(DIRECTORY etc/ DESTINATION ${CMAKE_INSTALL_SYSCONFDIR}/backplane PATTERN systemd EXCLUDE PATTERN backplane.lua EXCLUDE)
install(DIRECTORY scripts/ DESTINATION ${BACKPLANE_SHARE}/scripts FILES_MATCHING PATTERN "*.lua" PATTERN "README.md")

# The tree's rules are at ../scripts; an installed host finds its own.
file(READ etc/backplane.lua BACKPLANE_CONFIG)
string(REPLACE "scripts = \"../scripts\"" "" BACKPLANE_CONFIG "${BACKPLANE_CONFIG}")
file(WRITE ${BACKPLANE_INSTALL_FILES}/backplane.lua "${BACKPLANE_CONFIG}")
install(FILES ${BACKPLANE_INSTALL_FILES}/backplane.lua DESTINATION ${CMAKE_INSTALL_SYSCONFDIR}/backplane)

file(READ etc/systemd/backplane.service BACKPLANE_UNIT)
string(REPLACE "/usr/local/bin/" "${CMAKE_INSTALL_FULL_BINDIR}/" BACKPLANE_UNIT "${BACKPLANE_UNIT}")
file(WRITE ${BACKPLANE_INSTALL_FILES}/backplane.service "${BACKPLANE_UNIT}")
install(FILES ${BACKPLANE_INSTALL_FILES}/backplane.service etc/systemd/backplane.socket DESTINATION lib/systemd/user)
