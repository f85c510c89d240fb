"""How inputs are damaged: bytes of any file, values of JSON wherever it is nested, tensors of safetensors files, kinds of files."""

import gzip
import json
import math
import os
import stat
import struct

NUMBERS = (-1, 0, 1, 2, 2**31, 2**32 - 1, 2**53 + 1, 2**63 - 1, -(2**63), 2**63, 10**30, 1e308, -1e308, 1e-320, 0.5, math.nan, math.inf)
TEXTS = (
    "", " ", "\x1b]0;storm\x07\x1b[31m", "line\nline", "\r\x08\x7f\x9b31m", "\u202egnp.exe", "\u2066\u2028", "\0", "a" * 300, "n" * 200_000,
    "9223372036854775808", "1e999", "../up", "\ud83d\udc4d" * 9, "%s%n%d", "{", "[]", "null", "nan", "digits", "fc1", "model", "seed-1")
WIDTHS = {"F64": 8, "F32": 4, "F16": 2, "BF16": 2, "I64": 8, "I32": 4, "I16": 2, "I8": 1, "U8": 1, "BOOL": 1, "F8_E4M3": 1, "U32": 4}


# --- Bytes -----------------------------------------------------------------------------------------------------------------


def damage_bytes(dice, content, others=()):
    """Some bytes differ, are missing or too many; gives the new content and what was done."""
    size = len(content)
    # What a file begins with decides most.
    place = dice.randrange(min(size, 4096) if dice.random() < 0.5 else size) if size else 0
    length = min(dice.choice((1, 2, 8, 100, 4096)), max(size - place, 0))
    way = dice.choice((
        "flip", "flip", "flip", "cut", "insert", "repeat", "zero", "drop", "append", "noise", "empty", "random", "other", "gzip"))
    data = bytearray(content)
    if way == "flip" and size:
        for _ in range(dice.choice((1, 1, 2, 8))):
            data[dice.randrange(size) if dice.random() < 0.3 else place] ^= 1 << dice.randrange(8)
    elif way == "cut":
        del data[place:]
    elif way == "insert":
        data[place:place] = dice.randbytes(length or 1)
    elif way == "repeat":
        data[place:place] = data[place:place + length] * dice.choice((1, 1, 50))
    elif way == "zero":
        data[place:place + length] = bytes(length)
    elif way == "drop":
        del data[place:place + length]
    elif way == "append":
        data += dice.randbytes(dice.choice((1, 8, 4096)))
    elif way == "noise":
        data[place:place + length] = dice.randbytes(length)
    elif way == "empty":
        data.clear()
    elif way == "random":
        data[:] = dice.randbytes(dice.choice((1, 7, 8, 9, 100, 5000)))
    elif way == "other" and others:
        data[:] = dice.choice(others)
    elif way == "gzip":
        data[:] = gzip.compress(content, mtime=0)
    return bytes(data), f"{way} at byte {place}"


# --- JSON ------------------------------------------------------------------------------------------------------------------


class Nested(list):
    """JSON that stands in a string of other JSON; its one element is the value."""


def unfold(value):
    """The value with JSON within its strings opened."""
    if isinstance(value, dict):
        return {key: unfold(item) for key, item in value.items()}
    if isinstance(value, list):
        return [unfold(item) for item in value]
    if isinstance(value, str) and value[:1] in ("{", "["):
        try:
            return Nested([unfold(json.loads(value))])
        except ValueError:
            return value
    return value


def fold(value):
    if isinstance(value, Nested):
        return json.dumps(fold(value[0]), separators=(",", ":")) if value else ""
    if isinstance(value, dict):
        return {key: fold(item) for key, item in value.items()}
    return [fold(item) for item in value] if isinstance(value, list) else value


def damage_value(dice, root):
    """Changes one place of an opened JSON value, reached by choosing a branch at each fork; says what was done."""
    holder, key, path = None, None, []
    value = root
    while isinstance(value, (dict, list)) and value:
        if holder is not None and not isinstance(value, Nested) and dice.random() < 0.08:
            break
        holder, key = value, dice.choice(sorted(value) if isinstance(value, dict) else range(len(value)))
        path.append("" if isinstance(value, Nested) else str(key))
        value = value[key]
    if holder is None:
        return "nothing to change"
    place = ".".join(part for part in path if part)[:120]
    other = dice.choice(("value", "value", "value", "value", "kind", "gone", "name", "again"))
    if other == "gone":
        del holder[key]
        return f"{place} is gone"
    if other == "name" and isinstance(holder, dict):
        name = dice.choice(TEXTS)
        holder[name] = holder.pop(key)
        return f"{place} is named {name[:40]!a}"
    if other == "again" and isinstance(holder, list) and not isinstance(holder, Nested):
        holder[key:key] = [value] * dice.choice((1, 2, 1000))
        return f"{place} stands there again"
    numeric = isinstance(value, (int, float)) and not isinstance(value, bool)
    if other == "kind":
        new = dice.choice((None, True, [], {}, [[]], {"_0": 1}, "1", 1, -0.5))
    elif numeric:
        new = dice.choice((*NUMBERS, -value, value + 1, value - 1, value * 2))
    elif isinstance(value, str):
        new = dice.choice((*TEXTS, value + "\x1b[0m", value.upper(), value + value, value[:-1]))
    else:
        new = dice.choice((*NUMBERS, *TEXTS, None))
    holder[key] = new
    return f"{place} is {str(new)[:40]!a}"


