internal import Foundation
internal import Results
internal import Yams

/// Reads the claims of a recipe.
struct ClaimReader {
  private let reader: RecipeReader
  private let axes: [Recipe.Axis]
  private let grid: [Recipe.Axis]
  private let scales: [String]

  /// - Parameters:
  ///   - axes: the axes at the chosen scale.
  ///   - grid: those of the whole grid.
  init(_ reader: RecipeReader, axes: [Recipe.Axis], grid: [Recipe.Axis], scales: [String]) {
    self.reader = reader
    self.axes = axes
    self.grid = grid
    self.scales = scales
  }

  static let keys =
    [
      "id", "statement", "source", "measure", "tickets", "of", "minus", "minus-measure", "over", "correlates-with", "within", "scales",
      "setting",
    ]
    + Claim.Side.allCases.map(\.rawValue)

  func claims(_ node: Node) throws(RecipeError) -> [Claim] {
    guard let sequence = node.sequence else { throw reader.error(node, "claims is a list, such as - {id: A-1, measure: test-accuracy}") }
    var claims: [Claim] = []
    for item in sequence {
      let claim = try claim(item)
      if claims.contains(where: { $0.id == claim.id }) { throw reader.error(item, "there are two claims \(claim.id)") }
      claims.append(claim)
    }
    return claims
  }

  private func claim(_ node: Node) throws(RecipeError) -> Claim {
    let fields = try reader.mapping(node, "a claim", "id, statement and measure")
    try reader.check(fields, Self.keys, in: "a claim")
    func text(_ name: String) throws(RecipeError) -> String? {
      guard let field = fields[name] else { return nil }
      return try reader.string(field.value, name)
    }
    let tickets = try fields["tickets"].map { (field) throws(RecipeError) in try ticketClaim(field) }
    guard let id = try text("id"), let statement = try text("statement"), fields["measure"] != nil || tickets != nil else {
      throw reader.error(node, "a claim has at least id, statement and measure")
    }
    if let tickets {
      // Its comparison and its number are the paper's.
      if let other = (["measure", "minus", "minus-measure", "over", "correlates-with"] + Claim.Side.allCases.map(\.rawValue))
        .first(where: { fields[$0] != nil })
      {
        throw reader.error(node, "claim \(id) has tickets and \(other): \(tickets) says all of it")
      }
      return Claim(
        id: id, statement: statement, source: try text("source") ?? "", measure: .tickets(tickets), of: try places(fields["of"]),
        scales: try scales(fields["scales"]), setting: try text("setting"))
    }
    guard let measured = fields["measure"] else { throw reader.error(node, "a claim has at least id, statement and measure") }
    let measure = try quantity(measured)
    let sides = Claim.Side.allCases.filter { fields[$0.rawValue] != nil }
    guard sides.count < 2 else {
      throw reader.error(node, "claim \(id) has \(sides.map(\.rawValue).joined(separator: " and ")): one is enough")
    }
    var threshold: (side: Claim.Side, value: Double)?
    if let side = sides.first, let field = fields[side.rawValue] {
      let number = try reader.string(field.value, side.rawValue)
      guard let value = Double(number), value.isFinite else {
        throw reader.error(field.value, "\(side.rawValue): \(number.prefix(80).debugDescription) is not a number")
      }
      threshold = (side, value)
    }
    let of = try places(fields["of"])
    var comparison = Claim.Comparison.none
    let comparisons = ["minus", "minus-measure", "over", "correlates-with"].filter { fields[$0] != nil }
    guard comparisons.count < 2 else {
      throw reader.error(node, "claim \(id) has \(comparisons.joined(separator: " and ")): one is enough")
    }
    if let minus = fields["minus"] { comparison = .minus(try places(minus)) }
    if let field = fields["minus-measure"] { comparison = .minusMeasure(try quantity(field)) }
    if let over = fields["over"] { comparison = .over(try places(over)) }
    if let field = fields["correlates-with"] {
      comparison = .correlation(with: try quantity(field), within: try within(fields["within"]))
    } else if let field = fields["within"] {
      throw reader.error(field.key, "within goes with correlates-with")
    }
    switch comparison {
    case .minus(let other) where other == of, .over(let other) where other == of:
      throw reader.error(node, "claim \(id) compares runs with themselves")
    case .minusMeasure(measure): throw reader.error(node, "claim \(id) compares \(measure.name) with itself")
    default: break
    }
    return Claim(
      id: id, statement: statement, source: try text("source") ?? "", measure: .quantity(measure), of: of, comparison: comparison,
      threshold: threshold, scales: try scales(fields["scales"]), setting: try text("setting"))
  }

  private func ticketClaim(_ field: RecipeReader.Fields.Field) throws(RecipeError) -> String {
    let name = try reader.string(field.value, "tickets")
    guard TicketAnalysis.claimNames.contains(name) else {
      throw reader.unknown(field.value, "claim on tickets", name, TicketAnalysis.claimNames)
    }
    return name
  }

  private func scales(_ field: RecipeReader.Fields.Field?) throws(RecipeError) -> [String] {
    guard let field else { return [] }
    let names = try reader.strings(field.value, "scales")
    for name in names where !scales.contains(name.text) { throw reader.unknown(name.node, "scale", name.text, scales) }
    return names.map(\.text)
  }

  private func quantity(_ field: RecipeReader.Fields.Field) throws(RecipeError) -> RowQuantity {
    let name = try reader.string(field.value, field.name)
    guard let quantity = RowQuantity.named(name) else {
      throw reader.unknown(field.value, "measure", name, RowQuantity.all.map(\.name) + RowQuantity.families.map(\.example))
    }
    return quantity
  }

  private func within(_ field: RecipeReader.Fields.Field?) throws(RecipeError) -> [String] {
    guard let field else { return [] }
    let names = try reader.strings(field.value, "axes of within")
    for name in names where !axes.contains(where: { $0.name == name.text }) {
      throw reader.unknown(name.node, "axis", name.text, axes.map(\.name))
    }
    return names.map(\.text)
  }

  private func places(_ field: RecipeReader.Fields.Field?) throws(RecipeError) -> [String: [String]] {
    guard let field else { return [:] }
    var places: [String: [String]] = [:]
    for place in try reader.mapping(field.value, field.name, "method: snip").fields {
      guard let axis = axes.first(where: { $0.name == place.name }) else {
        throw reader.unknown(place.key, "axis", place.name, axes.map(\.name))
      }
      let names = try reader.strings(place.value, "places of \(axis.name)")
      // A scale may have fewer places than the claim was written for: then it is untested there. Values of a plain axis may be another
      // scale's.
      if axis.isNamed {
        let known = grid.first { $0.name == axis.name }?.places.map(\.name) ?? []
        for name in names where !known.contains(name.text) { throw reader.unknown(name.node, "place", name.text, known) }
      }
      places[axis.name] = names.map(\.text)
    }
    return places
  }
}
