import Networks
import Testing

@Suite struct SurgeryTests {
  private func tiny() throws -> Network {
    var builder = NetworkBuilder("tiny", input: .image(channels: 1, height: 4, width: 4))
    builder.convolution("conv1", 3, kernel: 1)
    builder.batchNorm("bn1")
    builder.relu()
    builder.maxPool(2)
    builder.convolution("conv2", 2, kernel: 2, padding: 1, bias: false)
    builder.maxPool(2, stride: 1)
    builder.flatten()
    builder.linear("fc1", 2)
    return try builder.network()
  }

  @Test func workedByHand() throws {
    let (network, slices) = try tiny().removing(["conv1": [1], "conv2": [0]])
    #expect(
      slices.map { "\($0.parameter) \($0.dimension) \($0.keep)" } == [
        "conv1.weight 0 [0, 2]", "conv1.bias 0 [0, 2]", "bn1.weight 0 [0, 2]", "bn1.bias 0 [0, 2]", "bn1.running_mean 0 [0, 2]",
        "bn1.running_var 0 [0, 2]", "conv2.weight 0 [1]", "conv2.weight 1 [0, 2]", "fc1.weight 1 [4, 5, 6, 7]",
      ])
    #expect(slices[0].description == "conv1.weight, dimension 0: 2 stay")
    #expect(
      try network.parameterShapes().map { "\($0.name) \($0.dimensions)" } == [
        "conv1.weight [2, 1, 1, 1]", "conv1.bias [2]", "bn1.weight [2]", "bn1.bias [2]", "bn1.running_mean [2]", "bn1.running_var [2]",
        "conv2.weight [1, 2, 2, 2]", "fc1.weight [2, 4]", "fc1.bias [2]",
      ])
    #expect(network.name == "tiny")
  }

  @Test func nothingRemovedChangesNothing() throws {
    let network = try tiny()
    for removals in [[:], ["conv1": []]] as [[String: [Int]]] {
      let (same, slices) = try network.removing(removals)
      #expect(same == network)
      #expect(slices.isEmpty)
    }
  }

  @Test(arguments: [
    (["conv1": [0, 1, 2]], "conv1: cannot lose all of its 3 channels; at least one stays"),
    (["conv1": [1, 0]], "conv1: channels to remove must ascend; 0 follows 1"),
    (["conv1": [1, 1]], "conv1: channels to remove must ascend; 1 follows 1"),
    (["conv1": [3]], "conv1: there is no channel 3 among 3"),
    (["conv1": [-1]], "conv1: there is no channel -1 among 3"),
    (["fc1": [0]], "fc1: its channels cannot be removed: they are the network's output fc1"),
    (["bn1": [0]], "bn1: has no channels of its own (batchNorm)"),
    (["conv9": [0]], "\"conv9\": there is no such layer"),
  ])
  func refusals(removals: [String: [Int]], words: String) throws {
    let network = try tiny()
    #expect { try network.removing(removals) } throws: { "\($0)" == words }
  }

  /// 5 % of each layer's filters, counted down, six times over leave 3136 of VGG-16's 4224.
  @Test func sixPrunesOfVGG16() throws {
    var network = try Architecture.parse("vgg16-bn-cifar")
    for _ in 0..<6 {
      let groups = try network.channelGroups().groups.filter { $0.name.hasPrefix("features") }
      #expect(groups.count == 13)
      let removals = groups.map { ($0.name, Array(0..<$0.width / 20)) }
      network = try network.removing(Dictionary(uniqueKeysWithValues: removals)).network
    }
    #expect(network.filters == 3136)
    #expect(
      try network.channelGroups().groups.map(\.width) == [50, 50, 96, 96, 190, 190, 190, 379, 379, 379, 379, 379, 379, 512])
  }

  /// Li's VGG-16-A: half of convolutions 1 and 8–13 leaves 64.0 % fewer parameters and 34.2 % fewer MACs.
  @Test func liVGG16A() throws {
    let network = try Architecture.parse("vgg16-bn-cifar")
    let groups = try network.channelGroups().groups
    let chosen = ([0] + Array(7..<13)).map { groups[$0] }
    let pruned = try network.removing(Dictionary(uniqueKeysWithValues: chosen.map { ($0.name, Array(0..<$0.width / 2)) })).network
    let (before, after) = (try network.cost(), try pruned.cost())
    func percent(_ after: Int, of before: Int) -> Int { (1000 * (before - after) + before / 2) / before }
    #expect(percent(after.macs, of: before.macs) == 342)
    #expect(percent(after.parameters, of: before.parameters) == 640)
  }

  /// Li's ResNet-56-A (10 % of each block's first convolution but 16, 20, 38 and 54, counted up): 10.4 % fewer MACs.
  @Test func liResNet56A() throws {
    let network = try Architecture.parse("resnet-56")
    let before = try network.cost().macs
    let groups = try network.channelGroups().groups.filter { $0.name.hasSuffix(".conv1") }
    func pruned(_ percents: [Int], skip: Set<Int>) throws -> Int {
      var removals: [String: [Int]] = [:]
      // Convolutions count from 1, the stem's; the first one of block b is number 2 + 2·b.
      for (block, group) in groups.enumerated() where !skip.contains(2 + 2 * block) {
        removals[group.name] = Array(0..<(group.width * percents[block / 9] + 99) / 100)
      }
      return try network.removing(removals).network.cost().macs
    }
    func permyriad(_ after: Int) -> Int { (10_000 * (before - after) + before / 2) / before }
    #expect(permyriad(try pruned([10, 10, 10], skip: [16, 20, 38, 54])) == 1040)
    #expect(permyriad(try pruned([60, 30, 10], skip: [16, 18, 20, 34, 38, 54])) == 2756)
  }

  /// Random sequential networks and removals: shapes hold, and every parameter has the size its slices leave.
  @Test(arguments: 0..<300)
  func slicesAndShapesAgree(seed: Int) throws {
    var random = SplitMix64(state: UInt64(seed))
    let network = try randomNetwork(&random)
    let groups = try network.channelGroups().groups
    var removals: [String: [Int]] = [:]
    for group in groups where Bool.random(using: &random) {
      let kept = Int.random(in: 0..<group.width, using: &random)
      removals[group.name] = (0..<group.width).filter { $0 != kept && Bool.random(using: &random) }
    }
    let (smaller, slices) = try network.removing(removals)
    #expect(try smaller.shapes()[smaller.outputs[0]] == (try network.outputShape), "seed \(seed)")
    var sizes = Dictionary(uniqueKeysWithValues: try network.parameterShapes().map { ($0.name, $0.dimensions) })
    for slice in slices {
      let size = try #require(sizes[slice.parameter]?[slice.dimension])
      #expect(slice.keep == slice.keep.sorted() && Set(slice.keep).count == slice.keep.count, "seed \(seed)")
      #expect(slice.keep.allSatisfy { (0..<size).contains($0) } && slice.keep.count < size, "seed \(seed)")
      sizes[slice.parameter]?[slice.dimension] = slice.keep.count
    }
    let after = try smaller.parameterShapes()
    #expect(after.allSatisfy { sizes[$0.name] == $0.dimensions } && after.count == sizes.count, "seed \(seed)")
    for group in groups {
      let width = try #require(smaller.channelGroups().groups.first { $0.name == group.name }).width
      #expect(width == group.width - (removals[group.name] ?? []).count, "seed \(seed)")
    }
  }

  private func randomNetwork(_ random: inout SplitMix64) throws -> Network {
    let size = Int.random(in: 6...12, using: &random)
    var builder = NetworkBuilder("random", input: .image(channels: Int.random(in: 1...3, using: &random), height: size, width: size + 1))
    for index in 0..<Int.random(in: 0...4, using: &random) {
      builder.convolution(
        "conv\(index)", Int.random(in: 1...6, using: &random), kernel: [1, 3].randomElement(using: &random) ?? 1, padding: 1,
        bias: Bool.random(using: &random))
      if Bool.random(using: &random) { builder.batchNorm("bn\(index)") }
      builder.activation(Activation.allCases.randomElement(using: &random) ?? .relu)
      if Bool.random(using: &random) { builder.dropout(0.1) }
      if Int.random(in: 0...2, using: &random) == 0 { builder.maxPool(2, stride: 1) }
    }
    if Bool.random(using: &random) { builder.adaptiveAveragePool(2) }
    builder.flatten()
    if Bool.random(using: &random) { builder.batchNorm("flat") }
    for index in 0..<Int.random(in: 0...2, using: &random) {
      builder.linear("fc\(index)", Int.random(in: 1...6, using: &random), bias: Bool.random(using: &random))
      builder.relu()
    }
    builder.linear("head", 3)
    return try builder.network()
  }
}
