import Foundation
import Results
import Testing

@Suite struct RunRecordTests {
  private func latency(_ batch: Int, _ microseconds: [Double]) -> BatchLatency? {
    Measurement(microseconds.map { $0 * 1e-6 }, unit: .seconds).map { BatchLatency(batch: batch, time: $0) }
  }

  private var record: RunRecord {
    let dense = Artefact(
      accuracyAtEnd: Accuracy(correct: 352, count: 360, loss: 0.0912, iteration: 1000),
      accuracyChosen: Accuracy(correct: 353, count: 360, loss: 0.09, iteration: 800), parameters: 52_610, prunableWeights: 52_200,
      nonZeroWeights: 52_200, widths: [.init(layer: "fc1", units: 300), .init(layer: "fc2", units: 100), .init(layer: "fc3", units: 10)],
      units: 400, tensorBytes: 210_440, fileBytes: 212_000, macs: 52_200, effectiveMACs: 52_200,
      latency: [latency(1, [30, 31, 32]), latency(64, [100, 102, 104])].compactMap { $0 })
    let pruned = Artefact(
      accuracyAtEnd: Accuracy(correct: 351, count: 360, loss: 0.101, iteration: 3000), parameters: 14_380, prunableWeights: 14_100,
      nonZeroWeights: 5_200, widths: [.init(layer: "fc1", units: 190), .init(layer: "fc2", units: 70), .init(layer: "fc3", units: 10)],
      units: 260, tensorBytes: 57_520, fileBytes: 59_000, macs: 14_100, effectiveMACs: 5_200,
      latency: [latency(1, [29, 31, 32]), latency(64, [60, 61, 62])].compactMap { $0 })
    return RunRecord(
      tool: Tool(version: "0.1.0", libtorch: "2.11.0"),
      machine: Machine(processor: "A Processor", cores: 2, threads: 2, memory: 24_000_000_000, system: "Linux x86_64"),
      command: ["/usr/bin/espalier", "prune", "--network", "lenet-300-100", "--output", "my model.safetensors"], network: "lenet-300-100",
      data: DataSummary(
        name: "digits", note: "8×8 images", training: 1_293, subsetOf: 1_437, validation: 144, test: 360), seed: 7,
      method: "weights by magnitude, 5 rounds", dense: dense, pruned: pruned, weights: Removal(asked: 0.9, removed: 46_980, of: 52_200),
      units: Removal(asked: nil, removed: 140, of: 400), proof: Proof(surgeries: 1, largestRelativeDifference: 1.24e-7),
      trainingSeconds: 12.345, steps: 3000, peakMemory: 512_000_000)
  }

