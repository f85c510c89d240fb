internal import Networks
internal import Torch

// Forms in which other programs keep weights, and what of them becomes one tensor.
extension StoredWeights {
  /// Prefixes that wrappers prepend to all names: data parallelism and averaging, Lightning's and others' modules, `torch.compile`.
  private static let prefixes = ["module.", "model.", "_orig_mod.", "net."]

  /// Removes the prefixes that all names of possible weights have and none of the network's; returns them, empty for none.
  mutating func removePrefixes(besides expected: Set<String>) -> String {
    var removed = ""
    while true {
      let names = tensors.filter { $0.value.canBeWeight && !$0.key.servesTrainingOnly }.keys
      let prefix = Self.prefixes.first { prefix in
        !names.isEmpty && names.allSatisfy { $0.hasPrefix(prefix) && $0 != prefix } && !expected.contains { $0.hasPrefix(prefix) }
      }
      guard let prefix else { return removed }
      func short(_ name: String) -> String { name.hasPrefix(prefix) ? String(name.dropFirst(prefix.count)) : name }
      tensors = Dictionary(tensors.map { (short($0.key), $0.value) }, uniquingKeysWith: { first, _ in first })
      unread = Dictionary(unread.map { (short($0.key), $0.value) }, uniquingKeysWith: { first, _ in first })
      order = order.map(short)
      removed += prefix
    }
  }

  /// Makes `NAME` from `NAME_orig` and `NAME_mask` of `torch.nn.utils.prune`, and keeps the masks.
  ///
  /// - Throws: what `unsound` makes of a mask of other numbers than 0 and 1.
  mutating func joinPruned(_ unsound: (String) -> ModelFileError) throws {
    let suffix = "_orig"
    for original in order where original.hasSuffix(suffix) {
      let name = String(original.dropLast(suffix.count))
      guard tensors[name] == nil, let values = tensors[original], let kept = tensors[name + "_mask"], values.shape == kept.shape else {
        continue
      }
      let isKept = try kept.cast(to: .float32).notEqual(0)
      guard try kept.cast(to: .float32).notEqual(1).sum().item() + isKept.sum().item() == Double(kept.count) else {
        throw unsound("\(name)_mask holds numbers other than 0 and 1")
      }
      replace([original, name + "_mask"], by: name, try isKept.select(values, else: values.zerosLike()))
      masks[name] = isKept
    }
  }

  /// Makes weights from direction and length, w = g·v/‖v‖ (Salimans & Kingma 2016), in both of PyTorch's spellings.
  mutating func joinWeightNorms() throws {
    for name in order {
      let (length, direction, joined): (String, String, String)
      if name.hasSuffix("_g") {
        joined = String(name.dropLast(2))
        (length, direction) = (name, joined + "_v")
      } else if name.hasSuffix(".original0"), let range = name.firstRange(of: "parametrizations.") {
        let stem = name.dropLast(".original0".count)
        joined = String(name[..<range.lowerBound] + stem[range.upperBound...])
        (length, direction) = (name, stem + ".original1")
      } else {
        continue
      }
      guard tensors[joined] == nil, let g = tensors[length], let v = tensors[direction], g.canBeWeight, v.canBeWeight else { continue }
      guard let weight = try Self.normed(g, v) else { continue }
      replace([length, direction], by: joined, weight)
    }
  }

  /// w = g·v/‖v‖; nil if the shapes are not those of a weight norm. ‖v‖ is over all dimensions but that of g's elements.
  private static func normed(_ g: Tensor, _ v: Tensor) throws -> Tensor? {
    let g = try g.cast(to: v.elementType ?? .float32)
    if g.count == 1 { return try v * (g.reshaped([]) / v.reshaped([v.count]).norm()) }
    guard g.rank == v.rank, let dim = g.shape.firstIndex(where: { $0 > 1 }), g.shape[dim] == g.count, v.shape[dim] == g.count else {
      return nil
    }
    let rows = try v.permuted([dim] + (0..<v.rank).filter { $0 != dim }).reshaped([g.count, v.count / g.count])
    return try v * (g / rows.norm(1).reshaped(g.shape))
  }

