/// The name of one tensor of a model: module and role, spelled as PyTorch spells it (`features.0.weight`).
public struct ParameterName: Hashable, Sendable, Comparable, CustomStringConvertible {
  /// Which tensor of its module.
  public enum Role: String, Hashable, Sendable, CaseIterable {
    /// Weight matrix, convolution kernel or the scale γ of a norm.
    case weight
    /// Bias, or the shift β of a norm.
    case bias
    /// A norm's running mean.
    case runningMean = "running_mean"
    /// A norm's running variance.
    case runningVariance = "running_var"
    /// Learned by gradient descent, as opposed to running statistics.
    public var isTrained: Bool { self == .weight || self == .bias }
  }
  /// The module's prefix, e.g. `layer1.0.conv1`.
  public var module: String
  /// Which of the module's tensors.
  public var role: Role
  /// The tensor of that role of that module.
  public init(_ module: String, _ role: Role) {
    self.module = module
    self.role = role
  }
  /// Parses `module.role`; nil if the role is none of ours.
  public init?(_ text: String) {
    guard let dot = text.lastIndex(of: "."), let role = Role(rawValue: String(text[text.index(after: dot)...])) else { return nil }
    self.init(String(text[..<dot]), role)
  }
  /// `module.role`.
  public var description: String { "\(module).\(role.rawValue)" }
  /// Orders by spelling.
  public static func < (lhs: Self, rhs: Self) -> Bool { lhs.description < rhs.description }
}
