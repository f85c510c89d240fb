"""Installing below a prefix, and removing what was installed: a manifest holds its files and the folders that it made."""

import contextlib
import fcntl
import os
import pathlib
import shutil
import subprocess

from . import linking
from .linking import Failure
from .tree import HOME, Build, size

MANIFEST = f"{HOME}/manifest"
# Where an installation is written before it takes its place; the old one waits there in `old`.
WORK = "lib/.espalier-new"


def root_of(options):
    prefix = pathlib.Path(options.prefix).expanduser().absolute()
    if not options.destdir:
        return prefix
    return pathlib.Path(options.destdir).expanduser().absolute() / prefix.relative_to(prefix.anchor)


def manifest(root):
    """The files and folders of an earlier installation, relative to the prefix."""
    path = next((path for path in (root / MANIFEST, root / WORK / "old/manifest") if path.is_file()), None)
    lines = path.read_text().splitlines() if path else []
    for line in lines:
        if line.startswith("/") or ".." in line.split("/"):
            raise Failure(f"{path} is damaged: {line!r} is no place below {root}")
    return {line for line in lines if not line.endswith("/")}, {line for line in lines if line.endswith("/")}


def install(options):
    root = root_of(options)
    check_places(root, ["bin/espalier", MANIFEST, "share/man/man1/espalier.1"])
    if options.check:
        return
    build = Build(options.binary)
    tree = build.tree()
    with alone(root):
        replace(root, tree)
    print(f"installed espalier {build.version} with libtorch {build.libtorch} in {root} ({sum(map(size, tree)) / 1e6:.0f} MB)")
    if any(linking.CUDA.match(path.name) for path in build.libraries.libtorch):
        print("libtorch's CUDA libraries came along; NVIDIA's (cuDNN, cuBLAS, …) must be on the machine;")
        print("where a Python torch has them, make wheel for its environment is the simpler way")
    if not options.destdir and str(root / "bin") not in os.environ.get("PATH", "").split(os.pathsep):
        print(f"{root / 'bin'} is not in PATH")


@contextlib.contextmanager
def alone(root):
    """Keeps a second installation away, and puts right what one that was killed left behind."""
    try:
        descriptor = os.open(root / "lib", os.O_RDONLY)
    except FileNotFoundError:  # No lib yet: nothing to put right.
        yield
        return
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        raise Failure(f"{root}: another installation is under way there") from None
    except OSError:
        # A file system without locks.
        pass
    try:
        work, home = root / WORK, root / HOME
        if (work / "old").exists() and not home.exists():
            (work / "old").rename(home)
        shutil.rmtree(work, ignore_errors=True)
        yield
    finally:
        os.close(descriptor)


def replace(root, tree):
    check_places(root, [entry.path for entry in tree])
    old_files, old_folders = manifest(root)
    folders = [*sorted(missing_folders(root, tree) | old_folders)]
    made = []
    try:
        make_folders(root, [folder for folder in folders if not (root / folder).is_dir()], made)
        place(root, tree, folders, old_files)
    except BaseException:
        for folder in reversed(made):
            if folder.is_dir() and not any(folder.iterdir()):
                folder.rmdir()
        raise


def check_places(root, paths):
    """Fails where something cannot be written, or where a file lies that was not installed from here."""
    ours, _ = manifest(root)
    for path in paths:
        target = root / path
        if os.path.lexists(target) and path not in ours and path != MANIFEST:
            raise Failure(f"{target} is there, and make install did not put it there: remove it, or choose another PREFIX")
        folder = next(folder for folder in target.parents if os.path.lexists(folder))
        if not folder.is_dir():
            raise Failure(f"PREFIX={root}: {folder} is not a folder")
        if not os.access(folder, os.W_OK | os.X_OK):
            raise Failure(f"PREFIX={root}: no right to write in {folder}")


def missing_folders(root, tree):
    """The folders that an installation makes, the prefix itself among them ("./"), each ending in a slash."""
    wanted = {"./"}
    for entry in tree:
        wanted |= {f"{folder}/" for folder in pathlib.PurePath(entry.path).parents if folder != pathlib.PurePath(".")}
    return {folder for folder in wanted if not (root / folder).is_dir()}


def make_folders(root, folders, made):
    root.parent.mkdir(parents=True, exist_ok=True)
    for folder in sorted(folders, key=len):
        # The command's own folder comes in one step, later.
        if folder != f"{HOME}/":
            (root / folder).mkdir()
            # Whatever the umask is: what root installs is for everybody.
            (root / folder).chmod(0o755)
            made.append(root / folder)


def place(root, tree, folders, old_files):
    """All files are written beside their places first; what can fail has failed before anything of the old installation goes."""
    home, work = root / HOME, root / WORK
    # Outside of what clears it away: where it is there now, it is another one's.
    work.mkdir()
    try:
        needed = sum(map(size, tree))
        if shutil.disk_usage(work).free < needed:
            raise Failure(f"{home.parent}: {needed / 1e6:.0f} MB are needed, {shutil.disk_usage(work).free / 1e6:.0f} MB are free")
        for entry in tree:
            target = work / entry.path
            target.parent.mkdir(parents=True, exist_ok=True)
            write(entry, target)
        files = sorted({entry.path for entry in tree} | {MANIFEST})
        (work / MANIFEST).write_text("\n".join([*files, *folders]) + "\n")
        for path in [work / HOME, work / MANIFEST]:
            path.chmod(0o755 if path.is_dir() else 0o644)
        run = subprocess.run([work / HOME / "espalier", "--version"], env=linking.plain_environment(), capture_output=True, text=True)
        if run.returncode != 0:
            raise Failure(f"the command does not run from {work / HOME}: {run.stderr.strip()}")
        exchange(home, work)
        for entry in tree:
            if not entry.path.startswith(f"{HOME}/"):
                os.replace(work / entry.path, root / entry.path)
        for path in old_files.difference(files):
            (root / path).unlink(missing_ok=True)
    finally:
        shutil.rmtree(work, ignore_errors=True)


def write(entry, target):
    if entry.mode is None:
        target.symlink_to(entry.source)
        return
    if isinstance(entry.source, bytes):
        target.write_bytes(entry.source)
    else:
        shutil.copyfile(entry.source, target)
    target.chmod(entry.mode)


def exchange(home, work):
    """Two renames: processes that run from the old folder keep their files, which go when they end."""
    old = work / "old"
    if home.exists():
        home.rename(old)
    try:
        (work / HOME).rename(home)
    except OSError:
        if old.exists():
            old.rename(home)
        raise


def uninstall(options):
    root = root_of(options)
    files, folders = manifest(root)
    if not files:
        raise Failure(f"{root}: nothing was installed there by make install (no {MANIFEST})")
    # The manifest last: what broke off can be done again.
    for path in sorted(files, key=lambda path: path == MANIFEST):
        (root / path).unlink(missing_ok=True)
    for folder in sorted(folders, key=len, reverse=True):
        path = root / folder
        if path.is_dir() and not any(path.iterdir()):
            path.rmdir()
    print(f"removed espalier from {root}")
