package import Networks
public import Torch

/// A model with everything needed to use it and to understand its origin, in one `.safetensors` file.
///
/// Tensors: weights, biases and running statistics under their parameters' names. Metadata: `format` (`espalier`), `version`, `network`,
/// `history`, `classes`, and if known `preprocessing`, `recipe` and `origin`, all JSON; after units were cut out also `kept`, the original's
/// features that are left (`KeptFeatures`, by layer). The content does not depend on time or machine: the same model gives the same
/// bytes. Nothing in it is executed.
///
/// Masks: `masked` of the metadata names the tensors that are pruned at just their zeros. Where a kept element is 0 too, the mask is
/// `NAME.mask`, U8 [⌈n/8⌉]: bit i of byte j, the lowest first, is true if element 8j + i is kept. A file written packed has the k kept
/// elements, `NAME.kept` [k], in place of `NAME`.
///
/// ```swift
/// let file = try ModelFile(contentsOf: "vgg16.safetensors")
/// print(file.model.network.name, file.history.count)
/// ```
public struct ModelFile {
  /// Network, weights and masks.
  public var model: Model
  /// All removals since the original network, in order.
  public var history: [RemovalEvent]
  /// How images become the network's input; nil if unknown.
  public var preprocessing: Preprocessing?
  /// Names of the classifier's outputs, in order; empty if unknown.
  public var classes: [String]
  /// JSON of the plan by which the model was made; nil if unknown.
  public var recipe: String?
  /// The ONNX file that the model came from; nil for any other.
  public var origin: ONNXOrigin?

  /// Creates a file's content; every parameter sets the property of the same name.
  public init(
    model: Model, history: [RemovalEvent] = [], preprocessing: Preprocessing? = nil, classes: [String] = [], recipe: String? = nil,
    origin: ONNXOrigin? = nil
  ) {
    self.model = model
    self.history = history
    self.preprocessing = preprocessing
    self.classes = classes
    self.recipe = recipe
    self.origin = origin
  }

  /// What `version` may be: 1 where there are no masks, or BOOL ones of their tensors' shapes, as earlier programs wrote them; 2 otherwise.
  public static let versions = ["1", "2"]
}

/// One removal of units or weights in the history of a model.
///
/// Applying `removed` of all events in order to the original network gives the smaller one.
public struct RemovalEvent: Codable, Hashable, Sendable {
  /// Training steps finished before the removal.
  public var step: Int
  /// The removal in words, e.g. `filters, 5 % of each layer, rounded down`.
  public var method: String
  /// Name of the criterion that chose, e.g. `l2`.
  public var criterion: String
  /// Units cut out, by channel group: ascending indices among the units that the group had just before.
  public var removed: [String: [Int]]
  /// Number of weights masked since the previous event, by parameter.
  public var masked: [String: Int]
  /// Modules that got a bias for the means of removed units; nil if none did.
  public var biased: [String]?
  /// Number of inputs that linear layers no longer read, by layer; nil if none.
  public var inputs: [String: Int]?

  /// Creates an event; every parameter sets the property of the same name.
  public init(
    step: Int, method: String, criterion: String, removed: [String: [Int]] = [:], masked: [String: Int] = [:],
    biased: [String] = []
  ) {
    self.step = step
    self.method = method
    self.criterion = criterion
    self.removed = removed
    self.masked = masked
    self.biased = biased.isEmpty ? nil : biased
  }
}

/// The conversion of a stored example to a network's input, per channel: (byte/255 − mean)/deviation of bytes, (x − mean)/deviation of
/// float32 values. The channels of a vector are its features.
public struct Preprocessing: Codable, Hashable, Sendable {
  /// Channels, height and width of an image, or the number of features.
  public var inputShape: [Int]
  /// Mean per channel, of bytes that of byte/255.
  public var mean: [Float]
  /// Deviation per channel, of bytes that of byte/255, above 0.
  public var deviation: [Float]
  /// Type of the elements, `float32`; nil for bytes.
  public var elementType: ElementType?
  /// Pixels of the shorter side to which images of files are resized before their middle is taken; nil where they are resized to just the
  /// network's input, and for images of one size.
  public var resize: Int?
  /// Order of the channels of colour; nil for red, green and blue.
  public var channelOrder: ChannelOrder?

