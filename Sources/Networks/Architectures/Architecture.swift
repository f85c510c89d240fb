internal import Words

/// A family of networks that a name can ask for, such as `vgg11 … vgg19-bn-cifar:512-512`.
///
/// Adding a family is one new file with a static member and one line in ``all``.
///
/// ```swift
/// let network = try Architecture.parse("vgg16-bn-cifar", input: .image(channels: 3, height: 32, width: 32), classes: 10)
/// ```
public struct Architecture: Sendable {
  /// How the family's names are spelled, e.g. `resnet-(6n+2)`.
  public let pattern: String
  /// One line for catalogues and help texts: the layout and the paper.
  public let summary: String
  /// Names of members of the family; all of them where there are only a few.
  public let examples: [String]
  /// Returns the blueprint of the member with the given name, or nil if the name belongs to another family.
  let blueprint: @Sendable (String) throws -> Blueprint?

  /// The native input shape of the first example, e.g. 3×224×224.
  public var nativeInput: FeatureShape? {
    guard let example = examples.first, let blueprint = try? blueprint(example) else { return nil }
    return blueprint.input.native
  }

  /// All families, in the order of lists and help texts.
  public static let all: [Architecture] = [
    .leNet300, .leNet5, .leNet5BatchNorm, .mlp, .frankleConvolutional, .meanReplacementConvolutional, .alexNet, .meanReplacementAlexNet,
    .vgg, .vggCIFAR,
    .resNetCIFAR, .resNetImageNet, .mobileNetV2, .denseNet121, .googLeNet, .squeezeNet,
    .mobileNetV3, .efficientNetB0, .shuffleNetV2, .mnasNet, .regNetY400MF, .convNeXtTiny, .resNeXt50, .inceptionV3, .visionTransformer,
  ]

  /// The example names of all families, for lists and suggestions.
  public static var names: [String] { all.flatMap(\.examples) }

  /// Builds the network with the given name for inputs of shape `input` and for `classes` classes; nil means the network's native shape
  /// and number of classes.
  ///
  /// Networks that begin by flattening take any input of matching size, networks that end in adaptive pooling any image of at least their
  /// minimum size, all others their native shape only. The last layer has `classes` units. The suffix `-xN` on any name multiplies all
  /// hidden widths by N, from 2 to 64 (``Network/widened(by:name:)``): `lenet-300-100-x2` is 784→600→200→10.
  /// - Parameters:
  ///   - dataset: what error messages call the data.
  ///   - labels: what they call that which has the classes; the data unless given.
  /// - Throws: ``NetworkError/architecture(_:)`` for an unknown name (the message suggests the nearest known one) or a network that does
  ///   not suit the data (the message lists those that do).
  public static func parse(
    _ text: String, input: FeatureShape? = nil, classes: Int? = nil, dataset: String? = nil, labels: String? = nil
  ) throws -> Network {
    try NetworkError.naming { try network(text, input: input, classes: classes, dataset: dataset, labels: labels) }
  }

  private static func network(
    _ text: String, input: FeatureShape?, classes: Int?, dataset: String?, labels: String?
  ) throws -> Network {
    if let (base, factor) = try widthFactor(of: text) {
      return try network(base, input: input, classes: classes, dataset: dataset, labels: labels).widened(by: factor, name: text)
    }
    guard let blueprint = try blueprint(named: text) else { throw unknown(text) }
    let shape = input ?? blueprint.input.native
    let data = dataset ?? "the data set"
    guard shape.isReasonable else { throw NetworkError.architecture("input shape \(shape) of \(data) is out of range") }
    guard blueprint.input.accepts(shape) else {
      var message = "network \(text) takes \(blueprint.input), \(data) has \(shape)"
      let fitting = patterns(for: shape)
      if !fitting.isEmpty { message += "; networks for \(shape): \(fitting.joined(separator: ", "))" }
      throw NetworkError.architecture(message)
    }
    let (count, labels) = (classes ?? blueprint.classes.native, labels ?? data)
    guard (1...Limits.size).contains(count) else { throw NetworkError.architecture("\(labels) has \(count) classes; at least 1 is needed") }
    if case .exactly(let outputs) = blueprint.classes, outputs != count {
      throw NetworkError.architecture("network \(text) has \(outputs) outputs, \(labels) has \(count) classes")
    }
    return try blueprint.build(shape, count)
  }

