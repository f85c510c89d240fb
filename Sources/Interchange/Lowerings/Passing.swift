internal import Networks

extension Lowering {
  /// What hands its input on: `Identity`, and `Dropout`, which training uses.
  static let passing = [
    Rule("Identity") { lowering, node in
      guard let value = lowering.value(node, 0) else { throw Refusal("it has no input") }
      return [value]
    },
    // Between types of floating-point numbers: all are float32 here.
    Rule("Cast") { lowering, node in
      let element = ONNXTensor.Element(rawValue: Int32(clamping: node.integer("to", 1)))
      guard let value = lowering.value(node, 0), let element, !element.isInteger else {
        throw Refusal("it makes \(element.map { "\($0)" } ?? "another type"), and values here are float32")
      }
      return [value]
    },
    Rule("Dropout") { lowering, node in
      let source = try lowering.view(node)
      // From version 12 on the fraction is an input.
      let fraction = try node.attributes["ratio"] != nil ? node.real("ratio", 0.5) : lowering.numbers(node, 1)?.values.first ?? 0.5
      guard try lowering.numbers(node, 2)?.values.first ?? 0 == 0 else {
        throw Refusal("it is in training mode; export the model for inference")
      }
      return [.feature(fraction == 0 ? source : try lowering.emit(.dropout(fraction), over: source, as: node))]
    },
  ]
}
