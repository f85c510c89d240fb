internal import Networks

/// Whole numbers of which every example has its own: step·n + numbers for example n, along the first axis.
///
/// PyTorch's newer exporter writes strides of a value (`as_strided`) as places in all of its numbers, batch included, in one row.
struct Places {
  /// The distance of neighbouring examples.
  var step: Double
  /// The numbers of the first example, whose first axis, the batch's, is 1.
  var numbers: Numbers
}

extension Lowering {
  /// Returns the places that a node computes where the batch's size is open; nil if it computes something else.
  ///
  /// A `Range` over the batch begins them, which factors, further axes and constants follow.
  func places(_ node: ONNXGraph.Node) throws -> Places? {
    if node.operation == "Range", case .constant? = value(node, 1) {
      let operands = try operands(node)
      guard batch == Self.openBatch, operands.count == 3, try operands.scalar(1) == Double(batch), try operands.scalar(0) == 0,
        try operands.scalar(2) == 1
      else { return nil }
      return Places(step: 1, numbers: Numbers([0]))
    }
    for (index, other) in [(0, 1), (1, 0)] {
      guard case .places(var places)? = value(node, index) else { continue }
      try work.charge(places.numbers.values.count)
      let rank = places.numbers.dimensions.count
      switch node.operation {
      case "Mul":
        guard let factor = try numbers(node, other), factor.values.count == 1, factor.dimensions.count <= rank else { throw Self.misplaced }
        places.numbers.values = places.numbers.values.map { $0 * factor.values[0] }
        places.step *= factor.values[0]
        return places
      case "Add":
        guard let shift = try numbers(node, other),
          shift.dimensions.count < rank || shift.dimensions.count == rank && shift.dimensions[0] == 1
        else { throw Self.misplaced }
        places.numbers = try Numbers.combining(places.numbers, shift, isInteger: true, +)
        return places
      case "Unsqueeze":
        guard let fold = ConstantFolding.all[node.operation] else { return nil }
        let operands = try [places.numbers] + operands(node).dropFirst()
        places.numbers = try fold(node, operands)
        // The batch's axis stays the first.
        let axes = (node.axes(operands) ?? []).map { $0.axis(of: places.numbers.dimensions.count) ?? 0 }
        guard axes.allSatisfy({ $0 > 0 }) else { throw Self.misplaced }
        return places
      default: return nil
      }
    }
    return nil
  }

  /// Returns what lies at given places of all numbers of a value in one row, if they are all of them in their order: the value in another shape.
  func taken(_ places: Places, of view: View, axis: Int) throws -> View {
    let numbers = places.numbers
    try work.charge(numbers.values.count)
    guard axis == 0, view.axes.count == 1, places.step == Double(numbers.values.count),
      numbers.values.indices.allSatisfy({ numbers.values[$0] == Double($0) }),
      let result = view.reshaped([batch] + numbers.dimensions.dropFirst())
    else { throw Self.misplaced }
    return result
  }

  private static let misplaced = Refusal("its places are not those of all numbers of each example, one after another")
}
