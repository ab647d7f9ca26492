// Everything an application needs to embed a client.
#pragma once

#include "ecsdb/client/client.h"
#include "ecsdb/client/client_db.h"
#include "ecsdb/client/events.h"
