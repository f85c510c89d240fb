"""The wheel: the command and Swift's libraries in the Python package espalier; libtorch comes with the dependency torch."""

import base64
import hashlib
import json
import os
import pathlib
import platform
import re
import sys
import time
import zipfile

from . import linking
from .archive import moment
from .elf import Elf
from .tree import ROOT, Build, Entry, content

# The glibc of the distributions whose libstdc++ first had GLIBCXX_3.4.N, so that one tag speaks for both libraries.
GLIBC_OF_LIBSTDCXX = {24: 28, 28: 31, 29: 34, 30: 35, 32: 38, 33: 39, 34: 41}


def make(options):
    build = Build(options.binary)
    # Beside the command lie Swift's libraries; two folders further up, in site-packages, lies torch.
    command = linking.relinked(build.binary, ["$ORIGIN", "$ORIGIN/../../torch/lib"])
    parts = [Entry("espalier/lib/espalier", command, 0o755)]
    parts += [Entry(f"espalier/lib/{path.name}", path, 0o755) for path in build.libraries.runtime]
    tag = f"py3-none-{platform_tag([content(part) for part in parts])}"
    name = f"espalier-{build.version}"
    parts += [Entry("espalier/__init__.py", b'"""The command espalier, for pip; `python -m espalier` starts it, too."""\n', 0o644),
              Entry("espalier/__main__.py", launcher(build), 0o644)]
    # pip lays these below the environment's prefix, where man and shells look.
    parts += [Entry(f"{name}.data/data/{entry.path}", entry.source, 0o644) for entry in build.shared()]
    licences = list(build.licences(with_libtorch=False))
    parts += [Entry(f"{name}.dist-info/licenses/{licence}", path, 0o644) for licence, path in licences]
    kind = f"Wheel-Version: 1.0\nGenerator: espalier\nRoot-Is-Purelib: false\nTag: {tag}\n"
    parts += [Entry(f"{name}.dist-info/METADATA", metadata(build, licences), 0o644),
              Entry(f"{name}.dist-info/WHEEL", kind.encode(), 0o644),
              Entry(f"{name}.dist-info/entry_points.txt", b"[console_scripts]\nespalier = espalier.__main__:main\n", 0o644)]
    options.output.mkdir(parents=True, exist_ok=True)
    path = options.output / f"{name}-{tag}.whl"
    write(path, parts, f"{name}.dist-info/RECORD")
    print(f"{path} ({path.stat().st_size / 1e6:.0f} MB)")


def platform_tag(binaries):
    """The oldest system on which the binaries run, as pip spells it."""
    machine = platform.machine()
    if sys.platform == "darwin":
        return f"macosx_14_0_{machine}"
    needed = 28  # libtorch's own
    for version in (version for data in binaries for version in Elf(data).versions()):
        if found := re.fullmatch(r"GLIBC_2\.(\d+)(\.\d+)?", version):
            needed = max(needed, int(found[1]))
        elif found := re.fullmatch(r"GLIBCXX_3\.4\.(\d+)", version):
            needed = max(needed, min((glibc for least, glibc in GLIBC_OF_LIBSTDCXX.items() if least >= int(found[1])), default=99))
    return f"manylinux_2_{needed}_{machine}"


def launcher(build):
    text = (pathlib.Path(__file__).parent / "launcher.py").read_text()
    return text.replace("TORCH_VERSION = None", f'TORCH_VERSION = "{build.libtorch}"').encode()


def metadata(build, licences):
    summary = json.loads(build.says("--experimental-dump-help"))["command"]["abstract"]
    fields = [("Metadata-Version", "2.4"), ("Name", "espalier"), ("Version", build.version),
              ("Summary", summary), ("License-Expression", "Apache-2.0"), *(("License-File", name) for name, _ in licences),
              ("Classifier", "Topic :: Scientific/Engineering :: Artificial Intelligence"),
              ("Requires-Python", ">=3.10"), ("Requires-Dist", f"torch=={build.libtorch}"), ("Description-Content-Type", "text/markdown")]
    return ("".join(f"{name}: {value}\n" for name, value in fields) + "\n" + (ROOT / "README.md").read_text()).encode()


def write(path, parts, record):
    """Sorted, with one time and no trace of this machine; pip wants the record last."""
    lines = []
    partial = path.with_name(path.name + ".partial")
    try:
        with zipfile.ZipFile(partial, "w", zipfile.ZIP_DEFLATED, compresslevel=9) as archive:
            for part in sorted(parts, key=lambda part: (".dist-info/" in part.path, part.path)):
                data = content(part)
                digest = base64.urlsafe_b64encode(hashlib.sha256(data).digest()).rstrip(b"=").decode()
                lines.append(f"{part.path},sha256={digest},{len(data)}\n")
                add(archive, part.path, data, part.mode)
            add(archive, record, "".join([*lines, f"{record},,\n"]).encode(), 0o644)
        os.replace(partial, path)
    finally:
        partial.unlink(missing_ok=True)


def add(archive, name, data, mode):
    info = zipfile.ZipInfo(name, time.gmtime(moment())[:6])
    info.compress_type = zipfile.ZIP_DEFLATED
    info.create_system, info.external_attr = 3, (0o100000 | mode) << 16
    archive.writestr(info, data)
