/* Backplane plugin API: include this one. */
#ifndef BACKPLANE_H
#define BACKPLANE_H

#include "base.h"
#include "client.h"
#include "config.h"
#include "core.h"
#include "db.h"
#include "events.h"
#include "fs.h"
#include "http.h"
#include "job.h"
#include "json.h"
#include "live.h"
#include "log.h"
#include "loop.h"
#include "metrics.h"
#include "plugin.h"
#include "policy.h"
#include "port.h"
#include "proc.h"
#include "secret.h"
#include "service.h"
#include "stream.h"
#include "watch.h"
#include "ws.h"

#endif
