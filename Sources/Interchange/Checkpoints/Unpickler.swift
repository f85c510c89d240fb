internal import Torch
internal import Words

/// Reads pickles as data: it builds containers, numbers, texts and descriptions of tensors. Whatever else a pickle calls for is remembered
/// by its name and never looked up, let alone called.
///
/// It knows the opcodes of protocols 0 to 5 that need nothing outside the file.
struct Unpickler {
  /// All containers, in the order in which they were begun.
  private(set) var nodes: [PickleNode] = []
  /// The storages that tensors asked for, by their keys.
  private(set) var storages: [String: PickleStorage] = [:]
  private var reader: ByteReader
  private var stack: [PickleValue] = []
  private var marks: [Int] = []
  private var memo: [Int: PickleValue] = [:]
  private var work = 0

  /// The most operations and copied values of a file's pickles, of which a tensor takes about thirty.
  static let maximumWork = 1 << 21
  /// Texts from this length on are no names.
  private static let longestText = 1 << 12

  init(_ reader: ByteReader) { self.reader = reader }

  /// Position in the file after the pickles that were read.
  var position: Int { reader.position }

  /// Goes past bytes that are no pickle, and returns the number that stands there, 8 bytes little-endian.
  mutating func number() throws -> UInt64 { try reader.number(8) }
  /// Goes past bytes that are no pickle.
  mutating func skip(_ count: Int) throws { try reader.skip(count) }

  /// Reads one pickle.
  ///
  /// - Throws: ``CheckpointProblem``.
  mutating func load() throws -> PickleValue {
    (stack, marks, memo) = ([], [], [:])
    while true {
      try charge(1)
      let byte = try reader.byte()
      guard let code = Opcode(rawValue: byte) else {
        throw CheckpointProblem("its pickle has an operation 0x\(String(byte, radix: 16)), which tensors do not need")
      }
      if code == .stop { return try pop() }
      try carryOut(code)
    }
  }

  private mutating func charge(_ amount: Int) throws {
    work += amount
    guard work <= Self.maximumWork else {
      throw CheckpointProblem("its pickle needs more than \(Self.maximumWork) steps, far more than any network")
    }
  }

  // MARK: - Operations

  private enum Opcode: UInt8 {
    case proto = 0x80, frame = 0x95, stop = 0x2E, mark = 0x28, pop = 0x30, popMark = 0x31, dup = 0x32
    case none = 0x4E, newTrue = 0x88, newFalse = 0x89, int = 0x49, long = 0x4C, float = 0x46, binFloat = 0x47
    case binInt = 0x4A, binInt1 = 0x4B, binInt2 = 0x4D, long1 = 0x8A, long4 = 0x8B
    case string = 0x53, unicode = 0x56, binString = 0x54, shortBinString = 0x55, binUnicode = 0x58, shortBinUnicode = 0x8C
    case binUnicode8 = 0x8D, binBytes = 0x42, shortBinBytes = 0x43, binBytes8 = 0x8E, byteArray8 = 0x96
    case emptyList = 0x5D, emptyTuple = 0x29, emptyDict = 0x7D, emptySet = 0x8F, list = 0x6C, tuple = 0x74, dict = 0x64
    case frozenSet = 0x91, tuple1 = 0x85, tuple2 = 0x86, tuple3 = 0x87
    case append = 0x61, appends = 0x65, setItem = 0x73, setItems = 0x75, addItems = 0x90
    case put = 0x70, binPut = 0x71, longBinPut = 0x72, memoize = 0x94, get = 0x67, binGet = 0x68, longBinGet = 0x6A
    case global = 0x63, stackGlobal = 0x93, inst = 0x69, obj = 0x6F, reduce = 0x52, newObj = 0x81, newObjEx = 0x92, build = 0x62
    case ext1 = 0x82, ext2 = 0x83, ext4 = 0x84, binPersID = 0x51
  }

