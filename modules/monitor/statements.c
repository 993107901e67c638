/* Tables and statements: the messages of the log as they were written, and up to where the log has been taken in. */
#include "statements.h"

#define SQL(number, label, text) [number] = {sizeof(bp_statement), 0, BP_STR(label), BP_STR(text)}

const bp_statement monitor_statements[STATEMENT_COUNT] = {
    SQL(READ_CURSOR, "read_cursor", "SELECT device, inode, offset, mark, is_skipping FROM monitor_cursor WHERE id = 1"),
    SQL(WRITE_CURSOR, "write_cursor",
        "INSERT INTO monitor_cursor (id, device, inode, offset, mark, is_skipping) VALUES (1, ?1, ?2, ?3, ?4, ?5) ON CONFLICT (id) DO UPDATE SET "
        "device = ?1, inode = ?2, offset = ?3, mark = ?4, is_skipping = ?5"),
    SQL(ADD_MESSAGE, "add_message",
        "INSERT INTO monitor_messages (message, sender, msg_type, content) VALUES (?1, coalesce(?1 ->> '$.sender', ?1 ->> '$.sender_id'), "
        "?1 ->> '$.msg_type', ?1 ->> '$.content')"),
    SQL(PRUNE_MESSAGES, "prune_messages", "DELETE FROM monitor_messages WHERE id <= (SELECT max(id) FROM monitor_messages) - ?1"),
    SQL(LIST_MESSAGES, "list_messages",
        "SELECT id, message FROM monitor_messages WHERE (?1 IS NULL OR id < ?1) AND (?3 IS NULL OR sender = ?3) AND (?4 IS NULL OR msg_type = ?4) "
        "ORDER BY id DESC LIMIT ?2"),
    SQL(MESSAGE_BY_ID, "message_by_id", "SELECT id, message FROM monitor_messages WHERE id = ?1"),
};

#undef SQL

const bp_migration monitor_migrations[MIGRATION_COUNT] = {
    {sizeof(bp_migration), 1,
     BP_STR("CREATE TABLE monitor_messages (id INTEGER PRIMARY KEY AUTOINCREMENT, message TEXT NOT NULL, sender TEXT, msg_type TEXT, content TEXT);"
            "CREATE TABLE monitor_cursor (id INTEGER PRIMARY KEY, device INTEGER NOT NULL, inode INTEGER NOT NULL, offset INTEGER NOT NULL, "
            "mark BLOB NOT NULL, is_skipping INTEGER NOT NULL);")},
};
