internal import Words

/// An operation's JSON: a flat object with a `type`, `{"type": "convolution", "inputs": 3, "outputs": 64, "kernel": [3, 3], "stride": [1,
/// 1], …}`.
///
/// All fields are written, but for one that is younger than its operation and has its default. On reading, fields with a default in the Swift initialiser may be left out, and a field that the operation
/// does not have is an error: an option of a later version must not be ignored silently.
extension Operation: Codable {
  /// - Throws: ``NetworkError/malformed(_:)`` naming type and field for an unknown type, a missing, unknown or ill-typed field, or a size
  ///   that no layer can have.
  public init(from decoder: any Decoder) throws {
    let fields = try OperationFields(from: decoder)
    switch fields.type {
    case .input:
      try fields.allow(["shape"])
      self = .input(try fields.required("shape", as: FeatureShape.self, "an array of dimensions"))
    case .linear:
      try fields.allow(["inputs", "outputs", "bias"])
      self = .linear(Linear(try fields.integer("inputs"), try fields.integer("outputs"), bias: try fields.flag("bias", default: true)))
    case .convolution:
      try fields.allow(["inputs", "outputs", "kernel", "stride", "padding", "dilation", "groups", "bias", "outputPadding"])
      self = .convolution(
        Convolution(
          try fields.integer("inputs"), try fields.integer("outputs"), kernel: try fields.extent("kernel"),
          stride: try fields.extent("stride", default: Extent(1)), padding: try fields.extent("padding", default: Extent(0)),
          dilation: try fields.extent("dilation", default: Extent(1)), groups: try fields.integer("groups", default: 1),
          bias: try fields.flag("bias", default: true),
          outputPadding: try fields.has("outputPadding") ? fields.extent("outputPadding") : nil))
    case .batchNorm:
      try fields.allow(["features", "epsilon", "momentum", "affine"])
      self = .batchNorm(
        BatchNorm(
          try fields.integer("features"), epsilon: try fields.number("epsilon", default: 1e-5),
          momentum: try fields.number("momentum", default: 0.1), affine: try fields.flag("affine", default: true)))
    case .groupNorm:
      try fields.allow(["groups", "features", "epsilon", "affine", "absent"])
      self = .groupNorm(
        GroupNorm(
          groups: try fields.integer("groups"), try fields.integer("features"), epsilon: try fields.number("epsilon", default: 1e-5),
          affine: try fields.flag("affine", default: true), absent: try fields.integer("absent", default: 0)))
    case .activation:
      let name = try fields.required("function", as: String.self, "a name")
      guard let function = try Activation.named(name, { try fields.number($0, default: $1) }) else {
        let known = Activation.allCases.map(\.name).joined(separator: ", ")
        throw NetworkError.malformed("activation: unknown function \(name.quoted); known: \(known)")
      }
      try fields.allow(Set(["function"] + function.numbers.map(\.name)))
      self = .activation(function)
    case .channelNorm:
      try fields.allow(["features", "epsilon", "affine", "absent"])
      self = .channelNorm(
        ChannelNorm(
          try fields.integer("features"), epsilon: try fields.number("epsilon", default: 1e-5),
          affine: try fields.flag("affine", default: true), absent: try fields.integer("absent", default: 0)))
    case .channelAffine:
      try fields.allow(["features", "bias"])
      self = .channelAffine(ChannelAffine(try fields.integer("features"), bias: try fields.flag("bias", default: true)))
    case .localResponseNorm:
      try fields.allow(["size", "alpha", "beta", "k"])
      self = .localResponseNorm(
        LocalResponseNorm(
          try fields.integer("size"), alpha: try fields.number("alpha", default: 1e-4), beta: try fields.number("beta", default: 0.75),
          k: try fields.number("k", default: 1)))
    case .prelu:
      try fields.allow(["features"])
      self = .prelu(PReLU(try fields.integer("features", default: 1)))
    case .softmax:
      try fields.allow([])
      self = .softmax
    case .attention:
      try fields.allow(["heads", "keyWidth", "valueWidth", "scale", "unit", "window", "grid", "shift", "bias", "cosine"])
      let name = try fields.required("unit", as: String.self, "a name")
      guard let unit = Attention.Unit(rawValue: name) else {
        let known = Attention.Unit.allCases.map(\.rawValue).joined(separator: ", ")
        throw NetworkError.malformed("attention: unknown unit \(name.quoted); known: \(known)")
      }
      let window =
        try fields.has("window")
        ? Attention.Window(
          fields.extent("window"), isGrid: fields.flag("grid", default: false), shift: fields.extent("shift", default: Extent(0))) : nil
      if window == nil, let other = ["grid", "shift"].first(where: fields.has) {
        throw NetworkError.malformed("attention: field \"\(other)\" goes with \"window\" alone")
      }
      self = .attention(
        Attention(
          heads: try fields.integer("heads"), width: try fields.integer("keyWidth"), valueWidth: try fields.integer("valueWidth"),
          scale: try fields.number("scale"), unit: unit, window: window, bias: try fields.has("bias") ? fields.extent("bias") : nil,
          isCosine: try fields.flag("cosine", default: false)))
    case .classToken:
      try fields.allow(["features"])
      self = .classToken(features: try fields.integer("features"))
    case .positionEmbedding:
      try fields.allow(["features", "size"])
      let size = try fields.extent("size")
      self = .positionEmbedding(PositionEmbedding(try fields.integer("features"), height: size.height, width: size.width))
    case .arrange:
      try fields.allow(["size"])
      let size = try fields.extent("size")
      self = .arrange(height: size.height, width: size.width)
    case .roll:
      try fields.allow(["down", "right"])
      self = .roll(down: try fields.integer("down", default: 0), right: try fields.integer("right", default: 0))
    case .maxPool: self = .maxPool(try fields.pooling())
    case .averagePool: self = .averagePool(try fields.pooling(["countsPadding"]))
    case .adaptiveAveragePool:
      try fields.allow(["size"])
      let size = try fields.extent("size")
      self = .adaptiveAveragePool(height: size.height, width: size.width)
    case .adaptiveMaxPool:
      try fields.allow(["size"])
      let size = try fields.extent("size")
      self = .adaptiveMaxPool(height: size.height, width: size.width)
    case .pad:
      try fields.allow(["top", "bottom", "left", "right"])
      self = .pad(
        top: try fields.integer("top", default: 0), bottom: try fields.integer("bottom", default: 0),
        left: try fields.integer("left", default: 0), right: try fields.integer("right", default: 0))
    case .resize:
      try fields.allow(["size", "interpolation"])
      let size = try fields.extent("size")
      let name = try fields.required("interpolation", as: String.self, "a name")
      guard let interpolation = Interpolation(rawValue: name) else {
        let known = Interpolation.allCases.map(\.rawValue).joined(separator: ", ")
        throw NetworkError.malformed("resize: unknown interpolation \(name.quoted); known: \(known)")
      }
      self = .resize(height: size.height, width: size.width, interpolation)
    case .dropout:
      try fields.allow(["probability"])
      self = .dropout(try fields.number("probability"))
    case .flatten:
      try fields.allow([])
      self = .flatten
    case .add:
      try fields.allow([])
      self = .add
    case .subtract:
      try fields.allow([])
      self = .subtract
    case .multiply:
      try fields.allow([])
      self = .multiply
    case .concat:
      try fields.allow([])
      self = .concat
    case .narrow:
      try fields.allow(["start", "count"])
      self = .narrow(start: try fields.integer("start"), count: try fields.integer("count"))
    case .indexSelect:
      try fields.allow(["indices"])
      self = .indexSelect(try fields.required("indices", as: [Int].self, "an array of whole numbers"))
    case .subsamplePad:
      try fields.allow(["stride", "before", "after"])
      self = .subsamplePad(
        stride: try fields.integer("stride"), before: try fields.integer("before"), after: try fields.integer("after"))
    case .opaque:
      let text = try fields.required("function", as: String.self, "a name")
      guard let name = OpaqueFunction.Name(rawValue: text) else {
        let known = OpaqueFunction.Name.allCases.map(\.rawValue).joined(separator: ", ")
        throw NetworkError.malformed("opaque: unknown function \(text.quoted); known: \(known)")
      }
      try fields.allow(Set(["function"] + name.numberNames))
      self = .opaque(OpaqueFunction(name, numbers: try name.numberNames.map { try fields.number($0) }))
    }
    if let problem { throw NetworkError.malformed("\(kind): \(problem)") }
  }

