internal import Foundation
internal import Words

/// What computes constants of constants: the arithmetic of sizes that exporters leave in a graph.
///
/// `Shape` of a feature gives the batch its stand-in (``Lowering/batch``), so that what is computed of it is known when it comes back.
enum ConstantFolding {
  /// The operations by name, each a function of the node and its constants; nil stands for an optional one that is left out.
  static let all: [String: @Sendable (ONNXGraph.Node, [Numbers?]) throws -> Numbers] = [
    "Gather": { node, operands in
      let (data, indices) = (try operands.required(0), try operands.required(1))
      guard let axis = node.integer("axis", 0).axis(of: data.dimensions.count) else { throw misfit }
      let size = data.dimensions[axis]
      var result = try data.taking(indices.sizes.map { $0 < 0 ? $0 + size : $0 }, axis: axis)
      result.dimensions.replaceSubrange(axis...axis, with: indices.dimensions)
      return result
    },
    "Slice": { node, operands in
      var result = try operands.required(0)
      for part in try Slicing.parts(of: node, operands) {
        guard let axis = part.axis.axis(of: result.dimensions.count), part.step != 0 else { throw misfit }
        let size = result.dimensions[axis]
        let (start, end) = part.bounds(of: size)
        result = try result.taking(Array(stride(from: start, to: end, by: part.step)), axis: axis)
      }
      return result
    },
    "Concat": { node, operands in
      let parts = try operands.indices.map { try operands.required($0) }
      guard let first = parts.first, let axis = node.integer("axis", 0).axis(of: first.dimensions.count) else { throw misfit }
      func others(_ sizes: [Int]) -> [Int] { Array(sizes[..<axis] + sizes[(axis + 1)...]) }
      guard parts.allSatisfy({ $0.dimensions.count == first.dimensions.count && others($0.dimensions) == others(first.dimensions) }) else {
        throw misfit
      }
      var dimensions = first.dimensions
      dimensions[axis] = parts.reduce(0) { $0 + $1.dimensions[axis] }
      guard Numbers.count(dimensions) != nil else { throw Refusal("its constants are too large to compute with") }
      var values: [Double] = []
      for outer in 0..<first.dimensions[..<axis].reduce(1, *) {
        for part in parts {
          let run = part.dimensions[axis...].reduce(1, *)
          values += part.values[(outer * run)..<((outer + 1) * run)]
        }
      }
      return try Numbers(dimensions, values, isInteger: first.isInteger)
    },
    "Unsqueeze": { node, operands in
      var result = try operands.required(0)
      let axes = try node.axes(operands).required
      guard axes.count <= 16 else { throw misfit }
      for axis in axes.compactMap({ $0.axis(of: result.dimensions.count + axes.count) }).sorted() {
        guard axis <= result.dimensions.count else { throw misfit }
        result.dimensions.insert(1, at: axis)
      }
      return result
    },
    "Squeeze": { node, operands in
      var result = try operands.required(0)
      let rank = result.dimensions.count
      let axes = node.axes(operands)?.compactMap { $0.axis(of: rank) } ?? result.dimensions.indices.filter { result.dimensions[$0] == 1 }
      for axis in Set(axes).sorted(by: >) {
        guard result.dimensions[axis] == 1 else { throw misfit }
        result.dimensions.remove(at: axis)
      }
      return result
    },
    "Reshape": { node, operands in
      let data = try operands.required(0)
      let target = try operands.required(1).sizes
      let shape = try Reshaping.shape(target, of: data.dimensions, allowsZero: node.integer("allowzero", 0) != 0)
      return try Numbers(shape, data.values, isInteger: data.isInteger)
    },
    "Transpose": { node, operands in
      let data = try operands.required(0)
      let rank = data.dimensions.count
      let order = node.integers("perm") ?? Array((0..<rank).reversed())
      guard order.sorted() == Array(0..<rank) else { throw misfit }
      // Nothing along one axis may be anything along the others.
      if data.values.isEmpty { return try Numbers(order.map { data.dimensions[$0] }, [], isInteger: data.isInteger) }
      var (strides, stride) = ([Int](repeating: 1, count: rank), 1)
      for axis in (0..<rank).reversed() {
        strides[axis] = stride
        stride *= data.dimensions[axis]
      }
      var places = [0]
      for axis in order {
        places = places.flatMap { place in (0..<data.dimensions[axis]).map { place + $0 * strides[axis] } }
      }
      return try Numbers(order.map { data.dimensions[$0] }, places.map { data.values[$0] }, isInteger: data.isInteger)
    },
    "Cast": { node, operands in
      var result = try operands.required(0)
      guard let element = ONNXTensor.Element(rawValue: Int32(clamping: node.integer("to", 1))) else { throw misfit }
      if element.isInteger, !result.isInteger { result.values = result.values.map { $0.rounded(.towardZero) } }
      if element == .bool { result.values = result.values.map { $0 == 0 ? 0 : 1 } }
      result.isInteger = element.isInteger
      return result
    },
    "Range": { node, operands in
      let (start, limit, step) = (try operands.scalar(0), try operands.scalar(1), try operands.scalar(2))
      let count = ((limit - start) / step).rounded(.up)
      guard count.isFinite, count <= Double(ONNXTensor.mostNumbers) else { throw misfit }
      let numbers = (0..<max(Int(count), 0)).map { start + Double($0) * step }
      return try Numbers([numbers.count], numbers, isInteger: try operands.required(0).isInteger)
    },
    "ConstantOfShape": { node, operands in
      let dimensions = try operands.required(0).sizes
      guard let count = Numbers.count(dimensions) else { throw Refusal("its constant is too large to compute with") }
      var fill = Numbers([0])
      fill.isInteger = false
      if let value = node.attributes["value"] {
        let tensor = try ONNXTensor(value.t, name: node.words, raw: nil, folder: "")
        fill = try Numbers(tensor.dimensions, tensor.numbers() ?? [], isInteger: tensor.element.isInteger)
      }
      return try Numbers(dimensions, Array(repeating: fill.values.first ?? 0, count: count), isInteger: fill.isInteger)
    },
    "Expand": { _, operands in
      let (data, target) = (try operands.required(0), try operands.required(1).sizes)
      guard let count = Numbers.count(target) else { throw Refusal("its constant is too large to compute with") }
      let like = try Numbers(target, Array(repeating: 0, count: count), isInteger: data.isInteger)
      return try Numbers.combining(data, like, isInteger: data.isInteger) { number, _ in number }
    },
    "ScatterND": { node, operands in
      var result = try operands.required(0)
      let (indices, updates) = (try operands.required(1), try operands.required(2))
      // What is written are parts behind the axes that an index has.
      guard node.text("reduction", "none") == "none" else {
        throw Refusal("its reduction is \(node.text("reduction", "").quoted), and none is possible")
      }
      guard let depth = indices.dimensions.last, depth <= result.dimensions.count else {
        throw misfit
      }
      let part = result.dimensions[depth...].reduce(1, *)
      let (places, count) = (indices.sizes, indices.dimensions.dropLast().reduce(1, *))
      guard updates.values.count == count * part else { throw misfit }
      for index in 0..<count {
        let start = try result.start(of: places[(index * depth)..<((index + 1) * depth)])
        result.values.replaceSubrange(
          (start * part)..<((start + 1) * part), with: updates.values[(index * part)..<((index + 1) * part)])
      }
      return result
    },
    "GatherND": { node, operands in
      let (data, indices) = (try operands.required(0), try operands.required(1))
      guard node.integer("batch_dims", 0) == 0 else { throw Refusal("its batch_dims is not 0") }
      guard let depth = indices.dimensions.last, depth <= data.dimensions.count else { throw misfit }
      let (outer, rest) = (Array(indices.dimensions.dropLast()), Array(data.dimensions[depth...]))
      guard Numbers.count(outer + rest) != nil else { throw Refusal("its constants are too large to compute with") }
      let (part, places) = (rest.reduce(1, *), indices.sizes)
      var values: [Double] = []
      for index in 0..<outer.reduce(1, *) {
        let start = try data.start(of: places[(index * depth)..<((index + 1) * depth)])
        values += data.values[(start * part)..<((start + 1) * part)]
      }
      return try Numbers(outer + rest, values, isInteger: data.isInteger)
    },
    // A small layer of constants, as tables of relative positions come from.
    "MatMul": { _, operands in
      let (one, other) = (try operands.required(0), try operands.required(1))
      guard one.dimensions.count >= 2, other.dimensions.count == 2, one.dimensions.last == other.dimensions[0] else { throw misfit }
      let tooLarge = Refusal("its constants are too large to compute with")
      guard let count = Numbers.count(one.dimensions.dropLast() + [other.dimensions[1]]) else { throw tooLarge }
      let (inner, columns) = (other.dimensions[0], other.dimensions[1])
      let (work, overflow) = count.multipliedReportingOverflow(by: inner)
      guard !overflow, work <= 1 << 24 else { throw tooLarge }
      var values = [Double](repeating: 0, count: count)
      for row in 0..<(columns == 0 ? 0 : count / columns) {
        for middle in 0..<inner {
          let factor = one.values[row * inner + middle]
          for column in 0..<columns { values[row * columns + column] += factor * other.values[middle * columns + column] }
        }
      }
      return try Numbers(one.dimensions.dropLast() + [columns], values, isInteger: false)
    },
    "Clip": { node, operands in
      func bound(_ name: String, _ index: Int, _ standard: Double) throws -> Double {
        node.attributes[name] != nil
          ? node.real(name, standard) : operands.indices.contains(index) ? operands[index]?.values.first ?? standard : standard
      }
      let (least, most) = (try bound("min", 1, -.infinity), try bound("max", 2, .infinity))
      return try operands.each { min(max($0, least), most) }
    },
    "Where": { _, operands in
      try Numbers.combining((0..<3).map { try operands.required($0) }, isInteger: try operands.required(1).isInteger) {
        $0[0] != 0 ? $0[1] : $0[2]
      }
    },
    "Identity": { _, operands in try operands.required(0) },
    "Neg": { _, operands in try operands.each { -$0 } },
    "Floor": { _, operands in try operands.each { $0.rounded(.down) } },
    "Sqrt": { _, operands in try operands.each { $0.squareRoot() } },
    "Exp": { _, operands in try operands.each { exp($0) } },
    "Relu": { _, operands in try operands.each { max($0, 0) } },
    "Sigmoid": { _, operands in try operands.each { 1 / (1 + exp(-$0)) } },
    "Not": { _, operands in try operands.each { $0 == 0 ? 1 : 0 } },
    "Add": { _, operands in try operands.combining { $0 + $1 } },
    "Sub": { _, operands in try operands.combining { $0 - $1 } },
    "Mul": { _, operands in try operands.combining { $0 * $1 } },
    "Div": { _, operands in
      let isInteger = try operands.required(0).isInteger
      return try operands.combining { isInteger ? $1 == 0 ? 0 : ($0 / $1).rounded(.towardZero) : $0 / $1 }
    },
    "Mod": { _, operands in try operands.combining { $1 == 0 ? 0 : $0 - $1 * ($0 / $1).rounded(.down) } },
    "Pow": { _, operands in try operands.combining { pow($0, $1) } },
    "Max": { _, operands in try operands.combining { max($0, $1) } },
    "Min": { _, operands in try operands.combining { min($0, $1) } },
    "Equal": { _, operands in try operands.combining(isInteger: true) { $0 == $1 ? 1 : 0 } },
    "Greater": { _, operands in try operands.combining(isInteger: true) { $0 > $1 ? 1 : 0 } },
    "GreaterOrEqual": { _, operands in try operands.combining(isInteger: true) { $0 >= $1 ? 1 : 0 } },
    "Less": { _, operands in try operands.combining(isInteger: true) { $0 < $1 ? 1 : 0 } },
    "LessOrEqual": { _, operands in try operands.combining(isInteger: true) { $0 <= $1 ? 1 : 0 } },
    "And": { _, operands in try operands.combining(isInteger: true) { $0 != 0 && $1 != 0 ? 1 : 0 } },
    "Or": { _, operands in try operands.combining(isInteger: true) { $0 != 0 || $1 != 0 ? 1 : 0 } },
  ]

