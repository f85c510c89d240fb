import TestSupport
import Testing
import Torch

/// Whatever needs no gradient, in either layout of images: the gradients of the rest are what they are where all need one.
///
/// An image that a network begins with needs none, nor does what stands before the parameters that a criterion asks about; libtorch's
/// kernels have a path of their own for each such case.
@Suite struct LayoutGradientTests {
  struct Layer: CustomTestStringConvertible, Sendable {
    let testDescription: String
    let weight: [Int]?
    let compute: @Sendable (Tensor, Tensor?, Tensor?) throws -> Tensor
  }

  static let layers: [Layer] =
    [1, 2, 4].flatMap { channels -> [Layer] in
      [
        Layer(testDescription: "convolution of \(channels)", weight: [3, channels, 3, 3]) { try $0.convolution(required($1), $2) },
        Layer(testDescription: "depthwise convolution of \(channels)", weight: [2 * channels, 1, 2, 2]) {
          try $0.convolution(required($1), $2, groups: channels)
        },
        Layer(testDescription: "batch norm of \(channels)", weight: [channels]) {
          try $0.batchNorm(
            weight: $1, bias: $2, runningMean: nil, runningVariance: nil, training: true, momentum: 0.1, epsilon: 1e-5)
        },
        Layer(testDescription: "maxima of \(channels)", weight: nil) { x, _, _ in try x.maxPool(kernel: (2, 2), stride: (1, 1)) },
        Layer(testDescription: "means of \(channels)", weight: nil) { x, _, _ in try x.averagePool(kernel: (2, 2), stride: (1, 1)) },
        Layer(testDescription: "mean grid of \(channels)", weight: nil) { x, _, _ in try x.adaptiveAveragePool(height: 2, width: 2) },
      ]
        + [1, 2, 4].filter { channels.isMultiple(of: $0) }.flatMap { groups in
          [0, 2].map { absent in
            Layer(testDescription: "\(channels) channels in \(groups) normalised groups, \(absent) absent", weight: [channels]) {
              try $0.groupNorm(groups: groups, weight: $1, bias: $2, epsilon: 1e-5, absent: absent)
            }
          }
        }
    }

  @Sendable private static func required(_ tensor: Tensor?) throws -> Tensor { try #require(tensor) }

  @Test(arguments: layers) func gradientsOfSomeAreThoseOfAll(_ layer: Layer) throws {
    let generator = try Generator(seed: 7)
    let channels = Int(layer.testDescription.split(separator: " ").compactMap { Int($0) }[0])
    // Larger and smaller than the blocks in which libtorch's kernels choose their way.
    for side in [3, 20] {
      let x = try Tensor.normal([2, channels, side, side], type: .float64, generator: generator)
      let weight = try layer.weight.map { try Tensor.normal($0, type: .float64, generator: generator) }
      let bias = try layer.weight.map { try Tensor.normal([$0[0]], type: .float64, generator: generator) }
      let parts = [x, weight, bias]
      let expected = try gradients(layer, parts, needed: [true, weight != nil, bias != nil], channelsLast: false)
      for choice in 1..<8 {
        let needed = (0..<3).map { choice >> $0 & 1 == 1 && parts[$0] != nil }
        guard needed.contains(true) else { continue }
        for channelsLast in [false, true] {
          let found = try gradients(layer, parts, needed: needed, channelsLast: channelsLast)
          for (i, isNeeded) in needed.enumerated() where isNeeded {
            let error = try relativeError(#require(found[i]), #require(expected[i]))
            #expect(error < 1e-9, "\(layer.testDescription), side \(side), \(needed), channels last: \(channelsLast): part \(i)")
          }
        }
      }
    }
  }

  /// Gradients of a loss by the needed parts, first where no other part needs one, then where all do and only these are asked for.
  private func gradients(_ layer: Layer, _ parts: [Tensor?], needed: [Bool], channelsLast: Bool) throws -> [Tensor?] {
    func run(_ requires: [Bool]) throws -> [Tensor?] {
      let leaves = try zip(parts, requires).map { part, isRequired -> Tensor? in
        guard let copy = try part?.copied() else { return nil }
        let leaf = try channelsLast && copy.rank == 4 ? copy.channelsLast() : copy
        if isRequired { try leaf.requireGradient() }
        return leaf
      }
      let loss = try layer.compute(required(leaves[0]), leaves[1], leaves[2]).power(3).sum()
      let asked = zip(leaves, needed).compactMap { $1 ? $0 : nil }
      var found = try Tensor.gradients(of: [loss], by: asked).makeIterator()
      return needed.map { $0 ? found.next() ?? nil : nil }
    }
    let alone = try run(needed)
    for (one, other) in zip(alone, try run(parts.map { $0 != nil })) {
      if let one, let other { #expect(try relativeError(one, other) < 1e-9, "\(layer.testDescription): \(needed)") }
    }
    return alone
  }

  private func required(_ tensor: Tensor?) throws -> Tensor { try Self.required(tensor) }
}
