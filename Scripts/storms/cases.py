"""The cases that `storm lines` types, as data.

Each is a piece of shell: `setup` makes what is there beforehand (m.st is a trained model), `command` is what is tried. In both
`espalier` is the command, `$cases` the folder of small cases and `forge KIND NUMBER FILE` makes a file of forge.py's. `want` says how it
may end: `refused` (one line, statuses 64-78, nothing written or changed), `fine` (0), `either`, or statuses with commas. `words`
is sought in what it says. What `same` names must be as it was, `*` for all; `gone` must not be there in the end. `needs`: root
(device nodes), strace, cases.
"""

import collections

Case = collections.namedtuple(
    "Case", "name before command setup want words same gone needs seconds memory", defaults=("", "refused", "", "", "", "", 10, 1e9))

NET = "--network mlp:64-20-10 --dataset digits"
T = "--threads 1 --quiet"
TRAIN = f"espalier train {NET} --epochs 1 {T}"
PRUNE = f"espalier prune m.st --dataset digits --fraction 0.5 --rounds 1 --epochs 0 {T}"
STILL = f"espalier prune m.st --fraction 0.5 --rounds 1 --epochs 0 {T}"
BROKEN_OFF = f"espalier train {NET} --epochs 2000 --checkpoint-every 20it {T} -o o & pid=$!; until [ -e o.checkpoint ]; do sleep 0.05; done; kill -INT $pid; wait $pid;"
ROUNDS = f"espalier prune {NET} --sparsity 0.9 --rounds 400 --epochs 1 --recovery 1ep --checkpoint-every 20it {T} -o o"
BROKEN_ROUNDS = f"{ROUNDS} & pid=$!; until [ -e o.checkpoint ]; do sleep 0.05; done; sleep 0.4; kill -INT $pid; wait $pid;"
LENET = f"--network lenet-300-100 --dataset digits {T} --checkpoint ck --resume -o o"
KEPT = "cp $cases/hostile/{0}.ck ck; chmod u+w ck"
TICKETS = f"espalier prune {NET} --method lottery-ticket --branches reinit {T} -o tk"
PROBE = f"espalier probe {NET} --fractions 0.5 --examples 60 {T} -o pr"
OTHER = f"espalier train --network mlp:784-8-10 --dataset mnist --epochs 20000 --checkpoint-every 20it {T} -o o"
TWO = "a=$?; wait $pid; b=$?; echo \"ended $a and $b\" >&2; [ $((a == 0)) -ne $((b == 0)) ]"
IDX = """mkdir -p d/mnist; python3 - <<'END'
import struct
for part, count in (("train", 60), ("t10k", 20)):
    open(f"d/mnist/{part}-images-idx3-ubyte", "wb").write(struct.pack(">IIII", 0x803, count, 28, 28) + bytes(count * 784))
    open(f"d/mnist/{part}-labels-idx1-ubyte", "wb").write(struct.pack(">II", 0x801, count) + bytes(n % 10 for n in range(count)))
END
"""
MNIST = f"--dataset mnist --data-dir d {T}"
ENDLESS = """python3 - >port <<'END' &
import http.server
class Endless(http.server.BaseHTTPRequestHandler):
    def do_GET(self):
        self.send_response(200); self.end_headers()
        while True: self.wfile.write(bytes(1 << 20))
    do_HEAD = do_GET
    def log_message(self, *_): pass
server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Endless)
print(server.server_port, flush=True)
server.serve_forever()
END
server=$!; until [ -s port ]; do sleep 0.05; done;"""

