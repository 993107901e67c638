# backplane_add_plugin(NAME source…): a plugin .so that exports its query symbol and nothing else.
function(backplane_add_plugin name)
  add_library(${name} MODULE ${ARGN})
  set_target_properties(${name} PROPERTIES PREFIX "" OUTPUT_NAME ${name} C_VISIBILITY_PRESET hidden)
  target_include_directories(${name} PRIVATE ${CMAKE_SOURCE_DIR}/plugins-api/include)
  target_link_libraries(${name} PRIVATE backplane_flags)
  target_link_options(${name} PRIVATE -Wl,--version-script=${CMAKE_SOURCE_DIR}/plugins-api/plugin.map -Wl,--no-undefined)
  set_target_properties(${name} PROPERTIES LINK_DEPENDS ${CMAKE_SOURCE_DIR}/plugins-api/plugin.map)
endfunction()
