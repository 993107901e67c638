/* Rooms by name, and broadcasts: to a room or to everybody. */
#include "client.h"

#include <stdlib.h>
#include <string.h>

#define ROOM_BYTES_MAX 256u
#define ROOM_BUCKETS_MIN 64u

/* A socket in a room. */
struct membership {
  struct room *room;
  struct sio_socket *socket;
  struct membership *previous, *next; /* of the room */
  struct membership *sibling;         /* of the socket */
};

struct room {
  struct room *same_hash;
  struct membership *members;
  uint32_t hash, len;
  char name[];
};

/* ---- By name ---- */

/* Names are chosen by clients, of whom each can be in a bounded number of rooms: FNV-1a will do. */
static uint32_t hash_of(bp_str name) {
  uint32_t hash = 0x811c9dc5u;
  for (size_t i = 0; i < name.len; i++)
    hash = (hash ^ (unsigned char)name.ptr[i]) * 0x01000193u;
  return hash;
}

static struct room **place_of(const struct sio *sio, bp_str name, uint32_t hash) {
  struct room **link = &sio->rooms[hash & (sio->room_buckets - 1)];
  while (*link && !((*link)->hash == hash && (*link)->len == name.len && memcmp((*link)->name, name.ptr, name.len) == 0))
    link = &(*link)->same_hash;
  return link;
}

static struct room *room_find(const struct sio *sio, bp_str name) {
  return sio->room_buckets ? *place_of(sio, name, hash_of(name)) : NULL;
}

static bool grow(struct sio *sio) {
  uint32_t count = sio->room_buckets ? sio->room_buckets * 4 : ROOM_BUCKETS_MIN;
  struct room **larger = calloc(count, sizeof(struct room *));
  if (!larger)
    return sio->room_buckets > 0;
  for (uint32_t i = 0; i < sio->room_buckets; i++)
    for (struct room *room = sio->rooms[i], *next; room; room = next) {
      next = room->same_hash;
      room->same_hash = larger[room->hash & (count - 1)];
      larger[room->hash & (count - 1)] = room;
    }
  free(sio->rooms);
  sio->rooms = larger;
  sio->room_buckets = count;
  return true;
}

static struct room *room_get(struct sio *sio, bp_str name) {
  if (sio->room_count >= sio->room_buckets && !grow(sio))
    return NULL;
  uint32_t hash = hash_of(name);
  struct room **place = place_of(sio, name, hash);
  if (*place)
    return *place;
  struct room *room = calloc(1, sizeof(*room) + name.len);
  if (!room)
    return NULL;
  room->hash = hash;
  room->len = (uint32_t)name.len;
  memcpy(room->name, name.ptr, name.len);
  *place = room;
  sio->room_count++;
  return room;
}

static void room_release(struct sio *sio, struct room *room) {
  if (room->members)
    return;
  struct room **place = place_of(sio, bp_str_make(room->name, room->len), room->hash);
  *place = room->same_hash;
  sio->room_count--;
  free(room);
}

/* ---- Joining and leaving ---- */

/* What being in a room takes of its client's allowance: names are chosen by clients. */
static int64_t room_bytes(size_t name_len) {
  return (int64_t)(sizeof(struct membership) + sizeof(struct room) + name_len);
}

static struct membership **membership_of(struct sio_socket *socket, bp_str name) {
  struct membership **link = &socket->memberships;
  while (*link && !((*link)->room->len == name.len && memcmp((*link)->room->name, name.ptr, name.len) == 0))
    link = &(*link)->sibling;
  return link;
}

bool sio_join(struct sio_socket *socket, bp_str name) {
  struct sio *sio = socket->client->sio;
  if (name.len == 0 || name.len > ROOM_BYTES_MAX)
    return false;
  if (*membership_of(socket, name))
    return true;
  if (socket->room_count >= sio->limits.rooms || !session_charge(socket->client->session, room_bytes(name.len)))
    return false;
  struct membership *m = calloc(1, sizeof(*m));
  struct room *room = m ? room_get(sio, name) : NULL;
  if (!room) {
    session_charge(socket->client->session, -room_bytes(name.len));
    free(m);
    return false;
  }
  *m = (struct membership){.room = room, .socket = socket, .next = room->members, .sibling = socket->memberships};
  if (room->members)
    room->members->previous = m;
  room->members = m;
  socket->memberships = m;
  socket->room_count++;
  return true;
}

static void leave(struct sio_socket *socket, struct membership **link) {
  struct membership *m = *link;
  *link = m->sibling;
  socket->room_count--;
  *(m->previous ? &m->previous->next : &m->room->members) = m->next;
  if (m->next)
    m->next->previous = m->previous;
  session_charge(socket->client->session, -room_bytes(m->room->len));
  room_release(socket->client->sio, m->room);
  free(m);
}

void sio_leave(struct sio_socket *socket, bp_str name) {
  struct membership **link = membership_of(socket, name);
  if (*link)
    leave(socket, link);
}

void rooms_leave_all(struct sio_socket *socket) {
  while (socket->memberships)
    leave(socket, &socket->memberships);
}

/* ---- Broadcasts ---- */

static bool is_meant(const struct sio_socket *socket, bp_str nsp, uint32_t realms) {
  return (realms & 1u << sio_socket_realm(socket)) && socket->nsp_len == nsp.len && memcmp(socket->nsp, nsp.ptr, nsp.len) == 0;
}

static uint32_t collect_room(struct sio *sio, bp_str nsp, uint32_t realms, bp_str name) {
  const struct room *room = room_find(sio, name);
  uint32_t count = 0;
  for (const struct membership *m = room ? room->members : NULL; m; m = m->next)
    if (is_meant(m->socket, nsp, realms))
      sio->targets[count++] = m->socket->client->session;
  return count;
}

static uint32_t collect_all(struct sio *sio, bp_str nsp, uint32_t realms) {
  uint32_t count = 0;
  for (const struct sio_socket *socket = sio->first; socket; socket = socket->next)
    if (is_meant(socket, nsp, realms))
      sio->targets[count++] = socket->client->session;
  return count;
}

static bool reserve_targets(struct sio *sio) {
  if (sio->socket_count <= sio->targets_cap)
    return true;
  uint32_t cap = sio->socket_count + sio->socket_count / 2;
  struct session **targets = realloc(sio->targets, cap * sizeof(struct session *));
  if (!targets)
    return false;
  sio->targets = targets;
  sio->targets_cap = cap;
  return true;
}

void sio_broadcast(struct sio *sio, bp_str nsp, uint32_t realms, bp_str room, bp_str json) {
  if (!reserve_targets(sio))
    return;
  uint32_t count = room.len ? collect_room(sio, nsp, realms, room) : collect_all(sio, nsp, realms);
  char *packet = count ? malloc(SIO_HEAD_BYTES(nsp.len) + json.len) : NULL;
  if (!packet)
    return;
  size_t len = sio_packet_head(packet, SIO_EVENT, 0, nsp, SIO_NO_ACK);
  memcpy(packet + len, json.ptr, json.len);
  engine_broadcast(sio->engine, sio->targets, count, bp_str_make(packet, len + json.len));
  free(packet);
}