CASES = [
    # Data loss: checkpoints that are no checkpoints.
    Case("A1-folder", "the folder was removed", f"{TRAIN} --checkpoint d -o o", "mkdir -p d/sub; echo x >d/sub/f", same="d d/sub/f"),
    Case("A1-folder-beside", "the folder was removed", f"{TRAIN} -o o", "mkdir o.checkpoint; echo x >o.checkpoint/f", "either", same="o.checkpoint/f"),
    Case("A1-link", "the link was removed", f"{TRAIN} --checkpoint ck -o o", "echo mine >real; ln -s real ck", "either", same="ck real"),
    Case("A1-dangling", "the link was removed", f"{TRAIN} --checkpoint ck -o o", "ln -s nowhere ck", "either", same="ck"),
    Case("A1-file", "the file was removed", f"{TRAIN} --checkpoint notes.txt -o o", want="either", same="notes.txt"),
    Case("A1-file-prune", "the file was removed", f"{STILL} --checkpoint notes.txt -o o", want="either", same="notes.txt"),
    Case("A1-model", "another model was removed", f"{TRAIN} --checkpoint m.st -o o", want="either", same="m.st"),
    Case("A1-node", "the node was removed", f"{TRAIN} --checkpoint node -o o", "mknod node c 1 3", "either", same="node", needs="root"),
    Case("A1-pipe", "the pipe was removed", f"{TRAIN} --checkpoint pipe -o o", "mkfifo pipe", "either", same="pipe"),
    Case("A1-output", "the model was written, then removed", f"{TRAIN} --checkpoint o -o o"),
    Case("A1-output-link", "the model was written, then removed", f"{TRAIN} --checkpoint ck -o o", "ln -s o ck"),
    Case("A1-input", "the input was removed", f"{STILL} --checkpoint m.st -o o", same="*"),
    Case("A1-input-link", "the input was removed", f"{STILL} --checkpoint ck -o o", "ln -s m.st ck", same="*"),
    Case("A1-input-hard-link", "", f"{STILL} --checkpoint ck -o o", "ln m.st ck", "either", same="ck m.st"),
    Case("A1-all", "nothing was left", f"{STILL} --checkpoint m.st -o m.st", same="*"),
    Case("A1-here", "nothing was lost", f"{TRAIN} --checkpoint . -o o", want="either", same="m.st notes.txt"),
    Case("A1-weights", "", f"espalier train --network mlp:64-20-10 --dataset digits --weights m.st --epochs 1 {T} --checkpoint m.st -o o", same="*"),
    Case("A1-tickets", "", f"{TICKETS} --rounds 1 --epochs 20it", "mkdir -p tk/seed-0/trunk/round-00.checkpoint; echo x >tk/seed-0/trunk/round-00.checkpoint/f",
         "either", same="tk/seed-0/trunk/round-00.checkpoint/f"),
    Case("A1-probes", "", f"{PROBE} --steps 20it --every 10it", "mkdir -p pr/seed-0.checkpoint; echo x >pr/seed-0.checkpoint/f", "either",
         same="pr/seed-0.checkpoint/f"),
    # Data loss: reports.
    Case("A2-output", "the report replaced the model", f"{TRAIN} --report o -o o"),
    Case("A2-output-link", "", f"{TRAIN} --report r -o o", "ln -s o r"),
    Case("A2-input", "the report replaced the input", f"{STILL} --report m.st -o o", same="*"),
    Case("A2-input-hard-link", "", f"{STILL} --report r -o o", "ln m.st r", "either", same="m.st"),
    Case("A2-rows-input", "the rows replaced the model", f"espalier probe m.st --fractions 0.5 --examples 60 {T} --rows m.st", same="*"),
    Case("A2-checkpoint", "", f"{TRAIN} --report o.checkpoint -o o"),
    Case("A2-node", "a file replaced the node", f"{TRAIN} --report node -o o", "mknod node c 1 3", "either", same="node", needs="root"),
    Case("A2-rows-node", "a file replaced the node", f"espalier probe m.st --fractions 0.5 --examples 60 {T} --rows node", "mknod node c 1 3", "either",
         same="node", needs="root"),
    Case("A2-pipe", "a file replaced the pipe", f"cat pipe >got & {TRAIN} --report pipe -o o; s=$?; kill %1 2>/dev/null; exit $s", "mkfifo pipe", "either",
         same="pipe"),
    Case("A2-standard-output", "a file replaced the link, nothing was printed",
         f"{TRAIN} --report out -o o | cat; exit ${{PIPESTATUS[0]}}", "ln -s /proc/self/fd/1 out", "fine", "trainingSeconds", "out"),
    Case("A2-link", "a file replaced the link", f"{TRAIN} --report r -o o", "ln -s real r; echo x >real", "either", same="r"),
    Case("A3", "pruned twice: 25 % are left", """for k in 1 2 3 4 5 6 7 8; do cp m.st w/m.st; cd w
        strace -f -o ../trace -e trace=rename,fsync -e inject=rename:signal=KILL:when=$k espalier prune m.st --dataset digits --fraction 0.5 --rounds 1 --epochs 0 \
          --threads 1 --quiet -o m.st >../out 2>&1
        espalier prune m.st --dataset digits --fraction 0.5 --rounds 1 --epochs 0 --threads 1 --quiet -o m.st --resume >../out 2>&1
        cd ..; cmp u/m.st w/m.st || exit 99; done""",
         "mkdir u w; cp m.st u; cd u; " + PRUNE + " -o m.st >../out", "fine", needs="strace", seconds=60),
    # Concurrency; the storm `rounds` shows more.
    Case("B1-tickets", "both rc 0, a mixture", f"{TICKETS} --rounds 1 --epochs 2500it >out & pid=$!; sleep 0.7; {TICKETS} --rounds 1 --epochs 1800it "
         f"--weight-decay 0.01 >out2; {TWO}", want="fine", seconds=60),
    Case("B1-tickets-together", "both rc 0, a mixture", f"{TICKETS} --rounds 1 --epochs 900it >out & pid=$!; {TICKETS} --rounds 1 --epochs 700it "
         f"--weight-decay 0.01 >out2; {TWO}", want="fine", seconds=60),
    Case("B1-probes-together", "both rc 0, the first's rows lost", f"{PROBE} --steps 400it --every 200it >out & pid=$!; {PROBE} --steps 300it --every 150it "
         f">out2; {TWO}", want="fine", seconds=60),
    Case("B2", "cannot write o.checkpoint: No such file or directory",
         f"for n in 1 2 3 4; do (espalier train {NET} --epochs 4 --checkpoint-every 5it {T} -o o >out 2>err$n; echo $? >rc$n) & done; wait; cat err? >&2; "
         "! grep -q 'No such file' err?", want="fine", seconds=60),
    # Crashes.
    *[Case(f"C1-{unit or 'bare'}", "status 132", f"timeout --preserve-status -s INT 5 espalier prune {NET} --sparsity 0.5 --epochs 9223372036854775807{unit} {T}",
           want="refused-or-130") for unit in ("", "it", "ep")],
    Case("C1-file", "status 132", f"timeout --preserve-status -s INT 5 espalier prune m.st --sparsity 0.5 --epochs 9223372036854775807 {T}", want="refused-or-130"),
    Case("C2", "status 132 after the model was written", f"espalier prune {NET} --sparsity 0.5 --epochs 2 --every 9223372036854775807ep {T} -o o", want="either"),
    Case("C3-billion", "an array of 8 GB, status 134", f"espalier probe {NET} --steps 5it --every 1it --scorers l2 --seeds 1000000000 -o p {T}"),
    Case("C3-largest", "status 139", f"espalier probe {NET} --steps 5it --every 1it --scorers l2 --seeds 9223372036854775807 -o p {T}"),
    Case("C4-phase", "status 132", f"espalier train --epochs 400 {LENET}", KEPT.format("ck-phase"), "65", "ck", "*", needs="cases"),
    Case("C4-iterations", "status 132", f"espalier prune --sparsity 0.9 --rounds 2 --epochs 5 --recovery 200ep {LENET}", KEPT.format("ck-iterations"), "65", "ck",
         "*", needs="cases"),
    Case("C4-widths", "status 132 after the output was written", f"espalier prune --sparsity 0.9 --rounds 2 --epochs 5 --recovery 200ep {LENET}",
         KEPT.format("ck-widths"), "65", "ck", "*", needs="cases", seconds=60),
    Case("C4-counts", "status 132", f"espalier prune --method rigl --sparsity 0.9 --epochs 400 --regrowth-interval 5it {LENET}", KEPT.format("ck-counts"), "65",
         "ck", "*", needs="cases"),
    *[Case(f"C5-{name}{suffix}", "status 132", command, f"cp -r $cases/hostile/tickets-{name} tk; chmod -R u+w tk", "65", needs="cases")
      for name in ("kept", "iteration") for suffix, command in (("", "espalier tickets tk"), ("-json", "espalier tickets tk --json"))],
    Case("C6", "status 139 in libtorch", f"espalier prune $cases/hostile/gn-on-input.st --dataset digits --sparsity 0.5 --rounds 1 --recovery 2it {T} -o o", want="fine",
         needs="cases"),
    *[Case(f"C7-{n}", "status 132 (below 16), 71 in two lines", f"ulimit -n {n}; {TICKETS} --rounds 1 --epochs 20it --seeds 3 --parallel 3", want="either")
      for n in (5, 8, 10, 12, 16, 20)],
    *[Case(f"C8-{n}", "status 134 or 139", f"ulimit -v {n}000; {STILL} -o o", want="either-or-127") for n in (460, 480, 500, 544, 600, 652)],
    Case("C9", "killed by SIGXFSZ, a partial file left", f"ulimit -f 100; espalier train --network mlp:64-2000-10 --dataset digits --epochs 1it {T} -o o", want="refused"),
    # Hangs.
    *[Case(f"D1-{n}", "no end", f"ulimit -v {n}000; espalier train {NET} --epochs 2 --threads 2 --quiet -o o", want="either") for n in (500, 508, 516, 532)],
    Case("D2-pipe-train", "no end", f"espalier train --network mlp:784-8-10 --epochs 1it {MNIST} -o o",
         IDX + "rm d/mnist/train-images-idx3-ubyte; mkfifo d/mnist/train-images-idx3-ubyte"),
    Case("D2-pipe-verify", "no end", "espalier data verify mnist --data-dir d", IDX + "rm d/mnist/t10k-images-idx3-ubyte; mkfifo d/mnist/t10k-images-idx3-ubyte",
         "65,66"),
    Case("D2-zero-verify", "no end", "espalier data verify mnist --data-dir d", IDX + "mknod zero c 1 5; ln -sf ../../zero d/mnist/t10k-images-idx3-ubyte", "65,66",
         needs="root"),
    Case("D2-pipe-output", "no end after the training", f"{TRAIN} -o pipe", "mkfifo pipe", same="pipe"),
    Case("D3-2000", "43 s", f"espalier prune l.st --sparsity 0.5 --rounds 1 --epochs 0 {T} -o o", "forge layers 2000 l.st", "fine"),
    Case("D3-4000", "over 60 s", f"espalier prune l.st --sparsity 0.5 --rounds 1 --epochs 0 {T} -o o", "forge layers 4000 l.st", "fine"),
    Case("D3-4000-units", "over 60 s", f"espalier prune l.st --granularity unit --fraction 0.5 --epochs 0 {T} -o o", "forge layers 4000 l.st", "fine"),
    Case("D3-activations", "over 60 s", f"espalier prune l.st --sparsity 0.5 --rounds 1 --epochs 0 {T} -o o", "forge activations 150000 l.st", "either"),
    Case("D4", "no end within 45 s", "espalier evaluate m.st --dataset digits --threads 1000", want="either"),
    Case("D5", "22 s, 981 MB", "espalier inspect k.st", "forge keys 7000000 k.st", "either"),
    # Memory.
    Case("E1-coupling", "5.9 GB, 48 s", "espalier inspect $cases/hostile/coupling.st --groups", want="either", needs="cases"),
    Case("E1-wide-groups", "1.9 GB", "espalier inspect w.st --groups", "forge wide 33554432 w.st", "either"),
    Case("E1-wide-prune", "1.9 GB", f"espalier prune w.st --granularity unit --fraction 0.5 --epochs 0 {T} -o o", "forge wide 33554432 w.st", "either"),
    Case("E2-doublings", "4.5 GB, status 70", "espalier evaluate c.st --dataset digits --threads 1", "forge doublings 18 c.st", "either"),
    *[Case(f"E2-padding-{n}", "a single allocation of terabytes, a line of libtorch", "espalier evaluate p.st --dataset digits --threads 1", f"forge padded {n} p.st",
           "either") for n in (10_000, 60_000, 1_000_000)],
    Case("E3", "1.8 GB", "espalier tickets tk", "mkdir -p tk/seed-0/trunk; forge record 900000 tk/seed-0/trunk/round-00.json", "either"),
    Case("E4", "3 GB were written before anything was judged", f"{ENDLESS} ulimit -f 600000; espalier data fetch cifar-10 --data-dir d --mirror "
         "http://127.0.0.1:$(cat port)/ --quiet; s=$?; kill $server; size=$(du -sm d | cut -f1); echo \"$size MB were kept\" >&2; [ $size -lt 200 ] && exit $s",
         "mkdir d", "65,69,73,74", seconds=60),
    # Signals.
    Case("F1", "a checkpoint is named that is not there",
         "timeout --preserve-status -s INT 1.2 espalier prune --network resnet-20 --method synflow --compression 100 --epochs 0 --threads 1 -o o; s=$?; "
         "if grep -q 'the checkpoint is' said && ! [ -e o.checkpoint ]; then exit 99; fi; exit $s", want="either-or-130"),
    Case("F2-rounds", "still running after 20 s", f"timeout --preserve-status -s INT 3 espalier prune m.st --epochs 0 --sparsity 0.9 --rounds 10000 {T} -o o",
         want="130", seconds=5),
    *[Case(f"F3-{n}", "no line", f"timeout --preserve-status -s INT {n} espalier train {NET} --epochs 2000 {T} -o o", want="130", words="interrupted") for n in (0.1, 0.2, 0.3)],
    Case("F3-diverged", "a checkpoint is said to be kept where there is none", f"espalier train {NET} --epochs 1 --learning-rate 1e38 --optimizer sgd {T} -o o; s=$?; "
         "if grep -q 'checkpoint is kept' said && ! [ -e o.checkpoint ]; then exit 99; fi; exit $s", want="either"),
    # What reaches a terminal.
    Case("G-name-evaluate", "control characters", "espalier evaluate $cases/hostile/escape-name.st --dataset digits --threads 1", want="either", needs="cases"),
    Case("G-name-prune", "control characters", f"espalier prune $cases/hostile/escape-name.st --sparsity 0.5 --rounds 1 --epochs 0 {T} -o o", want="either", needs="cases"),
    Case("G-name-inspect", "", "espalier inspect $cases/hostile/escape-name.st --groups", want="either", needs="cases"),
    Case("G-tensor", "control characters", "espalier evaluate t.st --dataset digits --threads 1", "forge tensor 10 t.st"),
    Case("G-tensor-long", "a line of 1 MB", "espalier evaluate t.st --dataset digits --threads 1; s=$?; [ $(wc -c <said) -lt 2000 ] && exit $s",
         "forge tensor 1000000 t.st"),
    Case("G-branch", "control characters", "espalier tickets tk", f"{TICKETS} --rounds 1 --epochs 20it >out; forge rename 0 tk/seed-0/trunk/round-00.json", "either"),
    Case("G-rows", "control characters", "espalier probe --analyse pr", f"{PROBE} --steps 20it --every 10it >out; sed -i $'2,3s/,random,/,\\x1b[31mrandom\\xe2\\x80\\xae,/' "
         "pr/seed-0.csv", "either"),
    Case("G-network", "", "espalier inspect $'\\u202e\\e[31mnet'"),
    # Other results without a word, nonsense that was accepted.
    Case("H1-threads", "other bits without a word", f"timeout --preserve-status -s INT 4 espalier train {NET} --epochs 2000 --threads 2 --quiet -o o --resume",
         BROKEN_OFF, "refused-or-130", "threads"),
    Case("H1-kernels", "other bits without a word", f"timeout --preserve-status -s INT 4 {ROUNDS} --sparse-kernels never --resume",
         BROKEN_ROUNDS, "refused-or-130", "kernels"),
    Case("H1-data", "other bits without a word", f"timeout --preserve-status -s INT 4 {OTHER} --data-dir e --resume",
         IDX + f"cp -r d e; printf x | dd of=e/mnist/train-images-idx3-ubyte bs=1 seek=5000 conv=notrunc status=none; {OTHER} --data-dir d & "
         "pid=$!; until [ -e o.checkpoint ]; do sleep 0.05; done; kill -INT $pid; wait $pid;", "refused-or-130", "mnist|data"),
    *[Case(f"H2-flip-{n}", "accepted: another result", f"timeout --preserve-status -s INT 4 espalier train {NET} --epochs 2000 {T} -o o --resume",
           BROKEN_OFF + f" forge flip {n} o.checkpoint", "65", "o.checkpoint", "*") for n in (3, 500, 4000)],
    Case("H2-masks", "accepted: another result", f"timeout --preserve-status -s INT 4 {ROUNDS} --resume", BROKEN_ROUNDS + " forge unmask 0 o.checkpoint", "65",
         "o.checkpoint", "*"),
    Case("H2-iteration", "accepted: an untrained model", f"timeout --preserve-status -s INT 4 espalier train {NET} --epochs 2000 {T} -o o --resume",
         BROKEN_OFF + " forge advance 1000000000000000000 o.checkpoint", "65", "o.checkpoint", "*"),
    Case("H3-every", "nothing is pruned", f"espalier prune {NET} --sparsity 0.5 --epochs 2 --every 3ep {T} -o o", want="64"),
    Case("H3-until", "nothing is pruned", f"espalier prune {NET} --sparsity 0.5 --epochs 4 --every 2ep --until 1ep {T} -o o", want="64"),
    *[Case(f"H4-{n}", "accepted, or an EncodingError", f"{TRAIN} --decay exponential --decay-factor={n} -o o", want="64") for n in ("-1", "0", "1e38", "nan", "inf")],
    Case("H5-compression", "all is removed", f"espalier prune m.st --compression 1e308 --epochs 0 {T} -o o", want="64"),
    Case("H5-weights", "ignored", "espalier evaluate m.st --weights m.st --dataset digits --threads 1", want="64"),
    Case("H5-ignore", "accepted", f"espalier prune m.st --fraction 0.5 --epochs 0 --ignore '*' {T} -o o", want="64"),
    Case("H5-scope", "accepted", f"espalier prune m.st --fraction 0.5 --epochs 0 --scope ';;,' {T} -o o", want="64"),
    # Faults of function.
    *[Case(f"I1-{name}", "16 groups do not divide 8 output channels", command, want="fine", needs="cases") for name, command in (
        ("units", f"espalier prune $cases/hostile/grouped-32-16.st --granularity unit --fraction 0.5 --epochs 0 {T} -o o"),
        ("sensitivity", f"espalier sensitivity $cases/hostile/grouped-32-16.st --dataset digits --fractions 0.5 --examples 40 {T}"),
        ("probe", f"espalier probe $cases/hostile/grouped-32-16.st --dataset digits --fractions 0.5 --examples 40 {T}"),
        ("weights", f"espalier prune $cases/hostile/grouped-32-16.st --sparsity 0.9 --epochs 0 {T} -o o"))],
    Case("I2", "12 pruned elements of fc2.weight are not 0, status 73", f"espalier prune $cases/hostile/masked.st --dataset digits --granularity unit --fraction 0.25 "
         f"--repair reconstruction --epochs 0 {T} -o o", want="fine", needs="cases"),
    Case("I3", "multiply: the size of tensor a must match, status 70", f"espalier prune $cases/hostile/compaction-must.st --dataset digits --sparsity 0.9 --epochs 0 {T} -o o",
         want="fine", needs="cases"),
    *[Case(f"I4-{name}", "mat1 and mat2 must have the same dtype, status 70", command, want="either", needs="cases") for name, command in (
        ("evaluate", "espalier evaluate $cases/hostile/f64.st --dataset digits --threads 1"),
        ("prune", f"espalier prune $cases/hostile/f64.st --sparsity 0.5 --dataset digits --rounds 1 --epochs 0 {T} -o o"))],
    Case("I5", "an EncodingError, status 70", f"espalier prune $cases/hostile/inf.st --dataset digits --sparsity 0.5 --rounds 1 --recovery 1ep {T} -o o", want="either",
         needs="cases"),
    # Messages and statuses.
    *[Case(f"J-record-{name}", "a line without a path", "espalier tickets tk", f"{TICKETS} --rounds 1 --epochs 20it >out; cd tk/seed-0/trunk; rm round-00.json; {make}",
           "65,66,74", "round-00", needs=needs) for name, make, needs in (
        ("pipe", "mkfifo round-00.json", ""), ("folder", "mkdir round-00.json", ""), ("huge", "truncate -s 20G round-00.json", ""),
        ("zero", "mknod round-00.json c 1 5", "root"))],
    Case("J-rows-pipe", "a line without a path", "espalier probe --analyse pr", f"{PROBE} --steps 20it --every 10it >out; rm pr/seed-0.csv; mkfifo pr/seed-0.csv", "65,66,74",
         "seed-0"),
    Case("J-report-nowhere", "told after the training", f"{TRAIN} --report none/r.json -o o", words="none"),
    Case("J-report-here", "told after the training", f"{TRAIN} --report . -o o"),
    Case("J-output-empty", "told after the training", f"{TRAIN} -o ''"),
    Case("J-output-long", "told after the training", f"{TRAIN} -o $(printf 'n%.0s' $(seq 300))"),
    Case("J-checkpoint-foreign", "status 64", f"{TRAIN} --resume -o o", "echo foreign >o.checkpoint", "65", "o.checkpoint", "*"),
    Case("J-plan", "status 64", f"{TICKETS} --rounds 1 --epochs 20it", "mkdir tk; echo '{' >tk/plan.json", "65", "plan.json"),
    Case("J-no-tickets", "status 64", "espalier tickets none", want="66", words="none"),
    Case("J-no-rows", "status 64", "espalier probe --analyse none", want="66", words="none"),
    Case("J-too-large", "status 65", f"espalier train --network mlp:64-999999999-10 --dataset digits --epochs 1 {T} -o o", want="64"),
    Case("J-probe-ignore", "advises an option that probe does not have", f"espalier probe m.st --counts 99999 {T}; s=$?; ! grep -q -e --ignore said && exit $s"),
    Case("J-probe-network", "study.json was written", f"espalier probe --network nosuch --dataset digits --steps 5it --every 1it -o p {T}"),
    Case("J-probe-mistyped", "study.json was written, the corrected command refused",
         f"espalier probe --network mlp:64-20-10 --dataset digits --steps 5it --every 9it -o p {T} 2>first; {PROBE.replace('-o pr', '-o p')} --steps 5it --every 1it", want="fine"),
    Case("J-rigl", "a checkpoint is left", f"espalier prune {NET} --method rigl --sparsity 0.5 --epochs 1 --regrowth-interval 500it {T}"),
    Case("J-recovery", "a checkpoint is left", f"espalier prune {NET} --sparsity 0.5 --epochs 1 --recovery 9223372036854775807it {T}"),
    Case("J-tickets", "plan.json and a folder are left", f"{TICKETS} --rounds 1 --epochs 20it --branch-rounds 7"),
    Case("J-no-here", "oneMKL FATAL ERROR, status 2", f"mkdir x; cd x; rmdir ../x; espalier train {NET} --epochs 1 {T} -o o", want="either"),
    Case("J-dangling", "the link is replaced", f"{TRAIN} -o l", "ln -s there l", "either", same="l"),
    Case("J-private", "mode 600 became 644", f"{TRAIN} -o o && [ $(stat -c %a o) = 600 ]", "echo x >o; chmod 600 o", "fine"),
    Case("J-temporary", "a model's size stays among the temporary files", "for t in 0.45 0.55 0.65 0.75 0.85 0.95; do timeout -s KILL $t espalier prune m.st "
         "--dataset digits --fraction 0.5 --rounds 1 --epochs 0 --threads 1 --quiet -o o; done >out 2>&1; "
         + PRUNE + " -o o >out; [ -z \"$(find \"$TMPDIR\" -type f)\" ]", want="fine", seconds=30),
]