  @Test func constantOutputsAreSaid() throws {
    var row = record
    row.proof = Proof(surgeries: 2, largestRelativeDifference: 0, constantOutputs: 2)
    row.collapse = LayerCollapse(layers: ["fc2"], removal: 1, kept: 30, of: 410, things: "units")
    let text = row.text(width: 200)
    #expect(
      text.contains(
        "\nproof        constant output: whatever goes in, the masked and the compacted network say the same, which proves nothing "
          + "(2 surgeries)\n"))
    #expect(text.contains("\nCOLLAPSED    nothing flows through fc2 since removal 1, at compression 13.7 (30 of 410 units left)\n"))
    row.proof = Proof(surgeries: 3, largestRelativeDifference: 1.24e-7, constantOutputs: 1)
    #expect(row.text(width: 200).contains("(3 surgeries; allowed 1.0e-04); after 1 of them constant output, of which it proves nothing\n"))
    let read = try RunRecord(json: Data(row.json().utf8))
    #expect(read.proof?.constantOutputs == 1 && read.collapse?.things == "units")
    #expect(!(try record.json().contains("constantOutputs")))
  }

  @Test func theDeviceIsNamed() throws {
    var row = record
    row.machine.device = "cuda"
    #expect(row.text(width: 200).contains("\nmachine      A Processor, 2 threads, cuda, espalier 0.1.0, libtorch 2.11.0\n"))
    row.machine.accelerator = "NVIDIA H200"
    #expect(row.text(width: 200).contains("\nmachine      A Processor, 2 threads, cuda (NVIDIA H200), espalier 0.1.0, libtorch 2.11.0\n"))
    #expect(try RunRecord(json: Data(row.json().utf8)).machine == row.machine)
    #expect(!(try record.json().contains("accelerator")))
  }

  @Test func theRowForPeople() {
    #expect(
      record.text(width: 80) == """
        lenet-300-100 on digits, seed 7: weights by magnitude, 5 rounds

                                                        dense               pruned           change
        test accuracy, end of training         97.78 % ± 0.78       97.50 % ± 0.82     −0.28 points
        test accuracy, validation-chosen       98.06 % ± 0.73                    –                –
        test loss, end of training                     0.0912               0.1010          +0.0098
        parameters                                     52,610               14,380            0.27×
        prunable weights                               52,200               14,100            0.27×
        non-zero weights                               52,200                5,200            0.10×
        units                                             400                  260            0.65×
        outputs of all layers                             410                  270            0.66×
        tensors                                        210 kB              57.5 kB            0.27×
        file                                           212 kB              59.0 kB            0.28×
        MACs                                           52,200               14,100            0.27×
        MACs of non-zero weights                       52,200                5,200            0.10×
        latency, batch 1                  31.0 µs (30.5–31.5)  31.0 µs (30.0–31.5)  1.00× (overlap)
        latency, batch 64                    102 µs (101–103)  61.0 µs (60.5–61.5)            0.60×

        sparsity     asked 90.000 %, achieved 90.000 % (46,980 of 52,200 weights, 5,220
                     left)
        units        achieved 35.000 % (140 of 400 units, 260 left)
        widths       fc1 300 → 190, fc2 100 → 70
        proof        masked and compacted outputs differ by at most 1.2e-07 of the
                     largest output (1 surgery; allowed 1.0e-04)
        data         1,293 training (of 1,437), 144 validation, 360 test images;
                     accuracy ± standard error; lowest validation loss: dense step 800;
                     8×8 images
        latency      median (quartiles); batch 1: 3 samples; batch 64: 3 samples
        training     12.3 s, 3,000 steps
        peak memory  512 MB
        machine      A Processor, 2 threads, espalier 0.1.0, libtorch 2.11.0
        command      espalier prune --network lenet-300-100 --output 'my
                     model.safetensors'
        inference    Tensors shrank: 0.27× the MACs run 0.60× as long at batch 64.
                     Measured times overlap elsewhere (1.00× as long at batch 1): no
                     gain can be claimed there. 63.12 % of the weights still there are
                     zero, which dense kernels multiply all the same: a sparse runtime
                     could do with 0.10× the MACs.

        """)
  }

  /// Why the counts of a removal are not those of the table beside them.
  @Test func everyDifferenceIsSaid() throws {
    var record = record
    record.weights = Removal(asked: 0.9, removed: 46_980, of: 52_200, earlier: 40_000)
    record.weights?.dead = 18
    record.weights?.zeros = 2
    record.weights?.ignored = 1000
    record.units = Removal(asked: 0.5, removed: 10, of: 20, things: "filters")
    record.units?.ignored = 128
    record.targets = [ReachedCost(measure: "macs", original: 60_000, before: 52_200, asked: 15_000, achieved: 14_100)]
    let text = record.text(width: 400)
    #expect(
      text.contains(
        "asked 90.000 %, achieved 90.000 % (46,980 of 52,200 weights, 40,000 of them before this run, 5,220 left; 18 of these in dead "
          + "units that were cut out, 2 of these 0, 1,000 other weights left alone)\n"))
    #expect(text.contains("\nfilters      asked 50.000 %, achieved 50.000 % (10 of 20 filters, 10 left; 128 other units left alone)\n"))
    #expect(text.contains("\ntarget       macs 60,000 → 52,200 before this run → 14,100 (asked at most 15,000)\n"))
    #expect(try RunRecord(json: Data(record.json().utf8)) == record)
  }

  /// The median that is less certain, of those that have an interval.
  @Test func theRowSaysHowOftenLatencyWasMeasured() {
    var record = record
    record.dense.latency = [latency(1, [10, 10, 10, 10, 10, 10.1]), latency(64, [1, 2, 3, 4, 5])].compactMap { $0 }
    record.pruned?.latency = [latency(1, [10, 9.75, 10, 10, 10, 10.125]), latency(64, [1, 2, 3, 4, 5])].compactMap { $0 }
    #expect(
      record.text(width: 400).contains(
        "\nlatency      median (quartiles); batch 1: 6 samples, medians within ± 2.5 % (95 % confidence); batch 64: 5 samples\n"))
    record.pruned = nil
    #expect(record.text(width: 400).contains("batch 1: 6 samples, median within ± 1.0 % (95 % confidence);"))
    record.dense.latency = []
    #expect(record.text(width: 400).contains("\nlatency      not measured\n") && !record.text().contains("latency, batch"))
  }

  @Test func jsonGoesThereAndBack() throws {
    let json = try record.json()
    #expect(try RunRecord(json: Data(json.utf8)) == record)
    #expect(json.contains("\"answer\" : \"partlyFaster\""))
    #expect(json.contains("\"achieved\" : 0.9"))
    #expect(json.contains("\"standardError\" : 0.00"))
    var diverged = record
    diverged.pruned?.accuracyAtEnd?.loss = .infinity
    #expect(try RunRecord(json: Data(diverged.json().utf8)) == diverged)
  }

  @Test func aModelThatWasOnlyTrained() {
    var trained = record
    trained.pruned = nil
    trained.weights = nil
    trained.units = nil
    trained.proof = nil
    trained.method = nil
    #expect(trained.inference == nil)
    #expect(
      trained.text(width: 60) == """
        lenet-300-100 on digits, seed 7

                                                        model
        test accuracy, end of training         97.78 % ± 0.78
        test accuracy, validation-chosen       98.06 % ± 0.73
        test loss, end of training                     0.0912
        parameters                                     52,610
        prunable weights                               52,200
        non-zero weights                               52,200
        units                                             400
        outputs of all layers                             410
        tensors                                        210 kB
        file                                           212 kB
        MACs                                           52,200
        MACs of non-zero weights                       52,200
        latency, batch 1                  31.0 µs (30.5–31.5)
        latency, batch 64                    102 µs (101–103)

        data         1,293 training (of 1,437), 144 validation, 360
                     test images; accuracy ± standard error; lowest
                     validation loss: step 800; 8×8 images
        latency      median (quartiles); batch 1: 3 samples; batch
                     64: 3 samples
        training     12.3 s, 3,000 steps
        peak memory  512 MB
        machine      A Processor, 2 threads, espalier 0.1.0,
                     libtorch 2.11.0
        command      espalier prune --network lenet-300-100 --output
                     'my model.safetensors'

        """)
  }

  @Test func standardErrorOfAThousandImages() throws {
    let accuracy = Accuracy(correct: 900, count: 1000, loss: 0.3)
    #expect(try abs(#require(accuracy.standardError) - 0.009_486_8) < 1e-7)
    #expect(Accuracy(correct: 0, count: 0, loss: 0).standardError == 0)
  }

  /// Of images that belong to tasks, the spread over tasks is what counts.
  @Test func standardErrorOverTasks() throws {
    var record = record
    record.dense.accuracyAtEnd?.tasks = .init(count: 20, standardError: 0.0123)
    record.pruned?.accuracyAtEnd?.tasks = .init(count: 1, standardError: nil)
    let line = try #require(record.text().split(separator: "\n").first { $0.hasPrefix("test accuracy, end of training") })
    #expect(line.contains(" % ± 1.23 ") && line.contains(" % ± – "), "\(line)")
    let json = try record.json()
    #expect(try RunRecord(json: Data(json.utf8)) == record)
    #expect(json.contains("\"standardError\" : 0.0123"))
  }
}
