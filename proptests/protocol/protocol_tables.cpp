#include "protocol_tables.h"

namespace ecsdb::protocol {

std::vector<Section> render_sections() {
  std::vector<Section> out;
  add_limit_sections(out);
  add_message_sections(out);
  add_error_sections(out);
  add_schema_sections(out);
  add_block_sections(out);
  add_code_examples(out);
  add_stream_examples(out);
  return out;
}

}  // namespace ecsdb::protocol
