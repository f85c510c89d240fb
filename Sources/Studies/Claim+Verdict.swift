internal import Foundation
public import Results

extension Claim {
  /// Judges the claim by the rows of a study.
  ///
  /// Runs are paired by their places on all axes that neither side names, then averaged for each seed: so n is the number of seeds, and the
  /// interval's ends are one-sided 95 % bounds (Student's t). Of a correlation n is the number of runs, and the interval Fisher's.
  /// - Parameters:
  ///   - study: the runs and axes.
  ///   - evidence: name of what holds the evidence.
  public func result(_ study: StudyResult, evidence: String) -> ClaimResult {
    var result = untested(evidence: evidence)
    if let scale = study.scale, !scales.isEmpty, !scales.contains(scale) { return result }
    result.setting = setting
    switch measure {
    case .quantity(let quantity): return self.result(study, evidence: evidence, quantity)
    case .tickets(let name):
      let records = runs(of: study).compactMap { $0.row?.tickets }
      guard !records.isEmpty, let claim = TicketAnalysis(records).claims.first(where: { $0.name == name }) else { return result }
      result.unit = claim.unit == .exact ? "" : claim.unit.rawValue
      (result.mean, result.lower, result.upper) = (claim.mean, claim.interval?.lower, claim.interval?.upper)
      (result.threshold, result.count, result.verdict) = (claim.threshold, claim.seeds, claim.verdict)
      return result
    }
  }

  /// The claim without any evidence.
  public func untested(evidence: String) -> ClaimResult {
    let (words, unit) = if case .quantity(let quantity) = measure { (words(quantity), unit(quantity)) } else { (statement, "") }
    return ClaimResult(
      id: id, statement: statement, source: source, measure: words, unit: unit, threshold: threshold?.value, verdict: .untested,
      setting: scales.isEmpty ? setting : "judged at scale \(scales.joined(separator: " or ")) only", evidence: evidence)
  }

  private func result(_ study: StudyResult, evidence: String, _ measure: RowQuantity) -> ClaimResult {
    let (mean, lower, upper, count) = measured(study, measure)
    let verdict: ClaimResult.Verdict =
      if count > 0, let threshold {
        if threshold.side == .exactly, comparison.isOfRuns {
          // A mean of the number is not the number.
          pairs(study, measure).allSatisfy { $0.value == threshold.value } ? .holds : .fails
        } else {
          .init(threshold.side, threshold.value, lower: lower, upper: upper)
        }
      } else {
        .untested
      }
    return ClaimResult(
      id: id, statement: statement, source: source, measure: words(measure), unit: unit(measure), threshold: threshold?.value, mean: mean,
      lower: lower,
      upper: upper, count: count, verdict: verdict, setting: setting, evidence: evidence)
  }

  /// The runs that it is about; one that lies at several places counts once.
  private func runs(of study: StudyResult) -> [StudyRunResult] {
    var known: Set<String> = []
    return study.runs.filter { run in
      of.allSatisfy { $0.value.contains(run.place[$0.key] ?? "") } && known.insert(run.key).inserted
    }
  }

  private func measured(
    _ study: StudyResult, _ measure: RowQuantity
  ) -> (mean: Double?, lower: Double?, upper: Double?, count: Int) {
    guard case .correlation(let other, let axes) = comparison else {
      let values = pairedValues(study, measure)
      let interval = Statistics.interval(values, level: ClaimResult.Verdict.level)
      return (Statistics.mean(values), interval?.lower, interval?.upper, values.count)
    }
    let pairs = runs(of: study).compactMap { run -> (x: Double, y: Double, setting: [String])? in
      guard let row = run.row, let x = other.value(row), let y = measure.value(row) else { return nil }
      return (x, y, axes.map { run.place[$0] ?? "" })
    }
    let (x, y) = (pairs.map(\.x), pairs.map(\.y))
    let found =
      axes.isEmpty
      ? Statistics.pearson(x, y, level: ClaimResult.Verdict.level)
      : Statistics.partialCorrelation(x, y, settings: pairs.map(\.setting), level: ClaimResult.Verdict.level)
    return (found?.coefficient, found?.lower, found?.upper, found == nil ? 0 : pairs.count)
  }

  /// The measured quantity in words, such as `test accuracy at the end of training, method snip − method random`.
  private func words(_ measure: RowQuantity) -> String {
    func name(_ places: [String: [String]]) -> String {
      places.isEmpty
        ? "all runs" : places.sorted { $0.key < $1.key }.map { "\($0.key) \($0.value.joined(separator: " or "))" }.joined(separator: ", ")
    }
    return switch comparison {
    case .none: of.isEmpty ? measure.words : "\(measure.words), \(name(of))"
    case .minus(let other): "\(measure.words), \(name(of)) − \(name(other))"
    case .minusMeasure(let other): "\(measure.words) − \(other.words)" + (of.isEmpty ? "" : ", \(name(of))")
    case .over(let other): "\(measure.words), \(name(of)) / \(name(other))"
    case .correlation(let other, let axes):
      "correlation of \(measure.words) with \(other.words)" + (axes.isEmpty ? "" : ", within each \(axes.joined(separator: " and "))")
        + (of.isEmpty ? "" : ", \(name(of))")
    }
  }

  private func unit(_ measure: RowQuantity) -> String {
    switch comparison {
    case .over: "ratio"
    case .correlation: "r"
    case .minus, .minusMeasure: measure.unit == "fraction" ? "points" : measure.unit
    case .none: measure.unit
    }
  }

  /// Returns the quantity for each seed that has a pair of runs, in the order of the grid.
  func pairedValues(_ study: StudyResult, _ measure: RowQuantity) -> [Double] {
    let seeds = Dictionary(grouping: pairs(study, measure)) { $0.key["seed"] ?? "" }
    // Where the two sides are seeds themselves, no pair has one.
    let order = (study.axes.first { $0.name == "seed" }?.values ?? []) + [""]
    return order.compactMap { seed in
      seeds[seed].flatMap { group in Statistics.mean(group.sorted { Self.key($0.key) < Self.key($1.key) }.map(\.value)) }
    }
  }

  /// The quantity of each run, or of each pair of runs, by the places that neither side names.
  private func pairs(_ study: StudyResult, _ measure: RowQuantity) -> [[String: String]: Double] {
    func values(_ places: [String: [String]]) -> [(rest: [String: String], value: Double)] {
      study.runs.compactMap { run in
        guard places.allSatisfy({ $0.value.contains(run.place[$0.key] ?? "") }), let row = run.row, let value = measure.value(row)
        else { return nil }
        guard case .minusMeasure(let other) = comparison else { return (run.place, value) }
        return other.value(row).map { (run.place, value - $0) }
      }
    }
    let free: [String] =
      switch comparison {
      case .none, .minusMeasure, .correlation: study.axes.map(\.name)
      case .minus(let other), .over(let other):
        study.axes.map(\.name).filter { axis in of[axis] == nil && other[axis] == nil || of[axis] == other[axis] }
      }
    func mean(_ places: [String: [String]]) -> [[String: String]: Double] {
      Dictionary(grouping: values(places)) { $0.rest.filter { free.contains($0.key) } }
        .compactMapValues { Statistics.mean($0.map(\.value)) }
    }
    let own = mean(of)
    return switch comparison {
    case .none, .minusMeasure, .correlation: own
    case .minus(let other): own.combined(with: mean(other)) { $0 - $1 }
    case .over(let other): own.combined(with: mean(other)) { $1 == 0 ? nil : $0 / $1 }
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
