/// A shape in which a layer's weights may be left, for which there are kernels.
public enum BlockShape: Hashable, Sendable, CaseIterable, CustomStringConvertible {
  /// Consecutive outputs × consecutive inputs, in convolutions at one tap, as `--granularity block:RxC` leaves them.
  case block(rows: Int, columns: Int)
  /// All taps by which an output reads an input channel, as `--granularity kernel` leaves them.
  case kernel

  /// The shapes that compilation looks for: of larger blocks one of these is a part.
  public static let allCases: [BlockShape] =
    [(4, 4), (4, 1), (2, 4), (2, 2), (2, 1), (1, 4)].map { .block(rows: $0, columns: $1) } + [.kernel]

  /// The most zeros that blocks may hold, as a share of the weights that are not 0: multiplying more of them costs what blocks gain.
  static let mostPadding = 0.1

  /// Outputs of a block.
  var rows: Int { if case .block(let rows, _) = self { rows } else { 1 } }

  /// `block:4×4` or `kernel`.
  public var description: String {
    switch self {
    case .block(let rows, let columns): "block:\(rows)×\(columns)"
    case .kernel: "kernel"
    }
  }

  /// What all are called where they are typed, e.g. `block:4x4, block:4x1, kernel`.
  public static var names: String { allCases.map { $0.description.replacing("×", with: "x") }.joined(separator: ", ") }

  /// Reads what ``description`` writes, also with the letter x; nil for anything else, and for shapes that no kernel has.
  public init?(_ text: String) {
    let name = text.replacing("x", with: "×")
    guard let shape = Self.allCases.first(where: { $0.description == name }) else { return nil }
    self = shape
  }
}
