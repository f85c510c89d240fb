import Networks
import Pruning
import Testing
import Torch
import Training

@Suite struct DropoutRescalingTests {
  private func network() throws -> Network {
    var builder = NetworkBuilder("dropped", input: .vector(4))
    builder.dropout(0.2, "drop0")
    builder.linear("fc1", 4)
    builder.relu()
    builder.dropout(0.5, "drop1")
    builder.linear("fc2", 2)
    builder.dropout(0.3, "drop2")
    return try builder.network()
  }

  private func keeping(_ kept: Int, of name: String, in model: Model) throws -> Model {
    var model = try model.copied()
    let parameter = ParameterName(name, .weight)
    let count = try model.tensor(parameter).count
    model.masks[parameter] = try Tensor((0..<count).map { $0 < kept }, shape: model.tensor(parameter).shape)
    try model.applyMasks()
    return model
  }

  @Test func aDropoutFollowsTheConnectionsOfTheLayerItFeeds() throws {
    let dense = try Model(network(), seed: 1)
    // 4 of 16 of fc1: √¼; fc2 whole; nothing behind drop2.
    let (first, changes) = try keeping(4, of: "fc1", in: dense).rescalingDropout(from: dense)
    #expect(changes == [DropoutChange(node: "drop0", listeners: ["fc1"], before: 0.2, after: 0.1)])
    #expect(first.network.node(named: "drop0")?.operation == .dropout(0.1))
    #expect(first.network.node(named: "drop1")?.operation == .dropout(0.5))
    // Then 1 of those 4, and 2 of 8 of fc2: over both rounds √(1/16) and √¼.
    let (second, more) = try keeping(2, of: "fc2", in: keeping(1, of: "fc1", in: first)).rescalingDropout(from: first)
    #expect(more.map(\.after) == [0.05, 0.25])
    #expect(second.network.node(named: "drop1")?.operation == .dropout(0.25))
    #expect(second.network.node(named: "drop2")?.operation == .dropout(0.3))
  }

  @Test func aLayerThatIsEmptyChangesNothing() throws {
    let dense = try Model(network(), seed: 1)
    let (model, changes) = try keeping(0, of: "fc1", in: dense).rescalingDropout(from: dense)
    #expect(changes.isEmpty && model.network == dense.network)
    #expect(try model.rescalingDropout(from: model).changes.isEmpty)
  }

  @Test func severalListenersCountTogether() throws {
    var builder = NetworkBuilder("fork", input: .vector(3))
    let dropped = builder.dropout(0.4, "drop")
    let left = builder.linear("left", 4, from: dropped)
    let right = builder.linear("right", 4, from: dropped)
    builder.add([left, right])
    let dense = try Model(builder.network(), seed: 1)
    // 12 + 12 weights, 6 are left: √(6/24).
    let pruned = try keeping(2, of: "right", in: keeping(4, of: "left", in: dense))
    #expect(
      try pruned.rescalingDropout(from: dense).changes
        == [DropoutChange(node: "drop", listeners: ["left", "right"], before: 0.4, after: 0.2)])
  }
}
