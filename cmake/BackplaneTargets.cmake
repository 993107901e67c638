# Targets that are habits rather than artefacts: product, check, format, docs, bench. Included last, when all other targets are known.

# product: what an installation needs, without the tests.
get_property(BACKPLANE_MODULE_TARGETS DIRECTORY ${CMAKE_SOURCE_DIR}/modules PROPERTY BUILDSYSTEM_TARGETS)
add_custom_target(product DEPENDS testhost ${BACKPLANE_MODULE_TARGETS})
if(TARGET backplane)
  add_dependencies(product backplane)
endif()

add_custom_target(format COMMAND ${CMAKE_SOURCE_DIR}/scripts/lib/check-sources --fix
                  COMMENT "Formatting every C file" VERBATIM)
add_custom_target(check COMMAND ${CMAKE_SOURCE_DIR}/scripts/lib/check-sources --tidy ${CMAKE_BINARY_DIR}
                  COMMENT "Checking format, rules of the code and clang-tidy" VERBATIM USES_TERMINAL)
add_custom_target(bench COMMAND ${CMAKE_SOURCE_DIR}/tests/bench/run
                  COMMENT "Running the benchmarks beside their peers" VERBATIM USES_TERMINAL)

file(GLOB BACKPLANE_PUBLIC_HEADERS CONFIGURE_DEPENDS ${CMAKE_SOURCE_DIR}/plugins-api/include/backplane/*.h
     ${CMAKE_SOURCE_DIR}/plugins-api/testhost/include/backplane/*.h)
set(BACKPLANE_REFERENCE ${CMAKE_BINARY_DIR}/docs/plugin-api.md)
add_custom_command(
  OUTPUT ${BACKPLANE_REFERENCE}
  COMMAND ${CMAKE_COMMAND} -E make_directory ${CMAKE_BINARY_DIR}/docs
  COMMAND lua5.4 ${CMAKE_SOURCE_DIR}/plugins-api/docs/reference.lua ${BACKPLANE_REFERENCE} ${BACKPLANE_PUBLIC_HEADERS}
  DEPENDS ${CMAKE_SOURCE_DIR}/plugins-api/docs/reference.lua ${BACKPLANE_PUBLIC_HEADERS}
  COMMENT "Writing the plugin API reference" VERBATIM)
add_custom_target(docs DEPENDS ${BACKPLANE_REFERENCE})
