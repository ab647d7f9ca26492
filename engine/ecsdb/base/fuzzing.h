// Whether checksums count. In a build for fuzzing, which is none that anybody runs, one that
// differs is let pass: what stands behind it would never be reached by changed bytes.
#pragma once

#if defined(FUZZING_BUILD_MODE_UNSAFE_FOR_PRODUCTION) && !defined(ECSDB_FUZZ)
#error "checksums count: configure with -DECSDB_FUZZ=ON for the fuzz targets"
#endif

namespace ecsdb {

// Not inline: sources of one program may be built both ways, see proptests/fuzz.
#if defined(FUZZING_BUILD_MODE_UNSAFE_FOR_PRODUCTION)
constexpr bool kChecksumsCount = false;
#else
constexpr bool kChecksumsCount = true;
#endif

}  // namespace ecsdb