  private mutating func carryOut(_ code: Opcode) throws {
    switch code {
    case .stop: break
    case .proto:
      let version = try reader.byte()
      guard version <= 5 else { throw CheckpointProblem("its pickle is of protocol \(version): 0 to 5 are known") }
    case .frame: _ = try reader.number(8)
    case .mark: marks.append(stack.count)
    case .pop: if let mark = marks.last, mark == stack.count { marks.removeLast() } else { _ = try pop() }
    case .popMark: _ = try popToMark()
    case .dup: stack.append(try top())
    case .none: stack.append(.none)
    case .newTrue: stack.append(.bool(true))
    case .newFalse: stack.append(.bool(false))
    case .int, .long: stack.append(decimal(try reader.line()))
    case .float:
      _ = try reader.line()
      stack.append(.skipped)
    case .binFloat: try skipped(8)
    case .binInt: stack.append(.int(Int(Int32(truncatingIfNeeded: try reader.number(4)))))
    case .binInt1: stack.append(.int(Int(try reader.number(1))))
    case .binInt2: stack.append(.int(Int(try reader.number(2))))
    case .long1: try long(Int(try reader.byte()))
    case .long4: try long(reader.count(4))
    case .string, .unicode: stack.append(.text(unquoted(try reader.line(), code == .string)))
    case .binString, .binUnicode: try text(reader.count(4))
    case .shortBinString, .shortBinUnicode: try text(Int(try reader.byte()))
    case .binUnicode8: try text(reader.count(8))
    case .binBytes: try skipped(reader.count(4))
    case .shortBinBytes: try skipped(Int(try reader.byte()))
    case .binBytes8, .byteArray8: try skipped(reader.count(8))
    case .emptyList: push(.list)
    case .emptyTuple: push(.tuple)
    case .emptyDict: push(.dictionary)
    case .emptySet: push(.set)
    case .list: push(.list, try popToMark())
    case .tuple: push(.tuple, try popToMark())
    case .dict: push(.dictionary, try pairs(popToMark()))
    case .frozenSet: push(.set, try popToMark())
    case .tuple1: push(.tuple, try pop(1))
    case .tuple2: push(.tuple, try pop(2))
    case .tuple3: push(.tuple, try pop(3))
    case .append: try extend(pop(1))
    case .appends, .addItems: try extend(popToMark())
    case .setItem: try extend(pop(2))
    case .setItems: try extend(pairs(popToMark()))
    case .put, .binPut, .longBinPut, .memoize, .get, .binGet, .longBinGet: try memory(code)
    case .global, .stackGlobal, .inst, .obj, .reduce, .newObj, .newObjEx, .build, .ext1, .ext2, .ext4: try object(code)
    case .binPersID: try storage(pop())
    }
  }

  private mutating func memory(_ code: Opcode) throws {
    switch code {
    case .put: try remember(index(reader.line()))
    case .binPut: try remember(Int(try reader.byte()))
    case .longBinPut: try remember(reader.count(4))
    case .memoize: try remember(memo.count)
    case .get: stack.append(try recalled(index(reader.line())))
    case .binGet: stack.append(try recalled(Int(try reader.byte())))
    default: stack.append(try recalled(reader.count(4)))
    }
  }

  private mutating func object(_ code: Opcode) throws {
    switch code {
    case .global:
      let module = try reader.line()
      stack.append(.global(Self.name(module, try reader.line())))
    case .stackGlobal:
      guard case .text(let name) = try pop(), case .text(let module) = try pop() else { throw damaged }
      stack.append(.global(Self.name(module, name)))
    case .inst:
      let module = try reader.line()
      let name = Self.name(module, try reader.line())
      try construct(.global(name), popToMark())
    case .obj:
      let parts = try popToMark()
      guard let first = parts.first else { throw damaged }
      try construct(first, Array(parts.dropFirst()))
    case .reduce, .newObj:
      let arguments = try items(of: pop())
      try construct(pop(), arguments)
    case .newObjEx:
      _ = try pop()
      let arguments = try items(of: pop())
      try construct(pop(), arguments)
    case .build:
      let state = try pop()
      // What would become of the fields is the class's matter; the fields themselves are data.
      if case .node(let index) = try top(), case .opaque = nodes[index].kind { nodes[index].items.append(state) }
    default:
      let count = code == .ext1 ? 1 : code == .ext2 ? 2 : 4
      stack.append(.global("copyreg extension \(try reader.number(count))"))
    }
  }

  // MARK: - Stack and memo

