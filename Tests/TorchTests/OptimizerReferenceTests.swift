import Foundation
import TestSupport
import Testing
import Torch

/// The fused steps against PyTorch's optimizers (Tests/Reference/optimizers.py).
@Suite struct OptimizerReferenceTests {
  struct Plan: Codable {
    var rate: Double
    var momentum, weightDecay, beta1, beta2, epsilon: Double?
    var nesterov: Bool?
  }

  struct Trajectory: Codable, CustomTestStringConvertible {
    var name: String
    var plan: Plan
    var float32, float64: [[Double]]
    var testDescription: String { name }
  }

  struct Document: Codable {
    var start: [Double]
    var gradients: [[Double]]
    var trajectories: [Trajectory]
  }

  static let document: Document? = (try? Data(contentsOf: reference("optimizers.json")))
    .flatMap { try? JSONDecoder().decode(Document.self, from: $0) }

  @Test func theReferenceIsThere() { #expect(Self.document?.trajectories.count == 7) }

  @Test(arguments: document?.trajectories ?? []) func agreesWithPyTorch(_ golden: Trajectory) throws {
    let document = try #require(Self.document)
    // As a convolution's weight, row-major and channels-last, the gradient in the parameter's layout and in the other one.
    let shape = [2, 3, 2, 2]
    for (type, expected, tolerance) in [(ElementType.float32, golden.float32, 1e-6), (.float64, golden.float64, 1e-14)] {
      for (parameterLast, gradientLast, masked) in [(false, false, false), (true, true, false), (true, false, true), (false, true, true)] {
        var parameter = try Tensor(document.start, shape: shape).cast(to: type)
        if parameterLast { parameter = try parameter.channelsLast().copied() }
        try parameter.requireGradient()
        let adam = golden.name.hasPrefix("adam")
        let fused = try FusedParameters([parameter], moments: adam ? 2 : 1)
        let kept = (0..<document.start.count).map { !masked || $0 % 3 != 1 }
        if masked { try fused.setMask(Tensor(kept, shape: shape), at: 0) }
        for (step, gradient) in document.gradients.enumerated() {
          try accumulate(Tensor(gradient, shape: shape).cast(to: type), into: parameter, channelsLast: gradientLast)
          try take(golden, step + 1, fused)
          let found = try parameter.doubles()
          let wanted = zip(expected[step], kept).map { $1 ? $0 : 0 }
          let error = relativeError(found, wanted)
          #expect(error <= tolerance, "\(golden.name), \(type), step \(step + 1): off by \(error)")
          for tensor in [parameter] + fused.moments.map({ $0[0] }) where masked {
            let zeros = zip(try tensor.doubles(), kept).filter { !$1 }.map { $0.0.bitPattern }
            #expect(zeros.allSatisfy { $0 == 0 }, "\(golden.name): a pruned element or its moment is not 0")
          }
          #expect(parameter.gradient == nil)
        }
      }
    }
  }

  private func accumulate(_ gradient: Tensor, into parameter: Tensor, channelsLast: Bool) throws {
    let gradient = channelsLast ? try gradient.channelsLast() : gradient
    try (parameter * gradient).sum().backward()
  }

  private func take(_ golden: Trajectory, _ step: Int, _ fused: FusedParameters) throws {
    let plan = golden.plan
    if golden.name.hasPrefix("adam") {
      try fused.stepAdam(
        learningRate: plan.rate, beta1: plan.beta1 ?? 0.9, beta2: plan.beta2 ?? 0.999, epsilon: plan.epsilon ?? 1e-8,
        weightDecay: plan.weightDecay ?? 0, decoupled: golden.name == "adamw", step: step)
    } else {
      try fused.stepSGD(
        learningRate: plan.rate, momentum: plan.momentum ?? 0, weightDecay: plan.weightDecay ?? 0, nesterov: plan.nesterov ?? false)
    }
  }
}