  /// Encodes the fields of the operation, defaults included.
  public func encode(to encoder: any Encoder) throws {
    var fields = encoder.container(keyedBy: FieldKey.self)
    try fields.encode(kind, forKey: "type")
    switch self {
    case .input(let shape): try fields.encode(shape, forKey: "shape")
    case .linear(let layer):
      try fields.encode(layer.inputs, forKey: "inputs")
      try fields.encode(layer.outputs, forKey: "outputs")
      try fields.encode(layer.bias, forKey: "bias")
    case .convolution(let layer):
      try fields.encode(layer.inputs, forKey: "inputs")
      try fields.encode(layer.outputs, forKey: "outputs")
      try fields.encode(layer.kernel, forKey: "kernel")
      try fields.encode(layer.stride, forKey: "stride")
      try fields.encode(layer.padding, forKey: "padding")
      try fields.encode(layer.dilation, forKey: "dilation")
      try fields.encode(layer.groups, forKey: "groups")
      try fields.encode(layer.bias, forKey: "bias")
      if let padding = layer.outputPadding { try fields.encode(padding, forKey: "outputPadding") }
    case .batchNorm(let norm):
      try fields.encode(norm.features, forKey: "features")
      try fields.encode(norm.epsilon, forKey: "epsilon")
      try fields.encode(norm.momentum, forKey: "momentum")
      try fields.encode(norm.affine, forKey: "affine")
    case .groupNorm(let norm):
      try fields.encode(norm.groups, forKey: "groups")
      try fields.encode(norm.features, forKey: "features")
      try fields.encode(norm.epsilon, forKey: "epsilon")
      try fields.encode(norm.affine, forKey: "affine")
      try fields.encode(norm.absent, forKey: "absent")
    case .channelNorm(let norm):
      try fields.encode(norm.features, forKey: "features")
      try fields.encode(norm.epsilon, forKey: "epsilon")
      try fields.encode(norm.affine, forKey: "affine")
      try fields.encode(norm.absent, forKey: "absent")
    case .channelAffine(let layer):
      try fields.encode(layer.features, forKey: "features")
      try fields.encode(layer.bias, forKey: "bias")
    case .localResponseNorm(let norm):
      try fields.encode(norm.size, forKey: "size")
      try fields.encode(norm.alpha, forKey: "alpha")
      try fields.encode(norm.beta, forKey: "beta")
      try fields.encode(norm.k, forKey: "k")
    case .activation(let function):
      try fields.encode(function.name, forKey: "function")
      // A hard sigmoid's slope is younger than the function.
      for (name, value) in function.numbers where function != .hardSigmoid() {
        try fields.encode(value, forKey: FieldKey(stringValue: name))
      }
    case .prelu(let layer): try fields.encode(layer.features, forKey: "features")
    case .attention(let layer):
      try fields.encode(layer.heads, forKey: "heads")
      try fields.encode(layer.keyWidth, forKey: "keyWidth")
      try fields.encode(layer.valueWidth, forKey: "valueWidth")
      try fields.encode(layer.scale, forKey: "scale")
      try fields.encode(layer.unit.rawValue, forKey: "unit")
      // What most have not is left out, as before there was any of it.
      if let window = layer.window {
        try fields.encode(window.size, forKey: "window")
        if window.isGrid { try fields.encode(true, forKey: "grid") }
        if window.shift != Extent(0) { try fields.encode(window.shift, forKey: "shift") }
      }
      if let bias = layer.bias { try fields.encode(bias, forKey: "bias") }
      if layer.isCosine { try fields.encode(true, forKey: "cosine") }
    case .classToken(let features): try fields.encode(features, forKey: "features")
    case .positionEmbedding(let layer):
      try fields.encode(layer.features, forKey: "features")
      try fields.encode(Extent(layer.height, layer.width), forKey: "size")
    case .maxPool(let pooling), .averagePool(let pooling):
      try fields.encode(pooling.kernel, forKey: "kernel")
      try fields.encode(pooling.stride, forKey: "stride")
      try fields.encode(pooling.padding, forKey: "padding")
      try fields.encode(pooling.ceilMode, forKey: "ceilMode")
      // Left out where it counts, so that what earlier versions wrote and what this one writes are the same.
      if !pooling.countsPadding { try fields.encode(false, forKey: "countsPadding") }
    case .roll(let down, let right):
      try fields.encode(down, forKey: "down")
      try fields.encode(right, forKey: "right")
    case .pad(let top, let bottom, let left, let right):
      try fields.encode(top, forKey: "top")
      try fields.encode(bottom, forKey: "bottom")
      try fields.encode(left, forKey: "left")
      try fields.encode(right, forKey: "right")
    case .resize(let height, let width, let interpolation):
      try fields.encode(Extent(height, width), forKey: "size")
      try fields.encode(interpolation.rawValue, forKey: "interpolation")
    case .adaptiveAveragePool(let height, let width), .adaptiveMaxPool(let height, let width), .arrange(let height, let width):
      try fields.encode(Extent(height, width), forKey: "size")
    case .dropout(let probability): try fields.encode(probability, forKey: "probability")
    case .softmax, .flatten, .add, .subtract, .multiply, .concat: break
    case .narrow(let start, let count):
      try fields.encode(start, forKey: "start")
      try fields.encode(count, forKey: "count")
    case .indexSelect(let indices): try fields.encode(indices, forKey: "indices")
    case .subsamplePad(let stride, let before, let after):
      try fields.encode(stride, forKey: "stride")
      try fields.encode(before, forKey: "before")
      try fields.encode(after, forKey: "after")
    case .opaque(let function):
      try fields.encode(function.name.rawValue, forKey: "function")
      for (name, number) in zip(function.name.numberNames, function.numbers) {
        try fields.encode(number, forKey: FieldKey(stringValue: name))
      }
    }
  }
}

