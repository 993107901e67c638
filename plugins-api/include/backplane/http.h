/* bp.http/1: families, routes as data, requests and replies.
 *
 * Order of a request: connection -> auth gate -> router -> schema -> facts -> policy -> handler -> reply. A handler sees
 * only requests that passed all checks before it. It replies at once, or defers and replies later from any thread;
 * either way exactly once.
 *
 * Schemas of bodies and answers are JSON Schema with these keywords; others are refused at load: type, properties, required,
 * additionalProperties, enum, const, minimum, maximum, minLength, maxLength, pattern (PCRE2), items, minItems, maxItems, oneOf, $ref to
 * "#" or "#/$defs/NAME", $defs, and title, description, default, examples, deprecated, format, which describe only. */
#ifndef BACKPLANE_HTTP_H
#define BACKPLANE_HTTP_H

#include "base.h"

#ifdef __cplusplus
extern "C" {
#endif

#define BP_HTTP_1 "bp.http/1"

/* ---- Families: what all routes behind one listener have in common. Part of the descriptor. ---- */

/* Error shapes. */
#define BP_ERRORS_DETAIL 1u  /* {"detail": text}, validation {"detail": [{loc, msg, type, input}]} as FastAPI */
#define BP_ERRORS_ERROR 2u   /* {"error": text} */
#define BP_ERRORS_SUCCESS 3u /* {"success": false, "error": text[, "code"]} */
#define BP_ERRORS_PROBLEM 4u /* RFC 9457 application/problem+json */

#define BP_FAMILY_NO_405 1u            /* a wrong method on a known path is 404 */
#define BP_FAMILY_HEAD_405 2u          /* HEAD on a GET route is 405 instead of GET without the body */
#define BP_FAMILY_DOCS 4u              /* the host serves /docs, /redoc and /openapi.json */
#define BP_FAMILY_NOT_BARE 8u          /* on the main listener only under /f/<name>/ */
#define BP_FAMILY_CORS_CREDENTIALS 16u /* Access-Control-Allow-Credentials: true for origins that passed */
/* On a listener of this family, the Authorization header of the host's own user is left to the handlers, which read it with
 * `header`: clients of such a family send a token of its own. Anybody else needs a token of the host. */
#define BP_FAMILY_OWN_AUTHORIZATION 32u
#define BP_FAMILY_OPTIONS_204 64u /* OPTIONS is answered with 204 and no body on every path, also a preflight: no handler sees it */

/* Who may, in a family whose clients send a token of its own: asked for every request, also for paths that nobody serves, when origins
 * and the host's own identity are known and before anything else of the request is looked at. 0: the host refuses it with 401. Strings are
 * borrowed; `authorization` is empty where there is none. [main] */
typedef uint32_t (*bp_admit_fn)(void *state, bp_str method, bp_str path, bp_str authorization, bp_str principal);

typedef struct bp_family {
  uint32_t size;
  uint32_t error_shape;       /* BP_ERRORS_* */
  uint32_t flags;             /* BP_FAMILY_* */
  uint32_t validation_status; /* 422 or 400 */
  bp_str name;                /* [a-z][a-z0-9-]*, unique */
  bp_str title;               /* for OpenAPI */
  bp_str not_found_text;      /* e.g. "Not Found" */
  bp_str not_allowed_text;    /* e.g. "Method Not Allowed" */
  bp_str json_content_type;   /* empty: "application/json" */
  uint64_t body_limit_bytes;  /* default for JSON bodies of its routes; 0: 1 MiB */
  bp_admit_fn admit;          /* NULL: whoever the host lets in */
  bp_str refusal_text;        /* plain text of the 401 where `admit` refuses; empty: "Unauthorized" */
  bp_str challenge;           /* its WWW-Authenticate; empty: "Bearer" */
} bp_family;

/* ---- Routes ---- */

#define BP_ROUTE_READ_ONLY 1u      /* changes nothing; GET and HEAD imply it */
#define BP_ROUTE_STREAM 2u         /* the handler reads the body in chunks (stream.h); no schema */
#define BP_ROUTE_UPLOAD 4u         /* multipart/form-data, parts spooled before the handler runs (stream.h) */
#define BP_ROUTE_WEBSOCKET 8u      /* GET with an RFC 6455 handshake; the handler accepts or replies */
#define BP_ROUTE_MCP_TOOL 16u      /* offered as an MCP tool named after operation_id */
#define BP_ROUTE_OPTIONAL_BODY 32u /* an absent body is not an error */
#define BP_ROUTE_IF_FAMILY 64u     /* left out while no plugin declares its family, instead of a failure to load */
#define BP_ROUTE_NOT_BARE 128u     /* on the main listener only under /f/<family>/: the bare path is free for others */
#define BP_ROUTE_QUERY_ONCE 256u   /* a query parameter given twice is a validation error; else the first counts */

/* Where a parameter is found, and its type. Numeric text counts as INTEGER or REAL in path, query, header and form. */
#define BP_IN_PATH 1u
#define BP_IN_QUERY 2u
#define BP_IN_HEADER 3u
#define BP_IN_FORM 4u /* a multipart field that is not a file */
#define BP_IN_FILE 5u /* a multipart file */

#define BP_PARAM_STRING 1u
#define BP_PARAM_INTEGER 2u
#define BP_PARAM_BOOLEAN 3u /* true/false/1/0/yes/no/on/off */
#define BP_PARAM_REAL 4u

#define BP_PARAM_SLASH 1u /* a path parameter whose value may hold a "/", sent as %2F; elsewhere such a path is not found */

typedef struct bp_param {
  uint32_t size;
  uint32_t in;       /* BP_IN_* */
  uint32_t type;     /* BP_PARAM_* */
  uint32_t required; /* 1: absence is a validation error; path parameters always are */
  bp_str name;
  bp_str doc;
  bp_str def;      /* text used when absent; empty: absent stays absent */
  bp_str pattern;  /* PCRE2, for STRING; empty: any */
  int64_t minimum; /* INTEGER: bounds, both 0 for none. STRING: length in bytes */
  int64_t maximum;
  uint32_t flags; /* BP_PARAM_SLASH */
  uint32_t reserved;
} bp_param;

typedef void (*bp_handler_fn)(void *state, bp_request request); /* [main] */
/* Writes the facts a policy decides on as one JSON object. Anything but BP_OK denies the request. [main] */
typedef bp_status (*bp_facts_fn)(void *state, bp_request request, bp_json_writer facts);

typedef struct bp_route {
  uint32_t size;
  uint32_t flags;            /* BP_ROUTE_* */
  bp_str method;             /* GET POST PUT PATCH DELETE OPTIONS, or "*" for any */
  bp_str path;               /* "/sessions/{id}/stop"; {name} is one segment, a final {name*} the rest of the path */
  bp_str operation_id;       /* [a-z][a-z0-9_]*, unique in the plugin */
  bp_str summary;            /* one sentence */
  bp_str family;             /* empty: the plugin's family */
  bp_str scope;              /* "read", "write", "admin" or "public"; empty: read for read-only routes, else write */
  bp_array params;           /* of bp_param */
  bp_str body_schema;        /* JSON Schema, see above; empty: no JSON body is read */
  bp_str response_schema;    /* of the 2xx answer; validated in debug builds; empty: not described */
  uint64_t body_limit_bytes; /* 0: the family's */
  uint32_t key_limit;        /* members per JSON object; 0: 1024 */
  uint32_t timeout_ms;       /* for a deferred reply; 0: 30 s */
  uint32_t success_status;   /* for OpenAPI; 0: 200 */
  uint32_t reserved;
  bp_handler_fn handle;
  bp_facts_fn facts; /* a mutating route has either this ... */
  bp_str policy;     /* ... with the policy set's name, or the word "none" here and no facts */
  /* The answer to a body that is not valid JSON or does not fit the schema, where clients know a sentence of this route's own: its
   * status (400 to 599) and text in the family's shape. 0: the family's validation error. */
  uint32_t bad_body_status;
  uint32_t reserved2;
  bp_str bad_body_text;
} bp_route;

/* ---- Requests ---- */

/* Why a deferred request ended without a reply of the plugin's. */
#define BP_CANCEL_CLIENT_GONE 1u
#define BP_CANCEL_TIMEOUT 2u /* the host has answered 504 */
#define BP_CANCEL_DRAIN 3u   /* the host has answered 503 */
/* The request is stale when this returns: later replies give BP_E_STALE and do nothing. [main] */
typedef void (*bp_cancel_fn)(void *ctx, bp_request request, uint32_t reason);

/* An error to be formatted in the family's shape. */
typedef struct bp_problem {
  uint32_t size;
  uint32_t status; /* 4xx or 5xx */
  bp_str message;  /* the sentence the client sees */
  bp_str code;     /* machine code where the shape has one, e.g. "AUTH_REQUIRED"; may be empty */
  bp_str location; /* for validation errors: JSON pointer with its part, e.g. "/body/tags/0"; empty: not a validation error */
  bp_str kind;     /* validation error type, e.g. "value_error"; may be empty */
  bp_str hint;     /* the fix; shapes without a place for it drop it */
} bp_problem;

/* A route flagged BP_ROUTE_MCP_TOOL, as a tool. Strings are borrowed for the call. */
typedef struct bp_tool_route {
  uint32_t size;
  uint32_t flags;      /* BP_ROUTE_READ_ONLY where it changes nothing */
  bp_str plugin;       /* id of the plugin it belongs to */
  bp_str operation_id; /* unique in that plugin */
  bp_str summary;
  bp_str schema; /* JSON Schema of its arguments: one property a path or query parameter, and "body" for the JSON body */
} bp_tool_route;
typedef void (*bp_tool_fn)(void *ctx, const bp_tool_route *tool); /* [main] */

/* The answer of a called route: its HTTP status and body, or a negative `status` where nothing was answered. [main] */
typedef void (*bp_tool_done_fn)(void *ctx, bp_status status, uint32_t http_status, bp_str content_type, bp_str body);

typedef struct bp_http_1 {
  uint32_t size;

  /* What was asked. Strings live until the reply is finished. `path` is percent-decoded; a family prefix is removed. [main] */
  bp_str (*method)(bp_request request);
  bp_str (*path)(bp_request request);
  bp_str (*family)(bp_request request);
  bp_status (*header)(bp_request request, bp_str name, bp_str *ret); /* case-insensitive; BP_E_NOT_FOUND */
  /* Declared parameters by name (any place). BP_E_NOT_FOUND when absent and without default. */
  bp_status (*param)(bp_request request, bp_str name, bp_str *ret);
  bp_status (*param_integer)(bp_request request, bp_str name, int64_t *ret);
  bp_status (*param_boolean)(bp_request request, bp_str name, uint32_t *ret);
  /* The validated JSON body's root; BP_E_NOT_FOUND where there is none. Released by the host with the request. */
  bp_status (*body)(bp_request request, bp_json *ret);
  /* The body's bytes as received, for routes with a schema. */
  bp_status (*body_text)(bp_request request, bp_str *ret);
  /* Who asks: "uid:1000", "token:<id>", "session:<id>". Never a secret. */
  bp_str (*principal)(bp_request request);
  uint32_t (*has_scope)(bp_request request, bp_str scope);

  /* Adds a response header before the reply. Framing headers and those of CORS are the host's and refused with BP_E_DENIED, but for
   * Access-Control-Expose-Headers, which is sent to origins that passed; bytes outside printable ASCII are refused with BP_E_INVALID.
   * Copied. [any, for a deferred request] */
  bp_status (*header_add)(bp_request request, bp_str name, bp_str value);
  /* Conditional requests (RFC 9110 section 13): give the representation's strong entity tag (without quotes; may be empty)
   * and modification time (seconds since 1970, 0 for none). Returns 0 to go on (ETag and Last-Modified will be sent), or
   * 304 or 412 when that has been answered and the request is finished. [main] */
  uint32_t (*precondition)(bp_request request, bp_str etag, int64_t modified_s);

  /* Replies. Each finishes the request, copies its inputs, and gives BP_E_STALE if it is already finished. After defer they
   * are [any], before it [main]. */
  bp_status (*reply_json)(bp_request request, uint32_t status, bp_json_writer body);
  bp_status (*reply_text)(bp_request request, uint32_t status, bp_str content_type, bp_str body);
  bp_status (*reply_empty)(bp_request request, uint32_t status);
  bp_status (*reply_problem)(bp_request request, const bp_problem *problem);
  /* The host's one mapping from a status to an answer: NOT_FOUND 404, EXISTS/CONFLICT 409, INVALID/PARSE/TYPE 400, DENIED
   * 403, LIMIT 413, BUSY 503 with Retry-After, TIMEOUT 504, FULL 507, CANCELLED 503, else 500. `err` may be NULL. */
  bp_status (*reply_failure)(bp_request request, bp_status status, const bp_error *err);

  /* Says that the reply comes later. `on_cancel` (may be NULL) runs at most once, and only if no reply came first. A
   * handler that returns with neither a reply nor defer is answered for with 500 and logged with the plugin's name. [main] */
  bp_status (*defer)(bp_request request, bp_cancel_fn on_cancel, void *ctx);

  /* The facts the policy allowed this request on, as a JSON object: what the route's `facts` wrote, or what a rule rewrote
   * them to. A handler acts on these, not on the body. BP_E_NOT_FOUND for a route without facts. [main] */
  bp_status (*facts)(bp_request request, bp_json *ret);

  /* Calls `each` for every route that is offered as a tool, within this call. [main] */
  void (*tools)(bp_tool_fn each, void *ctx);
  /* Calls such a route with arguments (a JSON object as text, or empty) for whoever sent `request`: with that identity through scope,
   * schema, facts and policy, as if it had been asked over HTTP. Copies its inputs; `request` may end before the answer. `done` runs
   * exactly once, later. BP_E_NOT_FOUND: no such tool; BP_E_INVALID: the arguments are no object or lack a path parameter (the error says
   * which); BP_E_LIMIT: over 256 KiB; BP_E_STALE. [main] */
  bp_status (*tool_call)(bp_plugin self, bp_request request, bp_str plugin, bp_str operation_id, bp_str arguments, bp_tool_done_fn done, void *ctx,
                         bp_error *err);
  /* The request's target as it was sent, percent-encoded and with its query: for those who pass requests on. [main] */
  bp_str (*target)(bp_request request);
} bp_http_1;

#ifdef __cplusplus
}
#endif

#endif
