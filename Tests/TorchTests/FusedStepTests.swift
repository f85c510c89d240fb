import TestSupport
import Testing
import Torch

/// What the fused steps promise beyond PyTorch's formulas.
@Suite struct FusedStepTests {
  /// Large enough for two threads, and no multiple of any vector's width.
  private static let count = 70_001

  /// Draws, a gradient, and a mask that keeps about half.
  private func drawn(_ seed: UInt64) throws -> (start: [Float], gradient: [Float], kept: [Bool]) {
    var random = RandomStream(seed: seed)
    return (
      (0..<Self.count).map { _ in .random(in: -1...1, using: &random) }, (0..<Self.count).map { _ in .random(in: -1...1, using: &random) },
      (0..<Self.count).map { _ in .random(using: &random) }
    )
  }

  /// Whatever clone for whatever instruction set runs here, it rounds as these plain loops do, bit for bit.
  @Test(arguments: [false, true]) func adamIsThePlainLoop(masked: Bool) throws {
    let (start, gradient, kept) = try drawn(1)
    let parameter = try Tensor(start)
    try parameter.requireGradient()
    let fused = try FusedParameters([parameter], moments: 2)
    if masked { try fused.setMask(Tensor(kept), at: 0) }
    var (w, m, v) = (start, [Float](repeating: 0, count: Self.count), [Float](repeating: 0, count: Self.count))
    let (b1, b2, c1, c2) = (Float(0.9), Float(0.999), Float(1 - 0.9), Float(1 - 0.999))
    for step in 1...3 {
      try (parameter * Tensor(gradient)).sum().backward()
      try fused.stepAdam(learningRate: 0.01, weightDecay: 0.1, step: step)
      let (size, root) = (Float(0.01 / (1 - power(0.9, step))), Float(1 / (1 - power(0.999, step)).squareRoot()))
      for i in 0..<Self.count where kept[i] || !masked {
        let g = gradient[i] + Float(0.1) * w[i]
        m[i] = b1 * m[i] + c1 * g
        v[i] = b2 * v[i] + c2 * g * g
        w[i] -= size * m[i] / (v[i].squareRoot() * root + Float(1e-8))
      }
      let expected = masked ? zip(w, kept).map { $1 ? $0 : 0 } : w
      #expect(try parameter.detached().array(Float.self) == expected)
      #expect(try fused.moments[0][0].array(Float.self) == m)
      #expect(try fused.moments[1][0].array(Float.self) == v)
    }
  }

  @Test(arguments: [false, true]) func nesterovIsThePlainLoop(masked: Bool) throws {
    let (start, gradient, kept) = try drawn(2)
    let parameter = try Tensor(start)
    try parameter.requireGradient()
    let fused = try FusedParameters([parameter], moments: 1)
    if masked { try fused.setMask(Tensor(kept), at: 0) }
    var (w, m) = (start, [Float](repeating: 0, count: Self.count))
    for _ in 1...3 {
      try (parameter * Tensor(gradient)).sum().backward()
      try fused.stepSGD(learningRate: 0.1, momentum: 0.9, weightDecay: 0.01, nesterov: true)
      for i in 0..<Self.count where kept[i] || !masked {
        let g = gradient[i] + Float(0.01) * w[i]
        m[i] = Float(0.9) * m[i] + g
        w[i] -= Float(0.1) * (g + Float(0.9) * m[i])
      }
      #expect(try parameter.detached().array(Float.self) == (masked ? zip(w, kept).map { $1 ? $0 : 0 } : w))
      #expect(try fused.moments[0][0].array(Float.self) == m)
    }
  }

  private func power(_ base: Double, _ exponent: Int) -> Double { (0..<exponent).reduce(1) { value, _ in value * base } }

  @Test func aMaskHoldsEvenAgainstNaN() throws {
    let parameter = try Tensor([1, 2, 3] as [Float])
    try parameter.requireGradient()
    for adam in [false, true] {
      let fused = try FusedParameters([parameter], moments: adam ? 2 : 1)
      try fused.setMask(Tensor([true, false, true]), at: 0)
      #expect(try parameter.detached().array(Float.self)[1].bitPattern == 0)
      try (parameter * Tensor([1, .nan, 1] as [Float])).sum().backward()
      if adam { try fused.stepAdam(learningRate: 0.1, step: 1) } else { try fused.stepSGD(learningRate: 0.1, momentum: 0.9) }
      #expect(try parameter.detached().array(Float.self)[1].bitPattern == 0)
      for moment in fused.moments { #expect(try moment[0].array(Float.self)[1].bitPattern == 0) }
    }
  }

  @Test func aMaskThatIsTakenAwayLetsWeightsGrowAgain() throws {
    let parameter = try Tensor([1, 2] as [Float])
    try parameter.requireGradient()
    let fused = try FusedParameters([parameter], moments: 1)
    try fused.setMask(Tensor([true, false]), at: 0)
    try fused.setMask(nil, at: 0)
    try (parameter * 1).sum().backward()
    try fused.stepSGD(learningRate: 0.5)
    #expect(try parameter.detached().array(Float.self) == [0.5, -0.5])
  }

  @Test func aParameterWithoutGradientStays() throws {
    let (moved, still) = (try Tensor([1] as [Float]), try Tensor([1] as [Float]))
    for parameter in [moved, still] { try parameter.requireGradient() }
    let fused = try FusedParameters([moved, still], moments: 1)
    try (moved * 2).sum().backward()
    try fused.stepSGD(learningRate: 0.25, momentum: 0.9, weightDecay: 0.5)
    #expect(try moved.item() == 0.375)
    #expect(try still.item() == 1)
  }

  @Test func errors() throws {
    let parameter = try Tensor([1, 2] as [Float])
    try parameter.requireGradient()
    let fused = try FusedParameters([parameter], moments: 1)
    try (parameter * 1).sum().backward()
    #expect(throws: TorchError("adam_step: needs two moments per parameter, has 1")) { try fused.stepAdam(learningRate: 1, step: 1) }
    #expect(throws: TorchError("sgd_step: needs one moment per parameter, has none")) {
      try FusedParameters([parameter], moments: 0).stepSGD(learningRate: 1)
    }
    #expect(throws: TorchError("adam_step: steps count from 1, not 0")) {
      try FusedParameters([parameter], moments: 2).stepAdam(learningRate: 1, step: 0)
    }
    #expect(throws: TorchError("set_mask: a mask is of bool and of its parameter's shape [2], not [3]")) {
      try fused.setMask(Tensor([true, true, false]), at: 0)
    }
    let sliced = try Tensor.zeros([2, 4]).sliced(1, step: 2)
    try sliced.requireGradient()
    try (sliced * 1).sum().backward()
    #expect(throws: TorchError("sgd_step: the velocity must have the parameter's layout")) {
      try FusedParameters([sliced], moments: 1).stepSGD(learningRate: 1)
    }
  }
}
