"""What all storms stand on: the command started under limits, folders pictured before and after, counts in the end."""

import collections
import concurrent.futures
import hashlib
import json
import os
import pathlib
import random
import re
import resource
import shutil
import signal
import stat
import subprocess
import sys
import tempfile
import threading
import time

ROOT = pathlib.Path(__file__).resolve().parents[2]
# What the command promises (`espalier --help`); 130 and 143 where it was asked to stop.
STATUSES = {0, 130, 143, *range(64, 79)}
# What another library or the compiler's run time says, and no user should have to read.
FOREIGN_WORDS = re.compile(
    r"Fatal error|DefaultCPUAllocator|c10::|at::|std::|CHECK failed|Exception raised|EncodingError|DecodingError|Swift\.|NSCocoa|"
    r"The operation could not be completed|must have the same dtype|must match the size|INTERNAL ASSERT|oneMKL|terminate called|"
    r"The operation couldn.t be completed|Stack dump|stack smashing|invalid pointer|expected scalar type|The file .* couldn.t be")
# Control characters but line feed and tabulator, and characters that turn, hide or join what stands beside them.
CONTROL = re.compile("[\0-\x08\x0b-\x1f\x7f-\x9f\xad\u061c\u180e\u200b-\u200f\u2028-\u202e\u2060-\u206f\ufeff\ufff9-\ufffb]")
# Fields of rows and records that tell of time or of this machine.
PASSING = {"checksum", "command", "epoch", "inference", "iterationsPerSecond", "latency", "machine", "peakMemory", "seconds", "trainingSeconds"}
LEFTOVER = re.compile(r"\.partial$|\.nosync|^espalier-.*\.safetensors$|\.tmp$")
MOST_SHOWN = 1 << 20
# A longer file is one that we made long, of which nothing is stored.
SPARSE = 1 << 26

Run = collections.namedtuple("Run", "arguments status seconds cpu peak output errors late")


def fail(text):
    sys.exit(f"storm: {text}")


def show(arguments):
    """A command line as somebody would type it."""
    return " ".join(a if re.fullmatch(r"[\w@%+=:,./-]+", a, re.ASCII) else ascii_quoted(a) for a in map(str, arguments))


def ascii_quoted(text):
    plain = text.isprintable() and text.isascii()
    return "'" + text.replace("'", "'\\''") + "'" if plain else "$'" + ascii(text)[1:-1].replace("'", "\\'") + "'"


class Ground:
    """A storm's own folder, the command, and what failed."""

    def __init__(self, options):
        self.binary = (options.binary or newest_build()).resolve()
        if not os.access(self.binary, os.X_OK):
            fail(f"{self.binary} is no command; build it, or name one with --binary")
        # A core file for each crash would fill the disk.
        resource.setrlimit(resource.RLIMIT_CORE, (0, resource.getrlimit(resource.RLIMIT_CORE)[1]))
        self.folder = pathlib.Path(tempfile.mkdtemp(prefix="storm-", dir=options.folder)).resolve()
        self.cases = (getattr(options, "cases", None) or ROOT.parent / "shared/cases").resolve()
        self.keep = options.keep.resolve() if options.keep else None
        self.lock = threading.Lock()
        self.began = time.monotonic()

    def __enter__(self):
        return self

    def __exit__(self, *_):
        empty(self.folder)

    def environment(self, temporary):
        names = ("PATH", "LANG", "LC_ALL", "LD_LIBRARY_PATH", "DYLD_LIBRARY_PATH")
        kept = {name: os.environ[name] for name in names if name in os.environ}
        # No data set and no setting of whoever runs this.
        return dict(kept, HOME=str(temporary), XDG_DATA_HOME=str(temporary), TMPDIR=str(temporary), OMP_NUM_THREADS="1")

    def start(self, arguments, folder, temporary, before=()):
        """Starts the command; its words go to files beside its temporary ones, which no reader can block."""
        words = [tempfile.TemporaryFile(dir=self.folder) for _ in range(2)]
        process = subprocess.Popen(
            [*before, str(self.binary), *map(str, arguments)], cwd=folder, env=self.environment(temporary), stdin=subprocess.DEVNULL,
            stdout=words[0], stderr=words[1], start_new_session=True)
        process.words, process.began, process.arguments = words, time.monotonic(), list(arguments)
        return process

    def finish(self, process, limit=60, asked=None):
        """Waits for a process that `start` started, at most so many seconds, and tells what became of it.

        After `asked` seconds it gets SIGINT, of which nothing bad may come.
        """
        late = threading.Event()
        timers = [threading.Timer(limit, lambda: (late.set(), end_group(process.pid)))]
        if asked is not None:
            timers.append(threading.Timer(asked, send, (process, signal.SIGINT)))
        for timer in timers:
            timer.start()
        _, code, usage = os.wait4(process.pid, 0)
        for timer in timers:
            timer.cancel()
        process.returncode = os.waitstatus_to_exitcode(code)
        texts = []
        for file in process.words:
            file.seek(0)
            texts.append(file.read(MOST_SHOWN).decode(errors="replace"))
            file.close()
        peak = usage.ru_maxrss * (1 if sys.platform == "darwin" else 1024)
        return Run(
            process.arguments, process.returncode, time.monotonic() - process.began, usage.ru_utime + usage.ru_stime, peak, *texts,
            late.is_set())

    def run(self, arguments, folder, temporary, limit=60, before=(), asked=None):
        return self.finish(self.start(arguments, folder, temporary, before), limit, asked)

    def new(self, name):
        """An empty folder, and one for the command's temporary files."""
        folder, temporary = self.folder / name, self.folder / f"{name}.tmp"
        for path in (folder, temporary):
            empty(path)
            path.mkdir(parents=True)
        return folder, temporary

    def put_by(self, folder, name, words):
        """Keeps a failed try's folder where --keep says, with a file that tells what happened."""
        if not self.keep:
            return
        place = self.keep / name
        empty(place)
        place.mkdir(parents=True)
        copy_tree(folder, place / "folder")
        (place / "what-happened.txt").write_text(words + "\n", errors="backslashreplace")