def damage_json(dice, content):
    try:
        root = unfold(json.loads(content))
    except ValueError:
        return damage_bytes(dice, content)
    if not isinstance(root, (dict, list)):
        return damage_bytes(dice, content)
    done = [damage_value(dice, root) for _ in range(dice.choice((1, 1, 1, 2)))]
    return json.dumps(fold(root), indent=2).encode(errors="surrogatepass"), "; ".join(done)


def damage_table(dice, content):
    """One cell of a table, or one line, differs."""
    lines = content.decode(errors="replace").splitlines()
    if not lines:
        return damage_bytes(dice, content)
    row = dice.randrange(len(lines))
    way = dice.choice(("cell", "cell", "cell", "gone", "again", "wide"))
    cells = lines[row].split(",")
    column = dice.randrange(len(cells))
    if way == "cell":
        cells[column] = str(dice.choice((*NUMBERS, *TEXTS)))
        lines[row] = ",".join(cells)
    elif way == "gone":
        del lines[row]
    elif way == "again":
        lines[row:row] = [lines[row]] * dice.choice((1, 500))
    else:
        lines[row] += "," * dice.choice((1, 5000))
    return ("\n".join(lines) + "\n").encode(errors="surrogatepass"), f"{way} in line {row + 1}, column {column + 1}"


# --- Safetensors -----------------------------------------------------------------------------------------------------------


def split(content):
    """The header and the data of a safetensors file; None where it is none."""
    if len(content) < 8:
        return None
    length = struct.unpack("<Q", content[:8])[0]
    try:
        header = json.loads(content[8:8 + length])
    except ValueError:
        return None
    return (header, content[8 + length:]) if isinstance(header, dict) else None


def join(header, data):
    text = json.dumps(header, separators=(",", ":")).encode(errors="surrogatepass")
    text += b" " * (-len(text) % 8)
    return struct.pack("<Q", len(text)) + text + data


def tensors_of(header, data):
    """Each tensor's (type, shape, bytes), in order."""
    found = {}
    for name, entry in header.items():
        if name != "__metadata__" and isinstance(entry, dict):
            first, last = entry["data_offsets"]
            found[name] = (entry["dtype"], list(entry["shape"]), data[first:last])
    return found


def assemble(metadata, tensors):
    """A safetensors file whose lengths and places fit each other."""
    header, data = {}, b""
    if metadata is not None:
        header["__metadata__"] = metadata
    for name, (kind, shape, content) in tensors.items():
        header[name] = {"dtype": kind, "shape": shape, "data_offsets": [len(data), len(data) + len(content)]}
        data += content
    return join(header, data)


def damage_header(dice, content):
    """The header says something else; places and lengths stay as they were written."""
    parts = split(content)
    if not parts:
        return damage_bytes(dice, content)
    header, data = unfold(parts[0]), parts[1]
    metadata = header.get("__metadata__")
    # Most of what a file means stands there.
    root = metadata if isinstance(metadata, dict) and dice.random() < 0.8 else header
    done = [damage_value(dice, root) for _ in range(dice.choice((1, 1, 1, 2)))]
    return join(fold(header), data), "; ".join(done)


def damage_tensors(dice, content):
    """Tensors differ, and everything else fits: names, types, shapes, numbers."""
    parts = split(content)
    try:
        tensors = tensors_of(*parts)
    except (TypeError, KeyError, ValueError):
        return damage_bytes(dice, content)
    if not tensors:
        return damage_bytes(dice, content)
    metadata = parts[0].get("__metadata__")
    name = dice.choice(sorted(tensors))
    kind, shape, data = tensors[name]
    elements = math.prod(shape)
    way = dice.choice(("rename", "remove", "retype", "reshape", "numbers", "numbers", "numbers", "swap", "extra", "values"))
    words = f"{way} {name}"
    if way == "rename":
        new = dice.choice((*TEXTS, name + ".x", "model." + name, "mask." + name, "hook.a.b"))
        tensors = {new if key == name else key: value for key, value in tensors.items()}
        words += f" to {new[:40]!a}"
    elif way == "remove":
        del tensors[name]
    elif way == "retype":
        new = dice.choice(sorted(WIDTHS))
        tensors[name] = (new, shape, resized(data, elements * WIDTHS[new]))
        words += f" to {new}"
    elif way == "reshape":
        new = dice.choice((
            [], [0], [elements], [1, *shape], shape[::-1], [*shape, 1], [*shape, 0], [2 * n for n in shape], [max(n - 1, 0) for n in shape],
            [1] * 70))
        tensors[name] = (kind, new, resized(data, math.prod(new) * WIDTHS.get(kind, 4)))
        words += f" to {new[:6]}"
    elif way in ("numbers", "values") and kind == "F32" and data:
        values = bytearray(data)
        for _ in range(1 if way == "numbers" else elements):
            at = 4 * dice.randrange(elements)
            values[at:at + 4] = struct.pack("<f", dice.choice((math.nan, math.inf, -math.inf, 3e38, -3e38, 1e-41, -0.0, 0.0, 1.0, 1e20)))
        tensors[name] = (kind, shape, bytes(values))
    elif way == "swap":
        other = dice.choice(sorted(tensors))
        tensors[name], tensors[other] = tensors[other], tensors[name]
        words += f" with {other}"
    else:
        new = dice.choice(("extra", "fc9.weight", "mask.fc1.bias", "hook.regrowth.more", "\x1b[31m", "random.other"))
        tensors[new] = ("F32", [2], bytes(8))
        words += " beside another"
    return assemble(metadata, tensors), words


