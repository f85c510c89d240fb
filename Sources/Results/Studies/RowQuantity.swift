/// A number that can be read off a row, by the name that recipes, tables and queries use.
public struct RowQuantity: Hashable, Sendable {
  /// Name of the quantity, e.g. `test-accuracy`.
  public let name: String
  /// What it is, in words.
  public let words: String
  /// Unit of the values: `fraction`, `s`, `bytes`, `steps`, `epochs`, or nothing for counts and plain numbers.
  public let unit: String
  /// Returns the quantity of a row; nil if the row does not have it.
  public let value: @Sendable (RunRecord) -> Double?

  /// Creates a quantity; every parameter sets the property of the same name.
  public init(_ name: String, _ words: String, unit: String = "", _ value: @escaping @Sendable (RunRecord) -> Double?) {
    self.name = name
    self.words = words
    self.unit = unit
    self.value = value
  }

  /// Whether two quantities have the same name.
  public static func == (a: Self, b: Self) -> Bool { a.name == b.name }
  /// Hashes the name.
  public func hash(into hasher: inout Hasher) { hasher.combine(name) }

  /// All quantities, in the order of tables.
  public static let all = ofEveryRun + manyData + penalties

  /// Those that have to do with no method in particular.
  private static let ofEveryRun: [RowQuantity] = [
    RowQuantity("test-accuracy", "test accuracy at the end of training", unit: "fraction") { $0.final.accuracyAtEnd?.fraction },
    RowQuantity("chosen-accuracy", "test accuracy at the lowest validation loss", unit: "fraction") { $0.final.accuracyChosen?.fraction },
    RowQuantity("test-loss", "test loss at the end of training in nats") { $0.final.accuracyAtEnd?.loss },
    RowQuantity("dense-accuracy", "test accuracy of the dense network", unit: "fraction") { $0.dense.accuracyAtEnd?.fraction },
    RowQuantity("accuracy-change", "test accuracy at the end minus that of the dense network", unit: "fraction") { row in
      row.pruned?.accuracyAtEnd.flatMap { end in row.dense.accuracyAtEnd.map { end.fraction - $0.fraction } }
    },
    RowQuantity("validation-accuracy", "last validation accuracy", unit: "fraction") { $0.evaluations?.last?.accuracy },
    RowQuantity("best-validation-accuracy", "highest validation accuracy", unit: "fraction") { $0.evaluations?.map(\.accuracy).max() },
    RowQuantity("sparsity", "fraction of prunable weights that are 0 or gone, of those of the dense network", unit: "fraction") {
      $0.dense.prunableWeights > 0 ? 1 - Double($0.final.nonZeroWeights) / Double($0.dense.prunableWeights) : nil
    },
    RowQuantity("nonzero-weights", "prunable weights that are not 0") { Double($0.final.nonZeroWeights) },
    RowQuantity("parameters", "learned numbers") { Double($0.final.parameters) },
    RowQuantity("units", "removable units") { $0.final.units.map(Double.init) },
    RowQuantity("macs", "multiply–accumulates for one example") { Double($0.final.macs) },
    RowQuantity("effective-macs", "multiply–accumulates by weights that are not 0") { Double($0.final.effectiveMACs) },
    RowQuantity("file-bytes", "size of the model file", unit: "bytes") { $0.final.fileBytes.map(Double.init) },
    RowQuantity("gzip-bytes", "what gzip makes of the plain model file, of packed ones", unit: "bytes") {
      $0.final.gzipBytes.map(Double.init)
    },
    RowQuantity("tensor-bytes", "bytes of all tensors", unit: "bytes") { Double($0.final.tensorBytes) },
    RowQuantity("latency-1", "seconds of a forward pass at batch 1", unit: "s") { $0.final.seconds(batch: 1) },
    RowQuantity("latency-64", "seconds of a forward pass at batch 64", unit: "s") { $0.final.seconds(batch: 64) },
    RowQuantity("instability", "mean accuracy lost at once in removals, on validation images", unit: "fraction") { $0.instability },
    RowQuantity("relative-instability", "mean part of the accuracy lost at once in removals", unit: "fraction") { $0.relativeInstability },
    RowQuantity("surgery-seconds", "seconds of planning cuts and cutting, without scores and proofs", unit: "s") { $0.surgerySeconds },
    RowQuantity("macs-left", "multiply–accumulates, as a fraction of those of the dense network", unit: "fraction") {
      $0.dense.macs > 0 ? Double($0.final.macs) / Double($0.dense.macs) : nil
    },
    RowQuantity("parameters-left", "learned numbers, as a fraction of those of the dense network", unit: "fraction") {
      $0.dense.parameters > 0 ? Double($0.final.parameters) / Double($0.dense.parameters) : nil
    },
    RowQuantity("epoch-time-left", "seconds of an epoch at the end over those at the start", unit: "fraction") { row in
      row.pruned?.epoch.flatMap { last in row.dense.epoch.flatMap { $0.median > 0 ? last.median / $0.median : nil } }
    },
    RowQuantity("training-accuracy", "training accuracy at the end (--flatness)", unit: "fraction") { $0.flatness?.training.fraction },
    RowQuantity("training-loss", "training loss at the end in nats (--flatness)") { $0.flatness?.training.loss },
    RowQuantity("accuracy-gap", "training accuracy minus test accuracy at the end", unit: "fraction") { $0.accuracyGap },
    RowQuantity("loss-gap", "test loss minus training loss at the end in nats") { $0.lossGap },
    RowQuantity("hessian-trace", "trace of the Hessian of the training loss at the end") { $0.flatness?.hessianTrace.mean },
    RowQuantity("hessian-top", "largest eigenvalue of that Hessian") { $0.flatness?.eigenvalues.first },
    RowQuantity("hessian-top-sum", "sum of its largest eigenvalues, as many as the row has") { $0.flatness?.eigenvalueSum },
    RowQuantity("gradient-covariance", "trace of the covariance of the training examples' gradients") { $0.flatness?.gradientCovariance },
    RowQuantity("loss-rise", "rise of the training loss with noise on the weights in nats") { $0.flatness?.lossRise.mean },
    RowQuantity("training-seconds", "seconds of training", unit: "s") { $0.trainingSeconds },
    RowQuantity("steps", "training steps") { $0.steps.map(Double.init) },
    RowQuantity("training-flops", "floating-point operations of all training steps, by the weights that were there") { $0.work?.flops },
    RowQuantity("dense-training-flops", "the same if the network had been dense in every step") { row in
      row.work.map { $0.denseFLOPs(macs: row.dense.macs) }
    },
    RowQuantity("peak-memory", "largest resident set of the process", unit: "bytes") { Double($0.peakMemory) },
    RowQuantity("collapsed-layers", "layers through which no signal flows") { Double($0.collapse?.layers.count ?? 0) },
  ]

