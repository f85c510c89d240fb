import Results
import Testing

@Suite struct InferenceVerdictTests {
  private func side(
    weights: Int, nonZero: Int, macs: Int, effective: Int? = nil, bytes: Int, latency: [(Int, [Double])] = []
  ) -> Artefact {
    Artefact(
      parameters: weights, prunableWeights: weights, nonZeroWeights: nonZero, widths: [], tensorBytes: bytes, macs: macs,
      effectiveMACs: effective ?? macs,
      latency: latency.compactMap { batch, samples in Measurement(samples, unit: .seconds).map { BatchLatency(batch: batch, time: $0) } })
  }
  private let dense64 = (64, [1.00, 1.00, 1.01, 1.02, 1.02])
  private let dense1 = (1, [0.10, 0.10, 0.10, 0.11, 0.12])

  private func verdict(_ batches: [(Int, [Double])], nonZero: Int = 560) -> InferenceVerdict {
    InferenceVerdict(
      dense: side(weights: 1000, nonZero: 1000, macs: 1000, bytes: 4000, latency: [dense64, dense1]),
      pruned: side(weights: 560, nonZero: nonZero, macs: 560, effective: nonZero, bytes: 2240, latency: batches))
  }

  @Test func zerosInTensorsOfTheOldSize() {
    let dense = side(weights: 1000, nonZero: 1000, macs: 1000, bytes: 4000, latency: [dense64])
    let pruned = side(weights: 1000, nonZero: 90, macs: 1000, effective: 90, bytes: 4000, latency: [(64, [0.5, 0.5, 0.5])])
    let verdict = InferenceVerdict(dense: dense, pruned: pruned)
    #expect(verdict.answer == .unchanged)
    // Even a lucky measurement does not make it faster.
    #expect(
      verdict.words == "91.00 % of the weights are zero, but tensors keep their size: dense kernels will not run faster; "
        + "whole units would have to go, or a sparse runtime is needed.")
    #expect(InferenceVerdict(dense: dense, pruned: dense).words == "Nothing was removed: inference takes as long as before.")
  }

  @Test func theSparseRuntimesTimesStandForWhatItCouldDo() {
    func times(_ samples: [(Int, Double)]) -> [BatchLatency] {
      samples.compactMap { batch, seconds in Measurement([seconds], unit: .seconds).map { BatchLatency(batch: batch, time: $0) } }
    }
    let dense = side(weights: 1000, nonZero: 1000, macs: 1000, bytes: 4000, latency: [dense1, dense64])
    var pruned = side(weights: 1000, nonZero: 90, macs: 1000, effective: 90, bytes: 4000)
    pruned.sparseLatency = times([(1, 0.021), (64, 0.303), (7, 1)])
    #expect(
      InferenceVerdict(dense: dense, pruned: pruned).words
        == "91.00 % of the weights are zero, but tensors keep their size: dense kernels will not run faster; "
        + "the sparse runtime takes 0.21× as long at batch 1 and 0.30× as long at batch 64.")
    pruned = side(weights: 560, nonZero: 140, macs: 560, effective: 140, bytes: 2240)
    pruned.sparseLatency = times([(64, 0.101)])
    #expect(
      InferenceVerdict(dense: dense, pruned: pruned).words
        == "Tensors shrank to 0.56× the MACs; the time was not measured. 75.00 % of the weights still there are zero, which dense kernels "
        + "multiply all the same: the sparse runtime takes 0.10× as long at batch 64.")
  }

  @Test func smallerAndFaster() {
    let both = verdict([(64, [0.58, 0.585, 0.59]), (1, [0.07, 0.071, 0.072])])
    #expect(both.answer == .faster)
    #expect(both.words == "Tensors shrank: 0.56× the MACs run 0.58× as long at batch 64 and 0.71× as long at batch 1.")
    let one = verdict([(64, [0.58, 0.585, 0.59])])
    #expect(one.words == "Tensors shrank: 0.56× the MACs run 0.58× as long at batch 64.")
  }

  @Test func noGainIsClaimedWhereSpreadsOverlap() {
    let part = verdict([(64, [0.58, 0.585, 0.59]), (1, [0.09, 0.10, 0.11])])
    #expect(part.answer == .partlyFaster)
    #expect(
      part.words == "Tensors shrank: 0.56× the MACs run 0.58× as long at batch 64. "
        + "Measured times overlap elsewhere (1.00× as long at batch 1): no gain can be claimed there.")
    let none = verdict([(64, [0.9, 0.98, 1.05])])
    #expect(none.answer == .undecided)
    #expect(
      none.words == "Tensors shrank to 0.56× the MACs, but the measured times overlap (0.97× as long at batch 64): no gain can be claimed.")
  }

  @Test func slowerIsSaid() {
    let slower = verdict([(64, [1.2, 1.21, 1.22])])
    #expect(slower.answer == .slower)
    #expect(slower.words == "Tensors shrank to 0.56× the MACs, but run 1.20× as long at batch 64: no faster.")
    let mixed = verdict([(64, [0.58, 0.585, 0.59]), (1, [0.2, 0.2, 0.2])])
    #expect(mixed.answer == .undecided)
    #expect(mixed.words == "Tensors shrank: 0.56× the MACs run 0.58× as long at batch 64, but 2.00× as long at batch 1.")
  }

  @Test func withoutTimes() {
    let verdict = verdict([], nonZero: 140)
    #expect(verdict.answer == .notMeasured)
    #expect(
      verdict.words == "Tensors shrank to 0.56× the MACs; the time was not measured. 75.00 % of the weights still there are zero, which "
        + "dense kernels multiply all the same: a sparse runtime could do with 0.14× the MACs.")
  }
}
