"""The checksums of checkpoints and records, so that damage can be put behind a sound one, and is known where it breaks one.

A checkpoint has it among its texts (`checksum`): SHA-256 over texts with their keys, and tensors with their names, types and shapes.
A record has it in its first line: SHA-256 of the rest. Tables of probes have theirs in a file beside them, as sha256sum writes it.
"""

import hashlib
import json
import re
import struct

from . import mutations

TYPES = {"F32": "float32", "F64": "float64", "I64": "int64", "I32": "int32", "U8": "uint8", "BOOL": "bool"}
LINE = re.compile(rb'\A\{\n  "checksum" : "[0-9a-f]*",\n')


def digest(metadata, tensors):
    """The checksum that belongs to a checkpoint's parts."""
    found = hashlib.sha256()

    def number(value):
        found.update(struct.pack("<Q", value))

    def text(value):
        data = value.encode(errors="surrogatepass")
        number(len(data))
        found.update(data)

    texts = sorted((key, value) for key, value in metadata.items() if key != "checksum")
    number(len(texts))
    for key, value in texts:
        text(key)
        text(value)
    for name, (kind, shape, data) in sorted(tensors.items()):
        text(name)
        text(TYPES.get(kind, ""))
        number(len(shape))
        for size in shape:
            number(size)
        found.update(data)
    return found.hexdigest()


def parts(content):
    """A checkpoint's texts and tensors; None where the file is none, or broken."""
    halves = mutations.split(content)
    try:
        metadata = halves[0]["__metadata__"]
        tensors = mutations.tensors_of(*halves)
        return (metadata, tensors) if all(isinstance(value, str) for value in metadata.values()) else None
    except (TypeError, KeyError, ValueError, AttributeError):
        return None


def again(path):
    """Gives a damaged file the checksum of what it holds now, if it has one; says whether it has."""
    content = path.read_bytes()
    beside = path.parent / (path.name.split(".")[0] + ".sha256")
    if path.suffix in (".csv", ".jsonl") and beside.is_file():
        lines = beside.read_text(errors="replace").splitlines()
        new = hashlib.sha256(content).hexdigest()
        beside.write_text("".join(f"{new}  {path.name}\n" if line.endswith("  " + path.name) else line + "\n" for line in lines))
        return True
    if path.suffix == ".json":
        return seal_record(path, content)
    found = parts(content)
    try:
        if not found or "checksum" not in found[0]:
            return False
        metadata, tensors = found
        metadata["checksum"] = digest(metadata, tensors)
        path.write_bytes(mutations.assemble(metadata, tensors))
        return True
    except (struct.error, TypeError, ValueError):
        # Sizes that no digest can be made of: the reader refuses them before it computes one.
        return False


def seal_record(path, content):
    try:
        root = json.loads(content)
    except ValueError:
        return False
    if not isinstance(root, dict) or "checksum" not in root:
        return False
    del root["checksum"]
    text = json.dumps(root, indent=2).encode(errors="surrogatepass") + b"\n"
    if not text.startswith(b"{\n"):
        return False
    path.write_bytes(b'{\n  "checksum" : "' + hashlib.sha256(text).hexdigest().encode() + b'",\n' + text[2:])
    return True


def fits(content):
    """Whether a sound file's checksum is the one computed here; None where it has none."""
    if LINE.match(content):
        return hashlib.sha256(b"{\n" + LINE.sub(b"", content)).hexdigest().encode() in content[:100]
    found = parts(content)
    return found[0]["checksum"] == digest(*found) if found and "checksum" in found[0] else None


def is_broken(path, content, command):
    """Whether a damaged file differs in what it means from what was written, so that the command, which reads it, must refuse it.

    Only of files that carry a checksum, and of checkpoints, which must.
    """
    new = path.read_bytes()
    if path.suffix == ".json":
        reads = command[0] == "tickets" and path.name.startswith("round-")
        return reads and bool(LINE.match(content)) and b'"checksum"' in new[:1000] and new != content
    if path.suffix in (".csv", ".jsonl"):
        return "--analyse" in command and (path.parent / (path.name.split(".")[0] + ".sha256")).is_file() and new != content
    before = parts(content)
    if not before or before[0].get("format") != "espalier-checkpoint" or "--resume" not in command:
        return False
    return parts(new) != before
