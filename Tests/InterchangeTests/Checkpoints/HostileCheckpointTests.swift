import Foundation
import Interchange
import TestSupport
import Testing
import Torch
import Training

/// Checkpoints that nobody meant well: one line for each, without running anything.
@Suite struct HostileCheckpointTests {
  private func read(_ bytes: [UInt8], _ name: String = "x.pth") throws -> StoredWeights {
    try withTemporaryDirectory { folder in
      try Data(bytes).write(to: URL(fileURLWithPath: folder + "/" + name))
      return try WeightsReader.files(folder + "/" + name)
    }
  }

  private func problem(_ bytes: [UInt8]) throws -> String {
    do {
      return "read \(try read(bytes).tensors.keys.sorted())"
    } catch let error as TensorArchiveError { return error.problem }
  }

  private func problem(pickle: [UInt8]) throws -> String { try problem(ZipBytes.checkpoint(pickle).bytes) }
  private func problem(tensor: [UInt8]) throws -> String { try problem(pickle: Pickled.dictionary([("w", tensor)])) }

  @Test func aSoundFileIsRead() throws {
    let pickle = Pickled.dictionary([("w", Pickled.tensor())])
    #expect(try read(ZipBytes.checkpoint(pickle).bytes).tensors["w"]?.array(Float.self) == [1, 2])
    var large = ZipBytes.checkpoint(pickle)
    large.isLarge = true
    #expect(try read(large.bytes).tensors["w"]?.array(Float.self) == [1, 2])
  }