  static let misfit = Refusal("its constants do not fit each other")
}

extension [Numbers?] {
  func required(_ index: Int) throws -> Numbers {
    guard indices.contains(index), let numbers = self[index] else { throw ConstantFolding.misfit }
    return numbers
  }

  func scalar(_ index: Int) throws -> Double {
    let numbers = try required(index)
    guard numbers.values.count == 1 else { throw ConstantFolding.misfit }
    return numbers.values[0]
  }

  fileprivate func combining(isInteger: Bool? = nil, _ combine: (Double, Double) -> Double) throws -> Numbers {
    let (first, second) = (try required(0), try required(1))
    return try Numbers.combining(first, second, isInteger: isInteger ?? first.isInteger, combine)
  }

  fileprivate func each(_ change: (Double) -> Double) throws -> Numbers {
    var result = try required(0)
    result.values = result.values.map(change)
    return result
  }
}

extension Optional {
  fileprivate var required: Wrapped {
    get throws {
      guard let value = self else { throw ConstantFolding.misfit }
      return value
    }
  }
}

/// The parts of a `Slice`, whose numbers were attributes before version 10.
enum Slicing {
  struct Part {
    var axis: Int
    var start: Int
    var end: Int
    var step: Int

    /// Returns where a part of an axis begins and ends, for steps in its direction; negative places count from the end.
    func bounds(of size: Int) -> (start: Int, end: Int) {
      // Backwards it begins at the last place at most, and ends before the first.
      let (lowest, highest) = step < 0 ? (-1, size - 1) : (0, size)
      func place(_ index: Int) -> Int { min(max(index < 0 ? index + size : index, lowest), highest) }
      return (place(start), place(end))
    }
  }

