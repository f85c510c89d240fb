/// A bound on the memory that work on a network may need; work that would exceed it is refused before anything is allocated.
///
/// It is a constant rather than the machine's memory, so that every machine refuses the same work. Written as `4GB`, `512MB`, `1.5TB`
/// (powers of 1,000), or as a number of bytes.
public struct MemoryLimit: Hashable, Sendable, CustomStringConvertible {
  /// The bound in bytes.
  public var bytes: Int

  /// 4 GB: far above what any network of the catalogue needs on any data set of the catalogue.
  public static let standard = MemoryLimit(bytes: 4_000_000_000)

  private static let units = [("kB", 1e3), ("MB", 1e6), ("GB", 1e9), ("TB", 1e12)]

  /// Creates a limit of the given number of bytes.
  public init(bytes: Int) { self.bytes = bytes }

  /// Parses a size such as `8GB`; nil if the text is not a size or is less than one byte.
  public init?(_ text: String) {
    let unit = Self.units.first { text.lowercased().hasSuffix($0.0.lowercased()) }
    var digits = Substring(text.dropLast(unit?.0.count ?? 0))
    if unit == nil, digits.lowercased().hasSuffix("b") { digits = digits.dropLast() }
    while digits.last == " " { digits = digits.dropLast() }
    guard let value = Double(digits), value * (unit?.1 ?? 1) >= 1, value * (unit?.1 ?? 1) < 0x1p62 else { return nil }
    bytes = Int(value * (unit?.1 ?? 1))
  }

  /// The limit to three significant digits, e.g. `4 GB`.
  public var description: String { Self.words(Double(bytes)) }

  static func words(_ bytes: Double) -> String {
    guard let (name, unit) = units.last(where: { bytes >= $0.1 }) else { return "\(Int(bytes)) B" }
    let value = bytes / unit
    let digits = value >= 99.95 ? 1.0 : value >= 9.995 ? 10.0 : 100.0
    let rounded = (value * digits).rounded() / digits
    return (rounded == rounded.rounded(.down) && rounded < 1e15 ? "\(Int(rounded))" : "\(rounded)") + " " + name
  }

  /// Returns a size to type on the command line for at least this many bytes, rounded up to two digits, e.g. `17GB`.
  static func typed(atLeast bytes: Double) -> String {
    let (name, unit) = units.last { bytes >= $0.1 } ?? units[0]
    let value = bytes / unit
    let step = value > 1000 ? 100.0 : value > 100 ? 10.0 : value > 10 ? 1.0 : 0.1
    let rounded = (value / step).rounded(.up) * step
    return (step < 1 && rounded != rounded.rounded() ? "\((rounded * 10).rounded() / 10)" : "\(Int(min(rounded, 0x1p62)))") + name
  }
}

/// A kind of work on a network, as far as its memory is concerned.
public enum NetworkWork: Hashable, Sendable {
  /// Forward passes over batches of this many examples, each value freed after its last reader.
  case evaluation(batch: Int)
  /// Forward and backward passes over batches of this many examples; `moments` is how many numbers the optimizer keeps per parameter
  /// besides the gradient.
  case training(batch: Int, moments: Int)
  /// The same passes over examples of a criterion, a repair, a measurement or a task: the caller chooses how many there are, not how many
  /// a batch has.
  case examination(batch: Int, moments: Int)
  /// Scoring, masking or cutting, and forward passes over batches of this many examples through the networks before and after.
  case pruning(batch: Int)
  /// Finding which channels leave together (``Network/channelGroups()``).
  case coupling
}

/// An estimate, from shapes alone, of the memory that work on a network needs.
public struct MemoryNeed: Hashable, Sendable {
  /// Estimated bytes in total; a `Double`, because hostile shapes exceed 64 bits.
  public var bytes: Double
  /// The node that needs the largest share.
  public var node: String
  /// What that node needs it for, in words: `its value 64×224×224 in batches of 500`.
  public var what: String
}

