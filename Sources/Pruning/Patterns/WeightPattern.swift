internal import Training

/// A shape in which weights are removed, so that what is left suits kernels that skip zeros; masks hold the weights at 0 as they hold single
/// ones.
///
/// A layer's weights are seen as a matrix [outputs, inputs·taps]: a row for each output, and in a convolution a column for each tap of each
/// input channel that the output reads (in a grouped convolution those of its group).
///
/// ```swift
/// try WeightPattern("nm:2:4")  // .nm(kept: 2, of: 4)
/// ```
public enum WeightPattern: Hashable, Sendable {
  /// Blocks of `rows` consecutive outputs × `columns` consecutive inputs, which leave whole (Gray et al. 2017, Narang et al. 2017). In a
  /// convolution a block takes consecutive input channels at one tap, and outputs of one group. The last block of a row or a column is
  /// smaller where the layer's sizes are no multiples.
  case block(rows: Int, columns: Int)
  /// Kernels of convolutions, which leave whole: all taps by which one filter reads one input channel (Mao et al. 2017). Linear layers are
  /// left alone.
  case kernel
  /// Of each `of` consecutive inputs of an output the `kept` of highest score stay (Mishra et al. 2021, Zhou et al. 2021); in a convolution
  /// consecutive input channels at one tap. A last, shorter group of r keeps ⌈r·kept/of⌉. Layers of fewer inputs than `of` are left alone.
  case nm(kept: Int, of: Int)

  /// Largest number of rows or columns of a block.
  public static let largestBlock = 1024
  /// Largest number of inputs in an N:M group.
  public static let largestGroup = 64

  /// Forms of the patterns' names, for help and messages.
  public static let forms = ["block:RxC", "kernel", "nm:N:M"]

  /// Creates a pattern from its text: `block:4x4`, `kernel` or `nm:2:4`.
  ///
  /// - Throws: `PlanError` for any other text, and for impossible numbers.
  public init(_ text: String) throws {
    let parts = text.split(separator: ":", omittingEmptySubsequences: false).map(String.init)
    switch parts.first {
    case "kernel" where parts.count == 1: self = .kernel
    case "block":
      let sizes = parts.count == 2 ? parts[1].split(separator: "x", omittingEmptySubsequences: false).map { Self.number(String($0)) } : []
      guard sizes.count == 2, let rows = sizes[0], let columns = sizes[1],
        case let block = Self.block(rows: rows, columns: columns), block.isPossible
      else {
        throw PlanError(
          "--granularity \(text.debugDescription) is impossible: give rows and columns of 1 to \(Self.largestBlock), e.g. block:4x4")
      }
      self = block
    case "nm":
      guard parts.count == 3, let kept = Self.number(parts[1]), let size = Self.number(parts[2]),
        case let groups = Self.nm(kept: kept, of: size), groups.isPossible
      else {
        throw PlanError(
          "--granularity \(text.debugDescription) is impossible: give how many of how many inputs stay, fewer than all of at most "
            + "\(Self.largestGroup), e.g. nm:2:4")
      }
      self = groups
    default:
      throw PlanError("unknown granularity \(text.debugDescription): choose weight, unit, filter, \(Self.forms.joined(separator: ", "))")
    }
  }

  /// Whether the numbers are within bounds.
  var isPossible: Bool {
    switch self {
    case .block(let rows, let columns): (1...Self.largestBlock).contains(rows) && (1...Self.largestBlock).contains(columns)
    case .kernel: true
    case .nm(let kept, let size): size <= Self.largestGroup && kept > 0 && kept < size
    }
  }

  /// The fraction of a whole group that leaves by an N:M pattern, 1 − N/M; nil for patterns that leave that open.
  public var sparsity: Double? {
    if case .nm(let kept, let size) = self { 1 - Double(kept) / Double(size) } else { nil }
  }

  /// Whether the pattern counts from a layer's first output or input, so that one that is cut out in between would move it.
  public var isAligned: Bool { self != .kernel }

  /// What is removed, for descriptions of plans, e.g. `blocks of 4×4 weights`.
  var plural: String {
    switch self {
    case .block(let rows, let columns): "blocks of \(rows)×\(columns) weights"
    case .kernel: "kernels"
    case .nm(let kept, let size): "weights (\(kept) of each \(size) inputs stay)"
    }
  }

  /// Digits alone: neither signs nor spaces.
  private static func number(_ text: String) -> Int? { text.allSatisfy { ("0"..."9").contains($0) } ? Int(text) : nil }
}

extension WeightPattern: CustomStringConvertible {
  /// The pattern as it is written, e.g. `block:4x4`.
  public var description: String {
    switch self {
    case .block(let rows, let columns): "block:\(rows)x\(columns)"
    case .kernel: "kernel"
    case .nm(let kept, let size): "nm:\(kept):\(size)"
    }
  }
}

/// Encoded as its text.
extension WeightPattern: Codable {
  /// Decodes the pattern's text.
  ///
  /// - Throws: `DecodingError` for a text that is no pattern.
  public init(from decoder: any Decoder) throws {
    let container = try decoder.singleValueContainer()
    do { try self.init(container.decode(String.self)) } catch let error as PlanError {
      throw DecodingError.dataCorruptedError(in: container, debugDescription: error.description)
    }
  }

  /// Encodes the pattern's text.
  public func encode(to encoder: any Encoder) throws {
    var container = encoder.singleValueContainer()
    try container.encode(description)
  }
}
