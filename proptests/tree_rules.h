// The rules that the tree test enforces. Each check appends what it finds to `out`, as file, line,
// the rule that is broken and what to do instead.
#pragma once

#include <cstddef>

#include "tree_scan.h"

namespace tree {

constexpr size_t kWidthMax = 100;
constexpr size_t kFileLinesHabit = 500;  // longer ones must stand in tree_known.txt
constexpr size_t kFileLinesMax = 800;
constexpr size_t kFunctionLinesMax = 70;  // longer ones must stand in tree_known.txt
constexpr size_t kReadmeLinesMax = 120;

/// Includes follow the arrows between modules; the table is in tree_arrows.cpp.
void check_arrows(const Tree& tree, const SourceFile& file, Violations& out);
/// Each third-party library has one place; unknown libraries have none.
void check_third_party(const SourceFile& file, Violations& out);
/// The client in JavaScript runs in browsers: its src/ imports nothing but files of its own.
void check_script_imports(const SourceFile& file, Violations& out);
/// Headers outside net show no third-party type.
void check_header_types(const SourceFile& file, Violations& out);

/// Clocks, random devices, threads, environment, locale, files, iteration order, exceptions and
/// RTTI stay out of the deterministic core.
void check_core_bans(const SourceFile& file, Violations& out);
/// No float or double in the deterministic core but in the files that tree_known.txt names.
void check_floats(const Tree& tree, const SourceFile& file, Violations& out);
/// What no file may have: using namespace, shared_ptr outside net, sleeping or disabled tests.
void check_habits(const SourceFile& file, Violations& out);

void check_width(const SourceFile& file, Violations& out);
void check_pragma_once(const SourceFile& file, Violations& out);
void check_own_header_first(const Tree& tree, const SourceFile& file, Violations& out);
/// Leftover marks in sources, build files and documents.
void check_marks(const SourceFile& file, Violations& out);
/// Sizes of files and functions against the limits and the written exceptions.
void check_sizes(const Tree& tree, const SourceFile& file, Violations& out);
void check_readme(const SourceFile& file, Violations& out);
/// Entries of tree_known.txt that nothing needs any more.
void check_known(const Tree& tree, Violations& out);

/// All rules over all files.
void check_all(const Tree& tree, Violations& out);

/// True for the deterministic core: engine base to wire, server, the client and the simulator.
bool is_core(const SourceFile& file);

}  // namespace tree
