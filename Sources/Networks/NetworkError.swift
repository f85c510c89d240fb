/// An error in a network's description, its shapes, a removal of channels or a network's name.
///
/// ``description`` is one line for the person who wrote the text or the file at fault.
public enum NetworkError: Error, Hashable, Sendable, CustomStringConvertible {
  /// JSON that does not describe a network: an unknown operation, a missing field, a number out of range.
  case malformed(String)
  /// A graph that is not a network: duplicate names, missing inputs, sizes that no layer can have.
  case invalid(String)
  /// A node that cannot take the shapes of its inputs.
  case shape(node: String, problem: String)
  /// Sizes whose product no machine can hold and which would overflow the arithmetic.
  case tooLarge(String)
  /// A removal of channels that the network does not allow.
  case removal(layer: String, problem: String)
  /// An unknown network name, or a network that does not suit the data.
  case architecture(String)

  /// Runs `body` on a network that a person named: ``tooLarge(_:)`` becomes ``architecture(_:)``, because the name is at fault and not a
  /// file.
  public static func naming<Result>(_ body: () throws -> Result) throws -> Result {
    do { return try body() } catch NetworkError.tooLarge(let problem) { throw NetworkError.architecture(problem) }
  }

  /// The message, one line.
  public var description: String {
    switch self {
    case .malformed(let problem), .invalid(let problem), .tooLarge(let problem), .architecture(let problem): problem
    case .shape(let node, let problem): "\(node): \(problem)"
    case .removal(let layer, let problem): "\(layer): \(problem)"
    }
  }
}
