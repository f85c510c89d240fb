import Testing

@testable import Results

@Suite struct PatternLatencyTests {
  private func pattern(_ name: String, _ times: (batch: Int, seconds: Double, ratio: Double)...) -> PatternLatency {
    PatternLatency(pattern: name, times: times.map { .init(batch: $0.batch, seconds: $0.seconds, ratio: $0.ratio) })
  }

  @Test func theFastestIsChosenOverAllBatchesAlike() {
    let blocks = pattern("block:4x4", (1, 1.9e-6, 0.65), (64, 9.1e-6, 0.9))
    let kernels = pattern("kernel", (1, 3e-6, 1.02), (64, 6e-6, 0.6))
    // √(0.65 · 0.9) = 0.765, √(1.02 · 0.6) = 0.782.
    #expect(PatternLatency.fastest(of: [kernels, blocks]) == blocks)
    #expect(PatternLatency.fastest(of: [kernels]) == kernels)
  }

  @Test func whatGainsLessThanFivePercentIsNoGain() {
    #expect(PatternLatency.fastest(of: []) == nil)
    #expect(PatternLatency.fastest(of: [pattern("kernel", (1, 1, 0.96))]) == nil)
    #expect(PatternLatency.fastest(of: [pattern("kernel", (1, 1, 0.95))])?.pattern == "kernel")
    #expect(PatternLatency.fastest(of: [pattern("kernel", (1, 1, 0.5), (64, 1, 2))]) == nil)
    #expect(PatternLatency.fastest(of: [pattern("kernel")]) == nil)
  }

  @Test func theLineNamesPatternAndOption() {
    #expect(
      pattern("block:4x4", (1, 1.9e-6, 0.65), (64, 9.1e-6, 0.583)).words
        == "blocks of 4×4: 1.90 µs at batch 1 (0.65×), 9.10 µs at batch 64 (0.58×), if accuracy holds (--granularity block:4x4)")
    #expect(pattern("kernel", (1, 1e-3, 0.5)).words.hasPrefix("whole kernels: 1.00 ms at batch 1 (0.50×), if"))
    #expect(pattern("nm:2:4", (1, 1e-3, 0.5)).words.hasPrefix("2 of each 4 inputs: "))
  }
}
