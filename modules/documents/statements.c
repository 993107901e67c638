/* Tables and statements. A document is returned as one JSON text; ?1 of those statements is the public URL. */
#include "statements.h"

#define SQL(number, label, text) [number] = {sizeof(bp_statement), 0, BP_STR(label), BP_STR(text)}

#define DOCUMENT_JSON                                                                                                                                \
  "json_object('id', d.id, 'filename', d.filename, 'content_type', d.content_type, 'size_bytes', d.size_bytes, 'created_at', d.created_at, "         \
  "'updated_at', d.updated_at, 'tags', json((SELECT json_group_array(tag) FROM (SELECT tag FROM documents_tags WHERE document_row = d.row ORDER "    \
  "BY tag))), 'metadata', json(d.metadata), 'url', ?1 || '/documents/' || d.id)"
#define TAG_LIST "coalesce((SELECT group_concat(tag, ' ') FROM documents_tags WHERE document_row = d.row), '')"

const bp_statement documents_statements[STATEMENT_COUNT] = {
    SQL(INSERT_DOCUMENT, "insert_document",
        "INSERT INTO documents_documents (id, filename, content_type, size_bytes, checksum, created_at, updated_at, metadata) VALUES (?1, ?2, ?3, "
        "?4, "
        "?5, ?6, ?6, ?7)"),
    SQL(INSERT_TAG, "insert_tag", "INSERT OR IGNORE INTO documents_tags (document_row, tag) SELECT row, ?2 FROM documents_documents WHERE id = ?1"),
    SQL(INSERT_TEXT, "insert_text",
        "INSERT INTO documents_texts (row, filename, tags, description, body) SELECT d.row, d.filename, " TAG_LIST
        ", coalesce(json_extract(d.metadata, '$.description'), ''), ?2 FROM documents_documents d WHERE d.id = ?1"),
    SQL(DOCUMENT_BY_ID, "document_by_id", "SELECT " DOCUMENT_JSON " FROM documents_documents d WHERE d.id = ?2"),
    SQL(DOCUMENT_BY_ROW, "document_by_row", "SELECT " DOCUMENT_JSON " FROM documents_documents d WHERE d.row = ?2"),
    SQL(LIST_DOCUMENTS, "list_documents",
        "SELECT " DOCUMENT_JSON " FROM documents_documents d WHERE (?2 IS NULL OR d.filename LIKE '%' || ?2 || '%') AND (?4 = 0 OR (SELECT count(*) "
        "FROM documents_tags t WHERE t.document_row = d.row AND instr(?3, ',' || t.tag || ',') > 0) = ?4) ORDER BY d.row DESC LIMIT ?5 OFFSET ?6"),
    SQL(FILE_OF_DOCUMENT, "file_of_document", "SELECT filename, content_type, checksum FROM documents_documents WHERE id = ?1"),
    SQL(COUNT_TAGS, "count_tags", "SELECT tag, count(*) FROM documents_tags GROUP BY tag ORDER BY count(*) DESC, tag"),
    SQL(TOUCH_DOCUMENT, "touch_document", "UPDATE documents_documents SET updated_at = ?2 WHERE id = ?1"),
    SQL(DESCRIBE_DOCUMENT, "describe_document", "UPDATE documents_documents SET metadata = json_set(metadata, '$.description', ?2) WHERE id = ?1"),
    SQL(CLEAR_TAGS, "clear_tags", "DELETE FROM documents_tags WHERE document_row = (SELECT row FROM documents_documents WHERE id = ?1)"),
    SQL(REFRESH_TEXT, "refresh_text",
        "UPDATE documents_texts SET tags = (SELECT " TAG_LIST " FROM documents_documents d WHERE d.id = ?1), description = (SELECT "
        "coalesce(json_extract(d.metadata, '$.description'), '') FROM documents_documents d WHERE d.id = ?1) WHERE row = (SELECT row FROM "
        "documents_documents WHERE id = ?1)"),
    SQL(DELETE_TEXT, "delete_text", "DELETE FROM documents_texts WHERE row = (SELECT row FROM documents_documents WHERE id = ?1)"),
    SQL(DELETE_DOCUMENT, "delete_document", "DELETE FROM documents_documents WHERE id = ?1"),
};

#undef SQL

const bp_migration documents_migrations[MIGRATION_COUNT] = {
    {sizeof(bp_migration), 1,
     BP_STR("CREATE TABLE documents_documents (row INTEGER PRIMARY KEY AUTOINCREMENT, id TEXT NOT NULL UNIQUE, filename TEXT NOT NULL, content_type "
            "TEXT NOT NULL, size_bytes INTEGER NOT NULL, checksum TEXT NOT NULL, created_at TEXT NOT NULL, updated_at TEXT NOT NULL, metadata TEXT "
            "NOT NULL);"
            "CREATE INDEX documents_filename ON documents_documents (filename);"
            "CREATE TABLE documents_tags (document_row INTEGER NOT NULL REFERENCES documents_documents (row) ON DELETE CASCADE, tag TEXT NOT NULL, "
            "PRIMARY KEY (document_row, tag)) WITHOUT ROWID;"
            "CREATE INDEX documents_tag ON documents_tags (tag);"
            "CREATE TABLE documents_texts (row INTEGER PRIMARY KEY, filename TEXT NOT NULL, tags TEXT NOT NULL, description TEXT NOT NULL, body TEXT "
            "NOT NULL);")},
};
