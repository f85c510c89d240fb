internal import ArgumentParser
internal import Training

/// Options of `prune` that only some methods have.
protocol MethodOptionGroup: ParsableArguments {
  /// The methods that have each of the options, by the option's name.
  static var methods: [String: [String]] { get }
  /// Each option's name, and whether it stands on the command line.
  var given: [(option: String, isGiven: Bool)] { get }
}

extension MethodOptionGroup {
  /// - Throws: `PlanError` with the methods that do have it, for an option that this one does not have.
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
  /// E.g. `rigl, set or splicing`.
  var alternatives: String {
    guard let last, count > 1 else { return first ?? "" }
    return dropLast().joined(separator: ", ") + " or " + last
  }
}
