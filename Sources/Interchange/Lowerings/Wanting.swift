extension Lowering {
  /// What operations without a rule would take, and what helps, as what stands behind their names in a message.
  static let wanting: [String: String] = {
    var words: [String: String] = [:]
    func say(_ text: String, _ operations: String...) { for operation in operations { words[operation] = text } }
    say(
      "its result is places or truth values, and those here are real numbers: end the exported model before it", "ArgMax", "ArgMin", "TopK",
      "NonZero", "Equal", "Greater", "GreaterOrEqual", "Less", "LessOrEqual", "And", "Or", "Not", "Xor", "IsNaN", "IsInf", "BitShift",
      "BitwiseAnd", "BitwiseOr", "BitwiseXor", "BitwiseNot", "Hardmax", "OneHot")
    say(
      "it needs values that choose between others: export the model without it", "Where", "ScatterND", "ScatterElements", "Scatter",
      "GatherND", "GatherElements", "Compress")
    say("it runs a graph of its own: export the model with that graph in its place", "If", "Loop", "Scan", "SequenceMap")
    say(
      "how many results it has depends on the values: end the exported model before it", "NonMaxSuppression", "Unique", "RoiAlign",
      "MaxRoiPool")
    say("a layer that goes from step to step would be needed", "LSTM", "GRU", "RNN")
    say(
      "layers of whole numbers would be needed: export the model before it is quantised", "QuantizeLinear", "DequantizeLinear",
      "DynamicQuantizeLinear", "QLinearConv", "QLinearMatMul", "ConvInteger", "MatMulInteger")
    say(
      "it draws random numbers: export the model for inference", "RandomNormal", "RandomNormalLike", "RandomUniform", "RandomUniformLike",
      "Bernoulli", "Multinomial")
    return words
  }()
}
