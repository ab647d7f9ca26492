"""What a reader of rows needs of a schema's canonical form (BYTES.md, sections 5 and 6)."""

BOOL, U8, U64, I8, I64, F32, F64, VEC2F, VEC3F, QUATF, ENUM, BITS, ENTITY, PRINCIPAL, STR, BLOB = (
    1, 2, 5, 6, 9, 10, 11, 12, 13, 14, 15, 16, 17, 18, 19, 20)
COMPONENTS = {F32: 1, F64: 1, VEC2F: 2, VEC3F: 3, QUATF: 4}
DEFAULT_BYTES = {1: 1, 4: 8, 5: 8, 6: 12, 7: 16, 8: 1, 10: 8, 11: 8}  # by kind; others are varints
PRECISION, RANGE, QUATERNION = 1, 2, 3


def unsigned(program, most):
    width = next(n for n in (1, 2, 4, 8) if most < 256**n)
    return program.Lane(width, "unsigned", most)


def lanes_of(program, kind, quantise, bits):
    if kind == BOOL:
        return [unsigned(program, 1)]
    if U8 <= kind <= U64:
        return [unsigned(program, 2**(8 << (kind - U8)) - 1)]
    if I8 <= kind <= I64:
        return [program.Lane(1 << (kind - I8), "signed")]
    if kind == QUATF and quantise == QUATERNION:
        return [unsigned(program, 3)] + [unsigned(program, 2**bits - 1) for _ in range(3)]
    if kind in COMPONENTS:
        count, width = COMPONENTS[kind], 8 if kind == F64 else 4
        if quantise == RANGE:
            return [unsigned(program, 2**bits - 1) for _ in range(count)]
        return [program.Lane(width, "signed" if quantise else "float") for _ in range(count)]
    if kind == ENUM:
        return [unsigned(program, 255)]
    if kind == BITS:
        return [unsigned(program, 2**bits - 1)]
    if kind in (ENTITY, PRINCIPAL):
        return [unsigned(program, 2**64 - 1)]
    return []


class SchemaReader:
    def __init__(self, program, data):
        self.program, self.reader = program, program.Reader(data)

    def name(self):
        return bytes(self.reader.take(self.reader.varint())).decode()

    def many(self, read):
        return [read() for _ in range(self.reader.varint())]

    def access(self):
        self.name()
        if self.reader.number(1) == 1:
            self.name()

    def default(self):
        kind = self.reader.number(1)
        if kind in DEFAULT_BYTES:
            self.reader.take(DEFAULT_BYTES[kind])
        elif kind in (12, 13):
            self.name()
        else:
            self.reader.varint()

    def field(self):
        """The field's name, its type, and the Field unless it is server only."""
        r, bits, longest = self.reader, 0, 0
        id, name, kind, quantise = r.varint(), self.name(), r.number(1), r.number(1)
        r.take({PRECISION: 8, RANGE: 16}.get(quantise, 0))
        if quantise in (RANGE, QUATERNION):
            bits = r.number(1)
        if kind == ENUM:
            self.name()
        if kind == BITS:
            bits = r.number(1)
        is_text = kind in (STR, BLOB)
        if is_text:
            longest = r.varint()
        flags = r.number(1)
        if r.number(1) == 2:
            self.name()
        r.varint()
        if flags & 2:
            self.default()
        if flags & 4:
            self.many(self.access)
        lanes = lanes_of(self.program, kind, quantise, bits)
        field = self.program.Field(id, name, lanes, is_text, longest, kind == STR,
                                   quantise == QUATERNION)
        return name, kind, None if flags & 1 else field

    def table(self):
        """A table, and the name of the table that it follows, if it does."""
        r = self.reader
        id, name, cell = r.varint(), self.name(), r.number(1)
        target = self.name() if cell else None
        if cell == self.program.GRID:
            r.take(8)
        self.many(self.access)
        self.many(self.access)
        tier = r.number(1)
        r.number(1)
        fields = self.many(self.field)
        has_z = any(field[:2] == (target, VEC3F) for field in fields)
        replicated = [field for _, _, field in fields if field is not None]
        table = self.program.Table(id, name, tier, replicated, cell, has_z)
        return table, target if cell == self.program.FOLLOW else None

    def tables(self):
        """All tables, by id."""
        self.reader.take(1)
        self.name()
        self.reader.varint()
        self.many(lambda: (self.name(), self.many(self.name)))
        found = self.many(self.table)
        by_name = {table.name: table for table, _ in found}
        for table, followed in found:
            table.followed = by_name.get(followed)
        return {table.id: table for table, _ in found}


def tables_of(program, data):
    return SchemaReader(program, data).tables()
