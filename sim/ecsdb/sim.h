// Everything to run simulations from a program.
#pragma once

#include "ecsdb/sim/simulation.h"
#include "ecsdb/sim/weather_toml.h"
