/* Tables and statements of the secrets. A value's box is base64 text, so that a rotation can hand many over as one JSON text. */
#include "secret/statements.h"
#include "secret/internal.h"

static const bp_migration migrations[] = {
    {sizeof(bp_migration), 1,
     BP_STR("CREATE TABLE bp_secret_facts (name TEXT PRIMARY KEY, value TEXT NOT NULL) WITHOUT ROWID;"
            "CREATE TABLE bp_secret_values (id INTEGER PRIMARY KEY, plugin TEXT NOT NULL, user TEXT NOT NULL, name TEXT NOT NULL, "
            "key_id TEXT NOT NULL, box TEXT NOT NULL, expires_s INTEGER NOT NULL, UNIQUE (plugin, user, name));"
            "CREATE INDEX bp_secret_expiring ON bp_secret_values (expires_s) WHERE expires_s > 0;")},
};

#define SQL(name, text)                                                                                                                              \
  { sizeof(bp_statement), 0, BP_STR(name), BP_STR(text) }
static const bp_statement statements[] = {
    [KEYRING_ADD_FACT] = SQL("add_fact", "INSERT OR IGNORE INTO bp_secret_facts (name, value) VALUES (?1, ?2)"),
    [KEYRING_FACTS] = SQL("facts", "SELECT name, value FROM bp_secret_facts"),
    [KEYRING_SET_FACT] = SQL("set_fact", "INSERT INTO bp_secret_facts (name, value) VALUES (?1, ?2) "
                                         "ON CONFLICT (name) DO UPDATE SET value = excluded.value"),
    [SECRET_UPSERT] = SQL("upsert", "INSERT INTO bp_secret_values (plugin, user, name, key_id, box, expires_s) SELECT ?1, ?2, ?3, ?4, ?5, ?6 "
                                    "WHERE (SELECT count(*) FROM bp_secret_values) < ?7 OR EXISTS (SELECT 1 FROM bp_secret_values "
                                    "WHERE plugin = ?1 AND user = ?2 AND name = ?3) "
                                    "ON CONFLICT (plugin, user, name) DO UPDATE SET key_id = excluded.key_id, box = excluded.box, "
                                    "expires_s = excluded.expires_s"),
    [SECRET_SELECT] = SQL("select", "SELECT key_id, box, expires_s FROM bp_secret_values WHERE plugin = ?1 AND user = ?2 AND name = ?3 "
                                    "AND (expires_s = 0 OR expires_s > ?4)"),
    [SECRET_DELETE] = SQL("delete", "DELETE FROM bp_secret_values WHERE plugin = ?1 AND user = ?2 AND name = ?3"),
    [SECRET_FORGET_EXPIRED] = SQL("forget_expired", "DELETE FROM bp_secret_values WHERE expires_s > 0 AND expires_s <= ?1"),
    [SECRET_PAGE] = SQL("page", "SELECT id, plugin, user, name, key_id, box, expires_s FROM bp_secret_values WHERE id > ?1 ORDER BY id LIMIT ?2"),
    [SECRET_RESEAL] = SQL("reseal", "UPDATE bp_secret_values SET key_id = ?2, box = fresh.value ->> '$.box' FROM json_each(?1) AS fresh "
                                    "WHERE bp_secret_values.id = fresh.value ->> '$.id'"),
};

const struct store_part_plan secret_plan = {.id = "bp.secret", .migrations = BP_ARRAY(migrations), .statements = BP_ARRAY(statements)};
