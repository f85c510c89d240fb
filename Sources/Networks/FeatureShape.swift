/// The shape of one example's features between two operations, without the batch dimension.
public enum FeatureShape: Hashable, Sendable, CustomStringConvertible {
  /// A vector with this many features.
  case vector(Int)
  /// An image of channels × height × width.
  case image(channels: Int, height: Int, width: Int)

  /// Channels of an image, features of a vector.
  public var channels: Int {
    switch self {
    case .vector(let count): count
    case .image(let channels, _, _): channels
    }
  }

  /// Pixels per channel; 1 for a vector.
  public var positions: Int {
    switch self {
    case .vector: 1
    case .image(_, let height, let width): Int.product([height, width]) ?? .max
    }
  }

  /// Number of elements of one example; `Int.max` where the product exceeds 64 bits.
  public var elements: Int { Int.product(dimensions) ?? .max }

  /// The dimensions in libtorch's order: [features] or [channels, height, width].
  public var dimensions: [Int] {
    switch self {
    case .vector(let count): [count]
    case .image(let channels, let height, let width): [channels, height, width]
    }
  }

  /// The dimensions joined by ×, e.g. `3×32×32`.
  public var description: String { dimensions.map(String.init).joined(separator: "×") }

  /// Whether this is a sequence: an image of one row.
  public var isSequence: Bool {
    switch self {
    case .vector: false
    case .image(_, let height, _): height == 1
    }
  }

  /// Returns the shape with another number of channels or features.
  func with(channels count: Int) -> FeatureShape {
    switch self {
    case .vector: .vector(count)
    case .image(_, let height, let width): .image(channels: count, height: height, width: width)
    }
  }

  /// Whether every dimension is positive and the elements fit into one tensor (``Limits``).
  var isReasonable: Bool { dimensions.allSatisfy { (1...Limits.size).contains($0) } && elements <= Limits.elements }
}

/// A shape's JSON: the array of its dimensions, `[784]` or `[3, 32, 32]`.
extension FeatureShape: Codable {
  /// - Throws: ``NetworkError/malformed(_:)`` unless there are one or three positive dimensions of reasonable size.
  public init(from decoder: any Decoder) throws {
    let dimensions: [Int]
    do { dimensions = try decoder.singleValueContainer().decode([Int].self) } catch {
      throw NetworkError.malformed("a shape must be [features] or [channels, height, width] in whole numbers")
    }
    switch dimensions.count {
    case 1: self = .vector(dimensions[0])
    case 3: self = .image(channels: dimensions[0], height: dimensions[1], width: dimensions[2])
    default: throw NetworkError.malformed("a shape has 1 or 3 dimensions, this one has \(dimensions.count)")
    }
    guard isReasonable else { throw NetworkError.malformed("shape \(self) is out of range") }
  }

  /// Writes the array of dimensions.
  public func encode(to encoder: any Encoder) throws {
    var container = encoder.singleValueContainer()
    try container.encode(dimensions)
  }
}
