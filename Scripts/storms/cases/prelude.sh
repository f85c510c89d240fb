# What the cases share; their shell reads this first. `espalier` is the command that is tried, and `forge` runs ../forge.py.

net="--network mlp:64-20-10 --dataset digits"
quiet="--threads 1 --quiet"
train="$net --epochs 1 $quiet"
prune="m.st --dataset digits --fraction 0.5 --rounds 1 --epochs 0 $quiet"
still="m.st --fraction 0.5 --rounds 1 --epochs 0 $quiet"
rounds="$net --sparsity 0.9 --rounds 400 --epochs 1 --recovery 1ep --checkpoint-every 20it $quiet -o o"
mnist="--network mlp:784-8-10 --dataset mnist --epochs 20000 --checkpoint-every 20it $quiet -o o"
lenet="--network lenet-300-100 --dataset digits $quiet --checkpoint ck --resume -o o"
tickets="$net --method lottery-ticket --branches reinit $quiet -o tk"
probe="$net --fractions 0.5 --examples 60 $quiet -o pr"
# Ends with SIGINT after so many seconds; the status is the command's.
within() { timeout --preserve-status -s INT "$@"; }

# Interrupts a run as soon as it has left a checkpoint.
interrupted() {
  "$@" &
  until [ -e o.checkpoint ]; do sleep 0.05; done
  sleep 0.2
  kill -INT $!
  wait $!
}
broken_off() { interrupted espalier train $net --epochs 2000 --checkpoint-every 20it $quiet -o o; }
broken_rounds() { interrupted espalier prune $rounds; }

# Waits for the run before, whose number is $pid: exactly one of both must have ended well.
one_wins() {
  local a=$? b
  wait $pid
  b=$?
  echo "ended $a and $b" >&2
  [ $((a == 0)) -ne $((b == 0)) ]
}

# A small MNIST in d.
idx() {
  mkdir -p d/mnist
  python3 - <<'END'
import struct
for part, count in (("train", 60), ("t10k", 20)):
    images = struct.pack(">IIII", 0x803, count, 28, 28) + bytes(count * 784)
    labels = struct.pack(">II", 0x801, count) + bytes(n % 10 for n in range(count))
    open(f"d/mnist/{part}-images-idx3-ubyte", "wb").write(images)
    open(f"d/mnist/{part}-labels-idx1-ubyte", "wb").write(labels)
END
}

# A server whose files never end; its address is $address, its process $server.
endless() {
  python3 - >port <<'END' &
import http.server
class Endless(http.server.BaseHTTPRequestHandler):
    def do_GET(self):
        self.send_response(200)
        self.end_headers()
        while True:
            self.wfile.write(bytes(1 << 20))
    do_HEAD = do_GET
    def log_message(self, *_):
        pass
server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Endless)
print(server.server_port, flush=True)
server.serve_forever()
END
  server=$!
  until [ -s port ]; do sleep 0.05; done
  address=http://127.0.0.1:$(cat port)/
}
