"""The tarball: the tree of an installation in a folder of its own, the same bytes from the same build."""

import gzip
import hashlib
import io
import os
import platform
import tarfile

from .tree import Build, content

# 1980-01-01, the first day that zip files know.
DAY_ONE = 315_532_800


def moment():
    return max(DAY_ONE, int(os.environ.get("SOURCE_DATE_EPOCH") or DAY_ONE))


def system():
    """As linux-x86_64 or macos-arm64."""
    return {"Darwin": "macos"}.get(platform.system(), platform.system().lower()) + "-" + platform.machine()


def make(options):
    build = Build(options.binary)
    name = f"espalier-{build.version}-{system()}"
    options.output.mkdir(parents=True, exist_ok=True)
    path = options.output / f"{name}.tar.gz"
    partial = path.with_name(path.name + ".partial")
    try:
        with open(partial, "wb") as file, gzip.GzipFile("", "wb", 6, file, mtime=0) as packed:
            with tarfile.open(fileobj=packed, mode="w") as tar:
                for entry in build.tree():
                    add(tar, f"{name}/{entry.path}", entry)
        digest = hashlib.sha256()
        with open(partial, "rb") as file:
            while block := file.read(1 << 20):
                digest.update(block)
        os.replace(partial, path)
    finally:
        partial.unlink(missing_ok=True)
    path.with_name(path.name + ".sha256").write_text(f"{digest.hexdigest()}  {path.name}\n")
    print(f"{path} ({path.stat().st_size / 1e6:.0f} MB), {path.name}.sha256")


def add(tar, name, entry):
    info = tarfile.TarInfo(name)
    info.mtime = moment()
    if entry.mode is None:
        info.type, info.linkname, info.mode = tarfile.SYMTYPE, entry.source, 0o777
        tar.addfile(info)
    else:
        data = content(entry)
        info.size, info.mode = len(data), entry.mode
        tar.addfile(info, io.BytesIO(data))
