import Foundation
import Results
import Testing

@Suite struct FlatnessTests {
  private func row() throws -> RunRecord {
    let dense = Artefact(
      accuracyAtEnd: Accuracy(correct: 90, count: 100, loss: 0.31), parameters: 20, prunableWeights: 18, nonZeroWeights: 18, widths: [],
      tensorBytes: 80, macs: 18, effectiveMACs: 18)
    var row = RunRecord(
      tool: Tool(version: "0.1.0", libtorch: "2.11.0"),
      machine: Machine(processor: "A Processor", cores: 2, threads: 2, memory: 24_000_000_000, system: "Linux x86_64"),
      command: [], network: "mlp", data: nil, seed: 7, dense: dense, peakMemory: 5)
    row.flatness = Flatness(
      training: Accuracy(correct: 1950, count: 2000, loss: 0.0625), examples: 1000, parameters: 20, loss: 0.06,
      hessianTrace: try #require(SampledMean([10, 12, 14, 16])), eigenvalues: [3.5, 2.25], eigenvalueResidual: 1e-4,
      gradientCovariance: 0.5234, lossRise: try #require(SampledMean([0.01, 0.02])), noise: 0.1)
    return row
  }

  @Test func quantitiesAreThoseOfTheRow() throws {
    var row = try row()
    func value(_ name: String) throws -> Double? { try #require(RowQuantity.named(name), "\(name)").value(row) }
    #expect(try value("training-accuracy") == 0.975 && value("training-loss") == 0.0625)
    let (accuracy, loss) = (try #require(try value("accuracy-gap")), try #require(try value("loss-gap")))
    #expect(abs(accuracy - 0.075) < 1e-15 && abs(loss - 0.2475) < 1e-15)
    #expect(try value("hessian-trace") == 13 && value("hessian-top") == 3.5 && value("hessian-top-sum") == 5.75)
    #expect(try value("gradient-covariance") == 0.5234 && value("loss-rise") == 0.015)
    // √(20/3)/√4, the standard deviation of 10, 12, 14 and 16 being √(20/3).
    let error = try #require(row.flatness?.hessianTrace.standardError)
    #expect(abs(error - (20.0 / 12).squareRoot()) < 1e-14)
    #expect(SampledMean([]) == nil && SampledMean([2])?.standardError == nil)
    row.dense.accuracyAtEnd = nil
    #expect(try value("accuracy-gap") == nil && value("loss-gap") == nil && value("training-accuracy") == 0.975)
    row.flatness = nil
    #expect(try value("hessian-trace") == nil && value("training-accuracy") == nil)
  }

  @Test func theRowForPeople() throws {
    var row = try row()
    let text = row.text(width: 400)
    #expect(text.contains("\ngeneralization  training accuracy 97.50 %, gap +7.50 points, training loss 0.0625, gap 0.2475\n"), "\(text)")
    #expect(
      text.contains(
        "\nflatness        Hessian trace 13.0 ± 1.3, largest eigenvalues 3.50, 2.25 (sum 5.75), trace of the gradients' covariance 0.523, "
          + "loss +0.0150 ± 0.0050 with 10 % of noise on the weights; 1,000 training examples\n"), "\(text)")
    let read = try RunRecord(json: Data(row.json().utf8))
    #expect(read.flatness == row.flatness)
    row.flatness = nil
    let json = try row.json()
    #expect(!row.text(width: 400).contains("flatness") && !json.contains("flatness"))
  }
}
