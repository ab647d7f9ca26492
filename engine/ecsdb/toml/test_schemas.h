// Schemas as people write them, for tests; together they have everything that the format has.
#pragma once

#include <string_view>

namespace ecsdb::toml_test {

inline constexpr std::string_view kTidepool = R"([schema]
name = "tidepool"
version = 3
[enum]
team = ["none", "red", "blue"]
[table.ship]
id = 1
cell = { grid = "pos", size = 64.0 }          # or "one" (default) | { by = "room" }
read  = [ { role = "player", where = "any" }, { role = "guest", where = "cell == claim.room" } ]
write = [ { role = "player", where = "owner == me" } ]
codec = "packed"                               # or "plain";  transient = true
[table.ship.fields]
pos   = { id = 1, type = "vec2f", precision = 0.01, policy = "server" }
rot   = { id = 2, type = "quatf", bits = 10 }
paint = { id = 3, type = "u8", policy = "lww" }
gold  = { id = 4, type = "i64", policy = "merge:sum" }
pilot = { id = 5, type = "principal" }
name  = { id = 6, type = "str", max = 24, since = 2, default = "anon" }
speed = { id = 7, type = "f64", server_only = true }
side  = { id = 8, type = "enum:team" }
[event.boom]
id = 1
cell = { follow = "ship" }
fields.at = { id = 1, type = "vec2f", precision = 0.1 }
)";

inline constexpr std::string_view kEverything = R"(schema.name = "all"
schema.version = 1
enum.team = ["red", "blue"]
[table.a]
id = 7
transient = true
codec = "plain"
cell = "one"
write = []
[table.a.fields.flag]
id = 1
type = "bool"
default = true
[table.a.fields]
small = { id = 2, type = "u8", default = 3 }
minus = { id = 3, type = "i16", default = -3, policy = "merge:max" }
real  = { id = 4, type = "f32", default = 1.5, min = -1, max = 2.0, bits = 12 }
wide  = { id = 5, type = "f64", default = 2 }
flat  = { id = 6, type = "vec2f", default = [1, 2.5] }
solid = { id = 7, type = "vec3f", default = [1, 2, 3], precision = 0.5 }
turn  = { id = 8, type = "quatf", default = [0, 0, 1, 0] }
side  = { id = 9, type = "enum:team", default = "blue" }
marks = { id = 10, type = "bits:12", default = [0, 11], policy = "merge:union" }
who   = { id = 11, type = "principal", default = 9 }
what  = { id = 12, type = "entity" }
blob  = { id = 13, type = "bytes", max = 4, default = "00ff", policy = "merge:append" }
own   = { id = 14, type = "u32", policy = "merge:my_rule" }
[table.b]
id = 3
cell = { owner = "me" }
read = [ { where = "owner==me" }, { role = "admin" } ]
write = [ { where = "owner == me" } ]
fields.me = { id = 1, type = "principal", write = [ { role = "admin" }, { where = "any" } ] }
[table.c]
id = 4
cell = { follow = "b" }
fields.n = { id = 1, type = "u32" }
[table.d]
id = 5
cell = { by = "room" }
fields.room = { id = 1, type = "u16" }
[event.e]
id = 2
cell = { follow = "d", at = "room" }
write = [ { role = "admin" }, { where = "any" } ]
fields.line = { id = 1, type = "str", max = 80 }
fields.room = { id = 2, type = "u16" }
)";

}  // namespace ecsdb::toml_test