/// An extent's JSON: `[height, width]`.
extension Extent: Codable {
  /// - Throws: ``NetworkError/malformed(_:)`` unless there are two whole numbers.
  public init(from decoder: any Decoder) throws {
    guard let pair = try? decoder.singleValueContainer().decode([Int].self), pair.count == 2 else {
      throw NetworkError.malformed("an extent must be [height, width] in whole numbers")
    }
    self.init(pair[0], pair[1])
  }

  /// Encodes `[height, width]`.
  public func encode(to encoder: any Encoder) throws {
    var container = encoder.singleValueContainer()
    try container.encode([height, width])
  }
}

/// A key of a JSON object with any name, so that unknown keys can be found.
struct FieldKey: CodingKey, ExpressibleByStringLiteral {
  let stringValue: String
  var intValue: Int? { nil }
  init(stringValue: String) { self.stringValue = stringValue }
  init(stringLiteral value: String) { self.stringValue = value }
  init?(intValue: Int) { nil }
}

/// The fields of one operation's JSON object, read with errors that name type and field.
private struct OperationFields {
  let type: Operation.Kind
  private let container: KeyedDecodingContainer<FieldKey>

  init(from decoder: any Decoder) throws {
    guard let container = try? decoder.container(keyedBy: FieldKey.self), let name = try? container.decode(String.self, forKey: "type")
    else { throw NetworkError.malformed("an operation must be an object with a field \"type\"") }
    guard let type = Operation.Kind(rawValue: name) else {
      let known = Operation.Kind.allCases.map(\.rawValue).joined(separator: ", ")
      throw NetworkError.malformed("unknown operation type \(name.quoted); known: \(known)")
    }
    self.type = type
    self.container = container
  }

