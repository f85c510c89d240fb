internal import Files
internal import Torch
internal import Words

/// A file of `torch.save`: its pickle as data, and where the elements of its storages lie.
///
/// Since PyTorch 1.6 it is a zip archive with a member for each storage; before, pickles and storages follow one another.
struct PyTorchFile {
  let root: PickleValue
  let nodes: [PickleNode]
  /// Where the bytes of each storage lie in the file.
  private let place: (String) throws -> Range<Int>
  private let file: RegularFile

  /// The number with which files before 1.6 begin, little-endian.
  private static let magic: [UInt8] = [0x6C, 0xFC, 0x9C, 0x46, 0xF9, 0x20, 0x6A, 0xA8, 0x50, 0x19]

  /// Reads the pickle of a file; nil if the file is none of PyTorch's.
  ///
  /// - Throws: ``CheckpointProblem``.
  init?(_ file: RegularFile) throws {
    var head = [UInt8](repeating: 0, count: min(file.size, 64))
    try head.withUnsafeMutableBytes { try file.fill($0, at: 0) }
    if head.starts(with: [0x50, 0x4B, 3, 4]) {
      let archive = try ZipDirectory(file)
      // NumPy's archives have advice of their own.
      if archive.members.keys.contains(where: { $0.hasSuffix(".npy") }) { return nil }
      try self.init(file, archive)
    } else if head.first == 0x80, (0..<head.count).contains(where: { head[$0...].starts(with: Self.magic) }) {
      try self.init(sequence: file)
    } else {
      return nil
    }
  }

  private init(_ file: RegularFile, _ archive: ZipDirectory) throws {
    let pickles = archive.members.keys.filter { $0.split(separator: "/", omittingEmptySubsequences: false).dropFirst() == ["data.pkl"] }
    guard let pickle = pickles.first, pickles.count == 1 else {
      throw CheckpointProblem(
        "it is a zip archive with \(pickles.isEmpty ? "no member" : "\(pickles.count) members") NAME/data.pkl, and PyTorch writes one")
    }
    let folder = pickle.dropLast("data.pkl".count)
    if archive.members["\(folder)constants.pkl"] != nil {
      throw CheckpointProblem("it is a TorchScript program, weights within code: save its state_dict() with torch.save")
    }
    if archive.members["\(folder)byteorder"] != nil {
      let order = String(decoding: try archive.content(of: "\(folder)byteorder", limit: 16), as: UTF8.self)
      guard order == "little" else { throw CheckpointProblem("its numbers have byte order \(order.quoted): only \"little\" is read") }
    }
    var unpickler = Unpickler(ByteReader(file, try archive.range(of: pickle)))
    root = try unpickler.load()
    nodes = unpickler.nodes
    place = { try archive.range(of: "\(folder)data/\($0)") }
    self.file = file
  }

  /// Number, version, machine, pickle, names of storages, and the storages.
  private init(sequence file: RegularFile) throws {
    var unpickler = Unpickler(ByteReader(file, 0..<file.size))
    guard case .large(Self.magic) = try unpickler.load() else { throw CheckpointProblem("it does not begin with PyTorch's number") }
    guard case .int(1001) = try unpickler.load() else { throw CheckpointProblem("it is of a version of PyTorch's files that is not known") }
    let machine = try unpickler.load()
    if case .bool(false)? = unpickler.nodes.value(at: "little_endian", in: machine) {
      throw CheckpointProblem("its numbers have byte order \"big\": only \"little\" is read")
    }
    root = try unpickler.load()
    guard case .node(let index) = try unpickler.load(), case .list = unpickler.nodes[index].kind else {
      throw CheckpointProblem("it does not name its storages")
    }
    var ranges: [String: Range<Int>] = [:]
    for item in unpickler.nodes[index].items {
      guard case .text(let key) = item, let storage = unpickler.storages[key] else {
        throw CheckpointProblem("it has a storage that no tensor is a view of")
      }
      let size = storage.isUntyped ? 1 : (storage.type?.bits ?? 0) / 8
      guard size > 0 else {
        throw CheckpointProblem("its storage \(key.quoted) has elements of \(storage.typeName.inLine), whose size is not known")
      }
      let count = try unpickler.number()
      let (bytes, overflow) = count.multipliedReportingOverflow(by: UInt64(size))
      guard !overflow, let length = Int(exactly: bytes), length <= file.size - unpickler.position else {
        throw CheckpointProblem(
          "it is cut short: storage \(key.quoted) has \(count) elements, and \(file.size - unpickler.position) bytes are left")
      }
      guard ranges.updateValue(unpickler.position..<unpickler.position + length, forKey: key) == nil else {
        throw CheckpointProblem("two of its storages are named \(key.quoted)")
      }
      try unpickler.skip(length)
    }
    nodes = unpickler.nodes
    place = { key in
      guard let range = ranges[key] else { throw CheckpointProblem("it has no storage \(key.quoted)") }
      return range
    }
    self.file = file
  }

  /// Reads the tensors of a state dictionary; one that stands there twice is read once.
  ///
  /// - Throws: ``CheckpointProblem`` that names the tensor.
  func read(_ dictionary: StateDictionary) throws -> (tensors: [(name: String, tensor: Tensor)], unread: [String: TensorArchive.Unread]) {
    var known: [StridedView: Tensor] = [:]
    var tensors: [(name: String, tensor: Tensor)] = []
    var unread = dictionary.opaque.mapValues { TensorArchive.Unread(type: $0, shape: []) }
    // Views of one storage may overlap, but no network multiplies its file.
    var left = 4 * file.size
    for (name, view) in dictionary.views {
      guard let type = view.type, type.elementType != nil else {
        unread[name] = TensorArchive.Unread(type: view.typeName, shape: view.shape)
        continue
      }
      do {
        if known[view] == nil {
          left -= view.span * type.bits / 8
          guard left >= 0 else { throw CheckpointProblem("the tensors have many times the elements of the file") }
          known[view] = try view.read(as: type, from: file, place(view.key))
        }
        guard let tensor = known[view] else { continue }
        tensors.append((name, tensor))
      } catch {
        let problem = (error as? CheckpointProblem)?.text ?? (error as? TensorArchiveError)?.problem ?? (error as? FileError)?.problem
        throw CheckpointProblem("tensor \(name.quoted): \(problem ?? String(describing: error))")
      }
    }
    return (tensors, unread)
  }
}

extension [PickleNode] {
  /// The value at a key of a dictionary; the last where there are several, nil where there is none.
  func value(at key: String, in value: PickleValue) -> PickleValue? {
    guard case .node(let index) = value, case .dictionary = self[index].kind else { return nil }
    let items = self[index].items
    return stride(from: items.count - 2, through: 0, by: -2).first { if case .text(key) = items[$0] { true } else { false } }.map {
      items[$0 + 1]
    }
  }
}
