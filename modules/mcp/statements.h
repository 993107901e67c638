/* The module's tables and statements, by number. */
#ifndef MCP_STATEMENTS_H
#define MCP_STATEMENTS_H

#include <backplane/db.h>

enum mcp_statement {
  ALL_SERVERS,
  INSERT_SERVER,
  UPDATE_SERVER,
  DELETE_SERVER,
  SET_STATUS,
  RESET_STATUS,
  SET_MANIFEST,
  CLEAR_TOOLS,
  INDEX_TOOLS,
  TOOL_BY_ROW,
  ADD_LOG,
  PRUNE_LOG,
  DROP_LOG,
  READ_LOG,
  STATEMENT_COUNT
};

#define MIGRATION_COUNT 1
extern const bp_statement mcp_statements[STATEMENT_COUNT];
extern const bp_migration mcp_migrations[MIGRATION_COUNT];
extern const bp_search_index mcp_searches[1];

#endif
