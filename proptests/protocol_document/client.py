"""A client past its handshake that takes whole frames: what the documents say in words of frames,
heads and states, around their program."""

import copy
from types import SimpleNamespace

GOODBYE, AUTH_REPLY, SCHEMA_PART, SUBSCRIBE_REPLY = 8, 16, 17, 18
SYNC_BEGIN, SYNC_CHUNK, ADVANCE, HEARTBEAT = 19, 20, 21, 22
SYNC_END = 2
LAST = 2  # of the flags
KEY_NUMBERS = (0, 1, 1, 3, 0)


def split_frame(program, data):
    """Type, head and tail of one frame, which is there as a whole."""
    r = program.Reader(data)
    kind, head_size, tail_size = r.number(1), r.varint(), r.varint()
    head, covered = r.take(head_size), r.at
    if r.number(4) != program.crc32c(data[:covered]):
        program.refuse("checksum_mismatch")
    return kind, head, r.take(tail_size)


def read_key(program, r):
    kind = r.number(1)
    if kind >= len(KEY_NUMBERS):
        program.refuse("frame_malformed")
    return kind, [program.unzigzag(r.varint()) for _ in range(KEY_NUMBERS[kind])]


def read_enter(program, r):
    return SimpleNamespace(handle=r.varint(2**20), generation=r.varint(2**32 - 1),
                           table=r.varint(2**16 - 1), key=read_key(program, r),
                           changed=r.varint(), publishes=r.varint(2**32 - 1))


def read_advance(program, data):
    r = program.Reader(data)
    head = SimpleNamespace(flags=r.varint(11), start=r.varint(), distance=r.varint(),
                           commit_time_ns=r.varint())
    head.kind, head.to = head.flags >> 2, (head.start + head.distance) % 2**64
    head.leaves = [(r.varint(2**20), r.varint(2**32 - 1)) for _ in range(r.varint(512))]
    head.enters = [read_enter(program, r) for _ in range(r.varint(512))]
    head.blocks = [(program.unzigzag(r.varint(2**32 - 1)), r.varint(196608))
                   for _ in range(r.varint(1024))]
    head.tail_checksum = r.number(4)
    if r.left():
        program.refuse("frame_malformed")
    return head


class Client:
    def __init__(self, program, tables, settings, decompress):
        self.program, self.tables, self.decompress = program, tables, decompress
        self.rows_max = settings.get("rows_max", 4000000)
        self.has_zstd = settings.get("compression", False)
        self.shown = program.Replica(tables, 0)
        self.staged = None                   # while a sync is under way
        self.is_live = False
        self.arriving = None                 # head and frames of an unfinished advance

    def take(self, data):
        """One frame. Raises Refused."""
        refuse = self.program.refuse
        kind, head, tail = split_frame(self.program, data)
        if tail and kind not in (SYNC_CHUNK, ADVANCE):
            refuse("frame_malformed")
        if kind == SYNC_BEGIN:
            self.begin(head)
        elif kind == SYNC_CHUNK:
            self.take_chunk(head, tail)
        elif kind == ADVANCE:
            self.take_advance(head, tail)
        elif kind in (AUTH_REPLY, SCHEMA_PART):
            refuse("unexpected_message")
        elif kind not in (GOODBYE, SUBSCRIBE_REPLY, HEARTBEAT):
            refuse("unknown_message")

    def begin(self, head):
        if self.staged is not None or self.is_live:
            self.program.refuse("unexpected_message")
        r = self.program.Reader(head)
        self.staged = self.program.Replica(copy.deepcopy(self.tables), r.varint())
        self.staged.rows_max, self.staged.has_zstd = self.rows_max, self.has_zstd
        r.varint()

    def take_chunk(self, data, tail):
        if self.staged is None or self.arriving is not None:
            self.program.refuse("unexpected_message")
        head = read_advance(self.program, data)
        frames = [(head.blocks, tail, head.tail_checksum)]
        self.program.apply_chunk(self.staged, head, frames, self.decompress)

    def take_advance(self, data, tail):
        refuse = self.program.refuse
        head = read_advance(self.program, data)
        if self.staged is None and not self.is_live:
            refuse("unexpected_message")
        if (head.flags & 1 == 0) == (self.arriving is None):
            refuse("frame_malformed")
        if self.arriving is None:
            self.arriving = head, []
        whole, frames = self.arriving
        for name in ("kind", "start", "to", "commit_time_ns"):
            if getattr(head, name) != getattr(whole, name):
                refuse("frame_malformed")
        if head is not whole:
            whole.leaves += head.leaves
            whole.enters += head.enters
        frames.append((head.blocks, tail, head.tail_checksum))
        if head.flags & LAST:
            self.arriving = None
            self.apply(whole, frames)

    def apply(self, head, frames):
        if (head.kind == SYNC_END) != (self.staged is not None):
            self.program.refuse("unexpected_message")
        replica = self.shown if self.is_live else self.staged
        self.program.apply_advance(replica, head, frames, self.decompress)
        self.shown, self.staged, self.is_live = replica, None, True
