import Foundation
import Networks
import Testing

/// ../shared/data beside the package, or ESPALIER_TEST_DATA.
private let dataFolder: URL = {
  if let path = ProcessInfo.processInfo.environment["ESPALIER_TEST_DATA"] { return URL(fileURLWithPath: path) }
  let package = URL(fileURLWithPath: #filePath).resolvingSymlinksInPath().deletingLastPathComponent().deletingLastPathComponent()
    .deletingLastPathComponent().deletingLastPathComponent()
  return package.deletingLastPathComponent().appendingPathComponent("shared/data")
}()

private func trained(_ file: String) -> URL { dataFolder.appendingPathComponent("models/resnet-cifar10/\(file)") }

@Suite struct ParameterNamesTests {
  /// Trained networks of akamaster's repository: name, shape and order of every tensor.
  @Test(
    .enabled(if: FileManager.default.fileExists(atPath: trained("resnet20-12fca82f.safetensors").path), "needs the trained networks"),
    arguments: [("resnet-20", "resnet20-12fca82f.safetensors"), ("resnet-56", "resnet56-4bfd9763.safetensors")])
  func akamaster(name: String, file: String) throws {
    struct Tensor: Decodable {
      var shape: [Int]
      var data_offsets: [Int]
    }
    let handle = try FileHandle(forReadingFrom: trained(file))
    let length = try #require(try handle.read(upToCount: 8)).reversed().reduce(0) { $0 << 8 | Int($1) }
    let text = try #require(try handle.read(upToCount: length))
    var header = try #require(JSONSerialization.jsonObject(with: text) as? [String: Any])
    header["__metadata__"] = nil
    let tensors = try JSONDecoder().decode([String: Tensor].self, from: try JSONSerialization.data(withJSONObject: header))
      .filter { !$0.key.hasSuffix("num_batches_tracked") }
      .sorted { $0.value.data_offsets[0] < $1.value.data_offsets[0] }
    let ours = try Architecture.parse(name).parameterShapes()
    #expect(ours.map(\.name.description) == tensors.map(\.key))
    #expect(ours.map(\.dimensions) == tensors.map(\.value.shape))
  }

  /// The first, a middle and the last tensors of torchvision's models.
  @Test(arguments: [
    (
      "alexnet",
      ["features.0.weight", "features.0.bias", "features.3.weight", "features.10.bias", "classifier.1.weight", "classifier.6.bias"]
    ),
    (
      "vgg16",
      ["features.0.weight", "features.2.weight", "features.5.weight", "features.28.bias", "classifier.3.weight", "classifier.6.bias"]
    ),
    ("vgg11-bn", ["features.0.bias", "features.1.running_var", "features.4.weight", "features.26.running_mean", "classifier.0.weight"]),
    (
      "resnet-18",
      ["conv1.weight", "bn1.running_mean", "layer1.0.conv2.weight", "layer2.0.downsample.0.weight", "layer4.1.bn2.bias", "fc.bias"]
    ),
    (
      "resnet-50",
      ["layer1.0.conv3.weight", "layer1.0.downsample.1.running_var", "layer3.5.bn3.weight", "layer4.2.conv3.weight", "fc.weight"]
    ),
  ])
  func torchvision(network: String, names: [String]) throws {
    let ours = Set(try Architecture.parse(network).parameterShapes().map(\.name.description))
    for name in names { #expect(ours.contains(name), "\(network) lacks \(name)") }
  }

  @Test func namesParseAndPrint() {
    #expect(ParameterName("layer1.0.bn1.running_var") == ParameterName("layer1.0.bn1", .runningVariance))
    #expect(ParameterName("layer1.0.bn1.num_batches_tracked") == nil)
    #expect(ParameterName("weight") == nil)
    #expect(ParameterName("fc", .bias).description == "fc.bias")
    #expect(ParameterName("a", .weight) < ParameterName("b", .bias))
  }

  @Test func sharedModulesAppearOnce() throws {
    var builder = NetworkBuilder("shared", input: .vector(4))
    builder.linear("fc1", 4)
    builder.append("again", .linear(Linear(4, 4)), from: ["fc1"], module: "fc1")
    let network = try builder.network()
    #expect(try network.parameterShapes().map(\.name.description) == ["fc1.weight", "fc1.bias"])
    #expect(network.prunableWeights.map(\.description) == ["fc1.weight"])
    let cost = try network.cost()
    #expect(cost.parameters == 20)
    #expect(cost.macs == 32)
    #expect(cost.layers.map(\.parameters) == [0, 20, 0])
  }
}
