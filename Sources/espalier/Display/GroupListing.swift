internal import Networks
internal import Results

/// The channel groups of a network and the layers without one, as `inspect --groups` shows them.
struct GroupListing: Encodable {
  struct Group: Encodable {
    var name: String
    var width: Int
    var producers: [String]
    var dependents: [String]
    var consumers: [String]
    var path: String
    /// Indices of the original's channels that the group still has; nil if nothing was removed.
    var kept: [Int]?
    /// Number of the group's channels in the original.
    var originalWidth: Int
  }

  struct Refusal: Encodable {
    var layer: String
    var reason: String
  }

  var groups: [Group]
  var refused: [Refusal]
  /// Nodes that run without being understood, each with the channels that it keeps.
  var opaque: [OpaqueNode]
  /// Indices of the original's features that each layer still has; nil if nothing was removed.
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
    opaque = try network.opaqueNodes()
  }

  var text: String {
    var table = TextTable(alignments: [.left, .right, .left], header: ["group", "channels", "leave together"])
    for group in groups {
      let original = group.originalWidth == group.width ? "" : " of \(Format.count(group.originalWidth))"
      table.append([group.name, Format.count(group.width) + original, group.path])
    }
    for refusal in refused { table.append([refusal.layer, "–", "none can leave: \(refusal.reason)"]) }
    for node in opaque {
      let kept = node.kept.map { "\(Format.count($0.channels)) \($0.channels == 1 ? "channel" : "channels") of \($0.layer)" }
      let words = kept.isEmpty ? "channels of no layer" : kept.joined(separator: ", ")
      table.append([node.node, "–", "opaque \(node.function), keeps \(words)"])
    }
    return table.text
  }

  func json() throws -> String { try Format.json(self) }
}