  func allow(_ names: Set<String>) throws {
    // The alphabetically first, so that the message does not depend on the dictionary's order.
    let unknown = container.allKeys.map(\.stringValue).filter { $0 != "type" && !names.contains($0) }.min()
    if let unknown { throw NetworkError.malformed("\(type.rawValue): unknown field \(unknown.quoted)") }
  }

  func required<Value: Decodable>(_ name: String, as: Value.Type, _ wanted: String) throws -> Value {
    let key = FieldKey(stringValue: name)
    guard container.contains(key) else { throw NetworkError.malformed("\(type.rawValue): field \"\(name)\" is missing") }
    do { return try container.decode(Value.self, forKey: key) } catch let NetworkError.malformed(problem) {
      throw NetworkError.malformed("\(type.rawValue): field \"\(name)\": \(problem)")
    } catch {
      // Not only DecodingError: Foundation throws an error of its own for 3.5 where a whole number is wanted.
      throw NetworkError.malformed("\(type.rawValue): field \"\(name)\" must be \(wanted)")
    }
  }

  private func value<Value: Decodable>(_ name: String, default fallback: Value?, _ wanted: String) throws -> Value {
    if let fallback, !container.contains(FieldKey(stringValue: name)) { return fallback }
    return try required(name, as: Value.self, wanted)
  }

  func has(_ name: String) -> Bool { container.contains(FieldKey(stringValue: name)) }
  func integer(_ name: String, default fallback: Int? = nil) throws -> Int { try value(name, default: fallback, "a whole number") }
  func number(_ name: String, default fallback: Double? = nil) throws -> Double { try value(name, default: fallback, "a number") }
  func flag(_ name: String, default fallback: Bool) throws -> Bool { try value(name, default: fallback, "true or false") }
  func extent(_ name: String, default fallback: Extent? = nil) throws -> Extent { try value(name, default: fallback, "[height, width]") }

  func pooling(_ more: Set<String> = []) throws -> Pooling {
    try allow(more.union(["kernel", "stride", "padding", "ceilMode"]))
    let kernel = try extent("kernel")
    return Pooling(
      kernel: kernel, stride: try extent("stride", default: kernel), padding: try extent("padding", default: Extent(0)),
      ceilMode: try flag("ceilMode", default: false), countsPadding: try flag("countsPadding", default: true))
  }
}