  /// Returns the patterns of the families that have a member for inputs of the given shape.
  static func patterns(for shape: FeatureShape) -> [String] {
    all.filter { family in
      family.examples.contains { name in
        guard let blueprint = try? family.blueprint(name) else { return false }
        // Widths can be named for any shape.
        if blueprint.input.isElements { return true }
        return blueprint.input.accepts(shape) && (try? blueprint.build(shape, blueprint.classes.native)) != nil
      }
    }.map(\.pattern)
  }

  private static func blueprint(named text: String) throws -> Blueprint? {
    for family in all { if let blueprint = try family.blueprint(text) { return blueprint } }
    return nil
  }

  /// Splits `lenet-300-100-x2` into the base name and the factor; nil for a name without `-xN`.
  private static func widthFactor(of text: String) throws -> (base: String, factor: Int)? {
    guard let dash = text.lastIndex(of: "-"), let digits = String(text[dash...]).after("-x"), let factor = digits.depth else { return nil }
    guard (2...64).contains(factor) else {
      throw NetworkError.architecture("network \(text.quoted): hidden widths can be multiplied by 2 to 64, e.g. lenet-300-100-x2")
    }
    return (String(text[..<dash]), factor)
  }

  private static func unknown(_ text: String) -> NetworkError {
    if let name = nearest(to: text, among: names) {
      return .architecture("unknown network \(text.quoted); did you mean \(name)?")
    }
    return .architecture("unknown network \(text.quoted); known: \(all.map(\.pattern).joined(separator: ", "))")
  }
}

/// One member of a family, before the shape and the classes of the data are known.
struct Blueprint: Sendable {
  /// The inputs that a network accepts.
  enum Input: Sendable, CustomStringConvertible {
    /// Any shape; the network flattens it.
    case anything(native: FeatureShape)
    /// Any shape with this many elements; the network flattens it.
    case elements(Int)
    /// This shape only.
    case exactly(FeatureShape)
    /// Images with the native number of channels and at least `minimum` pixels in height and width.
    case images(native: FeatureShape, minimum: Int)

    var native: FeatureShape {
      switch self {
      case .anything(let native), .exactly(let native), .images(let native, _): native
      case .elements(let count): .vector(count)
      }
    }

    /// Whether a member of the family can be named for any shape.
    var isElements: Bool { if case .elements = self { true } else { false } }

    func accepts(_ shape: FeatureShape) -> Bool {
      switch (self, shape) {
      case (.anything, _): true
      case (.elements(let count), _): shape.elements == count
      case (.exactly(let native), _): shape == native
      case (.images(let native, let minimum), .image(let channels, let height, let width)):
        channels == native.channels && height >= minimum && width >= minimum
      case (.images, .vector): false
      }
    }

    var description: String {
      switch self {
      case .anything: "any input"
      case .elements(let count): "\(count) inputs"
      case .exactly(let shape): "\(shape) images"
      case .images(let native, let minimum): "\(native) images (or other sizes from \(minimum)×\(minimum) on)"
      }
    }
  }

  /// The numbers of classes that a network can be built for.
  enum Classes: Sendable {
    case any(native: Int)
    case exactly(Int)

    var native: Int {
      switch self {
      case .any(let count), .exactly(let count): count
      }
    }
  }

  var input: Input
  var classes: Classes
  var build: @Sendable (FeatureShape, Int) throws -> Network
}

extension String {
  /// The widths in a text such as `784-300-10`; nil unless all are whole numbers from 1 to a million.
  var widths: [Int]? {
    let parts = split(separator: "-", omittingEmptySubsequences: false)
    let numbers = parts.compactMap { part in part.allSatisfy { $0.isASCII && $0.isNumber } ? Int(part) : nil }
    guard numbers.count == parts.count, numbers.allSatisfy({ (1...1_000_000).contains($0) }) else { return nil }
    return numbers
  }

  /// Returns what follows the given prefix, or nil if the text does not begin with it.
  func after(_ prefix: String) -> String? { hasPrefix(prefix) ? String(dropFirst(prefix.count)) : nil }

  /// The text as a whole number without sign or leading zeros, or nil.
  var depth: Int? { Int(self).flatMap { String($0) == self ? $0 : nil } }
}
