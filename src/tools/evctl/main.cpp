// evctl: the operator's command.
#include <algorithm>
#include <cstdio>
#include <iterator>
#include <string>
#include <vector>

#include "commands.h"
#include "connection.h"

namespace {

using namespace eventd::evctl;
using eventd::Status;

constexpr char kUsage[] =
    "usage: evctl [-D DIR | --url URL] COMMAND\n"
    "\n"
    "with a running server:\n"
    "  query [--csv] 'SQL or EQL'            runs one statement and prints its rows\n"
    "  load FILE.ndjson --type-from F[,F…]   one JSON object a line becomes one event; its type is\n"
    "                                        the values of the fields, lower case, joined by dots\n"
    "  load FILE.ndjson --type TYPE          the same with one type for all; FILE - reads standard input\n"
    "  url                                   a connection URL with the admin's password\n"
    "  status                                version, events and statistics\n"
    "  backup TARGET                         copies everything to TARGET, on the server's machine, while\n"
    "                                        it goes on\n"
    "without a server:\n"
    "  restore BACKUP                        makes a backup the contents of DIR, empty or missing\n"
    "  vacuum [FILE]                         gives free pages of all databases in DIR (or one) back\n"
    "  vacuum --check [FILE]                 says what that would give back, and whether it pays; also\n"
    "                                        beside a running server\n"
    "  salvage FILE [OUT]                    copies what is readable of a damaged shard to a new one\n"
    "\n"
    "  -D DIR      data directory (default ./data)\n"
    "  --url URL   any server, in libpq's form\n"
    "\n"
    "exit: 0 done, 1 failed, 2 wrong usage\n";

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
  bool only_check = false;
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
    } else if (argument == "--check") {
      arguments.only_check = true;
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

struct Command {
  const char* name;
  size_t arguments_min, arguments_max;
  /// Null: needs a connection, see run_connected().
  Status (*run)(const Arguments& arguments);
};

std::string optional_word(const Arguments& arguments, size_t index) {
  return index < arguments.words.size() ? arguments.words[index] : std::string();
}

Status print_url(const Arguments& arguments) {
  ASSIGN_OR_RETURN(const std::string url, connection_url(arguments.target.data_directory));
  std::printf("%s\n", url.c_str());
  return {};
}
Status run_restore(const Arguments& arguments) {
  return restore(arguments.words[1], arguments.target.data_directory);
}
Status run_vacuum(const Arguments& arguments) {
  return vacuum({.data_directory = arguments.target.data_directory,
                 .file = optional_word(arguments, 1),
                 .only_check = arguments.only_check});
}
Status run_salvage(const Arguments& arguments) {
  return salvage(arguments.words[1], optional_word(arguments, 2));
}

constexpr Command kCommands[] = {
    {"query", 1, 1, nullptr},  {"load", 1, 1, nullptr},         {"status", 0, 0, nullptr},
    {"backup", 1, 1, nullptr}, {"url", 0, 0, print_url},        {"restore", 1, 1, run_restore},
    {"vacuum", 0, 1, run_vacuum}, {"salvage", 1, 2, run_salvage},
};

Status run_connected(const Arguments& arguments) {
  const std::string& command = arguments.words[0];
  ASSIGN_OR_RETURN(const ConnectionPtr connection, connect(arguments.target));
  if (command == "query") return run_query(connection.get(), arguments.words[1], arguments.form);
  if (command == "status") return print_status(connection.get());
  if (command == "backup") return backup(connection.get(), arguments.words[1]);
  LoadOptions load_options = arguments.load;
  load_options.file = arguments.words[1];
  return load(connection.get(), load_options);
}

int run(const Arguments& arguments) {
  const std::string& name = arguments.words[0];
  const auto* command = std::find_if(std::begin(kCommands), std::end(kCommands),
                                     [&](const Command& known) { return name == known.name; });
  if (command == std::end(kCommands)) return usage("unknown command " + name);
  const size_t given = arguments.words.size() - 1;
  if (given < command->arguments_min) return usage(name + " wants another argument");
  if (given > command->arguments_max) return usage(name + " wants fewer arguments");
  if (name == "load" && arguments.load.type.empty() == arguments.load.type_from.empty()) {
    return usage("load wants either --type-from or --type");
  }
  if (arguments.only_check && name != "vacuum") return usage("--check is for vacuum");
  return finish(command->run != nullptr ? command->run(arguments) : run_connected(arguments));
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