def newest_build():
    found = [ROOT / f".build/{kind}/espalier" for kind in ("release", "debug")]
    found = [path for path in found if path.exists()]
    return max(found, key=lambda path: path.stat().st_mtime) if found else ROOT / ".build/release/espalier"


def end_group(pid):
    try:
        os.killpg(pid, signal.SIGKILL)
    except (ProcessLookupError, PermissionError):
        pass


def send(process, number, everybody=False):
    """Sends a signal to a process that was not waited for yet, or to its whole group."""
    try:
        (os.killpg if everybody else os.kill)(process.pid, number)
    except ProcessLookupError:
        pass


def has_ended(process):
    """Whether it has, without taking its end away from `finish`."""
    return os.waitid(os.P_PID, process.pid, os.WEXITED | os.WNOHANG | os.WNOWAIT) is not None


def group_lives(pid):
    try:
        os.killpg(pid, 0)
        return True
    except ProcessLookupError:
        return False


# --- Folders ---------------------------------------------------------------------------------------------------------------


def empty(path):
    """Removes a folder of ours with all that is in it; what links point to stays."""
    if path.is_dir() and not path.is_symlink():
        for folder, _, _ in os.walk(path):
            os.chmod(folder, 0o700)
        shutil.rmtree(path)


def copy_tree(source, destination):
    """Copies a folder; pipes and devices become new ones of their kind, links stay links."""
    destination.mkdir(parents=True, exist_ok=True)
    for entry in sorted(source.iterdir()):
        copy_entry(entry, destination / entry.name)


def copy_entry(entry, target):
    status = entry.lstat()
    if stat.S_ISLNK(status.st_mode):
        os.symlink(os.readlink(entry), target)
    elif stat.S_ISDIR(status.st_mode):
        copy_tree(entry, target)
    elif stat.S_ISREG(status.st_mode):
        if status.st_size < SPARSE:
            shutil.copyfile(entry, target)
        else:
            target.touch()
            os.truncate(target, status.st_size)
        os.chmod(target, stat.S_IMODE(status.st_mode) | 0o600)
    else:
        os.mknod(target, status.st_mode, status.st_rdev)


def picture(folder):
    """What is in a folder, by its path: kind, permissions, and a checksum or what a link points to."""
    found = {}
    for path in sorted(folder.rglob("*")):
        status = path.lstat()
        mode = stat.S_IMODE(status.st_mode)
        if stat.S_ISLNK(status.st_mode):
            value = ("link", 0, os.readlink(path))
        elif stat.S_ISDIR(status.st_mode):
            value = ("folder", mode, "")
        elif stat.S_ISREG(status.st_mode):
            value = ("file", mode, checksum(path))
        else:
            value = ("node", mode, f"{stat.S_IFMT(status.st_mode):o} {status.st_rdev}")
        found[str(path.relative_to(folder))] = value
    return found


def checksum(path):
    status = path.stat()
    if status.st_size >= SPARSE:
        return f"{status.st_size} bytes of {status.st_mtime_ns}"
    return hashlib.sha256(path.read_bytes()).hexdigest()


def differences(before, after, names=None):
    """Each change between two pictures in a few words."""
    found = []
    for name in sorted(before.keys() | after.keys()):
        if names is not None and name not in names:
            continue
        if name not in after:
            found.append(f"{before[name][0]} {name} is gone")
        elif name not in before:
            found.append(f"{after[name][0]} {name} is new")
        elif before[name] != after[name]:
            kinds = before[name][0], after[name][0]
            found.append(f"{name} became a {kinds[1]}" if kinds[0] != kinds[1] else f"{kinds[0]} {name} changed")
    return found


