public import ArgumentParser
public import SparseRuntime

extension WeightForm: ExpressibleByArgument {
  /// Takes the name of a form.
  public init?(argument: String) {
    guard let form = Self.allCases.first(where: { "\($0)" == argument }) else { return nil }
    self = form
  }

  /// Names of all forms.
  public static var allValueStrings: [String] { allCases.map { "\($0)" } }
  /// Name of the form, for help.
  public var defaultValueDescription: String { "\(self)" }
}
