# SPDX-License-Identifier: Apache-2.0
# Warnings everywhere; sanitizers for tests; hardening and link-time optimisation for what is shipped.
add_compile_options(-Wall -Wextra -Wshadow -Wstrict-prototypes -Wmissing-prototypes -Wpointer-arith -Wvla
                    -Wformat=2 -Wimplicit-fallthrough -Werror=implicit-function-declaration -Werror=return-type
                    -Werror=incompatible-pointer-types -Werror=int-conversion -Wno-missing-field-initializers
                    -fno-strict-aliasing)
add_compile_definitions(_GNU_SOURCE KEYWAY_VERSION="${PROJECT_VERSION}")
if(KEYWAY_WERROR)
  add_compile_options(-Werror)
endif()
if(KEYWAY_SANITIZE)
  add_compile_options(-fsanitize=address,undefined -fno-sanitize-recover=undefined -fno-omit-frame-pointer -O1)
  add_link_options(-fsanitize=address,undefined)
endif()
if(KEYWAY_FUZZ)
  add_compile_options(-fsanitize=fuzzer-no-link)
endif()
if(CMAKE_BUILD_TYPE STREQUAL "Release")
  set(CMAKE_C_FLAGS_RELEASE "-O2 -g1")
  add_compile_options(-D_FORTIFY_SOURCE=2 -fstack-protector-strong -fstack-clash-protection)
  if(CMAKE_SYSTEM_PROCESSOR MATCHES "x86_64")
    add_compile_options(-fcf-protection)
    # A copy of some bounded length is to be a call, not "rep movs": gcc's choice, and twice as slow for a packet.
    include(CheckCCompilerFlag)
    check_c_compiler_flag(-mstringop-strategy=libcall HAS_STRINGOP_STRATEGY)
    if(HAS_STRINGOP_STRATEGY)
      add_compile_options(-mstringop-strategy=libcall)
    endif()
  endif()
  add_link_options(-Wl,-z,relro,-z,now,-z,noexecstack)
  set(CMAKE_POSITION_INDEPENDENT_CODE ON)
  set(CMAKE_INTERPROCEDURAL_OPTIMIZATION ON)
endif()
