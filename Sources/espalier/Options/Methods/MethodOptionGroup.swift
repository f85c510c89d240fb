internal import ArgumentParser
internal import Training

/// A group of options of `prune` that only some methods have.
protocol MethodOptionGroup: ParsableArguments {
  /// The methods that have an option, by the option's name.
  static var methods: KeyValuePairs<String, [String]> { get }
}

extension MethodOptionGroup {
  /// Refuses options that the given method does not have.
  ///
  /// - Throws: `PlanError` for the first such option on the command line, with the methods that have it.
  static func refuseOthers(than method: String?, _ typed: GivenOptions) throws {
    for (option, methods) in methods where typed.has(option) {
      guard method.map(methods.contains) ?? false else {
        throw PlanError("\(option) goes with --method \(methods.alternatives)" + (method.map { ", not \($0)" } ?? ""))
      }
    }
  }
}

extension [String] {
  /// The names as a choice, e.g. `rigl, set or splicing`.
  var alternatives: String {
    guard let last, count > 1 else { return first ?? "" }
    return dropLast().joined(separator: ", ") + " or " + last
  }
}
