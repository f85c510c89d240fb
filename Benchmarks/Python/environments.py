"""The programs that are measured, and the machine that they are measured on."""

import dataclasses
import json
import os
import pathlib
import platform
import subprocess
import sys

ROOT = pathlib.Path(__file__).resolve().parent.parent.parent


def say(text):
    print(f"bench: {text}", file=sys.stderr, flush=True)


def output(command, **options):
    """What a command prints, or nothing where it cannot run."""
    try:
        result = subprocess.run(command, capture_output=True, text=True, stdin=subprocess.DEVNULL, cwd=ROOT, **options)
    except (OSError, subprocess.TimeoutExpired):
        return ""
    return result.stdout.strip() if result.returncode == 0 else ""


def our_executable(given):
    if given:
        if os.access(given, os.X_OK) and pathlib.Path(given).is_file():
            return given
        say(f"--executable {given}: no program")
        sys.exit(66)
    folder = output(["swift", "build", "--configuration", "release", "--show-bin-path"])
    path = pathlib.Path(folder or ".") / "espalier-bench"
    if not path.exists():
        say("no release build of espalier-bench: run `make bench`, which builds it")
        sys.exit(1)
    return str(path)


@dataclasses.dataclass
class Peer:
    """A program of other people's, in an environment of its own."""

    name: str
    script: str
    folder: str
    variable: str
    modules: list
    # The exact versions that are installed; others come as these need them.
    pins: dict
    size: str

    def versions(self, python):
        """The versions of the modules that a Python has; none if one of them is missing."""
        start = f"import json, platform, {', '.join(self.modules)}; "
        entries = ", ".join(f"'{module}': {module}.__version__" for module in self.modules)
        text = output([str(python), "-c", f"{start}print(json.dumps({{'python': platform.python_version(), {entries}}}))"])
        return json.loads(text) if text else {}

    def python(self):
        """A Python that has the program, made where there is none; None, after one line that says why, where it cannot be had."""
        given = os.environ.get(self.variable)
        if given:
            if self.versions(given):
                return given
            say(f"{self.variable}={given} cannot import {', '.join(self.modules)}: {self.name} is not measured")
            return None
        folder = ROOT / self.folder
        python = folder / "bin" / "python"
        found = self.versions(python)
        if found and all(found.get(module, "").split("+")[0] == version for module, version in self.pins.items()):
            return str(python)
        pinned = [f"{module}=={version}" for module, version in self.pins.items()]
        say(f"installing {' '.join(pinned)} into {folder.name} (once; {self.size})")
        for command in (
            [sys.executable, "-m", "venv", "--clear", str(folder)],
            [str(python), "-m", "pip", "install", "--quiet", "--no-cache-dir", "--disable-pip-version-check", *pinned, "numpy"],
        ):
            try:
                result = subprocess.run(command, capture_output=True, text=True, stdin=subprocess.DEVNULL, cwd=ROOT)
                reason = next((line for line in (result.stderr + result.stdout).splitlines() if line.strip()), "")
                failed = result.returncode != 0
            except OSError as error:
                reason, failed = str(error), True
            if failed:
                say(f"{' '.join(pinned)} cannot be had ({reason.strip()}): {self.name} is not measured")
                return None
        return str(python)


PEERS = {
    "pytorch": Peer(
        "PyTorch", "Benchmarks/Python/peer.py", ".venv-bench", "ESPALIER_BENCH_PYTHON", ["torch", "numpy"], {"torch": "2.11.0"},
        "some gigabytes on Linux",
    ),
    "jax": Peer(
        "JAX", "Benchmarks/Python/peer_jax.py", ".venv-bench-jax", "ESPALIER_BENCH_JAX_PYTHON", ["jax", "jaxlib", "optax", "numpy"],
        {"jax": "0.10.2", "jaxlib": "0.10.2", "optax": "0.2.8"}, "400 MB",
    ),
}


def machine():
    """The processor in its own words and numbers, and what else decides times."""
    facts = {}
    try:
        with open("/proc/cpuinfo") as lines:
            for line in lines:
                key, _, value = line.partition(":")
                facts.setdefault(key.strip(), value.strip())
    except OSError:
        facts["model name"] = output(["sysctl", "-n", "machdep.cpu.brand_string"])
    flags = (facts.get("flags") or facts.get("Features") or "").split()
    parts = [facts.get("vendor_id"), facts.get("model name") or platform.processor() or platform.machine()]
    if "cpu family" in facts:
        parts.append(f"family {facts['cpu family']}, model {facts['model']}")
    return {
        "processor": ", ".join(part for part in parts if part),
        "instructions": [name for name in ("avx2", "fma", "avx512f", "asimd") if name in flags],
        "cores": len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count(),
        "system": f"{platform.system()} {platform.release()} {platform.machine()}",
        "load_at_start": round(os.getloadavg()[0], 2),
        # What changes how libraries use threads.
        "environment": {
            name: value for name, value in sorted(os.environ.items()) if name.startswith(("OMP_", "GOMP_", "KMP_", "MKL_", "XLA_"))
        },
    }
