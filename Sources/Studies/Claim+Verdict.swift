internal import Foundation
public import Results

extension Claim {
  /// Judges the claim by the rows of a study.
  ///
  /// Runs are paired by their places on all axes that neither side names, then averaged for each seed: so n is the number of seeds. The
  /// interval's ends are one-sided 95 % bounds (Student's t).
  /// - Parameters:
  ///   - study: the runs and axes.
  ///   - evidence: name of what holds the evidence.
  public func result(_ study: StudyResult, evidence: String) -> ClaimResult {
    let values = pairedValues(study)
    let interval = Statistics.interval(values, level: 0.9)
    return ClaimResult(
      id: id, statement: statement, source: source, measure: words, unit: unit, threshold: threshold?.value,
      mean: Statistics.mean(values), lower: interval?.lower, upper: interval?.upper, count: values.count,
      verdict: verdict(values, interval), setting: setting, evidence: evidence)
  }

  /// The measured quantity in words, such as `test accuracy at the end of training, method snip − method random`.
  private var words: String {
    func name(_ places: [String: [String]]) -> String {
      places.isEmpty
        ? "all runs" : places.sorted { $0.key < $1.key }.map { "\($0.key) \($0.value.joined(separator: " or "))" }.joined(separator: ", ")
    }
    return switch comparison {
    case .none: of.isEmpty ? measure.words : "\(measure.words), \(name(of))"
    case .minus(let other): "\(measure.words), \(name(of)) − \(name(other))"
    case .over(let other): "\(measure.words), \(name(of)) / \(name(other))"
    }
  }

  private var unit: String {
    switch comparison {
    case .over: "ratio"
    case .minus: measure.unit == "fraction" ? "points" : measure.unit
    case .none: measure.unit
    }
  }

  private func verdict(_ values: [Double], _ interval: Interval?) -> ClaimResult.Verdict {
    guard !values.isEmpty, let threshold else { return .untested }
    guard let interval else { return .undecided }
    let (lower, upper, bound) = (interval.lower, interval.upper, threshold.value)
    let (holds, fails) =
      switch threshold.side {
      case .above: (lower > bound, upper <= bound)
      case .atLeast: (lower >= bound, upper < bound)
      case .below: (upper < bound, lower >= bound)
      case .atMost: (upper <= bound, lower > bound)
      }
    return holds ? .holds : fails ? .fails : .undecided
  }

  /// Returns the quantity for each seed that has a pair of runs, in the order of the grid.
  func pairedValues(_ study: StudyResult) -> [Double] {
    func values(_ places: [String: [String]]) -> [(rest: [String: String], value: Double)] {
      study.runs.compactMap { run in
        guard places.allSatisfy({ $0.value.contains(run.place[$0.key] ?? "") }), let row = run.row, let value = measure.value(row),
          value.isFinite
        else { return nil }
        return (run.place, value)
      }
    }
    let free: [String] =
      switch comparison {
      case .none: study.axes.map(\.name)
      case .minus(let other), .over(let other):
        study.axes.map(\.name).filter { axis in of[axis] == nil && other[axis] == nil || of[axis] == other[axis] }
      }
    func mean(_ places: [String: [String]]) -> [[String: String]: Double] {
      Dictionary(grouping: values(places)) { $0.rest.filter { free.contains($0.key) } }
        .compactMapValues { Statistics.mean($0.map(\.value)) }
    }
    let own = mean(of)
    var paired = own
    switch comparison {
    case .none: break
    case .minus(let other): paired = own.combined(with: mean(other)) { $0 - $1 }
    case .over(let other): paired = own.combined(with: mean(other)) { $1 == 0 ? nil : $0 / $1 }
    }
    let seeds = Dictionary(grouping: paired) { $0.key["seed"] ?? "" }
    let order = study.axes.first { $0.name == "seed" }?.values ?? [""]
    return order.compactMap { seed in
      seeds[seed].flatMap { group in Statistics.mean(group.sorted { Self.key($0.key) < Self.key($1.key) }.map(\.value)) }
    }
  }

  private static func key(_ place: [String: String]) -> String {
    place.sorted { $0.key < $1.key }.map { "\($0.key)=\($0.value)" }.joined(separator: " ")
  }
}

extension Dictionary where Value == Double {
  /// Returns the values that both have, combined.
  fileprivate func combined(with other: Self, _ combine: (Double, Double) -> Double?) -> Self {
    var result: Self = [:]
    for (key, value) in self { if let partner = other[key] { result[key] = combine(value, partner) } }
    return result
  }
}