  private var damaged: CheckpointProblem { CheckpointProblem("its pickle is damaged near byte \(reader.position)") }

  private func top() throws -> PickleValue {
    guard let value = stack.last, stack.count > marks.last ?? 0 else { throw damaged }
    return value
  }

  private mutating func pop() throws -> PickleValue {
    let value = try top()
    stack.removeLast()
    return value
  }

  private mutating func pop(_ count: Int) throws -> [PickleValue] {
    guard stack.count - (marks.last ?? 0) >= count else { throw damaged }
    let values = Array(stack.suffix(count))
    stack.removeLast(count)
    return values
  }

  private mutating func popToMark() throws -> [PickleValue] {
    guard let mark = marks.popLast(), mark <= stack.count else { throw damaged }
    let values = Array(stack[mark...])
    stack.removeLast(values.count)
    return values
  }

  private mutating func push(_ kind: PickleNode.Kind, _ items: [PickleValue] = []) {
    nodes.append(PickleNode(kind: kind, items: items))
    stack.append(.node(nodes.count - 1))
  }

  private mutating func extend(_ items: [PickleValue]) throws {
    // Of an object that only code could make, it does not matter.
    guard case .node(let index) = try top() else { return }
    switch nodes[index].kind {
    case .list, .set, .dictionary: nodes[index].items += items
    case .opaque: break
    case .tuple, .storage, .tensor: throw damaged
    }
  }

  private func pairs(_ items: [PickleValue]) throws -> [PickleValue] {
    guard items.count.isMultiple(of: 2) else { throw damaged }
    return items
  }

  private mutating func remember(_ index: Int) throws { memo[index] = try top() }

  private func recalled(_ index: Int) throws -> PickleValue {
    guard let value = memo[index] else { throw damaged }
    return value
  }

  // MARK: - Scalars

  private func index(_ line: String) throws -> Int {
    guard let index = Int(line), index >= 0 else { throw damaged }
    return index
  }

  private func decimal(_ line: String) -> PickleValue {
    switch line {
    case "00": .bool(false)
    case "01": .bool(true)
    default: Int(line.last == "L" ? line.dropLast() : line[...]).map(PickleValue.int) ?? .skipped
    }
  }

  private mutating func long(_ count: Int) throws {
    guard count <= 16 else { return try skipped(count) }
    let bytes = try reader.bytes(count)
    guard count <= 8 else { return stack.append(.large(bytes)) }
    var value = 0
    for (index, byte) in bytes.enumerated() { value |= Int(byte) << (8 * index) }
    if count < 8, let last = bytes.last, last >= 0x80 { value -= 1 << (8 * count) }
    stack.append(.int(value))
  }

  private mutating func skipped(_ count: Int) throws {
    try reader.skip(count)
    stack.append(.skipped)
  }

  private mutating func text(_ count: Int) throws {
    guard count < Self.longestText else { return try skipped(count) }
    stack.append(.text(String(decoding: try reader.bytes(count), as: UTF8.self)))
  }

  private func unquoted(_ line: String, _ isQuoted: Bool) -> String {
    guard isQuoted, line.count >= 2, let first = line.first, first == line.last, "'\"".contains(first) else { return line }
    return String(line.dropFirst().dropLast())
  }

  private static func name(_ module: String, _ name: String) -> String { "\(module).\(name)" }

  // MARK: - Objects

  private mutating func items(of value: PickleValue) throws -> [PickleValue] {
    guard case .node(let index) = value else { throw damaged }
    switch nodes[index].kind {
    case .tuple, .list, .set, .dictionary:
      try charge(nodes[index].items.count)
      return nodes[index].items
    case .opaque: return []
    case .storage, .tensor: throw damaged
    }
  }

