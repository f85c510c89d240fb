internal import ArgumentParser
internal import Training

/// Options for learning from a teacher besides the labels; shared by the commands that train.
struct DistillationOptions: ParsableArguments {
  @Flag(help: "Knowledge distillation: trainings learn from a teacher's outputs as well, in prune by default from the unpruned network's.")
  var distill = false

  @Option(help: ArgumentHelp("Temperature by which --distill divides both networks' logits; 4 by default.", valueName: "number"))
  var distillTemperature: Double?

  @Option(
    help: ArgumentHelp("Share of the teacher in the loss, labels having the rest; 0.9 by default, 1 for no labels.", valueName: "share"))
  var distillWeight: Double?

  @Option(
    help: ArgumentHelp(
      "Weight of the teacher's features in the loss: where in an image they are large (attention transfer), e.g. 1000; none by default.",
      valueName: "weight"))
  var distillFeatures: Double?

  @Option(
    help: ArgumentHelp("The teacher of --distill: a model file or ONNX model of the same inputs and classes.", valueName: "file"),
    completion: .file(extensions: ["safetensors", "onnx"]))
  var teacher: String?

  /// The options other than the flag.
  static let details = ["--distill-temperature", "--distill-weight", "--distill-features", "--teacher"]

  /// The distillation that the options describe; nil for none.
  ///
  /// - Throws: `PlanError` for options that have no effect.
  var plan: Distillation? {
    get throws {
      guard distill else {
        let given = zip(Self.details, [distillTemperature != nil, distillWeight != nil, distillFeatures != nil, teacher != nil])
        if let option = given.first(where: { $0.1 })?.0 { throw PlanError("\(option) goes with --distill") }
        return nil
      }
      var plan = Distillation(teacher: teacher)
      plan.temperature = distillTemperature ?? plan.temperature
      plan.weight = distillWeight
      plan.features = distillFeatures
      return plan
    }
  }
}