extension Network {
  /// Estimates the memory that work on this network needs: tensors and their copies, values and their gradients, lists of channels.
  /// Short-lived buffers inside libtorch's operations and the program itself are not counted.
  ///
  /// - Parameter elementSize: bytes per number: 4 in float32.
  /// - Throws: what ``cost()`` throws.
  public func memory(for work: NetworkWork, elementSize: Int = 4) throws -> MemoryNeed {
    let cost = try cost()
    let size = Double(elementSize)
    // Elements of values held at once, and copies held at once of every parameter.
    let (batch, values, copies): (Int, Double, Double) =
      switch work {
      case .evaluation(let batch): (batch, Double(cost.peakActivationBytes) / 4, 2)
      case .training(let batch, let moments), .examination(let batch, let moments):
        // The first model, the trained one and the gradients; or, with kernels that lay out weights and moments for themselves, those.
        (
          batch, (Double(cost.totalActivationBytes) + Double(cost.peakActivationBytes)) / 4,
          Double(3 + moments + (isFullyConnected ? moments : 0))
        )
      case .pruning(let batch): (batch, Double(cost.peakActivationBytes) / 4, 4)
      case .coupling: (0, 0, 0)
      }
    var need = MemoryNeed(bytes: size * (Double(batch) * values + copies * Double(cost.parameters + cost.buffers)), node: "", what: "")
    var most = -1.0
    func judge(_ bytes: Double, _ node: Node, _ what: @autoclosure () -> String) {
      guard bytes > most else { return }
      most = bytes
      need.node = node.name
      need.what = what()
    }
    var windows = 0.0
    let shapes = Dictionary(cost.layers.map { ($0.node, $0.output) }, uniquingKeysWith: { first, _ in first })
    for (node, layer) in zip(nodes, cost.layers) {
      judge(size * Double(batch) * Double(layer.output.elements), node, "its value \(layer.output) in batches of \(batch)")
      judge(size * copies * Double(layer.parameters), node, "its \(layer.parameters) parameters")
      // Float32 kernels process a convolution's windows one by one, float64 kernels lay all of them out side by side.
      let laidOut = elementSize > 4 ? size * Double(batch) * node.operation.windowElements(output: layer.output) : 0
      windows = max(windows, laidOut)
      judge(laidOut, node, "its windows in batches of \(batch)")
      guard work.followsChannels else { continue }
      let read = node.inputs.reduce(0.0) { $0 + Double(shapes[$1]?.channels ?? 0) }
      let lists = ChannelFlow.bytesPerFeature.made * Double(layer.output.channels) + ChannelFlow.bytesPerFeature.read * read
      need.bytes += lists
      judge(lists, node, "its value \(layer.output), followed channel by channel,")
    }
    need.bytes += windows
    return need
  }

  /// Throws if work on this network would exceed a limit as far as shapes can tell. Lists of channels, which also take time, may use a
  /// quarter of it.
  ///
  /// - Throws: ``NetworkError/tooLarge(_:)`` naming the node that needs the largest share; what ``cost()`` throws.
  public func check(_ work: [NetworkWork], within limit: MemoryLimit, elementSize: Int = 4) throws {
    for work in work {
      let lists = try work.followsChannels ? memory(for: .coupling) : nil
      if let lists, 4 * lists.bytes > Double(limit.bytes) {
        throw lists.refusal(allowed: "a quarter of \(limit) is", enough: 4 * lists.bytes)
      }
      let need = try memory(for: work, elementSize: elementSize)
      guard need.bytes > Double(limit.bytes) else { continue }
      // What the parameters alone exceed, no batch is small enough for.
      let fits = try work.smallest.map { try memory(for: $0.work, elementSize: elementSize).bytes <= Double(limit.bytes) } ?? false
      throw need.refusal(allowed: "\(limit) are", enough: need.bytes, or: fits ? work.smallest?.words : nil)
    }
  }
}

extension Network {
  /// Whether all parameters are those of linear layers, which may be trained by kernels with a layout of their own.
  fileprivate var isFullyConnected: Bool {
    nodes.allSatisfy { if case .linear = $0.operation { true } else { $0.operation.parameters.isEmpty } }
  }
}

extension Operation {
  /// Elements of all windows of one of a convolution's groups laid out side by side; 0 where its kernel does without.
  fileprivate func windowElements(output: FeatureShape) -> Double {
    guard case .convolution(let layer) = self, layer.dilation == Extent(1) else { return 0 }
    if layer.kernel == Extent(1), layer.stride == Extent(1), layer.padding == Extent(0) { return 0 }
    let taps = Double(layer.kernel.height) * Double(layer.kernel.width)
    return Double(layer.inputs / max(layer.groups, 1)) * taps * Double(output.positions)
  }
}

extension MemoryNeed {
  fileprivate func refusal(allowed: String, enough: Double, or remedy: String? = nil) -> NetworkError {
    .tooLarge(
      "\(node): with \(what) the network needs about \(MemoryLimit.words(bytes)) of memory, and \(allowed) allowed: "
        + "give --memory \(MemoryLimit.typed(atLeast: enough))\(remedy.map { ", or \($0)" } ?? "")")
  }
}

extension NetworkWork {
  /// Whether the work has to find which channels leave together.
  fileprivate var followsChannels: Bool {
    switch self {
    case .coupling, .pruning: true
    case .evaluation, .training, .examination: false
    }
  }

  /// The least of this work that the caller can choose, and what is to be chosen for it, in words; nil if there is no choice.
  fileprivate var smallest: (work: NetworkWork, words: String)? {
    switch self {
    case .training(let batch, let moments): batch > 1 ? (.training(batch: 1, moments: moments), "a smaller batch") : nil
    case .examination(let batch, let moments): batch > 1 ? (.examination(batch: 1, moments: moments), "fewer examples") : nil
    case .evaluation, .pruning, .coupling: nil
    }
  }
}
