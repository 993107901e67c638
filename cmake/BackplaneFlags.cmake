# Compiler flags for everything in the tree, by build type: strict warnings always, sanitizers and hardening by option.
include(CheckCCompilerFlag)
add_library(backplane_flags INTERFACE)
target_compile_definitions(backplane_flags INTERFACE _GNU_SOURCE)
target_compile_options(backplane_flags INTERFACE -Wall -Wextra -Wpedantic -Wshadow -Wconversion -Wformat=2 -Wimplicit-fallthrough
                                                 -Wstrict-prototypes -Wmissing-prototypes -Werror=format-security -fno-omit-frame-pointer)
if(BACKPLANE_STRICT)
  target_compile_options(backplane_flags INTERFACE -Werror)
endif()
if(BACKPLANE_SANITIZE)
  target_compile_options(backplane_flags INTERFACE -fsanitize=${BACKPLANE_SANITIZE} -fno-sanitize-recover=all)
  target_link_options(backplane_flags INTERFACE -fsanitize=${BACKPLANE_SANITIZE})
endif()
# Without this gcc clears a structure of some hundred bytes by "rep stos", whose start alone costs more than all of libc's memset for that size.
set(memset_strategy -mmemset-strategy=unrolled_loop:128:noalign,libcall:-1:noalign)
check_c_compiler_flag(${memset_strategy} has_memset_strategy)
if(has_memset_strategy)
  target_compile_options(backplane_flags INTERFACE ${memset_strategy})
endif()
if(BACKPLANE_HARDEN)
  target_compile_options(backplane_flags INTERFACE -fstack-protector-strong -fstack-clash-protection -fcf-protection=full -U_FORTIFY_SOURCE
                                                   -D_FORTIFY_SOURCE=3 -ftrivial-auto-var-init=zero)
  target_link_options(backplane_flags INTERFACE -Wl,-z,relro,-z,now,-z,noexecstack)
  if(CMAKE_SYSTEM_PROCESSOR STREQUAL "x86_64")
    # Debian's start files carry no IBT and SHSTK notes, and one file without them drops them for the whole: so they are asked for.
    target_link_options(backplane_flags INTERFACE -Wl,-z,ibt,-z,shstk)
  endif()
endif()
