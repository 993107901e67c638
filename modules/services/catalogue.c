/* The catalogue: what can be installed, and how clients connect to it. */
#include "services.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

const struct catalogue_entry catalogue[CATALOGUE_COUNT] = {
    {.id = "mysql",
     .alias = "mysql",
     .name = "MySQL",
     .description = "Relational database",
     .icon = "mysql",
     .image = "mysql:8.0",
     .volume = "/var/lib/mysql",
     .type = "mysql",
     .username = "root",
     .password_key = "MYSQL_ROOT_PASSWORD",
     .scheme = "mysql",
     .database = "mysql",
     .port = 3306},
    {.id = "postgresql",
     .alias = "postgres",
     .name = "PostgreSQL",
     .description = "Relational database",
     .icon = "postgresql",
     .image = "postgres:16",
     .volume = "/var/lib/postgresql/data",
     .type = "postgresql",
     .username = "postgres",
     .user_key = "POSTGRES_USER",
     .password_key = "POSTGRES_PASSWORD",
     .scheme = "postgresql",
     .database = "postgres",
     .port = 5432},
    {.id = "mongodb",
     .alias = "mongo",
     .name = "MongoDB",
     .description = "Document database",
     .icon = "mongodb",
     .image = "mongo:7",
     .volume = "/data/db",
     .type = "mongodb",
     .username = "root",
     .user_key = "MONGO_INITDB_ROOT_USERNAME",
     .password_key = "MONGO_INITDB_ROOT_PASSWORD",
     .scheme = "mongodb",
     .database = "?authSource=admin",
     .port = 27017},
    {.id = "redis",
     .alias = "redis",
     .name = "Redis",
     .description = "Key-value store in memory",
     .icon = "redis",
     .image = "redis:7-alpine",
     .volume = "/data",
     .type = "redis",
     .scheme = "redis",
     .database = "",
     .port = 6379},
};

unsigned catalogue_find(bp_str id) {
  unsigned i = 0;
  while (i < CATALOGUE_COUNT && !kit_same(id, catalogue[i].id) && !kit_same(id, catalogue[i].alias))
    i++;
  return i;
}

unsigned catalogue_guess(bp_str name) {
  static const struct {
    const char *word, *id;
  } words[] = {{"postg", "postgresql"}, {"timescale", "postgresql"}, {"mysql", "mysql"}, {"mariadb", "mysql"},
               {"percona", "mysql"},    {"mongo", "mongodb"},        {"redis", "redis"}, {"valkey", "redis"}};
  for (size_t i = 0; i < sizeof(words) / sizeof(words[0]); i++)
    if (name.len && memmem(name.ptr, name.len, words[i].word, strlen(words[i].word)))
      return catalogue_find(str_z(words[i].id));
  return CATALOGUE_COUNT;
}

/* Everything but letters, digits and -._~ as %XX. */
static size_t put_encoded(char *out, size_t room, const char *text) {
  size_t len = 0;
  for (; *text && len + 4 < room; text++) {
    unsigned char c = (unsigned char)*text;
    bool is_plain = (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || strchr("-._~*", c);
    len += (size_t)snprintf(out + len, room - len, is_plain ? "%c" : "%%%02X", c);
  }
  return len;
}

bp_str connection_string(const struct catalogue_entry *entry, const char *password, uint32_t port, char text[CONNECTION_BYTES]) {
  size_t len = (size_t)snprintf(text, CONNECTION_BYTES, "%s://", entry->scheme);
  if (entry->username)
    len += put_encoded(text + len, 64, entry->username);
  if (password) {
    text[len++] = ':';
    len += put_encoded(text + len, CONNECTION_BYTES - 128 - len, password);
  }
  len += (size_t)snprintf(text + len, CONNECTION_BYTES - len, "%slocalhost:%u%s%s", entry->username || password ? "@" : "", (unsigned)port,
                          entry->database[0] ? "/" : "", entry->database);
  return bp_str_make(text, len);
}
