#include "server/bundled_files.h"

// The assembler places the files' bytes between labels. ECSDB_CUBES_DIR is the folder, in quotes;
// the build file lists the files as what this source depends on.
asm(".section .rodata\n"
    "ecsdb_cubes_slice_begin: .incbin \"" ECSDB_CUBES_DIR
    "/slice.bin\"\n"
    "ecsdb_cubes_slice_end: .byte 0\n"
    "ecsdb_cubes_schema_begin: .incbin \"" ECSDB_CUBES_DIR
    "/cubes.toml\"\n"
    "ecsdb_cubes_schema_end: .byte 0\n"
    ".text\n");

extern "C" {
extern const uint8_t ecsdb_cubes_slice_begin[];
extern const uint8_t ecsdb_cubes_slice_end[];
extern const uint8_t ecsdb_cubes_schema_begin[];
extern const uint8_t ecsdb_cubes_schema_end[];
}

namespace ecsdb {

ByteSpan bundled_cubes_slice() { return ByteSpan(ecsdb_cubes_slice_begin, ecsdb_cubes_slice_end); }

std::string_view bundled_cubes_schema() {
  return as_text(ByteSpan(ecsdb_cubes_schema_begin, ecsdb_cubes_schema_end));
}

}  // namespace ecsdb
