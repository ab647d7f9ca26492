// The tables of the protocol document, rendered from the declarations that the product is compiled
// from. What a declaration does not say (who raises an error, what an enumerator means) stands here
// beside it, in a form that does not compile, or fails a test, when an enumerator is added.
#pragma once

#include <functional>
#include <string>
#include <vector>

namespace ecsdb::protocol {

/// One section of the document: what stands between `<!-- generated: NAME -->` and `<!-- end -->`.
struct Section {
  std::string name;
  std::string text;  // whole lines
};

/// All sections, each name once.
std::vector<Section> render_sections();

/// Names of the limits that the section "limits" lists, in snake_case without the leading k.
std::vector<std::string> listed_limits();

// The parts of render_sections(), by what they are about.
void add_message_sections(std::vector<Section>& out);
void add_error_sections(std::vector<Section>& out);
void add_limit_sections(std::vector<Section>& out);
void add_schema_sections(std::vector<Section>& out);
void add_block_sections(std::vector<Section>& out);
void add_code_examples(std::vector<Section>& out);
void add_stream_examples(std::vector<Section>& out);

}  // namespace ecsdb::protocol
