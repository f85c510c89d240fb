#if os(Linux)
  import StandInCUDA
  import TestSupport
  import Testing
  import Torch

  /// Tensors on another device than the CPU, in processes of their own with a stand-in for it.
  @Suite struct OtherDeviceTests {
    private enum Kind: CaseIterable { case sgd, nesterov, adam, decoupled }

    private static let kept = (0..<60).map { $0 % 3 != 1 }

    /// Returns the parameter and moments after a few steps with weight decay, with and without a mask, of a channels-last parameter.
    private static func stepped(_ kind: Kind, masked: Bool, on device: Device) throws -> [Tensor] {
      var random = RandomStream(seed: 5)
      func drawn() throws -> Tensor {
        try Tensor((0..<60).map { _ in Float.random(in: -1...1, using: &random) }, shape: [5, 3, 2, 2]).moved(to: device)
      }
      let parameter = try drawn().channelsLast()
      try parameter.requireGradient()
      let idle = try drawn()
      let fused = try FusedParameters([parameter, idle], moments: kind == .sgd || kind == .nesterov ? 1 : 2)
      // From the CPU, as a selection leaves it.
      if masked { try fused.setMask(Tensor(kept, shape: [5, 3, 2, 2]), at: 0) }
      for step in 1...4 {
        try (parameter * drawn()).sum().backward()
        switch kind {
        case .sgd, .nesterov: try fused.stepSGD(learningRate: 0.1, momentum: 0.9, weightDecay: 0.01, nesterov: kind == .nesterov)
        case .adam, .decoupled: try fused.stepAdam(learningRate: 0.01, weightDecay: 0.1, decoupled: kind == .decoupled, step: step)
        }
        #expect(parameter.gradient == nil)
      }
      return [try parameter.detached(), idle] + fused.moments.map { $0[0] }
    }

    /// libtorch's fused steps take our steps, up to rounding, and hold at exactly 0 what a mask prunes.
    @Test func optimizersTakeTheSameSteps() async {
      await #expect(processExitsWith: .success) {
        stand_in_cuda_install()
        for kind in Kind.allCases {
          for masked in [false, true] {
            let (here, there) = (try Self.stepped(kind, masked: masked, on: .cpu), try Self.stepped(kind, masked: masked, on: .cuda))
            for (k, (x, y)) in zip(there, here).enumerated() {
              #expect(x.device == .cuda && x.isChannelsLast == y.isChannelsLast)
              #expect(try relativeError(x, y) < 1e-6, "\(kind), \(masked), \(k)")
              if masked, k != 1 { #expect(try zip(x.doubles(), Self.kept).allSatisfy { $1 || ($0 == 0 && $0.sign == .plus) }) }
            }
          }
        }
      }
    }

    @Test func indicesAndMovesFollowTheTensor() async {
      await #expect(processExitsWith: .success) {
        stand_in_cuda_install()
        #expect(TorchRuntime.cudaDevices == 1)
        let there = try Tensor([Float(1), 2, 3]).moved(to: .cuda)
        let same = try there.moved(to: .cuda)
        #expect(there.device == .cuda && same === there)
        #expect(try there.indexed(0, [2, 0]).array(Float.self) == [3, 1])
        let here = try Tensor([Float(1), 2, 3])
        #expect(throws: TorchError("add: Expected all tensors to be on the same device, but found at least two devices, cuda:0 and cpu!")) {
          _ = try (there + here)
        }
        try TorchRuntime.synchronize(.cuda)
      }
    }
  }
#endif
