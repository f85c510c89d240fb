"""As much of ELF as packaging needs: a file's search path for libraries, and the versions of symbols that it asks for."""

import struct

LOAD, DYNAMIC = 1, 2
STRINGS, RPATH, RUNPATH, VERSIONS, VERSION_COUNT = 5, 15, 29, 0x6FFF_FFFE, 0x6FFF_FFFF


class Elf:
    """A 64-bit little-endian file in memory."""

    def __init__(self, data):
        self.data = bytearray(data)
        if self.data[:6] != b"\x7fELF\x02\x01":
            raise ValueError("not a 64-bit little-endian ELF file")
        start, = struct.unpack_from("<Q", self.data, 32)
        step, count = struct.unpack_from("<HH", self.data, 54)
        self.segments, dynamic = [], None
        for index in range(count):
            kind, _, offset, address, _, length = struct.unpack_from("<IIQQQQ", self.data, start + index * step)
            if kind == LOAD:
                self.segments.append((address, offset, length))
            elif kind == DYNAMIC:
                dynamic = (offset, length)
        # Tag → where its entry is and its value; the tags of which there may be several do not matter here.
        self.entries = {}
        for at in range(dynamic[0], sum(dynamic), 16) if dynamic else ():
            tag, value = struct.unpack_from("<QQ", self.data, at)
            if tag == 0:
                break
            self.entries[tag] = (at, value)

    def offset(self, address):
        return next(address - start + offset for start, offset, length in self.segments if start <= address < start + length)

    def string(self, index):
        at = self.offset(self.entries[STRINGS][1]) + index
        return self.data[at:self.data.index(0, at)].decode()

    def search_path(self):
        entry = self.entries.get(RUNPATH) or self.entries.get(RPATH)
        return self.string(entry[1]) if entry else ""

    def set_search_path(self, text):
        """Writes another search path over the old one; false if it is too long for that.

        As DT_RPATH, which is read before LD_LIBRARY_PATH: people who set that for another libtorch get ours all the same.
        """
        old = self.search_path()
        if not old or len(text) > len(old):
            return False
        at, index = self.entries.get(RUNPATH) or self.entries[RPATH]
        place = self.offset(self.entries[STRINGS][1]) + index
        self.data[place:place + len(old)] = text.encode().ljust(len(old), b"\0")
        struct.pack_into("<Q", self.data, at, RPATH)
        return True

    def versions(self):
        """The symbol versions that it needs of other libraries, e.g. GLIBC_2.35."""
        if VERSIONS not in self.entries:
            return
        at = self.offset(self.entries[VERSIONS][1])
        for _ in range(self.entries[VERSION_COUNT][1]):
            _, count, _, first, next_library = struct.unpack_from("<HHIII", self.data, at)
            version = at + first
            for _ in range(count):
                _, _, _, name, next_version = struct.unpack_from("<IHHII", self.data, version)
                yield self.string(name)
                version += next_version
            at += next_library
