import Networks
@testable import Pruning
import Testing
import Torch
import Training

/// Gates, shuffles, grouped and depthwise convolutions, norms and scales by channel, as networks of the catalogue have them.
@Suite struct CatalogueSurgeryTests {
  /// Every second channel of each group leaves, with a proof in float64; the smaller network still depends on its input.
  ///
  /// Counted by hand for MNASNet: the stem with its depthwise convolution, 32 channels, and the 16 after it; the expansions of 16 blocks,
  /// which nothing else reads, 7944; the outputs of six stages, each summed within it, 752; and 1280.
  @Test(arguments: [
    ("mobilenet-v3-small", 27, 4872), ("mobilenet-v3-large", 30, 8696), ("efficientnet-b0", 40, 11404), ("shufflenet-v2", 90, 5630),
    ("mnasnet", 25, 10024), ("regnet-y-400mf", 53, 2048), ("convnext-tiny", 22, 27936), ("resnext-50", 37, 4376),
    ("inception-v3", 94, 17216),
  ])
  func halfOfTheChannelsLeave(name: String, groupCount: Int, units: Int) throws {
    let size = name == "inception-v3" ? 75 : 32
    let network = try Architecture.parse(name, input: .image(channels: 3, height: size, width: size), classes: 10)
    let (groups, refused) = try network.channelGroups()
    #expect(groups.count == groupCount && groups.units == units, "\(name) \(groups.count) \(groups.units)")
    #expect(refused.map(\.producer) == [network.outputs[0]])
    let plan = SurgeryPlan(
      removals: Dictionary(
        uniqueKeysWithValues: groups.map { group in (group.name, Array(stride(from: 1, to: group.width, by: 2))) }))
    let surgery = try Surgeon.operate(plan, on: network.randomModel(seed: 1), seed: 1)
    #expect(surgery.proof?.holds == true && surgery.proof?.isConstant == false, "\(String(describing: surgery.proof))")
    #expect(try surgery.model.network.channelGroups().groups.units == groups.reduce(0) { $0 + ($1.width + 1) / 2 })
  }
}