  /// Returns the quantity of a name, or of a family's name with a number, e.g. `steps-to@0.95`; nil if there is none.
  public static func named(_ name: String) -> RowQuantity? {
    all.first { $0.name == name } ?? families.lazy.compactMap { $0.quantity(name) }.first
  }

  /// Quantities that a number completes: `NAME@NUMBER`.
  public struct Family: Sendable {
    /// The part of the name before the @.
    public let name: String
    /// What they are, in words.
    public let words: String
    /// Unit of the values.
    public let unit: String
    let value: @Sendable (RunRecord, Double) -> Double?

    /// A name that is possible, for messages and help.
    public var example: String { name + "@0.95" }

    /// Returns the quantity of a name that has this family's name before the @, and behind it an accuracy above 0 and at most 1.
    func quantity(_ name: String) -> RowQuantity? {
      let parts = name.split(separator: "@", omittingEmptySubsequences: false)
      guard parts.count == 2, parts[0] == self.name, let target = Double(parts[1]), target > 0, target <= 1 else { return nil }
      let value = value
      return RowQuantity(name, "\(words) \(parts[1])", unit: unit) { value($0, target) }
    }
  }

  /// All families, each by the accuracy on validation images that is to be reached. A run that never reaches it has no value.
  public static let families: [Family] = [
    Family(name: "steps-to", words: "training steps to a validation accuracy of", unit: "steps") { row, target in
      row.firstEvaluation(reaching: target).map { Double($0.step) }
    },
    Family(name: "epochs-to", words: "epochs of training to a validation accuracy of", unit: "epochs") { row, target in
      row.firstEvaluation(reaching: target)?.epoch
    },
  ]
}

extension RunRecord {
  /// The model that the run ends with: the pruned one, or the dense one if nothing was pruned.
  public var final: Artefact { pruned ?? dense }

  /// The first evaluation, in whatever training, whose accuracy on validation images is at least the given one; nil if none is.
  public func firstEvaluation(reaching accuracy: Double) -> EvaluationPoint? { evaluations?.first { $0.accuracy >= accuracy } }
}

extension Artefact {
  /// Median seconds of a forward pass over a batch; nil if it was not measured.
  func seconds(batch: Int) -> Double? { latency.first { $0.batch == batch }?.time.median }
}
