internal import ArgumentParser
internal import Training

/// A group of options of `prune` that only some methods have.
protocol MethodOptionGroup: ParsableArguments {
  /// The methods that have an option, by the option's name.
  static var methods: [String: [String]] { get }
  /// Name of each option, and whether it was given.
  var given: [(option: String, isGiven: Bool)] { get }
}

extension MethodOptionGroup {
  /// Refuses options that the given method does not have.
  ///
  /// - Throws: `PlanError` for the first such option, with the methods that have it.
  func refuseOthers(than method: String?) throws {
    for (option, isGiven) in given where isGiven {
      let methods = Self.methods[option] ?? []
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
