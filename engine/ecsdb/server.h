// Everything an application needs to embed a server.
#pragma once

#include "ecsdb/schema/schema_builder.h"
#include "ecsdb/server/conflict_log.h"
#include "ecsdb/server/replication_server.h"
#include "ecsdb/server/write_rule.h"
