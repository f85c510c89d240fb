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

  /// Returns the element-wise result, after broadcasting to a common shape.
  static func combining(_ operands: [Numbers], isInteger: Bool, _ combine: ([Double]) -> Double) throws -> Numbers {
    let rank = operands.map(\.dimensions.count).max() ?? 0
    var dimensions = [Int](repeating: 1, count: rank)
    for operand in operands {
      for (axis, size) in zip((rank - operand.dimensions.count)..., operand.dimensions) where size != 1 {
        guard dimensions[axis] == 1 || dimensions[axis] == size else { throw Refusal("its constants do not fit each other") }
        dimensions[axis] = size
      }
    }
    guard let count = count(dimensions) else { throw Refusal("its constants are too large to compute with") }
    // As many elements as the result has lie in its order; one is for all.
    if operands.allSatisfy({ $0.values.count == count || $0.values.count == 1 }) {
      let values = (0..<count).map { index in combine(operands.map { $0.values[$0.values.count == 1 ? 0 : index] }) }
      return try Numbers(dimensions, values, isInteger: isInteger)
    }
    let values = (0..<count).map { index -> Double in
      let place = Self.place(index, dimensions)
      return combine(operands.map { $0.values[$0.index(broadcast: place)] })
    }
    return try Numbers(dimensions, values, isInteger: isInteger)
  }

  /// The coordinates of the element at a row-major index.
  static func place(_ index: Int, _ dimensions: [Int]) -> [Int] {
    var (rest, place) = (index, [Int](repeating: 0, count: dimensions.count))
    for axis in dimensions.indices.reversed() {
      place[axis] = rest % dimensions[axis]
      rest /= dimensions[axis]
    }
    return place
  }

  /// The row-major index of coordinates, of which leading ones may be missing here and single ones are shared.
  private func index(broadcast place: [Int]) -> Int {
    zip(dimensions, place.suffix(dimensions.count)).reduce(0) { $0 * $1.0 + ($1.0 == 1 ? 0 : $1.1) }
  }

  /// Returns the given indices along an axis.
  func taking(_ indices: [Int], axis: Int) throws -> Numbers {
    guard dimensions.indices.contains(axis) else { throw Refusal("its axis \(axis) does not exist") }
    var result = dimensions
    result[axis] = indices.count
    guard indices.allSatisfy({ (0..<dimensions[axis]).contains($0) }), let count = Self.count(result) else {
      throw Refusal("its index lies outside of its constant")
    }
    let taken = (0..<count).map { index -> Double in
      var place = Self.place(index, result)
      place[axis] = indices[place[axis]]
      return values[self.index(broadcast: place)]
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
