/// What can be wrong with a network's description, its shapes, a removal of channels or a network's name.
///
/// ``description`` is one line for the person who wrote the text or the file at fault.
public enum NetworkError: Error, Hashable, Sendable, CustomStringConvertible {
  /// JSON that does not describe a network: an unknown operation, a missing field, a number out of range.
  case malformed(String)
  /// A graph that is none: duplicate names, missing inputs, sizes that no layer can have.
  case invalid(String)
  /// A node that cannot take what its inputs deliver.
  case shape(node: String, problem: String)
  /// Sizes whose product no machine can hold; they would overflow the arithmetic.
  case tooLarge(String)
  /// A removal of channels that the network does not allow.
  case removal(layer: String, problem: String)
  /// A network name that names nothing, or a network that does not suit the data.
  case architecture(String)

  /// Does something with a network that somebody named: where it is too large, the name was wrong, not a file.
  public static func naming<Result>(_ body: () throws -> Result) throws -> Result {
    do { return try body() } catch NetworkError.tooLarge(let problem) { throw NetworkError.architecture(problem) }
  }

  /// The line to show.
  public var description: String {
    switch self {
    case .malformed(let problem), .invalid(let problem), .tooLarge(let problem), .architecture(let problem): problem
    case .shape(let node, let problem): "\(node): \(problem)"
    case .removal(let layer, let problem): "\(layer): \(problem)"
    }
  }
}
