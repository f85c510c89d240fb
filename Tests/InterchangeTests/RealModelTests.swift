import Foundation
import Networks
import TestSupport
import Testing
import Torch
import Training

@testable import Interchange

/// Models that other programs wrote, where they are at hand.
@Suite(.enabled(if: testDataDirectory != nil)) struct RealModelTests {
  private func path(_ name: String) throws -> String { try #require(testDataDirectory).path + "/models/" + name }

  /// The same network and weights as the safetensors file beside it, name by name and to the last bit.
  @Test(arguments: [("resnet20-12fca82f", "resnet-20"), ("resnet56-4bfd9763", "resnet-56")])
  func residualNetworkIsTheCataloguesOwn(_ file: String, _ name: String) throws {
    let imported = try ImportedNetwork(contentsOf: path("resnet-cifar10/\(file).onnx"))
    let own = try Architecture.parse(name)
    #expect(imported.network.name == file && imported.notes.isEmpty)
    #expect(try imported.network.cost().parameters == own.cost().parameters)
    #expect(try imported.network.cost().macs == own.cost().macs)
    #expect(try Set(imported.network.parameterShapes().map(\.name)) == Set(own.parameterShapes().map(\.name)))
    let model = try imported.model()
    let (golden, _) = try Model.load(weights: path("resnet-cifar10/\(file).safetensors"), into: own)
    let batch = try Tensor.normal([2, 3, 32, 32], generator: Generator(seed: 1))
    #expect(try model.evaluated(batch).doubles() == golden.evaluated(batch).doubles())
  }

  @Test func squeezeNetHasItsPublishedSize() throws {
    let imported = try ImportedNetwork(contentsOf: path("imagenet-caffe/squeezenet1.1.onnx"))
    #expect(try imported.network.cost().parameters == 1_235_496)
    #expect(try imported.network.inputShape == .image(channels: 3, height: 227, width: 227))
    #expect(imported.network.filters == 3944)
    #expect(imported.network.nodes[1].name == "conv1" && imported.network.nodes[4].name == "fire2/squeeze1x1")
    #expect(imported.notes.count == 1)
  }

  /// Caffe's GoogLeNet without its auxiliary heads, with local response norms.
  @Test func googLeNetHasItsPublishedSize() throws {
    let imported = try ImportedNetwork(contentsOf: path("imagenet-caffe/bvlc_googlenet.onnx"))
    #expect(try imported.network.cost().parameters == 6_998_552)
    #expect(imported.network.nodes.count { if case .localResponseNorm = $0.operation { true } else { false } } == 2)
  }

  /// A classifier of lines of text like MobileNetV3, whose gates have another slope than PyTorch's.
  @Test func aClassifierOfLinesOfTextIsRead() throws {
    let file = try path("misc-onnx/ch_ppocr_mobile_v2.0_cls_infer.onnx")
    #expect(
      try problem(file)
        == "its input \"x\" has shape [?, 3, ?, ?], whose sizes only images tell: train, prune, evaluate and inspect take them from --dataset, "
        + "compile from --image-size HEIGHTxWIDTH"
    )
    let imported = try ImportedNetwork(contentsOf: file, input: .image(channels: 3, height: 48, width: 192))
    let gates = imported.network.nodes.filter { $0.operation == .activation(.hardSigmoid(slope: 0.2)) }
    #expect(gates.count == 9)
    #expect(try imported.network.classes == 2)
    #expect(imported.notes.contains { $0.hasPrefix("softmax at output") })
    #expect(try imported.model().network.cost().parameters == 129_356)
  }
}
