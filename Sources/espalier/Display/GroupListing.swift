internal import Networks
internal import Results

/// What `inspect --groups` says of a network: its channel groups, and layers that have none.
struct GroupListing: Encodable {
  struct Group: Encodable {
    var name: String
    var width: Int
    var producers: [String]
    var dependents: [String]
    var consumers: [String]
    var path: String
    /// Of the original's channels of this group, those that are left; nil where nothing has left.
    var kept: [Int]?
    /// How many there were in the original.
    var originalWidth: Int
  }

  struct Refusal: Encodable {
    var layer: String
    var reason: String
  }

  var groups: [Group]
  var refused: [Refusal]
  /// Of the original's features, those that are left of each layer; nil where nothing has left.
  var kept: [String: KeptFeatures]?

  init(_ network: Network, within limit: MemoryLimit) throws {
    try network.check([.coupling], within: limit)
    let (found, without) = try network.channelGroups()
    groups = found.map { group in
      Group(
        name: group.name, width: group.width, producers: group.producers.map(\.node), dependents: group.dependents.map(\.node),
        consumers: group.consumers.map(\.node), path: "\(group)", kept: network.lineage?.kept(of: group),
        originalWidth: network.lineage?.originalWidth(of: group) ?? group.width)
    }
    kept = try network.keptFeatures()
    refused = without.map { Refusal(layer: $0.producer, reason: $0.reason) }
  }

  var text: String {
    var table = TextTable(alignments: [.left, .right, .left], header: ["group", "channels", "leave together"])
    for group in groups {
      let original = group.originalWidth == group.width ? "" : " of \(Format.count(group.originalWidth))"
      table.append([group.name, Format.count(group.width) + original, group.path])
    }
    for refusal in refused { table.append([refusal.layer, "–", "none can leave: \(refusal.reason)"]) }
    return table.text
  }

  func json() throws -> String { try Format.json(self) }
}
