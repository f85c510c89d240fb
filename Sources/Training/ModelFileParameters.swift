internal import Networks
internal import Torch
internal import Words

extension ModelFile {
  /// How a file holds the tensors that have a mask; both are read to the same model.
  public enum Form: Sendable {
    /// Tensors of the network's shapes, which any program can use. A mask costs nothing where it says no more than the zeros; otherwise a
    /// bit for each element.
    case plain
    /// In place of a masked tensor a bit for each element and the kept elements alone, wherever that takes fewer bytes.
    case packed
  }
}

/// The tensors of a model as a file holds them, by their names there.
///
/// A tensor without a mask is `NAME`. So is one whose mask is false at just the zeros; it is also among ``masked``. Any other mask is
/// `NAME.mask`, U8 [⌈n/8⌉]: bit i of byte j, the lowest first, says whether element 8j + i of `NAME` is kept. In a packed file `NAME.kept`
/// [k] holds the k kept elements in their order, in place of `NAME`. Files of version 1 have BOOL masks of their tensors' shapes.
struct ModelFileParameters {
  /// The tensors, whole, packed, or masks.
  private(set) var tensors: [String: Tensor] = [:]
  /// Names of the whole tensors whose zeros are all that is pruned of them, in order.
  private(set) var masked: [String] = []

  private static let maskSuffix = ".mask"
  private static let keptSuffix = ".kept"

  /// Lays out a model.
  init(_ model: Model, form: ModelFile.Form) throws {
    for (name, tensor) in model.tensors.sorted(by: { $0.key < $1.key }) {
      guard let mask = model.masks[name] else {
        tensors["\(name)"] = tensor
        continue
      }
      let kept = try mask.nonZeroCount()
      let isSaidByZeros = try tensor.nonZeroCount() == kept && tensor.nonZeroCount(outside: mask) == 0
      let (bitBytes, keptBytes) = ((mask.count + 7) / 8, tensor.byteCount / max(tensor.count, 1) * kept)
      let isPacked = form == .packed && bitBytes + keptBytes < tensor.byteCount + (isSaidByZeros ? 0 : bitBytes)
      if isPacked {
        tensors["\(name)" + Self.keptSuffix] = try tensor.elements(where: mask)
      } else {
        tensors["\(name)"] = tensor
      }
      if isPacked || !isSaidByZeros {
        tensors["\(name)" + Self.maskSuffix] = try mask.bits()
      } else {
        masked.append("\(name)")
      }
    }
  }

  /// Returns the whole tensors and the masks that a file holds for a network.
  ///
  /// Sizes are compared before anything is allocated: a tensor has at most eight elements for each byte of its mask.
  /// - Throws: `ModelFileProblem` for what cannot be put together; whether the tensors fit the network is for `Model` to say.
  static func unpacked(
    _ stored: [String: Tensor], masked: [String], for network: Network
  ) throws -> (tensors: [ParameterName: Tensor], masks: [ParameterName: Tensor]) {
    let shapes = Dictionary(try network.parameterShapes().map { ($0.name, $0.dimensions) }) { first, _ in first }
    var (tensors, masks, kept): ([ParameterName: Tensor], [ParameterName: Tensor], [ParameterName: Tensor]) = ([:], [:], [:])
    for (key, tensor) in stored.sorted(by: { $0.key < $1.key }) {
      func name(without suffix: String) -> ParameterName? {
        key.hasSuffix(suffix) ? ParameterName(String(key.dropLast(suffix.count))) : nil
      }
      if let name = ParameterName(key) {
        tensors[name] = tensor
      } else if let name = name(without: keptSuffix) {
        kept[name] = tensor
      } else if let name = name(without: maskSuffix) {
        masks[name] = try shapes[name].flatMap { try tensor.mask(ofBits: $0, name) } ?? tensor
      } else {
        throw ModelFileProblem("no network has a tensor named \(key.quoted)")
      }
    }
    for (name, values) in kept.sorted(by: { $0.key < $1.key }) {
      guard tensors[name] == nil else { throw ModelFileProblem("\(name) is there twice, whole and packed") }
      guard let mask = masks[name], let shape = shapes[name], mask.shape == shape, mask.elementType == .bool else {
        throw ModelFileProblem("\(name) is packed, and the mask that says where its elements belong is missing or does not fit")
      }
      tensors[name] = try values.spread(over: mask, name)
    }
    for text in masked {
      guard let name = ParameterName(text), let tensor = tensors[name] else {
        throw ModelFileProblem("its masked tensors name \(text.quoted), which it does not hold")
      }
      guard masks[name] == nil else { throw ModelFileProblem("\(name) is masked twice") }
      masks[name] = try tensor.notEqual(0)
    }
    return (tensors, masks)
  }
}

extension Tensor {
  /// The elements of a mask as bits, the lowest of each byte first; the last byte is filled up with 0.
  fileprivate func bits() throws -> Tensor {
    try Tensor(
      withBytes { elements in
        var bytes = [UInt8](repeating: 0, count: (elements.count + 7) / 8)
        for i in elements.indices where elements[i] != 0 { bytes[i >> 3] |= 1 << UInt8(i & 7) }
        return bytes
      })
  }

  /// The mask of the given shape whose bits these are; nil if they are too few, too many or no bits.
  fileprivate func mask(ofBits shape: [Int], _ name: ParameterName) throws -> Tensor? {
    var count = 1
    for size in shape {
      let (product, overflow) = count.multipliedReportingOverflow(by: size)
      if overflow { return nil }
      count = product
    }
    guard elementType == .uint8, self.shape == [count / 8 + (count % 8 == 0 ? 0 : 1)] else { return nil }
    return try withBytes { bytes in
      // One content, one file.
      if let last = bytes.last, count % 8 != 0, last >> UInt8(count % 8) != 0 {
        throw ModelFileProblem("the mask of \(name) has bits beyond its \(count) elements")
      }
      return try Tensor((0..<count).map { bytes[$0 >> 3] >> UInt8($0 & 7) & 1 == 1 }, shape: shape)
    }
  }

  /// The elements at which a mask is true, in row-major order.
  fileprivate func elements(where mask: Tensor) throws -> Tensor {
    func chosen<Element: TensorElement>(_ type: Element.Type) throws -> Tensor {
      let elements = try array(type)
      return try mask.withBytes { kept in try Tensor(elements.indices.lazy.filter { kept[$0] != 0 }.map { elements[$0] }) }
    }
    return elementType == .float64 ? try chosen(Double.self) : try chosen(Float.self)
  }

  /// A tensor of a mask's shape with these elements where the mask is true, in row-major order, and 0 elsewhere.
  fileprivate func spread(over mask: Tensor, _ name: ParameterName) throws -> Tensor {
    func spread<Element: TensorElement & ExpressibleByIntegerLiteral>(_ type: Element.Type) throws -> Tensor {
      let kept = try mask.nonZeroCount()
      guard shape == [kept] else { throw ModelFileProblem("\(name) is packed to \(shape), and its mask keeps \(kept) elements") }
      let elements = try array(type)
      return try mask.withBytes { isKept in
        var next = elements.startIndex
        let all = isKept.map { byte -> Element in
          guard byte != 0 else { return 0 }
          defer { next += 1 }
          return elements[next]
        }
        return try Tensor(all, shape: mask.shape)
      }
    }
    switch elementType {
    case .float32: return try spread(Float.self)
    case .float64: return try spread(Double.self)
    default: throw ModelFileProblem("\(name) has elements of \(elementType?.rawValue ?? "another type"), not float32 or float64")
    }
  }
}
