// Documents with generated sections:
//
//   <!-- generated: NAME -->
//   (an empty line, the text, an empty line)
//   <!-- end -->
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "ecsdb/base/result.h"

#include "protocol_tables.h"

namespace ecsdb::protocol {

struct Document {
  std::string path;
  std::string text;
};

/// The documents that hold the sections, in this folder.
std::vector<std::string> document_names();
/// kFileUnreadable.
Result<std::vector<Document>> read_documents(const std::string& folder);
Status write_document(const Document& document);

struct Problem {
  std::string path;
  size_t line = 0;   // of the section's marker; 0: of no place
  std::string text;  // a sentence, then a difference line by line where there is one

  std::string to_string() const;
};

/// Everything wrong with the documents together: markers that do not pair, sections that nothing
/// generates, that stand twice or nowhere, or whose text differs.
std::vector<Problem> check_documents(const std::vector<Document>& documents,
                                     const std::vector<Section>& sections);

/// The document with the text of every section it marks. Unknown sections stay as they are.
std::string with_sections(const Document& document, const std::vector<Section>& sections);

/// What differs between two texts, line by line: the lines of `have` with '-', those of `want` with
/// '+', without what both begin and end with.
std::string difference(std::string_view have, std::string_view want);

}  // namespace ecsdb::protocol
