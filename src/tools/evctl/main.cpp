// evctl: the operator's command.
#include <cstdio>
#include <string>
#include <vector>

#include "commands.h"
#include "connection.h"

namespace {

using namespace eventd::evctl;

constexpr char kUsage[] =
    "usage: evctl [-D DIR | --url URL] COMMAND\n"
    "\n"
    "  query [--csv] 'SQL or EQL'            runs one statement and prints its rows\n"
    "  load FILE.ndjson --type-from F[,F…]   one JSON object a line becomes one event; its type is\n"
    "                                        the values of the fields, lower case, joined by dots\n"
    "  load FILE.ndjson --type TYPE          the same with one type for all; FILE - reads standard input\n"
    "  url                                   a connection URL with the admin's password\n"
    "  status                                version, events and statistics\n"
    "\n"
    "  -D DIR      data directory of a running server (default ./data)\n"
    "  --url URL   any server, in libpq's form\n";

int usage(const std::string& problem) {
  std::fprintf(stderr, "evctl: %s\n%s", problem.c_str(), kUsage);
  return 2;
}

int finish(const eventd::Status& status) {
  if (status.ok()) return 0;
  std::fprintf(stderr, "evctl: %s\n", status.error().message.c_str());
  return 1;
}

struct Arguments {
  Target target;
  LoadOptions load;
  OutputForm form = OutputForm::kTable;
  std::vector<std::string> words;
  std::string problem;
};

Arguments parse(int argc, char** argv) {
  Arguments arguments;
  for (int i = 1; i < argc; ++i) {
    const std::string argument = argv[i];
    std::string* value = nullptr;
    if (argument == "-D") value = &arguments.target.data_directory;
    if (argument == "--url") value = &arguments.target.url;
    if (argument == "--type-from") value = &arguments.load.type_from;
    if (argument == "--type") value = &arguments.load.type;
    if (value != nullptr) {
      if (++i == argc) {
        arguments.problem = "no value for " + argument;
        return arguments;
      }
      *value = argv[i];
    } else if (argument == "--csv") {
      arguments.form = OutputForm::kCsv;
    } else if (argument.starts_with("-") && argument != "-") {
      arguments.problem = "unknown option " + argument;
      return arguments;
    } else {
      arguments.words.push_back(argument);
    }
  }
  return arguments;
}

int run(const Arguments& arguments) {
  const auto& words = arguments.words;
  const std::string& command = words[0];
  const size_t wanted = command == "query" || command == "load" ? 2 : 1;
  if (command != "query" && command != "load" && command != "url" && command != "status") {
    return usage("unknown command " + command);
  }
  if (words.size() != wanted) return usage(command + " wants " + std::to_string(wanted - 1) + " argument(s)");
  if (command == "url") {
    const auto url = connection_url(arguments.target.data_directory);
    if (!url.ok()) return finish(eventd::Status(url.error()));
    std::printf("%s\n", url->c_str());
    return 0;
  }
  if (command == "load" && arguments.load.type.empty() == arguments.load.type_from.empty()) {
    return usage("load wants either --type-from or --type");
  }
  auto connection = connect(arguments.target);
  if (!connection.ok()) return finish(std::move(connection).take_status());
  if (command == "query") return finish(run_query(connection->get(), words[1], arguments.form));
  if (command == "status") return finish(print_status(connection->get()));
  LoadOptions load_options = arguments.load;
  load_options.file = words[1];
  return finish(load(connection->get(), load_options));
}

}  // namespace

int main(int argc, char** argv) {
  if (argc == 2 && std::string(argv[1]) == "--help") {
    std::fputs(kUsage, stdout);
    return 0;
  }
  const Arguments arguments = parse(argc, argv);
  if (!arguments.problem.empty()) return usage(arguments.problem);
  if (arguments.words.empty()) return usage("no command");
  return run(arguments);
}
