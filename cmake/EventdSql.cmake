# The library NAME with every FOLDER/*.sql as a string: FOLDER/x.sql becomes eventd::sql::x, declared
# in "sql/embedded.h".   eventd_embed_sql(NAME FOLDER)
# Run with -P (SQL_FILES, OUT) it writes that header and its source: at build time, when a file
# changes.
if(CMAKE_SCRIPT_MODE_FILE)
  set(declarations "")
  set(definitions "")
  foreach(file ${SQL_FILES})
    get_filename_component(name "${file}" NAME_WE)
    file(READ "${file}" text)
    string(APPEND declarations "extern const std::string_view ${name};\n")
    string(APPEND definitions "const std::string_view ${name} = R\"eventd_sql(${text})eventd_sql\";\n")
  endforeach()
  file(WRITE "${OUT}/embedded.h" "// Generated from sql/*.sql.\n#pragma once\n\n#include <string_view>\n\n"
       "namespace eventd::sql {\n${declarations}}  // namespace eventd::sql\n")
  file(WRITE "${OUT}/embedded.cpp" "// Generated from sql/*.sql.\n#include \"sql/embedded.h\"\n\n"
       "namespace eventd::sql {\n${definitions}}  // namespace eventd::sql\n")
  return()
endif()

function(eventd_embed_sql name folder)
  file(GLOB files CONFIGURE_DEPENDS "${folder}/*.sql")
  set(out "${CMAKE_BINARY_DIR}/generated/sql")
  add_custom_command(OUTPUT "${out}/embedded.h" "${out}/embedded.cpp"
      COMMAND ${CMAKE_COMMAND} "-DSQL_FILES=${files}" "-DOUT=${out}"
              -P "${CMAKE_SOURCE_DIR}/cmake/EventdSql.cmake"
      DEPENDS ${files} "${CMAKE_SOURCE_DIR}/cmake/EventdSql.cmake" VERBATIM)
  add_library(${name} STATIC "${out}/embedded.cpp" "${out}/embedded.h")
  target_include_directories(${name} PUBLIC "${CMAKE_BINARY_DIR}/generated")
endfunction()
