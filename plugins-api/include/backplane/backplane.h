/* Backplane plugin API: include this one. */
#ifndef BACKPLANE_H
#define BACKPLANE_H

#include "base.h"
#include "config.h"
#include "core.h"
#include "db.h"
#include "events.h"
#include "http.h"
#include "json.h"
#include "live.h"
#include "log.h"
#include "loop.h"
#include "metrics.h"
#include "plugin.h"
#include "stream.h"
#include "ws.h"

#endif
