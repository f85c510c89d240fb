/// The name of one tensor of a model: module and role, spelled as in PyTorch (`features.0.weight`).
public struct ParameterName: Hashable, Sendable, Comparable, CustomStringConvertible {
  /// The part that a tensor plays in its module.
  public enum Role: String, Hashable, Sendable, CaseIterable {
    /// A weight matrix, a convolution's kernels, or the scale γ of a norm.
    case weight
    /// A bias, or the shift β of a norm.
    case bias
    /// A norm's running mean.
    case runningMean = "running_mean"
    /// A norm's running variance.
    case runningVariance = "running_var"
    /// Whether the tensor is learned by gradient descent, as opposed to running statistics.
    public var isTrained: Bool { self == .weight || self == .bias }
  }
  /// The module's prefix, e.g. `layer1.0.conv1`.
  public var module: String
  /// The tensor's part in its module.
  public var role: Role
  /// Creates the name of a module's tensor.
  public init(_ module: String, _ role: Role) {
    self.module = module
    self.role = role
  }
  /// Parses `module.role`; nil if the text has no dot or the role is unknown.
  public init?(_ text: String) {
    guard let dot = text.lastIndex(of: "."), let role = Role(rawValue: String(text[text.index(after: dot)...])) else { return nil }
    self.init(String(text[..<dot]), role)
  }
  /// The name as `module.role`.
  public var description: String { "\(module).\(role.rawValue)" }
  /// Orders names by their spelling.
  public static func < (lhs: Self, rhs: Self) -> Bool { lhs.description < rhs.description }
}