def plant_sentinels(folder):
    """Files of somebody else, of which none may change: some have names like the command's own."""
    (folder / "mine").mkdir()
    texts = {
        "notes.txt": "mine", "o.checkpoint.old": "mine", "o.safetensors": "mine", ".espalier-o-mine.partial": "mine",
        "mine/kept.checkpoint": "mine", "mine/.hidden": "mine", "espalier.partial": "mine", "o.checkpoint~": "",
    }
    for name, text in texts.items():
        (folder / name).write_text(text)
    os.symlink("notes.txt", folder / "link-to-notes")
    return {"mine", "link-to-notes", *texts}


def lasting(path):
    """A file's content without what differs from run to run; bytes where it is no JSON."""
    content = path.read_bytes()
    if path.suffix != ".json":
        return content

    def rest(value):
        if isinstance(value, dict):
            return {key: rest(item) for key, item in value.items() if key not in PASSING}
        return [rest(item) for item in value] if isinstance(value, list) else value

    try:
        return json.dumps(rest(json.loads(content)), sort_keys=True).encode()
    except ValueError:
        return content


def contents(folder, names):
    """What lasts of the files named, and of all files in folders named."""
    found = {}
    for name in names:
        path = folder / name
        for file in [path] if path.is_file() else sorted(path.rglob("*")) if path.is_dir() else []:
            if file.is_file():
                found[str(file.relative_to(folder))] = lasting(file)
    return found


# --- Verdicts --------------------------------------------------------------------------------------------------------------


def complaints(run, limit, memory):
    """What is wrong with a run whatever it was asked: a list of (kind, words)."""
    found = []
    if run.late:
        found.append(("hang", f"no end after {limit:g} s"))
    elif run.status < 0 or run.status not in STATUSES:
        code = -run.status if run.status < 0 else run.status - 128
        name = signal.Signals(code).name if code in set(signal.Signals) else "no status of ours"
        found.append(("crash", f"status {run.status} ({name})"))
    if run.peak > memory:
        found.append(("memory", f"{run.peak / 1e6:,.0f} MB"))
    for name, text in (("output", run.output), ("errors", run.errors)):
        raw = CONTROL.search(text)
        if raw:
            found.append(("control", f"{ascii(raw.group())} on standard {name}"))
    if FOREIGN_WORDS.search(run.errors) and not found:
        found.append(("words", "the words of a library"))
    return found


def last_line(text):
    lines = [line for line in text.splitlines() if line.strip()]
    return lines[-1] if lines else ""


def alike(line):
    """A line without what differs between failures of one kind: names of files, numbers, quoted text."""
    line = re.sub(r"\S*/\S+", "PATH", line)
    line = re.sub(r"[\"'“‘][^\"'”’]*[\"'”’]", "…", line)
    return ascii(re.sub(r"-?\d[\d,.×]*(e[+-]?\d+)?", "N", line))[1:-1][:160]


class Failures:
    """What went wrong, alike things together."""

    def __init__(self):
        self.groups = collections.defaultdict(dict)
        self.lock = threading.Lock()

    def add(self, kind, number, words, line=""):
        with self.lock:
            group = (kind, alike(line) or alike(words))
            known = group in self.groups
            self.groups[group].setdefault(number, words)
            if not known:
                print(f"FAILED {kind:9} try {number}: {words}", flush=True)

    def __len__(self):
        """How many tries failed."""
        return len({number for tries in self.groups.values() for number in tries})

    def tell(self):
        if self.groups:
            print("\nalike failures together:")
        for (kind, line), tries in sorted(self.groups.items(), key=lambda item: -len(item[1])):
            numbers = ", ".join(map(str, list(tries)[:4])) + (", …" if len(tries) > 4 else "")
            print(f"{len(tries):6}  {kind:9} {line}\n        tries {numbers}")

    def kinds(self):
        kinds = collections.defaultdict(set)
        for (kind, _), tries in self.groups.items():
            kinds[kind].update(tries)
        counts = ", ".join(f"{len(tries)} {kind}" for kind, tries in sorted(kinds.items(), key=lambda item: -len(item[1])))
        return f"{len(self)} failed ({counts})" if counts else "none failed"


def dice(options, number):
    """The random numbers of one try: the same for the same seed and number, whatever else runs."""
    return random.Random(f"{options.seed} {number}")


def spread(options, numbers, attempt):
    """Makes all tries, so many at once as --jobs says."""
    with concurrent.futures.ThreadPoolExecutor(options.jobs) as pool:
        for future in concurrent.futures.as_completed([pool.submit(attempt, number) for number in numbers]):
            future.result()


def add_common(parser, count):
    parser.add_argument("--count", type=int, default=count, metavar="N", help=f"so many tries; {count} unless given")
    parser.add_argument("--seed", default="0", metavar="S", help="what chance begins with; 0 unless given")
    parser.add_argument("--jobs", type=int, default=1, metavar="N", help="so many tries at once; 1 unless given")
    parser.add_argument("--try", dest="only_try", type=int, metavar="N", help="this try alone, as it was")


def add_cases(parser):
    parser.add_argument("--cases", type=pathlib.Path, metavar="DIR", help="small cases beside the project; ../shared/cases unless given")


def numbers(options):
    return [options.only_try] if options.only_try is not None else range(options.count)