  /// Creates the conversion; every parameter sets the property of the same name.
  public init(
    inputShape: [Int], mean: [Float], deviation: [Float], elementType: ElementType? = nil, resize: Int? = nil,
    channelOrder: ChannelOrder? = nil
  ) {
    self.inputShape = inputShape
    self.mean = mean
    self.deviation = deviation
    self.elementType = elementType
    self.resize = resize
    self.channelOrder = channelOrder
  }

  /// An order of the channels of a colour image.
  public enum ChannelOrder: String, Codable, Hashable, Sendable, CaseIterable {
    /// Red, green, blue.
    case rgb
    /// Blue, green, red, as Caffe and OpenCV read images.
    case bgr
  }

  /// What is wrong with the numbers, by themselves or for the given network; nil if nothing is.
  package func problem(for network: Network) throws -> String? {
    var elements = 1
    for size in inputShape {
      let (product, overflow) = elements.multipliedReportingOverflow(by: size)
      guard size > 0, !overflow else { return "the input shape \(inputShape) is impossible" }
      elements = product
    }
    let expected = try network.inputShape
    guard elements == expected.elements else { return "images of shape \(inputShape) do not fill the network's input \(expected)" }
    guard let channels = inputShape.first, mean.count == channels, deviation.count == channels else {
      return "mean and deviation must have one number per channel of \(inputShape)"
    }
    if let elementType, elementType != .float32, elementType != .uint8 { return "elements of \(elementType.rawValue) are impossible" }
    if let resize, resize < 1 { return "images resized to \(resize) pixels are impossible" }
    guard mean.allSatisfy(\.isFinite), deviation.allSatisfy({ $0.isFinite && $0 > 0 }) else {
      return "mean and deviation must be finite, and the deviation above 0"
    }
    return nil
  }
}

/// An error of a model file or of a bare file of weights; the description is one line.
public enum ModelFileError: Error, Hashable, Sendable, CustomStringConvertible {
  /// The file is not a sound model file.
  case reading(path: String, problem: String)
  /// The model is inconsistent and cannot be written.
  case writing(path: String, problem: String)
  /// A file of weights fits the network except for its last layer, which is for another number of classes.
  case head(path: String, network: String, misshaped: [String], classes: Int)
  /// A file of weights does not fit the network by names; `fitsInOrder` says whether ``WeightMatching/order`` would.
  case weights(
    path: String, network: String, missing: [String], unexpected: [String], misshaped: [String], fitsInOrder: Bool = false)
  /// A file of weights cannot be matched with the network by order.
  case order(path: String, network: String, problem: String)

  /// The message in one line, with the path.
  public var description: String {
    switch self {
    case .reading(let path, let problem): return "cannot read \(path): \(problem)"
    case .writing(let path, let problem): return "cannot write \(path): \(problem)"
    case .head(let path, let network, let misshaped, let classes):
      return "the weights of \(path) fit network \(network) but for its last layer: \(Self.listed(misshaped)); "
        + "train and prune make a fresh one with --classes \(classes)"
    case .order(let path, let network, let problem):
      return "the weights of \(path) do not fit network \(network) in order: \(problem)"
    case .weights(let path, let network, let missing, let unexpected, let misshaped, let fitsInOrder):
      let parts = [("missing ", missing), ("unexpected ", unexpected), ("mis-shaped ", misshaped)].filter { !$0.1.isEmpty }
      return "the weights of \(path) do not fit network \(network): "
        + parts.map { $0 + Self.listed($1) }.joined(separator: "; ")
        + (fitsInOrder ? "; in their order all shapes fit: --match order takes them so" : "")
    }
  }

  static func listed(_ names: [String]) -> String {
    names.prefix(8).joined(separator: ", ") + (names.count > 8 ? " and \(names.count - 8) more" : "")
  }
}
