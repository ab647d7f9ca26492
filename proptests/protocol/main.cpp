// ecsdb-protocol: keeps the tables of docs/protocol as the declarations have them.
#include <cstdio>
#include <string>
#include <vector>

#include "doc_file.h"
#include "protocol_tables.h"

namespace ecsdb::protocol {
namespace {

constexpr const char* kUsage =
    "usage: ecsdb-protocol tables [--write] DIR\n"
    "\n"
    "Compares the generated sections of the documents in DIR (docs/protocol) with the "
    "declarations;\n"
    "exits 1 if they differ. --write puts the right tables in.\n";

int write_tables(const std::vector<Document>& documents, const std::vector<Section>& sections) {
  for (const Document& document : documents) {
    const Document fresh{document.path, with_sections(document, sections)};
    if (fresh.text == document.text) continue;
    const Status status = write_document(fresh);
    if (!status.ok()) {
      std::fprintf(stderr, "ecsdb-protocol: %s\n", status.error().to_string().c_str());
      return 1;
    }
    std::printf("%s: written\n", document.path.c_str());
  }
  return 0;
}

int run(bool write, const std::string& folder) {
  auto documents = read_documents(folder);
  if (!documents.ok()) {
    std::fprintf(stderr, "ecsdb-protocol: %s\n", documents.error().to_string().c_str());
    return 1;
  }
  const std::vector<Section> sections = render_sections();
  if (write) {
    if (const int status = write_tables(*documents, sections); status != 0) return status;
    documents = read_documents(folder);
  }
  const std::vector<Problem> problems = check_documents(*documents, sections);
  for (const Problem& problem : problems) std::printf("%s\n", problem.to_string().c_str());
  return problems.empty() ? 0 : 1;
}

int run_arguments(const std::vector<std::string>& arguments) {
  if (arguments.size() == 2 && arguments[0] == "tables") return run(false, arguments[1]);
  if (arguments.size() == 3 && arguments[0] == "tables" && arguments[1] == "--write") {
    return run(true, arguments[2]);
  }
  std::fputs(kUsage, stderr);
  return 2;
}

}  // namespace
}  // namespace ecsdb::protocol

int main(int argc, char** argv) {
  return ecsdb::protocol::run_arguments(std::vector<std::string>(argv + 1, argv + argc));
}
