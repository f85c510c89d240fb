"""Starts the command espalier in this process's place, with libtorch's libraries from the installed torch."""

import importlib.util
import os
import pathlib
import re
import sys

TORCH_VERSION = None


def stop(text):
    print(f"espalier: {text}", file=sys.stderr)
    sys.exit(69)


def main():
    home = pathlib.Path(__file__).resolve().parent
    # Found, not imported, which would take seconds.
    spec = importlib.util.find_spec("torch")
    install = f"{sys.executable} -m pip install torch=={TORCH_VERSION}"
    if spec is None or not spec.origin:
        stop(f"needs torch {TORCH_VERSION} for its libraries, and there is none: {install}")
    torch = pathlib.Path(spec.origin).resolve().parent
    try:
        found = re.search(r"__version__ = '([^'+]*)", (torch / "version.py").read_text())
    except OSError:
        found = None
    if found and found[1] != TORCH_VERSION:
        stop(f"needs the libraries of torch {TORCH_VERSION}, and torch {found[1]} is installed: {install}")
    # The command looks in the folder torch beside this package; a torch elsewhere must be named.
    if torch != home.parent / "torch":
        variable = "DYLD_LIBRARY_PATH" if sys.platform == "darwin" else "LD_LIBRARY_PATH"
        os.environ[variable] = os.pathsep.join([str(torch / "lib"), *filter(None, [os.environ.get(variable)])])
    command = home / "lib/espalier"
    try:
        os.execv(command, [str(command), *sys.argv[1:]])
    except OSError as error:
        stop(f"{command}: {error.strerror}")


if __name__ == "__main__":
    main()