  /// Pushes what a call would return, if it is one of those that are known; otherwise its name.
  private mutating func construct(_ callee: PickleValue, _ arguments: [PickleValue]) throws {
    guard case .global(let name) = callee else { return push(.opaque("an object of an object")) }
    switch name {
    case "collections.OrderedDict", "collections.defaultdict", "collections.Counter", "builtins.dict", "__builtin__.dict":
      push(.dictionary, try entries(arguments.last))
    case "builtins.list", "__builtin__.list": push(.list, try arguments.first.map { try items(of: $0) } ?? [])
    case "builtins.tuple", "__builtin__.tuple", "torch.Size": push(.tuple, try arguments.first.map { try items(of: $0) } ?? [])
    case "builtins.set", "__builtin__.set", "builtins.frozenset", "__builtin__.frozenset":
      push(.set, try arguments.first.map { try items(of: $0) } ?? [])
    case "_codecs.encode", "builtins.bytes", "builtins.bytearray", "__builtin__.bytearray": stack.append(.skipped)
    case "torch._utils._rebuild_parameter", "torch._utils._rebuild_parameter_with_state":
      guard let data = arguments.first else { throw damaged }
      stack.append(data)
    case "torch._utils._rebuild_tensor", "torch._utils._rebuild_tensor_v2", "torch._utils._rebuild_tensor_v3":
      push(.tensor(try tensor(arguments, hasType: name.hasSuffix("v3"))))
    case "torch._tensor._rebuild_from_type_v2":
      // A tensor with attributes of its own: the call that makes it without them, and its arguments.
      guard arguments.count >= 3, case .global(let inner) = arguments[0], inner.hasPrefix("torch._utils._rebuild_") else {
        return push(.opaque(name))
      }
      try construct(arguments[0], items(of: arguments[2]))
    case "copyreg._reconstructor", "copy_reg._reconstructor":
      if case .global(let made)? = arguments.first { push(.opaque(made)) } else { push(.opaque(name)) }
    default: push(.opaque(name))
    }
  }

  /// Keys and values of a dictionary made from another one, or from a list of pairs.
  private mutating func entries(_ source: PickleValue?) throws -> [PickleValue] {
    guard case .node(let index)? = source else { return [] }
    if case .dictionary = nodes[index].kind { return try items(of: .node(index)) }
    return try items(of: .node(index)).flatMap { pair in
      let pair = try items(of: pair)
      guard pair.count == 2 else { throw damaged }
      return pair
    }
  }

  private mutating func tensor(_ arguments: [PickleValue], hasType: Bool) throws -> StridedView {
    guard arguments.count >= (hasType ? 7 : 4), case .node(let index) = arguments[0], case .storage(let storage) = nodes[index].kind,
      case .int(let offset) = arguments[1]
    else { throw CheckpointProblem("a tensor in its pickle has no storage") }
    func sizes(_ value: PickleValue) throws -> [Int] {
      try items(of: value).map { size in
        guard case .int(let size) = size else { throw CheckpointProblem("a size or stride in its pickle is no number") }
        return size
      }
    }
    var type: String?
    if hasType {
      guard case .global(let name) = arguments[6] else { throw damaged }
      type = name
    }
    return try StridedView(storage, offset: offset, shape: sizes(arguments[2]), strides: sizes(arguments[3]), type: type)
  }

  /// Pushes a storage from its identifier: `('storage', class, key, device, count)`, and the part of it where files before 1.6 have views.
  private mutating func storage(_ identifier: PickleValue) throws {
    let parts = try items(of: identifier)
    guard parts.count >= 5, case .text("storage") = parts[0], case .global(let name) = parts[1], case .text(let key) = parts[2],
      case .int(let count) = parts[4], count >= 0
    else { throw CheckpointProblem("its pickle asks for something that is no storage") }
    let isUntyped = name.hasSuffix(".UntypedStorage")
    var storage = PickleStorage(
      key: key, type: PickleStorage.type(name), typeName: name, isUntyped: isUntyped, count: count)
    if let known = storages[key] {
      guard known.typeName == storage.typeName, known.count == storage.count else {
        throw CheckpointProblem("storage \(key.quoted) has two types or sizes")
      }
    } else {
      storages[key] = storage
    }
    if parts.count >= 6, case .node = parts[5] {
      let view = try items(of: parts[5])
      guard view.count == 3, case .int(let start) = view[1], case .int(let length) = view[2], start >= 0, length >= 0, start <= count,
        length <= count - start
      else { throw CheckpointProblem("a part of storage \(key.quoted) goes beyond it") }
      (storage.start, storage.count) = (start, length)
    }
    push(.storage(storage))
  }
}