def resized(data, size):
    return (data + bytes(max(size - len(data), 0)))[:size]


def damage_lengths(dice, content):
    """Lengths and places that do not fit, or are beyond all bounds."""
    parts = split(content)
    if not parts or dice.random() < 0.3:
        length = dice.choice((0, 1, 2, len(content), 2**20, 2**31, 2**53, 2**63 - 1, 2**64 - 1))
        return struct.pack("<Q", length) + content[8:], f"the header has {length} bytes"
    header, data = parts
    names = [name for name in header if name != "__metadata__"]
    if not names:
        return damage_bytes(dice, content)
    name = dice.choice(names)
    field = dice.choice(("data_offsets", "shape"))
    if not isinstance(header[name], dict) or not isinstance(header[name].get(field), list):
        return damage_bytes(dice, content)
    new = [dice.choice((*NUMBERS[:11], len(data), len(data) + 1)) for _ in range(dice.choice((len(header[name][field]), 0, 1, 3)))]
    header[name][field] = new
    return join(header, data), f"{field} of {name} are {new}"


# --- Kinds of files --------------------------------------------------------------------------------------------------------


def damage_kind(dice, path):
    """Puts something that is no regular file in a file's place; says what.

    Devices are nodes of our own, which only an administrator can make.
    """
    ways = ["pipe", "folder", "full folder", "loop", "dangling", "missing", "huge", "link"]
    if os.geteuid() == 0:
        ways += ["zero", "null", "link to zero"]
    way = dice.choice(ways)
    if way == "link":
        real = path.with_name(path.name + ".real")
        path.rename(real)
        path.symlink_to(real.name)
        return "a link to the file"
    if way == "huge":
        # As much as a disk holds, of which nothing is stored.
        os.truncate(path, 6 << 30)
        return "6 GB long, most of it nothing"
    path.unlink()
    if way == "pipe":
        os.mkfifo(path)
    elif way in ("folder", "full folder"):
        path.mkdir()
        if way == "full folder":
            (path / "file").write_text("mine")
    elif way in ("loop", "dangling"):
        path.symlink_to(path.name if way == "loop" else "nowhere")
    elif way in ("zero", "null", "link to zero"):
        node = path.with_name(path.name + ".node") if way == "link to zero" else path
        os.mknod(node, stat.S_IFCHR | 0o666, os.makedev(1, 3 if way == "null" else 5))
        if node != path:
            path.symlink_to(node.name)
    return f"{way} in its place"


def damage(dice, path, others=()):
    """Damages a file in one of the ways that fit it; gives words for what was done."""
    if dice.random() < 0.06:
        return f"{path.name}: {damage_kind(dice, path)}"
    content = path.read_bytes()
    packed = path.suffix == ".gz" and dice.random() < 0.5
    if packed:
        content = gzip.decompress(content)
    if path.suffix == ".json":
        ways = [damage_json, damage_json, damage_json, damage_bytes]
    elif path.suffix == ".jsonl":
        ways = [damage_lines, damage_lines, damage_bytes]
    elif path.suffix == ".csv":
        ways = [damage_table, damage_table, damage_bytes]
    elif split(content):
        ways = [damage_header, damage_header, damage_header, damage_tensors, damage_tensors, damage_lengths, damage_bytes]
    else:
        ways = [damage_bytes]
    way = dice.choice(ways)
    new, words = way(dice, content, others) if way is damage_bytes else way(dice, content)
    path.write_bytes(gzip.compress(new, mtime=0) if packed else new)
    return f"{path.name}: {words}"


def damage_lines(dice, content):
    """The JSON of one line differs."""
    lines = content.splitlines()
    if not lines:
        return damage_bytes(dice, content)
    row = dice.randrange(len(lines))
    new, words = damage_json(dice, lines[row])
    lines[row] = b" ".join(new.splitlines())
    return b"\n".join(lines) + b"\n", f"line {row + 1}: {words}"
