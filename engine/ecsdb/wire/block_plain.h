// The plain tier: columns, presence bitmaps, varints; every value on a byte boundary.
//
//   gone:    count varint | index gaps varint... | (net: entity tags varint...) | left bitmap
//   changed: count varint | index gaps varint...            (relative form only)
//   whole:   count varint | index gaps varint... | entity tags varint... | inserted bitmap
//   then for each replicated field, by id: presence u8 (0 none, 1 all, 2 bitmap follows), and for
//   each of its lanes the changed rows' residuals: integers zigzag(new - old) varint, floats
//   new XOR old varint; text: length varint and bytes
//   then for each replicated field and lane the whole rows' values: one-byte lanes a byte, unsigned
//   varint, signed zigzag varint, floats their bytes; text: length varint and bytes
//
// An index gap is the entity index minus the previous one of its group minus 1 (the first: the
// index); in the gone group of the net form, where one index may stand for several entities, minus
// the previous one only. Bitmaps are low bit first, unused bits zero; left out where the count is
// zero.
#pragma once

#include "ecsdb/wire/block.h"

namespace ecsdb {

void encode_plain(const BlockSource& source, ByteWriter& out);
Status decode_plain(ByteReader& in, const TableDef& def, const Table& current, CellIndex cell,
                    DecodedBlock& out);

}  // namespace ecsdb
