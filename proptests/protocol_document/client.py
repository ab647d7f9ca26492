"""A client past its handshake that takes whole frames: what the documents say in words of frames,
heads and states, around their program."""

import copy
from types import SimpleNamespace

GOODBYE, AUTH_REPLY, SCHEMA_PART, SUBSCRIBE_REPLY = 8, 16, 17, 18
SYNC_BEGIN, SYNC_CHUNK, ADVANCE, HEARTBEAT, RESUME_REPLY, SYNC_MARK = 19, 20, 21, 22, 23, 24
OUTCOMES, WRITE_REFUSED = 25, 26
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
        self.staged = None                   # while the first sync is under way
        self.mark = (0, 0, 0)                # of the sync that is under way
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
        elif kind in (SYNC_CHUNK, SYNC_MARK):
            self.take_part(kind, head, tail)
        elif kind == ADVANCE:
            self.take_advance(head, tail)
        elif kind in (AUTH_REPLY, SCHEMA_PART, RESUME_REPLY):
            refuse("unexpected_message")
        elif kind not in (GOODBYE, SUBSCRIBE_REPLY, HEARTBEAT, OUTCOMES, WRITE_REFUSED):
            refuse("unknown_message")

    def syncing(self):
        """What the chunks of the sync that is under way go to, None if there is none."""
        return self.shown.staging if self.is_live else self.staged

    def begin(self, head):
        if self.syncing() is not None:
            self.program.refuse("unexpected_message")
        self.mark = (0, 0, 0)
        r = self.program.Reader(head)
        version, _, _ = r.varint(), r.varint(), r.varint()
        if r.left():
            self.program.refuse("frame_malformed")
        if self.is_live:
            self.program.begin_staging(self.shown, version)
            return
        self.staged = self.program.Replica(copy.deepcopy(self.tables), version)
        self.staged.rows_max, self.staged.has_zstd = self.rows_max, self.has_zstd

    def take_part(self, kind, data, tail):
        is_ending = self.arriving is not None and (
            not self.is_live or self.arriving[0].kind == SYNC_END)
        if self.syncing() is None or is_ending:
            self.program.refuse("unexpected_message")
        if kind == SYNC_MARK:
            self.take_mark(data)
            return
        head = read_advance(self.program, data)
        frames = [(head.blocks, tail, head.tail_checksum)]
        self.program.apply_chunk(self.syncing(), head, frames, self.decompress)

    def take_mark(self, data):
        r = self.program.Reader(data)
        done, begun, index = r.varint(2**20), r.varint(2**20), r.varint(2**32 - 1)
        was_done, was_begun, was_index = self.mark
        is_ahead = done > was_done or (
            done == was_done and begun >= was_begun and index >= was_index)
        if r.left() or not is_ahead or begun < done or begun > len(self.syncing().cells):
            self.program.refuse("frame_malformed")
        self.mark = done, begun, index

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
        if head.kind == SYNC_END and self.syncing() is None:
            self.program.refuse("unexpected_message")
        if head.kind != SYNC_END and not self.is_live:
            self.program.refuse("unexpected_message")
        replica = self.shown if self.is_live else self.staged
        self.program.apply_advance(replica, head, frames, self.decompress)
        self.shown, self.staged, self.is_live = replica, None, True
