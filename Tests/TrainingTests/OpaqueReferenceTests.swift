import Foundation
import Networks
import TestSupport
import Testing
import Torch
import Training

/// Opaque functions and their gradients against PyTorch's (Tests/Reference/opaque.py).
@Suite struct OpaqueReferenceTests {
  struct Stored: Decodable {
    var shape: [Int]
    var values: [Double]
    var tensor: Tensor { get throws { try Tensor(values, shape: shape) } }
  }

  struct Case: Decodable, CustomTestStringConvertible {
    var name: String
    var numbers: [Double]
    var operands: [Stored]
    var output: Stored
    var gradients: [Stored]
    var testDescription: String { "\(name) \(numbers) \(operands.map(\.shape))" }
  }

  static let cases: [Case] = {
    guard let data = try? Data(contentsOf: reference("opaque.json")) else { return [] }
    return (try? JSONDecoder().decode([Case].self, from: data)) ?? []
  }()

  @Test func everyFunctionHasACase() {
    #expect(Set(Self.cases.map(\.name)) == Set(OpaqueFunction.Name.allCases.map(\.rawValue)))
  }

  /// Through a network, as training runs it.
  @Test(arguments: cases) func valuesAndGradients(golden: Case) throws {
    let name = try #require(OpaqueFunction.Name(rawValue: golden.name))
    let shapes = golden.operands.map { stored -> FeatureShape in
      let sizes = stored.shape
      return sizes.count == 2 ? .vector(sizes[1]) : .image(channels: sizes[1], height: sizes[2], width: sizes[3])
    }
    var builder = NetworkBuilder("one", input: shapes[0])
    let inputs = ["input"] + shapes.dropFirst().map { builder.input("second", $0) }
    builder.append("op", .opaque(OpaqueFunction(name, numbers: golden.numbers)), from: inputs)
    let network = try builder.network()
    #expect(try [golden.operands[0].shape[0]] + network.outputShape.dimensions == golden.output.shape)
    let operands = try golden.operands.map { try $0.tensor }
    for operand in operands { try operand.requireGradient() }
    let output = try #require(try Executor(Model(network: network, tensors: [:])).outputs(of: operands).first)
    #expect(output.shape == golden.output.shape)
    #expect(relativeError(try output.detached().doubles(), golden.output.values) < 1e-12)
    try output.squared().sum().backward()
    for (operand, expected) in zip(operands, golden.gradients) {
      let gradient = try #require(operand.gradient)
      #expect(relativeError(try gradient.doubles(), expected.values) < 1e-11)
    }
  }
}
