"""What is packaged: files by their place below a prefix, each with where it comes from."""

import collections
import pathlib
import re
import subprocess

from . import linking, manual
from .linking import Failure

ROOT = pathlib.Path(__file__).resolve().parents[2]
HOME = "lib/espalier"

# `source` is a path, bytes, or for a link the text that it holds; `mode` are permissions, or None for a link.
Entry = collections.namedtuple("Entry", "path source mode")


class Build:
    """The built command and what it says of itself."""

    def __init__(self, binary):
        if not binary.is_file():
            raise Failure(f"{binary}: no such command; make build builds it")
        self.binary = binary.resolve()
        self.libraries = linking.libraries(self.binary)
        said = self.says("--version")
        found = re.match(r"espalier (\S+) \(libtorch (\d+\.\d+\.\d+)", said)
        if not found:
            raise Failure(f"{binary} --version says {said.strip()!r}, not its version")
        self.version, self.libtorch = found.groups()

    def says(self, *arguments):
        environment = linking.plain_environment()
        run = subprocess.run([self.binary, *arguments], env=environment, stdin=subprocess.DEVNULL, capture_output=True, text=True)
        if run.returncode != 0:
            said = (run.stderr.strip() or "no word").splitlines()[-1]
            raise Failure(f"{self.binary} {' '.join(arguments)}: {said} (status {run.returncode})")
        return run.stdout

    def shared(self):
        """Completions and man pages, below share."""
        scripts = {"bash": "bash-completion/completions/espalier", "zsh": "zsh/site-functions/_espalier",
                   "fish": "fish/vendor_completions.d/espalier.fish"}
        for shell, path in scripts.items():
            yield Entry(f"share/{path}", self.says("--generate-completion-script", shell).encode(), 0o644)
        for name, text in manual.pages(self.says("--experimental-dump-help"), self.version, manual.date_of(self.binary)):
            yield Entry(f"share/man/man1/{name}.1", text.encode(), 0o644)

    def licences(self, *, with_libtorch):
        """Licences and notices of all that is in the package, by name."""
        yield "LICENSE", ROOT / "LICENSE"
        # What SwiftPM fetched is linked into the command.
        for path in sorted((ROOT / ".build/checkouts").glob("*/*")):
            if path.name.startswith(("LICENSE", "NOTICE")):
                yield f"{path.parent.name}/{path.name}", path
        # As are, on Linux, the libraries that decode images; Debian and Ubuntu keep what is to be said of them beside their headers.
        for library in ("libjpeg", "libpng"):
            for path in sorted(pathlib.Path("/usr/share/doc").glob(f"{library}*-dev/copyright")):
                if "turbo" in path.parent.name or library == "libpng":
                    yield f"{library}/copyright", path
                    break
        for core in (path for path in self.libraries.runtime if path.name == "libswiftCore.so"):
            # …/usr/lib/swift/linux/libswiftCore.so, …/usr/share/swift/LICENSE.txt
            licence = core.resolve().parents[3] / "share/swift/LICENSE.txt"
            if licence.is_file():
                yield "swift/LICENSE.txt", licence
        if with_libtorch:
            folder = self.libraries.libtorch[0].parent.parent
            for path in sorted([*folder.glob("LICENSE*"), *folder.glob("NOTICE*"), *folder.parent.glob("torch-*.dist-info/licenses/*")]):
                if path.is_file():
                    yield f"libtorch/{path.name}", path

    def tree(self):
        """The self-contained folder: the command beside its libraries, a link to it in bin, and what belongs in share."""
        entries = [
            Entry("bin/espalier", f"../{HOME}/espalier", None),
            Entry(f"{HOME}/espalier", linking.relinked(self.binary, ["$ORIGIN"]), 0o755),
            *(Entry(f"{HOME}/{path.name}", path, 0o755) for path in [*self.libraries.runtime, *self.libraries.libtorch]),
            *self.shared(),
            *(Entry(f"share/doc/espalier/{name}", path, 0o644) for name, path in self.licences(with_libtorch=True)),
        ]
        return sorted(entries, key=lambda entry: entry.path)


def content(entry):
    return entry.source if isinstance(entry.source, bytes) else pathlib.Path(entry.source).read_bytes()


def size(entry):
    return 0 if entry.mode is None else len(entry.source) if isinstance(entry.source, bytes) else entry.source.stat().st_size