  @Test func nothingIsEverCalled() throws {
    try withTemporaryDirectory { folder in
      let marker = folder + "/marker"
      for name in ["os.system", "posix.system", "builtins.exec", "torch.storage._load_from_bytes"] {
        let call = Pickled.call(name, [Pickled.text("touch \(marker)")])
        #expect(
          try problem(pickle: call)
            == "it holds an object of \"\(name)\", which only that code could make, and it is not run: save its state_dict()"
        )
        let beside = try read(ZipBytes.checkpoint(Pickled.dictionary([("w", Pickled.tensor()), ("evil", call)])).bytes)
        #expect(Array(beside.tensors.keys) == ["w"] && beside.unread["evil"]?.type == name)
      }
      #expect(!FileManager.default.fileExists(atPath: marker))
    }
  }

  /// Every operation of pickles that makes an object, with the arguments of a command.
  @Test func noWayOfMakingAnObjectCallsAnything() throws {
    try withTemporaryDirectory { folder in
      let marker = folder + "/marker"
      let command = Pickled.text("touch \(marker)")
      func code(_ character: Unicode.Scalar) -> [UInt8] { [UInt8(ascii: character)] }
      let system = Pickled.global("posix.system")
      let ways: [(String, [UInt8])] = [
        ("posix.system", Pickled.text("posix") + Pickled.text("system") + [0x93] + Pickled.tuple([command]) + code("R")),
        ("posix.system", code("(") + command + Array("iposix\nsystem\n".utf8)),
        ("posix.system", code("(") + system + command + code("o")), ("posix.system", system + Pickled.tuple([command]) + [0x81]),
        ("posix.system", system + Pickled.tuple([command]) + code("}") + [0x92]),
        ("posix.system", system + Pickled.tuple([command]) + code("R") + command + code("b")),
        ("copyreg extension 7", [0x82, 7] + Pickled.tuple([command]) + code("R")),
      ]
      for (name, way) in ways {
        let found = try problem(pickle: way)
        let words = "it holds an object of \"\(name)\", which only that code could make, and it is not run: save its state_dict()"
        #expect(found == words)
      }
      #expect(!FileManager.default.fileExists(atPath: marker))
    }
  }

  /// A billion laughs: each tuple holds the one before ten times. The whole is two hundred tuples, as long as nobody copies it.
  @Test func memoBombsStaySmall() throws {
    func code(_ character: Unicode.Scalar) -> [UInt8] { [UInt8(ascii: character)] }
    for (begin, end) in [(code("("), code("t")), (code("("), code("l"))] {
      var bomb = begin + Pickled.text("lol") + end + code("q") + [0] + code("0")
      for level in 1..<200 as Range<UInt8> {
        bomb += begin + (0..<10).flatMap { _ in code("h") + [level - 1] } + end + code("q") + [level] + code("0")
      }
      bomb += code("h") + [199]
      #expect(try problem(pickle: bomb) == "it holds no tensors by name")
      #expect(try problem(pickle: Pickled.dictionary([("w", Pickled.tensor()), ("bomb", bomb)])) == "read [\"w\"]")
    }
  }

  /// Modules that share a dictionary count its tensors each, so that a short file could hold billions.
  @Test func modulesThatShareDoNotMultiply() throws {
    func code(_ character: Unicode.Scalar) -> [UInt8] { [UInt8(ascii: character)] }
    func object(_ fields: [(String, [UInt8])]) -> [UInt8] { Pickled.call("models.Net", []) + Pickled.dictionary(fields) + code("b") }
    let shared = Pickled.tensor() + code("q") + [0] + code("0")
    let tensors = Pickled.dictionary((0..<30_000).map { ("w\($0)", code("h") + [0]) }) + code("q") + [1] + code("0")
    let leaf = object([("_parameters", code("h") + [1])]) + code("q") + [2] + code("0")
    let modules = Pickled.dictionary((0..<300).map { ("m\($0)", code("h") + [2]) })
    let root = object([("_parameters", code("}")), ("_modules", modules)])
    #expect(try problem(pickle: shared + tensors + leaf + root) == "it has more than 65536 tensors")
    // The same with a large dictionary in which nothing is a tensor.
    let idle = Pickled.dictionary((0..<30_000).map { ("n\($0)", code("N")) }) + code("q") + [1] + code("0")
    #expect(try problem(pickle: shared + idle + leaf + root) == "its modules hold far more than those of any network")
  }

  @Test func picklesThatDoNotEnd() throws {
    let sound = Pickled.dictionary([("w", Pickled.tensor())])
    var cut = ZipBytes.checkpoint(sound)
    cut.members[0].content.removeLast(40)
    #expect(try problem(cut.bytes).hasPrefix("it ends in the middle of a pickle: "))
    #expect(
      try problem(pickle: [0x8D] + little(1 << 60, 8))
        == "it ends in the middle of a pickle: 1152921504606846976 bytes are announced, and 1 are left")
    #expect(try problem(pickle: [0x8E] + little(.max, 8)) == "a pickle announces 18446744073709551615 bytes")
    #expect(try problem(pickle: [0x97]) == "its pickle has an operation 0x97, which tensors do not need")
    #expect(try problem(pickle: [0x80, 6]) == "its pickle is of protocol 6: 0 to 5 are known")
    #expect(try problem(pickle: Array("t".utf8)).hasPrefix("its pickle is damaged near byte "))
    #expect(try problem(pickle: Array("h\u{5}".utf8)).hasPrefix("its pickle is damaged near byte "))
  }

  @Test func picklesThatGrow() throws {
    // Nested a hundred thousand times: nothing recurses.
    let deep = [UInt8](repeating: UInt8(ascii: "]"), count: 100_000) + [UInt8](repeating: UInt8(ascii: "a"), count: 99_999)
    #expect(try problem(pickle: deep) == "it holds no tensors by name")
    #expect(
      try problem(pickle: [UInt8](repeating: UInt8(ascii: "N"), count: 2_100_000))
        == "its pickle needs more than 2097152 steps, far more than any network")
    // A list of 50,000 items that is copied again and again.
    let list: [UInt8] =
      [UInt8(ascii: "("), UInt8(ascii: "]"), UInt8(ascii: "q"), 0, UInt8(ascii: "(")]
      + [UInt8](repeating: UInt8(ascii: "N"), count: 50_000) + [UInt8(ascii: "e")]
    let copies = Array(
      repeating: Pickled.global("builtins.set") + Pickled.tuple([[UInt8(ascii: "h"), 0]]) + [UInt8(ascii: "R")], count: 1000)
    #expect(
      try problem(pickle: list + copies.flatMap(\.self)) == "its pickle needs more than 2097152 steps, far more than any network")
    // A dictionary that holds itself.
    let circle: [UInt8] = [UInt8(ascii: "}"), UInt8(ascii: "q"), 0] + Pickled.text("model") + [UInt8(ascii: "h"), 0, UInt8(ascii: "s")]
    #expect(try problem(pickle: circle).hasPrefix("it holds no tensors by name under \"model\" within"))
  }

  @Test func tensorsThatCannotBe() throws {
    for (tensor, words) in [
      (Pickled.tensor([-1]), "a tensor of shape [-1] has a negative size"),
      (Pickled.tensor(strides: [-1]), "a tensor of shape [2] has negative strides or a negative offset"),
      (Pickled.tensor(offset: -1), "a tensor of shape [2] has negative strides or a negative offset"),
      (Pickled.tensor(offset: 1), "a tensor of shape [2] goes beyond its storage of 2 elements"),
      (Pickled.tensor(strides: [.max]), "a tensor of shape [2] goes beyond its storage of 2 elements"),
      (Pickled.tensor([1 << 40], strides: [0]), "a tensor of shape [1099511627776] has 1099511627776 elements, and its storage 2"),
      (
        Pickled.tensor([1 << 40, 1 << 40], strides: [0, 0]),
        "a tensor of shape [1099511627776, 1099511627776] is larger than any machine can hold"
      ),
      (
        Pickled.tensor([0, 1 << 40, 1 << 40], strides: [0, 0, 0]),
        "a tensor of shape [0, 1099511627776, 1099511627776] is larger than any machine can hold"
      ),
      (Pickled.tensor([1, 2]), "a tensor of shape [1, 2] has 1 strides"),
      (
        Pickled.tensor(Array(repeating: 1, count: 33), strides: Array(repeating: 1, count: 33)),
        "a tensor of shape [1, 1, 1, 1, 1, 1, 1, 1]... has more than 32 dimensions"
      ),
      (
        Pickled.tensor([4], count: 4),
        "tensor \"w\": storage \"0\" has 8 bytes, and a tensor of shape [4] reaches to element 4"
      ),
      (Pickled.tensor([1 << 32], count: 1 << 32), "tensor \"w\": the tensors have many times the elements of the file"),
      (Pickled.tensor(key: "../../etc/passwd"), "tensor \"w\": it has no member \"a/data/../../etc/passwd\""),
      (Pickled.call("torch._utils._rebuild_tensor_v2", [Pickled.int(1)]), "a tensor in its pickle has no storage"),
    ] {
      let found = try problem(tensor: tensor)
      #expect(found == words)
    }
    #expect(
      try problem(pickle: Pickled.dictionary([("a", Pickled.tensor()), ("b", Pickled.tensor(type: "torch.DoubleStorage"))]))
        == "storage \"0\" has two types or sizes")
  }

  /// Ten thousand views of one storage that differ would take ten thousand times its memory.
  @Test func viewsDoNotMultiplyAFile() throws {
    var archive = ZipBytes.checkpoint(
      Pickled.dictionary((0..<400).map { ("w\($0)", Pickled.tensor([90_000], offset: $0, count: 100_000)) }))
    archive.members[2].content = [UInt8](repeating: 0, count: 400_000)
    #expect(try problem(archive.bytes).hasSuffix(": the tensors have many times the elements of the file"))
  }

  @Test func archivesThatLie() throws {
    let sound = ZipBytes.checkpoint(Pickled.dictionary([("w", Pickled.tensor())]))
    func problem(_ change: (inout ZipBytes) -> Void) throws -> String {
      var archive = sound
      change(&archive)
      return try self.problem(archive.bytes)
    }
    #expect(try problem { $0.members.append($0.members[2]) } == "two of its members are named \"a/data/0\"")
    #expect(try problem { $0.members[1].content = Array("big".utf8) } == "its numbers have byte order \"big\": only \"little\" is read")
    #expect(
      try problem { $0.members[0].name = "data.pkl" } == "it is a zip archive with no member NAME/data.pkl, and PyTorch writes one")
    #expect(
      try problem { $0.members.append(("b/data.pkl", [])) }
        == "it is a zip archive with 2 members NAME/data.pkl, and PyTorch writes one")
    #expect(
      try problem { $0.members.append(("a/constants.pkl", [])) }
        == "it is a TorchScript program, weights within code: save its state_dict() with torch.save")
    #expect(try problem { $0.method = 8 } == "its member \"a/byteorder\" is compressed, as PyTorch's are not: store it with \"zip -0\"")
    let size = sound.bytes.count
    #expect(
      try problem { $0.claimed["a/data/0"] = 10_000_000_000 }.hasPrefix(
        "tensor \"w\": its member \"a/data/0\" goes beyond the end of the file: 10000000000 bytes at "))
    #expect(
      try problem { $0.begins["a/data/0"] = 1 << 62 }.hasPrefix(
        "tensor \"w\": its member \"a/data/0\" goes beyond the end of the file: 30 bytes at 4611686018427387904 of "))
    #expect(try problem { $0.begins["a/data/0"] = 0 } == "its members \"a/data.pkl\" and \"a/data/0\" overlap")
    #expect(
      try problem { $0.begins["a/data/0"] = 1 << 20 }.hasPrefix("tensor \"w\": its member \"a/data/0\" goes beyond the end of the file"))
    #expect(try problem { $0.claimed["a/byteorder"] = 100 } == "its members \"a/byteorder\" and \"a/data/0\" overlap")
    #expect(try problem { $0.flags = 1 } == "its member \"a/data.pkl\" is encrypted")
    #expect(try problem { $0.method = 99 } == "its member \"a/byteorder\" is compressed, as PyTorch's are not: store it with \"zip -0\"")
    // The CRC-32 of the bytes of 1 and 2 as float32 by zlib.
    #expect(try problem { $0.checksums["a/data/0"] = 0x2E3FA576 } == "read [\"w\"]")
    #expect(
      try problem { $0.checksums["a/data/0"] = 7 }
        == "tensor \"w\": its member \"a/data/0\" is damaged: its bytes have another CRC-32 than the directory says")
    #expect(
      try problem { $0.checksums["a/data.pkl"] = 7 }
        == "its member \"a/data.pkl\" is damaged: its bytes have another CRC-32 than the directory says")
    #expect(
      try self.problem(Array(sound.bytes.prefix(size - 10)))
        == "it is cut short: a zip archive ends with its directory, which is missing")
    #expect(
      try self.problem(Array(sound.bytes.dropLast(8)) + little(1 << 24, 4) + sound.bytes.suffix(4).prefix(2) + [0, 0]).hasPrefix(
        "its zip directory "))
  }

  @Test func filesBefore16ThatLie() throws {
    let golden = packageDirectory.appendingPathComponent("Tests/InterchangeTests/Checkpoints/Golden/legacy-2.pth")
    let sound = Array(try Data(contentsOf: golden))
    #expect(try problem(sound) == "read [\"fc1.bias\", \"fc1.weight\", \"fc2.bias\", \"fc2.weight\"]")
    for length in stride(from: 16, to: sound.count - 1, by: 7) {
      let words = try problem(Array(sound.prefix(length)))
      #expect(words.hasPrefix("it is cut short: ") || words.hasPrefix("it ends in the middle of a pickle"), "\(length): \(words)")
    }
    // Whatever byte is another one, something is said, or other numbers are read.
    for position in stride(from: 20, to: sound.count, by: 5) {
      var changed = sound
      changed[position] ^= 0xFF
      #expect(try !problem(changed).contains("\n"))
    }
  }

  @Test func aDictionaryWithoutTensorsSaysWhatItHas() throws {
    #expect(
      try problem(pickle: Pickled.dictionary([("epoch", Pickled.int(3)), ("lr", Pickled.int(1))]))
        == "it holds no tensors by name, only \"epoch\", \"lr\"")
    #expect(try problem(pickle: Pickled.tensor()) == "it holds a single tensor without a name")
    #expect(
      try problem(pickle: Pickled.dictionary([("model", Pickled.call("models.Net", []))]))
        == "it holds an object of \"models.Net\" under \"model\", which only that code could make, and it is not run: save its state_dict()"
    )
  }
}
