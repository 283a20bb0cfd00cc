#include <algorithm>
#include <cstdio>
#include <vector>

#include "commands.h"

namespace eventd::evctl {
namespace {

void print_csv_field(const char* text) {
  const std::string value = text;
  if (value.find_first_of(",\"\n\r") == std::string::npos) {
    std::fputs(text, stdout);
    return;
  }
  std::putchar('"');
  for (const char c : value) {
    if (c == '"') std::putchar('"');
    std::putchar(c);
  }
  std::putchar('"');
}

void print_csv(const PGresult* result) {
  const int columns = PQnfields(result);
  for (int row = -1; row < PQntuples(result); ++row) {
    for (int column = 0; column < columns; ++column) {
      if (column > 0) std::putchar(',');
      print_csv_field(row < 0 ? PQfname(result, column) : PQgetvalue(result, row, column));
    }
    std::putchar('\n');
  }
}

// libpq's own printer, as psql's aligned form.
void print_table(const PGresult* result) {
  PQprintOpt options{};
  options.header = 1;
  options.align = 1;
  char separator[] = "|";
  options.fieldSep = separator;
  PQprint(stdout, result, &options);
}

}  // namespace

Status run_query(PGconn* connection, const std::string& text, OutputForm form) {
  const ResultPtr result(PQexec(connection, text.c_str()));
  switch (PQresultStatus(result.get())) {
    case PGRES_TUPLES_OK:
      if (form == OutputForm::kCsv) {
        print_csv(result.get());
      } else {
        print_table(result.get());
      }
      return {};
    case PGRES_COMMAND_OK: std::printf("%s\n", PQcmdStatus(result.get())); return {};
    case PGRES_EMPTY_QUERY: return {};
    case PGRES_COPY_IN:
    case PGRES_COPY_OUT:
    case PGRES_COPY_BOTH:
      return Status(sqlstate::kFeatureNotSupported, "evctl query runs no COPY; use psql or evctl load");
    default: return server_error(connection);
  }
}

}  // namespace eventd::evctl
