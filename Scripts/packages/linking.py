"""Which libraries a command loads, from where, and how it is told to look for them elsewhere."""

import collections
import os
import pathlib
import re
import shutil
import subprocess
import sys
import tempfile

from .elf import Elf

# What each Linux has, of whichever kind (as the manylinux tags of Python's wheels demand); all else is taken along.
SYSTEM = re.compile(r"(linux-vdso|ld-linux.*|libc|libm|libdl|librt|libutil|libpthread|libgcc_s|libstdc\+\+|libz)\.so\b")
# Loaded for --device cuda only, from beside libtorch_cpu.so.
CUDA = re.compile(r"lib(torch_cuda.*|torch_nvshmem|c10_cuda|caffe2_nvrtc)\.so$")

# `runtime` is Swift's and SQLite, none on macOS, where they are the system's; the first of `libtorch` is libtorch_cpu.
Libraries = collections.namedtuple("Libraries", "runtime libtorch")


class Failure(Exception):
    """A line that says what is wrong and what can be done."""


def plain_environment():
    """This environment without what would bring other libraries before the command's own."""
    return {name: value for name, value in os.environ.items() if not name.startswith(("LD_", "DYLD_"))}


def output(*command):
    return subprocess.run(command, env=plain_environment(), capture_output=True, text=True).stdout


def libraries(binary):
    found = macho_libraries(binary) if sys.platform == "darwin" else elf_libraries(binary)
    cpu = next((path for path in found if path.name.startswith("libtorch_cpu.")), None)
    if cpu is None:
        raise Failure(f"{binary} does not load libtorch_cpu: is it the built command?")
    core = next((path.parent for path in found if path.name == "libswiftCore.so"), None)
    # SQLite comes along like Swift's, also where libtorch's do not.
    runtime = [path for path in found if path.parent == core or path.name.startswith("libsqlite3.so")]
    cuda = [path for path in cpu.parent.iterdir() if CUDA.match(path.name)]
    others = {path.name: path for path in [*found, *cuda] if path not in runtime and path != cpu}
    return Libraries(sorted(runtime), [cpu, *(others[name] for name in sorted(others))])


def elf_libraries(binary):
    found = []
    for name, place in re.findall(r"^\s*(\S+) => (.+?)(?: \(0x\w+\))?$", output("ldd", binary), re.M):
        if place == "not found":
            raise Failure(f"{binary} needs {name}, which is nowhere: run make build")
        if not SYSTEM.match(name):
            # The name by which it is asked for, also where that is a link to another one.
            found.append(pathlib.Path(place).parent / name)
    return found


def macho_libraries(binary):
    folders = re.findall(r"LC_RPATH\n.*\n\s*path (.+) \(offset", output("otool", "-l", binary))
    found, waiting = [], [binary]
    while waiting:
        for name in re.findall(r"^\s+@rpath/(.+) \(compat", output("otool", "-L", waiting.pop()), re.M):
            path = next((pathlib.Path(folder) / name for folder in folders if (pathlib.Path(folder) / name).exists()), None)
            if path and path not in found:
                found.append(path)
                waiting.append(path)
    return found


def relinked(binary, folders):
    """The command without debug information, which looks for libraries in `folders` only, and there before LD_LIBRARY_PATH."""
    with tempfile.TemporaryDirectory() as work:
        copy = pathlib.Path(work) / "espalier"
        shutil.copy(binary, copy)
        if shutil.which("strip"):
            subprocess.run(["strip", "-S", copy], check=True, capture_output=True)
        if sys.platform == "darwin":
            for folder in re.findall(r"LC_RPATH\n.*\n\s*path (.+) \(offset", output("otool", "-l", copy)):
                subprocess.run(["install_name_tool", "-delete_rpath", folder, copy], check=True, capture_output=True)
            for folder in folders:
                place = folder.replace("$ORIGIN", "@loader_path")
                subprocess.run(["install_name_tool", "-add_rpath", place, copy], check=True, capture_output=True)
            subprocess.run(["codesign", "--force", "--sign", "-", copy], check=True, capture_output=True)
            return copy.read_bytes()
        elf, path = Elf(copy.read_bytes()), ":".join(folders)
        if not elf.set_search_path(path):
            raise Failure(f"{binary}: its search path {elf.search_path()!r} has no room for {path!r}: build with libtorch in .libtorch")
        return bytes(elf.data)