  static func parts(of node: ONNXGraph.Node, _ operands: [Numbers?]) throws -> [Part] {
    func numbers(_ name: String, _ index: Int) -> [Int]? {
      node.integers(name) ?? (operands.indices.contains(index) ? operands[index]?.sizes : nil)
    }
    guard let starts = numbers("starts", 1), let ends = numbers("ends", 2) else { throw ConstantFolding.misfit }
    let axes = numbers("axes", 3) ?? Array(starts.indices)
    let steps = numbers("steps", 4) ?? starts.map { _ in 1 }
    guard ends.count == starts.count, axes.count == starts.count, steps.count == starts.count else { throw ConstantFolding.misfit }
    return starts.indices.map { Part(axis: axes[$0], start: starts[$0], end: ends[$0], step: steps[$0]) }
  }
}

/// The target shape of a `Reshape`: 0 keeps a size, −1 is what is left.
enum Reshaping {
  static func shape(_ target: [Int], of dimensions: [Int], allowsZero: Bool) throws -> [Int] {
    var shape = target
    for (axis, size) in target.enumerated() where size == 0 && !allowsZero {
      guard axis < dimensions.count else { throw ConstantFolding.misfit }
      shape[axis] = dimensions[axis]
    }
    func product(_ sizes: [Int]) throws -> Int {
      try sizes.reduce(1) { product, size in
        let (result, overflow) = product.multipliedReportingOverflow(by: size)
        guard !overflow, size >= 0 else { throw ConstantFolding.misfit }
        return result
      }
    }
    let all = try product(dimensions)
    if let open = shape.firstIndex(of: -1) {
      let rest = try product(shape.enumerated().filter { $0.offset != open }.map(\.element))
      guard rest > 0, all.isMultiple(of: rest) else { throw Refusal("it reshapes \(dimensions) to \(target), which does not fit") }
      shape[open] = all / rest
    }
    guard try product(shape) == all else { throw Refusal("it reshapes \(dimensions) to \(target), which does not fit") }
    return shape
  }
}

extension ONNXGraph.Node {
  func integer(_ name: String, _ standard: Int) -> Int { attributes[name].map { Int(clamping: $0.i) } ?? standard }

  func real(_ name: String, _ standard: Double) -> Double { attributes[name].map { Double("\($0.f)") ?? Double($0.f) } ?? standard }

  func integers(_ name: String) -> [Int]? { attributes[name].map { $0.ints.map { Int(clamping: $0) } } }

  func text(_ name: String, _ standard: String) -> String {
    attributes[name].map { String(decoding: $0.s, as: UTF8.self) } ?? standard
  }

  /// The axes, an attribute in earlier versions and the second input in later ones; nil if there are none.
  func axes(_ operands: [Numbers?]) -> [Int]? { integers("axes") ?? (operands.count > 1 ? operands[1]?.sizes : nil) }
}
