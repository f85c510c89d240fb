import Foundation
import Networks
import Pruning
import TestSupport
import Testing
import Torch
import Training

@Suite struct RewindingTests {
  @Test(arguments: [
    ("init", Rewinding.initial), ("500it", .step(.iterations(500))), ("2ep", .step(.epochs(2))), ("learning-rate", .learningRate),
    ("none", .none),
  ])
  func words(text: String, rewinding: Rewinding) throws {
    #expect(try Rewinding(parsing: text) == rewinding)
    #expect(rewinding.description == text)
    #expect(try JSONDecoder().decode([Rewinding].self, from: JSONEncoder().encode([rewinding])) == [rewinding])
  }

  @Test func wordsThatAreNone() {
    let error = #expect(throws: PlanError.self) { try Rewinding(parsing: "beginning") }
    #expect(
      error?.description
        == "\"beginning\" is not a point to rewind to: choose init, a step of the dense training such as 500it, learning-rate or none")
  }

  @Test func stepZeroIsTheBeginning() throws { #expect(try Rewinding(parsing: "0it") == .initial) }

  @Test func aModelGoesBackToItsOriginUnderItsMasks() throws {
    let network = try Architecture.parse("mlp:3-2")
    let weight = try #require(network.prunableWeights.first)
    let bias = ParameterName(weight.module, .bias)
    func model(_ weights: [Float], _ biases: [Float]) throws -> Model {
      try Model(
        network: network, tensors: [weight: Tensor(weights, shape: [2, 3]), bias: Tensor(biases, shape: [2])],
        masks: [weight: Tensor([true, false, true, false, true, true], shape: [2, 3])])
    }
    let origin = try model([1.5, -2.5, 3.5, 4.5, -0.1, 6.5], [0.25, -0.75])
    let trained = try model([9, 0, 9, 0, 9, 9], [9, 9])
    let back = try trained.rewound(to: origin)
    #expect(try back.tensor(weight).array(Float.self).map(\.bitPattern) == [1.5, 0, 3.5, 0, -0.1, 6.5].map { Float($0).bitPattern })
    #expect(try back.tensor(bias).array(Float.self) == [0.25, -0.75])
    #expect(try origin.tensor(weight).array(Float.self)[1] == -2.5, "the origin is left alone")
  }
}
