# For plugin authors and for this tree alike: backplane_add_plugin and backplane_add_plugin_test. Whoever includes this has set
# BACKPLANE_PLUGIN_MAP and defined the targets Backplane::api (the headers) and Backplane::testhost (the fake host).

# backplane_add_plugin(NAME source…): a plugin NAME.so that exports its query symbol and nothing else.
function(backplane_add_plugin name)
  add_library(${name} MODULE ${ARGN})
  set_target_properties(${name} PROPERTIES
    PREFIX "" SUFFIX ".so" OUTPUT_NAME ${name} C_STANDARD 11 C_STANDARD_REQUIRED ON C_VISIBILITY_PRESET hidden CXX_VISIBILITY_PRESET hidden
    LINK_DEPENDS ${BACKPLANE_PLUGIN_MAP})
  target_link_libraries(${name} PRIVATE Backplane::api)
  target_link_options(${name} PRIVATE -Wl,--version-script=${BACKPLANE_PLUGIN_MAP} -Wl,--no-undefined)
endfunction()

# backplane_add_plugin_test(NAME source…): an executable of the plugin's sources, its test's and the fake host
# (<backplane/testhost.h>), and a ctest case of the same name.
function(backplane_add_plugin_test name)
  add_executable(${name} ${ARGN})
  set_target_properties(${name} PROPERTIES C_STANDARD 11 C_STANDARD_REQUIRED ON)
  target_link_libraries(${name} PRIVATE Backplane::testhost)
  add_test(NAME ${name} COMMAND ${name})
endfunction()
