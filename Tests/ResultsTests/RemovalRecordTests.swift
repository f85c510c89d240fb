import Foundation
import Testing

@testable import Results

@Suite struct RemovalRecordTests {
  private func record(_ before: Double?, _ after: Double?, removed: Int = 1, seconds: Double? = nil) -> RemovalRecord {
    RemovalRecord(number: 1, step: 2, removed: removed, kept: 3, before: before, after: after, surgerySeconds: seconds)
  }

  @Test func instabilityIsWhatIsLostAtOnce() {
    #expect(record(0.8, 0.6).instability.map { ($0 * 1e12).rounded() } == 2e11)
    #expect(record(0.8, 0.6).relativeInstability.map { ($0 * 1e12).rounded() } == 2.5e11)
    #expect(record(nil, 0.6).instability == nil && record(0.6, nil).instability == nil && record(0, 0).relativeInstability == nil)
  }

  /// Over removals that took something and were judged.
  @Test func aRunHasTheirMean() throws {
    var row = RunRecord(
      tool: Tool(version: "0", libtorch: "2"),
      machine: Machine(processor: "P", cores: 2, threads: 1, memory: 1_000_000, system: "Linux x86_64"), command: [], network: "n",
      data: nil, seed: 0,
      dense: Artefact(parameters: 1, prunableWeights: 1, nonZeroWeights: 1, widths: [], tensorBytes: 4, macs: 1, effectiveMACs: 1),
      peakMemory: 1)
    #expect(row.instability == nil && row.surgerySeconds == nil)
    row.removals = [record(0.75, 0.5), record(0.5, 0.5, removed: 0), record(nil, 0.1, seconds: 0.25), record(0.5, 0, seconds: 0.5)]
    #expect(row.instability == 0.375 && row.relativeInstability == (1.0 / 3 + 1) / 2)
    #expect(try RunRecord(json: .init(row.json().utf8)) == row)
    #expect(RowQuantity.named("instability")?.value(row) == 0.375 && RowQuantity.named("surgery-seconds")?.value(row) == 0.75)
  }
}