  /// Gives tensors the names and shapes of the parameters that they are, where only the form differs: `NAME` alone is `NAME.weight` (a scale
  /// such as ConvNeXt's `layer_scale`), `NAME_weight` too (PyTorch's `in_proj_weight` of attention), a linear layer's [outputs, inputs] are a
  /// 1×1 convolution's [outputs, inputs, 1, 1], and numbers of a sequence's positions, [1, positions, channels], come channels first.
  mutating func takeForms(of parameters: [(name: ParameterName, dimensions: [Int])]) throws {
    for (name, dimensions) in parameters {
      let key = name.description
      for other in [name.role == .weight ? name.module : nil, "\(name.module)_\(name.role.rawValue)"].compactMap(\.self) {
        guard tensors[key] == nil, unread[key] == nil, let found = tensors[other] else { continue }
        replace([other], by: key, found)
        masks[key] = masks.removeValue(forKey: other)
      }
      if let tensor = tensors[key], dimensions.count == 3, dimensions[1] == 1, tensor.shape == [1, dimensions[2], dimensions[0]] {
        tensors[key] = try tensor.permuted([2, 0, 1]).contiguous()
        masks[key] = try masks[key]?.permuted([2, 0, 1]).contiguous()
      }
      guard let tensor = tensors[key], tensor.shape != dimensions, Self.form(tensor.shape) == Self.form(dimensions) else { continue }
      tensors[key] = try tensor.reshaped(dimensions)
      masks[key] = try masks[key]?.reshaped(dimensions)
    }
  }

  /// A shape without ones before and behind, which say nothing about the elements' order.
  private static func form(_ shape: [Int]) -> ArraySlice<Int> {
    let first = shape.firstIndex { $0 != 1 } ?? 0
    return shape[first..<max((shape.lastIndex { $0 != 1 } ?? 0) + 1, first)]
  }

  private mutating func replace(_ parts: [String], by name: String, _ tensor: Tensor) {
    for part in parts { tensors[part] = nil }
    if let first = parts.first, let index = order.firstIndex(of: first) { order[index] = name }
    order.removeAll { parts.contains($0) }
    tensors[name] = tensor
  }
}

// Matching by order.
extension StoredWeights {
  /// A tensor of the file and the parameter that it becomes.
  typealias Pair = (stored: String, parameter: ParameterName)

  /// Names of tensors that can be weights, in the order of their layers; within a layer weight, bias and running statistics come in the
  /// network's order, whatever the file's.
  private var candidates: [String] {
    let names = order.filter { name in tensors[name].map { $0.canBeWeight && !name.servesTrainingOnly } ?? false }
    var result: [String] = []
    var rest = names[...]
    while let first = rest.first {
      let module = ParameterName(first)?.module
      let layer = module == nil ? rest.prefix(1) : rest.prefix { ParameterName($0)?.module == module }
      func rank(_ name: String) -> Int {
        ParameterName(name).flatMap { ParameterName.Role.allCases.firstIndex(of: $0.role) } ?? 0
      }
      result += layer.enumerated().sorted { (rank($0.element), $0.offset) < (rank($1.element), $1.offset) }.map(\.element)
      rest = rest[layer.endIndex...]
    }
    return result
  }

  /// Pairs tensors and parameters one by one.
  ///
  /// - Parameter free: parameters whose shape need not fit.
  /// - Throws: what `unsound` makes of a number of tensors or a shape that does not fit.
  func pairs(
    with parameters: [(name: ParameterName, dimensions: [Int])], free: Set<ParameterName> = [], _ unsound: (String) -> ModelFileError
  ) throws -> [Pair] {
    let names = candidates
    guard names.count == parameters.count else {
      throw unsound("it has \(names.count) tensors that can be weights, and the network \(parameters.count)")
    }
    return try zip(names, parameters).enumerated().map { index, pair in
      let (stored, parameter) = pair
      let shape = tensors[stored]?.shape ?? []
      let role = ParameterName(stored)?.role
      guard shape == parameter.dimensions || free.contains(parameter.name), role == nil || role == parameter.name.role else {
        throw unsound(
          "tensor \(index + 1), \(stored.quotedIfNeeded) \(shape), stands where \(parameter.name) \(parameter.dimensions) belongs")
      }
      return (stored, parameter.name)
    }
  }

  /// Gives the tensors of the pairs the names of their parameters.
  mutating func rename(_ pairs: [Pair]) {
    let (earlier, masked) = (tensors, masks)
    for pair in pairs { (tensors[pair.stored], masks[pair.stored]) = (nil, nil) }
    for (stored, parameter) in pairs {
      tensors[parameter.description] = earlier[stored]
      masks[parameter.description] = masked[stored]
    }
    order = pairs.map(\.parameter.description)
  }

  /// Lines of a table of which layer went where.
  func table(_ pairs: [Pair]) -> [String] {
    var rows: [(from: String, to: String, parts: [String])] = []
    for (stored, parameter) in pairs {
      let from = ParameterName(stored)?.module ?? stored
      let part = "\(parameter.role.rawValue) \(tensors[stored]?.shape ?? [])"
      if let last = rows.indices.last, rows[last].to == parameter.module, rows[last].from == from {
        rows[last].parts.append(part)
      } else {
        rows.append((from, parameter.module, [part]))
      }
    }
    return rows.map { "  \($0.from.quotedIfNeeded) → \($0.to): \($0.parts.joined(separator: ", "))" }
  }
}

extension Tensor {
  /// Whether it has elements, and they are floating-point numbers.
  var canBeWeight: Bool { count > 0 && elementType?.isFloatingPoint == true }
}
