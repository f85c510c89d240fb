import Foundation
import Networks
import TestSupport
import Testing
import Torch
import Training

/// What torchvision's models say for weights and images of a formula (Tests/Reference/torchvision_models.py).
@Suite struct TorchvisionOutputTests {
  private struct Golden: Decodable {
    var classes: Int
    var input: [Int]
    var output: [Double]
  }

  /// The script's u, row-major.
  private func drawn(_ k: UInt64, _ shape: [Int], _ map: (Double) -> Double) throws -> Tensor {
    var stream = RandomStream(seed: (k << 32) &* 0x9E37_79B9_7F4A_7C15)
    let count = shape.reduce(1, *)
    let first = (0..<min(count, 4093)).map { _ in map(Double(stream.next() >> 40) / 16_777_216) }
    var values = first
    while values.count < count { values += first.prefix(count - values.count) }
    return try Tensor(values, shape: shape)
  }

  @Test(arguments: [
    "mobilenet-v2", "densenet-121", "googlenet", "squeezenet-1.1", "mobilenet-v3-small", "mobilenet-v3-large", "efficientnet-b0",
    "shufflenet-v2", "mnasnet", "regnet-y-400mf", "convnext-tiny", "resnext-50", "inception-v3",
  ])
  func agreesWithTorchvision(name: String) throws {
    let golden = try JSONDecoder().decode(Golden.self, from: Data(contentsOf: reference("torchvision-\(name).json")))
    let input = FeatureShape.image(channels: golden.input[1], height: golden.input[2], width: golden.input[3])
    let network = try Architecture.parse(name, input: input, classes: golden.classes)
    var tensors: [ParameterName: Tensor] = [:]
    for (k, (name, dimensions)) in try network.parameterShapes().sorted(by: { $0.name < $1.name }).enumerated() {
      let bound = (6 / Double(dimensions.dropFirst().reduce(1, *))).squareRoot()
      let isScale = name.role == .weight || name.role == .runningVariance
      tensors[name] = try drawn(UInt64(k), dimensions) { dimensions.count > 1 ? (2 * $0 - 1) * bound : $0 + (isScale ? 0.5 : -0.5) }
    }
    let images = try drawn(1 << 20, golden.input) { 2 * $0 - 1 }
    for (type, tolerance) in [(ElementType.float64, 1e-11), (.float32, 1e-4)] {
      let model = try Model(network: network, tensors: tensors.mapValues { try $0.cast(to: type) })
      let error = relativeError(try Executor(model).forward(images.cast(to: type)).doubles(), golden.output)
      #expect(error <= tolerance, "\(name) in \(type) is off by \(error)")
    }
  }

  /// One of 960 channels: 9 inputs, not 8640.
  @Test func depthwiseWeightsAreDrawnForTheirOwnFanIn() throws {
    var builder = NetworkBuilder("depthwise", input: .image(channels: 960, height: 4, width: 4))
    builder.convolution("op", 960, kernel: 3, padding: 1, groups: 960)
    let network = try builder.network()
    func values(_ initialization: Initialization, _ role: ParameterName.Role) throws -> [Double] {
      let model = try Model(network, initialization: initialization, seed: 3)
      return try model.tensor(ParameterName("op", role)).doubles()
    }
    func variance(_ initialization: Initialization) throws -> Double {
      let drawn = try values(initialization, .weight)
      return drawn.map { $0 * $0 }.reduce(0, +) / Double(drawn.count)
    }
    #expect(abs(try variance(.kaimingNormal) / (2.0 / 9) - 1) < 0.05)
    #expect(abs(try variance(.kaimingUniform) / (2.0 / 9) - 1) < 0.05)
    #expect(abs(try variance(.pytorch) / (1.0 / 27) - 1) < 0.05)
    let bias = try values(.pytorch, .bias).map(abs).max() ?? 0
    #expect(bias > 0.32 && bias <= 1.0 / 3)
  }
}
