internal import Words

/// A small constant that is computed with while a graph is read: sizes, axes, scalars.
struct Numbers {
  var dimensions: [Int]
  var values: [Double]
  /// Whether quotients are rounded towards 0.
  var isInteger: Bool

  /// A vector of whole numbers.
  init(_ sizes: [Int]) { (dimensions, values, isInteger) = ([sizes.count], sizes.map(Double.init), true) }

  /// - Throws: ``Refusal`` for numbers that do not fill the shape, or are more than anybody computes sizes with.
  init(_ dimensions: [Int], _ values: [Double], isInteger: Bool) throws {
    guard Self.count(dimensions) == values.count else { throw Refusal("its constants do not fit each other") }
    (self.dimensions, self.values, self.isInteger) = (dimensions, values, isInteger)
  }

  /// The numbers as sizes; those beyond any size, as exporters write for "to the end", are the largest of all.
  var sizes: [Int] { values.map { Int(exactly: $0.rounded(.towardZero)) ?? ($0 < 0 ? .min / 4 : .max / 4) } }

  /// The number of elements of a shape; nil if it is none, or they or its axes are too many.
  static func count(_ dimensions: [Int]) -> Int? {
    guard dimensions.count <= 16 else { return nil }
    var count = 1
    for size in dimensions {
      let (product, overflow) = count.multipliedReportingOverflow(by: size)
      guard size >= 0, !overflow, product <= ONNXTensor.mostNumbers else { return nil }
      count = product
    }
    return count
  }

  /// Returns the element-wise result of two, after broadcasting to a common shape.
  static func combining(_ one: Numbers, _ other: Numbers, isInteger: Bool, _ combine: (Double, Double) -> Double) throws -> Numbers {
    let (dimensions, count) = try common([one, other])
    let places = zip(one.places(in: dimensions, count), other.places(in: dimensions, count))
    return try Numbers(dimensions, places.map { combine(one.values[$0], other.values[$1]) }, isInteger: isInteger)
  }

  /// Returns the element-wise result, after broadcasting to a common shape.
  static func combining(_ operands: [Numbers], isInteger: Bool, _ combine: ([Double]) -> Double) throws -> Numbers {
    let (dimensions, count) = try common(operands)
    let places = operands.map { $0.places(in: dimensions, count) }
    let values = (0..<count).map { index in combine(zip(operands, places).map { $0.values[$1[index]] }) }
    return try Numbers(dimensions, values, isInteger: isInteger)
  }

  /// The shape that operands are broadcast to, and the number of its elements.
  private static func common(_ operands: [Numbers]) throws -> (dimensions: [Int], count: Int) {
    let rank = operands.map(\.dimensions.count).max() ?? 0
    var dimensions = [Int](repeating: 1, count: rank)
    for operand in operands {
      for (axis, size) in zip((rank - operand.dimensions.count)..., operand.dimensions) where size != 1 {
        guard dimensions[axis] == 1 || dimensions[axis] == size else { throw Refusal("its constants do not fit each other") }
        dimensions[axis] = size
      }
    }
    guard let count = count(dimensions) else { throw Refusal("its constants are too large to compute with") }
    return (dimensions, count)
  }

  /// The row-major index of the element that is broadcast to each place of a shape.
  private func places(in shape: [Int], _ count: Int) -> [Int] {
    if values.count == count { return Array(0..<count) }
    if values.count == 1 { return Array(repeating: 0, count: count) }
    var result = [0]
    result.reserveCapacity(count)
    // The outermost axis first: each place becomes one for each index of the next.
    let missing = shape.count - dimensions.count
    for (axis, size) in shape.enumerated() {
      let own = axis < missing ? 1 : dimensions[axis - missing]
      var next: [Int] = []
      next.reserveCapacity(result.count * size)
      for place in result { for index in 0..<size { next.append(own == 1 ? place : place * size + index) } }
      result = next
    }
    return result
  }

  /// Returns the place of the part that indices of the first axes choose, among parts of its size; negative ones count from the end.
  func start(of indices: ArraySlice<Int>) throws -> Int {
    try zip(dimensions, indices).reduce(0) { start, axis in
      guard (-axis.0..<axis.0).contains(axis.1) else { throw Refusal("its index lies outside of its constant") }
      return start * axis.0 + (axis.1 < 0 ? axis.1 + axis.0 : axis.1)
    }
  }

  /// Returns the given indices along an axis.
  func taking(_ indices: [Int], axis: Int) throws -> Numbers {
    guard dimensions.indices.contains(axis) else { throw Refusal("its axis \(axis) does not exist") }
    var result = dimensions
    result[axis] = indices.count
    guard indices.allSatisfy({ (0..<dimensions[axis]).contains($0) }), let count = Self.count(result) else {
      throw Refusal("its index lies outside of its constant")
    }
    let (run, size) = (dimensions[(axis + 1)...].reduce(1, *), dimensions[axis])
    var taken: [Double] = []
    taken.reserveCapacity(count)
    for outer in 0..<dimensions[..<axis].reduce(1, *) {
      for index in indices {
        let start = (outer * size + index) * run
        taken += values[start..<(start + run)]
      }
    }
    return try Numbers(result, taken, isInteger: isInteger)
  }
}

extension Int {
  /// The axis counted from the first, where it may be counted from the last as −1; nil if there is no such axis.
  func axis(of rank: Int) -> Int? {
    let axis = self < 0 ? self + rank : self
    return (0..<rank).contains(axis) ? axis : nil
  }
}
