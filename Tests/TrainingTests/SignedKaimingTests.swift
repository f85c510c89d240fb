import Networks
import Testing
import Torch
import Training

@Suite struct SignedKaimingTests {
  @Test func everyWeightIsPlusOrMinusTheConstant() throws {
    let network = try Architecture.parse("lenet-5")
    let tensors = try Initialization.signedKaiming.tensors(for: network, seed: 3)
    for (name, fanIn) in [("conv1", 25.0), ("conv2", 500), ("fc1", 800), ("fc2", 500)] {
      let weights = try #require(tensors[ParameterName(name, .weight)]).array(Float.self)
      let magnitude = Float((2 / fanIn).squareRoot())
      #expect(weights.allSatisfy { $0 == magnitude || $0 == -magnitude }, "\(name)")
      // A fair coin: within five standard deviations.
      let positive = Double(weights.count { $0 > 0 })
      #expect(abs(positive - Double(weights.count) / 2) < 2.5 * Double(weights.count).squareRoot(), "\(name)")
      #expect(try #require(tensors[ParameterName(name, .bias)]).nonZeroCount() == 0)
    }
    let again = try Initialization.signedKaiming.tensors(for: network, seed: 3)
    let other = try Initialization.signedKaiming.tensors(for: network, seed: 4)
    let name = ParameterName("fc1", .weight)
    #expect(try again[name]?.bytes() == tensors[name]?.bytes())
    #expect(try other[name]?.bytes() != tensors[name]?.bytes())
  }
}
