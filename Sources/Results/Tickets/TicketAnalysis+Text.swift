internal import Words

extension TicketAnalysis {
  /// The table, then the claims that the study has evidence for.
  public var text: String {
    let count = "\(seeds.count) seed\(seeds.count == 1 ? "" : "s")"
    let spread = seeds.count > 1 ? "; mean ± half the 95 % interval over seeds" : ""
    var result = "\(count), \(Format.duration(seconds)) of training in all\(spread)\n\n" + rows.text
    let tested = claims.filter { $0.verdict != .untested }
    if let departure {
      result +=
        "\nC1 to C7 are about the setting of Frankle & Carbin 2019, which this is not: \(departure.shortened(to: 300).printable())\n"
    }
    guard !tested.isEmpty else { return result }
    result += "\nClaims of Frankle & Carbin 2019, paired by seed; in brackets the one-sided 95 % bounds\n\n"
    var table = TextTable(
      alignments: [.left, .left, .right, .right, .left, .left], header: ["", "claim", "mean", "bounds", "verdict", "direction"])
    for claim in tested {
      table.append([
        claim.name, claim.statement, claim.mean.map(claim.words) ?? "–",
        claim.interval.map { "[\(claim.words($0.lower)), \(claim.words($0.upper))]" } ?? "–", claim.verdict.rawValue,
        claim.direction?.rawValue ?? "–",
      ])
    }
    return result + table.text
  }

  /// Returns indented JSON with sorted keys.
  public func json() throws -> String { try Format.json(self) }
}

extension TicketClaim {
  /// Returns a value in the unit of the claim's quantity.
  fileprivate func words(_ value: Double) -> String {
    switch unit {
    case .fraction: Format.percent(value, digits: 1)
    case .points: Format.points(value)
    case .ratio: Format.fixed(value, 2) + "×"
    case .exact: Format.fixed(value, 0)
    }
  }
}
